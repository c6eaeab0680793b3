//! Groups of a real lab, as a screen sees them.

use std::sync::Arc;
use std::time::Duration;

use crate::session::action::{Action, NewConsumer, Origin, Outcome};
use crate::session::embedded::options::LabOptions;
use crate::session::embedded::stepped::Stepped;
use crate::session::snapshot::{Group, GroupKnown, GroupState, Standing};

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
    assert!(moving.call.is_some_and(|call| !call.outside && call.ends_in_ms > 0));
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
