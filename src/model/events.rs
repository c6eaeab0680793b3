//! Where the user stands on the Events screen.

use std::collections::BTreeMap;

use crate::session::event::{Event, Severity, Taken, kind};
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

/// What leaders let go no further apart than this is of one check of retention, in lab microseconds: those that were
/// started together look together, every `log.retention.check.interval.ms`.
const ONE_CHECK_US: u64 = 500_000;

/// A row of the list: an event, or what one check of retention took of a topic, whichever leaders told of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Row<'a> {
    /// The event, of several the first.
    pub event: &'a Event,
    /// The others, in the order in which they happened.
    pub others: Vec<&'a Event>,
}

impl<'a> Row<'a> {
    /// Whether event `id` is in the row.
    pub fn holds(&self, id: u64) -> bool {
        self.all().any(|event| event.id == id)
    }

    /// The row's events, in the order in which they happened.
    pub fn all(&self) -> impl Iterator<Item = &'a Event> {
        std::iter::once(self.event).chain(self.others.iter().copied())
    }

    /// What retention took, all in all, and of how many partitions of which topic; `None` for a row of one event.
    pub fn taken(&self) -> Option<(Taken, usize, &'a str)> {
        let topic = &*self.event.partitions.first().filter(|_| !self.others.is_empty())?.topic;
        let taken = self.all().filter_map(|event| event.taken).fold(Taken::default(), |all, taken| Taken {
            segments: all.segments.saturating_add(taken.segments),
            bytes: all.bytes.saturating_add(taken.bytes),
        });
        Some((taken, self.all().map(|event| event.partitions.len()).sum(), topic))
    }

    /// The rows of events, both with the oldest first.
    fn fold(events: impl Iterator<Item = &'a Event>) -> Vec<Self> {
        let mut rows: Vec<Self> = Vec::new();
        let mut newest: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for event in events {
            let topic = event.partitions.first().filter(|_| *event.kind == *kind::SEGMENTS_DELETED);
            if let Some(at) = topic {
                let check = (&*at.topic, &*event.because);
                let row = newest.get(&check).and_then(|at| rows.get_mut(*at));
                if let Some(row) = row.filter(|row| event.at_us.saturating_sub(row.event.at_us) < ONE_CHECK_US) {
                    row.others.push(event);
                    continue;
                }
                newest.insert(check, rows.len());
            }
            rows.push(Self { event, others: Vec::new() });
        }
        rows
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
        let id = self.event.or_else(|| self.rows(snapshot).first().map(|row| row.event.id));
        id.map_or(Selection::None, Selection::Event)
    }

    /// The events of the list, the newest first.
    pub fn list<'a>(&self, snapshot: &'a Snapshot) -> Vec<&'a Event> {
        let filter = Filter::parse(&self.filter);
        let wanted = |event: &&Event| self.shown.holds(event) && filter.takes(*event);
        snapshot.events.iter().rev().filter(wanted).collect()
    }

    /// The rows of the list, the newest first.
    pub fn rows<'a>(&self, snapshot: &'a Snapshot) -> Vec<Row<'a>> {
        let mut rows = Row::fold(self.list(snapshot).into_iter().rev());
        rows.reverse();
        rows
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
            None => self.rows(snapshot).into_iter().map(|row| row.event.id).collect(),
        };
        let at = match &causes {
            Some(_) => self.event.and_then(|id| ids.iter().position(|known| *known == id)),
            None => self.event.and_then(|id| self.rows(snapshot).iter().position(|row| row.holds(id))),
        };
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
