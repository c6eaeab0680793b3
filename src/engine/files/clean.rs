//! Cleaned segments: written beside those that they replace, and swapped in so that a crash leaves the old ones or the
//! new ones.
//!
//! ```text
//! write  000..0.log.cleaned, 000..9.log.cleaned   a crash: they are removed, the old ones count
//! rename .cleaned -> .swap, the newest first      a crash: as long as one is .cleaned, so are those after it
//! rename old ones -> .deleted                     a crash: the .swap ones replace what they cover
//! rename .swap -> .log, unlink .deleted
//! ```
//!
//! Which records stay is decided elsewhere. Sources: `Cleaner.cleanSegments`, `LocalLog.replaceSegments`, `LogLoader`.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::FileError;
use super::folder::{self, Kind, Named, Stage};
use super::handles::Handles;
use super::jobs::Removal;
use super::log::{FileConfig, retire};
use super::read::slices;
use super::segment::{Segment, SegmentFiles, View};
use crate::engine::log::{SegmentInfo, StoredBatch};

/// How much of an old segment is read at once, if no batch is larger.
const AT_ONCE: usize = 1024 * 1024;

/// Writes cleaned segments beside those that they replace. It may run on any thread.
#[derive(Debug)]
pub struct Cleaning {
    folder: Arc<Path>,
    config: FileConfig,
    handles: Handles,
    old: Vec<View>,
    new: Vec<Segment>,
}

impl Cleaning {
    pub(super) fn new(folder: &Arc<Path>, config: FileConfig, handles: &Handles, old: Vec<View>) -> Option<Self> {
        let (folder, handles) = (Arc::clone(folder), handles.clone());
        (!old.is_empty()).then(|| Self { folder, config, handles, old, new: Vec::new() })
    }

    /// The base offsets of the segments to be cleaned, oldest first.
    pub fn bases(&self) -> impl Iterator<Item = i64> + '_ {
        self.old.iter().map(View::base_offset)
    }

    /// The segments to be cleaned, to be read while others are written.
    pub fn old(&self) -> Old {
        Old { segments: self.old.clone() }
    }

    /// Removes what an earlier cleaning of this log wrote and nobody took up: a crash during the swap of this one would
    /// take it for a part of it.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn clear(&self) -> Result<(), FileError> {
        for entry in std::fs::read_dir(&self.folder).map_err(FileError::of("list", &self.folder))? {
            let entry = entry.map_err(FileError::of("list", &self.folder))?;
            if Named::parse(&entry.file_name().to_string_lossy()).is_some_and(|file| file.stage == Stage::Cleaned) {
                folder::remove(&entry.path())?;
            }
        }
        Ok(())
    }

    /// Only the `count` oldest of them are replaced: the others were not gone through.
    pub fn only(&mut self, count: usize) {
        self.old.truncate(count);
    }

    /// Writes one segment that replaces those from `base_offset` on, up to where the next one written begins. The first
    /// one begins where the first replaced one does, and each of the others where one of them does.
    ///
    /// # Panics
    /// Where it begins elsewhere: then something would be replaced that was never read.
    ///
    /// # Errors
    /// [`FileError`]; what is half written is removed by recovery, or by [`Cleaning::abandon`].
    pub fn write<I>(&mut self, base_offset: i64, batches: I) -> Result<SegmentInfo, FileError>
    where
        I: IntoIterator<Item = StoredBatch>,
    {
        let before = self.new.last().map(|last| last.info().base_offset);
        let follows = before.map_or(self.bases().next() == Some(base_offset), |before| before < base_offset);
        assert!(follows && self.bases().any(|base| base == base_offset), "no cleaned segment begins at {base_offset}");
        let files = SegmentFiles::new(&self.folder, base_offset, Stage::Cleaned, &self.handles);
        let mut segment = Segment::create(files)?;
        for batch in batches {
            segment.append(&[batch], self.config.index_interval_bytes)?;
        }
        segment.close()?;
        let info = segment.info();
        self.new.push(segment);
        Ok(info)
    }

    /// Brings what was written to the disk.
    ///
    /// # Errors
    /// [`FileError`]; the old segments count on.
    pub fn finish(self) -> Result<Cleaned, FileError> {
        for segment in &self.new {
            Kind::OPEN.into_iter().try_for_each(|kind| segment.files.sync(kind))?;
        }
        let old = self.old.iter().map(|view| Arc::clone(&view.files)).collect();
        Ok(Cleaned { folder: self.folder, handles: self.handles, old, new: self.new })
    }

    /// Removes what was written: the cleaning is not wanted any more.
    pub fn abandon(self) -> Removal {
        discard(&self.new)
    }
}

/// Segments that are being cleaned, as they were when that began.
#[derive(Clone, Debug)]
pub struct Old {
    segments: Vec<View>,
}

