//! The bound on what the logs of all brokers hold together, `--memory` (deviation: memory-bound): when it is reached,
//! the partition that holds most gives up its oldest segment, on all its replicas, until there is room again.
//!
//! Only what lies below the partition's high watermark goes, and it goes as retention takes it: the log start moves, who
//! reads below it is told `OFFSET_OUT_OF_RANGE`. Replicas share the bodies of their batches, dead ones too, so memory
//! comes back only when the last of them lets go. That is why this is the cluster's business and no broker's.
//!
//! What retention would never take goes last: a log that is only compacted is there for the newest record of each key,
//! however old it is. Kafka's own topics give up nothing, or groups would forget how far they are: compaction alone holds
//! what they have. Where the logs are on files nothing is given up, and any of them leaves memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::{BrokerNode, Cluster, Outside};
use crate::engine::context::Cause;
use crate::engine::event::{BrokerEvent, EventKind};
use crate::engine::log::Log;
use crate::engine::node::{BrokerId, NodeId};
use crate::engine::replica::TopicPartition;
use crate::engine::time::Time;
use crate::engine::topic_name;
use crate::protocol::records::HEAD_BYTES;

/// What a batch costs on each of its replicas beside its body: its head as a value, and its place in the log.
const BATCH_BYTES: u64 = 128;

/// When the bound is reached, so small a part of it is freed at least: 1/32.
const FREED_PART: u64 = 32;

/// So much more than was appended the logs may have grown since they were last counted: a batch of one small record
/// costs its head on each of its replicas.
const GROWTH: u64 = 8;

/// Who may have to give something up, the last one first: whether retention may take its segments, what it holds, which
/// partition it is.
type Giver = (bool, u64, TopicPartition);

/// How often it is told, in lab time.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// What is known of the room that is left.
#[derive(Clone, Debug, Default)]
pub(super) struct Room {
    /// Bytes that may be appended before the logs are counted again.
    until_counted: u64,
    /// What went since the start of the lab.
    evicted_bytes: u64,
    /// When it was told last.
    told: Option<Time>,
    /// What went since: where those logs begin now, and the bytes.
    untold: BTreeMap<TopicPartition, i64>,
    untold_bytes: u64,
}

/// What a partition holds: the heads of all its replicas, and its bodies, which they share.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    heads: u64,
    bodies: u64,
    /// The heads that followers will have when they have caught up: room for them is needed soon.
    expected: u64,
    replicas: u64,
    longest: u64,
}

impl Held {
    fn add(&mut self, log: &Log) {
        let resident = log.resident();
        self.heads += resident.batches * BATCH_BYTES;
        self.replicas += 1;
        self.longest = self.longest.max(resident.batches);
        self.expected = (self.replicas * self.longest * BATCH_BYTES).saturating_sub(self.heads);
        self.bodies = self.bodies.max(resident.bytes.saturating_sub(resident.batches * HEAD_BYTES as u64));
    }

    fn bytes(self) -> u64 {
        self.heads + self.bodies
    }
}

impl Cluster {
    /// What the logs of all brokers hold in memory, shared bodies once.
    pub fn memory_used(&self) -> u64 {
        self.held().values().map(|held| held.bytes()).sum()
    }

    /// What went so far to keep within `--memory`, in bytes.
    pub fn memory_evicted(&self) -> u64 {
        self.room.evicted_bytes
    }

    fn held(&self) -> BTreeMap<TopicPartition, Held> {
        let mut all: BTreeMap<TopicPartition, Held> = BTreeMap::new();
        for (id, log, _) in self.brokers.values().flat_map(|node| node.logs()) {
            all.entry(id.clone()).or_default().add(log);
        }
        all
    }

    /// Producers appended so many bytes: makes room if that was too much.
    pub(super) fn appended(&mut self, bytes: u64, outside: &mut Outside<'_>) {
        let bound = self.config.memory_bytes;
        if bytes == 0 || bound == 0 {
            return;
        }
        if let Some(left) = self.room.until_counted.checked_sub(bytes) {
            self.room.until_counted = left;
            return;
        }
        let held = self.held();
        let mut used = held.values().map(|held| held.bytes()).sum();
        let expected: u64 = held.values().map(|held| held.expected).sum();
        let freed = bound / FREED_PART;
        let mut until_counted = 0;
        if used + expected >= bound {
            used = self.make_room(&held, used, bound - freed, outside);
            self.tell();
            if used > bound - freed {
                // Nothing more may go: to count at each append would not help.
                until_counted = freed / GROWTH;
            }
        }
        self.room.until_counted = until_counted.max(bound.saturating_sub(used + expected) / GROWTH);
    }

