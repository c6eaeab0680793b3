//! The Groups screens as plain data: the list, one group with its rebalance as it happens, two side by side.
//!
//! ```text
//! Groups › dashboard   reads trucks_gps   shares out by range, eager   coordinator broker-1        lag 344 ▁▂▅ ↗
//! Stable ●━━ PreparingRebalance ●━━── CompletingRebalance ○─── Stable ○       the phases, as they happen
//! ▌ 7 of 10 partitions are read by nobody.                                    the point, in words
//! Members   has each one rejoined?       Before  generation 6      After      roll call and matrix in one table
//! Who reads what   the last 6 s          lanes, a row per partition           committed, end, lag, trend
//! Earlier rebalances                     a row per generation
//! ```

mod compare;
mod deliveries;
mod history;
mod lanes;
mod list;
pub(super) mod point;
mod ribbon;
mod roll;

use crate::model::Model;
use crate::model::place::Screen;
use crate::session::snapshot::{Group, GroupKind, GroupPartition, Snapshot};

use super::chrome::join;
use super::format;
use super::large::Large;
use super::line::{Line, cut, cut_middle};
use super::role::Role;
use super::sentence::{self, Sentence};
use super::sheet::{Sheet, columns};
use super::text::{name_of, safe_str};
use super::{Area, Hit};

/// The Groups screens.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupsView {
    /// Its lines.
    pub sheet: Sheet,
    /// Words in large type.
    pub large: Vec<Large>,
}

impl GroupsView {
    /// What can be clicked.
    pub fn hits(&self) -> &[Hit] {
        &self.sheet.hits
    }
}

/// From this width on there is room for words beside everything.
const WIDE: u16 = 120;
/// From this height of the body on there are empty rows between the parts.
const TALL: u16 = 32;

/// The Groups screens for a model, in `area`.
pub fn project(model: &Model, area: Area) -> GroupsView {
    let (mut sheet, mut large) = (Sheet::default(), Vec::new());
    let (snapshot, place) = (&*model.snapshot, &model.groups);
    match (place.current(snapshot).filter(|_| place.opened), place.other(snapshot)) {
        (Some(group), Some(other)) => large = compare::project(model, group, other, area, &mut sheet),
        (Some(group), None) => one(model, group, area, &mut sheet),
        (None, _) => list::project(model, area, &mut sheet),
    }
    GroupsView { sheet, large }
}

/// What matters of the group that is opened, or of two side by side, as the one sentence of the screen.
pub(super) fn sentence(model: &Model) -> Option<Sentence> {
    let (snapshot, place) = (&*model.snapshot, &model.groups);
    let group = place.current(snapshot).filter(|_| place.opened && model.screen == Screen::Groups)?;
    let point = match place.other(snapshot) {
        Some(other) => compare::verdict(group, other),
        None => point::of(snapshot, group),
    };
    let (role, sign) = match point.role {
        Role::Bad => (Role::SentenceBad, "✖"),
        Role::Warn => (Role::SentenceWarn, "▲"),
        _ => (Role::SentenceNote, "●"),
    };
    Some(Sentence { role, sign, bold: point.bold, plain: point.plain, short: point.short })
}

/// One group, from top to bottom: what is less important goes where there is no room.
fn one(model: &Model, group: &Group, area: Area, sheet: &mut Sheet) {
    let snapshot = &*model.snapshot;
    let tall = area.height >= TALL;
    let gap = u16::from(tall);
    let mut rest = inset(area.below(gap), area.width >= WIDE);
    crumbs(group, rest, sheet);
    rest = rest.below(1 + gap);
    rest = ribbon::project(snapshot, group, rest, tall && area.width >= WIDE, sheet).below(gap);
    if !sentence::tells_group(model) {
        rest = point::project(snapshot, group, rest, tall, sheet).below(gap);
    }
    let lanes = columns(group.partitions.len()).clamp(1, 12) + 1;
    if rest.height > lanes.min(8) + 2 {
        let room = rest.height - lanes.min(rest.height.saturating_sub(3));
        // Many members leave the rows below the lanes what is worth the least of them.
        let below = if tall { below(group, u16::MAX).wanted().min(LEAST_BELOW) } else { 0 };
        let room = room.saturating_sub(below + 3).max(room.min(LEAST_ROLL));
        rest = roll::project(model, group, rest.top(room), rest, sheet).below(u16::from(rest.height > 14));
    }
    let left = if tall && rest.height > lanes + 4 { rest.height - lanes - 3 } else { 0 };
    let below = below(group, left);
    let room = rest.top(rest.height - below.wanted());
    rest = lanes::project(model, group, room, rest, sheet);
    if below.deliveries > 1 {
        deliveries::project(group, rest.below(1).top(below.deliveries - 1), sheet);
        rest = rest.below(below.deliveries);
    }
    if below.history > 2 {
        history::project(group, rest.below(1), sheet);
    }
}

