//! Draws the explanation of what is selected over the dimmed screen.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::theme::Theme;
use crate::view::explain::ExplainView;

use super::{paint, sheet};

/// Draws it.
pub fn draw(frame: &mut Frame<'_>, view: &ExplainView, theme: &Theme) {
    let all = frame.area();
    paint::shade(frame, Rect { y: 2, height: all.height.saturating_sub(3), ..all }, theme);
    paint::panel(frame, paint::rect(view.area), &view.title, theme);
    sheet::draw(frame, &view.sheet, theme);
}