    /// Evicts until no more than `target` is used, or nothing is left that may go. Returns what is used then.
    fn make_room(
        &mut self,
        held: &BTreeMap<TopicPartition, Held>,
        mut used: u64,
        target: u64,
        outside: &mut Outside<'_>,
    ) -> u64 {
        let lasting = outside.disks.is_lasting();
        let giver = |(id, held): (&TopicPartition, &Held)| self.giver(id, *held, lasting);
        let mut givers: BTreeSet<Giver> = held.iter().filter_map(giver).collect();
        while used > target {
            let Some((deletes, before, id)) = givers.pop_last() else { break };
            let Some(log_start) = self.evict_oldest_segment(&id, outside) else { continue };
            let after = self.held_by(&id).bytes();
            let freed = before.saturating_sub(after);
            if freed > 0 {
                givers.insert((deletes, after, id.clone()));
            }
            used = used.saturating_sub(freed);
            self.room.evicted_bytes += freed;
            self.room.untold_bytes += freed;
            self.room.untold.insert(id, log_start);
        }
        used
    }

    /// Whether and when a partition is to give something up.
    fn giver(&self, id: &TopicPartition, held: Held, lasting: bool) -> Option<Giver> {
        if lasting {
            return Some((true, held.bytes(), id.clone()));
        }
        let (log, _) = self.best_known(id)?;
        (!topic_name::is_internal(&id.topic)).then(|| (log.config().delete, held.bytes(), id.clone()))
    }

    fn held_by(&self, id: &TopicPartition) -> Held {
        let mut held = Held::default();
        for (log, _) in self.brokers.values().filter_map(|node| node.log(id)) {
            held.add(log);
        }
        held
    }

    /// Drops the oldest segment of a partition on all its replicas. Returns where the logs begin then; `None` where the
    /// segment does not lie below the high watermark.
    fn evict_oldest_segment(&mut self, id: &TopicPartition, outside: &mut Outside<'_>) -> Option<i64> {
        let lasting = outside.disks.is_lasting();
        let (end, high_watermark) = self.oldest_segment(id, lasting)?;
        if end > high_watermark && !lasting {
            return None;
        }
        let begins = |log: &Log| if lasting { log.resident_from() } else { log.log_start_offset() };
        for (broker, node) in &mut self.brokers {
            if node.log(id).is_some_and(|(log, _)| begins(log) < end) {
                Arc::make_mut(node).evict_to(id, end, outside.disks);
                self.touched.insert((*broker, id.clone()));
            }
        }
        Some(end)
    }

    /// Where the oldest segment of a partition ends, and its high watermark.
    fn oldest_segment(&self, id: &TopicPartition, lasting: bool) -> Option<(i64, i64)> {
        let end = |log: &Log| if lasting { log.oldest_resident_end() } else { log.oldest_segment_end() };
        self.best_known(id).map(|(log, high_watermark)| (end(log), high_watermark))
    }

    /// A partition's log and high watermark as its leader knows them, else as the replica does that knows most.
    fn best_known(&self, id: &TopicPartition) -> Option<(&Log, i64)> {
        let leads = |node: &&Arc<BrokerNode>| node.running()?.replica(id)?.leader().map(|leader| leader.epoch);
        let leader = self.brokers.values().filter(|node| leads(node).is_some()).max_by_key(leads);
        match leader {
            Some(leader) => leader.log(id),
            None => self.brokers.values().filter_map(|node| node.log(id)).max_by_key(|(_, watermark)| *watermark),
        }
    }

    /// Says what went, at the broker that leads the first of the partitions, but not every time.
    fn tell(&mut self) {
        let due = self.room.told.is_none_or(|told| self.turn.now.lab >= told + TELL_EVERY);
        let Some((first, _)) = self.room.untold.first_key_value().filter(|_| due) else { return };
        let leads = |node: &BrokerNode| node.running().is_some_and(|broker| broker.led(first, -1).is_ok());
        let broker = self.brokers().find(|(_, node)| leads(node)).map_or(BrokerId(1), |(id, _)| id);
        let partitions = std::mem::take(&mut self.room.untold).into_iter().collect();
        let bytes = std::mem::take(&mut self.room.untold_bytes);
        self.room.told = Some(self.turn.now.lab);
        let kind = EventKind::Broker(BrokerEvent::Evicted { partitions, bytes });
        self.say(NodeId::Broker(broker), kind, Cause::default());
    }
}
