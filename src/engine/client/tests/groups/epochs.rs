//! Members of a group of KIP-848 in a whole lab.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::super::{Commit, GroupProtocol, GroupSpec, Phase};
use super::super::lab::Lab;
use super::all;
use crate::engine::event::GroupEvent;
use crate::engine::group::consumer::{ConsumerGroup, MemberState, State};
use crate::engine::message::Command;
use crate::engine::node::BrokerId;

const STEP: Duration = Duration::from_millis(20);

fn consumer() -> GroupSpec {
    GroupSpec { protocol: GroupProtocol::Consumer, ..GroupSpec::default() }
}

impl Lab {
    /// The group at its coordinator, with that one's id.
    fn coordinated(&self) -> Option<(BrokerId, ConsumerGroup)> {
        let brokers = self.cluster.brokers().filter_map(|(id, node)| Some((id, node.running()?)));
        let mut groups = brokers.flat_map(|(id, broker)| broker.groups().groups().map(move |group| (id, group)));
        groups.find(|(_, group)| &*group.id == "g").and_then(|(id, group)| Some((id, group.consumer()?.clone())))
    }

    fn state(&self) -> Option<State> {
        self.coordinated().map(|(_, group)| group.state())
    }

    /// Lets time pass until `done`, and sees to it all the while that no partition is read by two.
    fn run_until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        for _ in 0..2_000 {
            if done(self) {
                return;
            }
            self.run(STEP);
            self.check_owners();
        }
        let events = self.group_events();
        let last = events.get(events.len().saturating_sub(8)..);
        panic!("{what} takes too long: {:?} {last:?} {:#?}", self.owners(), self.coordinated());
    }

    fn run_checked(&mut self, time: Duration) {
        let end = self.time + time;
        while self.time < end {
            self.run(STEP);
            self.check_owners();
        }
    }

    fn check_owners(&self) {
        let mut seen = BTreeMap::new();
        for (name, partitions) in self.owners() {
            for partition in partitions {
                assert_eq!(seen.insert(partition, name.clone()), None, "{partition} is {name}'s too");
            }
        }
    }

    fn is_shared_by(&self, members: usize) -> bool {
        let owners = self.owners();
        let fair =
            owners.values().filter(|owned| owned.len() >= 10 / members && owned.len() <= 10_usize.div_ceil(members));
        self.state() == Some(State::Stable) && fair.count() == members && all(&owners) == (0..10).collect::<Vec<_>>()
    }
}

#[test]
fn members_come_and_go_one_has_each_partition_and_nothing_is_repeated() {
    for assignor in [None, Some("range".into())] {
        let mut lab = Lab::new();
        lab.run(Duration::from_secs(2));
        let spec = GroupSpec { remote_assignor: assignor, ..consumer() };
        let first = lab.add("a", spec.clone());
        lab.run_until("the first member", |lab| lab.is_shared_by(1));
        for (members, name) in [(2, "b"), (3, "c")] {
            lab.run_checked(Duration::from_secs(2));
            lab.add(name, spec.clone());
            lab.run_until(name, |lab| lab.is_shared_by(members));
        }
        lab.run_checked(Duration::from_secs(2));
        lab.command(Command::CloseClient(first));
        lab.run_until("the first one leaves", |lab| lab.is_shared_by(2));
        lab.run_checked(Duration::from_secs(2));
        assert_eq!(lab.consumer("a").membership().unwrap().phase(), Phase::Gone);
        let (processed, again) = lab.processed();
        assert!(processed > 400 && again == 0, "{processed} {again}");
        let classic =
            |event: &GroupEvent| matches!(event, GroupEvent::GenerationFormed { group, .. } if &**group == "g");
        assert!(!lab.group_events().iter().any(classic), "nobody was called together");
    }
}

