//! How a log is read: by offset, for fetches, and by time, for those who look for an offset.

use bytes::{BufMut, BytesMut};

use super::Log;
use super::storage::{Storage, StoredBatch};
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
}

impl<S: Storage> Log<S> {
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
        let mut batches = Vec::new();
        let mut left = u64::try_from(max_bytes).unwrap_or(u64::MAX);
        for batch in self.storage.batches_from(from).take_while(|batch| batch.header.last_offset() < up_to) {
            let size = batch.size_bytes();
            if size > left && !(at_least_one && batches.is_empty()) {
                break;
            }
            left = left.saturating_sub(size);
            batches.push(batch);
        }
        let next_offset = batches.last().map_or(from, |last| last.header.next_offset());
        Ok(ReadResult { records: rope(batches), next_offset })
    }

    /// The batches from the one that holds `from` on, as they are stored.
    pub fn batches_from(&self, from: i64) -> impl Iterator<Item = StoredBatch> + '_ {
        self.storage.batches_from(from)
    }

    /// The first record whose timestamp is at least `timestamp_ms`: its offset and its timestamp.
    pub fn offset_for_time(&self, timestamp_ms: i64) -> Option<(i64, i64)> {
        let first = self.storage.batch_at_time(timestamp_ms)?;
        // Its match may lie below the log start, or its records may not be readable: then it is one of the next batches.
        let from = first.header.base_offset.max(self.start_offset);
        let late_enough = self.storage.batches_from(from).filter(|batch| batch.header.max_timestamp >= timestamp_ms);
        late_enough.into_iter().find_map(|batch| {
            let records = records_of(&batch.header, &batch.body).ok()?;
            let found = records.iter().find(|r| r.timestamp_ms >= timestamp_ms && r.offset >= self.start_offset)?;
            Some((found.offset, found.timestamp_ms))
        })
    }

    /// The first record with the largest timestamp: its offset and its timestamp.
    pub fn offset_of_max_timestamp(&self) -> Option<(i64, i64)> {
        let max = self.storage.segments().map(|segment| segment.max_timestamp_ms).max().filter(|max| *max >= 0)?;
        self.offset_for_time(max)
    }
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
