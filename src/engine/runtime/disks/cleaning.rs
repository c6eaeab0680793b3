//! Compaction of a log on files: what [`clean`] decides, read from the old segments and written beside them. It takes long,
//! and has a thread of its own.

use std::cell::RefCell;

use thiserror::Error;

use crate::engine::files::{self, Cleaning, FileError};
use crate::engine::log::CleanPlan;
use crate::engine::log::clean::{Cleaned, Left, clean};
use crate::protocol::records::BatchError;

/// Why a log was not cleaned.
#[derive(Debug, Error)]
pub(super) enum Failure {
    /// A batch cannot be read: the log cannot be cleaned, and is left alone.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// The disk failed.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Cleans as `plan` says. Returns what the core is told, and what [`FileLog::swap`](files::FileLog::swap) wants.
pub(super) fn run(mut cleaning: Cleaning, plan: &CleanPlan) -> Result<(Cleaned, files::Cleaned), Failure> {
    cleaning.clear()?;
    let old = cleaning.old();
    let failed = RefCell::new(None);
    let batches_from = |offset| {
        let batches = old.batches_from(offset);
        batches.map_while(|batch| batch.map_err(|error| *failed.borrow_mut() = Some(error)).ok())
    };
    let outcome = clean(plan, batches_from, |base_offset, left| {
        let mut unreadable = None;
        let readable = left.map_while(|batch| batch.map_err(|error| unreadable = Some(error)).ok());
        let written = cleaning.write(base_offset, readable)?;
        unreadable.map_or(Ok(Left::OnDisk(written)), |error| Err(Failure::Batch(error)))
    });
    let outcome = failed.into_inner().map_or(outcome, |error| Err(error.into()));
    match outcome {
        Ok(cleaned) => {
            cleaning.only(cleaned.segments.iter().map(|segment| segment.replaces.len()).sum());
            let written = cleaning.finish()?;
            Ok((cleaned, written))
        }
        Err(error) => {
            // What stays half-written is removed by the next start.
            let _ = cleaning.abandon().run();
            Err(error)
        }
    }
}
