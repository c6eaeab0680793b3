//! Draws what lies over a screen.

use ratatui::Frame;
use ratatui::layout::{Margin, Position, Rect};

use crate::theme::{Role, Theme};
use crate::view::overlay::{OverlayView, PanelView};

use super::{explain, paint};

/// Draws it over a shaded screen.
pub fn draw(frame: &mut Frame<'_>, view: &OverlayView, theme: &Theme) {
    match view {
        OverlayView::Panel(panel) => {
            // The header and the sentence stay: news must be seen through an open form too.
            let all = frame.area();
            let behind = Rect { y: 2, height: all.height.saturating_sub(3), ..all };
            paint::shade(frame, behind, theme);
            draw_panel(frame, panel, theme);
        }
        OverlayView::Explain(view) => explain::draw(frame, view, theme),
    }
}

fn draw_panel(frame: &mut Frame<'_>, view: &PanelView, theme: &Theme) {
    let area = paint::rect(view.area);
    paint::panel(frame, area, &view.title, theme);
    let inner = area.inner(Margin::new(1, 1));
    for (row, line) in (0..inner.height).zip(&view.lines) {
        let surface = if line.chosen { Role::SelectedRow } else { Role::Panel };
        let place = Rect { y: inner.y + row, height: 1, ..inner };
        paint::fill(frame, place, theme.style(surface));
        paint::line(frame, place, 0, &line.line, theme, surface);
        if line.chosen {
            paint::selected(frame, place, theme, surface);
        }
        if let Some(column) = line.cursor.filter(|column| *column < inner.width) {
            frame.set_cursor_position(Position::new(inner.x + column, place.y));
        }
    }
}
