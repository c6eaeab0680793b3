//! The newest events, in a ring: older ones are let go, and counted.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::engine::context::Id;
use crate::engine::event::Event;

/// How many events are kept.
pub(super) const KEPT: usize = 4_096;

/// The ring.
#[derive(Clone, Debug, Default)]
pub struct Events {
    ring: VecDeque<Arc<Event>>,
    dropped: u64,
}

impl Events {
    /// Adds an event; the oldest makes room.
    pub fn record(&mut self, event: Event) {
        if self.ring.len() >= KEPT {
            self.ring.pop_front();
            self.dropped += 1;
        }
        self.ring.push_back(Arc::new(event));
    }

    /// Those kept, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<Event>> {
        self.ring.iter()
    }

    /// Those that came after the event `id`, oldest first.
    pub fn after(&self, id: Id) -> impl Iterator<Item = &Arc<Event>> {
        self.ring.iter().skip(self.ring.partition_point(|event| event.id <= id))
    }

    /// How many were let go.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}
