//! One replica's folder: its segments, what grows and shortens them, and the jobs that leave.

use std::path::Path;
use std::sync::Arc;

use uuid::Uuid;

use super::clean::{Cleaned, Cleaning};
use super::folder::{self, EPOCHS, Kind, METADATA, Stage};
use super::handles::Handles;
use super::jobs::{Flush, Removal, Unflushed};
use super::read::{Read, Search};
use super::segment::{Segment, SegmentFiles, View};
use super::{FileError, broker_dir, snapshot, text};
use crate::engine::log::{Epochs, Producers, SegmentInfo, StoredBatch};

/// How a log's files are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileConfig {
    /// `index.interval.bytes`: about so many bytes of a log lie between two entries of its indexes.
    pub index_interval_bytes: u64,
}

impl Default for FileConfig {
    fn default() -> Self {
        Self { index_interval_bytes: 4096 }
    }
}

/// One replica's folder on one broker's disk. See the [module](super). Not `Clone`: there is one disk.
///
/// The mutators do what does not wait; after an error with [`FileError::torn`] every later append is refused.
#[derive(Debug)]
pub struct FileLog {
    pub(super) folder: Arc<Path>,
    pub(super) config: FileConfig,
    pub(super) handles: Handles,
    /// Oldest first.
    pub(super) closed: Vec<Segment>,
    pub(super) active: Segment,
    /// The offset after the last batch, at least the active segment's base offset.
    pub(super) end_offset: i64,
    /// What lies below was flushed; at most `end_offset`.
    pub(super) flushed: i64,
    pub(super) generation: u64,
    /// An operation left something behind that only recovery can put right.
    pub(super) torn: bool,
    /// What was written to since the last flush began.
    pub(super) unflushed: Unflushed,
    /// What the flush under way brings to the disk. One that failed leaves it to the next.
    pub(super) flushing: Unflushed,
    /// Where a clean stop left the producers, within the active segment. It holds as long as nothing below is cut.
    pub(super) end_snapshot: Option<i64>,
    /// The leader epochs.
    pub(super) epochs: Epochs,
    /// Those that their file has.
    pub(super) kept_epochs: Epochs,
}

