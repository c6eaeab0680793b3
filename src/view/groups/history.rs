//! The rebalances of a group, newest first: one row for each, one cell for each partition with its reader's name.

use crate::session::snapshot::{Generation, Group, GroupKind};
use crate::view::Area;
use crate::view::chrome::join;
use crate::view::format::{self, count, duration_ms};
use crate::view::line::{Line, cut};
use crate::view::role::Role;
use crate::view::sheet::{Sheet, left, right};
use crate::view::text::safe_str;

use super::{colours, era};

/// Columns of a cell.
const CELL: usize = 4;

/// Draws as many as there is room for.
pub(super) fn project(group: &Group, area: Area, sheet: &mut Sheet) {
    if area.height < 2 {
        return;
    }
    let room = usize::from(area.width).saturating_sub(24 + 50);
    let cells = group.partitions.len() * CELL <= room && !group.partitions.is_empty();
    let note = if cells { "each cell: who owned the partition" } else { "how many each member owned" };
    let title = if group.kind == GroupKind::Consumer { "Epochs" } else { "Generations" };
    sheet.put_title(area, title, note);
    for (generation, y) in group.history.iter().zip(1..area.height) {
        let older = group.history.iter().find(|older| older.generation < generation.generation);
        sheet.put(area.row(y), row(group, generation, older, cells));
    }
}

fn row(group: &Group, generation: &Generation, older: Option<&Generation>, cells: bool) -> Line {
    let at = format::clock(generation.at_us);
    let line = Line::of(Role::Faint, left(era(group), 11))
        .with(Role::Strong, right(&generation.generation.to_string(), 3))
        .with(Role::Dim, format!("  {}   ", at.get(..8).unwrap_or(&at)));
    let line = if cells {
        owners(group, generation, older, line)
    } else {
        let widest = group.history.iter().map(|generation| shares(generation).width()).max().unwrap_or(0);
        join(line, shares(generation).padded(widest))
    };
    let line = line.with(Role::Text, "   ").with(Role::Text, left(&cut(&safe_str(&generation.why), 22), 22));
    let took = match (generation.began_us, generation.settled_us) {
        (Some(began), Some(settled)) => format!("took {}", duration_ms(settled.saturating_sub(began) / 1_000)),
        (_, None) => "under way".to_owned(),
        (None, _) => String::new(),
    };
    let line = line.with(Role::Dim, left(&took, 13));
    let line = match generation.stopped {
        0 => line.with(Role::Faint, "nothing stopped"),
        n if generation.stopped_ms == 0 => line.with(Role::Warn, format!("{n} stopped, for a moment")),
        n => line.with(Role::Warn, format!("{n} stopped, up to {}", duration_ms(generation.stopped_ms))),
    };
    let line = match generation.again {
        0 => line,
        n => line.with(Role::Warn, format!("   {} again", count(n))),
    };
    match generation.lost {
        0 => line,
        n => line.with(Role::Bad, format!("   {} lost", count(n))),
    }
}

/// Who owned what; what changed since the generation before stands out.
fn owners(group: &Group, generation: &Generation, older: Option<&Generation>, line: Line) -> Line {
    group.partitions.iter().fold(line, |line, partition| {
        let of = |generation: &Generation| {
            generation.owners.iter().find(|(at, _)| *at == partition.at).map(|(_, tag)| tag.clone())
        };
        match of(generation) {
            Some(tag) if older.is_some_and(|older| of(older) != Some(tag.clone())) => {
                line.with(colours(&tag).owned, left(&tag, CELL - 1)).with(Role::Text, " ")
            }
            Some(tag) => line.with(colours(&tag).name, left(&tag, CELL)),
            None => line.with(Role::Faint, left("–", CELL)),
        }
    })
}

/// How many each owned.
fn shares(generation: &Generation) -> Line {
    let mut counts: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for (_, tag) in &generation.owners {
        *counts.entry(tag).or_default() += 1;
    }
    let most = 6;
    let shown = counts.iter().take(most);
    let line =
        shown.fold(Line::default(), |line, (tag, count)| line.with(colours(tag).name, format!("{tag} {count}  ")));
    let more = counts.len().saturating_sub(most);
    line.with(Role::Faint, if more > 0 { format!("and {more} more") } else { String::new() })
}
