//! What is known while a sticky assignment is made: members, topics and partitions by number, who had what, who has
//! what. Decides nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::assignor::{Assignment, Member, PartitionCounts, TopicPartition, subscribed};

/// A member's number: its place by id.
pub(super) type MemberIndex = usize;
/// A partition's number: its place by topic and partition.
pub(super) type Slot = usize;

/// A topic that somebody is subscribed to.
#[derive(Debug)]
pub(super) struct Topic {
    name: Arc<str>,
    /// Its partitions.
    pub(super) slots: std::ops::Range<Slot>,
    /// Its subscribers, in order.
    pub(super) subscribers: Vec<MemberIndex>,
}

/// An assignment that is being made.
#[derive(Debug)]
pub(super) struct Plan {
    /// The ids, in order.
    members: Vec<Arc<str>>,
    /// The topics, by name.
    pub(super) topics: Vec<Topic>,
    /// Who had it, by slot.
    previous: Vec<Option<MemberIndex>>,
    /// Who has it, by slot.
    owner: Vec<Option<MemberIndex>>,
    /// How many each member has.
    load: Vec<usize>,
}

impl Plan {
    /// Nobody has anything yet.
    pub(super) fn new(members: &[Member], counts: &PartitionCounts) -> Self {
        let mut sorted: Vec<_> = members.iter().collect();
        sorted.sort_by_key(|member| &member.id);
        let mut topics = Vec::new();
        let mut end: Slot = 0;
        for (name, count) in subscribed(members, counts) {
            let start = end;
            end = start.saturating_add(usize::try_from(count).unwrap_or_default());
            let wants = |(index, member): (usize, &&Member)| member.topics.contains(name).then_some(index);
            let subscribers = sorted.iter().enumerate().filter_map(wants).collect();
            topics.push(Topic { name: name.clone(), slots: start..end, subscribers });
        }
        let mut plan = Self {
            members: sorted.iter().map(|member| member.id.clone()).collect(),
            topics,
            previous: vec![None; end],
            owner: vec![None; end],
            load: vec![0; sorted.len()],
        };
        plan.note_previous(&sorted);
        plan
    }

    /// Finds out who had what.
    fn note_previous(&mut self, members: &[&Member]) {
        let by_name: BTreeMap<_, _> = self.topics.iter().map(|topic| (&topic.name, &topic.slots)).collect();
        // The highest generation that claims it, and who does; none where several do.
        let mut claims: Vec<Option<(i32, Option<MemberIndex>)>> = vec![None; self.previous.len()];
        for (index, member) in members.iter().enumerate() {
            for owned in member.owned.iter().filter(|owned| member.topics.contains(&owned.topic)) {
                let slots = by_name.get(&owned.topic).map(|slots| (*slots).clone()).unwrap_or_default();
                let number = usize::try_from(owned.partition).ok();
                let slot = number.and_then(|number| slots.clone().nth(number));
                let Some(claim) = slot.and_then(|slot| claims.get_mut(slot)) else { continue };
                *claim = match *claim {
                    Some((generation, by)) if generation > member.generation => Some((generation, by)),
                    Some((generation, by)) if generation == member.generation => {
                        Some((generation, by.filter(|by| *by == index)))
                    }
                    _ => Some((member.generation, Some(index))),
                };
            }
        }
        self.previous = claims.into_iter().map(|claim| claim.and_then(|(_, by)| by)).collect();
    }

    /// How many members there are.
    pub(super) fn member_count(&self) -> usize {
        self.members.len()
    }

    /// How many partitions there are.
    pub(super) fn slot_count(&self) -> usize {
        self.owner.len()
    }

    /// Whether every member is subscribed to every topic.
    pub(super) fn all_want_the_same(&self) -> bool {
        self.topics.iter().all(|topic| topic.subscribers.len() == self.members.len())
    }

    /// Who had it.
    pub(super) fn previous(&self, slot: Slot) -> Option<MemberIndex> {
        self.previous.get(slot).copied().flatten()
    }

    /// Who has it.
    pub(super) fn owner(&self, slot: Slot) -> Option<MemberIndex> {
        self.owner.get(slot).copied().flatten()
    }

    /// How many the member has.
    pub(super) fn load(&self, member: MemberIndex) -> usize {
        self.load.get(member).copied().unwrap_or_default()
    }

    /// How many more the member with the most has than the one with the fewest.
    pub(super) fn widest_gap(&self) -> usize {
        let most = self.load.iter().max().copied().unwrap_or_default();
        most.saturating_sub(self.load.iter().min().copied().unwrap_or_default())
    }

    /// The member has it from now on, and whoever had it has not.
    pub(super) fn give(&mut self, slot: Slot, member: MemberIndex) {
        let Some(owner) = self.owner.get_mut(slot) else { return };
        let before = owner.replace(member);
        if let Some(load) = before.and_then(|before| self.load.get_mut(before)) {
            *load = load.saturating_sub(1);
        }
        if let Some(load) = self.load.get_mut(member) {
            *load = load.saturating_add(1);
        }
    }

    /// What each member had, in order.
    pub(super) fn previous_of_each(&self) -> Vec<Vec<Slot>> {
        let mut each = vec![Vec::new(); self.members.len()];
        for (slot, previous) in self.previous.iter().enumerate() {
            if let Some(slots) = previous.and_then(|previous| each.get_mut(previous)) {
                slots.push(slot);
            }
        }
        each
    }

    /// What came of it.
    pub(super) fn assignment(&self) -> Assignment {
        let mut each = vec![Vec::new(); self.members.len()];
        for topic in &self.topics {
            for (partition, slot) in (0..).zip(topic.slots.clone()) {
                if let Some(partitions) = self.owner(slot).and_then(|owner| each.get_mut(owner)) {
                    partitions.push(TopicPartition::new(topic.name.clone(), partition));
                }
            }
        }
        self.members.iter().cloned().zip(each).collect()
    }
}
