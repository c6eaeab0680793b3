//! The storage trait: where a log's batches are kept, and what is kept of one. Memory now; files come with the commit
//! log's own issue.
//!
//! A storage knows segments and batches, and nothing of leaders, producers or watermarks. It is called inside a step, so
//! it may do only what does not wait: append (to memory or the page cache), read what is there, cut. What takes long
//! (fsync, recovery, deletion of files, reading what has left memory) leaves the core as jobs and comes back as inputs.

use bytes::Bytes;
use thiserror::Error;

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
    /// How many batches it has.
    pub batches: u64,
    /// The largest timestamp of a record, ms since 1970; -1 where there is none.
    pub max_timestamp_ms: i64,
    /// The largest timestamp of its first batch, -1 where there is none: its age counts from here.
    pub first_timestamp_ms: i64,
}

impl SegmentInfo {
    /// A segment without batches.
    pub const fn empty(base_offset: i64) -> Self {
        Self { base_offset, size_bytes: 0, batches: 0, max_timestamp_ms: -1, first_timestamp_ms: -1 }
    }
}

/// The log directory failed; it takes no append any more.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the log directory failed: {0}")]
pub struct StorageError(pub String);

/// The segments of one partition, oldest first. There is always one: the last is the active one, which alone grows.
pub trait Storage {
    /// Appends to the active segment. The batch lies beyond all others.
    ///
    /// # Errors
    /// [`StorageError`]; then nothing of the batch is in the log.
    fn append(&mut self, batch: StoredBatch) -> Result<(), StorageError>;

    /// Closes the active segment and begins another at `base_offset`, the log's end.
    ///
    /// # Errors
    /// [`StorageError`]; then the active segment is the one that it was.
    fn roll(&mut self, base_offset: i64) -> Result<(), StorageError>;

    /// Drops the batches that reach to `offset` or beyond, and segments that begin beyond.
    fn truncate_to(&mut self, offset: i64);

    /// Drops the oldest segment, unless it is the active one.
    fn remove_first_segment(&mut self);

    /// Puts `segments`, each a base offset and its batches, in the place of the `count` oldest ones, which are all closed.
    fn replace_oldest(&mut self, count: usize, segments: Vec<(i64, Vec<StoredBatch>)>);

    /// Drops everything and begins an empty segment at `offset`.
    fn restart_at(&mut self, offset: i64);

    /// Its segments, oldest first.
    fn segments(&self) -> impl Iterator<Item = SegmentInfo> + '_;

    /// The active segment.
    fn active(&self) -> SegmentInfo;

    /// The batches from the one that holds `offset` on, or from the next one where none holds it.
    fn batches_from(&self, offset: i64) -> impl Iterator<Item = StoredBatch> + '_;

    /// The oldest batch with a timestamp of `timestamp_ms` or later.
    fn batch_at_time(&self, timestamp_ms: i64) -> Option<StoredBatch>;

    /// What lies below `up_to`, as far as there is anything, is on the disk.
    fn flushed(&mut self, up_to: i64);

    /// What lies below is on the disk: a power loss takes only what comes after.
    fn flushed_offset(&self) -> i64;
}
