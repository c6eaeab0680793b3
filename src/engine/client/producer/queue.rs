//! A partition's records at a producer, from being made to being acknowledged: one batch that is open, batches that
//! wait, batches in flight. Batches keep the order in which they were made, whatever is tried again. Java's
//! `RecordAccumulator`.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use crate::engine::node::BrokerId;
use crate::engine::time::Time;
use crate::protocol::Records;
use crate::protocol::records::header::increment_sequence;
use crate::protocol::records::{BatchBuilder, BatchHeader, BatchReader, Compression, Header};

/// A batch that takes no more records.
#[derive(Clone, Debug)]
pub(in super::super) struct Batch {
    /// Its number within the partition: they are sent in this order.
    pub(in super::super) id: u64,
    /// The first record's number; the others follow.
    pub(in super::super) first: u64,
    header: BatchHeader,
    body: Bytes,
    /// When its first record was made.
    pub(in super::super) created: Time,
    /// How often it was sent.
    pub(in super::super) sent: u32,
    /// Whom it was sent to last.
    pub(in super::super) tried: Option<BrokerId>,
    /// Not sent again before.
    pub(in super::super) not_before: Time,
}

impl Batch {
    /// How many records.
    pub(in super::super) fn len(&self) -> u64 {
        u64::try_from(self.header.record_count).unwrap_or(0)
    }

    /// The last record's number.
    pub(in super::super) fn last(&self) -> u64 {
        self.first + self.len().saturating_sub(1)
    }

    /// Whether it carries a producer's sequence numbers.
    pub(in super::super) fn has_sequence(&self) -> bool {
        self.header.has_producer_id()
    }

    /// As it goes into a request.
    pub(in super::super) fn records(&self) -> Records {
        [Bytes::copy_from_slice(&self.header.encode()), self.body.clone()].into_iter().collect()
    }

    /// Gives it the producer's id, epoch and first sequence number, or takes them away (-1 each).
    fn stamp(&mut self, id: i64, epoch: i16, sequence: i32) {
        self.header.producer_id = id;
        self.header.producer_epoch = epoch;
        self.header.base_sequence = sequence;
        self.header.crc = self.header.checksum(&self.body);
    }
}

#[derive(Clone, Debug)]
struct Open {
    builder: BatchBuilder,
    first: u64,
    created: Time,
}

/// A partition's records. See the [module](self).
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Queue {
    open: Option<Open>,
    /// Closed, in the order of their ids.
    waiting: VecDeque<Batch>,
    /// Sent and not answered, in the order of their ids.
    flying: VecDeque<Batch>,
    next_number: u64,
    next_batch: u64,
    next_sequence: i32,
    /// Records in all of these.
    records: u64,
}

impl Queue {
    /// The number that the next record gets.
    pub(in super::super) fn next_number(&self) -> u64 {
        self.next_number
    }

    /// How many records are not acknowledged.
    pub(in super::super) fn records(&self) -> u64 {
        self.records
    }

    /// How many batches are in flight.
    pub(in super::super) fn in_flight(&self) -> usize {
        self.flying.len()
    }

    /// Whether a batch waits to be sent again.
    pub(in super::super) fn has_retry(&self) -> bool {
        self.waiting.front().is_some_and(|batch| batch.sent > 0)
    }

    /// Whether a batch was sent again and is not acknowledged, or waits to be.
    pub(in super::super) fn is_troubled(&self) -> bool {
        self.has_retry() || self.flying.iter().any(|batch| batch.sent > 1)
    }

