//! What time it is in the lab, as a function of real time: rate, pause, lag. Pure arithmetic: real time is an argument,
//! counted from the runtime's start, so that every rule of it can be tested without waiting.

use std::time::Duration;

use crate::engine::time::Time;

/// Lab time per real time of an ordinary lab, in millionths.
pub const REAL_TIME_PPM: u64 = 1_000_000;

/// The slowest and the fastest that a lab may run, in millionths of real time.
pub const RATE_RANGE_PPM: std::ops::RangeInclusive<u64> = 1_000..=100_000_000;

/// How much undone work, in real time, the engine tries to make up for before lab time lags instead.
const MAX_BEHIND: Duration = Duration::from_millis(20);

/// Behind by more than this from one look to the next, the process did not run at all (Ctrl-Z, a laptop's lid). That counts
/// as a pause: outside time stands too, or every client's session would have ended meanwhile.
const STOPPED: Duration = Duration::from_secs(1);

/// Over how long the effective rate is measured at least, in real time.
const MEASURED_OVER: Duration = Duration::from_millis(500);

/// A moment on all clocks: the others are counted from the newest of these.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    real: Duration,
    lab: Time,
    outside: Time,
}

/// The lab's two clocks.
#[derive(Clone, Debug)]
pub(super) struct LabClock {
    anchor: Anchor,
    rate_ppm: u64,
    /// Since when, in real time, it stands.
    paused: Option<Duration>,
    measured: (Duration, Time),
    effective_ppm: u64,
}

impl LabClock {
    /// Both clocks at zero at `real`, running at `rate_ppm` (brought into [`RATE_RANGE_PPM`]).
    pub(super) fn new(real: Duration, rate_ppm: u64) -> Self {
        let rate_ppm = in_range(rate_ppm);
        Self {
            anchor: Anchor { real, lab: Time::ZERO, outside: Time::ZERO },
            rate_ppm,
            paused: None,
            measured: (real, Time::ZERO),
            effective_ppm: rate_ppm,
        }
    }

    /// Lab and outside time at `real`; for what lies before the newest change of rate, that change.
    pub(super) fn at(&self, real: Duration) -> (Time, Time) {
        if self.paused.is_some() {
            return (self.anchor.lab, self.anchor.outside);
        }
        let passed = real.saturating_sub(self.anchor.real);
        (self.anchor.lab + scale(passed, self.rate_ppm, REAL_TIME_PPM), self.anchor.outside + passed)
    }

    /// When, in real time, lab time will be `lab`; `None` while it stands, or for [`Time::NEVER`].
    pub(super) fn real_of_lab(&self, lab: Time) -> Option<Duration> {
        if self.paused.is_some() || lab == Time::NEVER {
            return None;
        }
        let wait = scale(lab.since(self.anchor.lab), REAL_TIME_PPM, self.rate_ppm);
        // The division rounds down; a microsecond more, so that what is due is due when it is looked at.
        let rounding = Duration::from_micros(u64::from(self.rate_ppm != REAL_TIME_PPM));
        Some(self.anchor.real.saturating_add(wait).saturating_add(rounding))
    }

    /// When, in real time, outside time will be `outside`; `None` while it stands, or for [`Time::NEVER`].
    pub(super) fn real_of_outside(&self, outside: Time) -> Option<Duration> {
        if self.paused.is_some() || outside == Time::NEVER {
            return None;
        }
        Some(self.anchor.real.saturating_add(outside.since(self.anchor.outside)))
    }

    /// From `real` on at `rate_ppm` (brought into [`RATE_RANGE_PPM`]).
    pub(super) fn set_rate(&mut self, real: Duration, rate_ppm: u64) {
        self.drop_anchor(real);
        self.rate_ppm = in_range(rate_ppm);
        self.effective_ppm = self.rate_ppm;
        self.measured = (real, self.anchor.lab);
    }

    /// From `real` on it stands, or goes on.
    pub(super) fn pause(&mut self, real: Duration, paused: bool) {
        if paused == self.paused.is_some() {
            return;
        }
        self.drop_anchor(real);
        self.paused = paused.then_some(real);
        self.measured = (real, self.anchor.lab);
    }

    /// Whether it stands.
    pub(super) fn is_paused(&self) -> bool {
        self.paused.is_some()
    }

    /// How long it has been standing at `real`.
    pub(super) fn paused_for(&self, real: Duration) -> Duration {
        self.paused.map_or(Duration::ZERO, |since| real.saturating_sub(since))
    }

    /// A single step was made while it stands: lab time is now `lab`, outside time stays.
    pub(super) fn stepped_to(&mut self, lab: Time) {
        self.anchor.lab = self.anchor.lab.max(lab);
        self.measured.1 = self.anchor.lab;
    }

    /// Work that was due at `undone` is not done at `real`: where that is too long ago, lab time goes back to lag behind.
    ///
    /// No time that was handed to the cluster is taken back: it has handled nothing that was due after `undone`.
    pub(super) fn lag(&mut self, real: Duration, undone: Time) {
        let (lab, outside) = self.at(real);
        let behind = scale(lab.since(undone), REAL_TIME_PPM, self.rate_ppm);
        if self.paused.is_some() || behind <= MAX_BEHIND {
            return;
        }
        let excess = behind.saturating_sub(MAX_BEHIND);
        let outside = if behind > STOPPED { outside - excess } else { outside };
        self.anchor = Anchor { real, lab: undone + scale(MAX_BEHIND, self.rate_ppm, REAL_TIME_PPM), outside };
    }

