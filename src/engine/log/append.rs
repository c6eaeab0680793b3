//! How a log grows: a leader gives offsets to what producers send, a follower takes what its leader gave.
//!
//! Everything that can be refused is refused before the first byte is written.

use bytes::Bytes;
use thiserror::Error;

use super::storage::{Storage, StorageError, StoredBatch};
use super::{Log, LogConfig, RecordErrors, SequenceError};
use crate::engine::rng::Rng;
use crate::protocol::records::header::TimestampType;
use crate::protocol::records::{BatchError, BatchHeader, BatchReader, ProducedBatch, rewrite};
use crate::protocol::{ErrorCode, Records};

/// What an append came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The offset of the first record; of a duplicate, that of its original.
    pub base_offset: i64,
    /// The offset of the last record.
    pub last_offset: i64,
    /// The broker's date, where the topic uses `LogAppendTime`; else -1. Of a duplicate, that of its original.
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
    /// The batch is larger than a segment may be.
    #[error("the batch of {size} bytes is larger than segment.bytes, {most}")]
    LargerThanSegment {
        /// Its size.
        size: usize,
        /// What is allowed.
        most: u64,
    },
    /// Some of its records are refused: without a key where the topic is compacted, with a timestamp too far from the broker's
    /// date, or with one that only a broker may set.
    #[error(transparent)]
    Records(#[from] RecordErrors),
    /// Its sequence number does not follow.
    #[error(transparent)]
    Sequence(#[from] SequenceError),
    /// A follower got a batch that is broken, or a leader could not compress one anew.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// A follower got a batch that lies before the end of its log or of the batch before.
    #[error("the batch begins at {base_offset}, the log ends at {log_end}")]
    Gap {
        /// Where the batch begins.
        base_offset: i64,
        /// Where the log ends.
        log_end: i64,
    },
    /// The log directory failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl AppendError {
    /// What Kafka answers.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::TooLarge { .. } => ErrorCode::MESSAGE_TOO_LARGE,
            Self::LargerThanSegment { .. } => ErrorCode::RECORD_LIST_TOO_LARGE,
            Self::Records(errors) => errors.code(),
            Self::Sequence(error) => error.code(),
            Self::Batch(error) => error.code(),
            Self::Gap { .. } => ErrorCode::UNKNOWN_SERVER_ERROR,
            Self::Storage(_) => ErrorCode::KAFKA_STORAGE_ERROR,
        }
    }
}

impl LogConfig {
    /// How long the records of the segment at `base_offset` may span: `segment.ms`, or `max.compaction.lag.ms` where that
    /// is shorter (an active segment is never compacted), less what `segment.jitter.ms` draws.
    fn roll_ms(&self, base_offset: i64) -> i64 {
        let longest = if self.compact { self.segment_ms.min(self.max_compaction_lag_ms) } else { self.segment_ms };
        match u64::try_from(self.segment_jitter_ms.min(longest)) {
            Ok(jitter @ 1..) => {
                let drawn = Rng::split(self.roll_seed ^ base_offset.cast_unsigned(), "segment.jitter.ms").below(jitter);
                longest - i64::try_from(drawn).unwrap_or(0)
            }
            _ => longest,
        }
    }
}

impl Log {
    /// Appends what a producer sent, as the leader: gives it its offsets. A duplicate of an idempotent producer is
    /// answered with its original's offsets and not appended. `date_ms` is the broker's date, ms since 1970.
    ///
    /// # Errors
    /// Any [`AppendError`] but those of followers.
    pub fn append_as_leader(
        &mut self,
        batch: &ProducedBatch,
        leader_epoch: i32,
        date_ms: i64,
        disk: &mut dyn Storage,
    ) -> Result<Appended, AppendError> {
        self.config.check_produced(batch, date_ms)?;
        let (header, body) = self.recompressed(batch)?;
        self.config.check_stored_size(header.size_bytes())?;
        if let Some(original) = self.producers.now().check(&batch.header)? {
            return Ok(self.appended(original.base_offset, original.last_offset, original.timestamp_ms));
        }
        let header = self.head_of(BatchHeader { leader_epoch, ..header }, &body, date_ms);
        self.append(StoredBatch { header, body }, date_ms, disk)?;
        Ok(self.appended(header.base_offset, header.last_offset(), header.max_timestamp))
    }

