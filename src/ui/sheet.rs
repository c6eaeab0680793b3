//! Draws a sheet: lines in their places.

use ratatui::Frame;
use ratatui::layout::Position;

use crate::theme::{Role, Theme};
use crate::view::sheet::Sheet;

use super::paint;

/// Draws it.
pub fn draw(frame: &mut Frame<'_>, sheet: &Sheet, theme: &Theme) {
    for placed in &sheet.placed {
        let area = paint::rect(placed.area);
        if placed.surface != Role::Ground {
            paint::fill(frame, area, theme.style(placed.surface));
        }
        paint::line(frame, area, 0, &placed.line, theme, placed.surface);
        if placed.line.spans.first().is_some_and(|first| first.role == Role::SelectedBar && first.text == "▌") {
            paint::selected(frame, area, theme, placed.surface);
        }
    }
    if let Some((x, y)) = sheet.cursor.filter(|(x, y)| *x < frame.area().right() && *y < frame.area().bottom()) {
        frame.set_cursor_position(Position::new(x, y));
    }
}
