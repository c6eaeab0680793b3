//! The phases of a group as stations on a line, with Kafka's names: which one it is in, what is done, what is to come.

mod epochs;

use crate::session::snapshot::{Group, GroupKind, GroupKnown, GroupState, Snapshot, Standing};
use crate::view::Area;
use crate::view::chrome::join;
use crate::view::format::{self, duration_ms, plural};
use crate::view::line::Line;
use crate::view::role::Role;
use crate::view::sheet::Sheet;

use super::{countdown, era, since_ms};

/// A station: its state, and two lines about it.
struct Station {
    name: &'static str,
    first: String,
    second: Line,
}

/// Draws it in four rows, or in one; returns what is left below.
pub(super) fn project(snapshot: &Snapshot, group: &Group, area: Area, large: bool, sheet: &mut Sheet) -> Area {
    let (stations, at) = stations(snapshot, group);
    if !large {
        sheet.put(area, one_row(group, &stations, at));
        return area.below(1);
    }
    let pitch = (area.width / u16::try_from(stations.len()).unwrap_or(1)).min(42);
    for (station, number) in stations.into_iter().zip(0_u16..) {
        let number_at = usize::from(number);
        let place = Area { x: area.x + number * pitch, width: pitch, height: 1, ..area };
        let here = number_at == at;
        let name = match (here, number_at < at) {
            (true, _) => Line::of(filled(group), format!(" {} ", station.name)),
            (false, true) => Line::of(Role::Text, station.name),
            (false, false) => Line::of(Role::Faint, station.name),
        };
        sheet.put(place, name);
        sheet.put(Area { y: area.y + 1, ..place }, track(group, number_at, at, usize::from(pitch)));
        let (first, second) = if here { (Role::Strong, Role::Text) } else { (Role::Dim, Role::Faint) };
        sheet.put(Area { y: area.y + 2, ..place }, Line::of(first, station.first));
        let mut words = station.second;
        words.spans.iter_mut().filter(|span| span.role == Role::Text).for_each(|span| span.role = second);
        sheet.put(Area { y: area.y + 3, ..place }, words);
    }
    area.below(4)
}

fn filled(group: &Group) -> Role {
    let calm = matches!(group.state, GroupState::Stable) && group.known == GroupKnown::Now;
    if calm { Role::PhaseCalm } else { Role::PhaseWaits }
}

/// The piece of the line that begins at a station.
fn track(group: &Group, station: usize, at: usize, width: usize) -> Line {
    let last = station == 3;
    let dot = |role: Role, sign: &str| Line::of(role, sign);
    let rest = width.saturating_sub(1);
    if last {
        return if at == 3 { dot(Role::Accent, "●") } else { dot(Role::Faint, "○") };
    }
    if station < at {
        return dot(Role::Accent, "●").with(Role::Accent, "━".repeat(rest));
    }
    if station > at {
        return dot(Role::Faint, "○").with(Role::Rule, "─".repeat(rest));
    }
    let (role, done) = match group.state {
        GroupState::Empty | GroupState::Stable | GroupState::Dead => (Role::Warn, 0),
        _ => (Role::Warn, progress(group, rest)),
    };
    dot(role, "●").with(role, "━".repeat(done)).with(Role::Rule, "─".repeat(rest - done))
}

/// How many of `width` cells are done: by the members that have come.
fn progress(group: &Group, width: usize) -> usize {
    width * come(group) / group.members.len().max(1)
}

/// How many members have come as far as the group is.
fn come(group: &Group) -> usize {
    group.members.iter().filter(|member| has_come(member.standing)).count()
}

const fn has_come(standing: Standing) -> bool {
    !matches!(standing, Standing::WaitedFor | Standing::HasNotSynced | Standing::Reconciling)
}

/// The stations, and at which the group is.
fn stations(snapshot: &Snapshot, group: &Group) -> (Vec<Station>, usize) {
    let at = match group.state {
        GroupState::Empty | GroupState::Dead => 0,
        GroupState::PreparingRebalance | GroupState::Assigning => 1,
        GroupState::CompletingRebalance | GroupState::Reconciling => 2,
        GroupState::Stable => 3,
    };
    let [second, third, last] = match group.kind {
        GroupKind::Classic => [preparing(group, at), completing(group, at), stable(snapshot, group, at)],
        GroupKind::Consumer => epochs::stations(snapshot, group, at),
    };
    (vec![before(snapshot, group, at), second, third, last], at)
}

fn words(text: impl Into<String>) -> Line {
    Line::of(Role::Text, text)
}

