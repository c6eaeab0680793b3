//! Where the user stands on the Events screen.

use crate::session::event::{Event, Severity};
use crate::session::snapshot::Snapshot;

use super::filter::Filter;
use super::place::{Motion, Selection};

/// Which events are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    /// All of them.
    #[default]
    All,
    /// Warnings, losses, and what healed them.
    News,
    /// Warnings and losses.
    Trouble,
}

impl Shown {
    /// Whether an event is listed.
    pub fn holds(self, event: &Event) -> bool {
        match self {
            Self::All => true,
            Self::News => event.severity > Severity::Info,
            Self::Trouble => event.severity >= Severity::Warning,
        }
    }

    /// The next choice.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::All => Self::News,
            Self::News => Self::Trouble,
            Self::Trouble => Self::All,
        }
    }
}

/// An event with what led to it and what it led to.
#[derive(Clone, Debug, PartialEq)]
pub struct Causes<'a> {
    /// What led to it, the first cause first.
    pub before: Vec<&'a Event>,
    /// The event.
    pub event: &'a Event,
    /// What came of it, in the order in which it came.
    pub after: Vec<&'a Event>,
    /// Whether the first cause has left the ring of events.
    pub torn: bool,
}

impl<'a> Causes<'a> {
    /// The causes and consequences of event `id`; `None` where it has left the ring.
    pub fn of(snapshot: &'a Snapshot, id: u64) -> Option<Self> {
        let find = |id: u64| {
            let at = snapshot.events.binary_search_by_key(&id, |event| event.id).ok()?;
            snapshot.events.get(at)
        };
        let event = find(id)?;
        let mut before: Vec<&Event> =
            std::iter::successors(Some(event), |event| event.cause_event.and_then(find)).skip(1).collect();
        let torn = before.last().unwrap_or(&event).cause_event.is_some();
        before.reverse();
        let mut family = vec![id];
        let mut after = Vec::new();
        for later in snapshot.events.iter().filter(|later| later.id > id) {
            if later.cause_event.is_some_and(|cause| family.binary_search(&cause).is_ok()) {
                family.push(later.id);
                after.push(later);
            }
        }
        Some(Self { before, event, after, torn })
    }

    /// All of them, in the order in which they happened.
    pub fn all(&self) -> impl Iterator<Item = &'a Event> {
        self.before.iter().copied().chain([self.event]).chain(self.after.iter().copied())
    }
}

/// The selected event, and whether its chain of causes is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventsPlace {
    /// The selected event's number; `None` follows the newest.
    pub event: Option<u64>,
    /// Whether its causes are open.
    pub causes: bool,
    /// Which events are listed.
    pub shown: Shown,
    /// The filter in force.
    pub filter: String,
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
        let id = self.event.or_else(|| self.list(snapshot).first().map(|event| event.id));
        id.map_or(Selection::None, Selection::Event)
    }

    /// The events of the list, the newest first.
    pub fn list<'a>(&self, snapshot: &'a Snapshot) -> Vec<&'a Event> {
        let filter = Filter::parse(&self.filter);
        let wanted = |event: &&Event| self.shown.holds(event) && filter.takes(*event);
        snapshot.events.iter().rev().filter(wanted).collect()
    }

    /// Moves the selection: in the list, the newest on top; in the causes along the chain, the first cause on top. The next
    /// pane of the list is the next choice of what it shows.
    pub fn go(&mut self, snapshot: &Snapshot, motion: Motion, page: usize) {
        if motion == Motion::NextPane && !self.causes {
            self.shown = self.shown.next();
            self.event = None;
            return;
        }
        let causes = self.event.filter(|_| self.causes).and_then(|id| Causes::of(snapshot, id));
        let ids: Vec<u64> = match &causes {
            Some(causes) => causes.all().map(|event| event.id).collect(),
            None => self.list(snapshot).into_iter().map(|event| event.id).collect(),
        };
        let at = self.event.and_then(|id| ids.iter().position(|known| *known == id));
        if let Some(to) = motion.along(at, ids.len(), page) {
            // The top of the list follows the newest event.
            self.event = ids.get(to).copied().filter(|_| to > 0 || causes.is_some());
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

    /// Leaves the causes, or else clears the filter; false where there is neither.
    pub fn back(&mut self) -> bool {
        if std::mem::take(&mut self.causes) {
            return true;
        }
        let filtered = !self.filter.is_empty();
        self.filter.clear();
        filtered
    }
}
