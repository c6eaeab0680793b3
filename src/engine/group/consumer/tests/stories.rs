//! How members come by their partitions, and what becomes of those who go.

use std::time::Duration;

use super::super::{MemberState, State};
use super::world::{Client, World};
use crate::engine::event::GroupEvent;
use crate::engine::event::group::{ConsumerGroupEvent, Gone, Why};
use crate::engine::group::Kind;
use crate::engine::topic_name::CONSUMER_OFFSETS;
use crate::protocol::ErrorCode;

const SECOND: Duration = Duration::from_secs(1);

/// Two members that share six partitions.
fn two() -> (World, Client, Client) {
    let mut world = World::new(&[("trucks", 6)]);
    let (mut a, mut b) = (Client::new("a", &["trucks"]), Client::new("b", &["trucks"]));
    for _ in 0..3 {
        a.beat(&mut world);
        b.beat(&mut world);
    }
    assert_eq!((world.consumer().state(), a.owned.len(), b.owned.len()), (State::Stable, 3, 3));
    (world, a, b)
}

#[test]
fn one_that_joins_alone_gets_everything_at_once_and_hears_nothing_new_after() {
    let mut world = World::new(&[("trucks", 6)]);
    let mut a = Client::new("a", &["trucks"]);
    let answer = a.beat(&mut world);
    assert_eq!((answer.error_code, answer.member_epoch, answer.heartbeat_interval_ms), (ErrorCode::NONE, 1, 500));
    assert_eq!((a.owned.len(), world.consumer().state()), (6, State::Stable));
    let written = world.log.len();
    assert_eq!(written, 6, "topics, epoch, member, its target, the target's epoch, what it owns");
    assert_eq!(a.beat(&mut world).assignment, None);
    assert_eq!(world.log.len(), written, "a heartbeat that changes nothing is not written");
}

#[test]
fn a_partition_goes_from_one_to_the_other_only_when_it_was_given_back() {
    let mut world = World::new(&[("trucks", 6)]);
    let (mut a, mut b) = (Client::new("a", &["trucks"]), Client::new("b", &["trucks"]));
    a.beat(&mut world);
    let answer = b.beat(&mut world);
    assert_eq!((answer.member_epoch, b.owned.len()), (2, 0), "it is in, and waits");
    assert_eq!(world.consumer().image().member("b").unwrap().state, MemberState::UnreleasedPartitions);
    assert_eq!(world.consumer().state(), State::Reconciling);
    // The first one hears of it, and is not through with its work.
    let answer = world.beat(&a.request());
    a.hear(Some(&answer));
    assert_eq!((answer.member_epoch, a.told.len()), (1, 3), "it stays where it is until it has given them back");
    assert_eq!(world.consumer().image().member("a").unwrap().state, MemberState::UnrevokedPartitions);
    b.beat(&mut world);
    assert_eq!(b.owned.len(), 0, "nobody gets what somebody may still read");
    world.beat(&a.request());
    assert_eq!(world.consumer().image().member("a").unwrap().epoch, 1, "it has not said that it gave them back");
    // Now it has.
    a.follow();
    assert_eq!(a.beat(&mut world).member_epoch, 2);
    assert_eq!(b.owned.len(), 0, "it is told at its own heartbeat");
    b.beat(&mut world);
    assert_eq!((b.owned.len(), a.owned.is_disjoint(&b.owned)), (3, true));
    assert_eq!(world.consumer().state(), State::Stable);
}

#[test]
fn one_that_leaves_frees_its_partitions_at_once_and_one_that_falls_silent_after_its_session() {
    for (leaves, why) in [(true, Gone::Left), (false, Gone::Silent)] {
        let (mut world, mut a, mut b) = two();
        if leaves {
            assert_eq!(b.leave(&mut world, -1).member_epoch, -1);
        } else {
            for _ in 0..2 {
                world.pass(SECOND);
                a.beat(&mut world);
            }
            assert_eq!(a.owned.len(), 3, "its session is not over");
            world.pass(SECOND);
        }
        let gone = GroupEvent::MemberGone { group: "g".into(), member: "b".into(), why };
        assert!(world.events.contains(&gone), "{:?}", world.events);
        assert_eq!(world.consumer().state(), State::Assigning, "the next heartbeat has it assigned");
        assert_eq!((a.beat(&mut world).member_epoch, a.owned.len()), (3, 6));
    }
}

#[test]
fn the_last_one_leaves_an_empty_group_which_keeps_its_epoch() {
    let mut world = World::new(&[("trucks", 6)]);
    let mut a = Client::new("a", &["trucks"]);
    a.beat(&mut world);
    a.leave(&mut world, -1);
    assert_eq!((world.consumer().state(), world.consumer().image().epoch, world.timers()), (State::Empty, 2, 0));
    assert_eq!(world.events.last(), Some(&GroupEvent::Emptied { group: "g".into(), generation: 2 }));
    assert_eq!(a.beat(&mut world).member_epoch, 3);
}

