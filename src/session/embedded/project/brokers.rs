//! Brokers: their processes, what they host, their sessions with ZooKeeper, who is connected.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::rates::{Meter, Slots};
use super::topics::Shared;
use super::zookeeper;
use crate::engine::broker::connection::{Connection as Connected, Peer};
use crate::engine::broker::stats::Stats;
use crate::engine::broker::{Broker as Running, Stage};
use crate::engine::cluster::{BrokerNode, Cluster};
use crate::engine::node::BrokerId;
use crate::engine::runtime::ClockView;
use crate::engine::settings::{BrokerSettings, Definition, Layer, Settings, Source, TABLE};
use crate::session::snapshot::{Broker, BrokerSession, BrokerState, Connection, RequestCount, Setting};

/// How long a slot of a broker's history is, in microseconds, and how many there are.
const HISTORY: (u64, usize) = (500_000, 8);

/// Settings that are worth showing though they are Kafka's defaults.
const WORTH_SHOWING: &[&str] =
    &["min.insync.replicas", "default.replication.factor", "replica.lag.time.max.ms", "zookeeper.session.timeout.ms"];

/// What is remembered of a broker.
struct Remembered {
    records_in: Meter,
    records_out: Meter,
    history: Slots,
    /// Of the processes before: counters begin anew with each.
    before: u64,
    last_in: u64,
    session: Option<BrokerSession>,
    /// When its disk was first seen to have failed, in lab microseconds, if it has.
    disk_failed_us: Option<u64>,
    /// What it goes by since something of that was changed while it ran, and how that is shown.
    changed: Option<(Arc<Settings>, Arc<[Setting]>)>,
}

/// Projects brokers.
pub(super) struct Brokers {
    known: BTreeMap<BrokerId, Remembered>,
    /// What all were started with.
    started: Arc<[Setting]>,
}

impl Brokers {
    pub(super) fn new(cluster: &Cluster) -> Self {
        let started = settings(&BrokerSettings::new(Arc::clone(&cluster.config().settings)));
        Self { known: BTreeMap::new(), started }
    }

    pub(super) fn project(
        &mut self,
        cluster: &Cluster,
        clock: &ClockView,
        controller: Option<BrokerId>,
        topics: &Shared,
    ) -> BTreeMap<i32, Broker> {
        let mut brokers: BTreeMap<i32, Broker> = cluster
            .brokers()
            .map(|(id, node)| (id.0, self.broker(cluster, clock, node, controller == Some(id))))
            .collect();
        for partition in topics.values().flat_map(|topic| &topic.partitions) {
            if let Some(leader) = partition.leader.and_then(|id| brokers.get_mut(&id)) {
                leader.leaders += 1;
            }
            for id in partition.copies.keys() {
                if let Some(broker) = brokers.get_mut(id) {
                    broker.replicas += 1;
                    broker.in_sync += u32::from(partition.isr.contains(id));
                }
            }
        }
        brokers
    }

    /// Records written to leaders since the lab's start, as far as was looked.
    pub(super) fn records_in_ever(&self) -> u64 {
        self.known.values().map(|known| known.before + known.last_in).sum()
    }

    fn broker(&mut self, cluster: &Cluster, clock: &ClockView, node: &BrokerNode, controller: bool) -> Broker {
        let known = self.known.entry(node.id).or_default();
        let running = node.running();
        known.count(clock.now.lab.0, running.map(|broker| &broker.stats));
        known.session = zookeeper::session_of(cluster, clock, node.id, known.session.take());
        let log_bytes = match &node.process {
            crate::engine::cluster::Process::Running(broker) => {
                broker.replicas.values().map(|r| r.log.size_bytes()).sum()
            }
            crate::engine::cluster::Process::Dead(disk) => disk.logs.values().map(|s| s.log.size_bytes()).sum(),
        };
        let state = state(running);
        Broker {
            id: node.id.0,
            address: format!("{}:{}", cluster.config().advertised_host, cluster.config().port(node.id)).into(),
            rack: None,
            state,
            since_us: known.since_us(state, node.since.0, clock.now.lab.0),
            controller,
            epoch: running.and_then(|broker| broker.epoch),
            leaders: 0,
            replicas: 0,
            in_sync: 0,
            in_per_sec: known.records_in.per_sec(),
            out_per_sec: known.records_out.per_sec(),
            in_history: known.history.all(),
            log_bytes,
            session: known.session.clone(),
            requests: running.map(|broker| requests(&broker.stats)).unwrap_or_default(),
            connections: running.map(connections).unwrap_or_default(),
            settings: running.and_then(|broker| known.changed(broker)).unwrap_or_else(|| Arc::clone(&self.started)),
        }
    }
}

