//! What became of the records that a group's built-in members were given: how many were processed once, and by name those
//! that were processed again or are lost.

use crate::session::snapshot::{Deliveries, DeliveryRun, Fate, Group};
use crate::view::Area;
use crate::view::chrome::join;
use crate::view::format::{count, grouped};
use crate::view::line::{Line, cut};
use crate::view::role::Role;
use crate::view::sheet::{Sheet, columns, left, right};
use crate::view::text::safe_str;

use super::{colours, point::records};

/// Columns of who had to do with a run.
const WHO: usize = 36;

/// How many rows it takes where there is room for all.
pub(super) fn rows(group: &Group) -> u16 {
    let known = &group.deliveries;
    if **known == Deliveries::default() {
        return 0;
    }
    1 + columns(known.runs.len()) + u16::from(known.more > 0)
}

/// Draws it; returns what is left below.
pub(super) fn project(group: &Group, area: Area, sheet: &mut Sheet) -> Area {
    let known = &group.deliveries;
    let wanted = rows(group).min(area.height);
    if wanted == 0 {
        return area;
    }
    sheet.put(area, title(group, area.width));
    let named = usize::from(wanted - 1);
    let all = known.runs.len() + usize::try_from(known.more).unwrap_or(usize::MAX);
    // The last row says how many are not named, where not all are: those beyond the bound have no name here.
    let shown = if all > named { named.saturating_sub(1) } else { all }.min(known.runs.len());
    for (run, y) in known.runs.iter().take(shown).zip(1..) {
        sheet.put(area.row(y), row(run, area.width));
    }
    if all > shown && named > 0 {
        let words = format!("  and {} more such runs of offsets", all - shown);
        sheet.put(area.row(wanted - 1), Line::of(Role::Faint, words));
    }
    area.below(wanted)
}

fn title(group: &Group, width: u16) -> Line {
    let known = &group.deliveries;
    let number = |line: Line, n: u64, role: Role, what: &str| {
        let role = if n == 0 { Role::Dim } else { role };
        line.with(role, count(n)).with(if n == 0 { Role::Faint } else { Role::Dim }, format!(" {what}   "))
    };
    let outside = group.members.iter().any(|member| member.built_in.is_none());
    let of = if outside { "what the built-in members processed   " } else { "how often each record was   " };
    let line = Line::of(Role::Title, "Processed").with(Role::Faint, format!("  {of}"));
    let line = number(line, known.once, Role::Strong, "once");
    let line = number(line, known.again, Role::Warn, "again");
    let line = number(line, known.lost, Role::Bad, "never: lost");
    let rest = usize::from(width).saturating_sub(line.width());
    line.with(Role::Rule, "─".repeat(rest))
}

fn row(run: &DeliveryRun, width: u16) -> Line {
    let (role, sign, word) = match run.fate {
        Fate::Lost => (Role::Bad, "✖", "lost"),
        Fate::Again => (Role::Warn, "▲", "again"),
    };
    let long = u64::try_from(run.last - run.first + 1).unwrap_or(0);
    let line = Line::of(role, format!("  {sign} {}", left(word, 7)))
        .with(Role::Text, left(&cut(&named(run), 38), 40))
        .with(Role::Strong, right(&records(long), 14));
    let line = join(line.with(Role::Text, "   "), who(run).cut(WHO).padded(WHO));
    if run.keys.is_empty() {
        return line;
    }
    let keys = run.keys.iter().map(|key| safe_str(key)).collect::<Vec<_>>().join(", ");
    let more = if run.keys.len() as u64 == long { "" } else { " …" };
    let room = usize::from(width).saturating_sub(line.width() + 3);
    line.with(Role::Faint, "   ").with(Role::Dim, cut(&format!("key {keys}{more}"), room))
}

/// A run by name: `trucks_gps-3 offsets 120 to 131`.
pub(super) fn named(run: &DeliveryRun) -> String {
    let at = format!("{}-{}", safe_str(&run.at.topic), run.at.partition);
    if run.first == run.last {
        return format!("{at} offset {}", grouped(run.first));
    }
    format!("{at} offsets {} to {}", grouped(run.first), grouped(run.last))
}

/// Who had to do with it.
fn who(run: &DeliveryRun) -> Line {
    let before = if run.fate == Fate::Again { "by " } else { "in the hand of " };
    let line = run.by.iter().enumerate().fold(Line::of(Role::Faint, before), |line, (at, by)| {
        let line = line.with(Role::Faint, if at == 0 { "" } else { " and " });
        let line = line.with(colours(&by.tag).name, safe_str(&by.tag));
        if by.alive { line } else { line.with(Role::Dead, " ✖") }
    });
    match run.fate {
        Fate::Again => line,
        Fate::Lost => line.with(Role::Faint, " when it crashed"),
    }
}
