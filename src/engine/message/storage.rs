//! Storage jobs: what takes long on a disk leaves the core as an output and comes back as an input. The core never waits
//! for one within a step, and a job whose process has died meanwhile is nobody's.
//!
//! Where a lab is in memory there is nothing to do for them, and they cannot fail; what they change is the core's own and
//! changes when the answer comes.

use std::collections::BTreeMap;

use crate::engine::context::Id;
use crate::engine::log::{Log, StorageError, StoredBatch};
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
    /// Read what has left memory.
    Read {
        /// Whose log.
        partition: TopicPartition,
        /// The first offset wanted.
        from: i64,
        /// So much is wanted at most, or one batch.
        max_bytes: usize,
    },
    /// Write down how far the logs are: what a start after a crash begins with.
    Checkpoint(Checkpoint),
}

/// What a broker's checkpoint files say, by partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// `replication-offset-checkpoint`.
    pub high_watermarks: BTreeMap<TopicPartition, i64>,
    /// `recovery-point-offset-checkpoint`: what lies below is flushed.
    pub recovery_points: BTreeMap<TopicPartition, i64>,
    /// `log-start-offset-checkpoint`: those that lie beyond the first segment's beginning.
    pub log_starts: BTreeMap<TopicPartition, i64>,
}

impl Checkpoint {
    /// What is to be said of `logs`, each with its high watermark.
    pub fn of<'a>(logs: impl Iterator<Item = (&'a TopicPartition, &'a Log, i64)>) -> Self {
        let mut checkpoint = Self::default();
        for (id, log, high_watermark) in logs {
            checkpoint.high_watermarks.insert(id.clone(), high_watermark);
            checkpoint.recovery_points.insert(id.clone(), log.flushed_offset());
            if log.segments().next().is_some_and(|first| first.base_offset < log.log_start_offset()) {
                checkpoint.log_starts.insert(id.clone(), log.log_start_offset());
            }
        }
        checkpoint
    }
}

/// A job is done, or failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageDone {
    /// The job's number.
    pub id: Id,
    /// Whose disk.
    pub broker: BrokerId,
    /// What came of it.
    pub outcome: StorageOutcome,
}

/// What came of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorageOutcome {
    /// It is done.
    Done,
    /// What was read: the batches from the one that holds the offset on.
    Read(Vec<StoredBatch>),
    /// The disk failed.
    Failed(StorageError),
}

impl StorageJob {
    /// The answer to it, for whoever has done it.
    pub const fn done(&self) -> StorageDone {
        self.came_to(StorageOutcome::Done)
    }

    /// The answer to it.
    pub const fn came_to(&self, outcome: StorageOutcome) -> StorageDone {
        StorageDone { id: self.id, broker: self.broker, outcome }
    }
}
