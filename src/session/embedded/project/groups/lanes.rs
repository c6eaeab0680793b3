//! Who read a partition when, and how its lag moved: what takes many looks to know. A lane is cut into cells of lab time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::super::rates::Meter;
use super::Look;
use crate::session::snapshot::{Group, GroupPartition, LaneRun, TopicPartition};

/// Over how long a trend is taken, in microseconds of lab time.
const TREND_US: u64 = 2_000_000;

/// For how long a reader whose position stands, though there is something to read, still counts as reading.
const STANDS_US: u64 = 1_000_000;

/// Who reads a partition at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reader {
    /// Its tag.
    pub(super) tag: Arc<str>,
    /// The next offset that it will process; `None` for one outside, of which only commits are seen.
    pub(super) position: Option<i64>,
    /// Whether it has polled records that it works on.
    pub(super) works: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Cell {
    reader: Option<Arc<str>>,
    seen: bool,
}

/// One partition's.
#[derive(Default)]
struct Lane {
    /// The number of the newest cell; they end there.
    newest: u64,
    cells: VecDeque<Cell>,
    unread_since_us: Option<u64>,
    /// The last offset that was seen of its reader, or committed, and when it moved.
    moved: (i64, u64),
    /// What it was at the last look.
    moved_from: i64,
    read: Meter,
    curve: Curve,
}

/// How a number moved.
#[derive(Default)]
struct Curve {
    /// When, and what it was then, oldest first: as far back as the trend goes.
    recent: VecDeque<(u64, u64)>,
    /// What it was at the end of each slot, oldest first.
    slots: VecDeque<u64>,
    slot: u64,
}

/// All lanes of a group.
#[derive(Default)]
pub(super) struct Lanes {
    by_partition: BTreeMap<TopicPartition, Lane>,
    total: Curve,
}

impl Lanes {
    /// The number of the cell that a lab time falls in.
    pub(super) fn cell(us: u64) -> u64 {
        us / Group::LANE_CELL_US
    }

    /// Forgets lanes of partitions that the group does not read any more.
    pub(super) fn retain(&mut self, wanted: impl Fn(&TopicPartition) -> bool) {
        self.by_partition.retain(|at, _| wanted(at));
    }

    /// Looks at a partition now, and writes down what takes more than one look.
    pub(super) fn go_on(&mut self, partition: &mut GroupPartition, reader: Option<&Reader>, look: &Look<'_>) {
        let lane = self.by_partition.entry(partition.at.clone()).or_default();
        lane.look(partition, reader, look.now.lab.0);
    }

    /// The trend of the whole group's `behind`, and what it was in the last slots.
    pub(super) fn total(&mut self, now_us: u64, behind: u64) -> (i64, Vec<u64>) {
        self.total.set(now_us, behind);
        (self.total.trend(), self.total.slots(behind))
    }
}

impl Lane {
    fn look(&mut self, partition: &mut GroupPartition, reader: Option<&Reader>, now_us: u64) {
        let offset = reader.and_then(|reader| reader.position).or(partition.committed).unwrap_or(0);
        let moves = offset != self.moved.0;
        if moves || self.cells.is_empty() {
            self.moved = (offset, now_us);
        }
        partition.position = reader.and_then(|reader| reader.position);
        partition.behind = u64::try_from(partition.log_end.saturating_sub(offset)).unwrap_or(0);
        if offset < self.moved_from {
            // Its offsets were set back, or its reader fell back to them: that is no speed.
            (self.read, self.curve) = (Meter::default(), Curve::default());
        }
        self.moved_from = offset;
        self.read.set(now_us, u64::try_from(offset).unwrap_or(0));
        self.curve.set(now_us, partition.behind);
        let stands = now_us >= self.moved.1.saturating_add(STANDS_US);
        // One outside is seen by its commits alone.
        let seen = reader.is_some_and(|reader| reader.position.is_some() || moves);
        let reads = |reader: &&Reader| reader.position.is_none() || reader.works || partition.behind == 0 || !stands;
        let reader = reader.filter(reads).map(|reader| Arc::clone(&reader.tag));
        match (&reader, self.unread_since_us) {
            (Some(_), _) => self.unread_since_us = None,
            (None, None) => self.unread_since_us = Some(now_us),
            (None, Some(_)) => {}
        }
        partition.reader.clone_from(&reader);
        partition.unread_ms = self.unread_since_us.map(|since| now_us.saturating_sub(since) / 1_000);
        partition.trend_per_sec = self.curve.trend();
        partition.read_per_sec = if partition.reader.is_some() { self.read.per_sec() } else { 0 };
        partition.behinds = self.curve.slots(partition.behind);
        self.write(Lanes::cell(now_us), Cell { reader, seen });
        partition.lane = self.runs();
    }

