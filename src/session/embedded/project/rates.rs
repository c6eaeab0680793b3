//! From counters to rates: what takes two looks to know. All in lab time, so that slow motion does not make a cluster look
//! idle.

use std::collections::VecDeque;

/// Over how long a rate is taken, in microseconds.
const WINDOW_US: u64 = 1_000_000;

/// A rate over less than this says nothing.
const LEAST_US: u64 = 50_000;

/// A counter's rate over the last second.
#[derive(Clone, Debug, Default)]
pub(super) struct Meter {
    /// When, and what the counter was; oldest first.
    samples: VecDeque<(u64, u64)>,
}

impl Meter {
    /// The counter is `value` at `now_us`. One that went back has begun anew, with its process.
    pub(super) fn set(&mut self, now_us: u64, value: u64) {
        match self.samples.back() {
            Some((_, last)) if value < *last => {
                self.samples.clear();
                self.samples.push_back((now_us, 0));
            }
            Some((at, _)) if *at >= now_us => {
                self.samples.pop_back();
            }
            _ => {}
        }
        self.samples.push_back((now_us, value));
        // One sample from before the window stays: the rate is over at least the window.
        while self.samples.get(1).is_some_and(|(at, _)| at + WINDOW_US <= now_us) {
            self.samples.pop_front();
        }
    }

    /// Whether the counter stood still over the window: the rate is 0, and stays so until it moves.
    pub(super) fn is_at_rest(&self) -> bool {
        self.samples.front().map(|(_, value)| value) == self.samples.back().map(|(_, value)| value)
    }

    /// Nobody set the counter while it was at rest, and at `us` it still was: what comes now came since then.
    pub(super) fn rested_until(&mut self, us: u64) {
        let Some((at, value)) = self.samples.back().copied().filter(|_| self.is_at_rest()) else { return };
        let window = us.saturating_sub(WINDOW_US);
        if at < window {
            self.samples = [(window, value)].into();
        }
    }

    /// Per second of lab time; 0 before anything can be said.
    pub(super) fn per_sec(&self) -> u64 {
        let (Some((from_us, from)), Some((to_us, to))) = (self.samples.front(), self.samples.back()) else { return 0 };
        let passed = to_us.saturating_sub(*from_us);
        if passed < LEAST_US {
            return 0;
        }
        let per_sec = u128::from(to.saturating_sub(*from)) * 1_000_000 / u128::from(passed);
        u64::try_from(per_sec).unwrap_or(u64::MAX)
    }
}

/// How a counter grew per slot of time, the newest slots.
#[derive(Clone, Debug)]
pub(super) struct Slots {
    width_us: u64,
    len: usize,
    /// Of whole slots, oldest first.
    whole: VecDeque<u32>,
    /// When the slot that is being filled began, and what the counter was then.
    began: Option<(u64, u64)>,
}

impl Slots {
    pub(super) fn new(width_us: u64, len: usize) -> Self {
        Self { width_us, len, whole: VecDeque::new(), began: None }
    }

    /// The counter is `value` at `now_us`: what it grew by since the last whole slot is spread over those that are whole
    /// now.
    pub(super) fn set(&mut self, now_us: u64, value: u64) {
        let (began_us, before) = *self.began.get_or_insert((now_us - now_us % self.width_us, value));
        if value < before {
            self.began = Some((began_us, value));
            return;
        }
        let whole = now_us.saturating_sub(began_us) / self.width_us;
        if whole == 0 {
            return;
        }
        let each = (value - before) / whole;
        for _ in 0..whole.min(self.len as u64) {
            if self.whole.len() >= self.len {
                self.whole.pop_front();
            }
            self.whole.push_back(u32::try_from(each).unwrap_or(u32::MAX));
        }
        self.began = Some((began_us + whole * self.width_us, before + each * whole));
    }

    /// The slots, oldest first.
    pub(super) fn all(&self) -> Vec<u32> {
        self.whole.iter().copied().collect()
    }
}

/// Records in per tenth of a second of lab time, over ten seconds.
#[derive(Clone, Debug)]
pub(super) struct Flow(Slots);

impl Default for Flow {
    fn default() -> Self {
        Self(Slots::new(100_000, 100))
    }
}

impl Flow {
    pub(super) fn add(&mut self, now_us: u64, records: u64) {
        self.0.set(now_us, records);
    }

    pub(super) fn tenths(&self) -> Vec<u32> {
        self.0.all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_that_of_the_last_second() {
        let mut meter = Meter::default();
        assert_eq!(meter.per_sec(), 0);
        for tenth in 0..=30_u64 {
            let value = if tenth <= 10 { tenth * 100 } else { 1_000 + (tenth - 10) * 10 };
            meter.set(tenth * 100_000, value);
        }
        assert_eq!(meter.per_sec(), 100);
        meter.set(3_100_000, 0);
        assert_eq!(meter.per_sec(), 0, "begun anew");
        meter.set(3_600_000, 50);
        assert_eq!(meter.per_sec(), 100);
    }

    #[test]
    fn what_comes_after_a_rest_is_not_spread_over_it() {
        let mut meter = Meter::default();
        meter.set(0, 500);
        assert!(meter.is_at_rest());
        meter.rested_until(60_000_000);
        meter.set(60_100_000, 520);
        assert!(!meter.is_at_rest());
        assert_eq!(meter.per_sec(), 18, "over the last second, and the tenth since the last look");
        meter.rested_until(60_200_000);
        meter.set(61_300_000, 520);
        assert!(meter.is_at_rest());
        assert_eq!(meter.per_sec(), 0);
    }

    #[test]
    fn time_that_stands_is_no_division_by_zero() {
        let mut meter = Meter::default();
        meter.set(5, 1);
        meter.set(5, 9);
        assert_eq!(meter.per_sec(), 0);
    }

    #[test]
    fn slots_share_what_came_while_nobody_looked() {
        let mut slots = Slots::new(100, 4);
        slots.set(0, 0);
        slots.set(50, 3);
        assert!(slots.all().is_empty());
        slots.set(100, 10);
        assert_eq!(slots.all(), [10]);
        slots.set(310, 30);
        assert_eq!(slots.all(), [10, 10, 10]);
        slots.set(1_000_000, 30);
        assert_eq!(slots.all(), [0, 0, 0, 0]);
    }
}
