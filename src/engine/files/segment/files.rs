//! A segment's files by name: where they are, opened through the pool.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::engine::files::FileError;
use crate::engine::files::folder::{self, Kind, Stage};
use crate::engine::files::handles::Handles;

/// The files of a segment, by name. Shared with the jobs that read and flush it; the last one closes them.
#[derive(Debug)]
pub(crate) struct SegmentFiles {
    /// The pool's number for it.
    number: u64,
    folder: Arc<Path>,
    base_offset: i64,
    stage: Stage,
    handles: Handles,
}

impl SegmentFiles {
    /// Those of the segment at `base_offset`; nothing is opened or made.
    pub(crate) fn new(folder: &Arc<Path>, base_offset: i64, stage: Stage, handles: &Handles) -> Arc<Self> {
        let (folder, handles) = (Arc::clone(folder), handles.clone());
        Arc::new(Self { number: handles.next_segment(), folder, base_offset, stage, handles })
    }

    /// Where one of them is.
    pub(crate) fn path(&self, kind: Kind) -> PathBuf {
        folder::path(&self.folder, self.base_offset, kind, self.stage)
    }

    /// One of them, to be read and to be appended to.
    pub(crate) fn open(&self, kind: Kind) -> Result<Arc<File>, FileError> {
        let path = || self.path(kind);
        self.handles.get((self.number, kind as u8), path).map_err(|error| FileError::new("open", &path(), error))
    }

    /// The offset that they are named by.
    pub(crate) fn base_offset(&self) -> i64 {
        self.base_offset
    }

    /// Waits until the file is on the disk.
    pub(crate) fn sync(&self, kind: Kind) -> Result<(), FileError> {
        self.open(kind)?.sync_all().map_err(self.error("flush", kind))
    }

    /// How long the file is; `None` where there is none.
    pub(crate) fn length(&self, kind: Kind) -> Result<Option<u64>, FileError> {
        match std::fs::metadata(self.path(kind)) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.error("look at", kind)(error)),
        }
    }

    /// Makes the file, empty.
    pub(crate) fn create(&self, kind: Kind) -> Result<(), FileError> {
        let path = self.path(kind);
        let file = OpenOptions::new().read(true).append(true).create(true).open(&path);
        let file = file.and_then(|file| file.set_len(0).map(|()| file)).map_err(FileError::of("create", &path))?;
        self.handles.put((self.number, kind as u8), Arc::new(file));
        Ok(())
    }

    /// An error of `operation` on the file of `kind`.
    pub(crate) fn error(&self, operation: &'static str, kind: Kind) -> impl FnOnce(io::Error) -> FileError {
        let path = self.path(kind);
        move |error| FileError::new(operation, &path, error)
    }
}

impl Drop for SegmentFiles {
    fn drop(&mut self) {
        self.handles.forget(self.number);
    }
}
