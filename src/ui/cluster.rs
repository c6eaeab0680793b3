//! Draws the Cluster screen.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::theme::Theme;
use crate::view::cluster::ClusterView;

/// Draws it into `area`.
pub fn draw(_frame: &mut Frame<'_>, _area: Rect, _view: &ClusterView, _theme: &Theme) {}