/// Where it comes from.
fn before(snapshot: &Snapshot, group: &Group, at: usize) -> Station {
    if at == 0 {
        let since = duration_ms(since_ms(snapshot, group.since_us));
        return Station {
            name: group.state.name(),
            first: "no members".to_owned(),
            second: words(format!("for {since}")),
        };
    }
    let (newest, older) = (group.history.first(), group.history.get(1));
    let (generation, ended) = match at {
        3 => (older, newest.and_then(|newest| newest.began_us)),
        // Of KIP-848 what is to come is there already.
        2 if group.kind == GroupKind::Consumer => (older, newest.and_then(|newest| newest.began_us)),
        _ => (newest, group.rebalance.as_ref().map(|rebalance| rebalance.began_us)),
    };
    let was_empty = group.members.iter().all(|member| !member.was_there);
    match generation {
        Some(generation) if !was_empty => {
            let begun = generation.settled_us.unwrap_or(generation.at_us);
            let read = ended.map(|ended| duration_ms(ended.saturating_sub(begun) / 1_000));
            Station {
                name: "Stable",
                first: format!("{} {}", era(group), generation.generation),
                second: words(read.map_or_else(String::new, |read| format!("read for {read}"))),
            }
        }
        _ if was_empty => Station { name: "Empty", first: "no members".to_owned(), second: Line::default() },
        _ => Station { name: "Stable", first: String::new(), second: Line::default() },
    }
}

fn preparing(group: &Group, at: usize) -> Station {
    let (all, come) = (group.members.len(), come(group));
    let newest = group.history.first();
    let (first, second) = match (at, group.call) {
        (1, Some(call)) if call.initial => (
            format!("{} so far", plural(all, "member")),
            countdown(call.ends_in_ms, call.of_ms, 18, Role::Warn)
                .with(Role::Warn, format!("  {}", duration_ms(call.ends_in_ms))),
        ),
        (1, Some(call)) => {
            let left = duration_ms(call.ends_in_ms);
            let whose = if call.outside { " left, by the clock outside" } else { " left" };
            let bar = countdown(call.ends_in_ms, call.of_ms, 18, Role::Warn);
            (format!("{come} of {all} have joined"), bar.with(Role::Warn, format!("  {left}{whose}")))
        }
        (1, None) => (format!("{come} of {all} have joined"), Line::default()),
        (0, _) => ("waits for members".to_owned(), Line::default()),
        (2, _) => (format!("all {all} joined"), Line::default()),
        _ => {
            let joined = newest.map_or(0, |newest| newest.members);
            let took = newest.and_then(|newest| Some(newest.formed_us?.saturating_sub(newest.began_us?) / 1_000));
            (
                format!("{joined} joined"),
                words(took.map_or_else(String::new, |took| format!("in {}", duration_ms(took)))),
            )
        }
    };
    Station { name: "PreparingRebalance", first, second }
}

fn completing(group: &Group, at: usize) -> Station {
    let leader = group.members.iter().find(|member| member.leader);
    let who = leader.map_or_else(|| "the leader".to_owned(), |leader| leader.tag.to_string());
    let newest = group.history.first();
    let (first, second) = match at {
        2 => (format!("{who} shares out"), words("its answer goes into the log")),
        3 => {
            let took = newest.and_then(|newest| Some(newest.at_us.saturating_sub(newest.formed_us?) / 1_000));
            let took = took.map_or_else(String::new, |took| match took {
                0 => "at once".to_owned(),
                took => format!("in {}", duration_ms(took)),
            });
            (format!("{who} shared out"), words(took))
        }
        _ => (format!("{who} shares out"), words("the leader decides")),
    };
    Station { name: "CompletingRebalance", first, second }
}

fn stable(snapshot: &Snapshot, group: &Group, at: usize) -> Station {
    let (generation, second) = match at {
        3 => (group.generation, format!("for {}", duration_ms(since_ms(snapshot, group.since_us)))),
        2 => (group.generation, "reading again".to_owned()),
        _ => (group.generation + 1, "reading again".to_owned()),
    };
    Station { name: "Stable", first: format!("generation {generation}"), second: words(second) }
}

/// All stations in one row; those that are not the point are short.
fn one_row(group: &Group, stations: &[Station], at: usize) -> Line {
    let mut line = Line::default();
    for (number, station) in stations.iter().enumerate() {
        if number > 0 {
            let role = if number <= at { Role::Accent } else { Role::Rule };
            line = line.with(role, if number <= at { " ━━" } else { " ──" });
        }
        line = if number == at {
            let short = station.first.strip_suffix(" have joined").unwrap_or(&station.first);
            let words = Line::of(Role::Strong, format!(" {short}"));
            let left = group.call.filter(|_| number == 1).map(|call| format::duration_ms(call.ends_in_ms));
            let words = words.with(Role::Warn, left.map_or_else(String::new, |left| format!(", {left}")));
            join(line.with(filled(group), format!(" {} ", station.name)), words)
        } else {
            let sign = if number < at { ("● ", Role::Text) } else { ("○ ", Role::Faint) };
            let name = station.name.strip_suffix("Rebalance").unwrap_or(station.name);
            line.with(sign.1, sign.0).with(sign.1, name)
        };
    }
    line
}
