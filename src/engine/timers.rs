//! The timers of all nodes, on both clocks, in the order of time and number.

use std::collections::BTreeMap;

use super::context::{Cause, Id, Timer, TimerId};
use super::node::NodeId;
use super::time::{Clock, Time};

/// A timer that was set.
#[derive(Clone, Debug)]
pub struct Pending {
    /// Whose.
    pub node: NodeId,
    /// What to say when it fires.
    pub timer: Timer,
    /// Why it was set.
    pub cause: Cause,
}

/// All timers that are set.
#[derive(Clone, Debug, Default)]
pub struct Timers {
    lab: BTreeMap<(Time, Id), Pending>,
    outside: BTreeMap<(Time, Id), Pending>,
}

impl Timers {
    fn on(&mut self, clock: Clock) -> &mut BTreeMap<(Time, Id), Pending> {
        match clock {
            Clock::Lab => &mut self.lab,
            Clock::Outside => &mut self.outside,
        }
    }

    /// Sets one.
    pub fn set(&mut self, id: TimerId, pending: Pending) {
        self.on(id.clock).insert((id.at, id.id), pending);
    }

    /// Takes one back; nothing happens where it has fired.
    pub fn cancel(&mut self, id: TimerId) {
        self.on(id.clock).remove(&(id.at, id.id));
    }

    /// The next one on `clock`: when, and its number.
    pub fn next(&self, clock: Clock) -> Option<(Time, Id)> {
        let timers = match clock {
            Clock::Lab => &self.lab,
            Clock::Outside => &self.outside,
        };
        timers.first_key_value().map(|(key, _)| *key)
    }

    /// Takes the next one on `clock`.
    pub fn take(&mut self, clock: Clock) -> Option<(TimerId, Pending)> {
        let ((at, id), pending) = self.on(clock).pop_first()?;
        Some((TimerId { clock, at, id }, pending))
    }

    /// A node died: its timers die with it.
    pub fn died(&mut self, node: NodeId) {
        self.lab.retain(|_, pending| pending.node != node);
        self.outside.retain(|_, pending| pending.node != node);
    }

    /// How many are set.
    pub fn len(&self) -> usize {
        self.lab.len() + self.outside.len()
    }

    /// Whether none is set.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
