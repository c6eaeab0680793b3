//! Draws the frame of every screen.

use ratatui::Frame;

use crate::theme::Theme;
use crate::view::chrome::{Bar, ChromeView};

use super::{large, paint};

/// Draws its rows.
pub fn draw(frame: &mut Frame<'_>, view: &ChromeView, theme: &Theme) {
    draw_large(frame, view, theme);
    for bar in [Some(&view.header), Some(&view.sentence), view.news.as_ref(), Some(&view.hints)].into_iter().flatten() {
        draw_bar(frame, bar, theme);
    }
}

/// The words of a hall's sentence; the surface is filled first.
fn draw_large(frame: &mut Frame<'_>, view: &ChromeView, theme: &Theme) {
    for words in &view.large {
        let area = paint::rect(words.area);
        paint::fill(frame, area, theme.style(words.surface));
        let inner = ratatui::layout::Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area };
        large::draw(frame, inner, &words.text, paint::on(theme, words.role, words.surface), theme);
    }
}

fn draw_bar(frame: &mut Frame<'_>, bar: &Bar, theme: &Theme) {
    let area = paint::rect(bar.area);
    paint::fill(frame, area, theme.style(bar.surface));
    let room = usize::from(area.width).saturating_sub(bar.right.width());
    paint::line(frame, area, 0, &bar.left.clone().cut(room), theme, bar.surface);
    paint::line_right(frame, area, 0, &bar.right, theme, bar.surface);
}
