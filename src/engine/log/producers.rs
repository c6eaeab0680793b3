//! The state of a log's idempotent producers (KIP-98): what tells a duplicate and a gap. Kafka's `ProducerStateManager`.
//!
//! It follows from the batches, so a log that is cut has to go back to what it was. As Kafka does, [`History`] keeps the
//! state at the beginning of each segment and reads again only the batches after the nearest one. What it kept outlives
//! the segments before it: a producer is known after its batches have gone from the log's front.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use thiserror::Error;

use crate::protocol::ErrorCode;
use crate::protocol::records::BatchHeader;
use crate::protocol::records::header::{decrement_sequence, increment_sequence};

/// How many batches of a producer are remembered: as many as it may have in flight.
const BATCHES: usize = 5;
/// How many producers a log remembers; the one that wrote longest ago makes room.
const MOST: usize = 10_000;

/// Why a batch does not follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SequenceError {
    /// There is a gap before it, or it is older than what is remembered.
    #[error("producer {producer_id} sent sequence {got}, {wanted} was to come")]
    OutOfOrder {
        /// Who.
        producer_id: i64,
        /// What came.
        got: i32,
        /// What was to come.
        wanted: i32,
    },
    /// The producer has a newer epoch: this one is fenced.
    #[error("producer {producer_id} sent epoch {got}, its epoch is {epoch}")]
    OldEpoch {
        /// Who.
        producer_id: i64,
        /// What came.
        got: i16,
        /// What is known.
        epoch: i16,
    },
}

impl SequenceError {
    /// What Kafka answers.
    pub fn code(self) -> ErrorCode {
        match self {
            Self::OutOfOrder { .. } => ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER,
            Self::OldEpoch { .. } => ErrorCode::INVALID_PRODUCER_EPOCH,
        }
    }
}

/// A batch that is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remembered {
    first_sequence: i32,
    last_sequence: i32,
    /// The offset of its first record.
    pub base_offset: i64,
    /// The offset of its last record.
    pub last_offset: i64,
    /// Its largest timestamp, ms since 1970.
    pub timestamp_ms: i64,
}

impl Remembered {
    fn of(batch: &BatchHeader) -> Self {
        Self {
            first_sequence: batch.base_sequence,
            last_sequence: batch.last_sequence(),
            base_offset: batch.base_offset,
            last_offset: batch.last_offset(),
            timestamp_ms: batch.max_timestamp,
        }
    }

    /// Out of what a disk kept; `None` where that is no batch.
    fn from_entry(entry: &ProducerEntry) -> Option<Self> {
        let known = entry.last_offset >= 0 && entry.last_sequence >= 0 && entry.offset_delta >= 0;
        known.then(|| Self {
            first_sequence: decrement_sequence(entry.last_sequence, entry.offset_delta),
            last_sequence: entry.last_sequence,
            base_offset: entry.last_offset - i64::from(entry.offset_delta),
            last_offset: entry.last_offset,
            timestamp_ms: entry.timestamp_ms,
        })
    }

    fn offset_delta(&self) -> i32 {
        i32::try_from(self.last_offset - self.base_offset).unwrap_or(i32::MAX)
    }
}

/// What a disk keeps of a producer: its epoch and its last batch (Kafka's `ProducerStateEntry` in a snapshot file).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerEntry {
    /// Who.
    pub producer_id: i64,
    /// Its epoch.
    pub epoch: i16,
    /// The sequence number of its last record; -1 where it has written none in its epoch.
    pub last_sequence: i32,
    /// The offset of that record; -1 where there is none.
    pub last_offset: i64,
    /// That offset minus the one of the first record of the same batch.
    pub offset_delta: i32,
    /// The largest timestamp of that batch, ms since 1970.
    pub timestamp_ms: i64,
}

/// One producer: its epoch, and its last batches in that epoch. None only where a snapshot of Kafka's says so.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Producer {
    epoch: i16,
    batches: VecDeque<Remembered>,
}

impl Producer {
    fn new(epoch: i16) -> Self {
        Self { epoch, batches: VecDeque::new() }
    }

