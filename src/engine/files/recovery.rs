//! A folder becomes a log again: after a clean stop from the ends of its files, after a crash by a scan from the recovery
//! point, in which the first bad batch ends the log.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::FileError;
use super::log::{FileConfig, FileLog, Handles};
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
    pub topic_id: Option<uuid::Uuid>,
    /// Its segments, oldest first, at least one. The number of batches is known of those that were scanned.
    pub segments: Vec<SegmentInfo>,
    /// The first offset that is kept.
    pub log_start: i64,
    /// The offset after the last batch.
    pub log_end: i64,
    /// What lies below was flushed; everything after a clean stop.
    pub recovery_point: i64,
    /// The leader epochs.
    pub epochs: Epochs,
    /// The producers at the log's end.
    pub producers: Producers,
    /// The producers as they were where a segment begins, by its base offset: where that is known.
    pub producers_before: BTreeMap<i64, Producers>,
    /// What records were lost.
    pub cuts: Vec<Cut>,
    /// What was put right without the loss of a record: files written anew, half-finished steps undone or finished.
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
    /// Why, as it stands behind "because": "a batch's checksum does not match its content".
    pub why: String,
}

/// A file that was mended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    /// Which.
    pub path: PathBuf,
    /// What was done, in a few words: "rebuilt: it was missing".
    pub what: String,
}

/// Opens the log in `folder`, which is there; an empty one begins at [`Hints::log_start`].
///
/// # Errors
/// [`FileError`] where the disk fails. What is damaged is no error: it is cut or written anew, and said.
pub fn open(folder: &Path, hints: Hints, handles: &Handles) -> Result<Recovered, FileError> {
    todo!()
}
