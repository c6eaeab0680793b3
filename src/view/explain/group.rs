//! What a consumer group is, one of its members, and a partition as it reads it, now.

use crate::session::event::Event;
use crate::session::snapshot::{
    Group, GroupKind, GroupKnown, GroupMember, GroupPartition, GroupState, Partition, Snapshot, Standing,
};
use crate::view::format::{count, duration_ms, grouped, plural};
use crate::view::line::Line;
use crate::view::role::Role;
use crate::view::text::{name_of, safe_str};

use super::page::{Page, Works, story};

/// How a group is: role, sign and word.
fn state(group: &Group) -> (Role, String) {
    match (group.known, group.state) {
        (GroupKnown::Last, _) => (Role::Bad, "✖ nobody coordinates it".to_owned()),
        (GroupKnown::Loading, _) => (Role::Warn, "▲ is being loaded".to_owned()),
        (_, GroupState::Stable) => (Role::Good, "● Stable".to_owned()),
        (_, GroupState::Empty) => (Role::Dim, "○ Empty".to_owned()),
        (_, state) => (Role::Warn, format!("▲ {}", state.name())),
    }
}

/// What each state means.
fn meaning(state: GroupState) -> &'static str {
    match state {
        GroupState::Empty => "It has no members. Its offsets stay, for who joins next.",
        GroupState::PreparingRebalance => {
            "Its members are called together. The generation begins when all are back, or when their time is up."
        }
        GroupState::CompletingRebalance => {
            "Its members have met. The one that came first shares the partitions out; its answer is kept before it counts."
        }
        GroupState::Assigning => "The coordinator works out who is to read what.",
        GroupState::Reconciling => "Each member gives up what it is to lose, and takes over what others gave up.",
        GroupState::Stable => "Each partition has one reader in the group, and each member knows which are its own.",
        GroupState::Dead => "It is being removed.",
    }
}

/// The page about a group.
pub(super) fn page(snapshot: &Snapshot, group: &Group) -> Page {
    let (role, words) = state(group);
    let title = Line::of(Role::Strong, format!("{} ", name_of(&group.id))).with(role, words);
    let bold = format!(
        "{} read {}; {} to do.",
        plural(group.members.len(), "member"),
        plural(group.partitions.len(), "partition"),
        records(group.lag)
    );
    let mut page = Page::new(title, role, bold, meaning(group.state));
    page.section("Now", "");
    match group.kind {
        GroupKind::Classic => {
            page.fact("generation", group.generation.to_string(), "how often its members have met");
        }
        GroupKind::Consumer => {
            page.fact("epoch", group.generation.to_string(), "KIP-848: raised whenever it is to be shared out anew");
        }
    }
    let coordinator = group.coordinator.map_or_else(|| "none".to_owned(), |id| format!("broker-{id}"));
    page.fact("coordinator", coordinator, &format!("it leads __consumer_offsets-{}", group.offsets_partition));
    let how = if group.kind == GroupKind::Consumer {
        "the coordinator shares out, each member changes over by itself"
    } else if group.cooperative {
        "members keep what they have while they join"
    } else {
        "who joins again gives up all first"
    };
    page.fact("assignor", group.assignor.as_deref().map_or_else(|| "–".to_owned(), safe_str), how);
    page.fact("lag", count(group.lag), "log end minus committed offset, over all partitions");
    let idle = group.idle().count();
    if idle > 0 {
        page.fact(
            "idle",
            plural(idle, "member"),
            "there are more members than partitions: they wait in case one leaves",
        );
    }
    works(group, &mut page);
    costs(group, &mut page);
    page.led_here(&story(snapshot, 5, |event: &Event| event.group.as_ref() == Some(&group.id)));
    page.words(&["group", "coordinator", "generation", "rebalance", "eager", "cooperative"]);
    page
}

fn records(n: u64) -> String {
    if n == 1 { "1 record".to_owned() } else { format!("{} records", count(n)) }
}

