//! What a disk refuses: what the system said, the operation, and the path. The system's words come first: paths are long, and
//! a list cuts off what does not fit.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::engine::log::StorageError;

/// A file operation that failed. Kafka takes the whole log directory offline for one (`LogDirFailureChannel`).
#[derive(Debug, Error)]
#[error("{source}: cannot {operation} {}{}", path.display(), if *torn { "; what it left behind cannot be undone" } else { "" })]
pub struct FileError {
    /// What was tried, as it stands in a sentence: "append to".
    pub operation: &'static str,
    /// On which file or folder.
    pub path: PathBuf,
    /// Why it failed.
    pub source: io::Error,
    /// Whether a part of it may stand in the file: then only recovery can put the log right, and the log takes no append
    /// any more. Elsewhere the log is what it was before.
    pub torn: bool,
}

impl FileError {
    /// An error that left nothing behind.
    pub(super) fn new(operation: &'static str, path: &Path, source: io::Error) -> Self {
        Self { operation, path: path.to_owned(), source, torn: false }
    }

    /// Makes an error of `operation` on `path` out of what the system says.
    pub(super) fn of(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::new(operation, path, source)
    }

    /// The same, as one that left something behind.
    pub(super) fn torn(self) -> Self {
        Self { torn: true, ..self }
    }

    /// Whether the file was not there.
    pub(super) fn is_missing(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }
}

impl From<FileError> for StorageError {
    fn from(error: FileError) -> Self {
        Self(error.to_string())
    }
}
