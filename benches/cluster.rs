//! What a large lab costs: 100 brokers, 10,000 partitions with three replicas each. Figure to hold, release build: a clone,
//! which is what looking back and branching begin with, takes at most 10 ms.

use std::time::Duration;

use divan::Bencher;
use kscope::engine::client::{ClientSpec, Commit, Consumer, ConsumerSpec, GroupSpec, Patience, Phase, Role};
use kscope::engine::cluster::Cluster;
use kscope::engine::config::Config;
use kscope::engine::message::{By, Command, Input, Output};
use kscope::engine::node::BrokerId;
use kscope::engine::settings::Settings;
use kscope::engine::time::{Now, Time};
use kscope::protocol::create_topics::CreatableTopic;
use kscope::protocol::{CreateTopicsRequest, Request};

fn main() {
    divan::main();
}

/// The lab's virtual time: it goes on by what is due.
struct Lab {
    cluster: Cluster,
    now: Now,
    outputs: Vec<Output>,
}

impl Lab {
    fn step(&mut self, input: Input) {
        self.cluster.step(input, self.now, &mut self.outputs);
    }

    /// Handles the next thing that is due.
    fn next(&mut self) {
        let due = self.cluster.due();
        let at = due.lab.min(due.outside);
        (self.now.lab, self.now.outside) = (at, at);
        self.step(Input::Due);
    }

    fn run(&mut self, time: Duration) {
        let end = self.now.lab + time;
        while self.cluster.due().lab.min(self.cluster.due().outside) <= end {
            self.next();
        }
        // Time has passed, even where nothing was due.
        (self.now.lab, self.now.outside) = (end, end);
    }

    fn controller(&self) -> Option<BrokerId> {
        let active = |node: &kscope::engine::cluster::BrokerNode| {
            node.running().is_some_and(|broker| broker.controller.is_active())
        };
        self.cluster.brokers().find(|(_, node)| active(node)).map(|(id, _)| id)
    }
}

/// A lab at rest with `partitions` partitions, three replicas each, in topics of 100.
fn lab(brokers: u32, partitions: i32) -> Lab {
    let config = Config { brokers, settings: Settings::lab().into(), ..Config::new(1) };
    let now = Now { lab: Time::ZERO, outside: Time::ZERO, epoch_ms: 1_700_000_000_000 };
    let mut lab = Lab { cluster: Cluster::new(config, now.epoch_ms), now, outputs: Vec::new() };
    lab.run(Duration::from_secs(1));
    let topic = |number: i32| CreatableTopic {
        name: format!("topic{number}").into(),
        num_partitions: 100,
        replication_factor: 3,
        ..Default::default()
    };
    for number in 0..partitions / 100 {
        let request = CreateTopicsRequest { topics: vec![topic(number)], timeout_ms: 60_000, ..Default::default() };
        if let Some(broker) = lab.controller() {
            let command = Command::Ask { broker, version: 7, request: Request::CreateTopics(request) };
            lab.step(Input::Command { ticket: 1, by: By::Program, command });
        }
        lab.run(Duration::from_millis(200));
    }
    let hosted: usize = lab.cluster.brokers().filter_map(|(_, node)| Some(node.running()?.replicas.len())).sum();
    assert_eq!(hosted, usize::try_from(partitions * 3).unwrap_or(0), "the lab is not whole");
    lab
}

const SIZES: [(u32, i32); 3] = [(3, 300), (20, 2_000), (100, 10_000)];

/// A clone, and that the original is let go of later.
#[divan::bench(args = SIZES, sample_count = 50)]
fn clone(bencher: Bencher, (brokers, partitions): (u32, i32)) {
    let lab = lab(brokers, partitions);
    bencher.bench_local(|| lab.cluster.clone());
}

/// One thing that is due, in a lab at rest: mostly fetches of followers, pings, timers.
#[divan::bench(args = SIZES, sample_count = 50, sample_size = 1_000)]
fn step(bencher: Bencher, (brokers, partitions): (u32, i32)) {
    let mut lab = lab(brokers, partitions);
    bencher.bench_local(|| lab.next());
}

/// What the first steps after a clone cost: what they change is copied.
#[divan::bench(args = SIZES, sample_count = 20)]
fn thousand_steps_after_a_clone(bencher: Bencher, (brokers, partitions): (u32, i32)) {
    let mut lab = lab(brokers, partitions);
    bencher.bench_local(|| {
        let kept = lab.cluster.clone();
        for _ in 0..1_000 {
            lab.next();
        }
        kept
    });
}

/// A hundred members that join one group of a topic with 100 partitions, until each has one: after the initial delay, in one
/// rebalance. Figure to hold, release build: 1 s.
#[divan::bench(sample_count = 10)]
fn hundred_members_join(bencher: Bencher) {
    let mut lab = lab(3, 100);
    // The first group makes `__consumer_offsets`.
    add(&mut lab, "first", "other");
    lab.run(Duration::from_secs(5));
    bencher.with_inputs(|| Lab { cluster: lab.cluster.clone(), now: lab.now, outputs: Vec::new() }).bench_local_values(
        |mut lab| {
            for number in 0..100 {
                add(&mut lab, &format!("member-{number}"), "g");
            }
            while !is_stable(&lab) {
                lab.run(Duration::from_millis(100));
            }
            lab
        },
    );
}

fn add(lab: &mut Lab, name: &str, group: &str) {
    let group = GroupSpec { id: group.into(), commit: Commit::After, ..Patience::LAB.group() };
    let spec = ConsumerSpec { topics: vec!["topic0".into()], group: Some(group), ..ConsumerSpec::default() };
    let command = Command::AddClient(ClientSpec { name: name.into(), role: Role::Consumer(spec) });
    lab.step(Input::Command { ticket: 1, by: By::Program, command });
}

fn is_stable(lab: &Lab) -> bool {
    let members = lab.cluster.clients().filter_map(|(_, client)| client.as_consumer());
    let of_g = members.filter(|c| c.membership().is_some_and(|member| &*member.spec().id == "g"));
    let is_in = |c: &&Consumer| c.membership().is_some_and(|m| m.phase() == Phase::In) && c.positions().count() == 1;
    of_g.filter(is_in).count() == 100
}
