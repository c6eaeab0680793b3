//! Draws the Groups screens.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::theme::Theme;
use crate::view::groups::GroupsView;

use super::{large, paint, sheet};

/// Draws it; its lines know their places.
pub fn draw(frame: &mut Frame<'_>, _area: Rect, view: &GroupsView, theme: &Theme) {
    sheet::draw(frame, &view.sheet, theme);
    for words in &view.large {
        let style = paint::on(theme, words.role, words.surface);
        large::draw(frame, paint::rect(words.area), &words.text, style, theme);
    }
}
