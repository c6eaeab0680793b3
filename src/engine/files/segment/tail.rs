//! Where a segment's files end, and what a batch behind that adds to its indexes.

use crate::engine::files::index::{Entry as _, OffsetEntry, TimeEntry};
use crate::engine::log::SegmentInfo;
use crate::protocol::records::BatchHeader;

/// Where a segment's files end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tail {
    /// What is known of it without reading it.
    pub(crate) info: SegmentInfo,
    /// How many entries the offset index has.
    pub(crate) index_entries: u64,
    /// How many entries the time index has.
    pub(crate) time_entries: u64,
    /// Where the batch of the last entry of the offset index begins; 0 where there is none.
    pub(crate) indexed_at: u64,
    /// The last offset of the batch with the largest timestamp, minus the base offset.
    pub(crate) newest: i32,
    /// The timestamp of the last entry of the time index; -1 where there is none.
    pub(crate) timed: i64,
}

/// Entries that are to be written to the indexes.
#[derive(Debug, Default)]
pub(crate) struct News {
    pub(crate) index: Vec<u8>,
    pub(crate) time_index: Vec<u8>,
}

impl Tail {
    /// That of an empty segment.
    pub(crate) fn empty(base_offset: i64) -> Self {
        let info = SegmentInfo::empty(base_offset);
        Self { info, index_entries: 0, time_entries: 0, indexed_at: 0, newest: 0, timed: -1 }
    }

    /// Takes up a batch behind it. `None` where the indexes cannot say where it is: 31 bits for offsets and positions.
    pub(crate) fn push(&mut self, batch: &BatchHeader, interval: u64, news: &mut News) -> Option<()> {
        let relative_offset = i32::try_from(batch.last_offset().checked_sub(self.info.base_offset)?).ok()?;
        let at = self.info.size_bytes;
        let position = i32::try_from(at).ok()?;
        if at == 0 {
            self.info.first_timestamp_ms = batch.max_timestamp;
        }
        self.see_time(batch);
        if at - self.indexed_at > interval {
            news.index.extend(OffsetEntry { relative_offset, position }.encode());
            self.index_entries += 1;
            self.indexed_at = at;
            self.push_time(news);
        }
        self.info.size_bytes += batch.size_bytes() as u64;
        self.info.batches = self.info.batches.map(|count| count + 1);
        Some(())
    }

    /// A batch that is in it may have the largest timestamp.
    pub(crate) fn see_time(&mut self, batch: &BatchHeader) {
        let relative_offset = i32::try_from(batch.last_offset().saturating_sub(self.info.base_offset));
        if let Some(relative_offset) = relative_offset.ok().filter(|_| batch.max_timestamp > self.info.max_timestamp_ms)
        {
            (self.info.max_timestamp_ms, self.newest) = (batch.max_timestamp, relative_offset);
        }
    }

    /// The largest timestamp gets an entry, unless it has one: from time to time, and when the segment is closed.
    pub(crate) fn push_time(&mut self, news: &mut News) {
        if self.info.max_timestamp_ms > self.timed {
            self.timed = self.info.max_timestamp_ms;
            self.time_entries += 1;
            news.time_index.extend(TimeEntry { timestamp: self.timed, relative_offset: self.newest }.encode());
        }
    }
}
