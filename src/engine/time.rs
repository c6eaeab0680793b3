//! Time as the core knows it: two clocks, both arguments, in microseconds since the lab's start.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::time::Duration;

/// Milliseconds, of a setting or a request, as a duration; a negative number is none.
pub fn millis(ms: impl TryInto<u64>) -> Duration {
    Duration::from_millis(ms.try_into().unwrap_or(0))
}

/// A point on one of the lab's clocks: microseconds since the lab's start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub u64);

impl Time {
    /// The lab's start.
    pub const ZERO: Self = Self(0);
    /// Later than anything that happens.
    pub const NEVER: Self = Self(u64::MAX);

    /// `ms` milliseconds after the start.
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms * 1_000)
    }

    /// Whole milliseconds since the start.
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000
    }

    /// How long after `earlier`; zero if it is not.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(by.as_micros()).unwrap_or(u64::MAX)))
    }
}

impl AddAssign<Duration> for Time {
    fn add_assign(&mut self, by: Duration) {
        *self = *self + by;
    }
}

impl Sub<Duration> for Time {
    type Output = Self;

    fn sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(by.as_micros()).unwrap_or(u64::MAX)))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

/// Which clock a timer runs on: that of whoever's request started it. Handlers never choose; their context does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Clock {
    /// Scaled by the rate, stopped by pause: everything inside the lab.
    #[default]
    Lab,
    /// Real time, that only pause stops: clients on sockets. Equal to lab time in tests and simulation.
    Outside,
}

/// Now, on both clocks, and the lab's date at its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Lab time.
    pub lab: Time,
    /// Outside time.
    pub outside: Time,
    /// The date of [`Time::ZERO`] on the lab clock: milliseconds since 1970, UTC.
    pub epoch_ms: i64,
}

impl Now {
    /// The time on `clock`.
    pub const fn on(&self, clock: Clock) -> Time {
        match clock {
            Clock::Lab => self.lab,
            Clock::Outside => self.outside,
        }
    }

    /// The lab's date: milliseconds since 1970, as record timestamps and retention count them.
    pub fn date_ms(&self) -> i64 {
        self.epoch_ms.saturating_add(i64::try_from(self.lab.as_millis()).unwrap_or(i64::MAX))
    }
}
