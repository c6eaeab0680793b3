//! Log directories that fail: their brokers live on, and lead nothing more. Kafka's `processLogDirEventNotification` and
//! the part of `processLeaderAndIsrResponseReceived` that takes replicas offline.
//!
//! A broker tells of its failure by a child of `/log_dir_event_notification`; a controller that was elected later hears of
//! it by the answer to its LeaderAndIsr, `KAFKA_STORAGE_ERROR`. A broker here has one log directory, so all its replicas are
//! offline at once, until it registers anew.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::context::Stage;
use super::failover::children;
use super::queue::{Event, Results, Resume, Step};
use super::{Controller, Io, znodes};
use crate::engine::event::{ControllerEvent, ElectionReason, EventKind};
use crate::engine::node::BrokerId;
use crate::engine::zk::op::{ANY_VERSION, Op, OpResult, Write};
use crate::protocol::{ErrorCode, LeaderAndIsrResponse};

impl Controller {
    /// The names of the notifications are read: now what they say. They have done their work then, and go.
    pub(super) fn log_dir_events(&mut self, results: &Results, io: &mut Io<'_, '_>) {
        let Some(names) = results.first().map(children).filter(|names| !names.is_empty()) else { return };
        let path = |name: &Arc<str>| format!("{}/{name}", znodes::LOG_DIR_EVENTS);
        let reads = names.iter().map(|name| Op::get(path(name)));
        let deletes = names.iter().map(|name| Write::delete(path(name), ANY_VERSION).into());
        self.ask(reads.chain(deletes).collect(), Resume::LogDirEventsRead, io);
    }

    /// What the notifications say is read.
    pub(super) fn log_dir_events_read(&mut self, results: &Results, io: &mut Io<'_, '_>) {
        let brokers = results.iter().filter_map(|result| match result {
            Ok(OpResult::Data { data, .. }) => znodes::read_log_dir_failure(data),
            _ => None,
        });
        self.log_dirs_failed(&brokers.collect(), io);
    }

    /// A broker answered what it hosts: one whose log directory is offline hosts nothing.
    pub(super) fn check_hosting(&mut self, broker: BrokerId, answer: &LeaderAndIsrResponse, io: &mut Io<'_, '_>) {
        let errors = answer.topics.iter().flat_map(|topic| &topic.partition_errors);
        if errors.into_iter().any(|partition| partition.error_code == ErrorCode::KAFKA_STORAGE_ERROR) {
            self.queue.push(Event::LogDirFailed(broker), &io.ctx.cause);
        }
    }

    /// Others lead what these brokers led, and they leave the in-sync sets; they are told what changes, like all.
    pub(super) fn log_dirs_failed(&mut self, brokers: &BTreeSet<BrokerId>, io: &mut Io<'_, '_>) {
        let known = |id: &BrokerId| self.cluster.brokers.contains_key(id) && !self.cluster.without_disk.contains(id);
        let failed: BTreeSet<BrokerId> = brokers.iter().copied().filter(known).collect();
        if failed.is_empty() {
            return;
        }
        for broker in &failed {
            io.ctx.emit(EventKind::Controller(ControllerEvent::LogDirOffline { broker: *broker }));
        }
        self.cluster.without_disk.extend(&failed);
        let led = self.cluster.partitions_where(|_, partition| {
            partition.stage == Stage::Online && partition.leader().is_some_and(|leader| failed.contains(&leader))
        });
        for id in &led {
            if let Some(partition) = self.cluster.partition_mut(id) {
                partition.stage = Stage::Offline;
            }
        }
        let elect = Step::ElectOffline(ElectionReason::LogDirFailed);
        self.first([elect, Step::ReplicasOffline(failed), Step::Tell(Vec::new())]);
    }
}