    /// Adds the record `next_number`. A batch that has `batch_bytes` takes no more.
    pub(in super::super) fn push(
        &mut self,
        (timestamp_ms, now): (i64, Time),
        key: Option<&[u8]>,
        value: &[u8],
        headers: &[Header],
        batch_bytes: usize,
    ) {
        let first = self.next_number;
        let builder = BatchBuilder::new(Compression::None);
        let open = self.open.get_or_insert_with(|| Open { builder, first, created: now });
        open.builder.push(timestamp_ms, key, Some(value), headers);
        let full = open.builder.plain_bytes() >= batch_bytes;
        self.next_number += 1;
        self.records += 1;
        if full {
            self.close();
        }
    }

    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        let records = open.builder.build();
        let Some(Ok((header, body))) = BatchReader::new(&records).next() else { return };
        let (first, created, id) = (open.first, open.created, self.next_batch);
        self.next_batch += 1;
        let batch = Batch { id, first, header, body, created, sent: 0, tried: None, not_before: Time::ZERO };
        self.waiting.push_back(batch);
    }

    /// When something of it may be sent to `leader`; [`Time::NEVER`] if there is nothing, or while a retry is under way.
    ///
    /// What is sent again goes alone: nothing overtakes it, and where the leader has changed it goes at once.
    pub(in super::super) fn ready_at(&self, leader: BrokerId, linger: std::time::Duration) -> Time {
        let retry_flies = self.flying.iter().any(|batch| batch.sent > 1);
        match self.waiting.front() {
            _ if retry_flies => Time::NEVER,
            Some(batch) if batch.sent > 0 && !self.flying.is_empty() => Time::NEVER,
            Some(batch) if batch.sent > 0 && batch.tried == Some(leader) => batch.not_before,
            Some(_) => Time::ZERO,
            None => self.open.as_ref().map_or(Time::NEVER, |open| open.created + linger),
        }
    }

    /// The next batch on its way to `leader`; `producer` gives an idempotent one's id and epoch. With `None` it is
    /// acks=0: the batch is not kept. To be called where [`Queue::ready_at`] allows it, linger apart.
    pub(in super::super) fn take(
        &mut self,
        leader: BrokerId,
        producer: Option<(i64, i16)>,
        keep: bool,
    ) -> Option<(Batch, bool)> {
        if self.waiting.is_empty() {
            self.close();
        }
        let mut batch = self.waiting.pop_front()?;
        if let Some((id, epoch)) = producer.filter(|_| !batch.has_sequence()) {
            batch.stamp(id, epoch, self.next_sequence);
            self.next_sequence = increment_sequence(self.next_sequence, batch.header.record_count);
        }
        let moved = batch.sent > 0 && batch.tried != Some(leader);
        batch.sent = batch.sent.saturating_add(1);
        batch.tried = Some(leader);
        if keep {
            self.flying.push_back(batch.clone());
        } else {
            self.records -= batch.len();
        }
        Some((batch, moved))
    }

    /// Whether `id` is the oldest batch in flight: what came before it was acknowledged.
    pub(in super::super) fn is_oldest(&self, id: u64) -> bool {
        self.flying.front().is_some_and(|batch| batch.id == id)
            && self.waiting.front().is_none_or(|batch| batch.id > id)
    }

    /// The batch `id` was answered: it is no longer the queue's. `None` if it had been given up.
    pub(in super::super) fn land(&mut self, id: u64) -> Option<Batch> {
        let at = self.flying.iter().position(|batch| batch.id == id)?;
        let batch = self.flying.remove(at)?;
        self.records -= batch.len();
        Some(batch)
    }

    /// The batch `id` is to be sent again, not before `not_before`. Returns false if it had been given up.
    pub(in super::super) fn put_back(&mut self, id: u64, not_before: Time) -> bool {
        let Some(mut batch) = self.land(id) else { return false };
        self.records += batch.len();
        batch.not_before = not_before;
        let at = self.waiting.partition_point(|other| other.id < id);
        self.waiting.insert(at, batch);
        true
    }

    /// Gives up what was made before `deadline`. Returns how many records, and whether their sequence numbers leave a
    /// gap that only a new producer id closes.
    pub(in super::super) fn give_up_before(&mut self, deadline: Time) -> (u64, bool) {
        if self.open.as_ref().is_some_and(|open| open.created <= deadline) {
            self.close();
        }
        let (mut records, mut gap) = (0, false);
        for list in [&mut self.flying, &mut self.waiting] {
            list.retain(|batch| {
                let kept = batch.created > deadline;
                if !kept {
                    records += batch.len();
                    gap |= batch.has_sequence();
                }
                kept
            });
        }
        self.records -= records;
        (records, gap)
    }

    /// When the oldest record that is not acknowledged was made.
    pub(in super::super) fn oldest(&self) -> Option<Time> {
        let open = self.open.as_ref().map(|open| open.created);
        let front = |list: &VecDeque<Batch>| list.front().map(|batch| batch.created);
        [front(&self.flying), front(&self.waiting), open].into_iter().flatten().min()
    }

    /// Sequence numbers begin anew, under another producer id. Nothing may be in flight.
    pub(in super::super) fn restart_sequences(&mut self) {
        self.next_sequence = 0;
        for batch in self.waiting.iter_mut().filter(|batch| batch.has_sequence()) {
            batch.stamp(-1, -1, -1);
        }
    }
}

/// The headers that the auditor knows a record by: the producer's tag, and the record's number within the partition.
pub(in super::super) fn headers(tag: &Arc<str>, number: u64) -> [Header; 2] {
    let value = |text: &str| Some(Bytes::copy_from_slice(text.as_bytes()));
    [(Bytes::from_static(b"producer"), value(tag)), (Bytes::from_static(b"n"), value(&number.to_string()))]
}
