//! The state of a log's idempotent producers (KIP-98): what tells a duplicate and a gap. Kafka's `ProducerStateManager`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use thiserror::Error;

use crate::protocol::ErrorCode;
use crate::protocol::records::BatchHeader;
use crate::protocol::records::header::increment_sequence;

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
struct Remembered {
    first_sequence: i32,
    last_sequence: i32,
    base_offset: i64,
    last_offset: i64,
}

/// One producer.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Producer {
    epoch: i16,
    batches: VecDeque<Remembered>,
}

/// All producers of a log. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Producers {
    by_id: Arc<BTreeMap<i64, Producer>>,
}

impl Producers {
    /// Whether a batch may be appended: `Ok(None)`; or is a duplicate, with its original's first and last offset.
    ///
    /// A producer that the log does not know may begin with any sequence.
    pub fn check(&self, batch: &BatchHeader) -> Result<Option<(i64, i64)>, SequenceError> {
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
            let same = |r: &&Remembered| {
                r.first_sequence == batch.base_sequence && r.last_sequence == batch.last_sequence()
            };
            if let Some(original) = known.batches.iter().find(same) {
                return Ok(Some((original.base_offset, original.last_offset)));
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
            let last_write = |p: &Producer| p.batches.back().map_or(-1, |last| last.last_offset);
            if let Some(oldest) = by_id.iter().min_by_key(|(_, p)| last_write(p)).map(|(id, _)| *id) {
                by_id.remove(&oldest);
            }
        }
        let producer = by_id
            .entry(batch.producer_id)
            .or_insert_with(|| Producer { epoch: batch.producer_epoch, batches: VecDeque::new() });
        if producer.epoch != batch.producer_epoch {
            *producer = Producer { epoch: batch.producer_epoch, batches: VecDeque::new() };
        }
        producer.batches.push_back(Remembered {
            first_sequence: batch.base_sequence,
            last_sequence: batch.last_sequence(),
            base_offset: batch.base_offset,
            last_offset: batch.last_offset(),
        });
        if producer.batches.len() > BATCHES {
            producer.batches.pop_front();
        }
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
