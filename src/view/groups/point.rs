//! The point of a group's screen, in words: what matters most now, and why. It is a list of questions, the worst first.

use crate::session::snapshot::{
    Consumer, Fate, Group, GroupKind, GroupKnown, GroupMember, GroupState, MissingTopic, Snapshot, Standing, Stuck,
};
use crate::view::Area;
use crate::view::chrome::whole_sentences;
use crate::view::format::{self, count, plural};
use crate::view::line::{self, Line};
use crate::view::role::Role;
use crate::view::sheet::Sheet;
use crate::view::text::safe_str;

use super::{Trend, deliveries, since_ms};

/// What there is to say: how bad it is, what stands out, what explains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::view) struct Point {
    pub(in crate::view) role: Role,
    pub(in crate::view) bold: String,
    pub(in crate::view) plain: String,
    /// What stands out in a few words, for large type.
    pub(in crate::view) short: String,
}

impl Point {
    pub(super) fn new(role: Role, bold: impl Into<String>, plain: impl Into<String>) -> Self {
        Self { role, bold: bold.into(), plain: plain.into(), short: String::new() }
    }

    /// The same, with its few words.
    pub(super) fn short(self, short: impl Into<String>) -> Self {
        Self { short: short.into(), ..self }
    }
}

/// Puts it, in two rows where there is room; returns what is left below.
pub(super) fn project(snapshot: &Snapshot, group: &Group, area: Area, tall: bool, sheet: &mut Sheet) -> Area {
    let Point { role, bold, plain, .. } = of(snapshot, group);
    let bar = |line: Line| Line { spans: Line::of(role, "▌ ").spans.into_iter().chain(line.spans).collect() };
    if tall {
        sheet.put(area, bar(Line::of(Role::Strong, bold)));
        let room = usize::from(area.width).saturating_sub(2);
        sheet.put(area.below(1), bar(Line::of(Role::Text, whole_sentences(&plain, room))));
        return area.below(2);
    }
    let room = usize::from(area.width).saturating_sub(usize::from(line::columns(&bold)) + 3);
    let plain = whole_sentences(&plain, room);
    sheet.put(area, bar(Line::of(Role::Strong, bold).with(Role::Text, format!(" {plain}"))));
    area.below(1)
}

/// What there is to say of a group.
pub(in crate::view) fn of(snapshot: &Snapshot, group: &Group) -> Point {
    let questions: [fn(&Snapshot, &Group) -> Option<Point>; 11] =
        [uncoordinated, nobody, gathering, moving, unread, lost, stuck, missing, refused, idle, behind];
    let said = questions.iter().find_map(|question| question(snapshot, group));
    said.unwrap_or_else(|| {
        let all = partitions(group);
        let members = members(group);
        Point::new(Role::Accent, format!("Every partition is read: {all}, {members}."), cost(group))
            .short(format!("All {} are read", group.partition_count))
    })
}

/// How many partitions it has, those that are not named too.
fn partitions(group: &Group) -> String {
    plural(usize::try_from(group.partition_count).unwrap_or(usize::MAX), "partition")
}

/// How many members it has, those that are not named too.
fn members(group: &Group) -> String {
    plural(usize::try_from(group.member_count).unwrap_or(usize::MAX), "member")
}

/// What the last rebalance cost.
fn cost(group: &Group) -> String {
    let Some(last) = group.history.first() else { return String::new() };
    let why = if last.why.is_empty() { String::new() } else { format!(", because {}", last.why) };
    let stopped = match last.stopped {
        0 => "no partition was seen to stop".to_owned(),
        n => {
            let partitions = plural(usize::try_from(n).unwrap_or(usize::MAX), "partition");
            match last.stopped_ms {
                0 => format!("{partitions} stopped for a moment"),
                ms => format!("{partitions} stopped for up to {}", format::duration_ms(ms)),
            }
        }
    };
    let again = match last.again {
        0 => String::new(),
        n => format!(" {} processed again.", were(n)),
    };
    let era = if group.kind == GroupKind::Consumer { "Epoch" } else { "Generation" };
    format!("{era} {} began{why}; {stopped}.{again}", last.generation)
}

/// So many records, as the beginning of a sentence.
fn were(n: u64) -> String {
    format!("{} {}", records(n), if n == 1 { "was" } else { "were" })
}

