//! Groups of a real lab, as a screen sees them.

use std::sync::Arc;
use std::time::Duration;

use crate::session::action::{Action, CommitMode, NewConsumer, Origin, Outcome};
use crate::session::embedded::options::LabOptions;
use crate::session::embedded::stepped::Stepped;
use crate::session::snapshot::{DeliveredBy, DeliveryRun, Fate, Group, GroupKnown, GroupState, Standing};

fn lab() -> Stepped {
    let mut lab = Stepped::new(&LabOptions::new(false), 1_767_225_600_000);
    lab.pass(Duration::from_secs(7));
    lab
}

fn dashboard(lab: &Stepped) -> Arc<Group> {
    Arc::clone(&lab.snapshot().groups["dashboard"])
}

/// Lets time pass until something holds of the group, at most `seconds`.
fn until(lab: &mut Stepped, seconds: u64, holds: impl Fn(&Group) -> bool) -> Arc<Group> {
    for _ in 0..seconds * 20 {
        let group = dashboard(lab);
        if holds(&group) {
            return group;
        }
        lab.pass(Duration::from_millis(50));
    }
    panic!("it does not come to it: {:?}", dashboard(lab));
}

fn act(lab: &mut Stepped, action: &Action) {
    let outcome = lab.act(action, Origin::Program);
    assert!(matches!(outcome, Outcome::Done(_)), "{action:?}: {outcome:?}");
}

fn a_consumer(assignor: &str, work_us: u32) -> Action {
    Action::AddConsumer(NewConsumer {
        group: "dashboard".into(),
        topics: vec!["trucks_gps".into()],
        assignors: vec![assignor.into()],
        work_us,
        ..NewConsumer::default()
    })
}

fn consumer(group: &Group, tag: &str) -> u32 {
    group.tagged(tag).and_then(|member| member.built_in.as_ref()).expect("a built-in member").consumer
}

fn tags(group: &Group) -> Vec<&str> {
    group.members.iter().map(|member| &*member.tag).collect()
}

#[test]
fn a_group_is_as_its_coordinator_has_it_and_every_partition_has_a_reader() {
    let group = dashboard(&lab());
    assert_eq!((group.state, group.known, group.generation), (GroupState::Stable, GroupKnown::Now, 1));
    assert_eq!((tags(&group), group.partitions.len()), (vec!["c1", "c2", "c3"], 10));
    assert_eq!((group.assignor.as_deref(), group.cooperative), (Some("range"), false));
    for partition in &group.partitions {
        assert!(partition.reader.is_some() && partition.reader == partition.owner, "{partition:?}");
        assert_eq!(partition.lane.iter().map(|run| usize::from(run.cells)).sum::<usize>(), Group::LANE_CELLS);
        let lag = partition.committed.map(|offset| u64::try_from(partition.log_end - offset).unwrap_or(0));
        assert_eq!(partition.lag, lag);
    }
    let [first] = &*group.history else { panic!("{:?}", group.history) };
    assert_eq!((first.generation, first.stopped), (1, 0), "before the first generation nobody read");
}

#[test]
fn who_joins_an_eager_group_stops_all_for_a_moment_and_that_is_counted() {
    let mut lab = lab();
    act(&mut lab, &a_consumer("range", 0));
    let moving = until(&mut lab, 3, |group| group.state == GroupState::PreparingRebalance);
    assert_eq!(moving.rebalance.as_ref().map(|rebalance| &*rebalance.why), Some("c4 joins"));
    let call = moving.call.expect("they are called together");
    assert_eq!((call.of_ms, call.outside), (20_000, false), "max.poll.interval.ms of the lab's pace");
    assert!((1..=20_000).contains(&call.ends_in_ms), "{call:?}");
    assert_eq!(
        moving.tagged("c4").map(|member| (member.standing, member.was_there)),
        Some((Standing::JoinedNew, false))
    );
    assert!(moving.members.iter().all(|member| member.after.is_none()), "nothing is decided yet");
    until(&mut lab, 5, |group| group.state == GroupState::Stable && group.generation == 2);
    lab.pass(Duration::from_secs(1));
    let group = dashboard(&lab);
    let newest = group.history.first().expect("the second generation");
    assert_eq!((newest.generation, &*newest.why, newest.stopped), (2, "c4 joins", 10));
    let moved = group.members.iter().filter(|member| member.after.as_ref() != Some(&member.before)).count();
    assert!(moved > 0 && group.partitions.iter().all(|partition| partition.reader.is_some()), "{group:?}");
}

