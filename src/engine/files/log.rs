//! One replica's folder: its segments, what grows and shortens them, and the jobs that leave.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::FileError;
use crate::engine::log::{Epochs, Producers, SegmentInfo, StoredBatch};

/// How a log's files are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileConfig {
    /// `index.interval.bytes`: at most so many bytes of a log lie between two entries of its indexes.
    pub index_interval_bytes: u64,
}

impl Default for FileConfig {
    fn default() -> Self {
        Self { index_interval_bytes: 4096 }
    }
}

/// The open files of a data directory; a clone shares them.
#[derive(Clone, Debug, Default)]
pub struct Handles;

/// One replica's folder on one broker's disk. See the [module](super). Not `Clone`: there is one disk.
///
/// The mutators do what does not wait; after an error with [`FileError::torn`] every later append is refused.
#[derive(Debug)]
pub struct FileLog {
    folder: Arc<Path>,
}

impl FileLog {
    /// Makes `folder`, with an empty segment at `base_offset` and, where the topic has an id, `partition.metadata`. The
    /// folder may be there already if it holds no segment.
    pub fn create(
        folder: &Path,
        base_offset: i64,
        topic_id: Option<uuid::Uuid>,
        config: FileConfig,
        handles: &Handles,
    ) -> Result<Self, FileError> {
        todo!()
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Changes how its files are written, for what is appended from now on.
    pub fn set_config(&mut self, config: FileConfig) {
        todo!()
    }

    /// Its segments, oldest first; the last one is active.
    pub fn segments(&self) -> impl Iterator<Item = SegmentInfo> + '_ {
        std::iter::empty()
    }

    /// The offset after its last batch.
    pub fn end_offset(&self) -> i64 {
        todo!()
    }

    /// Rises whenever what was written is taken away or replaced: truncation, removal, a new beginning, a swap. What a
    /// job of an earlier generation read or flushed may not be there any more.
    pub fn generation(&self) -> u64 {
        todo!()
    }

    /// Appends a batch to the active segment, with one write.
    ///
    /// # Errors
    /// [`FileError`]; nothing of the batch is in the log then, unless it is torn.
    pub fn append(&mut self, batch: &StoredBatch) -> Result<(), FileError> {
        self.append_all(std::slice::from_ref(batch))
    }

    /// Appends batches to the active segment, in as few writes as may be: all of them or none.
    ///
    /// # Errors
    /// As [`FileLog::append`].
    pub fn append_all(&mut self, batches: &[StoredBatch]) -> Result<(), FileError> {
        todo!()
    }

    /// Closes the active segment and begins another at `base_offset`, the log's end; `producers` as they are there.
    ///
    /// # Errors
    /// [`FileError`]; then the active segment is the one that it was.
    pub fn roll(&mut self, base_offset: i64, producers: &Producers) -> Result<(), FileError> {
        todo!()
    }

    /// Drops the batches that reach to `offset` or beyond, and segments that begin beyond. A recovery point on the disk
    /// that lies beyond has to be lowered before.
    pub fn truncate_to(&mut self, offset: i64) -> Result<Removal, FileError> {
        todo!()
    }

    /// Drops the segments that lie wholly below `base_offset`, where another one begins.
    pub fn remove_before(&mut self, base_offset: i64) -> Result<Removal, FileError> {
        todo!()
    }

    /// Drops everything, epochs too, and begins an empty segment at `offset`.
    pub fn restart_at(&mut self, offset: i64) -> Result<Removal, FileError> {
        todo!()
    }

    /// Writes `leader-epoch-checkpoint`. The next flush brings it to the disk.
    pub fn set_epochs(&mut self, epochs: &Epochs) -> Result<(), FileError> {
        todo!()
    }

    /// Whole batches from the one that holds `from` on, which end below `up_to`: at least one, if there is one, and
    /// `max_bytes` of them at most. It may wait for the disk; [`FileLog::reading`] is the same as a job.
    pub fn read(&self, from: i64, max_bytes: usize, up_to: i64) -> Result<Vec<StoredBatch>, FileError> {
        self.reading(from, max_bytes, up_to).run()
    }

