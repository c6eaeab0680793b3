//! Where the user stands on the Events screen.

use crate::session::snapshot::Snapshot;

use super::place::{Motion, Selection};

/// The selected event, and whether its chain of causes is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventsPlace {
    /// The selected event's number; `None` follows the newest.
    pub event: Option<u64>,
    /// Whether its causes are open.
    pub causes: bool,
}

impl EventsPlace {
    /// Leaves an event that has left the ring.
    pub fn settle(&mut self, snapshot: &Snapshot) {
        if self.event.is_some_and(|id| snapshot.events.first().is_none_or(|oldest| oldest.id > id)) {
            self.event = None;
        }
    }

    /// What is selected.
    pub fn selection(&self, snapshot: &Snapshot) -> Selection {
        let id = self.event.or_else(|| snapshot.events.last().map(|event| event.id));
        id.map_or(Selection::None, Selection::Event)
    }

    /// Moves the selection; the newest event is on top.
    pub fn go(&mut self, snapshot: &Snapshot, motion: Motion, page: usize) {
        let at = self.event.and_then(|id| snapshot.events.iter().rev().position(|event| event.id == id));
        if let Some(to) = motion.along(at, snapshot.events.len(), page) {
            self.event = snapshot.events.iter().rev().nth(to).map(|event| event.id).filter(|_| to > 0);
        }
    }

    /// Selects what was clicked.
    pub fn select(&mut self, _snapshot: &Snapshot, target: &Selection) {
        if let Selection::Event(id) = target {
            self.event = Some(*id);
        }
    }

    /// Opens the selected event's causes.
    pub fn open(&mut self, snapshot: &Snapshot) {
        if let Selection::Event(id) = self.selection(snapshot) {
            self.event = Some(id);
            self.causes = true;
        }
    }

    /// Leaves the causes; false where they were not open.
    pub fn back(&mut self) -> bool {
        std::mem::take(&mut self.causes)
    }
}
