//! Power losses, drawn from a seed: one broker at a time, the others have power and the links work. What was acknowledged
//! with acks=all and `min.insync.replicas=2` stands in the end, as Kafka promises it by replicas: the next power loss
//! comes when the in-sync set is whole again. What lies on one broker alone stands where `flush.messages=1` has it
//! flushed first, and is lost now and then where it does not: else the test would show nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use kscope::engine::config::Config;
use kscope::engine::message::{Answer, Command, Ticket};
use kscope::engine::node::BrokerId;
use kscope::engine::replica::TopicPartition;
use kscope::engine::rng::Rng;
use kscope::engine::settings::Settings;
use kscope::protocol::create_topics::CreatableTopicConfig;
use kscope::protocol::records::records_of;
use kscope::protocol::{ErrorCode, Response};

use super::harness::Lab;
use super::life::{create, record};
use super::world::state;

/// What a topic sets.
type SettingsOf = &'static [(&'static str, &'static str)];

/// A topic: its name, its replicas, its settings, and whether what it acknowledges survives.
const TOPICS: &[(&str, i16, SettingsOf, bool)] = &[
    ("three", 3, &[("min.insync.replicas", "2")], true),
    ("flushed", 1, &[("flush.messages", "1")], true),
    ("full", 3, &[("min.insync.replicas", "2"), ("segment.bytes", "300")], true),
    ("bare", 1, &[], false),
];

/// How often power goes.
const LOSSES: usize = 6;

struct Run {
    lab: Lab,
    rng: Rng,
    /// What was sent: of which topic, which value.
    sent: BTreeMap<Ticket, (&'static str, String)>,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut settings = Settings::lab();
        if seed.is_multiple_of(2) {
            settings.log_flush_scheduler_interval_ms = 300;
        }
        let mut lab = Lab::new(Config { settings: settings.into(), ..Lab::config(seed) });
        lab.wait("a whole cluster", |lab| {
            let all = |node: &kscope::engine::cluster::BrokerNode| {
                node.running().is_some_and(|broker| broker.metadata.brokers.len() == 3)
            };
            lab.controller().is_some() && lab.cluster.brokers().all(|(_, node)| all(node))
        });
        let controller = lab.controller().unwrap();
        for (name, replicas, settings, _) in TOPICS {
            let mut request = create(name, 1, *replicas);
            let config = |(name, value): &(&str, &str)| CreatableTopicConfig {
                name: (*name).into(),
                value: Some((*value).into()),
            };
            request.topics[0].configs = settings.iter().map(config).collect();
            let Response::CreateTopics(created) = lab.ask(controller, 7, request) else { panic!() };
            assert!(created.topics[0].error_code.is_ok(), "{created:?}");
        }
        let mut run = Self { lab, rng: Rng::split(seed, "power"), sent: BTreeMap::new() };
        run.whole();
        run
    }

    /// Waits until every partition is led, and all its replicas are in sync.
    fn whole(&mut self) {
        self.lab.wait("all in sync", |lab| {
            TOPICS.iter().all(|(name, replicas, ..)| {
                let state = state(lab, &TopicPartition::new(*name, 0));
                state.is_some_and(|s| s.leader.is_some() && s.isr.len() == usize::try_from(*replicas).unwrap())
            })
        });
    }

    /// A few records to each topic, then power goes on one broker while they are on their way.
    fn lose(&mut self) {
        for _ in 0..self.rng.below(12) {
            for (name, ..) in TOPICS {
                let leader = state(&self.lab, &TopicPartition::new(*name, 0)).and_then(|state| state.leader);
                let value = format!("{name}:{}", self.sent.len());
                let request = record(name, 0, &value, -1).into();
                let Some(broker) = leader else { continue };
                let ticket = self.lab.command(Command::Ask { broker, version: 11, request });
                self.sent.insert(ticket, (name, value));
            }
            let pause = self.rng.between(Duration::from_micros(50), Duration::from_millis(30));
            self.lab.run(pause);
        }
        let broker = BrokerId(1 + i32::try_from(self.rng.below(3)).unwrap());
        let controller = self.lab.controller();
        self.lab.command(Command::PowerLoss(broker));
        // Whether its session has ended or not when it comes back: both.
        let dark = self.rng.between(Duration::from_millis(10), Duration::from_secs(3));
        self.lab.run(dark);
        if controller == Some(broker.0) {
            // A controller that comes back before the next one has seen it gone: nobody knows that it was away, it leads
            // on with the log that it has left, and the others follow. So does Kafka's; KIP-966 is the answer to it.
            self.lab.wait("another controller", |lab| lab.controller().is_some());
            self.lab.run(Duration::from_millis(50));
        }
        self.lab.command(Command::Start(broker));
        let settles = Duration::from_secs(2);
        self.lab.run(settles);
        self.whole();
    }

    /// What was acknowledged of a topic.
    fn acknowledged(&self, topic: &str) -> BTreeSet<String> {
        let is_acked = |ticket: Ticket| match self.lab.answer(ticket) {
            Some(Answer::Response(Response::Produce(answer))) => {
                answer.responses[0].partition_responses[0].error_code == ErrorCode::NONE
            }
            _ => false,
        };
        let of_topic = self.sent.iter().filter(|(_, (name, _))| *name == topic);
        of_topic.filter(|(ticket, _)| is_acked(**ticket)).map(|(_, (_, value))| value.clone()).collect()
    }

    /// What stands in a topic, as its leader has it.
    fn stands(&self, topic: &str) -> BTreeSet<String> {
        let id = TopicPartition::new(topic, 0);
        let leader = state(&self.lab, &id).and_then(|state| state.leader).unwrap();
        let replica = Arc::clone(&self.lab.cluster.broker(leader).unwrap().running().unwrap().replicas[&id]);
        let records = replica.log.batches_from(0).flat_map(|batch| records_of(&batch.header, &batch.body).unwrap());
        records.map(|record| String::from_utf8(record.value.unwrap().to_vec()).unwrap()).collect()
    }
}

#[test]
fn one_power_loss_at_a_time_takes_nothing_that_replicas_or_a_flush_hold() {
    let (mut acknowledged, mut lost) = (0, 0);
    for seed in 0..40 {
        let mut run = Run::new(seed);
        for _ in 0..LOSSES {
            run.lose();
        }
        for (topic, .., survives) in TOPICS {
            let (acked, stands) = (run.acknowledged(topic), run.stands(topic));
            let missing: Vec<&String> = acked.difference(&stands).collect();
            if *survives {
                assert!(missing.is_empty(), "seed {seed}: {missing:?} of {topic}\n{}", run.lab.story());
                acknowledged += acked.len();
            } else {
                lost += missing.len();
            }
        }
    }
    assert!(acknowledged > 1_000, "{acknowledged} acknowledged: these seeds show nothing");
    assert!(lost > 0, "no power loss took anything: these seeds show nothing");
}
