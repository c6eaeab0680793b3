//! What a crash leaves of half-finished steps: each becomes the old or the new, before anything is read.
//!
//! `.deleted` files are let go. A cleaning that was still writing (`.cleaned`) is undone, with the segments of it that
//! were ready; one that was ready (`.swap`) is finished: what it covers goes, and it takes its place. An index without
//! its log is nothing. Source: `LogLoader.load`, its first three passes.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::Repair;
use crate::engine::files::FileError;
use crate::engine::files::clean::restage;
use crate::engine::files::folder::{self, BESIDE, Kind, Named, Stage};
use crate::engine::files::handles::Handles;
use crate::engine::files::segment::SegmentFiles;
use crate::engine::files::walk::Walk;

/// What counts in a folder.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// The base offsets of its segments.
    pub(super) logs: BTreeSet<i64>,
    /// The offsets at which the producers were kept.
    pub(super) snapshots: BTreeSet<i64>,
}

/// Puts the folder in order, and says what is in it.
pub(super) fn tidy(folder: &Arc<Path>, handles: &Handles, repairs: &mut Vec<Repair>) -> Result<Contents, FileError> {
    let mut named = list(folder)?;
    let staged = |stage: Stage| named.iter().filter(move |file| file.stage == stage);
    let unfinished: Option<i64> = staged(Stage::Cleaned).map(|file| file.offset).min();
    let (undone, ready): (Vec<Named>, Vec<Named>) =
        staged(Stage::Swap).partition(|file| unfinished.is_some_and(|least| file.offset >= least));
    for file in staged(Stage::Cleaned).chain(&undone) {
        remove(folder, *file, "removed: its cleaning was not finished", repairs)?;
    }
    for file in staged(Stage::Deleted) {
        folder::remove(&file.path(folder))?;
    }
    if ready.iter().any(|file| file.kind == Kind::Log) {
        finish_swap(folder, handles, &named, &ready, repairs)?;
        named = list(folder)?;
    }
    let live = |kind: Kind| named.iter().filter(move |file| file.stage == Stage::Live && file.kind == kind);
    let logs: BTreeSet<i64> = live(Kind::Log).map(|file| file.offset).collect();
    for kind in [Kind::Index, Kind::TimeIndex, Kind::TxnIndex] {
        for orphan in live(kind).filter(|file| !logs.contains(&file.offset)) {
            remove(folder, *orphan, "removed: there is no log that it belongs to", repairs)?;
        }
    }
    Ok(Contents { snapshots: live(Kind::Snapshot).map(|file| file.offset).collect(), logs })
}

fn remove(folder: &Path, file: Named, what: &str, repairs: &mut Vec<Repair>) -> Result<(), FileError> {
    let path = file.path(folder);
    folder::remove(&path)?;
    if file.kind == Kind::Log || file.stage == Stage::Live {
        repairs.push(Repair { path, what: what.into() });
    }
    Ok(())
}

/// The files that are named by an offset. A text that did not come to replace the one before is removed.
fn list(folder: &Path) -> Result<Vec<Named>, FileError> {
    let mut named = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(FileError::of("list", folder))? {
        let entry = entry.map_err(FileError::of("list", folder))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.ends_with(BESIDE) {
            folder::remove(&entry.path())?;
        }
        named.extend(Named::parse(&name));
    }
    named.sort_unstable();
    Ok(named)
}

/// Cleaned segments that were ready take the place of those that they cover.
fn finish_swap(
    folder: &Arc<Path>,
    handles: &Handles,
    named: &[Named],
    ready: &[Named],
    repairs: &mut Vec<Repair>,
) -> Result<(), FileError> {
    let bases: BTreeSet<i64> = ready.iter().filter(|file| file.kind == Kind::Log).map(|file| file.offset).collect();
    let ends: Result<Vec<i64>, FileError> = bases.iter().map(|base| end_of_swap(folder, *base, handles)).collect();
    let (Some(from), Some(to)) = (bases.first(), ends?.into_iter().max()) else { return Ok(()) };
    let covered = |file: &&Named| file.stage == Stage::Live && (*from..to).contains(&file.offset);
    for file in named.iter().filter(covered).filter(|file| Kind::OF_SEGMENT.contains(&file.kind)) {
        folder::remove(&file.path(folder))?;
    }
    for base_offset in bases {
        restage(folder, base_offset, Stage::Swap, Stage::Live)?;
        let path = folder::path(folder, base_offset, Kind::Log, Stage::Live);
        repairs.push(Repair { path, what: "replaced by its cleaned segment, which was ready".into() });
    }
    Ok(())
}

/// Where a cleaned segment ends; where it begins, if it is empty.
fn end_of_swap(folder: &Arc<Path>, base_offset: i64, handles: &Handles) -> Result<i64, FileError> {
    let files = SegmentFiles::new(folder, base_offset, Stage::Swap, handles);
    let size = files.length(Kind::Log)?.unwrap_or(0);
    let log = files.open(Kind::Log)?;
    let mut walk = Walk::heads(&log, 0, size);
    let mut end = base_offset;
    while let Some(Ok(found)) = walk.next().map_err(files.error("read", Kind::Log))? {
        end = found.header.next_offset();
    }
    Ok(end)
}
