//! What of a log is to be cleaned, and how what came of it is taken up.

use std::collections::BTreeMap;

use super::{Cleaned, Left, clean};
use crate::engine::log::storage::{SegmentInfo, Storage, StorageError};
use crate::engine::log::{Log, Memory};
use crate::protocol::records::{BatchError, BatchHeader};

/// How much of a log could be cleaned. Kafka's `LogToClean`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cleanable {
    /// What lies below was cleaned before.
    pub first_dirty_offset: i64,
    /// Where the first segment begins that may not be cleaned.
    pub first_uncleanable_offset: i64,
    /// The bytes below the dirty part.
    pub clean_bytes: u64,
    /// The bytes of the dirty part that may be cleaned.
    pub dirty_bytes: u64,
    /// Whether the dirty part has waited for `max.compaction.lag.ms`.
    pub overdue: bool,
}

impl Cleanable {
    /// The dirty bytes for each million of all that may be cleaned: the dirtiest log is cleaned first.
    pub fn dirty_ppm(&self) -> u64 {
        let all = u128::from(self.clean_bytes + self.dirty_bytes).max(1);
        u64::try_from(u128::from(self.dirty_bytes) * 1_000_000 / all).unwrap_or(1_000_000)
    }
}

/// What is to be cleaned, and by which rules: all that [`clean`] needs beside the batches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CleanPlan {
    /// The dirty part begins here.
    pub first_dirty_offset: i64,
    /// It ends here: where the first segment begins that may not be cleaned.
    pub upper_bound: i64,
    /// The segments below, oldest first: all of them are gone through.
    pub segments: Vec<SegmentInfo>,
    /// The lab's date, ms since 1970: tombstones are kept by it.
    pub date_ms: i64,
    /// For how long tombstones are kept.
    pub delete_retention_ms: i64,
    /// How large a segment may become.
    pub segment_bytes: u64,
    /// How many keys may be noted.
    pub max_keys: usize,
    /// The last offset of each producer that may go on writing.
    pub producers: BTreeMap<i64, i64>,
    /// How often the log had been cut when this was planned.
    cuts: u64,
}

/// Segments that become one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) base_offset: i64,
    /// Where the segment after the last of them begins.
    pub(super) end: i64,
    pub(super) replaces: Vec<i64>,
    bytes: u64,
}

impl CleanPlan {
    /// Whether a batch holds the last record of its producer.
    pub(super) fn is_last_of_producer(&self, header: &BatchHeader) -> bool {
        header.has_producer_id() && self.producers.get(&header.producer_id) == Some(&header.last_offset())
    }

    /// The segments up to `end`, as they become one each: never larger than a segment may be, nor too long for Kafka's
    /// indexes. Source: `Cleaner.groupSegmentsBySize`.
    pub(super) fn groups(&self, end: i64) -> Vec<Group> {
        let ends = self.segments.iter().skip(1).map(|next| next.base_offset).chain(std::iter::once(self.upper_bound));
        let mut groups: Vec<Group> = Vec::new();
        for (segment, end) in self.segments.iter().zip(ends).take_while(|(segment, _)| segment.base_offset < end) {
            let fits = |group: &&mut Group| {
                group.bytes + segment.size_bytes <= self.segment_bytes && end - group.base_offset <= i64::from(i32::MAX)
            };
            if let Some(group) = groups.last_mut().filter(fits) {
                group.bytes += segment.size_bytes;
                group.end = end;
                group.replaces.push(segment.base_offset);
            } else {
                let (base_offset, bytes) = (segment.base_offset, segment.size_bytes);
                groups.push(Group { base_offset, end, replaces: vec![base_offset], bytes });
            }
        }
        groups
    }
}

/// A cleaning of a log in memory: the plan, and the log's batches as they were then (shared, not copied).
#[derive(Clone, Debug)]
pub struct CleanJob {
    plan: CleanPlan,
    batches: Memory,
}

impl CleanJob {
    /// What is to be done.
    pub fn plan(&self) -> &CleanPlan {
        &self.plan
    }

    /// Does it. It may take long, and may be done on any thread.
    ///
    /// # Errors
    /// See [`clean`].
    pub fn run(&self) -> Result<Cleaned, BatchError> {
        clean(
            &self.plan,
            |offset| self.batches.batches_from(offset),
            |_, left| Ok(Left::InMemory(left.collect::<Result<_, _>>()?)),
        )
    }
}

/// How far a log was cleaned.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cleaner {
    /// What lies below was cleaned (`cleaner-offset-checkpoint`).
    clean_to: Option<i64>,
    /// How often the log was cut: what was planned before that is void.
    cuts: u64,
    /// A batch could not be read: the log is left alone from then on.
    failed: bool,
}

impl Cleaner {
    /// Of a log that was cleaned up to there.
    pub(in crate::engine::log) fn clean_to(clean_to: Option<i64>) -> Self {
        Self { clean_to, ..Self::default() }
    }

    /// The log was cut back to `end`.
    pub(in crate::engine::log) fn cut(&mut self, end: i64) {
        self.cuts += 1;
        self.clean_to = self.clean_to.map(|offset| offset.min(end));
    }
}