#[test]
fn one_that_does_not_give_back_in_time_is_put_out_though_it_sends_heartbeats() {
    let mut world = World::new(&[("trucks", 6)]);
    let (mut a, mut b) = (Client::new("a", &["trucks"]), Client::new("b", &["trucks"]));
    a.beat(&mut world);
    b.beat(&mut world);
    for _ in 0..10 {
        let answer = world.beat(&a.request());
        assert_eq!(answer.error_code, ErrorCode::NONE);
        a.hear(Some(&answer));
        b.beat(&mut world);
        world.pass(SECOND);
    }
    let gone = GroupEvent::MemberGone { group: "g".into(), member: "a".into(), why: Gone::DidNotRevoke };
    assert!(world.events.contains(&gone), "{:?}", world.events);
    b.beat(&mut world);
    assert_eq!(b.owned.len(), 6);
    assert_eq!(a.beat(&mut world).error_code, ErrorCode::UNKNOWN_MEMBER_ID);
}

#[test]
fn what_becomes_of_topics_is_noticed_at_the_next_heartbeat() {
    let (mut world, mut a, mut b) = two();
    let epoch = |world: &World| world.consumer().image().epoch;
    let mut turn = |world: &mut World| {
        for _ in 0..3 {
            a.beat(world);
            b.beat(world);
        }
        (epoch(world), world.consumer().state(), a.owned.len() + b.owned.len())
    };
    assert_eq!(turn(&mut world), (2, State::Stable, 6));
    world.topic("trucks", 9);
    assert_eq!(turn(&mut world), (3, State::Stable, 9), "more partitions");
    world.topic("orders", 3);
    assert_eq!(turn(&mut world), (3, State::Stable, 9), "nobody wants this one");
    world.topic("trucks", 0);
    assert_eq!(turn(&mut world), (4, State::Stable, 0), "deleted");
    world.topic("trucks", 4);
    assert_eq!(turn(&mut world), (5, State::Stable, 4), "made anew, under another id");
    let raised = world.events.iter().filter(|event| {
        matches!(
            event,
            GroupEvent::Consumer { event: ConsumerGroupEvent::EpochRaised { why: Why::TopicsChanged, .. }, .. }
        )
    });
    assert_eq!(raised.count(), 3);
}

#[test]
fn other_topics_are_a_new_epoch_and_another_assignor_is_asked_at_the_next() {
    let mut world = World::new(&[("trucks", 2), ("orders", 2)]);
    let mut a = Client { assignor: Some("range".into()), ..Client::new("a", &["trucks", "orders"]) };
    let mut b = Client::new("b", &["trucks", "orders"]);
    for _ in 0..3 {
        a.beat(&mut world);
        b.beat(&mut world);
    }
    let assigned_by = |world: &World| {
        let by = |event: &GroupEvent| match event {
            GroupEvent::Consumer { event: ConsumerGroupEvent::TargetAssigned { assignor, .. }, .. } => {
                Some(assignor.to_string())
            }
            _ => None,
        };
        world.events.iter().rev().find_map(by).unwrap()
    };
    assert_eq!(assigned_by(&world), "range", "the one that somebody asks for");
    assert!([&a, &b].iter().all(|client| client.owned.len() == 2));
    b.topics = ["orders".into()].into();
    b.hear(None);
    for _ in 0..3 {
        b.beat(&mut world);
        a.beat(&mut world);
    }
    assert_eq!((world.consumer().image().epoch, a.owned.len(), b.owned.len()), (3, 3, 1));
}

#[test]
fn a_static_member_that_comes_back_has_what_it_had_and_nobody_else_notices() {
    let (mut world, mut a, _) = two();
    let mut c = Client { instance: Some("wall".into()), ..Client::new("c", &["trucks"]) };
    for _ in 0..3 {
        c.beat(&mut world);
        a.beat(&mut world);
        world.pass(Duration::from_millis(100));
    }
    let (had, epoch) = (c.owned.clone(), world.consumer().image().epoch);
    assert_eq!(c.leave(&mut world, -2).error_code, ErrorCode::NONE);
    assert_eq!(world.consumer().image().member("c").unwrap().epoch, -2);
    a.beat(&mut world);
    let mut back = Client { id: "c2".into(), ..c };
    assert_eq!(back.beat(&mut world).member_epoch, epoch, "its epoch is the group's at once");
    assert_eq!((world.consumer().image().epoch, &back.owned), (epoch, &had));
    assert!(world.consumer().image().member("c").is_none());
    // One that does not come back loses its place when its session ends.
    back.leave(&mut world, -2);
    for _ in 0..4 {
        world.pass(SECOND);
        a.beat(&mut world);
    }
    assert!(world.consumer().image().member("c2").is_none());
}

