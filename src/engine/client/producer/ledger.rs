//! What a producer knows of its records: how many, and which of them the brokers acknowledged at which offset. The
//! auditor's readings are held against it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::numbers::{Numbers, Placed};
use crate::engine::time::Time;
use crate::protocol::ErrorCode;

/// How many parts a second is counted in.
const PARTS: usize = 4;
/// Such a part, in microseconds.
const PART_US: u64 = 250_000;

/// What was acknowledged in one partition.
#[derive(Clone, Debug, Default)]
pub struct Acked {
    /// Numbers with the offsets that the brokers gave them.
    pub placed: Placed,
    /// Numbers whose offset the producer does not know: acks=0, or a duplicate that the broker only knew as one.
    pub unplaced: Numbers,
}

/// Events per second in the last second: the whole quarters of it.
#[derive(Clone, Copy, Debug, Default)]
struct PerSecond {
    parts: [u64; PARTS],
    current: u64,
    part: u64,
}

impl PerSecond {
    fn advance(&mut self, now: Time) {
        let part = now.0 / PART_US;
        for _ in 0..part.saturating_sub(self.part).min(PARTS as u64 + 1) {
            self.parts.rotate_left(1);
            if let Some(last) = self.parts.last_mut() {
                *last = std::mem::take(&mut self.current);
            }
        }
        self.part = part;
    }

    fn add(&mut self, count: u64, now: Time) {
        self.advance(now);
        self.current += count;
    }

    fn sum(mut self, now: Time) -> u64 {
        self.advance(now);
        self.parts.iter().sum()
    }
}

/// The counts of a producer: records, since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Made.
    pub made: u64,
    /// Sent for the first time.
    pub sent: u64,
    /// Acknowledged; with acks=0: sent.
    pub acked: u64,
    /// Given up.
    pub failed: u64,
    /// Not made since the buffer was full.
    pub stalled: u64,
    /// Batches that were sent again.
    pub retries: u64,
}

/// See the [module](self). Cheap to clone: the sets are shared until they change.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    pub(in super::super) counts: Counts,
    pub(in super::super) last_error: Option<(ErrorCode, Time)>,
    acked: BTreeMap<i32, Arc<Acked>>,
    rates: BTreeMap<i32, PerSecond>,
}

impl Ledger {
    /// Records `first` to `last` of a partition were acknowledged, the first at `offset`; `None` where that is unknown.
    pub(in super::super) fn acknowledge(
        &mut self,
        partition: i32,
        (first, last): (u64, u64),
        offset: Option<i64>,
        now: Time,
    ) {
        let acked = Arc::make_mut(self.acked.entry(partition).or_default());
        match offset {
            Some(offset) => acked.placed.push(first, last, offset),
            None => acked.unplaced.insert_range(first, last),
        }
        let count = last - first + 1;
        self.counts.acked += count;
        self.rates.entry(partition).or_default().add(count, now);
    }

    /// The topic is another one of the same name: what was acknowledged went with the old one.
    pub(in super::super) fn forget(&mut self) {
        self.acked.clear();
    }

    /// What was acknowledged, by partition.
    pub fn acked(&self) -> impl Iterator<Item = (i32, &Acked)> {
        self.acked.iter().map(|(partition, acked)| (*partition, acked.as_ref()))
    }

    /// Records acknowledged in the last second, by partition.
    pub(in super::super) fn per_partition(&self, now: Time) -> BTreeMap<i32, u64> {
        self.rates.iter().map(|(partition, rate)| (*partition, rate.sum(now))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_that_of_the_last_whole_quarters() {
        let mut rate = PerSecond::default();
        for ms in (0..1_000).step_by(10) {
            rate.add(1, Time::from_millis(ms));
        }
        assert_eq!(rate.sum(Time::from_millis(1_000)), 100);
        assert_eq!(rate.sum(Time::from_millis(1_300)), 75);
        assert_eq!(rate.sum(Time::from_millis(5_000)), 0);
    }
}
