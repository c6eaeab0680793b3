//! A storage in memory whose clone is one counted reference.
//!
//! The first append after a clone copies the list of closed segments (a pointer each) at most, and the open end of the
//! active one: fewer than 32 batches and a few short lists of pointers, never a record. See [`tree`](super::tree).

use std::sync::Arc;

use super::storage::{SegmentInfo, Storage, StorageError, StoredBatch};
use super::tree::BatchTree;

/// The storage. See the [module](self).
#[derive(Clone, Debug)]
pub struct Memory {
    shared: Arc<Shared>,
}

#[derive(Clone, Debug)]
struct Shared {
    /// Oldest first. Counted apart from the rest, as it changes far less often.
    closed: Arc<Vec<Arc<Segment>>>,
    active: Segment,
    flushed_offset: i64,
}

#[derive(Clone, Debug)]
struct Segment {
    info: SegmentInfo,
    batches: BatchTree,
}

impl Segment {
    fn new(base_offset: i64) -> Self {
        Self { info: SegmentInfo::empty(base_offset), batches: BatchTree::default() }
    }

    fn append(&mut self, batch: StoredBatch) {
        if self.info.size_bytes == 0 {
            self.info.first_timestamp_ms = batch.header.max_timestamp;
        }
        self.info.max_timestamp_ms = self.info.max_timestamp_ms.max(batch.header.max_timestamp);
        self.info.size_bytes += batch.size_bytes();
        self.info.batches += 1;
        self.batches.push(batch);
    }

    /// Takes away what reaches to `offset`, newest first: it costs what is cut, not what is kept.
    fn truncate_to(&mut self, offset: i64) {
        while self.batches.last().is_some_and(|last| last.header.last_offset() >= offset) {
            let cut = self.batches.pop().map_or(0, |batch| batch.size_bytes());
            self.info.size_bytes = self.info.size_bytes.saturating_sub(cut);
            self.info.batches = self.info.batches.saturating_sub(1);
        }
        if self.batches.last().is_none() {
            self.info = SegmentInfo::empty(self.info.base_offset);
        }
        self.info.max_timestamp_ms = self.batches.reach().max_timestamp_ms;
    }
}

impl Memory {
    /// An empty storage whose first segment begins at `base_offset`.
    pub fn new(base_offset: i64) -> Self {
        let (closed, active) = (Arc::default(), Segment::new(base_offset));
        Self { shared: Arc::new(Shared { closed, active, flushed_offset: base_offset }) }
    }

    fn change(&mut self) -> &mut Shared {
        Arc::make_mut(&mut self.shared)
    }

    fn all(&self) -> impl Iterator<Item = &Segment> {
        self.shared.closed.iter().map(Arc::as_ref).chain(std::iter::once(&self.shared.active))
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Storage for Memory {
    fn append(&mut self, batch: StoredBatch) -> Result<(), StorageError> {
        self.change().active.append(batch);
        Ok(())
    }

    fn roll(&mut self, base_offset: i64) -> Result<(), StorageError> {
        let shared = self.change();
        let full = std::mem::replace(&mut shared.active, Segment::new(base_offset));
        Arc::make_mut(&mut shared.closed).push(Arc::new(full));
        Ok(())
    }

    fn truncate_to(&mut self, offset: i64) {
        let shared = self.change();
        if shared.active.info.base_offset > offset {
            let closed = Arc::make_mut(&mut shared.closed);
            closed.truncate(closed.partition_point(|segment| segment.info.base_offset <= offset));
            shared.active = closed.pop().map_or_else(|| Segment::new(offset), Arc::unwrap_or_clone);
        }
        shared.active.truncate_to(offset);
        shared.flushed_offset = shared.flushed_offset.min(offset);
    }

    fn remove_first_segment(&mut self) {
        if !self.shared.closed.is_empty() {
            Arc::make_mut(&mut self.change().closed).remove(0);
        }
    }

    fn replace_oldest(&mut self, count: usize, segments: Vec<(i64, Vec<StoredBatch>)>) {
        let filled = segments.into_iter().map(|(base_offset, batches)| {
            let mut segment = Segment::new(base_offset);
            for batch in batches {
                segment.append(batch);
            }
            Arc::new(segment)
        });
        let closed = Arc::make_mut(&mut self.change().closed);
        let count = count.min(closed.len());
        closed.splice(..count, filled);
    }

    fn restart_at(&mut self, offset: i64) {
        *self = Self::new(offset);
    }

    fn segments(&self) -> impl Iterator<Item = SegmentInfo> + '_ {
        self.all().map(|segment| segment.info)
    }

    fn active(&self) -> SegmentInfo {
        self.shared.active.info
    }

    fn batches_from(&self, offset: i64) -> impl Iterator<Item = StoredBatch> + '_ {
        // The segment before the first one that begins later may hold the offset.
        let later = self.shared.closed.partition_point(|segment| segment.info.base_offset <= offset);
        let segments = self.all().skip(later.saturating_sub(1));
        segments.flat_map(move |segment| segment.batches.iter_from(move |reach| reach.last_offset >= offset)).cloned()
    }

    fn batch_at_time(&self, timestamp_ms: i64) -> Option<StoredBatch> {
        let segment = self.all().find(|segment| segment.info.max_timestamp_ms >= timestamp_ms)?;
        segment.batches.iter_from(|reach| reach.max_timestamp_ms >= timestamp_ms).next().cloned()
    }

    fn flushed(&mut self, up_to: i64) {
        let active = &self.shared.active;
        let end = active.batches.last().map_or(active.info.base_offset, |last| last.header.next_offset());
        let shared = self.change();
        shared.flushed_offset = shared.flushed_offset.max(up_to.min(end));
    }

    fn flushed_offset(&self) -> i64 {
        self.shared.flushed_offset
    }
}
