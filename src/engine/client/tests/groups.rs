//! Members of groups in a whole lab.

mod epochs;

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::{
    Client, ClientSpec, Commit, Consumer, ConsumerSpec, Deliveries, GroupSpec, OffsetReset, Phase, Role, deliveries,
};
use super::lab::Lab;
use crate::engine::cluster::MAX_ENDED;
use crate::engine::event::{EventKind, GroupEvent};
use crate::engine::message::Command;
use crate::engine::node::ClientId;

fn member(name: &str, group: GroupSpec) -> ClientSpec {
    let spec = ConsumerSpec {
        topics: vec!["trucks_gps".into()],
        from: OffsetReset::Earliest,
        group: Some(GroupSpec {
            id: "g".into(),
            session_timeout_ms: 6_000,
            heartbeat_interval_ms: 1_000,
            max_poll_interval_ms: 20_000,
            ..group
        }),
        ..ConsumerSpec::default()
    };
    ClientSpec { name: name.into(), role: Role::Consumer(spec) }
}

impl Lab {
    fn add(&mut self, name: &str, group: GroupSpec) -> ClientId {
        self.command(Command::AddClient(member(name, group)));
        self.cluster.clients().last().unwrap().0
    }

    /// Kills a client. Returns it as it was then.
    fn crash(&mut self, id: ClientId) -> Client {
        self.command(Command::CrashClient(id));
        self.cluster.clients().find(|(known, _)| *known == id).unwrap().1.clone()
    }

    /// Who has which partitions, of the members that are in the group.
    fn owners(&self) -> BTreeMap<String, Vec<i32>> {
        let members = self.cluster.clients().filter(|(_, client)| client.runs());
        let members = members.filter_map(|(_, client)| client.as_consumer());
        let of_g = |consumer: &&Consumer| consumer.membership().is_some_and(|member| &*member.spec().id == "g");
        members
            .filter(of_g)
            .map(|c| (c.name().to_string(), c.positions().map(|(_, partition, _)| partition).collect()))
            .collect()
    }

    /// The members of a group, the dead and the gone too.
    fn members(&self) -> Vec<&Client> {
        let of_g = |client: &&Client| {
            client.as_consumer().and_then(Consumer::membership).is_some_and(|member| &*member.spec().id == "g")
        };
        self.cluster.clients().map(|(_, client)| client).filter(of_g).collect()
    }

    fn deliveries(&self) -> Deliveries {
        deliveries(&self.members(), self.cluster.departed("g"))
    }

    /// Records processed by anybody, and how many of them more than once.
    fn processed(&self) -> (u64, u64) {
        let all = self.deliveries();
        (all.values().map(|d| d.processed.len()).sum(), all.values().map(|d| d.again.len()).sum())
    }

    /// Records that are lost, if the group has committed all that the consumer of this name has polled.
    fn lost_behind(&self, name: &str) -> u64 {
        let consumed = |partition: i32| {
            let mut positions = self.consumer(name).positions();
            positions.find(|(_, number, _)| *number == partition).and_then(|(_, _, position)| position.consumed)
        };
        let all = self.deliveries();
        let lost =
            all.iter().flat_map(|((_, _, partition), delivery)| delivery.lost(consumed(*partition).unwrap_or(0)));
        lost.map(|(first, last)| last - first + 1).sum()
    }

    fn group_events(&self) -> Vec<GroupEvent> {
        let of = |kind: &EventKind| if let EventKind::Group(event) = kind { Some(event.clone()) } else { None };
        self.cluster.events().iter().filter_map(|event| of(&event.kind)).collect()
    }
}

fn all(owners: &BTreeMap<String, Vec<i32>>) -> Vec<i32> {
    let mut all: Vec<i32> = owners.values().flatten().copied().collect();
    all.sort_unstable();
    all
}

#[test]
fn members_share_the_partitions_and_take_over_from_one_that_crashes() {
    for assignor in ["range", "roundrobin", "sticky", "cooperative-sticky"] {
        let mut lab = Lab::new();
        lab.run(Duration::from_secs(2));
        let spec = GroupSpec { assignors: vec![assignor.into()], ..GroupSpec::default() };
        for name in ["a", "b", "c"] {
            lab.add(name, spec.clone());
        }
        lab.run(Duration::from_secs(8));
        let owners = lab.owners();
        assert_eq!(all(&owners), (0..10).collect::<Vec<_>>(), "{assignor}: {owners:?}\n{:#?}", lab.group_events());
        assert!(owners.values().all(|owned| (3..=4).contains(&owned.len())), "{assignor}: {owners:?}");
        let crashed = lab.cluster.clients().last().unwrap().0;
        lab.command(Command::CrashClient(crashed));
        lab.run(Duration::from_secs(5));
        assert_eq!(lab.owners().values().map(Vec::len).sum::<usize>(), all(&owners).len() - owners["c"].len());
        lab.run(Duration::from_secs(8));
        let owners = lab.owners();
        assert_eq!(all(&owners), (0..10).collect::<Vec<_>>(), "{assignor}: the others take over: {owners:?}");
        let (_, again) = lab.processed();
        assert!(again > 0 && again < 400, "{assignor}: what was not committed is read again: {again}");
    }
}