/// Records that nobody will process. A crash is noticed a generation later, and then it is the news until the next one.
fn lost(_: &Snapshot, group: &Group) -> Option<Point> {
    let lost: u64 = group.history.iter().take(2).map(|generation| generation.lost).sum();
    if lost == 0 {
        return None;
    }
    let bold = format!(
        "{} lost: committed, and processed by nobody.",
        if lost == 1 { "1 record is".to_owned() } else { format!("{} records are", count(lost)) }
    );
    let first = group.deliveries.runs.iter().find(|run| run.fate == Fate::Lost);
    let plain = first.map_or_else(String::new, |run| {
        let who = run.by.first().map_or("A member", |by| &*by.tag);
        format!("{who} had them in hand when it crashed: {}.", deliveries::named(run))
    });
    let short = if lost == 1 { "1 record lost".to_owned() } else { format!("{} lost", count(lost)) };
    Some(Point::new(Role::Bad, bold, plain).short(short))
}

fn uncoordinated(_: &Snapshot, group: &Group) -> Option<Point> {
    let partition = group.offsets_partition;
    match group.known {
        GroupKnown::Now => None,
        GroupKnown::Loading => Some(
            Point::new(
                Role::Warn,
                "Its new coordinator reads the log; the group waits.",
                format!(
                    "It begins with __consumer_offsets-{partition}: members read on, and commit once it is through."
                ),
            )
            .short("Loading"),
        ),
        GroupKnown::Last => Some(
            Point::new(
                Role::Bad,
                "Nobody coordinates this group; this is how it was last.",
                format!("__consumer_offsets-{partition} has no leader: members read on, but no commit is taken."),
            )
            .short("No coordinator"),
        ),
    }
}

fn nobody(_: &Snapshot, group: &Group) -> Option<Point> {
    if group.state != GroupState::Empty {
        return None;
    }
    if let Some(stuck) = stuck_words(group) {
        let bold = "Nobody reads: all who were in the group are stuck.";
        return Some(Point::new(Role::Bad, bold, stuck).short("All are stuck"));
    }
    let offsets = group.partitions.iter().filter(|partition| partition.committed.is_some()).count();
    let plain = format!(
        "{} stay committed: who joins goes on from there. {} records wait.",
        plural(offsets, "offset"),
        count(group.lag)
    );
    Some(Point::new(Role::Warn, "Nobody reads: the group has no members.", plain).short("Nobody reads"))
}

/// The first members of an empty group.
fn gathering(_: &Snapshot, group: &Group) -> Option<Point> {
    let call = group.call.filter(|call| call.initial)?;
    let bold = format!("The first members gather: {} so far.", count(group.member_count.into()));
    let left = format::duration_ms(call.ends_in_ms);
    let plain = format!("Who comes within group.initial.rebalance.delay.ms is in the first generation: {left} more.");
    Some(Point::new(Role::Warn, bold, plain).short(format!("{} so far", members(group))))
}

/// A rebalance: what stands still because of it, and for whom all wait.
fn moving(_: &Snapshot, group: &Group) -> Option<Point> {
    if !group.state.is_moving() {
        return None;
    }
    let stopped = group.partitions.iter().filter(|partition| partition.reader.is_none()).count();
    let all = partitions(group);
    let bold = match stopped {
        0 => format!("All {all} are read on, while the group rebalances."),
        n => format!("{n} of {all} {} read by nobody.", if n == 1 { "is" } else { "are" }),
    };
    let role = if stopped == 0 { Role::Accent } else { Role::Warn };
    let how = if group.kind == GroupKind::Consumer {
        "The coordinator shares out, and each member changes over by itself."
    } else if group.cooperative {
        "Cooperative: members keep what they have while they join again."
    } else {
        "Eager: who joins again gives up all it had first."
    };
    let short = if stopped == 0 { "All are read".to_owned() } else { unread_of(group, stopped) };
    Some(Point::new(role, bold, format!("{how} {}", waits(group))).short(short))
}

/// How many stand, in a few words.
fn unread_of(group: &Group, stopped: usize) -> String {
    format!("{stopped} of {} unread", group.partition_count)
}

/// For whom all wait.
fn waits(group: &Group) -> String {
    let those = |standing: Standing| group.members.iter().filter(move |member| member.standing == standing);
    let late: Vec<&GroupMember> = those(Standing::WaitedFor).collect();
    match (group.state, late.as_slice()) {
        (GroupState::PreparingRebalance, [one]) => format!("All wait for {}{}.", one.tag, doing(one)),
        (GroupState::PreparingRebalance, [_, ..]) => format!("All wait for {}.", plural(late.len(), "member")),
        (GroupState::CompletingRebalance, _) => {
            let leader = group.members.iter().find(|member| member.leader);
            leader.map_or_else(String::new, |leader| format!("{} shares out, then all read again.", leader.tag))
        }
        (GroupState::Reconciling, _) => handing_over(group),
        _ => String::new(),
    }
}

