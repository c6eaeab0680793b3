//! A replica's log: record batches in segments behind a storage trait, with its leader epochs and the state of its
//! idempotent producers.
//!
//! # What it holds
//! - Offsets begin at the log start and rise; at append they are dense. What was written is never changed.
//! - A stored batch is a head (where the leader wrote offset and epoch) and a body that is shared: with the frame it came
//!   in, with the other replicas, with every clone of the lab. Nothing is re-encoded, but for `LogAppendTime` with its CRC,
//!   and where `compression.type` wants another codec.
//! - Epochs and producer states follow from the batches: truncation makes them what they were.
//! - `log_start <= log_end`, and every batch lies below the log end. Batches below the log start may still be there, as
//!   only whole segments go.
//!
//! What a log is asked by is in seven files: [`append`] (leader and follower), `validate` (what a leader refuses), [`read`] (by offset and by time), `flush`
//! (what of it is on the disk), `retain` (old segments go), [`clean`] (overtaken records go), and here what else shortens
//! it. Watermarks are the replica's; times are arguments.
//!
//! A clone is cheap, four counted references: nothing is copied before one of the two is changed ([`memory`]).
//!
//! Whatever changes a log is handed the place where it is kept beyond memory ([`Storage`]): the disk first, then the log.
//!
//! There are no transactions yet, so there is no last stable offset apart from the high watermark.

pub mod append;
pub mod clean;
mod epochs;
mod flush;
pub mod memory;
mod producers;
pub mod read;
mod retain;
mod storage;
mod tree;
mod validate;

use std::time::Duration;

use super::settings::Ratio;
use crate::protocol::records::Compression;

pub use append::{AppendError, Appended};
pub use clean::{CleanJob, CleanPlan, Cleanable, Cleaned};
pub use epochs::Epochs;
pub use memory::{Memory, Resident};
pub use producers::{History, ProducerEntry, Producers, Remembered, SequenceError};
pub use read::{OffsetOutOfRange, ReadResult};
pub use retain::{Retained, RetentionReason};
pub use storage::{Disks, InMemory, Refusing, SegmentInfo, Storage, StorageError, StoredBatch};
pub use validate::{RecordError, RecordErrors};

/// The settings of a log, as its topic has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// `segment.bytes`: a segment is closed before it grows beyond.
    pub segment_bytes: u64,
    /// A segment in memory is closed at this size already, so that `--memory` can take it: a bound on all logs is of no
    /// use where each of them is one segment of a gigabyte (deviation: memory-bound).
    pub memory_segment_bytes: u64,
    /// `segment.ms`: a segment is closed when its records span more.
    pub segment_ms: i64,
    /// `max.message.bytes`: the largest batch.
    pub max_message_bytes: usize,
    /// `message.timestamp.type=LogAppendTime`: the broker's date replaces the producer's.
    pub log_append_time: bool,
    /// `compression.type`: how a leader stores batches; `None` for `producer`, as they come.
    pub compression: Option<Compression>,
    /// `message.timestamp.before.max.ms`: how far before the broker's date a producer's timestamp may lie.
    pub timestamp_before_max_ms: i64,
    /// `message.timestamp.after.max.ms`: how far after it.
    pub timestamp_after_max_ms: i64,
    /// `flush.messages`: so many records that are not flushed demand a flush, before the last of them is acknowledged.
    pub flush_messages: i64,
    /// `flush.ms`: how long a record may stay unflushed; the broker looks now and then.
    pub flush_ms: i64,
    /// `segment.jitter.ms`: by up to so much less than `segment_ms` a segment's records may span, drawn for each segment.
    pub segment_jitter_ms: i64,
    /// What that is drawn from: no two logs of a broker should roll at the same time.
    pub roll_seed: u64,
    /// `cleanup.policy` says `delete`: old segments go.
    pub delete: bool,
    /// `cleanup.policy` says `compact`: of each key the newest record stays.
    pub compact: bool,
    /// `retention.ms`: a segment goes when its newest record is older; -1 for never.
    pub retention_ms: i64,
    /// `retention.bytes`: the oldest segments go while so much is left without them; -1 for never.
    pub retention_bytes: i64,
    /// `delete.retention.ms`: for how long compaction keeps tombstones.
    pub delete_retention_ms: i64,
    /// `min.cleanable.dirty.ratio`: compaction waits until more than this part of the log is new.
    pub min_cleanable_ratio: Ratio,
    /// `min.compaction.lag.ms`: for so long a record is not compacted.
    pub min_compaction_lag_ms: i64,
    /// `max.compaction.lag.ms`: after so long a record is compacted whatever the ratio.
    pub max_compaction_lag_ms: i64,
    /// `file.delete.delay.ms`: for so long what has gone of a log takes its place on the disk.
    pub delete_delay_ms: i64,
}

