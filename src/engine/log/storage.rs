//! The storage trait: where a log's batches are kept. Memory now; files come with the commit log's own issue.
//!
//! What may be called inside a step is here: appending (to memory or the page cache), reading what is there, cutting.
//! What takes long (fsync, recovery, deletion of files) will leave the core as jobs and come back as inputs.

use bytes::Bytes;

use crate::protocol::records::BatchHeader;

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
        self.header.size_bytes() as u64
    }
}

/// What is known of a segment without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentInfo {
    /// The offset that it is named by: that of its first record, or of the next where it is empty.
    pub base_offset: i64,
    /// Its size.
    pub size_bytes: u64,
    /// The largest timestamp of a record, -1 where there is none.
    pub max_timestamp_ms: i64,
    /// The largest timestamp of its first batch, -1 where there is none: its age counts from here.
    pub first_timestamp_ms: i64,
}

/// Where batches are kept, in segments.
pub trait Storage {
    /// Appends to the active segment. There is one ([`Storage::roll`]).
    fn append(&mut self, batch: StoredBatch);

    /// Closes the active segment and begins another at `base_offset`.
    fn roll(&mut self, base_offset: i64);

    /// Drops the batches that reach to `offset` or beyond. Returns the new end, `None` where nothing is left.
    fn truncate_to(&mut self, offset: i64) -> Option<i64>;

    /// Drops the oldest segment.
    fn remove_first_segment(&mut self);

    /// Drops everything.
    fn clear(&mut self);

    /// Its segments, oldest first.
    fn segments(&self) -> impl Iterator<Item = SegmentInfo> + '_;

    /// The batches from the one that holds `offset` on, or from the next one where none holds it.
    fn batches_from(&self, offset: i64) -> impl Iterator<Item = StoredBatch> + '_;
}
