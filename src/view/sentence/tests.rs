//! The worst news speaks, whatever else there is to say.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::session::event::{Severity, Taken, kind};
use crate::session::fixture;
use crate::session::snapshot::Topic;

fn say(snapshot: Snapshot) -> (Role, String) {
    let mut model = Model::new(Arc::new(snapshot), Arc::new([]), Vec::new(), String::new());
    model.first_minute = false;
    let sentence = project(&model);
    (sentence.role, format!("{} {}", sentence.bold, sentence.plain))
}

/// A snapshot with its partitions changed.
fn with(mut snapshot: Snapshot, change: impl Fn(&Topic, &mut Partition)) -> Snapshot {
    let mut topics = BTreeMap::clone(&snapshot.topics);
    for topic in topics.values_mut() {
        let like = topic.clone();
        topic.partitions.iter_mut().for_each(|partition| change(&like, std::sync::Arc::make_mut(partition)));
    }
    snapshot.topics = Arc::new(topics);
    snapshot
}

#[test]
fn the_story_of_a_kill_is_told_step_by_step() {
    let told: Vec<String> = [fixture::calm(), fixture::killed(), fixture::elected(), fixture::catching_up()]
        .into_iter()
        .map(|s| say(s).1)
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    All well. 15 partitions, each with a leader, every replica in sync.
    broker-2 is dead: 4 partitions have no leader. 10 wait for its copy. ZooKeeper ends its session in 0.7 s.
    4 new leaders, 1.2 s after broker-2 died. 14 partitions lack a replica.
    broker-2 catches up: 5 of 14 replicas in sync. It copies what it missed from the leaders.
    ");
}

#[test]
fn an_empty_cluster_says_what_to_do() {
    assert_eq!(
        say(fixture::empty()),
        (Role::SentenceNote, "No topics yet. t creates one; any client may, too.".into())
    );
}

#[test]
fn a_cluster_that_starts_says_so() {
    let (role, text) = say(Snapshot::default());
    assert!(role == Role::SentenceNote && text.starts_with("The cluster is starting."), "{text}");
}

#[test]
fn a_missing_leader_is_worse_than_a_missing_replica() {
    let snapshot = with(fixture::elected(), |topic, partition| {
        if topic.name.starts_with("orders") && partition.id == 0 {
            partition.leader = None;
        }
    });
    assert!(say(snapshot).1.contains("1 partition has no leader"));
}

#[test]
fn refused_writes_are_told_before_a_missing_replica() {
    let snapshot = with(fixture::elected(), |_, partition| {
        if let Some(leader) = partition.leader {
            partition.isr = vec![leader];
        }
    });
    assert!(say(snapshot).1.contains("acks=all"));
}

#[test]
fn time_that_stands_is_told_when_nothing_worse_is() {
    let mut calm = fixture::calm();
    calm.clock.paused = true;
    assert!(say(calm.clone()).1.starts_with("Time stands. Space goes on"));
    calm.outside_clients = 3;
    calm.clock.outside_waited_ms = 4_200;
    assert!(say(calm).1.contains("3 outside clients waited 4.2 s"));
    let mut killed = fixture::killed();
    killed.clock.paused = true;
    assert!(say(killed).1.contains("no leader"));
}

/// What a start of `broker` cut off its logs.
fn start_that_cut(mut snapshot: Snapshot, broker: i32, partitions: std::ops::Range<i32>) -> Snapshot {
    let newest = snapshot.events.last().unwrap().clone();
    let partitions = partitions.map(|partition| TopicPartition { topic: "orders".into(), partition }).collect();
    let (node, taken) = (NodeRef::Broker(broker), Some(Taken { segments: 0, bytes: 3_000 }));
    let (id, kind, severity) = (newest.id + 1, kind::RECOVERED.into(), Severity::Warning);
    let event = Event { id, node, kind, severity, partitions, taken, ..newest };
    snapshot.events = snapshot.events.iter().cloned().chain([event]).collect();
    snapshot
}

#[test]
fn a_start_that_cut_records_is_said_until_it_was_read() {
    let calm = fixture::calm();
    let one = start_that_cut(fixture::calm(), 2, 1..2);
    assert_eq!(
        say(one.clone()),
        (
            Role::SentenceWarn,
            "broker-2 cut 2.9 KiB off orders-1. 7 tells why, Esc hides this. The last run did not end in order.".into()
        )
    );
    let both = start_that_cut(one.clone(), 3, 0..2);
    assert!(say(both.clone()).1.starts_with("broker-2 and broker-3 cut 5.8 KiB off 3 logs."), "{}", say(both).1);
    assert!(say(start_that_cut(fixture::elected(), 2, 0..1)).1.contains("new leaders"), "what is broken comes first");

    let mut model = Model::new(Arc::new(one), Arc::new([]), Vec::new(), String::new());
    model.take(Arc::new(calm));
    assert!(project(&model).bold.contains("cut"), "the event may leave the ring before anybody looks");
    model.cuts.read();
    assert!(!project(&model).bold.contains("cut"));
}

/// What is said of a cluster whose group was changed so.
fn say_of(snapshot: Snapshot, change: impl FnOnce(&mut crate::session::snapshot::Group)) -> String {
    let mut snapshot = snapshot;
    let groups = Arc::make_mut(&mut snapshot.groups);
    change(Arc::make_mut(groups.values_mut().next().unwrap()));
    say(snapshot).1
}

#[test]
fn a_group_that_stands_still_is_news_of_the_cluster_after_a_while() {
    assert!(say(fixture::rebalance()).1.starts_with("All well."), "it has begun just now");
    let mut later = fixture::rebalance();
    later.clock.lab_us += 10_000_000;
    let hangs = say(later).1;
    assert!(hangs.starts_with("dashboard has rebalanced for 11 s: 7 of 10 partitions read by nobody."), "{hangs}");
    assert!(hangs.ends_with("All wait for c3, which still works on 37 records."), "{hangs}");
    let stopped = |ms: u64| {
        say_of(fixture::calm(), |group| {
            for partition in &mut group.partitions {
                (partition.reader, partition.unread_ms) = (None, Some(ms));
            }
        })
    };
    assert!(stopped(4_000).starts_with("All well."), "{}", stopped(4_000));
    assert!(
        stopped(5_000).starts_with("dashboard stands still: 10 of 10 partitions read by nobody."),
        "{}",
        stopped(5_000)
    );
}

#[test]
fn a_group_that_nobody_is_in_is_news_while_records_wait() {
    let emptied_at = |lag: u64, minutes: u64| {
        let mut snapshot = fixture::calm();
        snapshot.clock.lab_us += minutes * 60_000_000;
        say_of(snapshot, |group| {
            (group.state, group.lag, group.member_count) = (crate::session::snapshot::GroupState::Empty, lag, 0);
            group.members.clear();
        })
    };
    let emptied = |lag| emptied_at(lag, 1);
    assert!(emptied_at(81, 10).starts_with("All well."), "what has long been so is no news");
    assert!(emptied(0).starts_with("All well."), "{}", emptied(0));
    assert!(emptied(81).starts_with("dashboard has no members: 81 records wait."), "{}", emptied(81));
    let all_stuck = say_of(fixture::stuck(), |group| {
        (group.state, group.member_count) = (crate::session::snapshot::GroupState::Empty, 0);
        group.members.clear();
    });
    assert!(all_stuck.starts_with("dashboard stands still: all its members are stuck."), "{all_stuck}");
    assert!(
        all_stuck.contains("max.poll.interval.ms, 20.0 s") || all_stuck.contains("max.poll.interval.ms, 20 s"),
        "{all_stuck}"
    );
}
