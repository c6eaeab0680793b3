//! Retention: whole segments go from a log's front when they are too old or too many. Source:
//! `UnifiedLog.deleteOldSegments`.
//!
//! - None goes that reaches to the high watermark or beyond, so the log start never passes it.
//! - An active segment that is too old is closed first: a log that nobody writes to becomes empty in the end.
//! - By size only what leaves at least `retention.bytes` goes: the limit is a minimum.
//! - A log whose `cleanup.policy` does not say `delete` keeps its segments; what lies below its log start goes all the same
//!   ([`Log::advance_log_start`]).
//!
//! A segment is as old as its newest record, by the records' own timestamps. Where those say nothing, or are of another
//! clock than the lab's, its age counts from the arrival of its newest batch ([`Log::arrived`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Log;
use super::storage::{SegmentInfo, Storage, StorageError};

/// Why retention took a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RetentionReason {
    /// Its newest record is older than `retention.ms`.
    Time,
    /// Without it there are still `retention.bytes`.
    Size,
}

/// What retention took from a log for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retained {
    /// Why.
    pub reason: RetentionReason,
    /// Where the log begins now.
    pub log_start_offset: i64,
    /// How many segments went, at least one.
    pub segments: usize,
    /// How many bytes went.
    pub bytes: u64,
}

/// The segments, by base offset, whose age counts from an arrival: the lab's date of that, ms since 1970. A clone shares
/// them.
#[derive(Clone, Debug, Default)]
pub(super) struct Arrivals {
    by_base: Arc<BTreeMap<i64, i64>>,
}

impl Arrivals {
    fn of(&self, base_offset: i64) -> Option<i64> {
        self.by_base.get(&base_offset).copied()
    }

    fn note(&mut self, base_offset: i64, date_ms: i64) {
        Arc::make_mut(&mut self.by_base).insert(base_offset, date_ms);
    }

    /// The log's first segment is now the one at `base_offset`.
    pub(super) fn first_segment_is(&mut self, base_offset: i64) {
        if self.by_base.first_key_value().is_some_and(|(first, _)| *first < base_offset) {
            let kept = Arc::make_mut(&mut self.by_base).split_off(&base_offset);
            self.by_base = Arc::new(kept);
        }
    }

    /// The segments of `from..to` became one, named by `from`: its age is that of the youngest.
    pub(super) fn merge(&mut self, from: i64, to: i64) {
        let Some(newest) = self.by_base.range(from..to).map(|(_, date)| *date).max() else { return };
        let by_base = Arc::make_mut(&mut self.by_base);
        by_base.retain(|base, _| !(from..to).contains(base));
        by_base.insert(from, newest);
    }
}

impl Log {
    /// Something was appended at `date_ms`. Where its timestamps are not `trusted`, or there are none, the segment's age
    /// counts from its arrivals, this and later ones.
    pub fn arrived(&mut self, date_ms: i64, trusted: bool) {
        let active = self.memory.active();
        if !trusted || active.max_timestamp_ms < 0 || self.arrivals.of(active.base_offset).is_some() {
            self.arrivals.note(active.base_offset, date_ms);
        }
    }

    /// The date that a segment's age counts from, ms since 1970; `None` where nothing is known.
    pub fn newest_ms(&self, segment: &SegmentInfo) -> Option<i64> {
        let written = Some(segment.max_timestamp_ms).filter(|date| *date >= 0);
        self.arrivals.of(segment.base_offset).or(written)
    }

    /// Whether [`Log::delete_old_segments`] would drop anything.
    pub fn is_retention_due(&self, high_watermark: i64, date_ms: i64) -> bool {
        let oldest_ends = self.oldest_segment_end();
        self.config.delete
            && oldest_ends > self.start_offset
            && oldest_ends <= high_watermark
            && (self.spare_segments() > 0 || self.old_segments(date_ms) > 0)
    }

    /// Drops the segments that are beyond `retention.bytes` or `retention.ms` at `date_ms`, and moves the log start. Says
    /// what went, for each of the two reasons.
    ///
    /// # Errors
    /// [`StorageError`]; segments below the log start may then still be on the disk.
    pub fn delete_old_segments(
        &mut self,
        high_watermark: i64,
        date_ms: i64,
        disk: &mut dyn Storage,
    ) -> Result<Vec<Retained>, StorageError> {
        if !self.config.delete {
            return Ok(Vec::new());
        }
        let by_size = self.drop_while(RetentionReason::Size, high_watermark, self.spare_segments(), disk)?;
        let by_time = self.drop_while(RetentionReason::Time, high_watermark, self.old_segments(date_ms), disk)?;
        Ok(by_size.into_iter().chain(by_time).collect())
    }

    /// How many of the oldest segments can go while `retention.bytes` are left.
    fn spare_segments(&self) -> usize {
        let keep = u64::try_from(self.config.retention_bytes).ok();
        let Some(spare) = keep.and_then(|keep| self.size_bytes().checked_sub(keep)) else { return 0 };
        let mut going = 0;
        let fits = |segment: &SegmentInfo| {
            going += segment.size_bytes;
            going <= spare
        };
        self.memory.segments().take_while(fits).count()
    }

    /// How many of the oldest segments are older than `retention.ms`.
    fn old_segments(&self, date_ms: i64) -> usize {
        if self.config.retention_ms < 0 {
            return 0;
        }
        let is_old = |segment: &SegmentInfo| {
            let newest = self.newest_ms(segment);
            newest.map_or(segment.size_bytes == 0, |newest| date_ms.saturating_sub(newest) > self.config.retention_ms)
        };
        self.memory.segments().take_while(is_old).count()
    }

    /// Drops the `count` oldest segments, as far as they lie below the high watermark.
    fn drop_while(
        &mut self,
        reason: RetentionReason,
        high_watermark: i64,
        count: usize,
        disk: &mut dyn Storage,
    ) -> Result<Option<Retained>, StorageError> {
        let ends = self.memory.segments().skip(1).map(|next| next.base_offset).chain(std::iter::once(self.end_offset));
        let below = self.memory.segments().zip(ends).take(count).take_while(|(_, end)| *end <= high_watermark);
        let (segments, bytes, end) = below.fold((0, 0, None), |(segments, bytes, _), (segment, end)| {
            (segments + 1, bytes + segment.size_bytes, Some(end))
        });
        let before = self.start_offset;
        if let Some(end) = end {
            self.evict_to(end, disk)?;
        }
        let log_start_offset = self.start_offset;
        Ok((log_start_offset > before).then_some(Retained { reason, log_start_offset, segments, bytes }))
    }
}