/// Of KIP-848: who waits until others have given up what it is to have.
fn handing_over(group: &Group) -> String {
    let tags = |of: fn(&GroupMember) -> bool| {
        let members = group.members.iter().filter(|member| member.standing == Standing::Reconciling && of(member));
        members.map(|member| &*member.tag).collect::<Vec<_>>()
    };
    let gives = |member: &GroupMember| {
        let after = member.after.as_deref().unwrap_or_default();
        member.before.iter().any(|at| !after.contains(at))
    };
    let waits = |member: &GroupMember| {
        let after = member.after.as_deref().unwrap_or_default();
        after.iter().any(|at| !member.before.contains(at))
    };
    match (tags(waits).as_slice(), tags(gives).as_slice()) {
        ([], _) | (_, []) => String::new(),
        (takers, from) => {
            let verb = |tags: &[&str], one: &str| if tags.len() == 1 { format!("{one}s") } else { one.to_owned() };
            let (wait, give) = (verb(takers, "wait"), verb(from, "give"));
            format!("{} {wait} for what {} {give} up.", takers.join(", "), from.join(", "))
        }
    }
}

/// What a member that is waited for does instead.
fn doing(member: &GroupMember) -> String {
    match &member.built_in {
        Some(built_in) if !built_in.alive => ", which is dead".to_owned(),
        Some(built_in) if built_in.paused => ", which is stopped".to_owned(),
        Some(built_in) if built_in.in_hand > 0 => {
            format!(", which still works on {}", records(built_in.in_hand))
        }
        _ => String::new(),
    }
}

pub(super) fn records(n: u64) -> String {
    if n == 1 { "1 record".to_owned() } else { format!("{} records", count(n)) }
}

/// What nobody reads though it is assigned.
fn unread(_: &Snapshot, group: &Group) -> Option<Point> {
    let silent: Vec<_> = group.partitions.iter().filter(|partition| partition.reader.is_none()).collect();
    if silent.is_empty() || group.members.is_empty() {
        return None;
    }
    let all = partitions(group);
    let verb = if silent.len() == 1 { "is" } else { "are" };
    let bold = format!("{} of {all} {verb} read by nobody.", silent.len());
    let owners = silent.iter().filter_map(|partition| group.tagged(partition.owner.as_ref()?));
    let dead = owners.clone().find(|owner| owner.built_in.as_ref().is_some_and(|built_in| !built_in.alive));
    let stopped = owners.clone().find(|owner| owner.built_in.as_ref().is_some_and(|built_in| built_in.paused));
    let plain = match (dead, stopped) {
        (Some(dead), _) => {
            let left = dead.session.map_or_else(String::new, |session| {
                let (left, of) = (format::duration_ms(session.ends_in_ms), format::duration_ms(session.of_ms));
                format!(", {left} more of {of}")
            });
            format!("{} is dead, and the group waits for its heartbeat: {}{left}.", dead.tag, session_timeout(group))
        }
        (None, Some(stopped)) => {
            format!("{} is stopped; it keeps what it has, as it still sends heartbeats.", stopped.tag)
        }
        (None, None) => "They are assigned, and nobody has begun to read them.".to_owned(),
    };
    Some(Point::new(Role::Warn, bold, plain).short(unread_of(group, silent.len())))
}

/// How long a member may be silent, by the name of the setting.
fn session_timeout(group: &Group) -> &'static str {
    match group.kind {
        GroupKind::Classic => "session.timeout.ms",
        GroupKind::Consumer => "group.consumer.session.timeout.ms",
    }
}

/// Who has left because it does not poll.
fn stuck(_: &Snapshot, group: &Group) -> Option<Point> {
    let who = match group.stuck.as_slice() {
        [one] => format!("{} is stuck, and has left the group.", one.tag),
        more => format!("{} are stuck, and have left the group.", plural(more.len(), "member")),
    };
    let short = if let [one] = group.stuck.as_slice() { format!("{} is stuck", one.tag) } else { "Stuck".to_owned() };
    Some(Point::new(Role::Warn, who, stuck_words(group)?).short(short))
}

