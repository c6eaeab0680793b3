//! A new controller takes over: watches first, then all that ZooKeeper knows. Kafka's `onControllerFailover`.
//!
//! ```text
//!   Names (children of brokers, topics, deletions; watches left) -> Data (each broker, each topic) -> States -> govern
//! ```
//!
//! Watches are left with the reads, so nothing can change unseen: what changes meanwhile is an event in the queue, and
//! is handled when everything is loaded.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::context::{LiveBroker, Partition, Stage};
use super::queue::{Event, Results, Resume, Step};
use super::{Controller, ControllerTimer, Io, Role, reassignment, znodes};
use crate::engine::broker::BrokerTimer;
use crate::engine::context::{Context, Timer};
use crate::engine::event::ElectionReason;
use crate::engine::node::BrokerId;
use crate::engine::replica::TopicPartition;
use crate::engine::zk::op::{ANY_VERSION, Op, OpResult, Write};

/// How long after its election a controller first looks at the preferred leaders.
const FIRST_REBALANCE: Duration = Duration::from_secs(5);

/// What is being loaded.
#[derive(Clone, Debug)]
pub(super) enum Loading {
    /// The names of brokers, topics and deletions.
    Names,
    /// The registrations of these brokers, then the assignments of these topics.
    Data {
        /// The brokers, in the order of the results.
        brokers: Vec<BrokerId>,
        /// The topics, in the order of the results behind them.
        topics: Vec<Arc<str>>,
    },
    /// The states of these partitions.
    States(Vec<TopicPartition>),
}

impl Controller {
    /// Begins to load.
    pub(super) fn load(&mut self, io: &mut Io<'_, '_>) {
        let ops = vec![
            Op::exists_and_watch(znodes::PREFERRED_ELECTION),
            Op::exists_and_watch(znodes::REASSIGN_PARTITIONS),
            Op::children_and_watch(znodes::BROKER_IDS),
            Op::children_and_watch(znodes::TOPICS),
            Op::children_and_watch(znodes::DELETE_TOPICS),
            Op::children_and_watch(znodes::LOG_DIR_EVENTS),
        ];
        self.ask(ops, Resume::Loaded(Loading::Names), io);
    }

    /// A part is loaded.
    pub(super) fn loaded(&mut self, loading: Loading, results: &Results, io: &mut Io<'_, '_>) {
        match loading {
            Loading::Names => self.names_loaded(results, io),
            Loading::Data { brokers, topics } => self.data_loaded(&brokers, &topics, results, io),
            Loading::States(partitions) => self.states_loaded(partitions, results),
        }
    }

    fn names_loaded(&mut self, results: &Results, io: &mut Io<'_, '_>) {
        let [preferred, reassign, brokers, topics, deletions, log_dirs] = results.as_slice() else { return };

        for (asked, event) in [(preferred, Event::PreferredAsked), (reassign, Event::ReassignmentsAsked)] {
            if asked.is_ok() {
                self.queue.push(event, &io.ctx.cause);
            }
        }
        let deletions = children(deletions);
        for topic in &deletions {
            self.deletion.enqueue(topic);
        }
        if !deletions.is_empty() {
            // Once everything is loaded it shows which of them mean nothing, and are to be taken back.
            self.queue.push(Event::DeletionsChanged, &io.ctx.cause);
        }
        let brokers: Vec<BrokerId> = children(brokers).iter().filter_map(|id| id.parse().ok().map(BrokerId)).collect();
        let topics = children(topics);
        let read_brokers = brokers.iter().map(|id| Op::get_and_watch(znodes::broker_path(*id)));
        let read_topics = topics.iter().map(|topic| Op::get_and_watch(znodes::topic_path(topic)));
        // Whose log directory is offline is heard of in the answers to what is to be hosted; old notices may not be true.
        let old_notices = children(log_dirs)
            .into_iter()
            .map(|name| Op::from(Write::delete(format!("{}/{name}", znodes::LOG_DIR_EVENTS), ANY_VERSION)));
        let ops = read_brokers.chain(read_topics).chain(old_notices).collect();
        self.ask(ops, Resume::Loaded(Loading::Data { brokers, topics }), io);
    }

