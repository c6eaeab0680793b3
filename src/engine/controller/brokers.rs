//! Brokers that come, go, and bounce. Kafka's `processBrokerChange`, `onBrokerStartup`, `onBrokerFailure`.

use std::collections::{BTreeMap, BTreeSet};

use super::context::{LiveBroker, Stage};
use super::failover::{children, live_broker};
use super::queue::{Results, Resume, Step};
use super::{Controller, Io, reassignment, znodes};
use crate::engine::event::{ControllerEvent, ElectionReason, EventKind};
use crate::engine::node::BrokerId;
use crate::engine::zk::op::Op;

impl Controller {
    /// The names of the registered brokers are read: now their registrations.
    pub(super) fn broker_ids(&mut self, results: &Results, io: &mut Io<'_, '_>) {
        let Some(names) = results.first().map(children) else { return };
        let ids: Vec<BrokerId> = names.iter().filter_map(|name| name.parse().ok().map(BrokerId)).collect();
        let ops = ids.iter().map(|id| Op::get_and_watch(znodes::broker_path(*id))).collect();
        self.ask(ops, Resume::BrokersRead(ids), io);
    }

    /// Compares who is registered with who was.
    pub(super) fn brokers_read(&mut self, ids: &[BrokerId], results: &Results, io: &mut Io<'_, '_>) {
        let now: BTreeMap<BrokerId, LiveBroker> =
            ids.iter().zip(results).filter_map(|(id, result)| Some((*id, live_broker(result)?))).collect();
        let before = &self.cluster.brokers;
        let dead: BTreeSet<BrokerId> = before.keys().copied().filter(|id| !now.contains_key(id)).collect();
        let (mut new, mut bounced) = (BTreeMap::new(), BTreeMap::new());
        for (id, live) in now {
            match before.get(&id) {
                None => new.insert(id, live),
                Some(known) if known.epoch != live.epoch => bounced.insert(id, live),
                Some(_) => None,
            };
        }
        for (broker, live) in &bounced {
            io.ctx.emit(EventKind::Controller(ControllerEvent::BrokerBounced { broker: *broker, epoch: live.epoch }));
        }
        let mut steps = Vec::new();
        if !new.is_empty() {
            steps.push(Step::BrokersStarted(new));
        }
        if !bounced.is_empty() {
            steps.push(Step::BrokersFailed(bounced.keys().copied().collect()));
            steps.push(Step::BrokersStarted(bounced));
        }
        if !dead.is_empty() {
            for broker in &dead {
                io.ctx.emit(EventKind::Controller(ControllerEvent::BrokerLeft { broker: *broker }));
            }
            steps.push(Step::BrokersFailed(dead));
        }
        self.first(steps);
    }

    /// A broker wrote its registration again: what clients are told of it changes.
    pub(super) fn broker_read(&mut self, id: BrokerId, results: &Results, io: &mut Io<'_, '_>) {
        let (Some(live), Some(known)) = (results.first().and_then(live_broker), self.cluster.brokers.get_mut(&id))
        else {
            return;
        };
        if live.epoch == known.epoch && live != *known {
            *known = live;
            let everybody = self.cluster.reachable();
            self.batch.tell(&everybody, []);
            self.flush(io.ctx);
        }
    }

    /// Brokers are gone: others lead what they led, and they leave the in-sync sets.
    pub(super) fn brokers_failed(&mut self, gone: &BTreeSet<BrokerId>, io: &mut Io<'_, '_>) {
        for id in gone {
            self.cluster.brokers.remove(id);
            self.cluster.shutting_down.remove(id);
            self.cluster.without_disk.remove(id);
            self.channels.remove(*id, io.ctx);
        }
        let led = self.cluster.partitions_where(|_, partition| {
            partition.stage == Stage::Online && partition.leader().is_some_and(|leader| gone.contains(&leader))
        });
        for id in &led {
            if let Some(partition) = self.cluster.partition_mut(id) {
                partition.stage = Stage::Offline;
            }
        }
        self.deletion_lost(gone);
        let mut steps = vec![Step::ElectOffline(ElectionReason::LeaderDied), Step::ReplicasOffline(gone.clone())];
        if led.is_empty() {
            steps.push(Step::Tell(Vec::new()));
        }
        self.first(steps);
    }

    /// Brokers are there: they hear of everything, and host what they hosted.
    pub(super) fn brokers_started(&mut self, started: BTreeMap<BrokerId, LiveBroker>, io: &mut Io<'_, '_>) {
        let others = self.cluster.reachable();
        let new: BTreeSet<BrokerId> = started.keys().copied().collect();
        for (id, live) in started {
            io.ctx.emit(EventKind::Controller(ControllerEvent::BrokerJoined { broker: id, epoch: live.epoch }));
            self.cluster.brokers.insert(id, live);
            self.channels.add(id);
        }
        self.batch.tell(&others, []);
        self.flush(io.ctx);
        self.batch.tell(&new, self.cluster.partitions_where(|_, partition| partition.leadership.is_some()));
        self.flush(io.ctx);
        let everybody = self.cluster.reachable();
        for (id, partition) in self.cluster.partitions() {
            let hosts = self.cluster.replicas_among(&id, &new);
            if !hosts.is_empty() && partition.leadership.is_some() && !self.is_going(&id.topic) {
                self.batch.host(&id, &hosts, false, &everybody);
            }
        }
        self.flush(io.ctx);
        self.first([
            Step::ElectOffline(ElectionReason::BrokerReturned),
            Step::Reassign(reassignment::Step::ResumeFor(new)),
            Step::Delete,
        ]);
    }
}
