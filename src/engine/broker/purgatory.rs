//! Where requests wait: acks=all for the replicas, a fetch for something to read. Kafka's `DelayedOperationPurgatory`.
//!
//! Each parked request watches the partitions that it is about. When a replica moves, whoever watches it is tried again;
//! when its time is up, it is answered as things stand.

use std::collections::{BTreeMap, BTreeSet};

use super::connection::Origin;
use crate::engine::broker::api::delete_records::ParkedDeleteRecords;
use crate::engine::broker::api::fetch::ParkedFetch;
use crate::engine::broker::api::produce::ParkedProduce;
use crate::engine::context::{Id, TimerId};
use crate::engine::replica::TopicPartition;

/// A parked request's number: that of its timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ParkId(pub Id);

/// What a parked request waits for.
#[derive(Clone, Debug)]
pub(crate) enum Waiting {
    /// acks=all.
    Produce(ParkedProduce),
    /// min.bytes.
    Fetch(ParkedFetch),
    /// The followers' log starts.
    DeleteRecords(ParkedDeleteRecords),
}

#[derive(Clone, Debug)]
struct Parked {
    origin: Origin,
    waiting: Waiting,
    watches: Vec<TopicPartition>,
    timer: TimerId,
}

/// The requests that wait.
#[derive(Clone, Debug, Default)]
pub(super) struct Purgatory {
    parked: BTreeMap<ParkId, Parked>,
    watchers: BTreeMap<TopicPartition, BTreeSet<ParkId>>,
    /// Partitions that moved since the last [`Purgatory::take_woken`].
    moved: BTreeSet<TopicPartition>,
}

impl Purgatory {
    /// Parks a request until one of `watches` moves or `timer` fires.
    pub(super) fn park(
        &mut self,
        id: ParkId,
        origin: Origin,
        waiting: Waiting,
        watches: Vec<TopicPartition>,
        timer: TimerId,
    ) {
        for watch in &watches {
            self.watchers.entry(watch.clone()).or_default().insert(id);
        }
        self.parked.insert(id, Parked { origin, waiting, watches, timer });
    }

    /// Notes that a partition moved.
    pub(super) fn moved(&mut self, id: &TopicPartition) {
        if self.watchers.contains_key(id) && !self.moved.contains(id) {
            self.moved.insert(id.clone());
        }
    }

    /// Whether something moved that somebody watches.
    pub(super) fn take_woken(&mut self) -> BTreeSet<ParkId> {
        let moved = std::mem::take(&mut self.moved);
        moved.iter().filter_map(|id| self.watchers.get(id)).flatten().copied().collect()
    }

    /// What a parked request waits for.
    pub(super) fn waiting(&self, id: ParkId) -> Option<(&Origin, &Waiting)> {
        self.parked.get(&id).map(|parked| (&parked.origin, &parked.waiting))
    }

    /// The same, to note something in it.
    pub(super) fn waiting_mut(&mut self, id: ParkId) -> Option<&mut Waiting> {
        self.parked.get_mut(&id).map(|parked| &mut parked.waiting)
    }

    /// Takes a request out, to answer it.
    pub(super) fn take(&mut self, id: ParkId) -> Option<(Origin, Waiting, TimerId)> {
        let parked = self.parked.remove(&id)?;
        for watch in &parked.watches {
            if let Some(ids) = self.watchers.get_mut(watch) {
                ids.remove(&id);
                if ids.is_empty() {
                    self.watchers.remove(watch);
                }
            }
        }
        Some((parked.origin, parked.waiting, parked.timer))
    }

    /// Drops the requests whose origin is gone; returns their timers.
    pub(super) fn forget(&mut self, gone: impl Fn(&Origin) -> bool) -> Vec<TimerId> {
        let ids: Vec<ParkId> =
            self.parked.iter().filter(|(_, parked)| gone(&parked.origin)).map(|(id, _)| *id).collect();
        ids.into_iter().filter_map(|id| self.take(id)).map(|(_, _, timer)| timer).collect()
    }

    /// How many requests wait.
    pub(super) fn len(&self) -> usize {
        self.parked.len()
    }
}
