//! The groups of one partition of `__consumer_offsets`, at the broker that leads it.
//!
//! A broker that begins to lead the partition reads it from its start, and answers `COORDINATOR_LOAD_IN_PROGRESS` until it
//! is through; what it writes is waited for in the order in which it was written.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::desk::Kept;
use super::offsets::Committed;
use super::{Group, GroupRecord, consumer};
use crate::engine::context::{Id, TimerId};
use crate::engine::replica::TopicPartition;

/// How far a coordinator is with a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It reads the partition.
    Loading {
        /// The next offset to read.
        next: i64,
        /// How many records it has read.
        records: u64,
    },
    /// It serves its groups.
    Active,
}

/// Records that were appended, and are waited for.
#[derive(Clone, Debug)]
pub struct InFlight {
    /// Its number.
    pub id: Id,
    /// The high watermark to reach.
    pub until: i64,
    /// Whose.
    pub group: Arc<str>,
    /// What follows.
    pub then: Kept,
    /// When it has taken too long.
    pub timer: TimerId,
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Shard {
    /// How far it is.
    pub phase: Phase,
    groups: BTreeMap<Arc<str>, Arc<Group>>,
    in_flight: VecDeque<InFlight>,
}

impl Shard {
    /// Of a partition that has to be read from `start` on.
    pub fn new(start: i64) -> Self {
        let phase = Phase::Loading { next: start, records: 0 };
        Self { phase, groups: BTreeMap::new(), in_flight: VecDeque::new() }
    }

    /// Its groups, by id.
    pub fn groups(&self) -> impl Iterator<Item = &Arc<Group>> {
        self.groups.values()
    }

    /// A group.
    pub fn group(&self, id: &str) -> Option<&Group> {
        self.groups.get(id).map(|group| &**group)
    }

    /// A group, to work on.
    pub fn group_mut(&mut self, id: &str) -> Option<&mut Group> {
        self.groups.get_mut(id).map(Arc::make_mut)
    }

    /// A group, made where there is none.
    pub fn group_or_new(&mut self, id: &Arc<str>, date_ms: i64) -> &mut Group {
        let new = || Arc::new(Group::new(Arc::clone(id), date_ms));
        Arc::make_mut(self.groups.entry(Arc::clone(id)).or_insert_with(new))
    }

    /// Forgets a group.
    pub fn remove(&mut self, id: &str) {
        self.groups.remove(id);
    }

    /// Takes up what a record of the log says. What cannot be read is passed over: a newer broker may have written it.
    pub fn replay(&mut self, record: GroupRecord, date_ms: i64) {
        match record {
            GroupRecord::OffsetCommit { key, value } if value.is_some() || self.groups.contains_key(&key.group) => {
                let id = TopicPartition::new(key.topic, key.partition);
                self.group_or_new(&key.group, date_ms).offsets.replay(id, value.map(Committed::from));
            }
            record => {
                let Some((group, begins)) = named(&record) else { return };
                if begins || self.groups.contains_key(&group) {
                    self.group_or_new(&group, date_ms).replay(record, date_ms);
                }
            }
        }
    }

    /// The partition is read: groups of which nothing is left were deleted.
    pub fn loaded(&mut self) {
        self.phase = Phase::Active;
        self.groups.retain(|_, group| !group.is_nothing());
    }

    /// Records were appended.
    pub fn wait(&mut self, in_flight: InFlight) {
        self.in_flight.push_back(in_flight);
    }

    /// The high watermark that the newest records wait for, if any do.
    pub fn last_until(&self) -> Option<i64> {
        self.in_flight.back().map(|waiting| waiting.until)
    }

    /// Takes out the oldest records that are waited for, if `is_kept` of them.
    pub fn take_if(&mut self, is_kept: impl FnOnce(&InFlight) -> bool) -> Option<InFlight> {
        if self.in_flight.front().is_some_and(is_kept) { self.in_flight.pop_front() } else { None }
    }

    /// Takes out records that have taken too long.
    pub fn take_late(&mut self, id: Id) -> Option<InFlight> {
        let at = self.in_flight.iter().position(|waiting| waiting.id == id)?;
        self.in_flight.remove(at)
    }

    /// Takes out all records that are waited for.
    pub fn take_all(&mut self) -> VecDeque<InFlight> {
        std::mem::take(&mut self.in_flight)
    }
}

/// Which group's members a record is about, and whether the group is there from it on.
fn named(record: &GroupRecord) -> Option<(Arc<str>, bool)> {
    let group = match record {
        GroupRecord::GroupMetadata { key, value } => return Some((Arc::clone(&key.group), value.is_some())),
        GroupRecord::ConsumerGroupMetadata { key, .. } => &key.group_id,
        GroupRecord::ConsumerGroupPartitionMetadata { key, .. } => &key.group_id,
        GroupRecord::ConsumerGroupMemberMetadata { key, .. } => &key.group_id,
        GroupRecord::ConsumerGroupTargetAssignmentMetadata { key, .. } => &key.group_id,
        GroupRecord::ConsumerGroupTargetAssignmentMember { key, .. } => &key.group_id,
        GroupRecord::ConsumerGroupCurrentMemberAssignment { key, .. } => &key.group_id,
        GroupRecord::ConsumerGroupRegularExpression { key, .. } => &key.group_id,
        GroupRecord::OffsetCommit { .. } | GroupRecord::Unknown { .. } => return None,
    };
    Some((Arc::clone(group), consumer::begins(record)))
}
