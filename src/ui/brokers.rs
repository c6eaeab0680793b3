//! Draws the Brokers screen.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::theme::Theme;
use crate::view::brokers::BrokersView;

use super::sheet;

/// Draws it; everything has its place in the view already.
pub fn draw(frame: &mut Frame<'_>, _area: Rect, view: &BrokersView, theme: &Theme) {
    sheet::draw(frame, &view.sheet, theme);
}