fn works(group: &Group, page: &mut Page) {
    page.section("What still works", "");
    let all = group.partitions.len();
    let unread = group.partitions.iter().filter(|partition| partition.reader.is_none()).count();
    let verdict = if unread == 0 { Works::Yes } else { Works::No };
    page.works(verdict, "reading", format!("{} of {} are read at this moment", all - unread, plural(all, "partition")));
    let (verdict, words) = match group.known {
        GroupKnown::Now => (Works::Yes, "the coordinator takes them"),
        GroupKnown::Loading => (Works::AtRisk, "are tried again until the new coordinator has read its log"),
        GroupKnown::Last => (Works::No, "nobody takes them: __consumer_offsets has no leader there"),
    };
    page.works(verdict, "commits", words);
}

/// What the newest rebalances cost.
fn costs(group: &Group, page: &mut Page) {
    if group.history.is_empty() {
        return;
    }
    page.section("What rebalances cost", "the newest first");
    for generation in group.history.iter().take(3) {
        let settled = generation.settled_us.unwrap_or(generation.at_us);
        let took = generation.began_us.map(|began| settled.saturating_sub(began) / 1_000);
        let took = took.map_or_else(|| "not seen".to_owned(), |took| format!("took {}", duration_ms(took)));
        let stopped = match generation.stopped {
            0 => "nothing stopped".to_owned(),
            n => format!("{n} stopped, up to {}", duration_ms(generation.stopped_ms)),
        };
        let meaning = format!("{}; {stopped}", safe_str(&generation.why));
        page.fact(&format!("generation {}", generation.generation), took, &meaning);
    }
}

/// How a member stands, in words.
fn stands(member: &GroupMember) -> (Role, &'static str, &'static str) {
    let built_in = member.built_in.as_ref();
    if built_in.is_some_and(|built_in| !built_in.alive) {
        return (
            Role::Bad,
            "✖ dead",
            "Its process is gone, and the group does not know it yet: until session.timeout.ms is over, nobody takes its place.",
        );
    }
    if built_in.is_some_and(|built_in| built_in.paused) {
        return (
            Role::Warn,
            "‖ stopped",
            "It sends heartbeats and reads nothing: the group gives its partitions to nobody else.",
        );
    }
    match member.standing {
        Standing::In => (Role::Good, "● reads", "It reads what it was assigned, and says by heartbeats that it lives."),
        Standing::WaitedFor => (
            Role::Warn,
            "▲ waited for",
            "The group is called together, and it has not come: it hears of it with its next heartbeat, and joins when it polls next.",
        ),
        Standing::Joined | Standing::JoinedNew => (Role::Good, "✓ has joined", "It waits for the others."),
        Standing::WaitsForAssignment => {
            (Role::Good, "✓ waits", "It has asked for its assignment, which the leader works out.")
        }
        Standing::HasNotSynced => {
            (Role::Warn, "▲ not back yet", "It has joined, and has not asked for its assignment.")
        }
        Standing::Reconciling => {
            (Role::Warn, "▲ changes over", "It gives up what it is to lose before it gets what is new.")
        }
    }
}

/// The page about a member.
pub(super) fn member(snapshot: &Snapshot, group: &Group, member: &GroupMember) -> Page {
    let (role, words, plain) = stands(member);
    let title = Line::of(Role::Strong, format!("{} {} ", member.tag, safe_str(&member.client_id))).with(role, words);
    let has = member.after.as_deref().unwrap_or(&member.before);
    let bold = match (has.len(), member.after.is_some()) {
        (0, true) => format!("It is idle: {} are fewer than members.", plural(group.partitions.len(), "partition")),
        (n, true) => format!("It reads {} of {}.", n, plural(group.partitions.len(), "partition")),
        (n, false) => format!("It had {}; what it gets is not decided.", plural(n, "partition")),
    };
    let mut page = Page::new(title, role, bold, plain);
    page.section("Who it is", "");
    page.fact("member id", safe_str(&member.id), "");
    page.fact(
        "address",
        safe_str(&member.host),
        if member.built_in.is_some() { "built into the lab" } else { "a client outside" },
    );
    if let Some(instance) = &member.instance_id {
        page.fact(
            "group.instance.id",
            safe_str(instance),
            "static: it may be away for session.timeout.ms without a rebalance",
        );
    }
    if member.leader {
        page.fact("leader", "yes", "it came first, and shares out for all");
    }
    if let Some(built_in) = &member.built_in {
        page.section("How it works", "");
        page.fact("commits", safe_str(&built_in.commits), promise(&built_in.commits));
        let each = if built_in.work_us == 0 { "no time".to_owned() } else { work(built_in.work_us) };
        page.fact("works on a record", each, "");
        page.fact(
            "in hand",
            count(built_in.in_hand),
            "polled and not processed yet: it joins a rebalance when it is through",
        );
        page.fact("processed again", count(built_in.again), "records that it had processed before");
    }
    let owns = |partition: &&GroupPartition| has.contains(&partition.at);
    let lag: u64 = group.partitions.iter().filter(owns).map(|partition| partition.behind).sum();
    page.section("What it reads", "");
    page.fact("behind", count(lag), "over its partitions: log end minus position");
    page.led_here(&story(snapshot, 4, |event: &Event| event.group.as_ref() == Some(&group.id)));
    page.words(&["group", "heartbeat", "rebalance", "committed offset"]);
    page
}

