//! The log against a plain list of records: append, truncate, roll, read, duplicates, in any order.

#![expect(
    clippy::cast_possible_wrap,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test's small numbers"
)]

use proptest::prelude::*;

use super::*;
use crate::protocol::records::{BatchBuilder, BatchReader, Compression, ProducedBatch, records_of, validate};
use crate::protocol::{ErrorCode, Records};

mod model;

fn batch(values: &[u32], timestamp: i64, producer: Option<(i64, i16, i32)>) -> ProducedBatch {
    let mut builder = BatchBuilder::new(Compression::None);
    if let Some((id, epoch, sequence)) = producer {
        builder = builder.producer(id, epoch, sequence);
    }
    for value in values {
        builder.push(timestamp, None, Some(&value.to_be_bytes()), &[]);
    }
    validate(&builder.build()).unwrap()
}

fn config() -> LogConfig {
    LogConfig { segment_bytes: 500, ..LogConfig::default() }
}

fn values(records: &Records) -> Vec<(i64, u32)> {
    BatchReader::new(records)
        .map(Result::unwrap)
        .flat_map(|(header, body)| records_of(&header, &body).unwrap())
        .map(|record| (record.offset, u32::from_be_bytes(record.value.unwrap()[..].try_into().unwrap())))
        .collect()
}

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<u32>),
    Truncate(u8),
    Roll,
    Evict,
    Clone,
    Flush,
    Flushed,
    LosePower,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => proptest::collection::vec(any::<u32>(), 1..6).prop_map(Step::Append),
        1 => any::<u8>().prop_map(Step::Truncate),
        1 => Just(Step::Roll),
        1 => Just(Step::Evict),
        1 => Just(Step::Clone),
        2 => Just(Step::Flush),
        2 => Just(Step::Flushed),
        1 => Just(Step::LosePower),
    ]
}

/// A log and the batches that it must hold.
struct Pair {
    log: Log,
    model: Vec<(i64, Vec<u32>)>,
    epoch: i32,
    /// What is on the disk, and how far a flush reaches that is under way.
    flushed: i64,
    under_way: Option<i64>,
}

impl Pair {
    fn apply(&mut self, step: Step) {
        match step {
            Step::Append(values) => {
                let base = self.log.log_end_offset();
                let done =
                    self.log.append_as_leader(&batch(&values, base, None), self.epoch, 0, &mut InMemory).unwrap();
                assert_eq!((done.base_offset, done.last_offset), (base, base + values.len() as i64 - 1));
                self.model.push((base, values));
            }
            Step::Truncate(back) => {
                let to = (self.log.log_end_offset() - i64::from(back % 20)).max(self.log.log_start_offset());
                self.log.truncate_to(to, &mut InMemory).unwrap();
                self.cut();
                self.model.retain(|(base, values)| base + values.len() as i64 <= to);
                self.epoch += 1;
            }
            Step::Roll => self.log.roll(&mut InMemory).unwrap(),
            Step::Evict => {
                let start = self.log.oldest_segment_end();
                self.log.evict_to(start, &mut InMemory).unwrap();
                assert_eq!(self.log.log_start_offset(), start);
                self.model.retain(|(base, _)| *base >= start);
            }
            Step::Flush => {
                self.log.want_flush();
                let end = self.log.log_end_offset();
                let wanted = (self.under_way.is_none() && end > self.flushed).then_some(end);
                assert_eq!(self.log.begin_flush(), wanted);
                self.under_way = self.under_way.or(wanted);
            }
            Step::Flushed => {
                self.log.flushed();
                self.flushed = self.flushed.max(self.under_way.take().unwrap_or(0));
            }
            Step::LosePower => {
                self.log.process_ended();
                self.under_way = None;
                let keeps = self.flushed.max(self.log.log_start_offset());
                let loses = keeps < self.log.log_end_offset();
                assert_eq!(self.log.lose_unflushed(&mut InMemory).unwrap(), loses);
                if loses && self.flushed < keeps {
                    // Nothing is left: it begins anew, and an empty log is on the disk.
                    self.flushed = keeps;
                }
                self.model.retain(|(base, values)| base + values.len() as i64 <= keeps);
                self.epoch += 1;
            }
            Step::Clone => {
                let mut other = self.log.clone();
                other.append_as_leader(&batch(&[1], 0, None), self.epoch, 0, &mut InMemory).unwrap();
                other.truncate_to(other.log_start_offset(), &mut InMemory).unwrap();
            }
        }
        self.check();
    }

    /// What was cut is not on the disk, nor will it be.
    fn cut(&mut self) {
        let end = self.log.log_end_offset();
        self.flushed = self.flushed.min(end);
        self.under_way = self.under_way.map(|up_to| up_to.min(end));
    }

    fn check(&self) {
        assert_eq!(self.log.flushed_offset(), self.flushed);
        let end = self.model.last().map_or(self.log.log_start_offset(), |(base, v)| base + v.len() as i64);
        assert_eq!(self.log.log_end_offset(), end);
        let wanted: Vec<(i64, u32)> =
            self.model.iter().flat_map(|(base, values)| (*base..).zip(values.iter().copied())).collect();
        for (from, _) in &wanted {
            let read = self.log.read(*from, usize::MAX, end, true).unwrap();
            let got = values(&read.records);
            let first = self.model.iter().rev().find(|(base, _)| base <= from).unwrap().0;
            assert_eq!(got, wanted.iter().copied().filter(|(o, _)| *o >= first).collect::<Vec<_>>(), "from {from}");
            assert_eq!(read.next_offset, end);
        }
        assert_eq!(self.log.resident().batches, self.model.len() as u64);
        assert!(self.log.read(end + 1, 1, end, true).is_err());
        assert!(self.log.read(self.log.log_start_offset() - 1, 1, end, true).is_err());
    }
}

