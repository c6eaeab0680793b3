//! What waits for the disk and leaves as a job: flushes and removals. A job owns what it needs, by name: it opens a file
//! when it runs, so thousands of them hold no handles, and what is gone by then needs no flush.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::FileError;
use super::folder::{self, Kind};
use super::segment::SegmentFiles;
use super::text::sync_folder;

/// What of a log was written and may not be on the disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Unflushed {
    /// Segments that grew, shrank or were made.
    pub(super) segments: Vec<Arc<SegmentFiles>>,
    /// Texts and snapshots.
    pub(super) others: Vec<PathBuf>,
    /// Whether files were made, renamed or removed.
    pub(super) names: bool,
}

impl Unflushed {
    /// Takes up what came later.
    pub(super) fn absorb(&mut self, later: Self) {
        for segment in later.segments {
            if !self.segments.iter().any(|known| Arc::ptr_eq(known, &segment)) {
                self.segments.push(segment);
            }
        }
        self.others.extend(later.others);
        self.others.sort_unstable();
        self.others.dedup();
        self.names |= later.names;
    }
}

/// Brings a log to the disk: what was written when it was asked for. It may run on any thread.
#[derive(Debug)]
#[must_use = "nothing is on the disk before it has run"]
pub struct Flush {
    pub(super) folder: Arc<Path>,
    pub(super) what: Unflushed,
    pub(super) up_to: i64,
}

impl Flush {
    /// The offset below which everything is on the disk once it has run.
    pub fn up_to(&self) -> i64 {
        self.up_to
    }

    /// Whether there is nothing to wait for.
    pub fn is_empty(&self) -> bool {
        self.what.segments.is_empty() && self.what.others.is_empty() && !self.what.names
    }

    /// Waits for the disk. Returns the offset below which everything is on it. What was removed meanwhile is no error.
    pub fn run(self) -> Result<i64, FileError> {
        for segment in &self.what.segments {
            Kind::OPEN.into_iter().try_for_each(|kind| unless_missing(segment.sync(kind)))?;
        }
        for path in &self.what.others {
            let synced = std::fs::File::open(path).and_then(|file| file.sync_all());
            unless_missing(synced.map_err(FileError::of("flush", path)))?;
        }
        if self.what.names {
            unless_missing(sync_folder(&self.folder))?;
        }
        Ok(self.up_to)
    }
}

fn unless_missing(result: Result<(), FileError>) -> Result<(), FileError> {
    result.or_else(|error| if error.is_missing() { Ok(()) } else { Err(error) })
}

/// Unlinks files that the log has let go already. It may run on any thread, or never: recovery does the same.
#[derive(Debug, Default)]
#[must_use = "the files take their place until it has run"]
pub struct Removal {
    /// The folder whose renames have to be on the disk before anything is unlinked: a crash leaves one of the two.
    pub(super) folder: Option<Arc<Path>>,
    pub(super) files: Vec<PathBuf>,
    pub(super) folders: Vec<PathBuf>,
}

impl Removal {
    /// Whether there is anything to do.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.folders.is_empty()
    }

    /// Unlinks them. What is not there any more is no error.
    pub fn run(self) -> Result<(), FileError> {
        if let Some(folder) = self.folder.filter(|_| !self.files.is_empty()) {
            unless_missing(sync_folder(&folder))?;
        }
        for path in &self.files {
            folder::remove(path)?;
        }
        for path in &self.folders {
            let removed = std::fs::remove_dir_all(path);
            if let Err(error) = removed.or_else(|error| ignore(error, io::ErrorKind::NotFound)) {
                return Err(FileError::new("remove", path, error));
            }
        }
        Ok(())
    }
}

fn ignore(error: io::Error, kind: io::ErrorKind) -> io::Result<()> {
    if error.kind() == kind { Ok(()) } else { Err(error) }
}
