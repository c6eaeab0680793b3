//! A replica's log: record batches in segments behind a storage trait, with its leader epochs and the state of its
//! idempotent producers.
//!
//! # What it holds
//! - Offsets begin at the log start and rise; at append they are dense. What was written is never changed.
//! - A stored batch is a head (where the leader wrote offset and epoch) and a body that is shared: with the frame it came
//!   in, with the other replicas, with every clone of the lab. Nothing is re-encoded, but for `LogAppendTime` and its CRC.
//! - Epochs and producer states follow from the batches: truncation makes them anew.
//!
//! A clone is cheap: what is sealed is shared, and the open end is bounded ([`memory`]).
//!
//! Left out until the commit log's own issue: files, recovery, retention by time and size, compaction.

mod epochs;
pub mod memory;
mod producers;
mod storage;

use bytes::Bytes;
use thiserror::Error;

pub use epochs::Epochs;
pub use memory::Memory;
pub use producers::{Producers, SequenceError};
pub use storage::{SegmentInfo, Storage, StoredBatch};

use crate::protocol::records::{BatchError, BatchReader, HEAD_BYTES, ProducedBatch, records_of};
use crate::protocol::{ErrorCode, Records};

/// Bodies smaller than this are copied out of the frame they came in, so that a small batch does not keep a large buffer.
const COPY_BELOW: usize = 16 * 1024;
/// Bodies smaller than this go out in one chunk with their head: one copy is cheaper than one more chunk to send.
const JOIN_BELOW: usize = 1_024;

/// The settings of a log, as its topic has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// `segment.bytes`: a segment is closed before it grows beyond.
    pub segment_bytes: u64,
    /// `segment.ms`: a segment is closed when its records span more.
    pub segment_ms: i64,
    /// `max.message.bytes`: the largest batch.
    pub max_message_bytes: usize,
    /// `message.timestamp.type=LogAppendTime`: the broker's date replaces the producer's.
    pub log_append_time: bool,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { segment_bytes: 1 << 30, segment_ms: 604_800_000, max_message_bytes: 1_048_588, log_append_time: false }
    }
}

/// What an append came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The offset of the first record; of a duplicate, that of its original.
    pub base_offset: i64,
    /// The offset of the last record.
    pub last_offset: i64,
    /// The broker's date, where the topic uses `LogAppendTime`; else -1.
    pub log_append_time_ms: i64,
    /// Where the log begins.
    pub log_start_offset: i64,
}

/// Why an append was refused. Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AppendError {
    /// The batch is larger than `max.message.bytes`.
    #[error("the batch of {size} bytes is larger than max.message.bytes, {most}")]
    TooLarge {
        /// Its size.
        size: usize,
        /// What is allowed.
        most: usize,
    },
    /// Its sequence number does not follow.
    #[error(transparent)]
    Sequence(#[from] SequenceError),
    /// A follower got a batch that is broken.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// A follower got a batch that does not continue its log.
    #[error("the batch begins at {base_offset}, the log ends at {log_end}")]
    Gap {
        /// Where the batch begins.
        base_offset: i64,
        /// Where the log ends.
        log_end: i64,
    },
}

impl AppendError {
    /// What Kafka answers.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::TooLarge { .. } => ErrorCode::MESSAGE_TOO_LARGE,
            Self::Sequence(error) => error.code(),
            Self::Batch(error) => error.code(),
            Self::Gap { .. } => ErrorCode::UNKNOWN_SERVER_ERROR,
        }
    }
}

/// An offset that the log does not reach.
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

/// A log. See the [module](self).
#[derive(Clone, Debug)]
pub struct Log<S = Memory> {
    config: LogConfig,
    storage: S,
    log_start: i64,
    log_end: i64,
    epochs: Epochs,
    producers: Producers,
}

impl Log<Memory> {
    /// An empty log in memory.
    pub fn new(config: LogConfig) -> Self {
        Self::on(Memory::default(), config)
    }
}

impl<S: Storage> Log<S> {
    /// An empty log on an empty storage.
    pub fn on(storage: S, config: LogConfig) -> Self {
        Self { config, storage, log_start: 0, log_end: 0, epochs: Epochs::default(), producers: Producers::default() }
    }

    /// Its settings.
    pub fn config(&self) -> &LogConfig {
        &self.config
    }

    /// The first offset that is kept.
    pub fn log_start_offset(&self) -> i64 {
        self.log_start
    }

    /// The offset that the next record gets.
    pub fn log_end_offset(&self) -> i64 {
        self.log_end
    }

    /// The bytes that it holds.
    pub fn size_bytes(&self) -> u64 {
        self.storage.segments().map(|segment| segment.size_bytes).sum()
    }

