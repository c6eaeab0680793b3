//! Draws the explanation of what is selected.

use ratatui::Frame;

use crate::theme::Theme;
use crate::view::explain::ExplainView;

/// Draws it over the screen.
pub fn draw(_frame: &mut Frame<'_>, _view: &ExplainView, _theme: &Theme) {}
