//! What a leader refuses of what a producer sends, before it gives out an offset: by size, and record by record. It writes
//! nothing.
//!
//! Source: `LogValidator.validateRecord` and `processRecordErrors`, `UnifiedLog.append`; KIP-467 (which records it was),
//! KIP-937 (how far a timestamp may lie from the broker's date).

use super::{AppendError, LogConfig};
use crate::protocol::ErrorCode;
use crate::protocol::records::header::{NONE, TimestampType};
use crate::protocol::records::{BatchHeader, ProducedBatch, Record, records_of};

/// How many records of one batch are named at most: an answer must not become many times larger than what it answers
/// (deviation: record-errors-bound).
const MOST_ERRORS: usize = 1_000;

/// A record that made the leader refuse its batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordError {
    /// Its place in the batch, from 0.
    pub index: i32,
    /// What is wrong with it, for people.
    pub message: String,
}

/// The records that made a leader refuse a batch: one at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordErrors {
    /// Whether one of them has a timestamp that is not allowed; else they have no key.
    timestamp: bool,
    /// The first of them, in their order.
    errors: Vec<RecordError>,
}

impl RecordErrors {
    /// What Kafka answers: of several errors that of the timestamps.
    pub fn code(&self) -> ErrorCode {
        if self.timestamp { ErrorCode::INVALID_TIMESTAMP } else { ErrorCode::INVALID_RECORD }
    }

    /// The records, in their order: the first thousand.
    pub fn iter(&self) -> impl Iterator<Item = &RecordError> {
        self.errors.iter()
    }
}

impl std::fmt::Display for RecordErrors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let why = if self.timestamp { "invalid timestamp" } else { "a missing key, as the topic is compacted" };
        write!(f, "One or more records have been rejected due to {why}")
    }
}

impl std::error::Error for RecordErrors {}

impl LogConfig {
    /// Checks a batch as it came. `date_ms` is the broker's date.
    ///
    /// # Errors
    /// [`AppendError::TooLarge`], [`AppendError::Records`].
    pub(super) fn check_produced(&self, batch: &ProducedBatch, date_ms: i64) -> Result<(), AppendError> {
        self.check_size(batch.size_bytes())?;
        self.check_records(batch, date_ms)
    }

    fn check_size(&self, size: usize) -> Result<(), AppendError> {
        let most = self.max_message_bytes;
        if size > most { Err(AppendError::TooLarge { size, most }) } else { Ok(()) }
    }

    /// Checks the size that a batch will have in the log.
    ///
    /// # Errors
    /// [`AppendError::TooLarge`], [`AppendError::LargerThanSegment`].
    pub(super) fn check_stored_size(&self, size: usize) -> Result<(), AppendError> {
        self.check_size(size)?;
        let most = self.segment_bytes;
        if size as u64 > most { Err(AppendError::LargerThanSegment { size, most }) } else { Ok(()) }
    }

    /// The batch's own summary says whether all may be well; only where it may not is every record looked at.
    fn check_records(&self, batch: &ProducedBatch, date_ms: i64) -> Result<(), AppendError> {
        let misses_key = self.compact && batch.has_null_key;
        let far = |timestamp_ms| self.is_too_far(timestamp_ms, date_ms);
        let is_stamped = is_stamped(&batch.header);
        if !misses_key && !is_stamped && !far(batch.min_timestamp) && !far(batch.header.max_timestamp) {
            return Ok(());
        }
        let mut found = RecordErrors { timestamp: false, errors: Vec::new() };
        for (index, record) in (0..).zip(records_of(&batch.header, &batch.body)?) {
            let Some((is_timestamp, message)) = self.complaint(&record, is_stamped, date_ms) else { continue };
            found.timestamp |= is_timestamp;
            if found.errors.len() < MOST_ERRORS {
                found.errors.push(RecordError { index, message });
            }
        }
        if found.errors.is_empty() { Ok(()) } else { Err(AppendError::Records(found)) }
    }

    /// What is wrong with a record, if anything, and whether that is its timestamp: the key first. A record that its producer
    /// stamped with `LogAppendTime` is only taken where its timestamp can stand for that of its creation.
    fn complaint(&self, record: &Record, is_stamped: bool, date_ms: i64) -> Option<(bool, String)> {
        let Record { offset, timestamp_ms, .. } = *record;
        if self.compact && record.key.is_none() {
            return Some((false, "a topic that is compacted takes no record without a key".to_owned()));
        }
        if self.is_too_far(timestamp_ms, date_ms) {
            let from = date_ms.saturating_sub(self.timestamp_before_max_ms);
            let to = date_ms.saturating_add(self.timestamp_after_max_ms);
            let text = format!(
                "Timestamp {timestamp_ms} of message with offset {offset} is out of range. The timestamp should be within \
                 [{from}, {to}]"
            );
            return Some((true, text));
        }
        let refused = is_stamped && (self.log_append_time || timestamp_ms == NONE);
        refused.then(|| (true, "a producer may not set the timestamp type to LogAppendTime".to_owned()))
    }

    /// Whether a producer's timestamp lies farther from the broker's date than is allowed. A record without one does not.
    fn is_too_far(&self, timestamp_ms: i64, date_ms: i64) -> bool {
        let age = date_ms.saturating_sub(timestamp_ms);
        let too_far = age > self.timestamp_before_max_ms || age.saturating_neg() > self.timestamp_after_max_ms;
        !self.log_append_time && timestamp_ms != NONE && too_far
    }
}

