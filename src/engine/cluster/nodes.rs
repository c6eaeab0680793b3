//! A broker as the cluster holds it: its disk, and its process while it runs.

use std::sync::Arc;

use crate::engine::broker::{Broker, Disk};
use crate::engine::context::Id;
use crate::engine::log::{Disks, Log};
use crate::engine::node::BrokerId;
use crate::engine::replica::TopicPartition;
use crate::engine::time::Time;

/// A broker's process.
#[derive(Clone, Debug)]
pub enum Process {
    /// It runs.
    Running(Box<Broker>),
    /// It does not; this is what it left on its disk.
    Dead(Disk),
}

/// A broker: a place that may run a process.
#[derive(Clone, Debug)]
pub struct BrokerNode {
    /// Its id.
    pub id: BrokerId,
    /// Its process.
    pub process: Process,
    /// Since when the process is as it is, in lab time.
    pub since: Time,
    /// The event that ended the process, while it is dead.
    pub ended_by: Option<Id>,
}

impl BrokerNode {
    /// A broker that has never run.
    pub fn new(id: BrokerId) -> Self {
        Self { id, process: Process::Dead(Disk::default()), since: Time::ZERO, ended_by: None }
    }

    /// The running process.
    pub fn running(&self) -> Option<&Broker> {
        match &self.process {
            Process::Running(broker) => Some(broker),
            Process::Dead(_) => None,
        }
    }

    /// The running process, to change it.
    pub fn running_mut(&mut self) -> Option<&mut Broker> {
        match &mut self.process {
            Process::Running(broker) => Some(broker),
            Process::Dead(_) => None,
        }
    }

    /// Its logs with their high watermarks, whether it runs or not, by partition.
    pub fn logs(&self) -> impl Iterator<Item = (&TopicPartition, &Log, i64)> {
        let (replicas, stored) = match &self.process {
            Process::Running(broker) => (Some(&broker.replicas), None),
            Process::Dead(disk) => (None, Some(&disk.logs)),
        };
        let running = replicas.into_iter().flatten().map(|(id, replica)| (id, &replica.log, replica.high_watermark));
        let dead = stored.into_iter().flatten().map(|(id, stored)| (id, &*stored.log, stored.high_watermark));
        running.chain(dead)
    }

    /// The cluster that it belongs to, once it knows.
    pub fn cluster_id(&self) -> Option<&Arc<str>> {
        match &self.process {
            Process::Running(broker) => broker.cluster_id.as_ref(),
            Process::Dead(disk) => disk.cluster_id.as_ref(),
        }
    }

    /// Whether what its disk has is known: its log directory has not failed.
    pub fn log_dir_works(&self) -> bool {
        match &self.process {
            Process::Running(broker) => broker.log_dir_error().is_none(),
            Process::Dead(disk) => disk.failed.is_none(),
        }
    }

    /// One of its logs with its high watermark.
    pub fn log(&self, id: &TopicPartition) -> Option<(&Log, i64)> {
        match &self.process {
            Process::Running(broker) => broker.replicas.get(id).map(|replica| (&replica.log, replica.high_watermark)),
            Process::Dead(disk) => disk.logs.get(id).map(|stored| (&*stored.log, stored.high_watermark)),
        }
    }

    /// Takes what a log has below `offset`; see [`Log::evict_to`].
    ///
    /// Where a disk has it, it only leaves memory.
    pub(super) fn evict_to(&mut self, id: &TopicPartition, offset: i64, disks: &mut dyn Disks) {
        let (log, high_watermark) = match &mut self.process {
            Process::Running(broker) => {
                let Some(replica) = broker.replicas.get_mut(id).map(Arc::make_mut) else { return };
                (&mut replica.log, &mut replica.high_watermark)
            }
            Process::Dead(disk) => {
                let Some(stored) = disk.logs.get_mut(id) else { return };
                (Arc::make_mut(&mut stored.log), &mut stored.high_watermark)
            }
        };
        if disks.is_lasting() {
            return log.let_go(offset);
        }
        // Memory cannot fail.
        let _ = log.evict_to(offset, disks.log(self.id, id));
        *high_watermark = (*high_watermark).max(log.log_start_offset());
    }
}
