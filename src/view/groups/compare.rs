//! Two groups side by side: what the same change costs each.
//!
//! ```text
//! Groups › dashboard and alerting            the newest rebalance of each
//! dashboard  range, eager            │ alerting  cooperative-sticky
//! 10 OF 10   partitions stopped      │ 1 OF 3    partition stopped          large type
//! Owners  before and after           │ Owners
//! Who reads what                     │ Who reads what
//! What it cost                       │ What it cost
//! ▌ Eager stops everyone, cooperative only what moves.
//! ```

use crate::model::Model;
use crate::session::snapshot::{Group, GroupKind};
use crate::view::Area;
use crate::view::chrome::join;
use crate::view::format::{count, duration_ms};
use crate::view::large::{self, Large};
use crate::view::line::{Line, cut_middle};
use crate::view::role::Role;
use crate::view::sentence;
use crate::view::sheet::{Sheet, columns, left};
use crate::view::text::{name_of, safe_str};

use super::point::Point;
use super::{Trend, WIDE, era, inset, lanes, ribbon, roll};

/// From this height of the body on the numbers are large.
const LARGE_ROWS: u16 = 30;

/// Draws them; returns the words in large type.
pub(super) fn project(model: &Model, group: &Group, other: &Group, area: Area, sheet: &mut Sheet) -> Vec<Large> {
    let wide = area.width >= WIDE;
    let frame = inset(area.below(u16::from(area.height >= LARGE_ROWS)), wide);
    let crumbs = Line::of(Role::Faint, "Groups › ")
        .with(Role::Strong, name(group))
        .with(Role::Dim, " and ")
        .with(Role::Strong, name(other))
        .with(Role::Faint, if wide { "   the newest rebalance of each; a key strikes both; " } else { "   " })
        .with(Role::Key, "V")
        .with(Role::Faint, " the next group, ")
        .with(Role::Key, "Esc")
        .with(Role::Faint, " one alone");
    sheet.put(frame, crumbs);
    let body = frame.below(1 + u16::from(area.height >= LARGE_ROWS));
    let foot = 2;
    let body = body.top(body.height.saturating_sub(foot));
    let half = frame.width.saturating_sub(3) / 2;
    let places = [Area { width: half, ..body }, Area { x: body.x + half + 3, width: half, ..body }];
    for row in 0..body.height {
        let edge = Area { x: body.x + half + 1, width: 1, ..body.row(row) };
        sheet.put(edge, Line::of(Role::Rule, "│"));
    }
    let mut words = Vec::new();
    for (group, place) in [group, other].into_iter().zip(places) {
        words.extend(side(model, group, place, sheet));
    }
    let end = Area { y: body.y + body.height + foot - 1, height: 1, ..frame };
    if sentence::tells_group(model) {
        return words;
    }
    let Point { role, bold, plain, .. } = verdict(group, other);
    sheet.put(end, Line::of(role, "▌ ").with(Role::Strong, bold).with(Role::Text, format!(" {plain}")));
    words
}

fn name(group: &Group) -> String {
    cut_middle(&name_of(&group.id), 24)
}

/// One of them, from top to bottom.
fn side(model: &Model, group: &Group, area: Area, sheet: &mut Sheet) -> Option<Large> {
    let how = match super::assignor(group) {
        _ if is_undecided(group) => "no protocol yet".to_owned(),
        how => how.unwrap_or_else(|| "nothing shared out yet".to_owned()),
    };
    let head = Line::of(Role::Strong, cut_middle(&name_of(&group.id), usize::from(area.width) / 3))
        .with(Role::Text, format!("   {how}"))
        .with(Role::Dim, format!("   {}, {} {}", group.state.name(), era(group), group.generation));
    sheet.put(area, head);
    let (stopped, all) = stopped(group);
    let role = if stopped * 2 > all { Role::Warn } else { Role::Accent };
    let mut rest = area.below(2);
    let text = format!("{stopped} of {all}");
    let is_large = area.height >= LARGE_ROWS;
    let words = Line::of(Role::Strong, if stopped == 1 { "partition stopped" } else { "partitions stopped" });
    let longest = longest(group);
    let mut shown = None;
    if is_large {
        let width = large::columns(&text);
        shown = Some(Large { area: rest.top(large::ROWS), text, role, surface: Role::Ground });
        let beside = Area { x: rest.x + width + 3, width: rest.width.saturating_sub(width + 3), ..rest };
        sheet.put(beside.row(0), words);
        sheet.put(beside.row(1), Line::of(Role::Text, longest));
        rest = rest.below(large::ROWS + 1);
    } else {
        let line = Line::of(role, format!("{text} ")).with(Role::Strong, "stopped");
        sheet.put(rest.above(1), line.with(Role::Text, format!(", {longest}")));
        rest = ribbon::project(&model.snapshot, group, rest, false, sheet);
    }
    let members = columns(group.members.len()).min(8) + 2;
    if is_large {
        rest = roll::project(model, group, rest.top(members), rest, sheet).below(1);
    }
    let lanes = rest.top(rest.height.saturating_sub(if is_large { 6 } else { 0 }));
    rest = lanes::project(model, group, lanes, rest, sheet).below(1);
    if is_large {
        costs(group, rest, sheet);
    }
    shown
}

/// How many of its partitions the newest rebalance stopped, of how many; while one is under way, how many stand now.
fn stopped(group: &Group) -> (u32, u32) {
    let now = group.partitions.iter().filter(|partition| partition.reader.is_none()).count();
    let stopped = match group.history.first() {
        Some(newest) if !group.state.is_moving() => {
            rounds(group).map(|round| round.stopped).max().unwrap_or(newest.stopped)
        }
        _ => u32::try_from(now).unwrap_or(u32::MAX),
    };
    (stopped, group.partition_count)
}