/// Whether a producer says of its batch what only a broker may: that its timestamps are those of the append.
fn is_stamped(header: &BatchHeader) -> bool {
    header.attributes.timestamp_type() == TimestampType::LogAppendTime
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::log::{InMemory, Log};
    use crate::protocol::records::{BatchBuilder, Compression, validate};

    const NOW: i64 = 1_000_000;

    /// A batch of records with these timestamps, with keys or without.
    fn batch(records: &[(i64, Option<&[u8]>)], codec: Compression) -> ProducedBatch {
        let mut builder = BatchBuilder::new(codec);
        for (timestamp_ms, key) in records {
            builder.push(*timestamp_ms, *key, Some(b"v"), &[]);
        }
        validate(&builder.build()).unwrap()
    }

    fn limited() -> LogConfig {
        LogConfig { timestamp_before_max_ms: 100, timestamp_after_max_ms: 10, ..LogConfig::default() }
    }

    fn refused(config: &LogConfig, batch: &ProducedBatch) -> RecordErrors {
        let mut log = Log::new(config.clone());
        match log.append_as_leader(batch, 0, NOW, &mut InMemory) {
            Err(AppendError::Records(errors)) => errors,
            other => panic!("{other:?}"),
        }
    }

    fn places(errors: &RecordErrors) -> Vec<i32> {
        errors.iter().map(|error| error.index).collect()
    }

    #[test]
    fn a_timestamp_may_lie_as_far_from_the_date_as_the_settings_say() {
        let stamped = |timestamps: &[i64]| {
            let records: Vec<_> = timestamps.iter().map(|timestamp_ms| (*timestamp_ms, None)).collect();
            batch(&records, Compression::Lz4)
        };
        let fine = stamped(&[NOW - 100, NOW, NOW + 10, NONE]);
        assert!(Log::new(limited()).append_as_leader(&fine, 0, NOW, &mut InMemory).is_ok());
        let errors = refused(&limited(), &stamped(&[NOW, NOW - 101, NONE, NOW + 11, NOW - 100]));
        assert_eq!((errors.code(), places(&errors)), (ErrorCode::INVALID_TIMESTAMP, vec![1, 3]));
        let said = "Timestamp 999899 of message with offset 1 is out of range. The timestamp should be within \
             [999900, 1000010]";
        assert_eq!(errors.iter().next().unwrap().message, said);
        let without = stamped(&[NONE, NONE]);
        assert!(Log::new(limited()).append_as_leader(&without, 0, NOW, &mut InMemory).is_ok(), "none is not far");
    }

    #[test]
    fn a_topic_that_stamps_itself_and_one_without_limits_take_any_timestamp() {
        let odd = batch(&[(0, None), (i64::MAX, None)], Compression::None);
        let stamps = LogConfig { log_append_time: true, ..limited() };
        for config in [stamps, LogConfig::default()] {
            assert!(Log::new(config).append_as_leader(&odd, 0, NOW, &mut InMemory).is_ok());
        }
    }

    #[test]
    fn a_missing_key_counts_before_a_timestamp_and_a_timestamp_names_the_error() {
        let compacted = LogConfig { compact: true, ..limited() };
        let keyless = batch(&[(NOW, Some(b"k")), (NOW, None)], Compression::None);
        let errors = refused(&compacted, &keyless);
        assert_eq!((errors.code(), places(&errors)), (ErrorCode::INVALID_RECORD, vec![1]));
        let both = batch(&[(0, None), (0, Some(b"k"))], Compression::None);
        let errors = refused(&compacted, &both);
        assert_eq!((errors.code(), places(&errors)), (ErrorCode::INVALID_TIMESTAMP, vec![0, 1]));
        assert!(errors.iter().next().unwrap().message.contains("key"));
    }

    #[test]
    fn what_a_producer_stamped_is_taken_as_created_then_or_refused() {
        let stamped = |timestamps: &[i64]| {
            let records: Vec<_> = timestamps.iter().map(|timestamp_ms| (*timestamp_ms, None)).collect();
            let mut batch = batch(&records, Compression::None);
            batch.header.attributes = batch.header.attributes.with_log_append_time();
            batch.header.crc = batch.header.checksum(&batch.body);
            batch
        };
        // The largest counts for all: the first is not too old.
        let mut log = Log::new(limited());
        log.append_as_leader(&stamped(&[NOW - 500, NOW]), 0, NOW, &mut InMemory).unwrap();
        let kept = log.batches_from(0).next().unwrap();
        assert!(!is_stamped(&kept.header) && kept.header.checksum(&kept.body) == kept.header.crc);
        let stamps = LogConfig { log_append_time: true, ..LogConfig::default() };
        for (config, batch) in [
            (stamps, stamped(&[NOW, NOW])),
            (limited(), stamped(&[NOW - 500, NOW - 400])),
            (LogConfig::default(), stamped(&[NONE, NONE])),
        ] {
            let errors = refused(&config, &batch);
            assert_eq!((errors.code(), places(&errors)), (ErrorCode::INVALID_TIMESTAMP, vec![0, 1]));
        }
    }

    #[test]
    fn no_more_than_a_thousand_records_are_named() {
        let many = batch(&vec![(0, None); 5_000], Compression::Gzip);
        assert_eq!(refused(&limited(), &many).iter().count(), MOST_ERRORS);
    }
}
