//! Storage jobs: what takes long on a disk leaves the core as an output and comes back as an input. The core never waits
//! for one within a step, and a job whose process has died meanwhile is nobody's.
//!
//! Where a lab is in memory they cannot fail, but for a cleaning that meets a batch that it cannot read; what they change is
//! the core's own, and changes when the answer comes.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::context::Id;
use crate::engine::log::{CleanJob, Cleaned, Log, StorageError, StoredBatch};
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
    /// Read what has left memory.
    Read {
        /// Whose log.
        partition: TopicPartition,
        /// The first offset wanted.
        from: i64,
        /// So much is wanted at most, or one batch.
        max_bytes: usize,
    },
    /// Compaction of a log's closed segments. Nothing changes before the core takes up what came of it.
    Clean {
        /// Whose log.
        partition: TopicPartition,
        /// What is to be done, with the batches.
        job: Arc<CleanJob>,
    },
    /// Write down how far the logs are: what a start after a crash begins with.
    Checkpoint(Checkpoint),
}

/// What a broker's checkpoint files say, by partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// `meta.properties`: the cluster that the broker is of, once it knows.
    pub cluster_id: Option<Arc<str>>,
    /// `replication-offset-checkpoint`.
    pub high_watermarks: BTreeMap<TopicPartition, i64>,
    /// `recovery-point-offset-checkpoint`: what lies below is flushed.
    pub recovery_points: BTreeMap<TopicPartition, i64>,
    /// `log-start-offset-checkpoint`: those that lie beyond the first segment's beginning.
    pub log_starts: BTreeMap<TopicPartition, i64>,
    /// `cleaner-offset-checkpoint`: up to where a log was compacted, if it ever was.
    pub cleaned: BTreeMap<TopicPartition, i64>,
}

impl Checkpoint {
    /// What is to be said of a broker in that cluster, and of its `logs`, each with its high watermark.
    pub fn of<'a>(
        cluster_id: Option<&Arc<str>>,
        logs: impl Iterator<Item = (&'a TopicPartition, &'a Log, i64)>,
    ) -> Self {
        let mut checkpoint = Self { cluster_id: cluster_id.cloned(), ..Self::default() };
        for (id, log, high_watermark) in logs {
            checkpoint.high_watermarks.insert(id.clone(), high_watermark);
            checkpoint.recovery_points.insert(id.clone(), log.flushed_offset());
            if log.segments().next().is_some_and(|first| first.base_offset < log.log_start_offset()) {
                checkpoint.log_starts.insert(id.clone(), log.log_start_offset());
            }
            checkpoint.cleaned.extend(log.clean_to().map(|offset| (id.clone(), offset)));
        }
        checkpoint
    }
}

/// A job is done, or failed.
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
    /// The checkpoint is written.
    CheckpointWritten,
    /// What was read: the batches from the one that holds the offset on.
    Read(Vec<StoredBatch>),
    /// What a log is to have in the place of what was cleaned.
    Cleaned(Arc<Cleaned>),
    /// A batch could not be read: why.
    CleaningFailed(Arc<str>),
    /// The disk failed.
    Failed(StorageError),
}

impl StorageJob {
    /// Does it, for a log in memory, and answers. A cleaning takes as long as its batches are many.
    pub fn done(&self) -> StorageDone {
        let outcome = match &self.work {
            StorageWork::Flush { .. } => StorageOutcome::Flushed,
            StorageWork::Checkpoint(_) => StorageOutcome::CheckpointWritten,
            // Everything is in memory: there is nothing to read back.
            StorageWork::Read { .. } => StorageOutcome::Read(Vec::new()),
            StorageWork::Clean { job, .. } => match job.run() {
                Ok(cleaned) => StorageOutcome::Cleaned(Arc::new(cleaned)),
                Err(error) => StorageOutcome::CleaningFailed(error.to_string().into()),
            },
        };
        self.came_to(outcome)
    }

    /// The answer to it.
    pub const fn came_to(&self, outcome: StorageOutcome) -> StorageDone {
        StorageDone { id: self.id, broker: self.broker, outcome }
    }
}