    fn last_offset(&self) -> i64 {
        self.batches.back().map_or(-1, |last| last.last_offset)
    }
}

/// All producers of a log. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Producers {
    by_id: Arc<BTreeMap<i64, Producer>>,
}

impl Producers {
    /// Whether a batch may be appended: `Ok(None)`; or is a duplicate, of which batch.
    ///
    /// A producer that the log does not know may begin with any sequence.
    ///
    /// # Errors
    /// [`SequenceError`] where it does not follow.
    pub fn check(&self, batch: &BatchHeader) -> Result<Option<Remembered>, SequenceError> {
        let Some(known) = self.by_id.get(&batch.producer_id).filter(|_| batch.has_producer_id()) else {
            return Ok(None);
        };
        let producer_id = batch.producer_id;
        if batch.producer_epoch < known.epoch {
            return Err(SequenceError::OldEpoch { producer_id, got: batch.producer_epoch, epoch: known.epoch });
        }
        let wanted = if batch.producer_epoch > known.epoch {
            0
        } else {
            let (first, last) = (batch.base_sequence, batch.last_sequence());
            let same = |r: &&Remembered| (r.first_sequence, r.last_sequence) == (first, last);
            if let Some(original) = known.batches.iter().find(same) {
                return Ok(Some(*original));
            }
            known.batches.back().map_or(0, |last| increment_sequence(last.last_sequence, 1))
        };
        let got = batch.base_sequence;
        if got == wanted { Ok(None) } else { Err(SequenceError::OutOfOrder { producer_id, got, wanted }) }
    }

    /// Takes up a batch that was appended.
    pub fn update(&mut self, batch: &BatchHeader) {
        if !batch.has_producer_id() || batch.attributes.is_control() {
            return;
        }
        let by_id = Arc::make_mut(&mut self.by_id);
        if by_id.len() >= MOST && !by_id.contains_key(&batch.producer_id) {
            let oldest = by_id.iter().min_by_key(|(_, producer)| producer.last_offset()).map(|(id, _)| *id);
            oldest.and_then(|id| by_id.remove(&id));
        }
        let producer = by_id.entry(batch.producer_id).or_insert_with(|| Producer::new(batch.producer_epoch));
        if producer.epoch != batch.producer_epoch {
            *producer = Producer::new(batch.producer_epoch);
        }
        producer.batches.push_back(Remembered::of(batch));
        if producer.batches.len() > BATCHES {
            producer.batches.pop_front();
        }
    }

    /// Forgets the producers whose last batch is older than `date_ms` (`producer.id.expiration.ms` ago).
    pub fn expire_before(&mut self, date_ms: i64) {
        let old = |producer: &Producer| producer.batches.back().is_none_or(|last| last.timestamp_ms < date_ms);
        if self.by_id.values().any(old) {
            Arc::make_mut(&mut self.by_id).retain(|_, producer| !old(producer));
        }
    }

    /// The producers and the offset of the last record of each.
    pub fn last_offsets(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        self.by_id.iter().map(|(id, producer)| (*id, producer.last_offset()))
    }

    /// What a disk keeps of them, by id. Of each only the last batch, as in Kafka: after a restart the others are not
    /// known as duplicates any more, unless they are read again from the log.
    pub fn entries(&self) -> impl Iterator<Item = ProducerEntry> + '_ {
        self.by_id.iter().map(|(producer_id, producer)| {
            let last = producer.batches.back();
            ProducerEntry {
                producer_id: *producer_id,
                epoch: producer.epoch,
                last_sequence: last.map_or(-1, |last| last.last_sequence),
                last_offset: last.map_or(-1, |last| last.last_offset),
                offset_delta: last.map_or(0, Remembered::offset_delta),
                timestamp_ms: last.map_or(-1, |last| last.timestamp_ms),
            }
        })
    }

    /// The producers that a disk kept.
    pub fn from_entries(entries: impl IntoIterator<Item = ProducerEntry>) -> Self {
        let producer = |entry: ProducerEntry| {
            let batches = Remembered::from_entry(&entry).into_iter().collect();
            (entry.producer_id, Producer { epoch: entry.epoch, batches })
        };
        Self { by_id: Arc::new(entries.into_iter().map(producer).collect()) }
    }

    /// How many producers are remembered.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
}

