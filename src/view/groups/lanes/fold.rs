//! The partitions of one owner as one lane.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::session::snapshot::{Group, GroupPartition, LaneRun};
use crate::view::format::plural;
use crate::view::line::Line;
use crate::view::role::Role;

use super::Row;

/// A row for each owner, in the order of their names; what nobody owns comes last.
pub(super) fn by_owner(group: &Group, wide: bool) -> Vec<Row> {
    let mut owners: BTreeMap<_, Vec<&GroupPartition>> = BTreeMap::new();
    for partition in &group.partitions {
        let tag = partition.owner.as_deref();
        // c2 before c10.
        owners.entry((tag.is_none(), tag.map_or(0, str::len), tag)).or_default().push(partition);
    }
    owners.into_values().filter_map(|all| row(&all, wide)).collect()
}

fn row(all: &[&GroupPartition], wide: bool) -> Option<Row> {
    let first = *all.first()?;
    let stopped = all.iter().filter(|partition| partition.reader.is_none()).count();
    let sum = |of: fn(&GroupPartition) -> u64| all.iter().map(|partition| of(partition)).sum::<u64>();
    let lags = all.iter().filter_map(|partition| partition.lag);
    let longest = all.iter().map(|partition| partition.behinds.len()).max().unwrap_or(0);
    let behind_at = |back: usize| {
        let of = |partition: &&GroupPartition| partition.behinds.iter().rev().nth(back).copied();
        all.iter().filter_map(of).sum()
    };
    let partition = GroupPartition {
        reader: (stopped < all.len()).then(|| first.owner.clone()).flatten(),
        unread_ms: all.iter().filter_map(|partition| partition.unread_ms).max(),
        committed: None,
        position: None,
        lag: (lags.clone().count() > 0).then(|| lags.sum()),
        behind: sum(|partition| partition.behind),
        trend_per_sec: all.iter().map(|partition| partition.trend_per_sec).sum(),
        read_per_sec: sum(|partition| partition.read_per_sec),
        behinds: (0..longest).rev().map(behind_at).collect(),
        lane: lane(all),
        ..first.clone()
    };
    let words = match (stopped, first.owner.is_some()) {
        (_, false) => Line::of(Role::Faint, "nobody's"),
        (0, true) => Line::of(Role::Dim, "read"),
        (n, true) => Line::of(Role::Warn, format!("{n} stopped")),
    };
    let label = if wide { plural(all.len(), "partition") } else { format!("×{}", all.len()) };
    Some(Row { label, partition, committed: None, log_end: None, now: words })
}

/// Their lanes in one: solid where all were read, thin where some were, nobody where none was. Of several readers it names
/// the one that read most of them.
fn lane(all: &[&GroupPartition]) -> Vec<LaneRun> {
    let cells: Vec<Vec<Option<&Arc<str>>>> = all.iter().map(|partition| cells(&partition.lane)).collect();
    let longest = cells.iter().map(Vec::len).max().unwrap_or(0);
    let mut runs: Vec<LaneRun> = Vec::new();
    for back in (0..longest).rev() {
        let mut readers: BTreeMap<&Arc<str>, usize> = BTreeMap::new();
        for cells in &cells {
            if let Some(Some(reader)) = cells.len().checked_sub(back + 1).and_then(|at| cells.get(at)) {
                *readers.entry(reader).or_default() += 1;
            }
        }
        let read: usize = readers.values().sum();
        let reader = readers.into_iter().max_by_key(|(_, count)| *count).map(|(tag, _)| Arc::clone(tag));
        let seen = read == all.len();
        match runs.last_mut().filter(|run| run.reader == reader && run.seen == seen) {
            Some(run) => run.cells += 1,
            None => runs.push(LaneRun { cells: 1, reader, seen }),
        }
    }
    runs
}

/// Who read, cell by cell, oldest first.
fn cells(lane: &[LaneRun]) -> Vec<Option<&Arc<str>>> {
    lane.iter().flat_map(|run| std::iter::repeat_n(run.reader.as_ref(), run.cells.into())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::fixture;

    #[test]
    fn a_lane_of_several_is_thin_where_some_of_them_stand() {
        let snapshot = fixture::rebalance();
        let group = snapshot.groups.values().next().unwrap();
        let mut all: Vec<&GroupPartition> = group.partitions.iter().filter(|at| at.at.partition < 5).collect();
        let of = |all: &[&GroupPartition]| {
            let runs = lane(all).into_iter();
            runs.map(|run| (run.cells, run.reader.map(|tag| tag.to_string()), run.seen)).collect::<Vec<_>>()
        };
        let c1 = || Some("c1".to_owned());
        // Four of c1 stood 10 cells ago, one of c2 a cell later.
        assert_eq!(of(&all), [(50, c1(), true), (1, Some("c2".to_owned()), false), (9, None, false)]);
        all.truncate(4);
        assert_eq!(of(&all), [(50, c1(), true), (10, None, false)]);
    }

    #[test]
    fn what_an_owner_has_adds_up() {
        let snapshot = fixture::calm();
        let group = snapshot.groups.values().next().unwrap();
        let rows = by_owner(group, true);
        let said: Vec<_> = rows.iter().map(|row| (row.partition.owner.as_deref().unwrap(), &*row.label)).collect();
        assert_eq!(said, [("c1", "4 partitions"), ("c2", "3 partitions"), ("c3", "3 partitions")]);
        let lags: u64 = rows.iter().filter_map(|row| row.partition.lag).sum();
        assert_eq!(lags, group.lag);
    }
}
