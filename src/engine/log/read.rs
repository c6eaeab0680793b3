//! How a log is read: by offset, for fetches, and by time, for those who look for an offset.

use bytes::{BufMut, BytesMut};

use super::storage::{Storage, StorageError, StoredBatch};
use super::{COLD_READ_BYTES, Log};
use crate::protocol::Records;
use crate::protocol::records::{HEAD_BYTES, records_of};

/// An offset that the log does not reach: below its start or above its end (`OFFSET_OUT_OF_RANGE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetOutOfRange;

/// What was read.
#[derive(Clone, Debug, Default)]
pub struct ReadResult {
    /// Whole batches; the first may begin before the offset that was asked for.
    pub records: Records,
    /// The offset after the last batch; the one asked for, where there is none.
    pub next_offset: i64,
    /// What was asked for is not in memory: nothing was read, and the disk has it.
    pub on_disk: bool,
}

impl Log {
    /// Reads whole batches from `from` on that end below `up_to` (the high watermark, or the log end), `max_bytes` at
    /// most; with `at_least_one` the first batch comes whatever its size (KIP-74).
    ///
    /// # Errors
    /// [`OffsetOutOfRange`] for a `from` below the log start or above the log end. Between `up_to` and the log end there
    /// is nothing to read yet, which is no error.
    pub fn read(
        &self,
        from: i64,
        max_bytes: usize,
        up_to: i64,
        at_least_one: bool,
    ) -> Result<ReadResult, OffsetOutOfRange> {
        if !(self.start_offset..=self.end_offset).contains(&from) {
            return Err(OffsetOutOfRange);
        }
        if self.is_on_disk(from, up_to) {
            return Ok(ReadResult { next_offset: from, on_disk: true, ..ReadResult::default() });
        }
        Ok(collect(self.memory.batches_from(from), from, max_bytes, up_to, at_least_one))
    }

    /// Whether what may be read at `from`, below `up_to`, is not in memory.
    pub fn is_on_disk(&self, from: i64, up_to: i64) -> bool {
        (self.start_offset..self.memory.resident_from().min(up_to)).contains(&from)
    }

    /// The batches from the one that holds `from` on, as they are stored, of those in memory.
    pub fn batches_from(&self, from: i64) -> impl Iterator<Item = StoredBatch> + '_ {
        self.memory.batches_from(from)
    }

    /// The first record whose timestamp is at least `timestamp_ms`: its offset and its timestamp.
    ///
    /// # Errors
    /// [`StorageError`] where a part that is not in memory has to be looked at, and cannot be.
    pub fn offset_for_time(
        &self,
        timestamp_ms: i64,
        disk: &mut dyn Storage,
    ) -> Result<Option<(i64, i64)>, StorageError> {
        if self.memory.is_late_below(timestamp_ms) {
            let mut next = disk.offset_near_time(timestamp_ms)?.unwrap_or(i64::MAX).max(self.start_offset);
            while next < self.memory.resident_from() {
                let batches = disk.read(next, COLD_READ_BYTES)?;
                let Some(last) = batches.last() else { break };
                next = last.header.next_offset();
                if let Some(found) = batches.iter().find_map(|batch| self.late_record(batch, timestamp_ms)) {
                    return Ok(Some(found));
                }
            }
        }
        Ok(self.resident_offset_for_time(timestamp_ms))
    }

    /// The same, of what is in memory.
    fn resident_offset_for_time(&self, timestamp_ms: i64) -> Option<(i64, i64)> {
        let first = self.memory.batch_at_time(timestamp_ms)?;
        // Its match may lie below the log start, or its records may not be readable: then it is one of the next batches.
        let from = first.header.base_offset.max(self.start_offset);
        self.memory.batches_from(from).find_map(|batch| self.late_record(&batch, timestamp_ms))
    }

    /// The first record of a batch whose timestamp is at least `timestamp_ms`.
    fn late_record(&self, batch: &StoredBatch, timestamp_ms: i64) -> Option<(i64, i64)> {
        if batch.header.max_timestamp < timestamp_ms {
            return None;
        }
        let records = records_of(&batch.header, &batch.body).ok()?;
        let found = records.iter().find(|r| r.timestamp_ms >= timestamp_ms && r.offset >= self.start_offset)?;
        Some((found.offset, found.timestamp_ms))
    }

    /// The first record with the largest timestamp: its offset and its timestamp.
    ///
    /// # Errors
    /// [`StorageError`], as [`Log::offset_for_time`].
    pub fn offset_of_max_timestamp(&self, disk: &mut dyn Storage) -> Result<Option<(i64, i64)>, StorageError> {
        let max = self.memory.segments().map(|segment| segment.max_timestamp_ms).max().filter(|max| *max >= 0);
        max.map_or(Ok(None), |max| self.offset_for_time(max, disk))
    }
}

/// Takes whole batches that end below `up_to`, `max_bytes` at most; with `at_least_one` the first whatever its size.
/// `from` is the offset that was asked for.
pub fn collect(
    batches: impl Iterator<Item = StoredBatch>,
    from: i64,
    max_bytes: usize,
    up_to: i64,
    at_least_one: bool,
) -> ReadResult {
    let mut taken = Vec::new();
    let mut left = u64::try_from(max_bytes).unwrap_or(u64::MAX);
    for batch in batches.take_while(|batch| batch.header.last_offset() < up_to) {
        let size = batch.size_bytes();
        if size > left && !(at_least_one && taken.is_empty()) {
            break;
        }
        left = left.saturating_sub(size);
        taken.push(batch);
    }
    let next_offset = taken.last().map_or(from, |last| last.header.next_offset());
    ReadResult { records: rope(taken), next_offset, on_disk: false }
}

/// The batches as they go out: the heads, written anew into one buffer, and the bodies as they came.
fn rope(batches: Vec<StoredBatch>) -> Records {
    let mut heads = BytesMut::with_capacity(batches.len().saturating_mul(HEAD_BYTES));
    let mut records = Records::new();
    for batch in batches {
        heads.put_slice(&batch.header.encode());
        records.push(heads.split().freeze());
        records.push(batch.body);
    }
    records
}
