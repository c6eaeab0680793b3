//! What became of a producer's records: its ledger held against the auditor's readings. Pure functions.

use std::sync::Arc;

use super::consumer::{Audit, PartitionAudit, Read};
use super::numbers::{Numbers, Run};
use super::producer::{Acked, Producer};

/// What reading back says of a producer's acknowledged records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Read back.
    pub readable: u64,
    /// Passed by the auditor and not found.
    pub lost: u64,
    /// Found more than once, whether acknowledged or not.
    pub duplicated: u64,
    /// Acknowledged, and not yet passed by the auditor, or passed over since retention took them first.
    pub unread: u64,
}

/// The score of `producer` by the readings of an auditor.
pub fn scoreboard(producer: &Producer, audit: &Audit) -> Score {
    let mut score = Score::default();
    for (partition, acked) in producer.ledger().acked() {
        let Some(seen) = audit.partition(&producer.spec().topic, partition) else {
            score.unread += acked.placed.len() + acked.unplaced.len();
            continue;
        };
        let nothing = Read::default();
        let read = seen.read.get(producer.tag()).map_or(&nothing, Arc::as_ref);
        let total = acked.placed.len() + acked.unplaced.len();
        let missing: u64 = missing(acked, read).map(|(first, last, _)| last - first + 1).sum();
        let lost = lost_intervals(acked, seen, read).iter().map(|(first, last)| last - first + 1).sum::<u64>();
        score.readable += total - missing;
        score.lost += lost;
        score.unread += missing - lost;
        score.duplicated += read.duplicates;
    }
    score
}

/// The numbers of a partition that `producer` had acknowledged and that reading back proved to be gone: first to last
/// number of each interval, both included.
pub fn lost(producer: &Producer, audit: &Audit, partition: i32) -> Vec<(u64, u64)> {
    let acked = producer.ledger().acked().find(|(p, _)| *p == partition).map(|(_, acked)| acked);
    let seen = audit.partition(&producer.spec().topic, partition);
    let (Some(acked), Some(seen)) = (acked, seen) else { return Vec::new() };
    let nothing = Read::default();
    let read = seen.read.get(producer.tag()).map_or(&nothing, Arc::as_ref);
    lost_intervals(acked, seen, read)
}

/// Acknowledged intervals that were not read, with the run that they are from if their offsets are known.
fn missing<'a>(acked: &'a Acked, read: &'a Read) -> impl Iterator<Item = (u64, u64, Option<Run>)> + 'a {
    let placed = acked.placed.runs().iter().map(|run| (run.first, run.last, Some(*run)));
    let unplaced = acked.unplaced.intervals().map(|(first, last)| (first, last, None));
    placed.chain(unplaced).flat_map(|(first, last, run)| {
        read.numbers.missing(first, last).into_iter().map(move |(first, last)| (first, last, run))
    })
}

fn lost_intervals(acked: &Acked, seen: &PartitionAudit, read: &Read) -> Vec<(u64, u64)> {
    let mut lost = Numbers::default();
    let newest = read.numbers.last();
    for (first, last, run) in missing(acked, read) {
        match run {
            Some(run) => {
                for number in first..=last {
                    // Behind the position only what was cut from the log is known to be lost.
                    let passed = seen.has_passed(run.offset_of(number));
                    if passed || read.is_gone(number) {
                        lost.insert(number);
                    } else if run.offset_of(number) >= seen.position() && !read.has_gone() {
                        break;
                    }
                }
            }
            // Without an offset the order tells: what was sent later and is there has overtaken it for good.
            None => {
                if let Some(newest) = newest.filter(|newest| *newest > first) {
                    lost.insert_range(first, last.min(newest));
                }
            }
        }
    }
    lost.intervals().collect()
}

/// The `n`th number of intervals, from 0.
pub(super) fn nth(intervals: &[(u64, u64)], mut n: u64) -> Option<u64> {
    for (first, last) in intervals {
        let count = last - first + 1;
        if n < count {
            return Some(first + n);
        }
        n -= count;
    }
    None
}