impl LogConfig {
    fn delete_delay(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.delete_delay_ms).unwrap_or(0))
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            segment_bytes: 1 << 30,
            memory_segment_bytes: u64::MAX,
            segment_ms: 604_800_000,
            max_message_bytes: 1_048_588,
            log_append_time: false,
            compression: None,
            timestamp_before_max_ms: i64::MAX,
            timestamp_after_max_ms: i64::MAX,
            flush_messages: i64::MAX,
            flush_ms: i64::MAX,
            segment_jitter_ms: 0,
            roll_seed: 0,
            delete: true,
            compact: false,
            retention_ms: 604_800_000,
            retention_bytes: -1,
            delete_retention_ms: 86_400_000,
            min_cleanable_ratio: Ratio::from_ppm(500_000),
            min_compaction_lag_ms: 0,
            max_compaction_lag_ms: i64::MAX,
            delete_delay_ms: 60_000,
        }
    }
}

/// How much is read at once of what has left memory, within a step.
const COLD_READ_BYTES: usize = 1 << 20;

/// A log. See the [module](self).
#[derive(Clone, Debug)]
pub struct Log {
    config: LogConfig,
    memory: Memory,
    start_offset: i64,
    end_offset: i64,
    epochs: Epochs,
    producers: producers::History,
    flush: flush::Flush,
    arrivals: retain::Arrivals,
    cleaner: clean::Cleaner,
}

/// What was found of a log on a disk.
#[derive(Clone, Debug, Default)]
pub struct Recovered {
    /// Its segments, oldest first; at least one.
    pub segments: Vec<SegmentInfo>,
    /// The first offset that is kept.
    pub start_offset: i64,
    /// The offset that the next record gets.
    pub end_offset: i64,
    /// What lies below survives a power loss.
    pub flushed_offset: i64,
    /// Its leader epochs.
    pub epochs: Epochs,
    /// Its producers, now and at the beginning of its segments.
    pub producers: History,
    /// Up to where it was compacted, if it ever was.
    pub clean_to: Option<i64>,
}

impl Log {
    /// An empty log, which begins at offset 0.
    pub fn new(config: LogConfig) -> Self {
        let (memory, epochs, producers, flush, arrivals, cleaner) = Default::default();
        Self { config, memory, start_offset: 0, end_offset: 0, epochs, producers, flush, arrivals, cleaner }
    }

    /// A log as it was found on a disk: none of its batches is in memory.
    pub fn recovered(config: LogConfig, found: Recovered) -> Self {
        let Recovered { segments, start_offset, end_offset, flushed_offset, epochs, producers, clean_to } = found;
        let memory = Memory::on_disk(&segments, end_offset, flushed_offset);
        let (flush, arrivals) = Default::default();
        let cleaner = clean::Cleaner::clean_to(clean_to);
        Self { config, memory, start_offset, end_offset, epochs, producers, flush, arrivals, cleaner }
    }

    /// Its settings.
    pub fn config(&self) -> &LogConfig {
        &self.config
    }

    /// Changes its settings, for what is appended from now on.
    pub fn set_config(&mut self, config: LogConfig) {
        self.config = config;
    }

    /// The first offset that is kept.
    pub fn log_start_offset(&self) -> i64 {
        self.start_offset
    }

