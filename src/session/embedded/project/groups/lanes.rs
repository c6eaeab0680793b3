//! Who read a partition when, and how its lag moved: what takes many looks to know. A lane is shown in cells of lab time, the
//! finer the slower the lab runs.

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

/// From which rate on, in millionths of real time, a cell stands for how much lab time, in microseconds: a person sees some
/// ten of them go by in a second.
const CELLS_US: [(u64, u64); 4] = [(600_000, Group::LANE_CELL_US), (150_000, 50_000), (40_000, 20_000), (0, 5_000)];

/// How much lab time a cell stands for at a rate, in microseconds.
pub(super) fn cell_us(rate_ppm: u64) -> u64 {
    CELLS_US.iter().find(|(from, _)| rate_ppm >= *from).map_or(Group::LANE_CELL_US, |(_, us)| *us)
}

/// How many changes of a lane are remembered.
const MOST_CHANGES: usize = 256;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Cell {
    reader: Option<Arc<str>>,
    seen: bool,
}

/// One partition's.
#[derive(Default)]
struct Lane {
    /// What was seen, and since when, oldest first: as far back as cells are shown.
    changes: VecDeque<(u64, Cell)>,
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
        lane.look(partition, reader, (look.now.lab.0, look.cell_us));
    }

    /// The trend of the whole group's `behind`, and what it was in the last slots.
    pub(super) fn total(&mut self, now_us: u64, behind: u64) -> (i64, Vec<u64>) {
        self.total.set(now_us, behind);
        (self.total.trend(), self.total.slots(behind))
    }
}

impl Lane {
    fn look(&mut self, partition: &mut GroupPartition, reader: Option<&Reader>, (now_us, cell_us): (u64, u64)) {
        let offset = reader.and_then(|reader| reader.position).or(partition.committed).unwrap_or(0);
        let moves = offset != self.moved.0;
        if moves || self.changes.is_empty() {
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
        self.write(now_us, Cell { reader, seen });
        partition.lane = self.runs(now_us, cell_us);
    }

    /// Writes down what is seen now, if that is new, and forgets what is too old to be shown.
    fn write(&mut self, now_us: u64, now: Cell) {
        if self.changes.back().is_none_or(|(_, before)| *before != now) {
            self.changes.push_back((now_us, now));
        }
        let window_us = u64::try_from(Group::LANE_CELLS).unwrap_or(u64::MAX).saturating_mul(Group::LANE_CELL_US);
        let oldest_us = now_us.saturating_sub(window_us);
        while self.changes.len() > MOST_CHANGES || self.changes.get(1).is_some_and(|(from_us, _)| *from_us <= oldest_us)
        {
            self.changes.pop_front();
        }
    }

    /// The last cells: each as it was at its end; that something was seen in it is not forgotten within it.
    fn runs(&self, now_us: u64, cell_us: u64) -> Vec<LaneRun> {
        let mut runs: Vec<LaneRun> = Vec::new();
        let newest = now_us / cell_us;
        let mut changes = self.changes.iter().peekable();
        let mut state: Option<&Cell> = None;
        for back in (0..u64::try_from(Group::LANE_CELLS).unwrap_or(0)).rev() {
            let Some(number) = newest.checked_sub(back) else { continue };
            let mut seen = state.is_some_and(|state| state.seen);
            while let Some((from_us, cell)) = changes.next_if(|(from_us, _)| from_us / cell_us <= number) {
                let was_here = *from_us > number * cell_us;
                let goes_on = was_here && state.is_some_and(|before| before.reader == cell.reader);
                seen = cell.seen || seen && goes_on;
                state = Some(cell);
            }
            let Some(Cell { reader, .. }) = state else { continue };
            match runs.last_mut().filter(|run| run.reader == *reader && run.seen == seen) {
                Some(run) => run.cells += 1,
                None => runs.push(LaneRun { cells: 1, reader: reader.clone(), seen }),
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

    /// A look at a lab time, at the speed of real time.
    fn at_us(now_us: u64) -> (u64, u64) {
        (now_us, Group::LANE_CELL_US)
    }

    #[test]
    fn the_slower_the_lab_the_finer_the_cells() {
        assert_eq!(
            [2_000_000, 1_000_000, 500_000, 100_000, 1_000].map(cell_us),
            [100_000, 100_000, 50_000, 20_000, 5_000]
        );
        let mut lane = Lane::default();
        let mut at = partition(10);
        lane.look(&mut at, Some(&reader(10, false)), (1_000_000, 20_000));
        lane.look(&mut at, None, (1_090_000, 20_000));
        lane.look(&mut at, Some(&reader(10, false)), (1_150_000, 20_000));
        let said = |at: &GroupPartition| -> Vec<(u16, bool)> {
            at.lane.iter().map(|run| (run.cells, run.reader.is_some())).collect()
        };
        assert_eq!(said(&at), [(4, true), (3, false), (1, true)], "0.06 s without a reader are three cells");
        lane.look(&mut at, Some(&reader(10, false)), at_us(1_150_000));
        assert_eq!(said(&at), [(1, false), (1, true)], "a cell is a tenth of a second at the speed of real time");
    }

    fn reader(position: i64, works: bool) -> Reader {
        Reader { tag: "c1".into(), position: Some(position), works }
    }

    #[test]
    fn a_reader_that_stands_before_records_reads_nothing_unless_it_works() {
        let mut lane = Lane::default();
        let mut at = partition(10);
        lane.look(&mut at, Some(&reader(5, false)), at_us(0));
        assert_eq!((at.reader.as_deref(), at.behind), (Some("c1"), 5));
        lane.look(&mut at, Some(&reader(5, false)), at_us(1_500_000));
        assert_eq!((at.reader.as_deref(), at.unread_ms), (None, Some(0)), "it stands for more than a second");
        lane.look(&mut at, Some(&reader(5, true)), at_us(1_600_000));
        assert_eq!(at.reader.as_deref(), Some("c1"), "it has records in hand");
        lane.look(&mut at, Some(&reader(10, false)), at_us(1_700_000));
        lane.look(&mut at, Some(&reader(10, false)), at_us(9_700_000));
        assert_eq!(at.reader.as_deref(), Some("c1"), "there is nothing to read");
    }

    #[test]
    fn a_lane_says_who_read_when_and_is_no_longer_than_its_cells() {
        let mut lane = Lane::default();
        let mut at = partition(10);
        lane.look(&mut at, Some(&reader(10, false)), at_us(0));
        lane.look(&mut at, None, at_us(250_000));
        lane.look(&mut at, None, at_us(540_000));
        let said: Vec<(u16, bool)> = at.lane.iter().map(|run| (run.cells, run.reader.is_some())).collect();
        assert_eq!(said, [(2, true), (4, false)]);
        assert_eq!(at.unread_ms, Some(290));
        lane.look(&mut at, Some(&reader(10, false)), at_us(60_000_000));
        assert_eq!(at.lane.iter().map(|run| usize::from(run.cells)).sum::<usize>(), Group::LANE_CELLS);
    }

    #[test]
    fn of_one_outside_only_commits_are_seen() {
        let mut lane = Lane::default();
        let mut at = partition(10);
        let outside = Reader { tag: "c1".into(), position: None, works: false };
        lane.look(&mut at, Some(&outside), at_us(0));
        at.committed = Some(7);
        lane.look(&mut at, Some(&outside), at_us(100_000));
        lane.look(&mut at, Some(&outside), at_us(200_000));
        let said: Vec<(u16, bool)> = at.lane.iter().map(|run| (run.cells, run.seen)).collect();
        assert_eq!(said, [(1, false), (1, true), (1, false)]);
    }
}
