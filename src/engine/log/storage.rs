//! Where a log's batches are kept besides memory: the storage trait, and what is known of a batch and a segment.
//!
//! A log is a value: it knows its segments and holds the batches that are in memory ([`Memory`](super::Memory)). Whatever
//! holds them beyond the process is outside of it, and a step is handed it like the time: a [`Storage`] per log, of
//! all [`Disks`]. So a clone of a lab never writes to the files of the lab that it was taken of.
//!
//! There are two: [`InMemory`], which has nothing to do, and files
//! ([`engine::files`](crate::engine::files)). It is called inside a step, so it may do only what does not wait: append to
//! the page cache, cut, rename. What takes long (fsync, reading what has left memory, unlinking) leaves the core as a job
//! and comes back as an input ([`StorageJob`](crate::engine::message::StorageJob)).

use std::time::Duration;

use bytes::Bytes;
use thiserror::Error;
use uuid::Uuid;

use super::{Epochs, Producers};
use crate::engine::broker::Disk;
use crate::engine::message::{StorageDone, StorageJob};
use crate::engine::node::{BrokerId, ZkId};
use crate::engine::replica::TopicPartition;
use crate::engine::zk::persist::ZkRecord;
use crate::protocol::records::{BatchHeader, HEAD_BYTES};

/// A batch as it is stored: the head as the leader wrote it, the body as the producer sent it. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBatch {
    /// The head, with base offset and leader epoch.
    pub header: BatchHeader,
    /// The records, compressed or not; shared with whoever else has them.
    pub body: Bytes,
}

impl StoredBatch {
    /// Its size on the wire and on disk.
    pub fn size_bytes(&self) -> u64 {
        (HEAD_BYTES + self.body.len()) as u64
    }
}

/// What is known of a segment without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentInfo {
    /// The offset that it is named by: the log's end when it was begun.
    pub base_offset: i64,
    /// Its size.
    pub size_bytes: u64,
    /// How many batches it has; `None` where nobody counted: a segment that was found on the disk after a clean stop.
    pub batches: Option<u64>,
    /// The largest timestamp of a record, ms since 1970; -1 where there is none.
    pub max_timestamp_ms: i64,
    /// The largest timestamp of its first batch, -1 where there is none: its age counts from here.
    pub first_timestamp_ms: i64,
}

impl SegmentInfo {
    /// A segment without batches.
    pub const fn empty(base_offset: i64) -> Self {
        Self { base_offset, size_bytes: 0, batches: Some(0), max_timestamp_ms: -1, first_timestamp_ms: -1 }
    }
}

/// The log directory failed; it takes no append any more.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the log directory failed: {0}")]
pub struct StorageError(pub String);

/// One log's place beyond memory. The log decides and says what it does; each call comes before the log itself changes, so
/// that a refusal leaves the log as it was. What goes does so at once, and takes its place until `delay` is over
/// (`file.delete.delay.ms`, by the lab's time).
pub trait Storage {
    /// Writes a batch behind all others, to the active segment.
    ///
    /// # Errors
    /// [`StorageError`]; then nothing of the batch is in the log.
    fn append(&mut self, batch: &StoredBatch) -> Result<(), StorageError>;

    /// Closes the active segment and begins another at `base_offset`, the log's end, where its producers stand so.
    ///
    /// # Errors
    /// [`StorageError`]; then the active segment is the one that it was.
    fn roll(&mut self, base_offset: i64, producers: &Producers) -> Result<(), StorageError>;

    /// Drops the batches that reach to `offset` or beyond, and segments that begin beyond. Returns what the active segment is
    /// then; `None` where only memory knows.
    ///
    /// # Errors
    /// [`StorageError`]; what is left then is not known.
    fn truncate_to(&mut self, offset: i64, delay: Duration) -> Result<Option<SegmentInfo>, StorageError>;

    /// Drops the segments that begin below `base_offset`, the beginning of one of them.
    ///
    /// # Errors
    /// [`StorageError`]; some of them may be left.
    fn remove_before(&mut self, base_offset: i64, delay: Duration) -> Result<(), StorageError>;

    /// Puts the segments that a cleaning wrote in the place of the `count` oldest ones, which are all closed. Returns whether
    /// they were there to be replaced.
    ///
    /// # Errors
    /// [`StorageError`]; some of them may be replaced.
    fn replace_oldest(&mut self, count: usize, delay: Duration) -> Result<bool, StorageError>;

    /// Drops everything and begins an empty segment at `offset`.
    ///
    /// # Errors
    /// [`StorageError`]; what is left then is not known.
    fn restart_at(&mut self, offset: i64, delay: Duration) -> Result<(), StorageError>;

    /// The leader epochs have changed.
    ///
    /// # Errors
    /// [`StorageError`]; those of before may be on the disk.
    fn epochs(&mut self, epochs: &Epochs) -> Result<(), StorageError>;

    /// Reads the batches from the one that holds `from` on, `max_bytes` of them or one, within the step: for what is so rare
    /// that it need not be a job. Where everything is in memory, nobody asks.
    ///
    /// # Errors
    /// [`StorageError`].
    fn read(&mut self, from: i64, max_bytes: usize) -> Result<Vec<StoredBatch>, StorageError>;

    /// An offset not far before the first record with a timestamp of `timestamp_ms` or later; `None` where there is none.
    ///
    /// # Errors
    /// [`StorageError`].
    fn offset_near_time(&mut self, timestamp_ms: i64) -> Result<Option<i64>, StorageError>;
}