/// Rows of the roll call that are kept however much stands below it: its head and a few members.
const LEAST_ROLL: u16 = 7;
/// Rows below the lanes that are kept however many members there are.
const LEAST_BELOW: u16 = 9;

/// Rows of what stands below the lanes, each with the empty one before it.
struct Below {
    deliveries: u16,
    history: u16,
}

impl Below {
    fn wanted(&self) -> u16 {
        self.deliveries.saturating_add(self.history)
    }
}

/// What stands below the lanes, in at most `room` rows: the newest generations keep their place, and a list of what went
/// wrong takes what is left.
fn below(group: &Group, room: u16) -> Below {
    let with_gap = |rows: u16| if rows > 0 { rows + 1 } else { 0 };
    let deliveries = with_gap(deliveries::rows(group));
    let history = if group.history.is_empty() { 0 } else { columns(group.history.len()).min(6) + 2 };
    let first = deliveries.min(7).min(room.saturating_sub(history.min(4)));
    let history = history.min(room - first);
    Below { deliveries: deliveries.min(room - history), history }
}

/// Where one is, and what the group is like.
fn crumbs(group: &Group, area: Area, sheet: &mut Sheet) {
    let wide = area.width >= WIDE;
    let mut line = if wide { Line::of(Role::Faint, "Groups › ") } else { Line::default() };
    line = line.with(Role::Strong, cut_middle(&name_of(&group.id), if wide { 40 } else { 22 }));
    let topics = group.topics.iter().map(|topic| safe_str(topic)).collect::<Vec<_>>().join(" ");
    let fact = |line: Line, before: &str, value: String| {
        let line = line.with(Role::Faint, if wide { format!("   {before} ") } else { "  ".to_owned() });
        line.with(Role::Text, value)
    };
    if !topics.is_empty() {
        line = fact(line, "reads", cut(&topics, if wide { 40 } else { 16 }));
    }
    if let Some(way) = assignor(group) {
        line = fact(line, "shares out by", way);
    }
    line = match group.coordinator {
        Some(id) if wide => fact(line, "coordinator", format!("broker-{id}")),
        Some(id) => line.with(Role::Faint, "  coordinator ").with(Role::Text, format!("broker-{id}")),
        None => line.with(Role::Bad, "   ✖ no coordinator"),
    };
    if wide {
        line = line.with(Role::Faint, format!("  __consumer_offsets-{}", group.offsets_partition));
    }
    let right = lag(group);
    let room = area.width.saturating_sub(columns(right.width()) + 2);
    sheet.put(Area { width: room, ..area }, line);
    sheet.put_right(area, right, Role::Ground);
}

/// How the group shares out, with the word that explains it: eager or cooperative.
fn assignor(group: &Group) -> Option<String> {
    let name = group.assignor.as_ref().filter(|name| !name.is_empty())?;
    let name = safe_str(name);
    Some(match (group.kind, group.cooperative) {
        (GroupKind::Consumer, _) => format!("{name}, by the coordinator"),
        (GroupKind::Classic, true) if name.contains("cooperative") => name,
        (GroupKind::Classic, true) => format!("{name}, cooperative"),
        (GroupKind::Classic, false) => format!("{name}, eager"),
    })
}

/// What a generation is called: KIP-848 counts epochs.
fn era(group: &Group) -> &'static str {
    match group.kind {
        GroupKind::Classic => "generation",
        GroupKind::Consumer => "epoch",
    }
}

/// The lag of the whole group, its curve, and whether it grows.
fn lag(group: &Group) -> Line {
    let growing = Trend::of(group.lag, group.lag_trend_per_sec);
    let line = Line::of(Role::Faint, "lag ").with(growing.role(Role::Strong), format::count(group.lag));
    let most = group.lags.iter().copied().max().unwrap_or(0).max(LEAST_HIGH);
    join(line.with(Role::Text, " "), spark(&group.lags, most, growing.role(Role::Dim)))
        .with(growing.role(Role::Dim), format!(" {}", growing.sign()))
}

/// A curve reaches its full height from this number of records on: a handful more or less is noise.
const LEAST_HIGH: u64 = 16;

/// A curve of numbers, the newest at the right.
fn spark(values: &[u64], most: u64, role: Role) -> Line {
    const SIGNS: [&str; 5] = ["▁", "▂", "▃", "▄", "▅"];
    let sign = |value: &u64| {
        let height = usize::try_from(value.saturating_mul(4) / most.max(1)).unwrap_or(4);
        SIGNS.get(height).copied().unwrap_or("▅")
    };
    Line::of(role, values.iter().map(sign).collect::<String>())
}

/// Which way a lag goes; a few records, or a tenth of it, is noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trend {
    Grows(u64),
    Shrinks(u64),
    Steady,
}

impl Trend {
    fn of(lag: u64, per_sec: i64) -> Self {
        let noise = (lag / 10).max(5);
        match (per_sec.unsigned_abs() > noise, per_sec > 0) {
            (true, true) => Self::Grows(per_sec.unsigned_abs()),
            (true, false) => Self::Shrinks(per_sec.unsigned_abs()),
            (false, _) => Self::Steady,
        }
    }

