//! What a log knows of its segments, and those of its batches that are in memory. A clone is one counted reference.
//!
//! Where the lab is in memory that is all of them. Where it is on files ([`Disks`](super::Disks)) it is the newest part:
//! what lies below [`Memory::resident_from`] has left memory, or never came into it since the process started, and is read
//! from the disk.
//!
//! The first append after a clone copies the list of closed segments (a pointer each) at most, and the open end of the
//! active one: fewer than 32 batches and a few short lists of pointers, never a record. See [`tree`](super::tree).

use std::sync::Arc;

use super::clean::{CleanedSegment, Left};
use super::storage::{SegmentInfo, StoredBatch};
use super::tree::BatchTree;

/// The segments. See the [module](self).
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
    /// The batches from here on are in memory. It is the beginning of a batch, or the log's end.
    resident_from: i64,
}

#[derive(Clone, Debug)]
struct Segment {
    info: SegmentInfo,
    batches: BatchTree,
    resident: Resident,
}

/// What is in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resident {
    /// So many batches.
    pub batches: u64,
    /// Their size on the wire.
    pub bytes: u64,
}

impl Resident {
    fn add(&mut self, bytes: u64) {
        self.batches += 1;
        self.bytes += bytes;
    }

    fn take(&mut self, bytes: u64) {
        self.batches = self.batches.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

impl Segment {
    fn new(base_offset: i64) -> Self {
        let (batches, resident) = Default::default();
        Self { info: SegmentInfo::empty(base_offset), batches, resident }
    }

    fn append(&mut self, batch: StoredBatch) {
        if self.info.size_bytes == 0 {
            self.info.first_timestamp_ms = batch.header.max_timestamp;
        }
        self.info.max_timestamp_ms = self.info.max_timestamp_ms.max(batch.header.max_timestamp);
        self.info.size_bytes += batch.size_bytes();
        self.resident.add(batch.size_bytes());
        self.info.batches = self.info.batches.map(|count| count + 1);
        self.batches.push(batch);
    }

    /// Takes away what reaches to `offset`, newest first: it costs what is cut, not what is kept.
    fn truncate_to(&mut self, offset: i64) {
        while self.batches.last().is_some_and(|last| last.header.last_offset() >= offset) {
            let cut = self.batches.pop().map_or(0, |batch| batch.size_bytes());
            self.info.size_bytes = self.info.size_bytes.saturating_sub(cut);
            self.resident.take(cut);
            self.info.batches = self.info.batches.map(|count| count.saturating_sub(1));
        }
        if self.batches.last().is_none() {
            self.info = SegmentInfo::empty(self.info.base_offset);
        }
        self.info.max_timestamp_ms = self.batches.reach().max_timestamp_ms;
    }
}

impl Memory {
    /// Without batches, its first segment begins at `base_offset`.
    pub fn new(base_offset: i64) -> Self {
        let (closed, active) = (Arc::default(), Segment::new(base_offset));
        let (flushed_offset, resident_from) = (base_offset, base_offset);
        Self { shared: Arc::new(Shared { closed, active, flushed_offset, resident_from }) }
    }

    /// What a disk has: its segments, oldest first, of which none is in memory, and the log's end, up to where it is
    /// flushed.
    pub fn on_disk(segments: &[SegmentInfo], end: i64, flushed_offset: i64) -> Self {
        let cold = |info: &SegmentInfo| Segment { info: *info, ..Segment::new(info.base_offset) };
        let Some((active, closed)) = segments.split_last() else { return Self::new(end) };
        let closed = Arc::new(closed.iter().map(|info| Arc::new(cold(info))).collect());
        Self { shared: Arc::new(Shared { closed, active: cold(active), flushed_offset, resident_from: end }) }
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

impl Memory {
    /// Appends to the active segment. The batch lies beyond all others.
    pub fn append(&mut self, batch: StoredBatch) {
        self.change().active.append(batch);
    }

    /// Closes the active segment and begins another at `base_offset`, the log's end.
    pub fn roll(&mut self, base_offset: i64) {
        let shared = self.change();
        let full = std::mem::replace(&mut shared.active, Segment::new(base_offset));
        Arc::make_mut(&mut shared.closed).push(Arc::new(full));
    }

    /// Drops the batches that reach to `offset` or beyond, and segments that begin beyond. Where not all of the segment that
    /// is active then is in memory, the disk says what is left of it: `left`.
    pub fn truncate_to(&mut self, offset: i64, left: Option<SegmentInfo>) {
        let shared = self.change();
        if shared.active.info.base_offset > offset {
            let closed = Arc::make_mut(&mut shared.closed);
            closed.truncate(closed.partition_point(|segment| segment.info.base_offset <= offset));
            shared.active = closed.pop().map_or_else(|| Segment::new(offset), Arc::unwrap_or_clone);
        }
        shared.active.truncate_to(offset);
        if let Some(left) = left.filter(|left| left.base_offset < shared.resident_from) {
            shared.active.info = left;
        }
        shared.flushed_offset = shared.flushed_offset.min(offset);
        shared.resident_from = shared.resident_from.min(offset);
    }

    /// Drops the oldest segment, unless it is the active one.
    pub fn remove_first_segment(&mut self) {
        if !self.shared.closed.is_empty() {
            Arc::make_mut(&mut self.change().closed).remove(0);
        }
        let first = self.all().next().map_or(0, |segment| segment.info.base_offset);
        if self.shared.resident_from < first {
            self.change().resident_from = first;
        }
    }

    /// Puts cleaned segments in the place of the `count` oldest, of closed ones, which end at `end`.
    pub fn replace_oldest(&mut self, count: usize, segments: &[CleanedSegment], end: i64) {
        let mut cold = false;
        let filled: Vec<_> = segments
            .iter()
            .map(|CleanedSegment { base_offset, left, .. }| {
                let mut segment = Segment::new(*base_offset);
                match left {
                    Left::InMemory(batches) => batches.iter().for_each(|batch| segment.append(batch.clone())),
                    Left::OnDisk(info) => (cold, segment.info) = (true, *info),
                }
                Arc::new(segment)
            })
            .collect();
        let shared = self.change();
        let closed = Arc::make_mut(&mut shared.closed);
        let count = count.min(closed.len());
        closed.splice(..count, filled);
        if cold {
            shared.resident_from = shared.resident_from.max(end);
        }
    }

    /// Drops everything and begins an empty segment at `offset`.
    pub fn restart_at(&mut self, offset: i64) {
        *self = Self::new(offset);
    }

    /// Lets go of the batches of the segments that end at `offset` or before: the disk has them. The active segment counts as
    /// ending at the log's end, `end`.
    pub fn let_go(&mut self, offset: i64, end: i64) {
        let shared = self.change();
        let all_closed = shared.closed.len();
        let ends = shared.closed.iter().skip(1).map(|next| next.info.base_offset);
        let ends = ends.chain(std::iter::once(shared.active.info.base_offset));
        let gone = ends.take_while(|end| *end <= offset).count().min(all_closed);
        let closed = Arc::make_mut(&mut shared.closed);
        for segment in closed.iter_mut().take(gone).filter(|segment| segment.resident.batches > 0) {
            *segment = Arc::new(Segment { info: segment.info, ..Segment::new(segment.info.base_offset) });
        }
        let mut from = closed.get(gone).map_or(shared.active.info.base_offset, |next| next.info.base_offset);
        if gone == all_closed && end <= offset {
            shared.active = Segment { info: shared.active.info, ..Segment::new(shared.active.info.base_offset) };
            from = end;
        }
        shared.resident_from = shared.resident_from.max(from);
    }

    /// The batches from here on are in memory.
    pub fn resident_from(&self) -> i64 {
        self.shared.resident_from
    }

    /// What is in memory.
    pub fn resident(&self) -> Resident {
        self.all().fold(Resident::default(), |sum, segment| Resident {
            batches: sum.batches + segment.resident.batches,
            bytes: sum.bytes + segment.resident.bytes,
        })
    }

    /// Its segments, oldest first.
    pub fn segments(&self) -> impl Iterator<Item = SegmentInfo> + '_ {
        self.all().map(|segment| segment.info)
    }

    /// The active segment.
    pub fn active(&self) -> SegmentInfo {
        self.shared.active.info
    }

    /// Of the batches in memory, those from the one that holds `offset` on, or from the next one where none holds it.
    pub fn batches_from(&self, offset: i64) -> impl Iterator<Item = StoredBatch> + '_ {
        // The segment before the first one that begins later may hold the offset.
        let later = self.shared.closed.partition_point(|segment| segment.info.base_offset <= offset);
        let segments = self.all().skip(later.saturating_sub(1));
        segments.flat_map(move |segment| segment.batches.iter_from(move |reach| reach.last_offset >= offset)).cloned()
    }

    /// Of the batches in memory, the oldest with a timestamp of `timestamp_ms` or later.
    pub fn batch_at_time(&self, timestamp_ms: i64) -> Option<StoredBatch> {
        // A segment of which a part is not in memory may be late enough only in that part.
        let late = self.all().filter(|segment| segment.info.max_timestamp_ms >= timestamp_ms);
        late.into_iter().find_map(|segment| {
            segment.batches.iter_from(|reach| reach.max_timestamp_ms >= timestamp_ms).next().cloned()
        })
    }

    /// Whether what has left memory may hold a timestamp of `timestamp_ms` or later.
    pub fn is_late_below(&self, timestamp_ms: i64) -> bool {
        let cold = self.all().take_while(|segment| segment.info.base_offset < self.shared.resident_from);
        cold.into_iter().any(|segment| segment.info.max_timestamp_ms >= timestamp_ms)
    }

    /// What lies below `up_to` is on the disk.
    pub fn flushed(&mut self, up_to: i64) {
        let shared = self.change();
        shared.flushed_offset = shared.flushed_offset.max(up_to);
    }

    /// What lies below is on the disk: a power loss takes only what comes after.
    pub fn flushed_offset(&self) -> i64 {
        self.shared.flushed_offset
    }
}
