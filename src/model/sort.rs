//! The order of a table's rows: by which of its columns, and which way. What can be sorted by is a table of columns; the
//! order of equal rows is that in which they came, which is that of their identity.

use std::cmp::Reverse;

use crate::session::snapshot::{Broker, Group, Partition, Topic};

/// What a row is sorted by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A number.
    Number(i64),
    /// Text, by its characters.
    Words(String),
}

/// A column that a table can be sorted by.
#[derive(Clone, Copy, Debug)]
pub struct Column<T> {
    /// Its head.
    pub name: &'static str,
    /// What a row has in it.
    pub key: fn(&T) -> Key,
    /// Whether the largest come first, unless reversed: who sorts by a rate looks for the highest.
    pub largest_first: bool,
}

impl<T> Column<T> {
    const fn smallest(name: &'static str, key: fn(&T) -> Key) -> Self {
        Self { name, key, largest_first: false }
    }

    const fn largest(name: &'static str, key: fn(&T) -> Key) -> Self {
        Self { name, key, largest_first: true }
    }
}

/// The columns of the list of topics; the first one is the order at the start.
pub const TOPICS: &[Column<Topic>] = &[
    Column::smallest("topic", |t| Key::Words(t.name.to_string())),
    Column::largest("parts", |t| length(t.partitions.len())),
    Column::largest("copies", |t| Key::Number(t.replication_factor.into())),
    Column::largest("in sync", |t| sum(t, troubles)),
    Column::largest("records", |t| sum(t, |p| p.log_end - p.log_start)),
    Column::largest("in/s", |t| sum(t, |p| number(p.in_per_sec))),
    Column::largest("size", |t| sum(t, |p| number(p.size_bytes))),
    Column::largest("segs", |t| sum(t, |p| number(p.segment_count()))),
    Column::largest("log start", |t| Key::Number(log_starts(t).1)),
    Column::largest("kept for", |t| Key::Number(kept(t))),
];

/// The columns of a topic's partitions.
pub const PARTITIONS: &[Column<Partition>] = &[
    Column::smallest("p", |p| Key::Number(p.id.into())),
    Column::smallest("copies", |p| Key::Number(p.leader.unwrap_or(-1).into())),
    Column::largest("in sync", |p| Key::Number(troubles(p))),
    Column::largest("epoch", |p| Key::Number(p.leader_epoch.into())),
    Column::largest("log start", |p| Key::Number(p.log_start)),
    Column::largest("stable", |p| Key::Number(p.last_stable.unwrap_or(-1))),
    Column::largest("high water", |p| Key::Number(p.high_watermark)),
    Column::largest("log end", |p| Key::Number(p.log_end)),
    Column::largest("size", |p| Key::Number(number(p.size_bytes))),
    Column::largest("segs", |p| Key::Number(number(p.segment_count()))),
    Column::largest("in/s", |p| Key::Number(number(p.in_per_sec))),
];

/// The columns of the list of brokers.
pub const BROKERS: &[Column<Broker>] = &[
    Column::smallest("broker", |b| Key::Number(b.id.into())),
    Column::largest("leads", |b| Key::Number(b.leaders.into())),
    Column::largest("copies", |b| Key::Number(b.replicas.into())),
    Column::largest("in sync", |b| Key::Number(b.in_sync.into())),
    Column::largest("in/s", |b| Key::Number(number(b.in_per_sec))),
    Column::largest("out/s", |b| Key::Number(number(b.out_per_sec))),
    Column::largest("log", |b| Key::Number(number(b.log_bytes))),
    Column::largest("session", |b| Key::Number(b.session.as_ref().map_or(-1, |session| number(session.silent_ms)))),
    Column::largest("clients", |b| length(b.connections.len())),
    Column::largest("errors", |b| Key::Number(number(b.requests.values().map(|n| n.errors).sum()))),
    Column::smallest("address", |b| Key::Words(b.address.to_string())),
];

/// The columns of the list of groups.
pub const GROUPS: &[Column<Group>] = &[
    Column::smallest("group", |g| Key::Words(g.id.to_string())),
    Column::largest("state", |g| Key::Number(i64::from(g.state.is_moving()))),
    Column::largest("members", |g| Key::Number(g.member_count.into())),
    Column::largest("idle", |g| length(g.idle().count())),
    Column::smallest("topics", |g| Key::Words(g.topics.first().map(ToString::to_string).unwrap_or_default())),
    Column::largest("lag", |g| Key::Number(number(g.lag))),
    Column::largest("reads/s", |g| Key::Number(number(g.read_per_sec))),
    Column::largest("gen", |g| Key::Number(g.generation.into())),
    Column::smallest("coordinator", |g| Key::Number(g.coordinator.unwrap_or(i32::MAX).into())),
    Column::smallest("assignor", |g| Key::Words(g.assignor.as_deref().unwrap_or_default().to_owned())),
];