impl Old {
    /// Their batches from the one that holds `offset` on. An error ends them.
    pub fn batches_from(&self, offset: i64) -> impl Iterator<Item = Result<StoredBatch, FileError>> + '_ {
        let first = self.segments.partition_point(|segment| segment.base_offset() <= offset).saturating_sub(1);
        let pieces = self.segments.iter().skip(first).flat_map(|segment| Pieces { segment, position: 0 });
        let batches = pieces.flat_map(|piece| match piece {
            Ok(batches) => batches.into_iter().map(Ok).collect::<Vec<_>>(),
            Err(error) => vec![Err(error)],
        });
        batches.filter(move |batch| batch.as_ref().map_or(true, |batch| batch.header.last_offset() >= offset))
    }
}

/// A segment in pieces that are read at once.
struct Pieces<'a> {
    segment: &'a View,
    position: u64,
}

impl Iterator for Pieces<'_> {
    type Item = Result<Vec<StoredBatch>, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        let left = self.segment.tail.info.size_bytes.saturating_sub(self.position);
        if left == 0 {
            return None;
        }
        let piece = self.read();
        // An error is told once.
        self.position = match &piece {
            Ok(batches) => self.position + batches.iter().map(StoredBatch::size_bytes).sum::<u64>(),
            Err(_) => self.segment.tail.info.size_bytes,
        };
        Some(piece)
    }
}

impl Pieces<'_> {
    fn read(&self) -> Result<Vec<StoredBatch>, FileError> {
        let batches = slices(self.segment.bytes(self.position, AT_ONCE)?, |_| true);
        if !batches.is_empty() {
            return Ok(batches);
        }
        let mut size = 0;
        self.segment.walk(self.position, |found| {
            size = found.header.size_bytes();
            false
        })?;
        Ok(slices(self.segment.bytes(self.position, size)?, |_| true))
    }
}

/// Cleaned segments, ready to be swapped in ([`FileLog::swap`](super::FileLog::swap)).
#[derive(Debug)]
#[must_use = "they replace nothing before they are swapped in"]
pub struct Cleaned {
    folder: Arc<Path>,
    handles: Handles,
    old: Vec<Arc<SegmentFiles>>,
    new: Vec<Segment>,
}

impl Cleaned {
    /// Where the old segments are among `closed`: side by side, as they were read.
    pub(super) fn place_in(&self, closed: &[Segment]) -> Option<Range<usize>> {
        let first = self.old.first()?;
        let from = closed.iter().position(|segment| Arc::ptr_eq(&segment.files, first))?;
        let place = from..from + self.old.len();
        let there = closed.get(place.clone())?;
        let same = there.iter().zip(&self.old).all(|(segment, old)| Arc::ptr_eq(&segment.files, old));
        (same && !self.new.is_empty()).then_some(place)
    }

    /// Renames everything in an order that a crash may end anywhere. Returns the new segments.
    ///
    /// # Errors
    /// [`FileError`], before anything is renamed where one of the new ones is not there.
    pub(super) fn into_place(self, removal: &mut Removal) -> Result<Vec<Segment>, FileError> {
        for segment in &self.new {
            let path = segment.files.path(Kind::Log);
            std::fs::metadata(&path).map_err(FileError::of("look at", &path))?;
        }
        let bases: Vec<i64> = self.new.iter().map(|segment| segment.info().base_offset).collect();
        for base_offset in bases.iter().rev() {
            restage(&self.folder, *base_offset, Stage::Cleaned, Stage::Swap)?;
        }
        for files in &self.old {
            retire(&self.folder, files.base_offset(), &Kind::OF_SEGMENT, removal)?;
        }
        for base_offset in &bases {
            restage(&self.folder, *base_offset, Stage::Swap, Stage::Live)?;
        }
        // No segment begins there any more: nobody looks for the producers as they were there.
        for files in self.old.iter().filter(|files| !bases.contains(&files.base_offset())) {
            retire(&self.folder, files.base_offset(), &[Kind::Snapshot], removal)?;
        }
        let live = |segment: Segment| {
            let files = SegmentFiles::new(&self.folder, segment.info().base_offset, Stage::Live, &self.handles);
            Segment { files, tail: segment.tail }
        };
        Ok(self.new.into_iter().map(live).collect())
    }

    /// Removes them: what they were to replace is not there any more.
    pub fn discard(self) -> Removal {
        discard(&self.new)
    }
}

/// Removes the files of segments that replaced nothing.
fn discard(segments: &[Segment]) -> Removal {
    let files = segments.iter().flat_map(|segment| Kind::OPEN.map(|kind| segment.files.path(kind))).collect();
    Removal { files, ..Removal::default() }
}

/// Renames a segment's files, indexes first: the log's name says how far the segment is.
pub(super) fn restage(folder: &Path, base_offset: i64, from: Stage, to: Stage) -> Result<(), FileError> {
    for kind in Kind::OF_SEGMENT.into_iter().rev() {
        folder::rename(&folder::path(folder, base_offset, kind, from), &folder::path(folder, base_offset, kind, to))?;
    }
    Ok(())
}