proptest! {
    #[test]
    fn it_holds_what_a_list_would(steps in proptest::collection::vec(step(), 1..40)) {
        let mut pair = Pair { log: Log::new(config()), model: Vec::new(), epoch: 1, flushed: 0, under_way: None };
        for step in steps {
            pair.apply(step);
        }
    }

    #[test]
    fn a_follower_that_copies_is_the_same(batches in proptest::collection::vec((1..5_usize, 0..3_i32), 1..20)) {
        let (mut leader, mut follower) = (Log::new(config()), Log::new(config()));
        let mut epoch = 1;
        for (size, raise) in batches {
            epoch += raise;
            leader.append_as_leader(&batch(&vec![7; size], 5, Some((9, 0, leader.log_end_offset() as i32))), epoch, 0, &mut InMemory).unwrap();
            let news = leader.read(follower.log_end_offset(), 400, leader.log_end_offset(), true).unwrap();
            follower.append_as_follower(&news.records, &mut InMemory).unwrap();
        }
        prop_assert_eq!(follower.log_end_offset(), leader.log_end_offset());
        prop_assert_eq!(follower.epochs(), leader.epochs());
        prop_assert_eq!(follower.producers(), leader.producers());
        prop_assert!(follower.batches_from(0).eq(leader.batches_from(0)));
    }
}

#[test]
fn a_duplicate_is_answered_and_not_written() {
    let mut log = Log::new(config());
    let first = log.append_as_leader(&batch(&[1, 2], 0, Some((7, 0, 0))), 1, 0, &mut InMemory).unwrap();
    log.append_as_leader(&batch(&[3], 0, Some((7, 0, 2))), 1, 0, &mut InMemory).unwrap();
    assert_eq!(log.append_as_leader(&batch(&[1, 2], 0, Some((7, 0, 0))), 1, 0, &mut InMemory).unwrap(), first);
    assert_eq!(log.log_end_offset(), 3);
    let gap = log.append_as_leader(&batch(&[5], 0, Some((7, 0, 4))), 1, 0, &mut InMemory).unwrap_err();
    assert_eq!(gap.code(), ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER);
    log.append_as_leader(&batch(&[9], 0, Some((7, 1, 0))), 1, 0, &mut InMemory).unwrap();
    let old = log.append_as_leader(&batch(&[4], 0, Some((7, 0, 3))), 1, 0, &mut InMemory).unwrap_err();
    assert_eq!(old.code(), ErrorCode::INVALID_PRODUCER_EPOCH);
    log.append_as_leader(&batch(&[1], 0, Some((8, 3, 77))), 1, 0, &mut InMemory)
        .expect("an unknown producer begins anywhere");
}

#[test]
fn sequences_go_round() {
    let mut log = Log::new(config());
    log.append_as_leader(&batch(&[1, 2], 0, Some((7, 0, i32::MAX))), 1, 0, &mut InMemory).unwrap();
    log.append_as_leader(&batch(&[3], 0, Some((7, 0, 1))), 1, 0, &mut InMemory).expect("0 was the second record's");
}

#[test]
fn a_batch_larger_than_allowed_is_refused() {
    let mut log = Log::new(LogConfig { max_message_bytes: 100, ..config() });
    let error = log.append_as_leader(&batch(&[0; 20], 0, None), 1, 0, &mut InMemory).unwrap_err();
    assert_eq!(error.code(), ErrorCode::MESSAGE_TOO_LARGE);
}

#[test]
fn offsets_are_found_by_time_inside_batches_too() {
    let mut log = Log::new(config());
    let mut builder = BatchBuilder::new(Compression::Gzip);
    for timestamp in [10, 20, 30] {
        builder.push(timestamp, None, Some(b"x"), &[]);
    }
    log.append_as_leader(&validate(&builder.build()).unwrap(), 1, 0, &mut InMemory).unwrap();
    log.append_as_leader(&batch(&[1], 25, None), 1, 0, &mut InMemory).unwrap();
    assert_eq!(log.offset_for_time(15, &mut InMemory).unwrap(), Some((1, 20)));
    assert_eq!(log.offset_for_time(31, &mut InMemory).unwrap(), None);
    assert_eq!(log.offset_of_max_timestamp(&mut InMemory).unwrap(), Some((2, 30)));
}

#[test]
fn the_brokers_date_replaces_the_producers_where_the_topic_says_so() {
    let mut log = Log::new(LogConfig { log_append_time: true, ..config() });
    let done = log.append_as_leader(&batch(&[1], 5, None), 1, 777, &mut InMemory).unwrap();
    assert_eq!(done.log_append_time_ms, 777);
    let read = log.read(0, 1_000, 1, true).unwrap().records;
    assert_eq!(validate(&read).unwrap().header.max_timestamp, 777, "and the checksum is right");
}