/// The rounds of the newest change: a cooperative group needs one more to hand over what was given up.
fn rounds(group: &Group) -> impl Iterator<Item = &crate::session::snapshot::Generation> {
    let mut follows: Option<u64> = None;
    group.history.iter().take_while(move |round| {
        let belongs = follows.is_none_or(|began| began.saturating_sub(round.at_us) < ROUND_US);
        follows = Some(round.began_us.unwrap_or(round.at_us));
        belongs
    })
}

/// Rebalances that follow each other within this time, in microseconds, are rounds of one.
const ROUND_US: u64 = 1_000_000;

fn longest(group: &Group) -> String {
    let now = group.partitions.iter().filter_map(|partition| partition.unread_ms).max();
    let past = rounds(group).map(|round| round.stopped_ms).max();
    match (group.state.is_moving(), now, past) {
        (true, Some(ms), _) => format!("for {} so far", duration_ms(ms)),
        (true, None, _) => "all are read on".to_owned(),
        (false, _, Some(ms)) if ms > 0 => format!("for {} at the longest", duration_ms(ms)),
        _ => "nothing was seen to stop".to_owned(),
    }
}

fn costs(group: &Group, area: Area, sheet: &mut Sheet) {
    sheet.put_title(area, "What it cost", "");
    let rounds_made = rounds(group).count();
    let most = group.lags.iter().copied().max().unwrap_or(0).max(group.lag);
    let trend = Trend::of(group.lag, group.lag_trend_per_sec);
    let moving = group.rebalance.as_ref().filter(|_| group.state.is_moving());
    let why = match moving {
        Some(rebalance) => safe_str(&rebalance.why),
        None => rounds(group).last().map(|round| safe_str(&round.why)).unwrap_or_default(),
    };
    let known = |n: usize| if moving.is_some() { "not over yet".to_owned() } else { n.to_string() };
    let (rounds_made, moved) = (known(rounds_made), known(moved(group)));
    let facts = [
        ("because", Line::of(Role::Text, why)),
        ("rounds", Line::of(Role::Strong, rounds_made)),
        ("moved to another member", Line::of(Role::Strong, moved)),
        ("most lag lately", Line::of(trend.role(Role::Strong), format!("{} records", count(most)))),
    ];
    for ((what, value), y) in facts.into_iter().zip(1..area.height) {
        sheet.put(area.row(y), join(Line::of(Role::Dim, left(what, 26)), value));
    }
}

/// How many partitions have another owner than before the newest change.
fn moved(group: &Group) -> usize {
    let after = group.history.first();
    let before = group.history.get(rounds(group).count());
    let (Some(after), Some(before)) = (after, before) else { return 0 };
    let owner = |at| before.owners.iter().find(|(known, _)| known == at).map(|(_, tag)| tag);
    after.owners.iter().filter(|(at, tag)| owner(at).is_some_and(|before| before != tag)).count()
}

/// What changed last, whoever it was: `joins`, `left`.
fn change(group: &Group) -> Option<&str> {
    let began = rounds(group).last()?;
    began.why.split_once(' ').map(|(_, what)| what)
}

/// What the two show together.
pub(super) fn verdict(group: &Group, other: &Group) -> Point {
    let both = [group, other];
    if let Some(unsure) = both.into_iter().find(|group| is_undecided(group)) {
        let bold = format!("{} is neither eager nor cooperative yet.", safe_str(&unsure.id));
        let plain = "Its members choose the protocol, and it has none: c adds one to each.";
        return Point::new(Role::Accent, bold, plain).short("No protocol yet");
    }
    let is_of_coordinator = |group: &Group| group.kind == GroupKind::Consumer;
    let (bold, plain, short) = match (both.map(is_of_coordinator), [group.cooperative, other.cooperative]) {
        _ if change(group).is_none() || change(group) != change(other) => (
            "Not the same change: the newest rebalances have different causes.",
            "Add a member to each, c, or take one from each, x, and look again.",
            "Not the same",
        ),
        ([true, false] | [false, true], _) => (
            "One waits for all its members, the other for nobody.",
            "With KIP-848 the coordinator assigns, and each member changes over by itself.",
            "One waits for all",
        ),
        (_, [true, true]) => ("Both keep what does not move.", "Only what changes hands stops.", "Both read on"),
        (_, [false, false]) => (
            "Both are eager: who joins again gives up all it had first.",
            "Esc, then c, starts a group with a cooperative assignor: that stops only what moves.",
            "Both are eager",
        ),
        _ => (
            "Eager stops everyone, cooperative only what moves.",
            "It takes two rounds for that: first give up, then hand over.",
            "Eager stops all",
        ),
    };
    Point::new(Role::Accent, bold, plain).short(short)
}

/// Whether a group has no protocol yet: a classic one without members has not chosen any.
fn is_undecided(group: &Group) -> bool {
    group.kind == GroupKind::Classic && group.members.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::fixture;

    #[test]
    fn a_group_without_members_is_neither_eager_nor_cooperative() {
        let snapshot = fixture::many_groups();
        let of = |id: &str| snapshot.groups[id].as_ref();
        let said = verdict(of("dashboard"), of("reports"));
        assert_eq!(said.bold, "reports is neither eager nor cooperative yet.");
        assert!(!verdict(of("dashboard"), of("alerting")).bold.contains("yet"));
    }
}
