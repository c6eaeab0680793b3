//! Reads from a log's files, by offset and by time, on any thread: over the segments as they were when it was asked for.
//!
//! What is read is one piece of memory, and the batches are slices of it. Checksums are not compared: recovery does that,
//! and consumers do. A batch where none should be is an error all the same, as its head says where the next one begins.

use std::io;

use bytes::Bytes;

use super::FileError;
use super::folder::Kind;
use super::platform::read_exact_at;
use super::segment::View;
use super::walk::Found;
use crate::engine::log::StoredBatch;
use crate::protocol::records::{BatchHeader, HEAD_BYTES};

/// Reads batches. It may run on any thread, while the log grows.
#[derive(Clone, Debug)]
pub struct Read {
    pub(super) segments: Vec<View>,
    pub(super) from: i64,
    pub(super) max_bytes: usize,
    pub(super) up_to: i64,
}

impl Read {
    /// Reads them: whole batches, at least one if there is one, one buffer for each segment.
    ///
    /// # Errors
    /// [`FileError`], also where there is no batch where there must be one. What was removed meanwhile is an error of kind
    /// `NotFound`.
    pub fn run(&self) -> Result<Vec<StoredBatch>, FileError> {
        let mut batches = Vec::new();
        let mut left = self.max_bytes;
        for segment in &self.segments {
            let Some(first) = segment.find(self.from)? else { continue };
            let size = first.header.size_bytes();
            if first.header.last_offset() >= self.up_to || (size > left && !batches.is_empty()) {
                break;
            }
            let bytes = segment.bytes(first.position, left.max(size))?;
            let read = bytes.len();
            let more = slices(bytes, |batch| batch.last_offset() < self.up_to);
            let taken: usize = more.iter().map(|batch| HEAD_BYTES + batch.body.len()).sum();
            batches.extend(more);
            left = left.saturating_sub(taken);
            // Something did not fit, or lies beyond: what follows does so too.
            if taken < read || first.position + (read as u64) < segment.tail.info.size_bytes {
                break;
            }
        }
        Ok(batches)
    }
}

/// Finds a batch by time. It may run on any thread, while the log grows.
#[derive(Clone, Debug)]
pub struct Search {
    pub(super) segments: Vec<View>,
    pub(super) timestamp_ms: i64,
}

impl Search {
    /// The oldest batch with a timestamp as late as was asked for; `None` where all are older.
    ///
    /// # Errors
    /// As of [`Read::run`].
    pub fn run(&self) -> Result<Option<StoredBatch>, FileError> {
        for segment in &self.segments {
            if let Some(Found { position, header }) = segment.find_time(self.timestamp_ms)? {
                let bytes = segment.bytes(position, header.size_bytes())?;
                return Ok(slices(bytes, |_| true).pop());
            }
        }
        Ok(None)
    }
}

impl View {
    /// `count` bytes of its log from `position` on, or as many as there are.
    pub(super) fn bytes(&self, position: u64, count: usize) -> Result<Bytes, FileError> {
        let left = usize::try_from(self.tail.info.size_bytes.saturating_sub(position)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; count.min(left)];
        let file = self.files.open(Kind::Log)?;
        let failed = |error: io::Error| FileError::new("read", &self.files.path(Kind::Log), error);
        read_exact_at(&file, &mut bytes, position).map_err(failed)?;
        Ok(bytes.into())
    }
}

/// The whole batches at the beginning of `bytes`, as long as they are wanted.
pub(super) fn slices(mut bytes: Bytes, wanted: impl Fn(&BatchHeader) -> bool) -> Vec<StoredBatch> {
    let mut batches = Vec::new();
    while let Ok(header) = BatchHeader::parse(&bytes) {
        if header.size_bytes() > bytes.len() || !wanted(&header) {
            break;
        }
        let mut batch = bytes.split_to(header.size_bytes());
        batches.push(StoredBatch { header, body: batch.split_off(HEAD_BYTES) });
    }
    batches
}
