//! The producers at a log's end: from the latest snapshot that holds, and the heads of the batches behind it.
//!
//! Source: `UnifiedLog.rebuildProducerState`, `ProducerStateManager.removeStraySnapshots`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::Repair;
use crate::engine::files::folder::{self, Kind, Stage};
use crate::engine::files::segment::Segment;
use crate::engine::files::{FileError, snapshot};
use crate::engine::log::Producers;

/// The producers of a log.
#[derive(Debug, Default)]
pub(super) struct Restored {
    /// At its end.
    pub(super) now: Producers,
    /// Where segments begin.
    pub(super) before: BTreeMap<i64, Producers>,
}

/// Restores them. `offsets` are those at which a snapshot is there, `end_offset` is the log's.
pub(super) fn restore(
    folder: &Path,
    offsets: &BTreeSet<i64>,
    segments: &[Segment],
    end_offset: i64,
    repairs: &mut Vec<Repair>,
) -> Result<Restored, FileError> {
    let bases: BTreeSet<i64> = segments.iter().map(|segment| segment.info().base_offset).collect();
    let mut restored = Restored::default();
    let mut latest = None;
    for offset in offsets {
        let path = folder::path(folder, *offset, Kind::Snapshot, Stage::Live);
        let kept = if *offset <= end_offset { snapshot::read(&path)? } else { None };
        if kept.is_none() && *offset <= end_offset {
            repairs.push(Repair { path: path.clone(), what: "removed: the producers in it are damaged".into() });
        }
        // One of a clean stop is read once: what is written from now on makes it untrue.
        if kept.is_none() || !bases.contains(offset) {
            folder::remove(&path)?;
        }
        if let Some(producers) = kept {
            latest = Some(*offset);
            restored.now = producers.clone();
            restored.before.insert(*offset, producers);
        }
    }
    restored.before.retain(|offset, _| bases.contains(offset));
    replay(folder, segments, latest.unwrap_or(i64::MIN), end_offset, &mut restored)?;
    Ok(restored)
}

/// Takes up the batches from `from` on, and keeps the producers where a segment begins.
fn replay(
    folder: &Path,
    segments: &[Segment],
    from: i64,
    end_offset: i64,
    restored: &mut Restored,
) -> Result<(), FileError> {
    if from >= end_offset {
        return Ok(());
    }
    let ends = segments.iter().skip(1).map(|next| next.info().base_offset).chain([end_offset]);
    let first = segments.first().map(|segment| segment.info().base_offset);
    for (segment, end) in segments.iter().zip(ends) {
        let base_offset = segment.info().base_offset;
        if end <= from {
            continue;
        }
        if base_offset > from && Some(base_offset) != first {
            snapshot::write(&folder::path(folder, base_offset, Kind::Snapshot, Stage::Live), &restored.now)?;
            restored.before.insert(base_offset, restored.now.clone());
        }
        let view = segment.view();
        view.walk(view.floor(from)?, |found| {
            if found.header.base_offset >= from {
                restored.now.update(&found.header);
            }
            true
        })?;
    }
    Ok(())
}
