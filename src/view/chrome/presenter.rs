//! The frame in presenter mode: the sentence in large type, the keys that were pressed, no tabs, rates or addresses.

use super::{Bar, clock, join, whole_sentences};
use crate::model::Model;
use crate::view::Area;
use crate::view::large::{self, Large};
use crate::view::line::Line;
use crate::view::role::Role;
use crate::view::sentence::{self, Sentence};
use crate::view::text::safe_str;

/// From so many rows of the terminal on the large words have two lines.
const TALL: u16 = 34;

/// From so many rows on there are large words at all.
const LARGE: u16 = 22;

/// Rows of the sentence on a terminal so high: large lines, and one for the rest of it.
pub(super) fn sentence_rows(height: u16) -> u16 {
    match height {
        TALL.. => 2 * large::ROWS + 1,
        LARGE.. => large::ROWS + 1,
        _ => 1,
    }
}

/// Who and when, and the keys that were pressed.
pub(super) fn header(model: &Model, area: Area) -> Bar {
    let snapshot = &model.snapshot;
    let (badge, role) = if snapshot.capabilities.lab { (" LAB ", Role::BadgeLab) } else { (" LIVE ", Role::BadgeLive) };
    let mut left = Line::of(role, badge).with(Role::Strong, format!(" {}   ", safe_str(&snapshot.name)));
    for pressed in &model.pressed {
        left =
            left.with(Role::KeyCap, format!(" {} ", pressed.keys)).with(Role::Text, format!(" {}   ", pressed.command));
    }
    Bar { area, left, right: clock(model).with(Role::Text, " "), surface: Role::Ground }
}

/// The sentence: what stands out in large type, the rest in a row below.
pub(super) fn sentence(model: &Model, area: Area) -> (Vec<Large>, Bar) {
    let Sentence { role, bold, plain, short, .. } = sentence::of_screen(model);
    let lines = usize::from(area.height / large::ROWS);
    let width = area.width.saturating_sub(2);
    let whole = large::wrapped(&bold, width, lines).map(|words| (words, plain.clone()));
    let all = format!("{bold} {plain}");
    let in_short =
        || large::wrapped(&short, width, lines).filter(|words| !words.is_empty()).map(|words| (words, all.clone()));
    let found = whole.or_else(|| head(&bold, &plain, width, lines)).or_else(in_short);
    let (words, rest) = found.unwrap_or_else(|| (Vec::new(), all.clone()));
    let line = |at: usize| {
        let at_row = u16::try_from(at).unwrap_or(0) * large::ROWS;
        let area = Area { y: area.y + at_row, height: large::ROWS, ..area };
        Large { area, text: words.get(at).cloned().unwrap_or_default(), role, surface: role }
    };
    let last = Area { y: area.y + area.height.saturating_sub(1), height: 1, ..area };
    let rest = whole_sentences(&rest, usize::from(width));
    let rest = Line::of(role, " ").with(role, rest).cut(usize::from(area.width));
    (
        (0..lines).map(line).collect(),
        Bar { area: last, left: join(Line::default(), rest), surface: role, ..Bar::default() },
    )
}

/// What stands out, up to its first pause, where all of it does not fit.
fn head(bold: &str, plain: &str, width: u16, lines: usize) -> Option<(Vec<String>, String)> {
    let (head, rest) = bold.split_once(": ").or_else(|| bold.split_once(", "))?;
    let words = large::wrapped(head, width, lines)?;
    Some((words, format!("{rest} {plain}")))
}
