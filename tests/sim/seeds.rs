//! Seeds: a producer of acknowledged records while brokers are killed, started and shut down at random times. After every
//! step the invariants hold; in the end every acknowledged record is where it was said to be; and the same seed gives
//! the same event log, to the byte.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use kscope::engine::config::Config;
use kscope::engine::message::{Answer, Command, Ticket};
use kscope::engine::node::BrokerId;
use kscope::engine::replica::TopicPartition;
use kscope::engine::rng::Rng;
use kscope::protocol::records::records_of;
use kscope::protocol::{Request, Response};

use super::harness::Lab;
use super::life::{create, record};

const PARTITIONS: i32 = 3;

/// A run of one seed.
struct Run {
    lab: Lab,
    rng: Rng,
    /// What was asked and is not answered: which record, of which partition.
    asked: BTreeMap<Ticket, (TopicPartition, String)>,
    /// What was acknowledged: where each record is.
    acked: BTreeMap<(TopicPartition, i64), String>,
    next: u32,
    heard: usize,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut settings = kscope::engine::settings::Settings::lab();
        settings.min_insync_replicas = 1 + i32::try_from(seed % 2).unwrap();
        let config = Config { settings: settings.into(), ..Lab::config(seed) };
        Self {
            lab: Lab::new(config),
            rng: Rng::split(seed, "script"),
            asked: BTreeMap::new(),
            acked: BTreeMap::new(),
            next: 0,
            heard: 0,
        }
    }

    fn go(mut self) -> String {
        self.lab.wait("a controller", |lab| lab.controller().is_some());
        self.run(Duration::from_millis(50));
        let controller = self.lab.controller().unwrap();
        let Response::CreateTopics(made) = self.lab.ask(controller, 7, create("t", PARTITIONS, 3)) else { panic!() };
        assert!(made.topics[0].error_code.is_ok(), "{made:?}");
        for _ in 0..60 {
            self.disturb();
            let pause = self.rng.between(Duration::from_micros(100), Duration::from_millis(400));
            self.run(pause);
        }
        self.heal();
        self.read_back();
        self.log()
    }

    /// Runs for `time`, checks after every step, takes note of answers.
    fn run(&mut self, time: Duration) {
        let end = self.lab.now() + time;
        loop {
            let due = self.lab.cluster.due();
            if due.lab.min(due.outside) > end {
                self.lab.pass(end);
                break;
            }
            self.lab.step();
        }
        self.hear();
    }

    fn hear(&mut self) {
        for output in &self.lab.outputs[self.heard..] {
            let kscope::engine::message::Output::Answer { ticket, answer } = output else { continue };
            let Some((id, value)) = self.asked.remove(ticket) else { continue };
            if let Answer::Response(Response::Produce(done)) = answer {
                let answer = &done.responses[0].partition_responses[0];
                if answer.error_code.is_ok() {
                    self.acked.insert((id, answer.base_offset), value);
                }
            }
        }
        self.heard = self.lab.outputs.len();
    }

    /// One thing at random: mostly a record, now and then a broker that dies, starts or is shut down.
    fn disturb(&mut self) {
        let broker = BrokerId(1 + i32::try_from(self.rng.below(3)).unwrap());
        match self.rng.below(10) {
            0 => drop(self.lab.command(Command::Kill(broker))),
            1 | 2 => drop(self.lab.command(Command::Start(broker))),
            3 => drop(self.lab.command(Command::Shutdown(broker))),
            _ => self.produce(),
        }
        self.hear();
    }

    /// Records to whoever believes to lead, one a partition.
    fn produce(&mut self) {
        for partition in 0..PARTITIONS {
            let id = TopicPartition::new("t", partition);
            let leads = |b: &kscope::engine::broker::Broker| b.replicas.get(&id).is_some_and(|r| r.leader().is_some());
            let leaders: Vec<BrokerId> = self
                .lab
                .cluster
                .brokers()
                .filter(|(_, node)| node.running().is_some_and(leads))
                .map(|(id, _)| id)
                .collect();
            let Some(leader) = leaders.get(self.rng.index(leaders.len())) else { continue };
            self.next += 1;
            let value = format!("record {}", self.next);
            let request = Request::Produce(record("t", partition, &value, -1));
            let ticket = self.lab.command(Command::Ask { broker: *leader, version: 11, request });
            self.asked.insert(ticket, (id, value));
        }
    }

    /// Everybody comes back, and the in-sync sets are whole again.
    fn heal(&mut self) {
        for broker in 1..=3 {
            self.lab.command(Command::Start(BrokerId(broker)));
        }
        for _ in 0..600 {
            self.run(Duration::from_millis(100));
            if (0..PARTITIONS).all(|p| self.leader(p).is_some_and(|isr| isr == 3)) {
                break;
            }
            for broker in 1..=3 {
                // One that was in the middle of its shutdown has stopped since.
                self.lab.command(Command::Start(BrokerId(broker)));
            }
        }
        for partition in 0..PARTITIONS {
            assert_eq!(
                self.leader(partition),
                Some(3),
                "t-{partition} does not heal\n{}{}",
                self.lab.story(),
                self.replicas()
            );
        }
        if let Err(violation) = self.lab.invariants.sweep(&self.lab.cluster) {
            panic!("{violation}\n{}", self.lab.story());
        }
    }

    /// The size of the in-sync set, as the leader has it; the leader with the newest epoch counts.
    fn leader(&self, partition: i32) -> Option<usize> {
        let id = TopicPartition::new("t", partition);
        let replicas = self.lab.cluster.brokers().filter_map(|(_, node)| node.running()?.replicas.get(&id));
        let leader = replicas.filter(|r| r.leader().is_some()).max_by_key(|r| r.state.leader_epoch)?;
        Some(leader.state.isr.len())
    }

    /// Every acknowledged record stands where its producer was told.
    fn read_back(&self) {
        for ((id, offset), value) in &self.acked {
            for (broker, node) in self.lab.cluster.brokers() {
                let replica = &node.running().unwrap().replicas[id];
                let batch = replica.log.batches_from(*offset).next();
                let record =
                    batch.and_then(|b| records_of(&b.header, &b.body).ok()?.into_iter().find(|r| r.offset == *offset));
                let found = record.and_then(|r| r.value).map(|v| String::from_utf8_lossy(&v).into_owned());
                assert_eq!(found.as_ref(), Some(value), "{id} at {offset} on {broker}\n{}", self.lab.story());
            }
        }
        assert!(!self.acked.is_empty(), "nothing was acknowledged: this seed shows nothing");
    }

    /// Every replica as it stands, for a failure's message.
    fn replicas(&self) -> String {
        let mut told = String::new();
        for (id, node) in self.lab.cluster.brokers() {
            for r in node.running().into_iter().flat_map(|broker| broker.replicas.values()) {
                let (end, hw) = (r.log.log_end_offset(), r.high_watermark);
                writeln!(told, "{id} {} end {end} hw {hw} {:?} {:?}", r.id, r.state, r.role).unwrap();
            }
        }
        told
    }

    /// The event log, as text, with causes.
    fn log(&self) -> String {
        let mut log = String::new();
        for event in self.lab.cluster.events().iter() {
            writeln!(log, "{} {} {} {:?} {:?}", event.id, event.at, event.node, event.kind, event.cause.id()).unwrap();
        }
        log
    }
}

/// How many seeds: `KSCOPE_SEEDS=A..B` runs others.
fn seeds() -> std::ops::Range<u64> {
    let text = std::env::var("KSCOPE_SEEDS").unwrap_or_else(|_| "0..200".into());
    let (from, to) = text.split_once("..").expect("KSCOPE_SEEDS=A..B");
    from.parse().unwrap()..to.parse().unwrap()
}

#[test]
fn no_seed_loses_an_acknowledged_record_or_breaks_an_invariant_and_each_is_the_same_twice() {
    for seed in seeds() {
        let run = || std::panic::catch_unwind(|| Run::new(seed).go()).unwrap_or_else(|_| panic!("seed {seed} fails"));
        let (first, second) = (run(), run());
        assert!(first == second, "seed {seed} is not the same twice");
    }
}
