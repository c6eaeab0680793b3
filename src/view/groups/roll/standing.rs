//! The roll call: how each member stands, and what it is waited for.

use std::collections::BTreeSet;

use crate::session::snapshot::{BuiltIn, Group, GroupMember, Session, Standing, Stuck, TopicPartition};
use crate::view::chrome::join;
use crate::view::format;
use crate::view::groups::{colours, countdown, point};
use crate::view::line::{Line, cut};
use crate::view::role::Role;
use crate::view::sheet::left;
use crate::view::text::safe_str;

/// From so many columns on there is room for names and words.
const ROOMY: usize = 40;

/// The member and how it stands.
pub(super) fn who(group: &Group, member: &GroupMember, width: usize) -> Line {
    let (role, sign, words) = standing(group, member);
    let mut line = Line::of(role, format!("{sign} ")).with(colours(&member.tag).name, left(&member.tag, 4));
    if width > ROOMY {
        let name = member.instance_id.as_ref().unwrap_or(&member.client_id);
        let wide = if width > 50 { 16 } else { 9 };
        line = line.with(Role::Dim, left(&cut(&safe_str(name), wide - 1), wide));
    }
    line = line.with(if role == Role::Good { Role::Text } else { role }, words);
    if member.leader && width > ROOMY {
        line = line.with(Role::Faint, "  leader");
    }
    let line = with_time(group, member, line, width);
    with_habits(member.built_in.as_ref(), line, width)
}

/// With the time that is left to it, or that it took.
fn with_time(group: &Group, member: &GroupMember, line: Line, width: usize) -> Line {
    let left = |line: Line, (ends_in_ms, of_ms): (u64, u64)| {
        let bar = countdown(ends_in_ms, of_ms, if width > ROOMY { 8 } else { 4 }, Role::Warn);
        join(line.with(Role::Text, " "), bar).with(Role::Warn, format!(" {}", format::duration_ms(ends_in_ms)))
    };
    if let Some(session) = member.session.filter(|session| is_silent(member, *session)) {
        let line = if width > ROOMY { line.with(Role::Warn, "  gone in") } else { line };
        return left(line, (session.ends_in_ms, session.of_ms));
    }
    match (member.standing, group.call) {
        (Standing::WaitedFor, Some(call)) => left(line, (call.ends_in_ms, call.of_ms)),
        (Standing::Joined | Standing::JoinedNew | Standing::WaitsForAssignment, _) => match late(group, member) {
            Some(ms) => line.with(Role::Dim, format!("  +{}", format::duration_ms(ms))),
            None => line,
        },
        _ => line,
    }
}

/// Whether its session's end is news: it is dead, or has said nothing for longer than heartbeats are apart
/// (`heartbeat.interval.ms` is to be at most a third of the session's time-out).
fn is_silent(member: &GroupMember, session: Session) -> bool {
    member.built_in.as_ref().map_or(session.ends_in_ms < session.of_ms / 2, |built_in| !built_in.alive)
}

/// With how it works and commits, where there is room for it.
fn with_habits(built_in: Option<&BuiltIn>, line: Line, width: usize) -> Line {
    let Some(built_in) = built_in.filter(|built_in| built_in.alive) else { return line };
    let commits = format!("commits {}", safe_str(&built_in.commits));
    let works = (built_in.work_us > 0).then(|| format!("{} a record", work(built_in.work_us)));
    let all = works.iter().cloned().chain([commits]).collect::<Vec<_>>().join(", ");
    let fits = |words: &String| line.width() + words.len() + 3 < width;
    match [Some(all), works].into_iter().flatten().find(fits) {
        Some(told) if width > ROOMY => line.with(Role::Faint, format!("  {told}")),
        _ => line,
    }
}

/// How long it works on a record.
fn work(us: u32) -> String {
    if us < 1_000 { format!("{us} µs") } else { format::duration_ms(u64::from(us) / 1_000) }
}

/// One of the lab's own that is stuck: it is no member until it polls.
pub(super) fn stuck(stuck: &Stuck, width: usize) -> Line {
    let line = Line::of(Role::Bad, "✖ ").with(colours(&stuck.tag).name, left(&stuck.tag, 4));
    if width <= ROOMY {
        return line.with(Role::Bad, "stuck: it left");
    }
    let wide = if width > 50 { 16 } else { 9 };
    let line = line.with(Role::Dim, left(&cut(&safe_str(&stuck.name), wide - 1), wide));
    line.with(Role::Bad, "stuck: out until it polls")
}

