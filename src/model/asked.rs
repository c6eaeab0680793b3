//! What was asked of the session and is not in a snapshot yet. A key that goes on from a value goes on from what was asked
//! last, or quick presses would all start from the same place. It holds no drawing and asks nothing itself.

/// A value of the snapshot that a key changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked<T> {
    /// What was asked for, and when, on the explorer's clock in milliseconds.
    asked: Option<(T, u64)>,
}

/// By hand: nothing asked needs no default value.
impl<T> Default for Asked<T> {
    fn default() -> Self {
        Self { asked: None }
    }
}

/// For so many milliseconds what was asked for counts; then it was refused, or others have changed it since.
const COUNTS_MS: u64 = 1000;

impl<T: Copy + PartialEq> Asked<T> {
    /// Remembers that `value` was asked for.
    pub fn ask(&mut self, value: T, now_ms: u64) {
        self.asked = Some((value, now_ms));
    }

    /// The value to go on from: what was asked for, or else what the snapshot shows.
    pub fn or(&self, seen: T, now_ms: u64) -> T {
        let counts = self.asked.filter(|(_, at_ms)| now_ms.saturating_sub(*at_ms) < COUNTS_MS);
        counts.map_or(seen, |(value, _)| value)
    }

    /// A snapshot shows `value`: if that is what was asked for, it has come.
    pub fn seen(&mut self, value: T) {
        self.asked = self.asked.filter(|(asked, _)| *asked != value);
    }
}
