//! Projects the cluster value into a snapshot: plain data that screens, scripts and tests are made of. It looks, and
//! changes nothing; what it remembers from one look to the next is what takes two looks to know (rates, changes), and
//! what need not be built again.
//!
//! What ZooKeeper has is the truth about topics, leaders and in-sync sets, as it is for Kafka's own tools; logs are
//! looked at where they are.

mod brokers;
mod clients;
mod events;
mod flight;
mod groups;
mod rates;
mod topic_settings;
mod topics;
mod zookeeper;

pub(super) use flight::told_next;

use std::sync::Arc;

use super::look;
use super::observer::About;
use crate::engine::client::Admin;
use crate::engine::cluster::{BrokerNode, Cluster};
use crate::engine::controller::znodes;
use crate::engine::runtime::ClockView;
use crate::session::snapshot::{Capabilities, ClockState, Memory, Snapshot};
use brokers::Brokers;
use clients::Clients;
use events::EventLog;
use groups::Groups;
use rates::Flow;
use topic_settings::TopicSettings;
use topics::{Topics, Touched};

/// What a lab of our own can do.
const CAPABILITIES: Capabilities =
    Capabilities { lab: true, break_things: true, control_time: true, write: true, see_messages: true };

/// How often the memory of the logs is counted, in microseconds of lab time.
const COUNTED_EVERY_US: u64 = 1_000_000;

/// What is remembered from one snapshot to the next.
pub(super) struct Projector {
    about: About,
    seq: u64,
    /// The lab was ready once.
    ready: bool,
    brokers: Brokers,
    topics: Topics,
    topic_settings: TopicSettings,
    events: EventLog,
    flow: Flow,
    clients: Clients,
    groups: Groups,
    memory: MemoryCount,
}

/// What the logs hold, as it was counted last: every log is looked at, so not at every look.
#[derive(Default)]
struct MemoryCount {
    bytes: u64,
    counted_us: u64,
    stale: bool,
}

impl MemoryCount {
    fn at(&mut self, cluster: &Cluster, lab_us: u64, touched: bool) -> u64 {
        self.stale |= touched;
        if self.stale && lab_us >= self.counted_us.saturating_add(COUNTED_EVERY_US) {
            *self = Self { bytes: cluster.memory_used(), counted_us: lab_us, stale: false };
        }
        self.bytes
    }
}

impl Projector {
    pub(super) fn new(about: About, cluster: &Cluster) -> Self {
        Self {
            about,
            seq: 0,
            ready: false,
            brokers: Brokers::new(cluster),
            topics: Topics::default(),
            topic_settings: TopicSettings::default(),
            events: EventLog::default(),
            flow: Flow::default(),
            clients: Clients::default(),
            groups: Groups::default(),
            memory: MemoryCount::default(),
        }
    }

    /// The cluster as it is now.
    pub(super) fn project(&mut self, cluster: &mut Cluster, clock: &ClockView) -> Snapshot {
        let touched = touched(cluster);
        let cluster = &*cluster;
        self.seq += 1;
        let lab_us = clock.now.lab.0;
        let controller = look::controller(cluster);
        let topics = self.topics.project(cluster, &touched, lab_us);
        let brokers = self.brokers.project(cluster, clock, controller, &topics);
        let (events, events_dropped) = self.events.project(cluster);
        let (producers, consumers) = self.clients.project(cluster, clock.now.lab);
        let (groups, more_groups) = self.groups.project(cluster, clock, &topics);
        let records_in = cluster.brokers().filter_map(|(_, node)| node.running()).map(|b| b.stats.records_in).sum();
        self.flow.add(lab_us, self.brokers.records_in_ever().max(records_in));
        self.ready = self.ready || Self::is_ready(cluster, controller.is_some(), &topics);
        Snapshot {
            seq: self.seq,
            name: Arc::clone(&self.about.name),
            cluster_id: cluster_id(cluster),
            ready: self.ready,
            capabilities: CAPABILITIES,
            clock: clock_state(clock),
            addresses: self.about.addresses.clone(),
            controller: controller.map(|id| id.0),
            controller_epoch: controller_epoch(cluster),
            records_in_per_sec: brokers.values().map(|broker| broker.in_per_sec).sum(),
            records_out_per_sec: brokers.values().map(|broker| broker.out_per_sec).sum(),
            brokers: Arc::new(brokers),
            memory: Memory {
                used_bytes: self.memory.at(cluster, lab_us, !touched.is_empty()),
                bound_bytes: cluster.config().memory_bytes,
                evicted_bytes: cluster.memory_evicted(),
            },
            topics,
            topic_settings: self.topic_settings.project(cluster),
            producers: Arc::new(producers),
            consumers: Arc::new(consumers),
            groups: Arc::new(groups),
            more_groups,
            zookeeper: Some(Arc::new(zookeeper::project(cluster, clock))),
            in_flight: flight::project(cluster),
            events,
            events_dropped,
            flow: self.flow.tenths(),
            outside_clients: u32::try_from(clock.connections).unwrap_or(u32::MAX),
        }
    }

    /// The topics as they would be with nothing shared with the look before.
    #[cfg(test)]
    pub(super) fn topics_anew(&self, cluster: &Cluster, lab_us: u64) -> topics::Shared {
        self.topics.anew(cluster, lab_us)
    }

    /// Whether every broker serves and knows the others, and every partition has a leader.
    fn is_ready(cluster: &Cluster, controller: bool, topics: &topics::Shared) -> bool {
        let mut all = cluster.brokers();
        let count = cluster.brokers().count();
        let serves = |node: &BrokerNode| node.running().is_some_and(|broker| broker.metadata.brokers.len() == count);
        let led = topics.values().flat_map(|topic| &topic.partitions).all(|partition| partition.leader.is_some());
        let made = cluster.clients().filter_map(|(_, client)| client.as_admin()).all(Admin::is_done);
        controller && led && made && all.all(|(_, node)| serves(node))
    }
}

/// What the steps since the last look touched.
fn touched(cluster: &mut Cluster) -> Touched {
    let mut touched = Touched::new();
    for (_, at) in cluster.take_touched() {
        touched.entry(at.topic).or_default().insert(at.partition);
    }
    touched
}

fn cluster_id(cluster: &Cluster) -> Option<Arc<str>> {
    let node = look::tree(cluster)?.get(znodes::CLUSTER_ID)?;
    znodes::read_cluster_id(node.data()).map(Arc::from)
}

fn controller_epoch(cluster: &Cluster) -> Option<i32> {
    znodes::read_controller_epoch(look::tree(cluster)?.get(znodes::CONTROLLER_EPOCH)?.data())
}

fn clock_state(clock: &ClockView) -> ClockState {
    ClockState {
        lab_us: clock.now.lab.0,
        date_ms: clock.now.date_ms(),
        rate_ppm: clock.rate_ppm,
        effective_rate_ppm: clock.effective_ppm,
        paused: clock.paused,
        outside_waited_ms: u64::try_from(clock.paused_for.as_millis()).unwrap_or(u64::MAX),
    }
}

/// A rate in millionths, for people: `x0.1`.
pub(super) fn rate(ppm: u64) -> String {
    let places = format!("{:06}", ppm % 1_000_000);
    match places.trim_end_matches('0') {
        "" => format!("x{}", ppm / 1_000_000),
        places => format!("x{}.{places}", ppm / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn rates_for_people() {
        for (ppm, text) in [(1_000_000, "x1"), (100_000, "x0.1"), (1_500_000, "x1.5"), (1_000, "x0.001")] {
            assert_eq!(super::rate(ppm), text);
        }
    }
}
