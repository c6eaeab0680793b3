//! Sets of running numbers, and where they stand in a log. Both stay small however many numbers there are, since what
//! follows on one another is kept as one interval.

use std::collections::BTreeMap;

/// How many runs a [`Placed`] keeps to the offset; older ones are joined where their numbers are adjacent.
const MAX_EXACT_RUNS: usize = 1_024;

/// A set of numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// First to last number of each interval, both included; neither overlapping nor adjacent.
    intervals: BTreeMap<u64, u64>,
}

impl Numbers {
    /// Adds a number; false if it was there.
    pub fn insert(&mut self, number: u64) -> bool {
        let new = !self.contains(number);
        if new {
            self.insert_range(number, number);
        }
        new
    }

    /// Adds the numbers from `first` to `last`, both included.
    pub fn insert_range(&mut self, mut first: u64, mut last: u64) {
        if first > last {
            return;
        }
        // Whatever touches the new interval becomes part of it, from behind.
        while let Some((&from, &to)) = self.intervals.range(..=last.saturating_add(1)).next_back() {
            if to.saturating_add(1) < first {
                break;
            }
            self.intervals.remove(&from);
            first = first.min(from);
            last = last.max(to);
        }
        self.intervals.insert(first, last);
    }

    /// Whether a number is in it.
    pub fn contains(&self, number: u64) -> bool {
        self.intervals.range(..=number).next_back().is_some_and(|(_, to)| *to >= number)
    }

    /// How many numbers are in it.
    pub fn len(&self) -> u64 {
        self.intervals.iter().map(|(from, to)| to - from + 1).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.intervals.is_empty()
    }

    /// The largest number.
    pub fn last(&self) -> Option<u64> {
        self.intervals.last_key_value().map(|(_, to)| *to)
    }

    /// The intervals, first to last number, ascending.
    pub fn intervals(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.intervals.iter().map(|(from, to)| (*from, *to))
    }

    /// The intervals of `first..=last` that are in it, ascending.
    pub fn common(&self, first: u64, last: u64) -> Vec<(u64, u64)> {
        let mut common = Vec::new();
        let before = self.intervals.range(..=first).next_back();
        let inside = self.intervals.range(first.saturating_add(1)..=last.max(first.saturating_add(1)));
        for (&from, &to) in before.into_iter().chain(inside) {
            let (from, to) = (from.max(first), to.min(last));
            if from <= to {
                common.push((from, to));
            }
        }
        common
    }

    /// The intervals of `first..=last` that are not in it, ascending.
    pub fn missing(&self, first: u64, last: u64) -> Vec<(u64, u64)> {
        let mut missing = Vec::new();
        let mut next = first;
        let before = self.intervals.range(..=first).next_back();
        let inside = self.intervals.range(first.saturating_add(1)..=last.max(first.saturating_add(1)));
        for (&from, &to) in before.into_iter().chain(inside) {
            if from > last || next > last {
                break;
            }
            if from > next {
                missing.push((next, from - 1));
            }
            next = next.max(to.saturating_add(1));
        }
        if next <= last {
            missing.push((next, last));
        }
        missing
    }
}

/// Numbers that follow on one another, and the offsets that they stand at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The first number.
    pub first: u64,
    /// The last number.
    pub last: u64,
    /// The first number's offset.
    pub from: i64,
    /// The offset behind the last number's. More than `from` plus the numbers' count where runs were joined: then it
    /// is not known any more which number stands where in between.
    pub to: i64,
}

impl Run {
    /// How many numbers.
    pub fn len(&self) -> u64 {
        self.last - self.first + 1
    }

    /// Never: a run has a number at least.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The offset of a number of it; the last possible one where that is not known.
    pub fn offset_of(&self, number: u64) -> i64 {
        if self.is_exact() { self.from.saturating_add_unsigned(number.saturating_sub(self.first)) } else { self.to - 1 }
    }

    fn is_exact(&self) -> bool {
        self.from.checked_add_unsigned(self.len()) == Some(self.to)
    }
}

/// Numbers and the offsets that they stand at, in the order in which they were added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placed {
    runs: Vec<Run>,
}

impl Placed {
    /// Adds the numbers from `first` to `last`, that stand at `offset` and behind.
    pub fn push(&mut self, first: u64, last: u64, offset: i64) {
        let run = Run { first, last, from: offset, to: offset.saturating_add_unsigned(last - first + 1) };
        match self.runs.last_mut() {
            Some(before) if before.last + 1 == first && before.to == offset && before.is_exact() => {
                before.last = last;
                before.to = run.to;
            }
            _ => self.runs.push(run),
        }
        if self.runs.len() > MAX_EXACT_RUNS {
            self.join_older_half();
        }
    }

