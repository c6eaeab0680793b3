//! The filter over a list: as it is typed, or as it is in force.

use super::Area;
use super::line::Line;
use super::role::Role;
use super::sheet::{Heads, Sheet};
use super::text::safe_str;
use crate::model::Model;
use crate::model::prompt::Prompt;

/// A list that can be filtered.
pub(super) struct Filtered<'a> {
    /// The filter in force; empty for none.
    pub(super) filter: &'a str,
    /// How many rows match it.
    pub(super) listed: usize,
    /// How many rows there are.
    pub(super) all: usize,
    /// What it is sorted by, where that column is not in view.
    pub(super) hidden_order: Option<String>,
}

/// The order of a table, if none of its columns (by name, with the width of the terminal that it needs) shows it.
pub(super) fn hidden_order(
    heads: Heads,
    mut columns: impl Iterator<Item = (&'static str, u16)>,
    area: Area,
) -> Option<String> {
    let hidden = columns.any(|(name, from)| name == heads.sorted.0 && from > area.width + 4);
    hidden.then(|| format!("sorted by {}", heads.in_words()))
}

/// Puts the filter; where there is none, the order, if its column is not in view.
pub(super) fn put(model: &Model, list: &Filtered<'_>, area: Area, sheet: &mut Sheet) {
    let field = Area { width: (area.width / 3).min(60), height: 1, ..area };
    match &model.prompt {
        Some(Prompt::Filter(typed)) => sheet.put_field(field, " / ", &typed.text(), typed.cursor.1),
        _ if !list.filter.is_empty() => {
            let line = Line::of(Role::Key, " / ").with(Role::Text, safe_str(list.filter));
            sheet.put_on(field, line, Role::Field);
        }
        _ => {
            let words = list.hidden_order.clone().unwrap_or_default();
            sheet.put_right(area, Line::of(Role::Accent, words), Role::Ground);
            return;
        }
    }
    let count = format!(" {} of {}", list.listed, list.all);
    sheet.put(Area { x: field.x + field.width, width: 16, ..field }, Line::of(Role::Faint, count));
}