/// The disks of a lab: every broker's logs, every ZooKeeper server's transactions.
pub trait Disks {
    /// Whether what is written here outlives the process.
    fn is_lasting(&self) -> bool;

    /// A broker's place for a log, which is made where there is none.
    ///
    /// # Errors
    /// [`StorageError`].
    fn create(&mut self, broker: BrokerId, id: &TopicPartition, topic_id: Uuid) -> Result<(), StorageError>;

    /// A broker's place for a log.
    fn log(&mut self, broker: BrokerId, id: &TopicPartition) -> &mut dyn Storage;

    /// A broker's replica is deleted, with its log, whose place is free at once and whose bytes are after `delay`
    /// (`log.segment.delete.delay.ms`).
    ///
    /// # Errors
    /// [`StorageError`].
    fn delete(&mut self, broker: BrokerId, id: &TopicPartition, delay: Duration) -> Result<(), StorageError>;

    /// A broker's process is started anew after its log directory failed: what is there is taken up as after a crash. `None`
    /// where what the core has of it is all there is.
    ///
    /// # Errors
    /// [`StorageError`] where it still fails.
    fn take_up_again(&mut self, broker: BrokerId) -> Result<Option<Disk>, StorageError>;

    /// Takes up a job. Returns the answer to one that is done at once; that of another comes as an input.
    fn take_up(&mut self, job: StorageJob) -> Option<StorageDone>;

    /// A ZooKeeper server's disk is to keep something. One that cannot says so elsewhere: what the server has in memory
    /// stands as long as the process.
    fn keep(&mut self, server: ZkId, record: ZkRecord<'_>);
}

/// Nothing beyond memory: what is written is gone with the process.
#[derive(Clone, Copy, Debug, Default)]
pub struct InMemory;

impl Storage for InMemory {
    fn append(&mut self, _batch: &StoredBatch) -> Result<(), StorageError> {
        Ok(())
    }

    fn roll(&mut self, _base_offset: i64, _producers: &Producers) -> Result<(), StorageError> {
        Ok(())
    }

    fn truncate_to(&mut self, _offset: i64, _delay: Duration) -> Result<Option<SegmentInfo>, StorageError> {
        Ok(None)
    }

    fn remove_before(&mut self, _base_offset: i64, _delay: Duration) -> Result<(), StorageError> {
        Ok(())
    }

    fn replace_oldest(&mut self, _count: usize, _delay: Duration) -> Result<bool, StorageError> {
        Ok(true)
    }

    fn restart_at(&mut self, _offset: i64, _delay: Duration) -> Result<(), StorageError> {
        Ok(())
    }

    fn epochs(&mut self, _epochs: &Epochs) -> Result<(), StorageError> {
        Ok(())
    }

    fn read(&mut self, _from: i64, _max_bytes: usize) -> Result<Vec<StoredBatch>, StorageError> {
        Ok(Vec::new())
    }

    fn offset_near_time(&mut self, _timestamp_ms: i64) -> Result<Option<i64>, StorageError> {
        Ok(None)
    }
}

/// A place that takes nothing and has nothing, for this reason.
#[derive(Clone, Debug)]
pub struct Refusing(pub StorageError);

impl Storage for Refusing {
    fn append(&mut self, _batch: &StoredBatch) -> Result<(), StorageError> {
        Err(self.0.clone())
    }

    fn roll(&mut self, _base_offset: i64, _producers: &Producers) -> Result<(), StorageError> {
        Err(self.0.clone())
    }

    fn truncate_to(&mut self, _offset: i64, _delay: Duration) -> Result<Option<SegmentInfo>, StorageError> {
        Err(self.0.clone())
    }

    fn remove_before(&mut self, _base_offset: i64, _delay: Duration) -> Result<(), StorageError> {
        Err(self.0.clone())
    }

    fn replace_oldest(&mut self, _count: usize, _delay: Duration) -> Result<bool, StorageError> {
        Err(self.0.clone())
    }

    fn restart_at(&mut self, _offset: i64, _delay: Duration) -> Result<(), StorageError> {
        Err(self.0.clone())
    }

    fn epochs(&mut self, _epochs: &Epochs) -> Result<(), StorageError> {
        Err(self.0.clone())
    }

    fn read(&mut self, _from: i64, _max_bytes: usize) -> Result<Vec<StoredBatch>, StorageError> {
        Err(self.0.clone())
    }

    fn offset_near_time(&mut self, _timestamp_ms: i64) -> Result<Option<i64>, StorageError> {
        Err(self.0.clone())
    }
}

impl Disks for InMemory {
    fn is_lasting(&self) -> bool {
        false
    }

    fn create(&mut self, _broker: BrokerId, _id: &TopicPartition, _topic_id: Uuid) -> Result<(), StorageError> {
        Ok(())
    }

    fn log(&mut self, _broker: BrokerId, _id: &TopicPartition) -> &mut dyn Storage {
        self
    }

    fn delete(&mut self, _broker: BrokerId, _id: &TopicPartition, _delay: Duration) -> Result<(), StorageError> {
        Ok(())
    }

    fn take_up_again(&mut self, _broker: BrokerId) -> Result<Option<Disk>, StorageError> {
        Ok(None)
    }

    fn take_up(&mut self, job: StorageJob) -> Option<StorageDone> {
        Some(job.done())
    }

    fn keep(&mut self, _server: ZkId, _record: ZkRecord<'_>) {}
}