#[test]
fn who_crashes_leaves_its_partitions_unread_until_its_session_is_over() {
    let mut lab = lab();
    let id = consumer(&dashboard(&lab), "c2");
    act(&mut lab, &Action::CrashConsumer(id));
    lab.pass(Duration::from_millis(300));
    let group = dashboard(&lab);
    let dead = group.tagged("c2").expect("the group does not know yet");
    assert!(dead.built_in.as_ref().is_some_and(|built_in| !built_in.alive));
    let session = dead.session.expect("its session is measured");
    assert_eq!((session.of_ms, session.outside), (3_000, false), "the time-out of the lab's pace");
    assert!((1..=3_000).contains(&session.ends_in_ms), "{session:?}");
    let owned = dead.after.clone().expect("the group is stable");
    for partition in &group.partitions {
        assert_eq!(partition.reader.is_none(), owned.contains(&partition.at), "{partition:?}");
    }
    let group = until(&mut lab, 10, |group| group.generation == 2 && group.state == GroupState::Stable);
    assert_eq!(tags(&group), ["c1", "c3"]);
    let newest = group.history.first().expect("the second generation");
    assert_eq!(&*newest.why, "c2 fell silent");
    assert!(newest.stopped_ms >= 2_500, "the session's time-out is 3 s: {newest:?}");
}

#[test]
fn who_is_stopped_or_leaves_is_seen_to() {
    let mut lab = lab();
    let id = consumer(&dashboard(&lab), "c1");
    act(&mut lab, &Action::PauseConsumer { id, paused: true });
    lab.pass(Duration::from_secs(4));
    let group = dashboard(&lab);
    assert!(group.tagged("c1").and_then(|member| member.built_in.as_ref()).is_some_and(|built_in| built_in.paused));
    assert_eq!(group.generation, 1, "its heartbeats go on");
    assert!(group.partitions.iter().any(|partition| partition.unread_ms.is_some_and(|ms| ms > 3_000)));
    act(&mut lab, &Action::PauseConsumer { id, paused: false });
    act(&mut lab, &Action::CloseConsumer(id));
    let group = until(&mut lab, 5, |group| group.generation == 2 && group.state == GroupState::Stable);
    assert_eq!((tags(&group), group.history.first().map(|newest| &*newest.why)), (vec!["c2", "c3"], Some("c1 left")));
}

#[test]
fn a_group_without_a_coordinator_stays_as_it_was_until_another_broker_has_read_it() {
    let mut lab = lab();
    let coordinator = dashboard(&lab).coordinator.expect("a coordinator");
    act(&mut lab, &Action::KillBroker(coordinator));
    lab.pass(Duration::from_millis(50));
    let group = dashboard(&lab);
    assert_eq!((group.known, group.coordinator, group.members.len()), (GroupKnown::Last, None, 3));
    let group = until(&mut lab, 10, |group| group.known == GroupKnown::Now);
    assert_ne!(group.coordinator, Some(coordinator));
    assert_eq!((group.generation, group.state, tags(&group)), (1, GroupState::Stable, vec!["c1", "c2", "c3"]));
}

#[test]
fn an_empty_group_keeps_its_offsets_and_is_shown() {
    let mut lab = lab();
    let group = dashboard(&lab);
    for tag in ["c1", "c2", "c3"] {
        act(&mut lab, &Action::CloseConsumer(consumer(&group, tag)));
    }
    let group = until(&mut lab, 5, |group| group.state == GroupState::Empty);
    assert_eq!((group.members.len(), group.partitions.len()), (0, 10));
    assert!(group.partitions.iter().all(|partition| partition.committed.is_some() && partition.reader.is_none()));
}

/// Two members that commit so and work 20 ms on a record; the second crashes with records in its hand. The group once its
/// partitions are another's, and how many records the second one had in its hand.
fn crashed(commit: CommitMode) -> (Arc<Group>, u64) {
    let mut lab = lab();
    let payments = |lab: &Stepped| lab.snapshot().groups.get("payments").cloned().unwrap_or_default();
    for _ in 0..2 {
        act(
            &mut lab,
            &Action::AddConsumer(NewConsumer {
                group: "payments".into(),
                topics: vec!["trucks_gps".into()],
                commit,
                work_us: 20_000,
                from_earliest: true,
                ..NewConsumer::default()
            }),
        );
    }
    let second = |group: &Group| group.tagged("c2").and_then(|member| member.built_in.clone()).unwrap_or_default();
    // It works on its records, some of which it is through with.
    let mut seen = Vec::new();
    for _ in 0..2_000 {
        let group = payments(&lab);
        let moves = group.member_count == 2 && group.state == GroupState::Stable && group.deliveries.once > 0;
        seen.extend(moves.then(|| second(&group).in_hand));
        if let [.., before, now] = *seen
            && before > now
            && now >= 2
        {
            break;
        }
        lab.pass(Duration::from_millis(10));
    }
    let id = second(&payments(&lab)).consumer;
    act(&mut lab, &Action::CrashConsumer(id));
    let in_hand = second(&payments(&lab)).in_hand;
    assert!(in_hand > 0, "{seen:?}");
    for _ in 0..400 {
        lab.pass(Duration::from_millis(50));
        let group = payments(&lab);
        if group.generation > 1 && group.state == GroupState::Stable && !group.deliveries.are_even() {
            lab.pass(Duration::from_secs(3));
            return (payments(&lab), in_hand);
        }
    }
    panic!("nothing is lost, and nothing comes again: {:?}", payments(&lab));
}