#[test]
fn a_pattern_that_the_log_did_not_take_is_looked_for_again() {
    let mut world = World::new(&[("trucks", 2), ("trains", 1), ("ships", 1)]);
    let pattern = |pattern: &str| Some(pattern.into());
    let mut a = Client { pattern: pattern("t.*s"), ..Client::new("a", &["ships"]) };
    assert_eq!((a.beat(&mut world).member_epoch, a.owned.len()), (1, 1), "what it named is there at once");
    world.refuses = Some(ErrorCode::NOT_ENOUGH_REPLICAS);
    world.pass(SECOND / 10);
    assert!(world.consumer().image().patterns.is_empty());
    world.refuses = None;
    a.beat(&mut world);
    world.pass(SECOND / 10);
    assert_eq!((a.beat(&mut world).member_epoch, a.owned.len()), (2, 4));
    // A new topic, whose finding is refused at first too.
    world.topic("trams", 1);
    world.pass(2 * SECOND);
    for _ in 0..6 {
        a.beat(&mut world);
        world.pass(2 * SECOND);
        world.refuses = (world.consumer().image().epoch == 2).then_some(ErrorCode::NOT_ENOUGH_REPLICAS);
        world.check();
    }
    world.refuses = None;
    for _ in 0..3 {
        a.beat(&mut world);
        world.pass(SECOND / 10);
    }
    assert_eq!((world.consumer().image().epoch, a.owned.len()), (3, 5));
    a.leave(&mut world, -1);
    assert!(world.consumer().image().patterns.is_empty(), "nobody has it any more");
    assert!(world.log.iter().any(|record| record.text(&|_| "?".into()) == "group g: pattern t.*s deleted"));
}

#[test]
fn what_the_log_refuses_has_not_happened() {
    let (mut world, mut a, mut b) = two();
    world.refuses = Some(ErrorCode::NOT_ENOUGH_REPLICAS);
    let before = world.consumer().image().clone();
    let mut c = Client::new("c", &["trucks"]);
    assert_eq!(c.beat(&mut world).error_code, ErrorCode::COORDINATOR_NOT_AVAILABLE);
    assert_eq!((world.consumer().image(), world.timers()), (&before, 2), "nobody waits for who is not in");
    assert_eq!(b.clone().leave(&mut world, -1).error_code, ErrorCode::COORDINATOR_NOT_AVAILABLE);
    assert_eq!((world.consumer().image(), world.timers()), (&before, 2));
    world.pass(4 * SECOND);
    assert_eq!(world.consumer().image(), &before, "nor is anybody put out");
    world.refuses = None;
    b.beat(&mut world);
    world.pass(4 * SECOND);
    assert!(world.consumer().image().is_empty(), "until that can be kept");
    assert_eq!(a.beat(&mut world).error_code, ErrorCode::UNKNOWN_MEMBER_ID);
}

#[test]
fn another_coordinator_goes_on_in_the_middle() {
    let mut world = World::new(&[("trucks", 6)]);
    let (mut a, mut b) = (Client::new("a", &["trucks"]), Client::new("b", &["trucks"]));
    a.beat(&mut world);
    b.beat(&mut world);
    let answer = world.beat(&a.request());
    a.hear(Some(&answer));
    world.fail_over();
    assert_eq!(world.timers(), 3, "two sessions, and one that is to give back");
    b.beat(&mut world);
    assert_eq!(b.owned.len(), 0);
    a.follow();
    a.beat(&mut world);
    b.beat(&mut world);
    assert_eq!((world.consumer().image().epoch, world.consumer().state()), (2, State::Stable), "no new epoch for it");
    assert_eq!((a.owned.len(), b.owned.len()), (3, 3));
}

#[test]
fn a_coordinator_that_was_told_of_no_topics_yet_takes_nothing_away() {
    let (mut world, mut a, _) = two();
    world.topic(CONSUMER_OFFSETS, 0);
    world.topic("trucks", 0);
    world.fail_over();
    assert_eq!((a.beat(&mut world).member_epoch, a.owned.len()), (2, 3));
}

#[test]
fn an_empty_group_becomes_one_of_the_other_kind_and_a_full_one_does_not() {
    let mut world = World::new(&[("trucks", 6)]);
    let mut a = Client::new("a", &["trucks"]);
    assert!(matches!(world.group.kind, Kind::Classic(_)), "a group that only has offsets");
    a.beat(&mut world);
    assert_eq!(world.group.kind(), "consumer");
    a.leave(&mut world, -1);
    world.act(|group, desk| {
        group.remove(desk);
    });
    assert!(matches!(world.replayed().kind, Kind::Classic(_)), "its tombstones leave nothing");
    assert!(world.replayed().is_nothing());
}