impl Log {
    /// Up to where it was cleaned, if it ever was.
    pub fn clean_to(&self) -> Option<i64> {
        self.cleaner.clean_to
    }

    /// How much of it could be cleaned at `date_ms`; `None` where it is not compacted or its batches cannot be read. Source:
    /// `LogCleanerManager.cleanableOffsets`, `LogToClean`.
    pub fn cleanable(&self, high_watermark: i64, date_ms: i64) -> Option<Cleanable> {
        if !self.config.compact || self.cleaner.failed {
            return None;
        }
        // A checkpoint below the log start or beyond the log end says nothing.
        let known = self.cleaner.clean_to.filter(|offset| (self.start_offset..=self.end_offset).contains(offset));
        let first_dirty_offset = known.unwrap_or(self.start_offset);
        let mut cleanable = Cleanable {
            first_dirty_offset,
            first_uncleanable_offset: first_dirty_offset,
            clean_bytes: 0,
            dirty_bytes: 0,
            overdue: false,
        };
        let next = self.memory.segments().skip(1);
        for (segment, next) in self.memory.segments().zip(next) {
            if next.base_offset <= first_dirty_offset {
                cleanable.clean_bytes += segment.size_bytes;
            } else if next.base_offset <= high_watermark && !self.is_too_young(&segment, date_ms) {
                cleanable.dirty_bytes += segment.size_bytes;
                cleanable.overdue |= self.is_overdue(&segment, date_ms);
                cleanable.first_uncleanable_offset = next.base_offset;
            } else {
                break;
            }
        }
        Some(cleanable)
    }

    fn is_too_young(&self, segment: &SegmentInfo, date_ms: i64) -> bool {
        let lag = self.config.min_compaction_lag_ms;
        lag > 0 && self.newest_ms(segment).is_some_and(|newest| newest > date_ms.saturating_sub(lag))
    }

    fn is_overdue(&self, segment: &SegmentInfo, date_ms: i64) -> bool {
        let first = segment.first_timestamp_ms;
        first > 0 && first < date_ms.saturating_sub(self.config.max_compaction_lag_ms)
    }

    /// Whether so much of it is new that it is to be cleaned.
    pub fn is_filthy(&self, cleanable: &Cleanable) -> bool {
        let Cleanable { clean_bytes, dirty_bytes, overdue, .. } = *cleanable;
        let enough = self.config.min_cleanable_ratio.is_exceeded_by(dirty_bytes, clean_bytes + dirty_bytes);
        enough || (overdue && dirty_bytes > 0)
    }

    /// What is to be done to clean it, with the batches as they are now. `max_keys` bounds the memory that it takes.
    pub fn plan_cleaning(&self, cleanable: &Cleanable, date_ms: i64, max_keys: usize) -> CleanJob {
        let upper_bound = cleanable.first_uncleanable_offset;
        let segments = self.memory.segments().take_while(|segment| segment.base_offset < upper_bound).collect();
        let plan = CleanPlan {
            first_dirty_offset: cleanable.first_dirty_offset,
            upper_bound,
            segments,
            date_ms,
            delete_retention_ms: self.config.delete_retention_ms,
            segment_bytes: self.config.segment_bytes.min(self.config.memory_segment_bytes),
            max_keys,
            producers: self.producers.now().last_offsets().collect(),
            cuts: self.cleaner.cuts,
        };
        CleanJob { plan, batches: self.memory.clone() }
    }

    /// Whether the log still has what was to be cleaned: it was not cut, and lost nothing from its front.
    pub fn is_as_planned(&self, plan: &CleanPlan) -> bool {
        let segments = self.memory.segments().take(plan.segments.len());
        plan.cuts == self.cleaner.cuts && segments.eq(plan.segments.iter().copied())
    }

    /// Swaps in what came of a cleaning. Returns whether it did: not where the log was cut, or lost segments from its
    /// front, since it was planned; then it is cleaned another time.
    ///
    /// # Errors
    /// [`StorageError`] where the disk does not let them be swapped.
    pub fn take_up_cleaned(
        &mut self,
        plan: &CleanPlan,
        cleaned: &Cleaned,
        disk: &mut dyn Storage,
    ) -> Result<bool, StorageError> {
        let replaced: usize = cleaned.segments.iter().map(|segment| segment.replaces.len()).sum();
        if !self.is_as_planned(plan) || !disk.replace_oldest(replaced, self.config.delete_delay())? {
            return Ok(false);
        }
        let end = plan.segments.get(replaced).map_or(plan.upper_bound, |next| next.base_offset);
        let ends = cleaned.segments.iter().skip(1).map(|next| next.base_offset).chain(std::iter::once(end));
        for (segment, end) in cleaned.segments.iter().zip(ends) {
            self.arrivals.merge(segment.base_offset, end);
        }
        self.memory.replace_oldest(replaced, &cleaned.segments, end);
        // Cleaned segments are flushed before they are swapped in.
        self.memory.flushed(end);
        self.cleaner.clean_to = Some(cleaned.clean_to);
        Ok(true)
    }

    /// A batch could not be read: the log is not cleaned any more (Kafka's uncleanable partitions).
    pub fn cleaning_failed(&mut self) {
        self.cleaner.failed = true;
    }
}