    /// The same as a job.
    pub fn reading(&self, from: i64, max_bytes: usize, up_to: i64) -> Read {
        todo!()
    }

    /// A job that finds the oldest batch with a timestamp of `timestamp_ms` or later.
    pub fn searching_time(&self, timestamp_ms: i64) -> Search {
        todo!()
    }

    /// A job that brings to the disk what is written so far.
    pub fn flush(&mut self) -> Flush {
        todo!()
    }

    /// A flush is done that reached `up_to` ([`Flush::run`]), in this generation.
    pub fn flushed(&mut self, up_to: i64) {
        todo!()
    }

    /// Ends the log as a clean shutdown does: the producers as they are at its end, the last entry of its time index.
    /// The flush is the last thing to do for it; then its folder counts as clean.
    pub fn close(self, producers: &Producers) -> Result<Flush, FileError> {
        todo!()
    }

    /// Its files as they are to be removed: the folder is renamed to `<topic>-<partition>.<unique>-delete` at once.
    pub fn delete(self) -> Result<Removal, FileError> {
        todo!()
    }

    /// Begins to clean the closed segments that begin in `bases`, for compaction: a job that writes what replaces them.
    pub fn cleaning(&self, bases: std::ops::Range<i64>) -> Cleaning {
        todo!()
    }

    /// Puts what a cleaning wrote in the place of what it cleaned. Where that has been removed or truncated meanwhile,
    /// what was written is removed instead, and the answer is no.
    pub fn swap(&mut self, cleaned: Cleaned) -> Result<(bool, Removal), FileError> {
        todo!()
    }
}

/// Brings a log to the disk: what was written when it was asked for. It may run on any thread.
#[derive(Debug)]
#[must_use = "nothing is on the disk before it has run"]
pub struct Flush;

impl Flush {
    /// Waits for the disk. Returns the offset below which everything is on it. A log that was removed meanwhile is no
    /// error.
    pub fn run(self) -> Result<i64, FileError> {
        todo!()
    }
}

/// Unlinks files that the log has let go already. It may run on any thread, or never: recovery does the same.
#[derive(Debug, Default)]
#[must_use = "the files take their place until it has run"]
pub struct Removal;

impl Removal {
    /// Whether there is anything to do.
    pub fn is_empty(&self) -> bool {
        todo!()
    }

    /// Unlinks them. What is not there any more is no error.
    pub fn run(self) -> Result<(), FileError> {
        todo!()
    }
}

/// Reads batches. It may run on any thread, while the log grows.
#[derive(Clone, Debug)]
pub struct Read;

impl Read {
    /// Reads them: one buffer, of which the batches are slices.
    ///
    /// # Errors
    /// [`FileError`], also where there is no batch where there must be one. What was removed meanwhile is an error of kind
    /// `NotFound`.
    pub fn run(&self) -> Result<Vec<StoredBatch>, FileError> {
        todo!()
    }
}

/// Finds a batch by time. It may run on any thread, while the log grows.
#[derive(Clone, Debug)]
pub struct Search;

impl Search {
    /// The batch; `None` where all are older.
    pub fn run(&self) -> Result<Option<StoredBatch>, FileError> {
        todo!()
    }
}

/// Writes cleaned segments beside those that they replace.
#[derive(Debug)]
pub struct Cleaning;

impl Cleaning {
    /// The batches of the segments to be cleaned, oldest first.
    pub fn batches(&self) -> impl Iterator<Item = Result<StoredBatch, FileError>> + '_ {
        std::iter::empty()
    }

    /// Writes one segment that replaces those from `base_offset` on, up to where the next one written begins. The first
    /// one begins where the first replaced one does.
    pub fn write<I: IntoIterator<Item = StoredBatch>>(&mut self, base_offset: i64, batches: I) -> Result<(), FileError> {
        todo!()
    }

    /// Brings what was written to the disk.
    pub fn finish(self) -> Result<Cleaned, FileError> {
        todo!()
    }
}

/// Cleaned segments, ready to be swapped in ([`FileLog::swap`]).
#[derive(Debug)]
#[must_use = "they replace nothing before they are swapped in"]
pub struct Cleaned {
    paths: Vec<PathBuf>,
}
