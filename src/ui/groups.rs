//! Draws the Groups screens.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::theme::Theme;
use crate::view::groups::GroupsView;

use super::sheet;

/// Draws it; its lines know their places.
pub fn draw(frame: &mut Frame<'_>, _area: Rect, view: &GroupsView, theme: &Theme) {
    sheet::draw(frame, &view.sheet, theme);
}