    fn data_loaded(&mut self, brokers: &[BrokerId], topics: &[Arc<str>], results: &Results, io: &mut Io<'_, '_>) {
        for (id, result) in brokers.iter().zip(results) {
            if let Some(live) = live_broker(result) {
                self.cluster.brokers.insert(*id, live);
                self.channels.add(*id);
            }
        }
        for (name, result) in topics.iter().zip(results.iter().skip(brokers.len())) {
            let Ok(OpResult::Data { data, stat }) = result else { continue };
            let Some(node) = znodes::read_topic(data) else { continue };
            let topic = self.cluster.topic_mut(name, node.id);
            topic.version = stat.version;
            topic.partitions = node.partitions.into_iter().map(|(id, a)| (id, Partition::new(a))).collect();
        }
        let partitions = self.cluster.partitions_where(|_, _| true);
        let ops = partitions.iter().map(|id| Op::get(znodes::state_path(&id.topic, id.partition))).collect();
        self.ask(ops, Resume::Loaded(Loading::States(partitions)), io);
    }

    fn states_loaded(&mut self, partitions: Vec<TopicPartition>, results: &Results) {
        for (id, result) in partitions.into_iter().zip(results) {
            let Ok(OpResult::Data { data, stat }) = result else { continue };
            if let Some(node) = znodes::read_state(data) {
                let leadership = super::Leadership { node, version: stat.version, recovering: false };
                self.cluster.lead(&id, leadership);
            }
        }
        self.first([Step::TakeOver]);
    }

    /// Everything is loaded: the brokers hear of the new controller, and what waited for one is done.
    pub(super) fn take_over(&mut self, io: &mut Io<'_, '_>) {
        self.role = Role::Active;
        let everybody = self.cluster.reachable();
        self.batch.tell(&everybody, []);
        self.flush(io.ctx);
        for (id, partition) in self.cluster.partitions() {
            // Those whose leader is dead are told what becomes of the election, which follows.
            let dead = partition.stage == Stage::Offline && partition.leader().is_some();
            if partition.leadership.is_some() && !dead && !self.is_going(&id.topic) {
                let hosts = self.cluster.replicas_among(&id, &everybody);
                self.batch.host(&id, &hosts, false, &everybody);
            }
        }
        self.flush(io.ctx);
        // Kafka takes the dead out of the in-sync sets first (deviation: elections-first).
        self.first([
            Step::ElectOffline(ElectionReason::ControllerFailover),
            Step::ReplicasOffline(self.dead_replicas()),
            Step::Reassign(reassignment::Step::ResumeAll),
            Step::Delete,
        ]);
        self.rebalance_later(FIRST_REBALANCE, io.ctx);
    }

    /// Brokers that have replicas but are not there.
    fn dead_replicas(&self) -> BTreeSet<BrokerId> {
        let replicas = self.cluster.partitions().flat_map(|(_, partition)| partition.assignment.replicas.clone());
        replicas.filter(|id| !self.cluster.brokers.contains_key(id)).collect()
    }

    /// Looks at the preferred leaders after this time.
    pub(super) fn rebalance_later(&self, after: Duration, ctx: &mut Context<'_>) {
        if self.settings.auto_leader_rebalance_enable {
            let timer = ControllerTimer::Rebalance { epoch: self.epoch };
            ctx.routine(after, Timer::Broker(BrokerTimer::Controller(timer)));
        }
    }
}

/// The names that a read of children gave.
pub(super) fn children(result: &Result<OpResult, crate::engine::zk::op::ZkError>) -> Vec<Arc<str>> {
    match result {
        Ok(OpResult::Children { children, .. }) => children.clone(),
        _ => Vec::new(),
    }
}

/// The broker whose registration was read.
pub(super) fn live_broker(result: &Result<OpResult, crate::engine::zk::op::ZkError>) -> Option<LiveBroker> {
    let Ok(OpResult::Data { data, stat }) = result else { return None };
    Some(LiveBroker { epoch: stat.czxid.0, registration: znodes::read_broker_registration(data)? })
}
