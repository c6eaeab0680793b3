//! Draws the Brokers screen.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::theme::Theme;
use crate::view::brokers::BrokersView;

/// Draws it into `area`.
pub fn draw(_frame: &mut Frame<'_>, _area: Rect, _view: &BrokersView, _theme: &Theme) {}
