//! The application: it polls, works on what it gets, record by record, and commits as it was told. What it has processed it
//! writes into its books, so that loss and repetition are counted.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::{Book, Consumer, Key, Phase};
use crate::engine::client::consumer::Offsets;
use crate::engine::client::spec::Commit;
use crate::engine::context::Context;
use crate::engine::time::Time;

/// Records of one partition, in their order.
#[derive(Clone, Debug)]
struct Span {
    key: Key,
    /// The offsets of the records.
    offsets: VecDeque<i64>,
    /// The position behind the last of them.
    next: i64,
    /// The leader epoch of the last of them.
    epoch: i32,
}

/// What was fetched and not polled yet.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Buffer {
    spans: VecDeque<Span>,
}

impl Buffer {
    /// Takes in what was fetched. Without records it only moves the position: compaction may have left none.
    pub(in super::super) fn push(&mut self, key: &Key, offsets: VecDeque<i64>, next: i64, epoch: i32) {
        self.spans.push_back(Span { key: key.clone(), offsets, next, epoch });
    }

    /// Whether there is anything of a partition.
    pub(in super::super) fn has(&self, key: &Key) -> bool {
        self.spans.iter().any(|span| span.key == *key)
    }

    /// Forgets what was fetched of a partition.
    pub(in super::super) fn drop_partition(&mut self, key: &Key) {
        self.spans.retain(|span| span.key != *key);
    }

    /// Forgets what was fetched of a topic.
    pub(super) fn drop_topic(&mut self, topic: &str) {
        self.spans.retain(|span| *span.key.0 != *topic);
    }

    /// Takes out `most` records at most, and where each partition's position is then.
    fn poll(&mut self, most: usize) -> (Vec<(Key, i64)>, Offsets) {
        let (mut records, mut positions) = (Vec::new(), Offsets::new());
        while let Some(span) = self.spans.front_mut() {
            let room = most - records.len();
            let taken = span.offsets.len().min(room);
            let of = |offset: i64| (span.key.clone(), offset);
            records.extend(span.offsets.drain(..taken).map(of));
            if let Some(next) = span.offsets.front() {
                if taken > 0 {
                    positions.insert(span.key.clone(), (*next, span.epoch));
                }
                break;
            }
            positions.insert(span.key.clone(), (span.next, span.epoch));
            self.spans.pop_front();
        }
        (records, positions)
    }
}

/// Records that were polled, and are being worked on.
#[derive(Clone, Debug)]
pub(in super::super) struct Hand {
    records: Vec<(Key, i64)>,
    /// The ids of their topics.
    topics: BTreeMap<Arc<str>, Uuid>,
    /// How many are processed.
    done: usize,
    /// When work on them began; `None` while the commit before it is waited for.
    began: Option<Time>,
    /// How long one takes.
    each: Duration,
}

impl Hand {
    /// How many are not processed yet.
    pub(super) fn left(&self) -> usize {
        self.records.len() - self.done
    }

    /// Those that are not processed yet: partition, topic id, offset.
    pub(super) fn remaining(&self) -> impl Iterator<Item = (&Key, Uuid, i64)> {
        let left = self.records.get(self.done..).unwrap_or_default();
        left.iter().map(|(key, offset)| (key, self.topic_id(key), *offset))
    }

    fn topic_id(&self, (topic, _): &Key) -> Uuid {
        self.topics.get(topic).copied().unwrap_or_default()
    }

    /// A topic is not the one any more that its records are of.
    pub(super) fn forget(&mut self, topic: &str) {
        let done = self.records.iter().take(self.done).filter(|((name, _), _)| **name != *topic).count();
        self.records.retain(|((name, _), _)| **name != *topic);
        self.done = done;
    }

    /// When all of them are processed.
    pub(super) fn next(&self) -> Time {
        let count = u32::try_from(self.records.len()).unwrap_or(u32::MAX);
        self.began.map_or(Time::NEVER, |began| began + self.each.saturating_mul(count))
    }