    /// The offset that the next record gets.
    pub fn log_end_offset(&self) -> i64 {
        self.end_offset
    }

    /// The bytes that it holds.
    pub fn size_bytes(&self) -> u64 {
        self.memory.segments().map(|segment| segment.size_bytes).sum()
    }

    /// What of it is in memory.
    pub fn resident(&self) -> Resident {
        self.memory.resident()
    }

    /// Its segments, oldest first; the last one is active.
    pub fn segments(&self) -> impl Iterator<Item = SegmentInfo> + '_ {
        self.memory.segments()
    }

    /// Closes the active segment, if it holds anything; what is closed is to be flushed.
    ///
    /// # Errors
    /// [`StorageError`]; the segment is then still active.
    pub fn roll(&mut self, disk: &mut dyn Storage) -> Result<(), StorageError> {
        if self.memory.active().size_bytes > 0 {
            disk.roll(self.end_offset, self.producers.now())?;
            self.memory.roll(self.end_offset);
            self.producers.segment_begins(self.end_offset);
            self.want_flush();
        }
        Ok(())
    }

    /// Cuts everything from `offset` on; a batch that holds it goes whole. Returns whether anything was cut.
    ///
    /// Epochs that began there or later go, and the producers are what they were then.
    ///
    /// # Errors
    /// [`StorageError`]; the log is then as it was, and the disk's is not known.
    pub fn truncate_to(&mut self, offset: i64, disk: &mut dyn Storage) -> Result<bool, StorageError> {
        if offset >= self.end_offset {
            // A leader that fell before it wrote anything has begun an epoch at its log's end: that goes all the same.
            self.cut_epochs(self.end_offset, disk)?;
            return Ok(false);
        }
        if offset < self.start_offset {
            self.truncate_fully_and_start_at(offset, disk)?;
            return Ok(true);
        }
        let holds_it = self.first_batch_from(offset, disk)?;
        let end = holds_it.map_or(offset, |batch| batch.header.base_offset.min(offset));
        let left = disk.truncate_to(end, self.config.delete_delay())?;
        self.memory.truncate_to(end, left);
        self.end_offset = end;
        self.start_offset = self.start_offset.min(end);
        self.flush.cut(end);
        self.cleaner.cut(end);
        self.cut_epochs(end, disk)?;
        self.take_producers_back(disk)?;
        Ok(true)
    }

    fn first_batch_from(&self, offset: i64, disk: &mut dyn Storage) -> Result<Option<StoredBatch>, StorageError> {
        if offset < self.memory.resident_from() {
            return Ok(disk.read(offset, 1)?.into_iter().next());
        }
        Ok(self.memory.batches_from(offset).next())
    }

    fn cut_epochs(&mut self, end: i64, disk: &mut dyn Storage) -> Result<(), StorageError> {
        if self.epochs.truncate_from_end(end) { disk.epochs(&self.epochs) } else { Ok(()) }
    }

    /// The log was cut: its producers are what they were at its new end.
    fn take_producers_back(&mut self, disk: &mut dyn Storage) -> Result<(), StorageError> {
        let from = self.producers.go_back(self.end_offset);
        let mut next = from.unwrap_or(i64::MIN).max(self.memory.segments().next().map_or(0, |first| first.base_offset));
        while next < self.memory.resident_from() {
            let batches = disk.read(next, COLD_READ_BYTES)?;
            let Some(last) = batches.last() else { break };
            next = last.header.next_offset();
            for batch in &batches {
                self.producers.now_mut().update(&batch.header);
            }
        }
        for batch in self.memory.batches_from(next) {
            self.producers.now_mut().update(&batch.header);
        }
        Ok(())
    }

    /// Drops everything and goes on at `offset`.
    ///
    /// # Errors
    /// [`StorageError`]; the log is then as it was, and the disk's is not known.
    pub fn truncate_fully_and_start_at(&mut self, offset: i64, disk: &mut dyn Storage) -> Result<(), StorageError> {
        disk.restart_at(offset, self.config.delete_delay())?;
        self.memory.restart_at(offset);
        (self.start_offset, self.end_offset) = (offset, offset);
        (self.epochs, self.producers, self.flush, self.arrivals) = Default::default();
        self.cleaner.cut(i64::MIN);
        disk.epochs(&self.epochs)
    }

    /// Moves the log start up to `offset`; closed segments that lie wholly below go. Beyond the log end it is as
    /// [`Log::truncate_fully_and_start_at`].
    ///
    /// # Errors
    /// [`StorageError`]; segments below the log start may then still be on the disk.
    pub fn advance_log_start(&mut self, offset: i64, disk: &mut dyn Storage) -> Result<(), StorageError> {
        if offset <= self.start_offset {
            return Ok(());
        }
        if offset > self.end_offset {
            return self.truncate_fully_and_start_at(offset, disk);
        }
        self.start_offset = offset;
        let bases = self.memory.segments().skip(1).map(|next| next.base_offset);
        let below: Vec<i64> = bases.take_while(|base_offset| *base_offset <= offset).collect();
        if let Some(first) = below.last() {
            disk.remove_before(*first, self.config.delete_delay())?;
        }
        for base_offset in below {
            self.memory.remove_first_segment();
            self.producers.first_segment_is(base_offset);
            self.arrivals.first_segment_is(base_offset);
        }
        if self.epochs.truncate_from_start(offset) { disk.epochs(&self.epochs) } else { Ok(()) }
    }

    /// Where the oldest segment ends: what [`Log::evict_to`] takes first.
    pub fn oldest_segment_end(&self) -> i64 {
        self.memory.segments().nth(1).map_or(self.end_offset, |second| second.base_offset)
    }

    /// Frees memory: drops the segments that lie below `offset`, and moves the log start there, but not beyond the log
    /// end. An active segment that lies below is closed first, as Kafka does with one that retention takes.
    ///
    /// # Errors
    /// [`StorageError`]; segments below the log start may then still be on the disk.
    pub fn evict_to(&mut self, offset: i64, disk: &mut dyn Storage) -> Result<(), StorageError> {
        if offset >= self.end_offset {
            self.roll(disk)?;
        }
        self.advance_log_start(offset.min(self.end_offset), disk)
    }

    /// Frees memory where a disk has what goes: the batches of the segments that end at `offset` or before are read from
    /// there from now on.
    pub fn let_go(&mut self, offset: i64) {
        self.memory.let_go(offset, self.end_offset);
    }

    /// Where what is in memory begins; what lies below is read from the disk.
    pub fn resident_from(&self) -> i64 {
        self.memory.resident_from()
    }

    /// Where the oldest segment of which something is in memory ends.
    pub fn oldest_resident_end(&self) -> i64 {
        let from = self.memory.resident_from();
        let ends = self.memory.segments().skip(1).map(|next| next.base_offset);
        ends.into_iter().find(|end| *end > from).unwrap_or(self.end_offset)
    }

    /// A leader begins its reign at `start_offset`.
    ///
    /// # Errors
    /// [`StorageError`]; the disk may not know of it.
    pub fn assign_epoch(&mut self, epoch: i32, start_offset: i64, disk: &mut dyn Storage) -> Result<(), StorageError> {
        if self.epochs.assign(epoch, start_offset) { disk.epochs(&self.epochs) } else { Ok(()) }
    }

    /// The latest epoch, if there is one.
    pub fn latest_epoch(&self) -> Option<i32> {
        self.epochs.latest()
    }

    /// The largest epoch that is not larger than `epoch`, and where it ends; -1 for both where `epoch` is not known. See
    /// [`Epochs::end_offset_for`].
    pub fn end_offset_for(&self, epoch: i32) -> (i32, i64) {
        self.epochs.end_offset_for(epoch, self.end_offset)
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
        self.producers.now()
    }

    /// Forgets producers that wrote nothing since `date_ms`: `producer.id.expiration.ms` ago.
    pub fn expire_producers(&mut self, date_ms: i64) {
        self.producers.now_mut().expire_before(date_ms);
    }
}

#[cfg(test)]
mod tests;