impl Default for Remembered {
    fn default() -> Self {
        Self {
            records_in: Meter::default(),
            records_out: Meter::default(),
            history: Slots::new(HISTORY.0, HISTORY.1),
            before: 0,
            last_in: 0,
            session: None,
            disk_failed_us: None,
            changed: None,
        }
    }
}

impl Remembered {
    /// The settings of a broker of which some were changed while it ran; made again when they change.
    fn changed(&mut self, broker: &Running) -> Option<Arc<[Setting]>> {
        let layers = broker.layered_settings();
        if layers.layer(Layer::AllBrokers).is_empty() && layers.layer(Layer::Own).is_empty() {
            self.changed = None;
        } else if self.changed.as_ref().is_none_or(|(now, _)| !Arc::ptr_eq(now, layers.now())) {
            self.changed = Some((Arc::clone(layers.now()), settings(layers)));
        }
        self.changed.as_ref().map(|(_, shown)| Arc::clone(shown))
    }

    /// Since when a broker is in its state: since its process came or went, or its disk was first seen to have failed.
    fn since_us(&mut self, state: BrokerState, process_us: u64, now_us: u64) -> u64 {
        let failed = state == BrokerState::DiskFailed;
        self.disk_failed_us = failed.then(|| self.disk_failed_us.unwrap_or(now_us));
        self.disk_failed_us.unwrap_or(process_us)
    }

    fn count(&mut self, now_us: u64, stats: Option<&Stats>) {
        let (records_in, records_out) = stats.map_or((0, 0), |stats| (stats.records_in, stats.records_out));
        if records_in < self.last_in {
            self.before += self.last_in;
        }
        self.last_in = records_in;
        self.records_in.set(now_us, self.before + records_in);
        self.records_out.set(now_us, records_out);
        self.history.set(now_us, self.before + records_in);
    }
}

fn state(running: Option<&Running>) -> BrokerState {
    match running.map(|broker| broker.stage) {
        None | Some(Stage::Stopped) => BrokerState::Dead,
        Some(_) if running.is_some_and(|broker| broker.log_dir_error().is_some()) => BrokerState::DiskFailed,
        Some(Stage::Running) => BrokerState::Running,
        Some(Stage::ShuttingDown(_) | Stage::Flushing) => BrokerState::ShuttingDown,
        Some(_) => BrokerState::Starting,
    }
}

fn requests(stats: &Stats) -> BTreeMap<Arc<str>, RequestCount> {
    let count = |(key, count): (&crate::protocol::ApiKey, &crate::engine::broker::stats::ApiCount)| {
        (Arc::from(key.name()), RequestCount { count: count.requests, errors: count.errors })
    };
    stats.apis.iter().map(count).collect()
}

fn connections(broker: &Running) -> Vec<Connection> {
    let connection = |(peer, connected): (Peer, &Connected)| Connection {
        peer: match peer {
            Peer::Socket(_) => Arc::clone(&connected.address),
            Peer::Node(node, _) => node.to_string().into(),
        },
        client_id: Arc::clone(&connected.client_id),
        software: Arc::clone(&connected.software),
        requests: connected.requests,
        socket: matches!(peer, Peer::Socket(_)),
    };
    broker.connections.iter().map(connection).collect()
}

/// What differs from Kafka's defaults, and what is worth showing besides.
fn settings(layers: &BrokerSettings) -> Arc<[Setting]> {
    let lab = Settings::lab();
    let setting = |row: &Definition| {
        let value = layers.now().get(row.name)?;
        let source = source(layers, row, &lab);
        let shown = source != "default" || WORTH_SHOWING.contains(&row.name);
        shown.then(|| Setting { name: row.name.into(), value: value.into(), source: source.into() })
    };
    TABLE.iter().filter(|row| !row.is_of_zookeeper()).filter_map(setting).collect()
}

/// Where a broker has a setting from, in the words of [`Setting::source`]; `lab` is what `--pace lab` sets.
pub(super) fn source(layers: &BrokerSettings, row: &Definition, lab: &Settings) -> &'static str {
    match layers.places(row).first().map(|place| place.source) {
        Some(Source::Layer(Layer::Own)) => "set for it",
        Some(Source::Layer(Layer::AllBrokers)) => "set for all",
        Some(Source::Static) if lab.get(row.name) == layers.now().get(row.name) => "pace",
        Some(Source::Static) => "set",
        Some(Source::Default) | None => "default",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_disk_counts_from_its_failure_and_not_from_the_process_start() {
        let mut known = Remembered::default();
        assert_eq!(known.since_us(BrokerState::Running, 1, 5), 1);
        assert_eq!(known.since_us(BrokerState::DiskFailed, 1, 7), 7);
        assert_eq!(known.since_us(BrokerState::DiskFailed, 1, 9), 7);
        assert_eq!(known.since_us(BrokerState::Dead, 10, 11), 10);
        assert_eq!(known.since_us(BrokerState::DiskFailed, 12, 20), 20, "another failure");
    }
}