#[test]
fn one_that_leaves_gives_up_its_place_at_once_and_nothing_is_repeated() {
    let mut lab = Lab::new();
    lab.run(Duration::from_secs(2));
    let first = lab.add("a", GroupSpec::default());
    lab.add("b", GroupSpec::default());
    lab.run(Duration::from_secs(8));
    lab.command(Command::CloseClient(first));
    lab.run(Duration::from_millis(3_500));
    assert_eq!(all(&lab.owners()), (0..10).collect::<Vec<_>>());
    assert_eq!(lab.consumer("a").membership().unwrap().phase(), Phase::Gone);
    lab.run(Duration::from_secs(8));
    let (processed, again) = lab.processed();
    assert!(processed > 900 && again == 0, "{processed} {again}");
}

#[test]
fn commits_before_processing_lose_and_commits_after_it_repeat() {
    for (commit, repeats) in [(Commit::After, true), (Commit::Before, false)] {
        let mut lab = Lab::new();
        lab.run(Duration::from_secs(2));
        // Slow enough to die in the middle of a poll.
        let spec = GroupSpec { commit, work_us: 10_000, max_poll_records: 50, ..GroupSpec::default() };
        let first = lab.add("a", spec.clone());
        let in_hand = |lab: &Lab| lab.consumer("a").membership().unwrap().in_hand();
        while in_hand(&lab) < 3 {
            lab.run(Duration::from_millis(1));
            assert!(lab.time.as_millis() < 60_000, "{:?}", lab.consumer("a").membership().unwrap().phase());
        }
        // Some of them are processed, some are not.
        lab.run(Duration::from_millis(15));
        lab.command(Command::CrashClient(first));
        let in_hand = in_hand(&lab);
        assert!(in_hand > 0);
        lab.add("b", spec);
        lab.run(Duration::from_secs(40));
        let (processed, again) = lab.processed();
        let read_to: i64 = lab.consumer("b").positions().map(|(_, _, position)| position.consumed.unwrap()).sum();
        let left = lab.consumer("b").membership().unwrap().in_hand() as u64;
        let passed = u64::try_from(read_to).unwrap() - left;
        let lost = passed - processed;
        if repeats {
            assert!(again > 0 && lost == 0, "again {again}, lost {lost}");
            assert_eq!(lab.lost_behind("b"), 0);
        } else {
            assert!(again == 0 && lost == in_hand as u64, "again {again}, lost {lost} of {in_hand} in hand");
            assert_eq!(lab.lost_behind("b"), lost, "those that it had in hand, by name");
        }
    }
}

#[test]
fn thousands_that_crashed_leave_no_more_than_their_books_together() {
    let mut lab = Lab::new();
    lab.run(Duration::from_secs(2));
    let stays = lab.add("stays-1", GroupSpec { work_us: 1_000, ..GroupSpec::default() });
    let mut all: Vec<Client> = Vec::new();
    // The first ones live long enough to process something; the others die as they start.
    for (numbers, seconds) in [(2..=36, 14), (37..=71, 14), (72..=2_000, 0)] {
        let mut ids = Vec::new();
        for number in numbers {
            ids.push(lab.add(&format!("g-{number}"), GroupSpec { work_us: 1_000, ..GroupSpec::default() }));
            assert_eq!(ids.last().unwrap().0, stays.0 + number - 1, "no number is given twice");
            if seconds == 0 {
                all.push(lab.crash(ids.pop().unwrap()));
            }
        }
        lab.run(Duration::from_secs(seconds));
        all.extend(ids.into_iter().map(|id| lab.crash(id)));
    }
    let departed = lab.cluster.departed("g").unwrap();
    assert_eq!(lab.members().len(), MAX_ENDED + 1, "the newest, and the one that lives");
    let kept = u32::try_from(MAX_ENDED).unwrap();
    assert_eq!((departed.members, departed.last_number), (1_999 - MAX_ENDED, 2_000 - kept));
    let stays = lab.members()[0].clone();
    let whole: Vec<&Client> = all.iter().chain([&stays]).collect();
    assert_eq!(lab.deliveries(), deliveries(&whole, None), "the counts are as if all had been kept");
    let (processed, again) = lab.processed();
    assert!(processed > 0 && again > 0, "{processed} {again}");
}
