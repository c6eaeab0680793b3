//! The producers at a log's end: from the latest snapshot that holds, and the heads of the batches behind it.
//!
//! A snapshot is believed where what it tells of was flushed: after a power loss one of an earlier life may be back that a
//! truncation had taken. The one at the log's beginning is believed in any case, as nothing else tells of those producers
//! whose batches are gone. Source: `UnifiedLog.rebuildProducerState`, `ProducerStateManager.removeStraySnapshots`.

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
    /// Where a snapshot is within the last segment: what a clean stop left.
    pub(super) at_end: Option<i64>,
}

/// Restores them. `offsets` are those at which a snapshot is there, `end_offset` is the log's; up to `trusted` snapshots are
/// believed.
pub(super) fn restore(
    folder: &Path,
    offsets: &BTreeSet<i64>,
    segments: &[Segment],
    end_offset: i64,
    trusted: i64,
    repairs: &mut Vec<Repair>,
) -> Result<Restored, FileError> {
    let bases: BTreeSet<i64> = segments.iter().map(|segment| segment.info().base_offset).collect();
    let last_base = bases.last().copied().unwrap_or(end_offset);
    let trusted = trusted.max(bases.first().copied().unwrap_or(0)).min(end_offset);
    let mut restored = Restored::default();
    let mut latest = None;
    for offset in offsets {
        let path = folder::path(folder, *offset, Kind::Snapshot, Stage::Live);
        // Between segments there is one only where cleaning took the segment that began there.
        let wanted = *offset <= trusted && (bases.contains(offset) || *offset > last_base);
        let kept = if wanted { snapshot::read(&path)? } else { None };
        let Some(producers) = kept else {
            if wanted {
                repairs.push(Repair { path: path.clone(), what: "removed: the producers in it are damaged".into() });
            }
            folder::remove(&path)?;
            continue;
        };
        latest = Some(*offset);
        restored.now = producers.clone();
        if bases.contains(offset) {
            restored.before.insert(*offset, producers);
        } else {
            restored.at_end = Some(*offset);
        }
    }
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
