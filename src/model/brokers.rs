//! Where the user stands on the Brokers screen.

use crate::session::snapshot::{Broker, Snapshot};

use super::place::{Motion, Selection};
use super::sort::{self, Sorting};

/// The selected broker, and whether its detail is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrokersPlace {
    /// The selected broker's id.
    pub broker: Option<i32>,
    /// Whether its detail is open.
    pub detail: bool,
    /// The order of the list.
    pub order: Sorting,
}

impl BrokersPlace {
    /// Chooses the first broker where none is selected.
    pub fn settle(&mut self, snapshot: &Snapshot) {
        if !self.broker.is_some_and(|id| snapshot.brokers.contains_key(&id)) {
            self.broker = snapshot.brokers.keys().next().copied();
        }
    }

    /// What is selected.
    pub fn selection(&self, _snapshot: &Snapshot) -> Selection {
        self.broker.map_or(Selection::None, Selection::Broker)
    }

    /// The brokers of the list, in its order.
    pub fn list<'a>(&self, snapshot: &'a Snapshot) -> Vec<&'a Broker> {
        self.order.apply(sort::BROKERS, snapshot.brokers.values())
    }

    /// Sorts the list by its next column, or turns its order around.
    pub fn sort(&mut self, reverse: bool) {
        if reverse {
            self.order.reverse();
        } else {
            self.order.next(sort::BROKERS);
        }
    }

    /// Moves the selection.
    pub fn go(&mut self, snapshot: &Snapshot, motion: Motion, page: usize) {
        let list = self.list(snapshot);
        let at = list.iter().position(|broker| Some(broker.id) == self.broker);
        if let Some(broker) = motion.along(at, list.len(), page).and_then(|to| list.get(to)) {
            self.broker = Some(broker.id);
        }
    }

    /// Selects what was clicked.
    pub fn select(&mut self, _snapshot: &Snapshot, target: &Selection) {
        if let Selection::Broker(id) = target {
            self.broker = Some(*id);
        }
    }

    /// Opens the detail of a broker, coming from another screen.
    pub fn show(&mut self, broker: i32) {
        self.broker = Some(broker);
        self.detail = true;
    }

    /// Opens the selected broker's detail.
    pub fn open(&mut self, _snapshot: &Snapshot) {
        self.detail = self.broker.is_some();
    }

    /// Leaves the detail; false where it was not open.
    pub fn back(&mut self) -> bool {
        std::mem::take(&mut self.detail)
    }
}