/// What happened to it, in the room that the matrices leave.
pub(super) fn why_stuck(stuck: &Stuck, width: usize) -> Line {
    let late = format!("no poll for max.poll.interval.ms, {}", format::duration_ms(stuck.max_poll_interval_ms.into()));
    let words = [format!("{late}; {}", point::until_it_polls(stuck)), late, "max.poll.interval.ms is over".to_owned()];
    let fitting = words.iter().find(|words| words.chars().count() <= width);
    Line::of(Role::Dim, fitting.cloned().unwrap_or_default())
}

/// How long after a rebalance began a member joined it, in milliseconds.
fn late(group: &Group, member: &GroupMember) -> Option<u64> {
    let began_us = group.rebalance.as_ref()?.began_us;
    Some(member.joined_us?.saturating_sub(began_us) / 1_000)
}

/// How a member stands: its sign and words.
pub(super) fn standing(group: &Group, member: &GroupMember) -> (Role, &'static str, String) {
    if let Some(built_in) = &member.built_in {
        if !built_in.alive {
            // A countdown beside it says the rest.
            let words = if member.session.is_some() { "dead" } else { "dead, not noticed yet" };
            return (Role::Dead, "✖", words.to_owned());
        }
        if built_in.paused {
            return (Role::Warn, "‖", "stopped".to_owned());
        }
    }
    match member.standing {
        Standing::WaitedFor => (Role::Warn, "…", "waited for".to_owned()),
        Standing::Joined => (Role::Good, "✓", "rejoined".to_owned()),
        Standing::JoinedNew => (Role::Accent, "+", "new, joined".to_owned()),
        Standing::WaitsForAssignment => (Role::Good, "✓", "waits for its share".to_owned()),
        Standing::HasNotSynced if member.leader => (Role::Warn, "…", "shares out".to_owned()),
        Standing::HasNotSynced => (Role::Warn, "…", "not back yet".to_owned()),
        Standing::Reconciling => (Role::Warn, "…", changes_over(member)),
        Standing::In => changes(group, member),
    }
}

/// What a member of KIP-848 is about: it gives up first, then takes what others gave up.
fn changes_over(member: &GroupMember) -> String {
    let after = member.after.as_deref().unwrap_or_default();
    let gives = member.before.iter().filter(|at| !after.contains(at)).count();
    let waits = after.iter().filter(|at| !member.before.contains(at)).count();
    match (gives, waits) {
        (0, 0) => "takes up its epoch".to_owned(),
        (0, n) => format!("waits for {n}"),
        (n, _) => format!("gives up {n}"),
    }
}

/// What the last rebalance changed for a member.
fn changes(group: &Group, member: &GroupMember) -> (Role, &'static str, String) {
    let after = member.after.as_deref().unwrap_or_default();
    if after.is_empty() && !group.state.is_moving() {
        return (Role::Dim, "○", "idle: nothing is left for it".to_owned());
    }
    let before: BTreeSet<&TopicPartition> = member.before.iter().collect();
    let kept = after.iter().filter(|at| before.contains(at)).count();
    let (gave, got) = (before.len() - kept, after.len() - kept);
    let first = !group.members.iter().any(|member| member.was_there);
    if !member.was_there {
        let sign = if first { "✓" } else { "+" };
        return (if first { Role::Good } else { Role::Accent }, sign, format!("reads {}", after.len()));
    }
    let mut words = vec![format!("kept {kept}")];
    words.extend((gave > 0).then(|| format!("gave {gave}")));
    words.extend((got > 0).then(|| format!("got {got}")));
    (Role::Good, "✓", words.join(", "))
}

/// How a member stands, in a word: those that have no row of their own are counted by it.
pub(super) fn kind(member: &GroupMember) -> &'static str {
    match (&member.built_in, member.standing) {
        (Some(built_in), _) if !built_in.alive => "dead",
        (Some(built_in), _) if built_in.paused => "stopped",
        (_, Standing::WaitedFor) => "waited for",
        (_, Standing::Joined | Standing::JoinedNew) => "joined",
        (_, Standing::WaitsForAssignment) => "wait for their share",
        (_, Standing::HasNotSynced) => "not back yet",
        (_, Standing::Reconciling) => "change over",
        (_, Standing::In) if member.after.as_ref().is_some_and(Vec::is_empty) => "idle",
        (_, Standing::In) => "read",
    }
}