    /// The rate that was wished for.
    pub(super) fn rate_ppm(&self) -> u64 {
        self.rate_ppm
    }

    /// What the engine manages, in millionths of real time, as measured up to `real`; 0 while it stands.
    pub(super) fn effective_ppm(&mut self, real: Duration) -> u64 {
        if self.paused.is_some() {
            return 0;
        }
        let (since, from) = self.measured;
        let passed = real.saturating_sub(since);
        if passed >= MEASURED_OVER {
            let (lab, _) = self.at(real);
            let ppm = lab.since(from).as_micros().saturating_mul(REAL_TIME_PPM.into()) / passed.as_micros().max(1);
            self.effective_ppm = u64::try_from(ppm).unwrap_or(u64::MAX);
            self.measured = (real, lab);
        }
        self.effective_ppm
    }

    fn drop_anchor(&mut self, real: Duration) {
        let (lab, outside) = self.at(real);
        self.anchor = Anchor { real: real.max(self.anchor.real), lab, outside };
    }
}

fn in_range(rate_ppm: u64) -> u64 {
    rate_ppm.clamp(*RATE_RANGE_PPM.start(), *RATE_RANGE_PPM.end())
}

/// `duration * by / of`, in whole microseconds.
fn scale(duration: Duration, by: u64, of: u64) -> Duration {
    if by == of {
        return Duration::from_micros(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
    }
    let micros = duration.as_micros().saturating_mul(by.into()) / u128::from(of.max(1));
    Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn at(clock: &LabClock, real_ms: u64) -> (u64, u64) {
        let (lab, outside) = clock.at(ms(real_ms));
        (lab.as_millis(), outside.as_millis())
    }

    #[test]
    fn the_rate_scales_lab_time_and_not_outside_time() {
        let mut clock = LabClock::new(ms(0), REAL_TIME_PPM);
        assert_eq!(at(&clock, 100), (100, 100));
        clock.set_rate(ms(100), 100_000);
        assert_eq!(at(&clock, 200), (110, 200));
        clock.set_rate(ms(200), 10_000_000);
        assert_eq!(at(&clock, 300), (1110, 300));
        assert_eq!(clock.real_of_lab(Time::from_millis(2110)).unwrap().as_millis(), 400);
        assert_eq!(clock.real_of_outside(Time::from_millis(450)), Some(ms(450)));
    }

    #[test]
    fn pause_stops_both_clocks_and_they_go_on_where_they_stood() {
        let mut clock = LabClock::new(ms(0), REAL_TIME_PPM);
        clock.pause(ms(50), true);
        assert_eq!(at(&clock, 9_000), (50, 50));
        assert_eq!(clock.paused_for(ms(9_000)), ms(8_950));
        assert_eq!(clock.real_of_lab(Time::from_millis(60)), None);
        clock.stepped_to(Time::from_millis(70));
        clock.pause(ms(10_000), false);
        assert_eq!(at(&clock, 10_010), (80, 60), "a step moves lab time alone");
    }

    #[test]
    fn a_little_lateness_is_made_up_for_and_much_becomes_lag() {
        let mut clock = LabClock::new(ms(0), REAL_TIME_PPM);
        clock.lag(ms(100), Time::from_millis(85));
        assert_eq!(at(&clock, 100), (100, 100));
        clock.lag(ms(100), Time::from_millis(20));
        assert_eq!(at(&clock, 100), (40, 100), "20 ms to make up for, the rest is lag");
    }

    #[test]
    fn a_stop_of_the_process_is_no_time_on_either_clock() {
        let mut clock = LabClock::new(ms(0), REAL_TIME_PPM);
        clock.lag(ms(600_000), Time::from_millis(100));
        assert_eq!(at(&clock, 600_000), (120, 120));
    }

    #[test]
    fn lag_shows_in_the_effective_rate() {
        let mut clock = LabClock::new(ms(0), REAL_TIME_PPM);
        assert_eq!(clock.effective_ppm(ms(100)), REAL_TIME_PPM, "nothing measured yet");
        clock.lag(ms(1_000), Time::from_millis(480));
        assert_eq!(clock.effective_ppm(ms(1_000)), 500_000);
        clock.pause(ms(1_000), true);
        assert_eq!(clock.effective_ppm(ms(2_000)), 0);
    }

    #[test]
    fn what_is_due_is_due_when_its_time_is_looked_at() {
        for rate in [1_000, 333_333, 999_999, 1_000_000, 1_000_001, 7_777_777, 100_000_000] {
            let clock = LabClock::new(ms(3), rate);
            for lab in [1, 999, 1_000_003, 86_400_000_000] {
                let real = clock.real_of_lab(Time(lab)).unwrap();
                assert!(clock.at(real).0 >= Time(lab), "rate {rate}, lab {lab}");
            }
        }
    }
}