#[test]
fn one_that_crashes_is_given_up_after_its_session_and_what_it_did_not_commit_is_repeated() {
    let mut lab = Lab::new();
    lab.run(Duration::from_secs(2));
    lab.add("a", consumer());
    let crashed = lab.add("b", consumer());
    lab.run_until("both", |lab| lab.is_shared_by(2));
    lab.run_checked(Duration::from_secs(8));
    lab.command(Command::CrashClient(crashed));
    lab.run_checked(Duration::from_secs(2));
    assert_eq!(lab.owners()["a"].len(), 5, "its session is not over");
    lab.run_until("the other takes over", |lab| lab.is_shared_by(1));
    lab.run_checked(Duration::from_secs(4));
    let (_, again) = lab.processed();
    assert!(again > 0 && again < 400, "what was not committed is read again: {again}");
}

#[test]
fn what_a_slow_member_is_to_give_back_waits_until_it_polls_and_the_others_read_on() {
    let mut lab = Lab::new();
    lab.run(Duration::from_secs(10));
    // 200 records of 20 ms: four seconds in hand.
    let slow = GroupSpec { work_us: 20_000, max_poll_records: 200, commit: Commit::After, ..consumer() };
    lab.add("a", slow);
    lab.run_until("it has something in hand", |lab| lab.consumer("a").membership().unwrap().in_hand() > 150);
    let began = lab.time;
    lab.add("b", consumer());
    let gives_back = |lab: &Lab| {
        let (_, group) = lab.coordinated().unwrap();
        group.image().members().any(|(_, member)| member.state == MemberState::UnrevokedPartitions)
    };
    lab.run_until("it is told", gives_back);
    lab.run_checked(Duration::from_secs(1));
    assert_eq!((lab.owners()["a"].len(), lab.owners()["b"].len()), (10, 0), "it works on what it has");
    lab.run_until("it polls", |lab| lab.is_shared_by(2));
    assert!(lab.time.since(began) > Duration::from_secs(2));
    assert_eq!(lab.processed().1, 0, "it committed before it gave anything back");
}

#[test]
fn one_that_is_stuck_leaves_and_is_back_when_it_polls() {
    let mut lab = Lab::new();
    lab.run(Duration::from_secs(30));
    // More than 20 seconds for a poll.
    let stuck = lab.add("a", GroupSpec { work_us: 50_000, max_poll_records: 500, ..consumer() });
    lab.run_until("it has something in hand", |lab| lab.consumer("a").membership().unwrap().in_hand() > 450);
    lab.add("b", consumer());
    let phase = |lab: &Lab| lab.consumer("a").membership().unwrap().phase();
    lab.run_until("max.poll.interval.ms", |lab| phase(lab) == Phase::Stuck);
    lab.run_until("the other has it all", |lab| lab.owners()["b"].len() == 10);
    lab.command(Command::SlowClient(stuck, 0));
    lab.run_until("it is back", |lab| lab.is_shared_by(2));
}

#[test]
fn the_coordinator_dies_in_the_middle_and_the_next_one_goes_on() {
    let mut lab = Lab::new();
    lab.run(Duration::from_secs(4));
    let slow = GroupSpec { work_us: 10_000, max_poll_records: 100, ..consumer() };
    lab.add("a", slow.clone());
    lab.run_until("the first member", |lab| lab.is_shared_by(1));
    lab.run_checked(Duration::from_secs(3));
    lab.add("b", slow);
    lab.run_until("it is in, and waits", |lab| {
        let (_, group) = lab.coordinated().unwrap();
        group.image().len() == 2 && group.state() == State::Reconciling
    });
    let (coordinator, before) = lab.coordinated().unwrap();
    lab.command(Command::Kill(coordinator));
    lab.run_until("another one goes on", |lab| {
        lab.coordinated().is_some_and(|(id, _)| id != coordinator) && lab.is_shared_by(2)
    });
    let (_, after) = lab.coordinated().unwrap();
    assert_eq!(after.image().epoch, before.image().epoch, "nobody had to begin anew");
    lab.run_checked(Duration::from_secs(10));
    assert_eq!(lab.processed().1, 0, "nor was anything read twice");
}
