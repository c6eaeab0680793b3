//! A folder becomes a log again: after a clean stop from the ends of its files, after a crash by a scan in which the first
//! bad batch ends the log.
//!
//! 1. Half-finished steps are undone or finished ([`leftovers`]).
//! 2. After a crash every segment from the one on that holds the recovery point is scanned, checksum by checksum, and its
//!    indexes are written anew; the others, and all after a clean stop, are taken as they lie, unless an index is missing
//!    or cannot be right ([`scan`]). Behind the first bad batch nothing counts.
//! 3. The leader epochs come from their file, put right by the scanned batches; the producers from the latest snapshot and
//!    the heads of the batches behind it ([`producers`]).
//!
//! # What it does not find
//! A flipped bit below the recovery point, or after a clean stop: nothing is scanned there, as in Kafka. And in the first
//! bytes of a batch, which its checksum leaves out: a leader epoch that is wrong is believed, and so is a base offset that
//! jumps ahead within the segment, as compaction makes such gaps.
//!
//! Sources: `LogLoader`, `LogSegment.recover`.

mod leftovers;
mod producers;
mod scan;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use uuid::Uuid;

use super::folder::{self, EPOCHS, Stage};
use super::handles::Handles;
use super::log::{FileConfig, FileLog};
use super::segment::{Segment, SegmentFiles};
use super::{FileError, text};
use crate::engine::log::{Epochs, Producers, SegmentInfo};

/// What the broker's directory knows of a log before its folder is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// Whether the broker was stopped in order: the clean marker was there. Then nothing is scanned.
    pub clean: bool,
    /// `recovery-point-offset-checkpoint`: what lies below was flushed; 0 where it says nothing.
    pub recovery_point: i64,
    /// `log-start-offset-checkpoint`: where the log begins, at least; 0 where it says nothing.
    pub log_start: i64,
    /// How its files are written from now on.
    pub config: FileConfig,
}

/// A log that was opened.
#[derive(Debug)]
pub struct Recovered {
    /// The log.
    pub file_log: FileLog,
    /// The topic's id, as `partition.metadata` says.
    pub topic_id: Option<Uuid>,
    /// Its segments, oldest first, at least one. The number of batches is known of those that were scanned.
    pub segments: Vec<SegmentInfo>,
    /// The first offset that is kept.
    pub log_start: i64,
    /// The offset after the last batch.
    pub log_end: i64,
    /// What lies below was flushed: everything after a clean stop.
    pub recovery_point: i64,
    /// The leader epochs.
    pub epochs: Epochs,
    /// The producers at the log's end.
    pub producers: Producers,
    /// The producers as they were where a segment begins, by its base offset: where that is known.
    pub producers_before: BTreeMap<i64, Producers>,
    /// What was lost.
    pub cuts: Vec<Cut>,
    /// What was put right without a loss: files written anew, half-finished steps undone or finished.
    pub repairs: Vec<Repair>,
}

/// Bytes of a log that were no batches, or came after such, and are gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The segment's file.
    pub path: PathBuf,
    /// Where in it the cut begins.
    pub position: u64,
    /// How much was cut.
    pub bytes: u64,
    /// The log's end after it.
    pub log_end: i64,
    /// Why, as it stands behind "because": "the file ends within a batch".
    pub why: String,
}

/// A file that was mended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    /// Which.
    pub path: PathBuf,
    /// What was done, and why: "removed: its cleaning was not finished".
    pub what: String,
}

/// Opens the log in `folder`, which is there; an empty one begins at [`Hints::log_start`].
///
/// # Errors
/// [`FileError`] where the disk fails. What is damaged is no error: it is cut or written anew, and said.
pub fn open(folder: &Path, hints: Hints, handles: &Handles) -> Result<Recovered, FileError> {
    let folder: Arc<Path> = folder.into();
    let mut repairs = Vec::new();
    let contents = leftovers::tidy(&folder, handles, &mut repairs)?;
    let kept = read_epochs(&folder)?;
    let mut scan = scan::Scan {
        folder: &folder,
        handles,
        index_interval: hints.config.index_interval_bytes,
        from: (!hints.clean).then_some(hints.recovery_point),
        segments: Vec::new(),
        end_offset: hints.log_start,
        epochs: kept.clone().unwrap_or_default(),
        cuts: Vec::new(),
        repairs,
    };
    scan.take_all(&contents.logs.iter().copied().collect::<Vec<_>>())?;
    let scan::Scan { mut segments, end_offset, mut epochs, cuts, mut repairs, .. } = scan;
    if kept.is_none() && end_offset > segments.first().map_or(end_offset, |first| first.info().base_offset) {
        epochs = epochs_of_batches(&segments)?;
        repairs.push(Repair { path: folder.join(EPOCHS), what: "written anew: it was missing or damaged".into() });
    }
    let trusted = if hints.clean { i64::MAX } else { hints.recovery_point };
    let restored = producers::restore(&folder, &contents.snapshots, &segments, end_offset, trusted, &mut repairs)?;
    let is_new = segments.is_empty();
    let active = match segments.pop() {
        Some(active) => active,
        None => Segment::create(SegmentFiles::new(&folder, hints.log_start, Stage::Live, handles))?,
    };
    let mut file_log = FileLog::of(Arc::clone(&folder), hints.config, handles, segments, active);
    file_log.end_offset = end_offset;
    file_log.flushed = if hints.clean { end_offset } else { hints.recovery_point.min(end_offset) };
    file_log.end_snapshot = restored.at_end;
    file_log.unflushed.names = is_new || !hints.clean || !repairs.is_empty();
    file_log.touch_unflushed();
    let recovered = Opened { file_log, restored, epochs, cuts, repairs }.begin_at(hints.log_start)?;
    recovered.finish(kept.as_ref(), hints.log_start)
}