/// The producers now, and as they were at the beginning of each segment but the first one ever.
#[derive(Clone, Debug, Default)]
pub struct History {
    now: Producers,
    /// By the segment's base offset.
    before: Arc<BTreeMap<i64, Producers>>,
}

impl History {
    /// As a disk kept them: now, and where segments begin, by base offset.
    pub fn restored(now: Producers, before: BTreeMap<i64, Producers>) -> Self {
        Self { now, before: Arc::new(before) }
    }

    /// The producers now.
    pub fn now(&self) -> &Producers {
        &self.now
    }

    /// The same, to change.
    pub(super) fn now_mut(&mut self) -> &mut Producers {
        &mut self.now
    }

    /// A segment begins at `base_offset`.
    pub(super) fn segment_begins(&mut self, base_offset: i64) {
        Arc::make_mut(&mut self.before).insert(base_offset, self.now.clone());
    }

    /// Goes back to the nearest kept state at or before `offset`. The batches from the offset that it returns on have to
    /// be taken up again; `None` stands for all of them.
    pub(super) fn go_back(&mut self, offset: i64) -> Option<i64> {
        let before = Arc::make_mut(&mut self.before);
        before.split_off(&offset.saturating_add(1));
        let kept = before.last_key_value().map(|(base_offset, producers)| (*base_offset, producers.clone()));
        let (from, producers) = kept.unzip();
        self.now = producers.unwrap_or_default();
        from
    }

    /// The log's first segment is now the one at `base_offset`.
    pub(super) fn first_segment_is(&mut self, base_offset: i64) {
        if self.before.first_key_value().is_some_and(|(first, _)| *first < base_offset) {
            let kept = Arc::make_mut(&mut self.before).split_off(&base_offset);
            self.before = Arc::new(kept);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::records::{BatchBuilder, Compression, validate};

    fn batch(id: i64, sequence: i32, offset: i64, records: i32) -> BatchHeader {
        let mut builder = BatchBuilder::new(Compression::None).producer(id, 3, sequence);
        (0..records).for_each(|_| builder.push(77, None, None, &[]));
        BatchHeader { base_offset: offset, ..validate(&builder.build()).unwrap().header }
    }

    #[test]
    fn a_disk_keeps_the_last_batch_of_each() {
        let mut producers = Producers::default();
        for header in [batch(7, 0, 0, 2), batch(7, 2, 2, 3), batch(9, i32::MAX - 1, 5, 4)] {
            producers.update(&header);
        }
        let restored = Producers::from_entries(producers.entries());
        assert!(restored.entries().eq(producers.entries()));
        let again = restored.check(&batch(7, 2, 99, 3)).unwrap().expect("a duplicate of the last batch is known");
        assert_eq!((again.base_offset, again.last_offset, again.timestamp_ms), (2, 4, 77));
        assert_eq!(restored.check(&batch(9, i32::MAX - 1, 99, 4)).unwrap().map(|r| r.base_offset), Some(5), "round 0");
        assert_eq!(restored.check(&batch(9, 2, 99, 1)), Ok(None), "and what follows it");
        assert!(restored.check(&batch(7, 0, 99, 2)).is_err(), "those before it are not");
    }

    #[test]
    fn a_producer_without_a_batch_keeps_its_epoch() {
        let entry = ProducerEntry {
            producer_id: 4,
            epoch: 5,
            last_sequence: -1,
            last_offset: -1,
            offset_delta: 0,
            timestamp_ms: -1,
        };
        let restored = Producers::from_entries([entry]);
        assert_eq!(restored.entries().next(), Some(entry));
        assert!(matches!(restored.check(&batch(4, 0, 0, 1)), Err(SequenceError::OldEpoch { .. })));
    }
}