    fn join_older_half(&mut self) {
        let newer = self.runs.split_off(self.runs.len() / 2);
        let mut joined: Vec<Run> = Vec::new();
        for run in self.runs.drain(..) {
            match joined.last_mut() {
                Some(before) if before.last + 1 == run.first && before.to <= run.from => {
                    before.last = run.last;
                    before.to = run.to;
                }
                _ => joined.push(run),
            }
        }
        joined.extend(newer);
        self.runs = joined;
    }

    /// The runs.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// How many numbers, repeated ones as often as they are there.
    pub fn len(&self) -> u64 {
        self.runs.iter().map(Run::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Where one has to begin to read again to know everything from `offset` on: `offset`, or the start of a run in
    /// which it is not known what stands there.
    pub fn restart(&self, offset: i64) -> i64 {
        let inside = |run: &&Run| run.from < offset && offset < run.to && !run.is_exact();
        self.runs.iter().filter(inside).map(|run| run.from).min().unwrap_or(offset)
    }

    /// Forgets what stands at `offset` (one from [`Placed::restart`]) and behind it.
    pub fn forget_from(&mut self, offset: i64) {
        self.runs.retain_mut(|run| {
            if run.from >= offset {
                return false;
            }
            if run.to > offset {
                let kept = u64::try_from(offset - run.from).unwrap_or(1).max(1);
                run.last = run.first + kept - 1;
                run.to = offset;
            }
            true
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_grow_together() {
        let mut numbers = Numbers::default();
        for n in [5, 1, 3, 2, 9, 4] {
            assert!(numbers.insert(n));
        }
        assert!(!numbers.insert(3));
        assert_eq!(numbers.intervals().collect::<Vec<_>>(), [(1, 5), (9, 9)]);
        assert_eq!((numbers.len(), numbers.last()), (6, Some(9)));
        numbers.insert_range(4, 12);
        assert_eq!(numbers.intervals().collect::<Vec<_>>(), [(1, 12)]);
        numbers.insert_range(0, 0);
        assert_eq!(numbers.intervals().collect::<Vec<_>>(), [(0, 12)]);
    }

    #[test]
    fn what_is_missing() {
        let mut numbers = Numbers::default();
        assert_eq!(numbers.missing(0, 3), [(0, 3)]);
        numbers.insert_range(2, 4);
        numbers.insert_range(7, 8);
        assert_eq!(numbers.missing(0, 10), [(0, 1), (5, 6), (9, 10)]);
        assert_eq!(numbers.missing(3, 7), [(5, 6)]);
        assert_eq!(numbers.missing(2, 2), []);
        assert_eq!(numbers.missing(5, 5), [(5, 5)]);
        assert_eq!(numbers.missing(3, 4), []);
    }

    #[test]
    fn what_is_common_and_what_is_missing_are_the_whole() {
        let mut numbers = Numbers::default();
        numbers.insert_range(2, 4);
        numbers.insert_range(7, 8);
        assert_eq!(numbers.common(0, 10), [(2, 4), (7, 8)]);
        assert_eq!(numbers.common(3, 7), [(3, 4), (7, 7)]);
        assert_eq!(numbers.common(5, 6), []);
        assert_eq!(numbers.common(4, 4), [(4, 4)]);
        for (first, last) in (0..10).flat_map(|first| (first..10).map(move |last| (first, last))) {
            let mut both = numbers.common(first, last);
            both.extend(numbers.missing(first, last));
            assert_eq!(both.iter().map(|(from, to)| to - from + 1).sum::<u64>(), last - first + 1, "{first}..={last}");
        }
    }

    #[test]
    fn runs_join_and_are_cut() {
        let mut placed = Placed::default();
        placed.push(0, 4, 100);
        placed.push(5, 9, 105);
        placed.push(10, 10, 120);
        assert_eq!(placed.runs().len(), 2);
        assert_eq!(placed.runs()[0].offset_of(7), 107);
        placed.forget_from(103);
        assert_eq!(placed.runs(), [Run { first: 0, last: 2, from: 100, to: 103 }]);
    }

    #[test]
    fn many_runs_take_bounded_room_and_reading_begins_again_where_they_were_joined() {
        let mut placed = Placed::default();
        for n in 0..10_000 {
            placed.push(n, n, i64::try_from(n * 2).unwrap());
        }
        assert!(placed.runs().len() <= MAX_EXACT_RUNS);
        assert_eq!(placed.len(), 10_000);
        assert_eq!(placed.restart(51), 0, "joined: begin at the front");
        assert_eq!(placed.restart(19_990), 19_990);
        placed.forget_from(0);
        assert!(placed.is_empty());
    }
}