fn fates(group: &Group, fate: Fate) -> impl Iterator<Item = &DeliveryRun> {
    group.deliveries.runs.iter().filter(move |run| run.fate == fate)
}

#[test]
fn records_that_are_committed_before_they_are_processed_are_lost_by_name() {
    let (group, in_hand) = crashed(CommitMode::Before);
    let all = &group.deliveries;
    assert_eq!((all.lost, all.again), (in_hand, 0), "{all:?}");
    let named: i64 = fates(&group, Fate::Lost).map(|run| run.last - run.first + 1).sum();
    assert_eq!(named, i64::try_from(in_hand).unwrap());
    for run in fates(&group, Fate::Lost) {
        assert_eq!(run.by, [DeliveredBy { alive: false, tag: "c2".into() }]);
        assert!(run.keys.first().is_some_and(|key| key.starts_with("truck")), "{run:?}");
    }
    let [newest, before, ..] = &*group.history else { panic!("two generations: {:?}", group.history) };
    assert_eq!((newest.lost, newest.again, &*newest.why), (0, 0, "c2 fell silent"));
    assert_eq!((before.lost, before.again), (in_hand, 0), "they were lost when it crashed");
}

#[test]
fn records_that_are_processed_before_they_are_committed_come_again_by_name() {
    let (group, _) = crashed(CommitMode::After);
    let all = &group.deliveries;
    assert!(all.again > 0 && all.lost == 0, "{all:?}");
    let named: i64 = fates(&group, Fate::Again).map(|run| run.last - run.first + 1).sum();
    assert_eq!(u64::try_from(named), Ok(all.again), "{all:?}");
    for run in fates(&group, Fate::Again) {
        let tags: Vec<(bool, &str)> = run.by.iter().map(|by| (by.alive, &*by.tag)).collect();
        assert_eq!(tags, [(false, "c2"), (true, "c1")], "the dead one first");
    }
    assert_eq!(group.history.first().map(|newest| newest.again), Some(all.again));
}

#[test]
fn who_does_not_poll_in_time_is_stuck_and_not_just_gone() {
    let mut lab = lab();
    let id = consumer(&dashboard(&lab), "c2");
    // 500 records of 0.1 s each: more than max.poll.interval.ms, 20 s.
    act(&mut lab, &Action::PauseConsumer { id, paused: true });
    lab.pass(Duration::from_secs(4));
    act(&mut lab, &Action::SlowConsumer { id, work_us: 100_000 });
    act(&mut lab, &Action::PauseConsumer { id, paused: false });
    let group = until(&mut lab, 40, |group| !group.stuck.is_empty() && group.generation == 2);
    let [stuck] = group.stuck.as_slice() else { panic!("one is stuck: {:?}", group.stuck) };
    assert_eq!((&*stuck.tag, stuck.consumer, stuck.max_poll_interval_ms), ("c2", id, 20_000));
    assert!(stuck.in_hand > 0 && stuck.polls_in_ms() == stuck.in_hand * 100, "{stuck:?}");
    let group = until(&mut lab, 5, |group| group.state == GroupState::Stable && group.generation == 2);
    assert_eq!(group.history.first().map(|newest| &*newest.why), Some("c2 was stuck"));
    let group = until(&mut lab, 60, |group| group.stuck.is_empty() && group.member_count == 3);
    assert!(group.tagged("c2").is_some(), "it polled, and has its tag again");
}

#[test]
fn a_topic_that_is_not_there_is_told_and_has_no_rows() {
    let mut lab = lab();
    act(
        &mut lab,
        &Action::AddConsumer(NewConsumer {
            group: "early".into(),
            topics: vec!["nowhere".into(), "trucks_gps".into()],
            ..NewConsumer::default()
        }),
    );
    lab.pass(Duration::from_secs(6));
    let group = Arc::clone(&lab.snapshot().groups["early"]);
    let [missing] = group.missing.as_slice() else { panic!("one is missing: {:?}", group.missing) };
    assert_eq!((&*missing.topic, missing.deleted, missing.offsets), ("nowhere", false, 0));
    assert!(group.partitions.len() == 10 && group.partitions.iter().all(|known| &*known.at.topic == "trucks_gps"));
}
