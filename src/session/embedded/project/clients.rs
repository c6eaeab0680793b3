//! Built-in producers and consumers: their counters as they are, their rates from two looks, and the durability
//! scoreboard, which is what the auditor read held against what the producers were told.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::rates::Meter;
use crate::engine::client::{self, Client, Phase, Score, scoreboard};
use crate::engine::cluster::Cluster;
use crate::engine::node::ClientId;
use crate::engine::time::Time;
use crate::session::event::NodeRef;
use crate::session::snapshot::{AssignedPartition, Consumer, Producer, TopicPartition};

/// Over how long the trend of a lag is taken, in microseconds of lab time.
const TREND_US: u64 = 2_000_000;

/// What is remembered of one client from look to look.
#[derive(Default)]
struct Remembered {
    /// Sent, or read.
    first: Meter,
    /// Acknowledged.
    second: Meter,
    /// When, and the lag then; oldest first.
    lags: VecDeque<(u64, u64)>,
}

/// What is remembered of all.
#[derive(Default)]
pub(super) struct Clients {
    by_id: BTreeMap<ClientId, Remembered>,
}

impl Clients {
    pub(super) fn project(
        &mut self,
        cluster: &Cluster,
        now: Time,
    ) -> (BTreeMap<u32, Producer>, BTreeMap<u32, Consumer>) {
        let audit = cluster.clients().find_map(|(_, client)| client.as_consumer()?.audit());
        let (mut producers, mut consumers) = (BTreeMap::new(), BTreeMap::new());
        for (id, client) in cluster.clients() {
            let remembered = self.by_id.entry(id).or_default();
            if let Some(producer) = client.as_producer() {
                let score = audit.map(|audit| scoreboard(producer, audit)).unwrap_or_default();
                producers.insert(id.0, remembered.producer(producer, score, now));
            } else if let Some(consumer) = client.as_consumer() {
                let consumer = remembered.consumer(consumer, now);
                consumers.insert(id.0, Consumer { gone: !client.runs(), ..consumer });
            }
        }
        // Of those that have ended the cluster keeps the newest.
        self.by_id.retain(|id, _| producers.contains_key(&id.0) || consumers.contains_key(&id.0));
        (producers, consumers)
    }
}

impl Remembered {
    fn producer(&mut self, producer: &client::Producer, score: Score, now: Time) -> Producer {
        let (spec, counts) = (producer.spec(), producer.counts());
        self.first.set(now.0, counts.sent);
        self.second.set(now.0, counts.acked);
        Producer {
            id: producer.id().0,
            name: Arc::clone(producer.name()),
            topic: Arc::clone(&spec.topic),
            acks: spec.acks.label().into(),
            idempotent: spec.idempotent,
            partitioner: spec.partitioner.label().into(),
            paused: producer.is_paused(),
            target_per_sec: spec.workload.per_sec(),
            sent_per_sec: self.first.per_sec(),
            acked_per_sec: self.second.per_sec(),
            made: counts.made,
            acked: counts.acked,
            waiting: producer.waiting(),
            failed: counts.failed,
            retries: counts.retries,
            readable: score.readable,
            lost: score.lost,
            duplicated: score.duplicated,
            per_partition: producer.per_partition(now),
            waiting_per_partition: producer.waiting_per_partition(),
            last_error: producer.last_error().map(|(error, at)| (error.name().into(), at.0)),
        }
    }

    fn consumer(&mut self, consumer: &client::Consumer, now: Time) -> Consumer {
        self.first.set(now.0, consumer.read());
        let lag = consumer.lag();
        self.lags.push_back((now.0, lag));
        while self.lags.get(1).is_some_and(|(at, _)| at + TREND_US <= now.0) {
            self.lags.pop_front();
        }
        let assigned = consumer.positions().map(|(topic, partition, position)| AssignedPartition {
            partition: TopicPartition { topic: Arc::clone(topic), partition },
            position: position.offset.unwrap_or(0),
            lag: position.lag(),
        });
        Consumer {
            id: consumer.id().0,
            name: Arc::clone(consumer.name()),
            group: consumer.membership().map(|member| Arc::clone(&member.spec().id)),
            gone: false,
            refused: consumer.membership().and_then(|member| match member.phase() {
                Phase::Refused(error) => Some(error.name().into()),
                _ => None,
            }),
            paused: consumer.is_paused(),
            assigned: assigned.collect(),
            read_per_sec: self.first.per_sec(),
            read: consumer.read(),
            lag,
            lag_trend_per_sec: self.trend(),
        }
    }

    /// How the lag moved, in records per second: negative when it shrinks.
    fn trend(&self) -> i64 {
        let (Some((from_us, from)), Some((to_us, to))) = (self.lags.front(), self.lags.back()) else { return 0 };
        let (from, to) = (i64::try_from(*from).unwrap_or(i64::MAX), i64::try_from(*to).unwrap_or(i64::MAX));
        let passed = i64::try_from(to_us.saturating_sub(*from_us)).unwrap_or(i64::MAX);
        if passed == 0 { 0 } else { (to - from).saturating_mul(1_000_000) / passed }
    }
}

/// A client, as events and messages name it.
pub(super) fn node_ref(cluster: &Cluster, id: ClientId) -> NodeRef {
    let client = cluster.clients().find(|(known, _)| *known == id).map(|(_, client)| client);
    let name = client.map_or_else(|| id.to_string().into(), |client| Arc::clone(client.name()));
    match client.and_then(Client::as_consumer) {
        Some(_) => NodeRef::Consumer(id.0, name),
        None => NodeRef::Producer(id.0, name),
    }
}