/// A time of work on one record.
pub(super) fn work(us: u32) -> String {
    if us < 1_000 { format!("{us} µs") } else { duration_ms(u64::from(us / 1_000)) }
}

/// What a way to commit promises.
fn promise(commits: &str) -> &'static str {
    match commits {
        "before processing" => "at most once: a crash in between loses records",
        "never" => "after a crash it begins again",
        _ => "at least once: a crash in between repeats records",
    }
}

/// The page about a partition as a group reads it.
pub(super) fn partition(snapshot: &Snapshot, group: &Group, partition: &GroupPartition) -> Page {
    let at = format!("{}-{}", safe_str(&partition.at.topic), partition.at.partition);
    let title = Line::of(Role::Strong, format!("{at} in {} ", name_of(&group.id)));
    let known = snapshot.topics.get(&partition.at.topic);
    let known = known.and_then(|topic| topic.partitions.iter().find(|known| known.id == partition.at.partition));
    let leaderless = known.is_some_and(|known: &std::sync::Arc<Partition>| known.leader.is_none());
    let (role, words) = match (&partition.reader, leaderless) {
        (_, true) => (Role::Bad, "✖ has no leader to read from".to_owned()),
        (Some(tag), false) => (Role::Good, format!("● {tag} reads it")),
        (None, false) => (Role::Warn, "▲ read by nobody".to_owned()),
    };
    let bold = match partition.lag {
        Some(lag) => format!("{} to do before {} is through with it.", records(lag), name_of(&group.id)),
        None => "The group has committed nothing here.".to_owned(),
    };
    let plain = "Its lag is what can be read and is not committed: a commit comes after the reading, so a little lag is always there.";
    let mut page = Page::new(title.with(role, words), role, bold, plain);
    page.section("Now", "");
    let offset = |offset: Option<i64>| offset.map_or_else(|| "–".to_owned(), grouped);
    page.fact("committed offset", offset(partition.committed), "who takes over goes on from here");
    page.fact("position", offset(partition.position), "the next record that its reader works on");
    page.fact("log end", grouped(partition.log_end), "what all in-sync copies have: readers see up to here");
    page.fact("reads", format!("{} a second", count(partition.read_per_sec)), "");
    let trend = match partition.trend_per_sec {
        0 => "steady".to_owned(),
        n if n > 0 => format!("grows by {} a second", grouped(n)),
        n => format!("shrinks by {} a second", grouped(-n)),
    };
    page.fact("behind", count(partition.behind), &trend);
    if let (Some(committed), Some(position)) = (partition.committed, partition.position) {
        page.section("If its reader crashed now", "");
        let again = u64::try_from(position - committed).unwrap_or(0);
        match again {
            0 => page.works(Works::Yes, "nothing", "would be read again: all that was read is committed"),
            n => page.works(Works::AtRisk, "read again", format!("{}, from offset {}", records(n), grouped(committed))),
        }
    }
    page.led_here(&story(snapshot, 4, |event: &Event| event.group.as_ref() == Some(&group.id)));
    page.words(&["committed offset", "lag", "high watermark", "offset"]);
    page
}
