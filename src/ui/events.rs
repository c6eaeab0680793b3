//! Draws the Events screen.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::theme::Theme;
use crate::view::events::EventsView;

/// Draws it into `area`.
pub fn draw(_frame: &mut Frame<'_>, _area: Rect, _view: &EventsView, _theme: &Theme) {}
