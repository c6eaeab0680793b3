//! What logs have let go: renamed at once, so that it counts no more, and unlinked when `file.delete.delay.ms` is over, by
//! the lab's time. Source: `LocalLog.deleteSegmentFiles`, `LogManager.deleteLogs`.
//!
//! An orderly end removes all of it, and a start what it finds: so nothing is written down.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::engine::files::Removal;
use crate::engine::time::Time;

/// What waits to be unlinked. A clone is the same one.
#[derive(Clone, Default)]
pub(super) struct Retired {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Of the step in hand, whose time a log does not know.
    fresh: Vec<(Duration, Removal)>,
    /// The rest, by the time at which it is due and in the order in which it came.
    waiting: BTreeMap<(Time, u64), Removal>,
    count: u64,
}

impl Retired {
    fn state(&self) -> MutexGuard<'_, State> {
        // It is whole at every moment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something was renamed in this step, and is to be unlinked after `delay`.
    pub(super) fn add(&self, removal: Removal, delay: Duration) {
        if !removal.is_empty() {
            self.state().fresh.push((delay, removal));
        }
    }

    /// The step at `now` is over. Returns what is to be unlinked now.
    pub(super) fn settle(&self, now: Time) -> Vec<Removal> {
        let mut state = self.state();
        let State { fresh, waiting, count } = &mut *state;
        for (delay, removal) in fresh.drain(..) {
            *count += 1;
            waiting.insert((now + delay, *count), removal);
        }
        let later = waiting.split_off(&(now + Duration::from_micros(1), 0));
        std::mem::replace(waiting, later).into_values().collect()
    }

    /// Everything, due or not: the process ends in order.
    pub(super) fn take_all(&self) -> Vec<Removal> {
        let mut state = self.state();
        let fresh = std::mem::take(&mut state.fresh).into_iter().map(|(_, removal)| removal);
        fresh.chain(std::mem::take(&mut state.waiting).into_values()).collect()
    }
}

/// Unlinks. What stays is removed at the next start.
pub(super) fn unlink(removals: Vec<Removal>) {
    for removal in removals {
        if let Err(error) = removal.run() {
            tracing::warn!("{error}");
        }
    }
}