    /// The cells up to this one are as it is now; the newest one stays as it was at the last look in it.
    fn write(&mut self, cell: u64, now: Cell) {
        if self.cells.is_empty() {
            self.newest = cell;
            self.cells.push_back(now);
            return;
        }
        if cell <= self.newest {
            if let Some(newest) = self.cells.back_mut() {
                // A commit is a moment: it is not forgotten within its cell.
                let seen = now.seen || (newest.seen && newest.reader == now.reader);
                *newest = Cell { seen, ..now };
            }
            return;
        }
        let missing = (cell - self.newest).min(u64::try_from(Group::LANE_CELLS).unwrap_or(u64::MAX));
        for _ in 0..missing {
            self.cells.push_back(now.clone());
        }
        self.newest = cell;
        while self.cells.len() > Group::LANE_CELLS {
            self.cells.pop_front();
        }
    }

    fn runs(&self) -> Vec<LaneRun> {
        let mut runs: Vec<LaneRun> = Vec::new();
        for cell in &self.cells {
            match runs.last_mut().filter(|run| run.reader == cell.reader && run.seen == cell.seen) {
                Some(run) => run.cells += 1,
                None => runs.push(LaneRun { cells: 1, reader: cell.reader.clone(), seen: cell.seen }),
            }
        }
        runs
    }
}

impl Curve {
    fn set(&mut self, now_us: u64, value: u64) {
        self.recent.push_back((now_us, value));
        while self.recent.get(1).is_some_and(|(at, _)| at + TREND_US <= now_us) {
            self.recent.pop_front();
        }
        let slot = now_us / Group::LAG_EVERY_US;
        if slot > self.slot {
            self.slot = slot;
            self.slots.push_back(value);
            while self.slots.len() >= Group::LAGS {
                self.slots.pop_front();
            }
        }
    }

    /// The slots, with what it is now as the last one.
    fn slots(&self, now: u64) -> Vec<u64> {
        self.slots.iter().copied().chain([now]).collect()
    }

    /// How it moved, per second: negative when it shrinks.
    fn trend(&self) -> i64 {
        let (Some((from_us, from)), Some((to_us, to))) = (self.recent.front(), self.recent.back()) else { return 0 };
        let passed = i64::try_from(to_us.saturating_sub(*from_us)).unwrap_or(i64::MAX);
        // Over less than a second a batch more or less would be a trend.
        if passed < 1_000_000 {
            return 0;
        }
        let (from, to) = (i64::try_from(*from).unwrap_or(i64::MAX), i64::try_from(*to).unwrap_or(i64::MAX));
        (to - from).saturating_mul(1_000_000) / passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(log_end: i64) -> GroupPartition {
        let at = TopicPartition { topic: "trucks".into(), partition: 0 };
        GroupPartition {
            at,
            owner: None,
            reader: None,
            unread_ms: None,
            committed: Some(0),
            position: None,
            log_end,
            lag: None,
            behind: 0,
            trend_per_sec: 0,
            read_per_sec: 0,
            behinds: Vec::new(),
            lane: Vec::new(),
        }
    }

    fn reader(position: i64, works: bool) -> Reader {
        Reader { tag: "c1".into(), position: Some(position), works }
    }

    #[test]
    fn a_reader_that_stands_before_records_reads_nothing_unless_it_works() {
        let mut lane = Lane::default();
        let mut at = partition(10);
        lane.look(&mut at, Some(&reader(5, false)), 0);
        assert_eq!((at.reader.as_deref(), at.behind), (Some("c1"), 5));
        lane.look(&mut at, Some(&reader(5, false)), 1_500_000);
        assert_eq!((at.reader.as_deref(), at.unread_ms), (None, Some(0)), "it stands for more than a second");
        lane.look(&mut at, Some(&reader(5, true)), 1_600_000);
        assert_eq!(at.reader.as_deref(), Some("c1"), "it has records in hand");
        lane.look(&mut at, Some(&reader(10, false)), 1_700_000);
        lane.look(&mut at, Some(&reader(10, false)), 9_700_000);
        assert_eq!(at.reader.as_deref(), Some("c1"), "there is nothing to read");
    }

    #[test]
    fn a_lane_says_who_read_when_and_is_no_longer_than_its_cells() {
        let mut lane = Lane::default();
        let mut at = partition(10);
        lane.look(&mut at, Some(&reader(10, false)), 0);
        lane.look(&mut at, None, 250_000);
        lane.look(&mut at, None, 540_000);
        let said: Vec<(u16, bool)> = at.lane.iter().map(|run| (run.cells, run.reader.is_some())).collect();
        assert_eq!(said, [(1, true), (5, false)]);
        assert_eq!(at.unread_ms, Some(290));
        lane.look(&mut at, Some(&reader(10, false)), 60_000_000);
        assert_eq!(at.lane.iter().map(|run| usize::from(run.cells)).sum::<usize>(), Group::LANE_CELLS);
    }

    #[test]
    fn of_one_outside_only_commits_are_seen() {
        let mut lane = Lane::default();
        let mut at = partition(10);
        let outside = Reader { tag: "c1".into(), position: None, works: false };
        lane.look(&mut at, Some(&outside), 0);
        at.committed = Some(7);
        lane.look(&mut at, Some(&outside), 100_000);
        lane.look(&mut at, Some(&outside), 200_000);
        let said: Vec<(u16, bool)> = at.lane.iter().map(|run| (run.cells, run.seen)).collect();
        assert_eq!(said, [(1, false), (1, true), (1, false)]);
    }
}