impl FileLog {
    /// What a scan wrote, and what was never flushed, is for the next flush.
    fn touch_unflushed(&mut self) {
        let nexts = self.closed.iter().skip(1).chain(std::iter::once(&self.active));
        let unflushed = self.closed.iter().zip(nexts).filter(|(_, next)| next.info().base_offset > self.flushed);
        self.unflushed.segments = unflushed.map(|(closed, _)| Arc::clone(&closed.files)).collect();
        if self.unflushed.names || self.end_offset > self.flushed {
            self.touch_active();
        }
    }
}

/// A log on the way to be a recovered one.
struct Opened {
    file_log: FileLog,
    restored: producers::Restored,
    epochs: Epochs,
    cuts: Vec<Cut>,
    repairs: Vec<Repair>,
}

impl Opened {
    /// A log that lost everything from its start on begins anew there: offsets below it were deleted, and stay so.
    fn begin_at(mut self, log_start: i64) -> Result<Self, FileError> {
        if self.file_log.end_offset >= log_start {
            return Ok(self);
        }
        let log_end = log_start;
        let why = |end: i64| format!("the log ends at {end}, before its start at {log_start}");
        for info in self.file_log.segments().filter(|info| info.size_bytes > 0) {
            let path = folder::path(&self.file_log.folder, info.base_offset, folder::Kind::Log, Stage::Live);
            let why = why(self.file_log.end_offset);
            self.cuts.push(Cut { path, position: 0, bytes: info.size_bytes, log_end, why });
        }
        self.file_log.restart_at(log_start)?.run()?;
        (self.restored, self.epochs) = Default::default();
        Ok(self)
    }

    /// Fits the epochs to the log, and puts everything together. `kept` is what their file says.
    fn finish(mut self, kept: Option<&Epochs>, log_start: i64) -> Result<Recovered, FileError> {
        let first = self.file_log.segments().next().map_or(log_start, |first| first.base_offset);
        let log_start = log_start.max(first);
        let log_end = self.file_log.end_offset;
        self.epochs.truncate_from_end(log_end);
        self.epochs.truncate_from_start(log_start);
        self.file_log.kept_epochs = kept.cloned().unwrap_or_default();
        self.file_log.set_epochs(&self.epochs)?;
        if kept.is_none() {
            self.file_log.write_epochs()?;
        }
        Ok(Recovered {
            topic_id: folder::read_topic_id(&self.file_log.folder)?,
            segments: self.file_log.segments().collect(),
            log_start,
            log_end,
            recovery_point: self.file_log.flushed,
            epochs: self.epochs,
            producers: self.restored.now,
            producers_before: self.restored.before,
            cuts: self.cuts,
            repairs: self.repairs,
            file_log: self.file_log,
        })
    }
}

/// The epochs in their file; `None` where it is missing or damaged.
fn read_epochs(folder: &Path) -> Result<Option<Epochs>, FileError> {
    let entry = |fields: &[&str]| match fields {
        [epoch, start] => Some((epoch.parse().ok()?, start.parse().ok()?)),
        _ => None,
    };
    let text = text::read(&folder.join(EPOCHS))?;
    Ok(text.and_then(|text| text::parse_checkpoint(&text, entry)).map(Epochs::from_entries))
}

/// The epochs as the batches tell them.
fn epochs_of_batches(segments: &[Segment]) -> Result<Epochs, FileError> {
    let mut epochs = Epochs::default();
    for segment in segments {
        segment.view().walk(0, |found| {
            epochs.found(found.header.leader_epoch, found.header.base_offset);
            true
        })?;
    }
    Ok(epochs)
}
