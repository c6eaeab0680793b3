//! Draws the Topics screens.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::theme::Theme;
use crate::view::topics::TopicsView;

/// Draws it into `area`.
pub fn draw(_frame: &mut Frame<'_>, _area: Rect, _view: &TopicsView, _theme: &Theme) {}
