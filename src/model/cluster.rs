//! Where the user stands on the Cluster screen.

use crate::session::snapshot::Snapshot;

use super::place::{Motion, Selection};

/// The selected broker, and the selected partition of it if one is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterPlace {
    /// The selected broker's id.
    pub broker: Option<i32>,
}

impl ClusterPlace {
    /// Chooses a broker at first: one that leads something and is not the controller.
    pub fn settle(&mut self, snapshot: &Snapshot) {
        if self.broker.is_some_and(|id| snapshot.brokers.contains_key(&id)) {
            return;
        }
        let brokers = &snapshot.brokers;
        let victim = brokers.values().find(|broker| broker.leaders > 0 && !broker.controller);
        self.broker = victim.or_else(|| brokers.values().next()).map(|broker| broker.id);
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

    /// What Enter opens on another screen.
    pub fn open(&mut self, snapshot: &Snapshot) -> Selection {
        self.selection(snapshot)
    }

    /// Leaves a detail; false where there is none.
    pub fn back(&mut self) -> bool {
        false
    }
}
