//! Where the user stands on the Brokers screen.

use crate::session::snapshot::Snapshot;

use super::place::{Motion, Selection};

/// The selected broker, and whether its detail is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrokersPlace {
    /// The selected broker's id.
    pub broker: Option<i32>,
    /// Whether its detail is open.
    pub detail: bool,
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

    /// Moves the selection.
    pub fn go(&mut self, snapshot: &Snapshot, motion: Motion, page: usize) {
        let at = self.broker.and_then(|id| snapshot.brokers.keys().position(|key| *key == id));
        if let Some(to) = motion.along(at, snapshot.brokers.len(), page) {
            self.broker = snapshot.brokers.keys().nth(to).copied();
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