    /// How many are processed by `now`.
    fn by(&self, now: Time) -> usize {
        let Some(began) = self.began else { return 0 };
        let spent = now.since(began).as_micros();
        match self.each.as_micros() {
            0 => self.records.len(),
            each => usize::try_from(spent / each).unwrap_or(usize::MAX).min(self.records.len()),
        }
    }
}

impl Consumer {
    /// Works on what was polled, and polls, until time has to pass or an answer has to come.
    pub(super) fn work(&mut self, ctx: &mut Context<'_>) {
        loop {
            self.send_commit(ctx);
            self.note_processed(ctx.now.lab);
            let Some(member) = &mut self.member else { return };
            if member.committing.is_waiting() {
                return;
            }
            let after = member.spec.commit == Commit::After;
            match &mut member.hand {
                Some(hand) if hand.began.is_none() => hand.began = Some(ctx.now.lab),
                Some(hand) if hand.left() > 0 => return,
                Some(_) => {
                    member.hand = None;
                    if after {
                        self.commit_and_wait(ctx);
                    }
                }
                None => {
                    self.leave_if_told(ctx);
                    self.follow_target(ctx);
                    if self.is_committing() || !self.poll(ctx) {
                        return;
                    }
                }
            }
        }
    }

    fn is_committing(&self) -> bool {
        self.member.as_ref().is_some_and(|member| member.committing.is_waiting())
    }

    /// Polls. Returns whether there is anything to work on.
    fn poll(&mut self, ctx: &mut Context<'_>) -> bool {
        self.auto_commit(ctx);
        self.ask_committed(ctx);
        let Some(member) = &mut self.member else { return false };
        member.polled = ctx.now.lab;
        let rejoins = member.rejoin.is_some() && !member.is_cooperative();
        let before = member.spec.commit == Commit::Before;
        if self.paused || rejoins || member.phase != Phase::In && (before || !member.is_cooperative()) {
            return false;
        }
        let most = usize::try_from(member.spec.max_poll_records).unwrap_or(usize::MAX).max(1);
        let (records, positions) = member.buffer.poll(most);
        let each = Duration::from_micros(member.spec.work_us.into());
        if !records.is_empty() {
            let began = (!before).then_some(ctx.now.lab);
            let topics =
                records.iter().map(|((topic, _), _)| (Arc::clone(topic), self.metadata.id_of(topic))).collect();
            member.hand = Some(Hand { records, topics, done: 0, began, each });
        }
        let polled = member.hand.is_some();
        for (key, (next, epoch)) in positions {
            if let Some(position) = self.positions.get_mut(&key) {
                (position.consumed, position.consumed_epoch) = (Some(next), epoch);
            }
        }
        if before && polled {
            self.commit_and_wait(ctx);
        }
        polled
    }

    /// What was polled and could not be committed first is not worked on: it is read again from where it began.
    pub(super) fn put_back_what_is_not_begun(&mut self) {
        let Some(member) = &mut self.member else { return };
        let Some(hand) = member.hand.take_if(|hand| hand.began.is_none()) else { return };
        for (key, offset) in hand.records.into_iter().rev() {
            member.buffer.drop_partition(&key);
            if let Some(position) = self.positions.get_mut(&key) {
                (position.offset, position.consumed) = (Some(offset), Some(offset));
                // What comes before it is not known any more.
                (position.last_epoch, position.consumed_epoch) = (-1, -1);
            }
        }
    }

    /// Writes into the books what is processed by now.
    pub(in crate::engine::client) fn note_processed(&mut self, now: Time) {
        let Some(member) = &mut self.member else { return };
        let Some(hand) = &mut member.hand else { return };
        let done = hand.by(now);
        for (key, offset) in hand.records.get(hand.done..done).unwrap_or_default() {
            let topic_id = hand.topic_id(key);
            let book = member.books.entry(key.clone()).or_insert_with(|| Book { topic_id, ..Book::default() });
            let offset = u64::try_from(*offset).unwrap_or(0);
            if !book.processed.insert(offset) {
                book.again.insert(offset);
            }
            self.read += 1;
            if let Some(position) = self.positions.get_mut(key) {
                position.read += 1;
            }
        }
        hand.done = hand.done.max(done);
    }
}
