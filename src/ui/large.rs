//! Draws large type: half blocks, or spaced capitals where the terminal has no blocks.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::theme::{Signs, Theme};
use crate::view::large;

use super::paint;

/// Draws words from the top left of an area, over what is there: only the letters' dots are drawn.
pub fn draw(frame: &mut Frame<'_>, area: Rect, words: &str, style: Style, theme: &Theme) {
    if theme.terminal().signs == Signs::Ascii {
        let spaced: String = words.to_uppercase().chars().flat_map(|letter| [letter, ' ']).collect();
        paint::text(frame, area, area.height / 2, &spaced, style.add_modifier(Modifier::BOLD));
        return;
    }
    for (y, row) in (area.y..area.bottom()).zip(large::rows(words)) {
        for (x, dot) in (area.x..area.right()).zip(row.chars()).filter(|(_, dot)| *dot != ' ') {
            let mut text = [0; 4];
            paint::text(frame, Rect { x, y, width: 1, height: 1 }, 0, dot.encode_utf8(&mut text), style);
        }
    }
}