impl FileLog {
    /// Makes `folder`, with an empty segment at `base_offset` and, where the topic has an id, `partition.metadata`. The
    /// folder may be there already if it holds no segment.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn create(
        folder: &Path,
        base_offset: i64,
        topic_id: Option<Uuid>,
        config: FileConfig,
        handles: &Handles,
    ) -> Result<Self, FileError> {
        std::fs::create_dir_all(folder).map_err(FileError::of("create", folder))?;
        let folder: Arc<Path> = folder.into();
        if let Some(id) = topic_id {
            folder::write_topic_id(&folder, id)?;
        }
        let active = Segment::create(SegmentFiles::new(&folder, base_offset, Stage::Live, handles))?;
        let mut log = Self::of(folder, config, handles, Vec::new(), active);
        log.unflushed.names = true;
        log.touch_active();
        log.unflushed.others.extend(topic_id.map(|_| log.folder.join(METADATA)));
        Ok(log)
    }

    /// Of segments that are there; where it ends is to be said.
    pub(super) fn of(
        folder: Arc<Path>,
        config: FileConfig,
        handles: &Handles,
        closed: Vec<Segment>,
        active: Segment,
    ) -> Self {
        let end_offset = active.info().base_offset;
        Self {
            folder,
            config,
            handles: handles.clone(),
            closed,
            active,
            end_offset,
            flushed: end_offset,
            generation: 0,
            torn: false,
            unflushed: Unflushed::default(),
            flushing: Unflushed::default(),
            end_snapshot: None,
            epochs: Epochs::default(),
            kept_epochs: Epochs::default(),
        }
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Changes how its files are written, for what is appended from now on.
    pub fn set_config(&mut self, config: FileConfig) {
        self.config = config;
    }

    fn all(&self) -> impl Iterator<Item = &Segment> {
        self.closed.iter().chain(std::iter::once(&self.active))
    }

    /// Its segments, oldest first; the last one is active.
    pub fn segments(&self) -> impl Iterator<Item = SegmentInfo> + '_ {
        self.all().map(Segment::info)
    }

    /// The offset after its last batch.
    pub fn end_offset(&self) -> i64 {
        self.end_offset
    }

    /// The offset below which everything was flushed, as far as it was told ([`FileLog::flushed`]).
    pub fn flushed_offset(&self) -> i64 {
        self.flushed
    }

    /// Rises whenever what was written is cut off or replaced: truncation, a new beginning, a swap. What a job of an
    /// earlier generation read may not be what is there now. Removal from the front does not count: nothing is written
    /// there again.
    pub fn generation(&self) -> u64 {
        self.generation
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
    /// As [`FileLog::append`]. A batch that begins before the end of the log or of the one before it is refused: an index
    /// with such an entry finds nothing any more.
    pub fn append_all(&mut self, batches: &[StoredBatch]) -> Result<(), FileError> {
        let Some(last) = batches.last() else { return Ok(()) };
        self.check_whole()?;
        self.check_order(batches)?;
        self.touch_active();
        let interval = self.config.index_interval_bytes;
        let appended = self.active.append(batches, interval);
        self.noting(appended)?;
        self.end_offset = last.header.next_offset();
        Ok(())
    }

    /// The active segment is written to: the next flush takes it along.
    pub(super) fn touch_active(&mut self) {
        let (files, segments) = (&self.active.files, &mut self.unflushed.segments);
        if !segments.last().is_some_and(|last| Arc::ptr_eq(last, files)) {
            segments.push(Arc::clone(files));
        }
    }

    /// Nothing more is written to a log that an error left torn.
    fn check_whole(&self) -> Result<(), FileError> {
        if self.torn {
            let why = std::io::Error::other("an earlier error left it torn");
            return Err(FileError::new("write to", &self.folder, why).torn());
        }
        Ok(())
    }

    /// Each batch begins where the one before it ends, or later.
    fn check_order(&self, batches: &[StoredBatch]) -> Result<(), FileError> {
        let mut end = self.end_offset;
        for StoredBatch { header, .. } in batches {
            if header.base_offset < end {
                let why = format!("a batch begins at {}, and the log ends at {end}", header.base_offset);
                return Err(FileError::new("append to", &self.folder, std::io::Error::other(why)));
            }
            end = header.next_offset();
        }
        Ok(())
    }

    /// Remembers an error that left something behind.
    fn noting<T>(&mut self, result: Result<T, FileError>) -> Result<T, FileError> {
        self.torn |= result.as_ref().is_err_and(|error| error.torn);
        result
    }

    /// Closes the active segment and begins another at `base_offset`, the log's end; `producers` as they are there.
    ///
    /// # Errors
    /// [`FileError`]; then the active segment is the one that it was.
    pub fn roll(&mut self, base_offset: i64, producers: &Producers) -> Result<(), FileError> {
        self.check_whole()?;
        if base_offset <= self.active.info().base_offset {
            return Ok(());
        }
        self.touch_active();
        let closed = self.active.close();
        self.noting(closed)?;
        self.keep_producers(base_offset, producers)?;
        let next = Segment::create(SegmentFiles::new(&self.folder, base_offset, Stage::Live, &self.handles))?;
        self.closed.push(std::mem::replace(&mut self.active, next));
        self.touch_active();
        self.end_offset = self.end_offset.max(base_offset);
        // Now a segment begins there.
        self.end_snapshot = None;
        Ok(())
    }

    /// Writes down the producers at the log's end, in the place of what a clean stop left in this segment.
    fn keep_producers(&mut self, end_offset: i64, producers: &Producers) -> Result<(), FileError> {
        self.drop_end_snapshot(end_offset)?;
        let kept = folder::path(&self.folder, end_offset, Kind::Snapshot, Stage::Live);
        snapshot::write(&kept, producers)?;
        self.unflushed.others.push(kept);
        self.end_snapshot = Some(end_offset);
        self.unflushed.names = true;
        Ok(())
    }

    /// Drops the producers that a clean stop left, unless at `but`.
    fn drop_end_snapshot(&mut self, but: i64) -> Result<(), FileError> {
        if let Some(old) = self.end_snapshot.take_if(|old| *old != but) {
            folder::remove(&folder::path(&self.folder, old, Kind::Snapshot, Stage::Live))?;
            self.unflushed.names = true;
        }
        Ok(())
    }

    /// Drops the batches that reach to `offset` or beyond, and segments that begin beyond. A recovery point on the disk
    /// that lies beyond has to be lowered before.
    ///
    /// # Errors
    /// [`FileError`], torn once anything was dropped.
    pub fn truncate_to(&mut self, offset: i64) -> Result<Removal, FileError> {
        if offset >= self.end_offset {
            return Ok(Removal::default());
        }
        if self.all().next().is_some_and(|first| first.info().base_offset > offset) {
            return self.restart_at(offset);
        }
        let truncated = self.try_truncate(offset).map_err(FileError::torn);
        self.noting(truncated)
    }

    fn try_truncate(&mut self, offset: i64) -> Result<Removal, FileError> {
        self.generation += 1;
        let mut removal = self.removal();
        // First of all, as it would be believed.
        if self.end_snapshot.is_some_and(|kept| kept > offset) {
            self.drop_end_snapshot(offset)?;
        }
        // Newest first: what a crash leaves is a beginning of the log.
        while self.active.info().base_offset > offset {
            let Some(previous) = self.closed.pop() else { break };
            let dropped = std::mem::replace(&mut self.active, previous);
            self.retire(dropped.info().base_offset, &mut removal)?;
        }
        self.end_offset = self.active.truncate_to(offset)?;
        self.touch_active();
        self.flushed = self.flushed.min(self.end_offset);
        Ok(removal)
    }

    fn removal(&self) -> Removal {
        Removal { folder: Some(Arc::clone(&self.folder)), ..Removal::default() }
    }

    /// Renames a segment's files, and the producers at its beginning, so that they do not count any more.
    fn retire(&mut self, base_offset: i64, removal: &mut Removal) -> Result<(), FileError> {
        self.unflushed.names = true;
        retire(&self.folder, base_offset, &Kind::OF_SEGMENT, removal)?;
        retire(&self.folder, base_offset, &[Kind::Snapshot], removal)
    }

    /// Drops the segments that lie wholly below `base_offset`, where another one begins.
    ///
    /// # Errors
    /// [`FileError`]; the segments that could not be renamed are still there.
    pub fn remove_before(&mut self, base_offset: i64) -> Result<Removal, FileError> {
        let mut removal = self.removal();
        let later = self.closed.iter().skip(1).chain(std::iter::once(&self.active));
        let count = later.take_while(|next| next.info().base_offset <= base_offset).count().min(self.closed.len());
        for _ in 0..count {
            let Some(first) = self.closed.first().map(|first| first.info().base_offset) else { break };
            self.retire(first, &mut removal)?;
            self.closed.remove(0);
        }
        Ok(removal)
    }

    /// Drops everything, epochs too, and begins an empty segment at `offset`.
    ///
    /// # Errors
    /// [`FileError`], torn once anything was dropped.
    pub fn restart_at(&mut self, offset: i64) -> Result<Removal, FileError> {
        let restarted = self.try_restart(offset).map_err(FileError::torn);
        self.noting(restarted)
    }

    fn try_restart(&mut self, offset: i64) -> Result<Removal, FileError> {
        self.generation += 1;
        let mut removal = self.removal();
        self.drop_end_snapshot(-1)?;
        self.retire(self.active.info().base_offset, &mut removal)?;
        while let Some(last) = self.closed.pop() {
            self.retire(last.info().base_offset, &mut removal)?;
        }
        self.active = Segment::create(SegmentFiles::new(&self.folder, offset, Stage::Live, &self.handles))?;
        self.touch_active();
        (self.end_offset, self.flushed) = (offset, offset);
        self.set_epochs(&Epochs::default())?;
        Ok(removal)
    }

    /// The leader epochs have changed. Where a scan of the unflushed batches would lead from those in
    /// `leader-epoch-checkpoint` to them, the next flush writes it: an election costs thousands of logs no file each.
    ///
    /// # Errors
    /// [`FileError`]; the old file stands then.
    pub fn set_epochs(&mut self, epochs: &Epochs) -> Result<(), FileError> {
        self.epochs = epochs.clone();
        if self.epochs.continues(&self.kept_epochs, self.end_offset) { Ok(()) } else { self.write_epochs() }
    }

    /// Writes `leader-epoch-checkpoint`. The next flush brings it to the disk.
    pub(super) fn write_epochs(&mut self) -> Result<(), FileError> {
        if self.epochs == self.kept_epochs {
            return Ok(());
        }
        let path = self.folder.join(EPOCHS);
        text::replace(&path, &text::checkpoint(self.epochs.iter().map(|(epoch, start)| format!("{epoch} {start}"))))?;
        self.kept_epochs = self.epochs.clone();
        if !self.unflushed.others.contains(&path) {
            self.unflushed.others.push(path);
        }
        self.unflushed.names = true;
        Ok(())
    }

    /// Whole batches from the one that holds `from` on, which end below `up_to`: at least one, if there is one, and
    /// `max_bytes` of them at most. It may wait for the disk; [`FileLog::reading`] is the same as a job.
    ///
    /// # Errors
    /// As of [`Read::run`].
    pub fn read(&self, from: i64, max_bytes: usize, up_to: i64) -> Result<Vec<StoredBatch>, FileError> {
        self.reading(from, max_bytes, up_to).run()
    }

    /// The same as a job.
    pub fn reading(&self, from: i64, max_bytes: usize, up_to: i64) -> Read {
        let holds = self.closed.partition_point(|segment| segment.info().base_offset <= from).saturating_sub(1);
        let first = if self.active.info().base_offset <= from { self.closed.len() } else { holds };
        let mut enough = u64::try_from(max_bytes).unwrap_or(u64::MAX).saturating_add(1);
        let mut segments: Vec<View> = Vec::new();
        for segment in self.all().skip(first).take_while(|segment| segment.info().base_offset < up_to) {
            if enough == 0 {
                break;
            }
            // Of the first one the rest may be next to nothing: it does not count.
            enough = if segments.is_empty() { enough } else { enough.saturating_sub(segment.info().size_bytes) };
            segments.push(segment.view());
        }
        Read { segments, from, max_bytes, up_to }
    }

    /// A job that finds the oldest batch with a timestamp of `timestamp_ms` or later.
    pub fn searching_time(&self, timestamp_ms: i64) -> Search {
        let late = self.all().filter(|segment| segment.info().max_timestamp_ms >= timestamp_ms);
        Search { segments: late.map(Segment::view).collect(), timestamp_ms }
    }

    /// A job that brings to the disk what was written since the last one that is known to be done
    /// ([`FileLog::flushed`]).
    ///
    /// # Errors
    /// [`FileError`] where the leader epochs could not be written: without them nothing may count as flushed.
    pub fn flush(&mut self) -> Result<Flush, FileError> {
        self.write_epochs()?;
        self.flushing.absorb(std::mem::take(&mut self.unflushed));
        Ok(Flush { folder: Arc::clone(&self.folder), what: self.flushing.clone(), up_to: self.end_offset })
    }

    /// The last flush that was asked for is done, and reached `up_to` ([`Flush::run`]). Whoever cut the log meanwhile
    /// lowers it to where it was cut.
    pub fn flushed(&mut self, up_to: i64) {
        self.flushing = Unflushed::default();
        self.flushed = self.flushed.max(up_to.min(self.end_offset));
    }

    /// Ends the log as a clean stop does: the producers as they are at its end, the last entry of its time index. The
    /// flush is the last thing to do for it; then its folder counts as clean. A log that was opened clean and not written
    /// to has nothing to flush.
    ///
    /// # Errors
    /// [`FileError`]; then it is not.
    pub fn close(mut self, producers: &Producers) -> Result<Flush, FileError> {
        self.check_whole()?;
        if self.active.close()? {
            self.touch_active();
        }
        // A segment that begins here has the same already, and without a record there is nothing to keep.
        if self.end_offset > self.active.info().base_offset && self.end_snapshot != Some(self.end_offset) {
            self.keep_producers(self.end_offset, producers)?;
        }
        self.flush()
    }

    /// Takes the folder out of the broker's directory: it is renamed to `<topic>-<partition>.<unique>-delete` at once, and
    /// removed by the job.
    ///
    /// # Errors
    /// [`FileError`]; it is still there then.
    pub fn delete(self) -> Result<Removal, FileError> {
        broker_dir::delete(&self.folder)
    }

    /// Begins to clean the closed segments that begin in `bases`, for compaction: a job that reads them and writes what
    /// replaces them. `None` where there are none.
    pub fn cleaning(&self, bases: std::ops::Range<i64>) -> Option<Cleaning> {
        let old = self.closed.iter().filter(|segment| bases.contains(&segment.info().base_offset));
        Cleaning::new(&self.folder, self.config, &self.handles, old.map(Segment::view).collect())
    }

    /// Puts what a cleaning wrote in the place of what it cleaned. Where that is not there any more as it was, what was
    /// written is removed instead, and the answer is no.
    ///
    /// # Errors
    /// [`FileError`], torn once the first segment has been replaced.
    pub fn swap(&mut self, cleaned: Cleaned) -> Result<(bool, Removal), FileError> {
        let Some(place) = cleaned.place_in(&self.closed) else { return Ok((false, cleaned.discard())) };
        let mut removal = self.removal();
        let swapped = cleaned.into_place(&mut removal).map_err(FileError::torn);
        let new = self.noting(swapped)?;
        self.closed.splice(place, new);
        self.generation += 1;
        self.unflushed.names = true;
        Ok((true, removal))
    }
}

/// Renames files of a segment to be removed.
pub(super) fn retire(folder: &Path, base_offset: i64, kinds: &[Kind], removal: &mut Removal) -> Result<(), FileError> {
    for kind in kinds {
        let old = folder::path(folder, base_offset, *kind, Stage::Deleted);
        if folder::rename(&folder::path(folder, base_offset, *kind, Stage::Live), &old)? {
            removal.files.push(old);
        }
    }
    Ok(())
}