/// How bad a partition is: no leader is worse than any number of missing copies.
fn troubles(partition: &Partition) -> i64 {
    let missing = partition.replicas.len().saturating_sub(partition.isr.len());
    let missing = i64::try_from(missing).unwrap_or(i64::MAX);
    if partition.leader.is_none() { missing + 1_000 } else { missing }
}

/// Where the logs of a topic begin: the smallest and the largest offset. Nothing was deleted where both are 0.
pub fn log_starts(topic: &Topic) -> (i64, i64) {
    let starts = || topic.partitions.iter().map(|partition| partition.log_start);
    (starts().min().unwrap_or(0), starts().max().unwrap_or(0))
}

/// For ever is longest.
fn kept(topic: &Topic) -> i64 {
    if topic.retention_ms < 0 { i64::MAX } else { topic.retention_ms }
}

fn sum(topic: &Topic, of: fn(&Partition) -> i64) -> Key {
    Key::Number(topic.partitions.iter().map(|partition| of(partition)).sum())
}

fn length(n: usize) -> Key {
    Key::Number(i64::try_from(n).unwrap_or(i64::MAX))
}

fn number(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// The order chosen for one table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sorting {
    column: usize,
    reversed: bool,
}

impl Sorting {
    /// Sorts by the next column, around; the new one in its own direction.
    pub fn next<T>(&mut self, columns: &[Column<T>]) {
        *self = Self { column: (self.column + 1) % columns.len().max(1), reversed: false };
    }

    /// Turns the order around.
    pub fn reverse(&mut self) {
        self.reversed = !self.reversed;
    }

    /// The name of the column that it sorts by, and whether the largest come first.
    pub fn by<T>(self, columns: &[Column<T>]) -> (&'static str, bool) {
        let column = columns.get(self.column);
        column.map_or(("", false), |column| (column.name, column.largest_first != self.reversed))
    }

    /// The rows in this order.
    pub fn apply<'a, T>(self, columns: &[Column<T>], rows: impl IntoIterator<Item = &'a T>) -> Vec<&'a T> {
        let mut rows: Vec<&T> = rows.into_iter().collect();
        let Some(column) = columns.get(self.column) else { return rows };
        if self == Self::default() {
            return rows;
        }
        if column.largest_first == self.reversed {
            rows.sort_by_cached_key(|row| (column.key)(row));
        } else {
            rows.sort_by_cached_key(|row| Reverse((column.key)(row)));
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partitions() -> Vec<Partition> {
        let of = |id, log_end, epoch| Partition { id, log_end, leader_epoch: epoch, ..Partition::default() };
        vec![of(0, 7, 1), of(1, 9, 1), of(2, 8, 3)]
    }

    fn order(sorting: Sorting) -> Vec<i32> {
        sorting.apply(PARTITIONS, &partitions()).iter().map(|partition| partition.id).collect()
    }

    fn by(name: &str) -> Sorting {
        let mut sorting = Sorting::default();
        while sorting.by(PARTITIONS).0 != name {
            sorting.next(PARTITIONS);
        }
        sorting
    }

    #[test]
    fn numbers_sort_with_the_largest_on_top_and_equal_rows_keep_their_order() {
        assert_eq!(order(Sorting::default()), [0, 1, 2]);
        assert_eq!(order(by("log end")), [1, 2, 0]);
        assert_eq!(order(by("epoch")), [2, 0, 1]);
        let mut reversed = by("log end");
        reversed.reverse();
        assert_eq!(order(reversed), [0, 2, 1]);
        assert_eq!(reversed.by(PARTITIONS), ("log end", false));
    }

    #[test]
    fn the_first_column_can_be_reversed_and_the_last_leads_back_to_it() {
        let mut sorting = Sorting::default();
        sorting.reverse();
        assert_eq!(order(sorting), [2, 1, 0]);
        for _ in PARTITIONS {
            sorting.next(PARTITIONS);
        }
        assert_eq!(sorting, Sorting::default());
    }
}
