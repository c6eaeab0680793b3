//! Writing who leads: a controller's every write is one transaction with the check of its epoch.
//!
//! Only after ZooKeeper said yes does the context change, is it told what happened, and do the brokers hear of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::context::Leadership;
use super::queue::{Resume, Step};
use super::{Controller, Io, MAX_PER_WRITE, znodes};
use crate::engine::context::{Cause, Context};
use crate::engine::event::{ControllerEvent, ElectionReason, EventKind, LeadershipChange};
use crate::engine::node::BrokerId;
use crate::engine::replica::TopicPartition;
use crate::engine::zk::op::{CreateMode, Op, OpResult, Write, ZkError};

/// The version of a state that is not there yet.
pub(super) const NO_VERSION: i32 = -1;

/// Why a state changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    /// A leader was elected.
    Elected(ElectionReason),
    /// Replicas went, and out of the in-sync set with them.
    Shrunk,
    /// The replicas themselves changed: all of them are to take up the leader's new epoch.
    Moved,
}

/// A state to write.
#[derive(Clone, Debug)]
pub(super) struct StateUpdate {
    /// Of which partition.
    pub(super) partition: TopicPartition,
    /// The state; its version is that of the state before, which must still be there: [`NO_VERSION`] for a new one.
    pub(super) next: Leadership,
    /// Why.
    pub(super) why: Why,
}

impl Controller {
    /// These writes as one transaction, provided that this is still the controller.
    pub(super) fn guarded(&self, writes: impl IntoIterator<Item = Write>) -> Op {
        let guard = Write::check(znodes::CONTROLLER_EPOCH, self.epoch_version);
        Op::Multi(std::iter::once(guard).chain(writes).collect())
    }

    /// Writes new states, up to [`MAX_PER_WRITE`] in a transaction.
    pub(super) fn write(&mut self, updates: Vec<StateUpdate>, io: &mut Io<'_, '_>) {
        if updates.is_empty() {
            return;
        }
        let mut begun = BTreeSet::new();
        let ops = updates
            .chunks(MAX_PER_WRITE)
            .map(|chunk| {
                self.guarded(chunk.iter().flat_map(|update| self.writes_of(update, &mut begun)).collect::<Vec<_>>())
            })
            .collect();
        self.ask(ops, Resume::Written(updates), io);
    }

    /// What it takes to write one state. `begun` are the topics that this batch makes the first partition of.
    fn writes_of(&self, update: &StateUpdate, begun: &mut BTreeSet<Arc<str>>) -> Vec<Write> {
        let TopicPartition { topic, partition } = &update.partition;
        let (path, data) = (znodes::state_path(topic, *partition), znodes::state(&update.next.node));
        if update.next.version != NO_VERSION {
            return vec![Write::set(path, data, update.next.version)];
        }
        let create = |path: String, data: Vec<u8>| Write::create(path, data, CreateMode::Persistent);
        let mut writes = Vec::new();
        let known = self.cluster.topic(topic).is_some_and(|t| t.partitions.values().any(|p| p.leadership.is_some()));
        if !known && begun.insert(Arc::clone(topic)) {
            writes.push(create(znodes::partitions_path(topic), Vec::new()));
        }
        writes.push(create(znodes::partition_path(topic, *partition), Vec::new()));
        writes.push(create(path, data));
        writes
    }

    /// The states are written: takes them up, says what happened, and tells the brokers.
    pub(super) fn written(
        &mut self,
        updates: Vec<StateUpdate>,
        results: &[Result<OpResult, ZkError>],
        io: &mut Io<'_, '_>,
    ) {
        if !results.iter().all(is_written) {
            return self.start_over(io);
        }
        let everybody = self.cluster.reachable();
        let mut changes: BTreeMap<(Why, Option<BrokerId>), Vec<LeadershipChange>> = BTreeMap::new();
        for StateUpdate { partition, mut next, why } in updates {
            let is_new = next.version == NO_VERSION;
            next.version += 1;
            let change = self.change(&partition, &next);
            let mut hosts = self.cluster.replicas_among(&partition, &everybody);
            if why == Why::Shrunk {
                // Who leaves has been told to stop, and would begin to follow again.
                hosts.retain(|host| next.node.isr.contains(host) || !change.old_isr.contains(host));
            }
            changes.entry((why, next.node.leader)).or_default().push(change);
            self.cluster.lead(&partition, next);
            self.batch.host(&partition, &hosts, is_new, &everybody);
        }
        self.report(changes, io.ctx);
        self.flush(io.ctx);
    }

    /// What a new state changes.
    pub(super) fn change(&self, id: &TopicPartition, next: &Leadership) -> LeadershipChange {
        let before = self.cluster.partition(id).and_then(|partition| partition.leadership.as_ref());
        LeadershipChange {
            partition: id.clone(),
            old_leader: before.and_then(|before| before.node.leader),
            old_epoch: before.map_or(-1, |before| before.node.leader_epoch),
            epoch: next.node.leader_epoch,
            old_isr: before.map(|before| before.node.isr.clone()).unwrap_or_default(),
            isr: next.node.isr.clone(),
        }
    }

    /// One event per reason and leader. What each new leader is told is caused by its own.
    fn report(&mut self, changes: BTreeMap<(Why, Option<BrokerId>), Vec<LeadershipChange>>, ctx: &mut Context<'_>) {
        let mut first = None;
        for ((why, leader), changes) in changes {
            let removed = removed(&changes);
            let event = match (why, leader) {
                (Why::Elected(reason), Some(leader)) => ControllerEvent::LeadersElected { leader, changes, reason },
                (_, None) if changes.iter().any(|change| change.old_leader.is_some()) => {
                    ControllerEvent::PartitionsOffline { changes }
                }
                _ if removed.is_empty() => continue,
                _ => ControllerEvent::IsrShrunk { removed, changes },
            };
            let id = ctx.note(EventKind::Controller(event));
            first = first.or(Some(id));
            if let (Why::Elected(_), Some(leader)) = (why, leader) {
                self.batch.because(leader, Cause::event(id));
            }
        }
        if let Some(id) = first {
            ctx.cause = Cause::event(id);
        }
    }
}

impl Step {
    /// The write of one state.
    pub(super) fn write_one(partition: TopicPartition, next: Leadership, why: Why) -> Self {
        Self::Write(vec![StateUpdate { partition, next, why }])
    }
}

/// Whether a transaction was done.
pub(super) fn is_written(result: &Result<OpResult, ZkError>) -> bool {
    matches!(result, Ok(OpResult::Multi(Ok(_))))
}

/// Who left the in-sync sets.
fn removed(changes: &[LeadershipChange]) -> Vec<BrokerId> {
    let left = |change: &LeadershipChange| -> Vec<BrokerId> {
        change.old_isr.iter().copied().filter(|id| !change.isr.contains(id)).collect()
    };
    let all: BTreeSet<BrokerId> = changes.iter().flat_map(left).collect();
    all.into_iter().collect()
}
