//! What brokers cut off their logs when they started: said until it was read, however much has happened since.

use crate::session::event::{Event, Severity, kind};
use crate::session::snapshot::Snapshot;

/// The cuts that nobody has read yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cuts {
    /// Events up to this one were looked at.
    seen: u64,
    unread: Vec<Event>,
}

impl Cuts {
    /// More are not remembered: one more start says nothing new.
    const MOST: usize = 16;

    /// Takes note of what is new in a snapshot.
    pub(super) fn look(&mut self, snapshot: &Snapshot) {
        let new = snapshot.events.iter().rev().take_while(|event| event.id > self.seen);
        let is_cut = |event: &&Event| *event.kind == *kind::RECOVERED && event.severity >= Severity::Warning;
        let mut cuts: Vec<Event> = new.filter(is_cut).cloned().collect();
        cuts.reverse();
        self.unread.append(&mut cuts);
        self.unread.truncate(Self::MOST);
        self.seen = snapshot.events.last().map_or(self.seen, |event| event.id.max(self.seen));
    }

    /// Those that nobody has read yet, the oldest first.
    pub fn unread(&self) -> &[Event] {
        &self.unread
    }

    /// They were read.
    pub fn read(&mut self) {
        self.unread.clear();
    }
}