/// A topic of it is not there.
fn missing(_: &Snapshot, group: &Group) -> Option<Point> {
    let missing = group.missing.iter().max_by_key(|missing| missing.deleted)?;
    let what = if missing.deleted { "was deleted" } else { "is not there" };
    let bold = format!("{} {what}: nobody reads it.", safe_str(&missing.topic));
    Some(Point::new(Role::Warn, bold, missing_words(missing)).short("A topic is gone"))
}

/// What becomes of a group's offsets of a topic that is not there.
pub(super) fn missing_words(missing: &MissingTopic) -> String {
    let offsets = match (missing.deleted, missing.offsets) {
        (false, _) => return "Nobody has created it; its members read it once it is there.".to_owned(),
        (true, 0) => "Its committed offsets are gone with it.".to_owned(),
        (true, n) => format!("{n} committed offsets of it go as soon as the coordinator hears of it."),
    };
    format!("{offsets} Should it be made anew, who subscribes to it begins anew, too.")
}

/// What happened to those that are stuck, and when they will be back.
fn stuck_words(group: &Group) -> Option<String> {
    let first = group.stuck.iter().min_by_key(|stuck| stuck.polls_in_ms())?;
    let after = format::duration_ms(first.max_poll_interval_ms.into());
    let who = if group.stuck.len() > 1 { format!("{}: ", first.tag) } else { String::new() };
    Some(format!("poll() was not called within max.poll.interval.ms, {after}; {who}{}.", until_it_polls(first)))
}

/// When one that is stuck comes back.
pub(super) fn until_it_polls(stuck: &Stuck) -> String {
    let in_hand = records(stuck.in_hand);
    let left = format::duration_ms(stuck.polls_in_ms());
    format!("back when it polls: {in_hand} to go, about {left}")
}

/// One of the lab's own that wants to be a member, and cannot.
fn refused(snapshot: &Snapshot, group: &Group) -> Option<Point> {
    let of_it = |consumer: &&Consumer| consumer.group.as_ref() == Some(&group.id) && !consumer.gone;
    let consumer = snapshot.consumers.values().filter(of_it).find(|consumer| consumer.refused.is_some())?;
    let error = consumer.refused.as_deref()?;
    let plain = match error {
        "GROUP_ID_NOT_FOUND" => "It speaks the protocol of KIP-848, and the group is a classic one with members.",
        "INCONSISTENT_GROUP_PROTOCOL" => "It has no assignor, or no protocol, in common with all members.",
        "FENCED_INSTANCE_ID" | "UNRELEASED_INSTANCE_ID" => "Another one has its group.instance.id.",
        "GROUP_MAX_SIZE_REACHED" => "The group is full: group.max.size.",
        _ => "",
    };
    Some(
        Point::new(Role::Warn, format!("{} cannot be a member: {error}.", safe_str(&consumer.name)), plain)
            .short("One is refused"),
    )
}

fn idle(_: &Snapshot, group: &Group) -> Option<Point> {
    let idle: Vec<&GroupMember> = group.idle().collect();
    let who = match idle.as_slice() {
        [] => return None,
        [one] => format!("{} has", one.tag),
        few if few.len() <= 3 => {
            format!("{} have", few.iter().map(|member| &*member.tag).collect::<Vec<_>>().join(", "))
        }
        more => format!("{} have", plural(more.len(), "member")),
    };
    let (partitions, members) = (partitions(group), members(group));
    let bold = format!("{partitions}, {members}: {who} nothing to read.");
    let plain = "A partition has one reader in a group; who is idle waits in case one leaves.";
    let short =
        if let [one] = idle.as_slice() { format!("{} is idle", one.tag) } else { format!("{} are idle", idle.len()) };
    Some(Point::new(Role::Accent, bold, format!("{plain} {}", cost(group))).short(short))
}

fn behind(snapshot: &Snapshot, group: &Group) -> Option<Point> {
    let Trend::Grows(per_sec) = Trend::of(group.lag, group.lag_trend_per_sec) else { return None };
    // Just after a rebalance it catches up, or will.
    if since_ms(snapshot, group.since_us) < 3_000 {
        return None;
    }
    let bold = format!("It falls behind by {} records a second.", count(per_sec));
    let slow = group.members.iter().filter(|member| member.built_in.as_ref().is_some_and(|b| b.in_hand > 0)).count();
    let plain = match slow {
        0 => "More comes in than its members read.".to_owned(),
        n => format!("More comes in than {} can work through.", plural(n, "busy member")),
    };
    Some(Point::new(Role::Warn, bold, plain).short("It falls behind"))
}
