//! Draws the Events screen.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::theme::Theme;
use crate::view::events::EventsView;

use super::sheet;

/// Draws it; everything has its place in the view already.
pub fn draw(frame: &mut Frame<'_>, _area: Rect, view: &EventsView, theme: &Theme) {
    sheet::draw(frame, &view.sheet, theme);
}