    fn of_partition(partition: &GroupPartition) -> Self {
        // One partition alone: two records a second, for long, are a trend.
        let steady = partition.trend_per_sec.unsigned_abs() < 2 || partition.behind < 4;
        if steady { Self::Steady } else { Self::of(partition.behind / 4, partition.trend_per_sec) }
    }

    fn sign(self) -> &'static str {
        match self {
            Self::Grows(_) => "↗",
            Self::Shrinks(_) => "↘",
            Self::Steady => " ",
        }
    }

    fn role(self, otherwise: Role) -> Role {
        if matches!(self, Self::Grows(_)) { Role::Warn } else { otherwise }
    }
}

/// When a partition is caught up, in words.
fn caught_up(partition: &GroupPartition) -> String {
    let behind = partition.behind;
    match Trend::of_partition(partition) {
        _ if behind == 0 => "now".to_owned(),
        Trend::Grows(per_sec) => format!("grows {}/s", format::count(per_sec)),
        // Whoever read it has stopped: that it did so quickly promises nothing.
        _ if partition.reader.is_none() => "not read".to_owned(),
        Trend::Shrinks(per_sec) => format::duration_ms(behind.saturating_mul(1_000) / per_sec.max(1)),
        Trend::Steady if partition.read_per_sec > 0 => {
            format::duration_ms(behind.saturating_mul(1_000) / partition.read_per_sec)
        }
        Trend::Steady => "–".to_owned(),
    }
}

/// The colours of a member: of its name, of a cell that it owns, of one that it gave up.
#[derive(Clone, Copy, Debug)]
struct Colours {
    name: Role,
    owned: Role,
    given_up: Role,
}

/// A member's colours, by the number in its tag; they repeat after six, and the tag is always beside them.
fn colours(tag: &str) -> Colours {
    const ALL: [Colours; 6] = [
        Colours { name: Role::Member1, owned: Role::Owned1, given_up: Role::GivenUp1 },
        Colours { name: Role::Member2, owned: Role::Owned2, given_up: Role::GivenUp2 },
        Colours { name: Role::Member3, owned: Role::Owned3, given_up: Role::GivenUp3 },
        Colours { name: Role::Member4, owned: Role::Owned4, given_up: Role::GivenUp4 },
        Colours { name: Role::Member5, owned: Role::Owned5, given_up: Role::GivenUp5 },
        Colours { name: Role::Member6, owned: Role::Owned6, given_up: Role::GivenUp6 },
    ];
    let number: usize = tag.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(1);
    let [first, ..] = ALL;
    ALL.get(number.saturating_sub(1) % ALL.len()).copied().unwrap_or(first)
}

/// Lab milliseconds since an instant.
fn since_ms(snapshot: &Snapshot, at_us: u64) -> u64 {
    snapshot.clock.lab_us.saturating_sub(at_us) / 1_000
}

/// A time left, as a bar: what is gone is thin.
fn countdown(left_ms: u64, of_ms: u64, width: usize, role: Role) -> Line {
    let cells = u64::try_from(width).unwrap_or(0);
    let left = usize::try_from(left_ms.saturating_mul(cells).div_ceil(of_ms.max(left_ms).max(1))).unwrap_or(width);
    Line::of(role, "━".repeat(left.min(width))).with(Role::Rule, "─".repeat(width.saturating_sub(left)))
}

/// An area without its edges.
fn inset(area: Area, wide: bool) -> Area {
    let edge = if wide { 2 } else { 1 };
    Area { x: area.x + edge.min(area.width), width: area.width.saturating_sub(2 * edge), ..area }
}

/// The first row of a list of `len` that shows row `chosen` in `rows` rows, with as much before it as after it.
fn window(len: usize, chosen: usize, rows: usize) -> usize {
    chosen.saturating_sub(rows / 2).min(len.saturating_sub(rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::fixture;

    #[test]
    fn nobody_is_promised_to_catch_up_who_has_stopped() {
        let snapshot = fixture::stuck();
        let group = snapshot.groups.values().next().unwrap();
        let mut partition = group.partitions.iter().find(|partition| partition.reader.is_none()).unwrap().clone();
        assert_eq!(caught_up(&partition), "not read", "though its lag shrank a moment ago");
        partition.reader = partition.owner.clone();
        assert_eq!(caught_up(&partition), "1.3 s");
    }

    #[test]
    fn with_thirty_members_what_stands_below_the_lanes_stays() {
        let snapshot = fixture::crowd();
        let group = snapshot.groups.values().next().unwrap();
        let all = below(group, u16::MAX);
        assert!(all.deliveries >= 2 && all.history >= 4);
        assert!(below(group, 9).wanted() <= 9);
        assert_eq!(below(group, 0).wanted(), 0);
    }
}
