//! Drawing: `draw(frame, &View, &Theme)`. No decisions: what is said, and where, is in the view. Never imports `app`, `model`,
//! `session` or `engine`.

pub mod brokers;
pub mod chrome;
pub mod cluster;
pub mod events;
pub mod explain;
pub mod groups;
pub mod large;
pub mod overlay;
pub mod paint;
pub mod sheet;
pub mod topics;

use ratatui::Frame;
use ratatui::widgets::Block;

use crate::theme::{Role, Theme};
use crate::view::{Body, View};

/// Draws the whole terminal.
pub fn draw(frame: &mut Frame<'_>, view: &View, theme: &Theme) {
    let all = frame.area();
    frame.render_widget(Block::new().style(theme.style(Role::Ground)), all);
    match view {
        View::TooSmall(needs) => paint::text(frame, all, 0, needs, theme.style(Role::Text)),
        View::Full(full) => {
            let area = paint::rect(full.area);
            match &full.body {
                Body::Cluster(view) => cluster::draw(frame, area, view, theme),
                Body::Topics(view) => topics::draw(frame, area, view, theme),
                Body::Brokers(view) => brokers::draw(frame, area, view, theme),
                Body::Groups(view) => groups::draw(frame, area, view, theme),
                Body::Events(view) => events::draw(frame, area, view, theme),
            }
            // After the screen: a notice lies over its last row.
            chrome::draw(frame, &full.chrome, theme);
            if let Some(overlay) = &full.overlay {
                overlay::draw(frame, overlay, theme);
            }
        }
    }
    let buffer = frame.buffer_mut();
    theme.finish(buffer, all);
}

#[cfg(test)]
mod tests;
