//! A storage in memory whose clone is cheap: closed segments and full chunks of the active one are shared.

use std::sync::Arc;

use super::storage::{SegmentInfo, Storage, StoredBatch};

/// How many batches a chunk has: a clone copies less than one chunk of (shared) batches per log.
const CHUNK: usize = 64;

/// Batches that will not change any more.
type Chunk = Arc<Vec<StoredBatch>>;

/// A segment: full chunks, and the open one.
#[derive(Clone, Debug)]
struct Segment {
    info: SegmentInfo,
    chunks: Vec<Chunk>,
    open: Vec<StoredBatch>,
}

impl Segment {
    fn new(base_offset: i64) -> Self {
        let info = SegmentInfo { base_offset, size_bytes: 0, max_timestamp_ms: -1, first_timestamp_ms: -1 };
        Self { info, chunks: Vec::new(), open: Vec::new() }
    }

    fn append(&mut self, batch: StoredBatch) {
        self.info.size_bytes += batch.size_bytes();
        self.info.max_timestamp_ms = self.info.max_timestamp_ms.max(batch.header.max_timestamp);
        if self.info.first_timestamp_ms < 0 {
            self.info.first_timestamp_ms = batch.header.max_timestamp;
        }
        self.open.push(batch);
        if self.open.len() >= CHUNK {
            self.chunks.push(Arc::new(std::mem::take(&mut self.open)));
        }
    }

    fn batches(&self) -> impl Iterator<Item = &StoredBatch> {
        self.chunks.iter().flat_map(|chunk| chunk.iter()).chain(&self.open)
    }

    /// The batches from the one that holds `offset` on: whole chunks before it are passed over.
    fn batches_from(&self, offset: i64) -> impl Iterator<Item = &StoredBatch> {
        let before = |chunk: &Chunk| chunk.last().is_some_and(|last| last.header.last_offset() < offset);
        let passed = self.chunks.partition_point(before);
        let chunks = self.chunks.get(passed..).unwrap_or_default();
        let inside = chunks
            .first()
            .map_or(0, |chunk| chunk.partition_point(|batch| batch.header.last_offset() < offset));
        let open = if chunks.is_empty() { self.open.partition_point(|b| b.header.last_offset() < offset) } else { 0 };
        chunks.iter().flat_map(|chunk| chunk.iter()).skip(inside).chain(self.open.get(open..).unwrap_or_default())
    }
}

/// The storage. See the [module](self).
#[derive(Clone, Debug, Default)]
pub struct Memory {
    closed: Vec<Arc<Segment>>,
    active: Option<Segment>,
}

impl Memory {
    fn all(&self) -> impl DoubleEndedIterator<Item = &Segment> {
        self.closed.iter().map(Arc::as_ref).chain(&self.active)
    }
}

impl Storage for Memory {
    fn append(&mut self, batch: StoredBatch) {
        self.active.get_or_insert_with(|| Segment::new(batch.header.base_offset)).append(batch);
    }

    fn roll(&mut self, base_offset: i64) {
        if let Some(mut full) = self.active.replace(Segment::new(base_offset)) {
            let open = std::mem::take(&mut full.open);
            full.chunks.push(Arc::new(open));
            self.closed.push(Arc::new(full));
        }
    }

    fn truncate_to(&mut self, offset: i64) -> Option<i64> {
        while self.active.as_ref().is_some_and(|active| active.info.base_offset >= offset) && !self.closed.is_empty() {
            self.active = self.closed.pop().map(Arc::unwrap_or_clone);
        }
        let old = self.active.take()?;
        let mut kept = Segment::new(old.info.base_offset);
        for batch in old.batches().take_while(|batch| batch.header.last_offset() < offset) {
            kept.append(batch.clone());
        }
        self.active = Some(kept);
        self.all().rev().find_map(|segment| segment.batches().last()).map(|batch| batch.header.next_offset())
    }

    fn remove_first_segment(&mut self) {
        if self.closed.is_empty() {
            self.active = None;
        } else {
            self.closed.remove(0);
        }
    }

    fn clear(&mut self) {
        *self = Self::default();
    }

    fn segments(&self) -> impl Iterator<Item = SegmentInfo> + '_ {
        self.all().map(|segment| segment.info)
    }

    fn batches_from(&self, offset: i64) -> impl Iterator<Item = StoredBatch> + '_ {
        // The segment before the first one that begins later may hold the offset.
        let later = self.closed.partition_point(|segment| segment.info.base_offset <= offset);
        let first = later.saturating_sub(1);
        let closed = self.closed.get(first..).unwrap_or_default().iter().map(Arc::as_ref);
        closed.chain(&self.active).flat_map(move |segment| segment.batches_from(offset)).cloned()
    }
}
