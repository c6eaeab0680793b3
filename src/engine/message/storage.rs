//! Storage jobs: what takes long on a disk leaves the core as an output and comes back as an input. The core never waits
//! for one within a step, and a job whose process has died meanwhile is nobody's.
//!
//! Logs in memory have two kinds, flushing and cleaning. A flush cannot fail there; a cleaning can meet a batch that it
//! cannot read.

use std::sync::Arc;

use crate::engine::context::Id;
use crate::engine::log::{CleanJob, Cleaned};
use crate::engine::node::BrokerId;
use crate::engine::replica::TopicPartition;

/// Something to do for a broker's disk.
#[derive(Clone, Debug)]
pub struct StorageJob {
    /// Its number, from the sequence of events and messages: never used again, by a later process neither.
    pub id: Id,
    /// Whose disk.
    pub broker: BrokerId,
    /// What.
    pub work: StorageWork,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub enum StorageWork {
    /// fsync: what a log has below `up_to` is to survive a power loss.
    Flush {
        /// Whose log.
        partition: TopicPartition,
        /// An offset: the log's end when this was asked for.
        up_to: i64,
    },
    /// Compaction of a log's closed segments. Nothing changes before the core takes up what came of it.
    Clean {
        /// Whose log.
        partition: TopicPartition,
        /// What is to be done, with the batches.
        job: Arc<CleanJob>,
    },
}

/// A job is done.
#[derive(Clone, Debug)]
pub struct StorageDone {
    /// The job's number.
    pub id: Id,
    /// Whose disk.
    pub broker: BrokerId,
    /// What came of it.
    pub outcome: StorageOutcome,
}

/// What came of a job.
#[derive(Clone, Debug)]
pub enum StorageOutcome {
    /// It was flushed.
    Flushed,
    /// What a log is to have in the place of what was cleaned.
    Cleaned(Arc<Cleaned>),
    /// A batch could not be read: why.
    CleaningFailed(Arc<str>),
}

impl StorageJob {
    /// Does it, for a log in memory, and answers. A cleaning takes as long as its batches are many.
    pub fn done(&self) -> StorageDone {
        let outcome = match &self.work {
            StorageWork::Flush { .. } => StorageOutcome::Flushed,
            StorageWork::Clean { job, .. } => match job.run() {
                Ok(cleaned) => StorageOutcome::Cleaned(Arc::new(cleaned)),
                Err(error) => StorageOutcome::CleaningFailed(error.to_string().into()),
            },
        };
        StorageDone { id: self.id, broker: self.broker, outcome }
    }
}
