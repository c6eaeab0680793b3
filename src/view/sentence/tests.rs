//! The worst news speaks, whatever else there is to say.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
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
