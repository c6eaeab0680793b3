//! Storage jobs: what takes long on a disk leaves the core as an output and comes back as an input. The core never waits
//! for one within a step, and a job whose process has died meanwhile is nobody's.
//!
//! Logs in memory have one kind, flushing. It cannot fail there, so an answer says no more than that the job is done.

use crate::engine::context::Id;
use crate::engine::node::BrokerId;
use crate::engine::replica::TopicPartition;

/// Something to do for a broker's disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageJob {
    /// Its number, from the sequence of events and messages: never used again, by a later process neither.
    pub id: Id,
    /// Whose disk.
    pub broker: BrokerId,
    /// What.
    pub work: StorageWork,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorageWork {
    /// fsync: what a log has below `up_to` is to survive a power loss.
    Flush {
        /// Whose log.
        partition: TopicPartition,
        /// An offset: the log's end when this was asked for.
        up_to: i64,
    },
}

/// A job is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StorageDone {
    /// The job's number.
    pub id: Id,
    /// Whose disk.
    pub broker: BrokerId,
}

impl StorageJob {
    /// The answer to it, for whoever has done it.
    pub const fn done(&self) -> StorageDone {
        StorageDone { id: self.id, broker: self.broker }
    }
}