    /// Its segments, oldest first; the last one is active.
    pub fn segments(&self) -> impl Iterator<Item = SegmentInfo> + '_ {
        self.storage.segments()
    }

    /// Appends what a producer sent, as the leader: gives it its offsets. A duplicate of an idempotent producer is
    /// answered with its original's offsets and not appended.
    pub fn append_as_leader(
        &mut self,
        batch: &ProducedBatch,
        leader_epoch: i32,
        date_ms: i64,
    ) -> Result<Appended, AppendError> {
        let size = batch.size_bytes();
        if size > self.config.max_message_bytes {
            return Err(AppendError::TooLarge { size, most: self.config.max_message_bytes });
        }
        let log_append_time_ms = if self.config.log_append_time { date_ms } else { -1 };
        let log_start_offset = self.log_start;
        if let Some((base_offset, last_offset)) = self.producers.check(&batch.header)? {
            return Ok(Appended { base_offset, last_offset, log_append_time_ms, log_start_offset });
        }
        let mut header = batch.header;
        header.base_offset = self.log_end;
        header.leader_epoch = leader_epoch;
        if self.config.log_append_time {
            header.attributes = header.attributes.with_log_append_time();
            header.max_timestamp = date_ms;
            header.crc = header.checksum(&batch.body);
        }
        let body = if batch.body.len() < COPY_BELOW { Bytes::copy_from_slice(&batch.body) } else { batch.body.clone() };
        self.append(StoredBatch { header, body });
        let last_offset = header.last_offset();
        Ok(Appended { base_offset: header.base_offset, last_offset, log_append_time_ms, log_start_offset })
    }

    /// Appends what a leader sent, as a follower: offsets and epochs are the leader's. A last batch that is cut off is
    /// left out. Returns the new log end.
    pub fn append_as_follower(&mut self, records: &Records) -> Result<i64, AppendError> {
        for batch in BatchReader::new(records) {
            let Ok((header, body)) = batch else { break };
            if body.len() < header.body_bytes() {
                break;
            }
            if header.base_offset < self.log_end {
                return Err(AppendError::Gap { base_offset: header.base_offset, log_end: self.log_end });
            }
            self.append(StoredBatch { header, body });
        }
        Ok(self.log_end)
    }

    fn append(&mut self, batch: StoredBatch) {
        let header = &batch.header;
        self.roll_before(&batch);
        self.epochs.assign(header.leader_epoch, header.base_offset);
        self.producers.update(header);
        self.log_end = header.next_offset();
        self.storage.append(batch);
    }

    /// Closes the active segment where `batch` would make it too large or too old.
    fn roll_before(&mut self, batch: &StoredBatch) {
        let Some(active) = self.storage.segments().last().filter(|active| active.size_bytes > 0) else {
            if self.storage.segments().next().is_none() {
                self.storage.roll(batch.header.base_offset);
            }
            return;
        };
        let too_large = active.size_bytes + batch.size_bytes() > self.config.segment_bytes;
        let too_old = batch.header.max_timestamp.saturating_sub(active.first_timestamp_ms) > self.config.segment_ms;
        if too_large || too_old {
            self.storage.roll(batch.header.base_offset);
        }
    }

    /// Reads whole batches from `from` on that end below `up_to`, up to `max_bytes`; with `at_least_one` the first batch
    /// comes whatever its size.
    pub fn read(
        &self,
        from: i64,
        max_bytes: usize,
        up_to: i64,
        at_least_one: bool,
    ) -> Result<ReadResult, OffsetOutOfRange> {
        if !(self.log_start..=self.log_end).contains(&from) {
            return Err(OffsetOutOfRange);
        }
        let mut read = ReadResult { records: Records::new(), next_offset: from };
        let mut bytes = 0;
        if from >= up_to {
            return Ok(read);
        }
        for batch in self.storage.batches_from(from) {
            let size = batch.header.size_bytes();
            let fits = bytes + size <= max_bytes || (bytes == 0 && at_least_one);
            if batch.header.last_offset() >= up_to || !fits {
                break;
            }
            bytes += size;
            read.next_offset = batch.header.next_offset();
            push(&mut read.records, &batch);
        }
        Ok(read)
    }

    /// The batches from the one that holds `from` on, as they are stored.
    pub fn batches_from(&self, from: i64) -> impl Iterator<Item = StoredBatch> + '_ {
        self.storage.batches_from(from)
    }

    /// Cuts everything from `offset` on; a batch that holds it goes whole. Returns whether anything was cut.
    pub fn truncate_to(&mut self, offset: i64) -> bool {
        if offset >= self.log_end {
            return false;
        }
        if offset < self.log_start {
            self.truncate_fully_and_start_at(offset);
            return true;
        }
        self.log_end = self.storage.truncate_to(offset).unwrap_or(self.log_start).max(self.log_start);
        self.epochs.truncate_from_end(self.log_end);
        self.producers = Producers::default();
        for batch in self.storage.batches_from(self.log_start) {
            self.producers.update(&batch.header);
        }
        true
    }

    /// Drops everything and goes on at `offset`.
    pub fn truncate_fully_and_start_at(&mut self, offset: i64) {
        self.storage.clear();
        self.log_start = offset;
        self.log_end = offset;
        self.epochs = Epochs::default();
        self.producers = Producers::default();
    }

    /// Moves the log start up to `offset`; segments that lie wholly below go.
    pub fn advance_log_start(&mut self, offset: i64) {
        if offset <= self.log_start {
            return;
        }
        if offset >= self.log_end {
            return self.truncate_fully_and_start_at(offset);
        }
        self.log_start = offset;
        while self.storage.segments().nth(1).is_some_and(|second| second.base_offset <= offset) {
            self.storage.remove_first_segment();
        }
        self.epochs.truncate_from_start(offset);
    }

    /// Frees memory: drops the oldest segment if it is not the active one and lies below `below` (the high watermark).
    /// Returns the bytes that went.
    pub fn evict_oldest_segment(&mut self, below: i64) -> u64 {
        let mut segments = self.storage.segments();
        let (Some(oldest), Some(second)) = (segments.next(), segments.next()) else { return 0 };
        drop(segments);
        if second.base_offset > below {
            return 0;
        }
        self.advance_log_start(second.base_offset);
        oldest.size_bytes
    }

    /// Closes the active segment, if it holds anything.
    pub fn roll(&mut self) {
        if self.storage.segments().last().is_some_and(|active| active.size_bytes > 0) {
            self.storage.roll(self.log_end);
        }
    }

    /// A leader begins its reign at `start_offset`.
    pub fn assign_epoch(&mut self, epoch: i32, start_offset: i64) {
        self.epochs.assign(epoch, start_offset);
    }

    /// The latest epoch, if there is one.
    pub fn latest_epoch(&self) -> Option<i32> {
        self.epochs.latest()
    }

    /// The largest epoch that is not larger than `epoch`, and where it ends; -1 for both where `epoch` is not known. See
    /// [`Epochs::end_offset_for`].
    pub fn end_offset_for(&self, epoch: i32) -> (i32, i64) {
        self.epochs.end_offset_for(epoch, self.log_end)
    }

    /// The epoch in which `offset` was (or would be) written.
    pub fn epoch_at(&self, offset: i64) -> Option<i32> {
        self.epochs.at(offset)
    }

    /// The epochs and where each began.
    pub fn epochs(&self) -> &Epochs {
        &self.epochs
    }

    /// The state of its idempotent producers.
    pub fn producers(&self) -> &Producers {
        &self.producers
    }

    /// The first record whose timestamp is at least `timestamp_ms`: its offset and its timestamp.
    pub fn offset_for_time(&self, timestamp_ms: i64) -> Option<(i64, i64)> {
        let segment = self.storage.segments().find(|segment| segment.max_timestamp_ms >= timestamp_ms)?;
        let from = segment.base_offset.max(self.log_start);
        let mut batches = self.storage.batches_from(from).filter(|batch| batch.header.max_timestamp >= timestamp_ms);
        batches.find_map(|batch| {
            let records = records_of(&batch.header, &batch.body).ok()?;
            let found = records.iter().find(|r| r.timestamp_ms >= timestamp_ms && r.offset >= self.log_start)?;
            Some((found.offset, found.timestamp_ms))
        })
    }

    /// The first record with the largest timestamp: its offset and its timestamp.
    pub fn offset_of_max_timestamp(&self) -> Option<(i64, i64)> {
        let max = self.storage.segments().map(|segment| segment.max_timestamp_ms).max()?;
        self.offset_for_time(max)
    }
}

/// Appends a stored batch to what goes out: its head as the leader wrote it, its body as it came.
fn push(records: &mut Records, batch: &StoredBatch) {
    let head = batch.header.encode();
    if batch.body.len() < JOIN_BELOW {
        let mut joined = bytes::BytesMut::with_capacity(HEAD_BYTES + batch.body.len());
        joined.extend_from_slice(&head);
        joined.extend_from_slice(&batch.body);
        records.push(joined.freeze());
    } else {
        records.push(Bytes::copy_from_slice(&head));
        records.push(batch.body.clone());
    }
}

#[cfg(test)]
mod tests;