    /// The batch as `compression.type` wants it: as it came, if that says `producer` or what it is already.
    fn recompressed(&self, batch: &ProducedBatch) -> Result<(BatchHeader, Bytes), BatchError> {
        match self.config.compression {
            Some(codec) => rewrite::recompressed(&batch.header, &batch.body, codec),
            None => Ok((batch.header, batch.body.clone())),
        }
    }

    /// The head as this leader writes it: only where the topic's timestamps are of another type is a new checksum necessary.
    fn head_of(&self, produced: BatchHeader, body: &Bytes, date_ms: i64) -> BatchHeader {
        let mut header = BatchHeader { base_offset: self.end_offset, ..produced };
        if self.config.log_append_time {
            header.attributes = header.attributes.with_log_append_time();
            header.max_timestamp = date_ms;
            header.crc = header.checksum(body);
        } else if header.attributes.timestamp_type() == TimestampType::LogAppendTime {
            header.attributes = header.attributes.with_create_time();
            header.crc = header.checksum(body);
        }
        header
    }

    fn appended(&self, base_offset: i64, last_offset: i64, timestamp_ms: i64) -> Appended {
        let log_append_time_ms = if self.config.log_append_time { timestamp_ms } else { -1 };
        Appended { base_offset, last_offset, log_append_time_ms, log_start_offset: self.start_offset }
    }

    /// Appends what a leader sent, as a follower: offsets and epochs are the leader's, and compaction may have left gaps.
    /// A last batch that is cut off is left out. Returns the new log end.
    ///
    /// # Errors
    /// [`AppendError::Batch`], [`AppendError::Gap`], [`AppendError::Storage`].
    pub fn append_as_follower(&mut self, records: &Records, disk: &mut dyn Storage) -> Result<i64, AppendError> {
        for batch in self.check_fetched(records)? {
            let date_ms = batch.header.max_timestamp;
            self.append(batch, date_ms, disk)?;
        }
        Ok(self.end_offset)
    }

    fn check_fetched(&self, records: &Records) -> Result<Vec<StoredBatch>, AppendError> {
        let mut batches = Vec::new();
        let mut log_end = self.end_offset;
        for batch in BatchReader::new(records) {
            let (header, body) = match batch {
                Ok((header, body)) if header.body_bytes() == body.len() => (header, body),
                Ok(_) | Err(BatchError::Truncated { .. }) => break,
                Err(error) => return Err(error.into()),
            };
            let base_offset = header.base_offset;
            if base_offset < log_end {
                return Err(AppendError::Gap { base_offset, log_end });
            }
            log_end = header.next_offset();
            batches.push(StoredBatch { header, body });
        }
        Ok(batches)
    }

    fn append(&mut self, batch: StoredBatch, date_ms: i64, disk: &mut dyn Storage) -> Result<(), StorageError> {
        let header = batch.header;
        if self.must_roll(&batch, date_ms) {
            self.roll(disk)?;
        }
        // The epoch first: one without records does no harm, a batch that only the disk knows would.
        self.assign_epoch(header.leader_epoch, header.base_offset, disk)?;
        disk.append(&batch)?;
        self.memory.append(batch);
        self.producers.now_mut().update(&header);
        self.end_offset = header.next_offset();
        self.flush_by_count();
        Ok(())
    }

    /// Whether `batch` would make the active segment too large, too old, or too long for Kafka's indexes, which count
    /// offsets from its base in 31 bits. Source: `LogSegment.shouldRoll`.
    fn must_roll(&self, batch: &StoredBatch, date_ms: i64) -> bool {
        let active = self.memory.active();
        let newest = if batch.header.max_timestamp < 0 { date_ms } else { batch.header.max_timestamp };
        let most = self.config.segment_bytes.min(self.config.memory_segment_bytes);
        let too_large = active.size_bytes + batch.size_bytes() > most;
        let span = newest.saturating_sub(active.first_timestamp_ms);
        let too_old = active.first_timestamp_ms >= 0 && span > self.config.roll_ms(active.base_offset);
        let too_long = batch.header.last_offset().saturating_sub(active.base_offset) > i64::from(i32::MAX);
        active.size_bytes > 0 && (too_large || too_old || too_long)
    }
}
