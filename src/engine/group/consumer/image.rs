//! A group of KIP-848 as the log has it: what its records say, no more. Whoever decides writes records; the image takes
//! them up, now and when the partition is read by the next coordinator. It sets no timer and answers nobody.
//!
//! # Invariants
//! - A partition belongs to one member at most, be it assigned or waiting to be given back: [`Image::owner`].
//! - The target assignment names members of the group only.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use crate::engine::replica::TopicPartition;
use crate::protocol::group_records::{
    ConsumerGroupCurrentMemberAssignmentValue, ConsumerGroupMemberMetadataValue, ConsumerGroupPartitionMetadataValue,
    ConsumerGroupRegularExpressionValue, ConsumerGroupTargetAssignmentMemberValue, GroupRecord, TopicPartitions,
    member_state,
};

/// Partitions, each by its topic's id and its number.
pub type Partitions = BTreeSet<(Uuid, i32)>;

/// How far a member is on the way to its target. The names are Kafka's (`MemberState`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MemberState {
    /// It owns what it is to own at its epoch.
    #[default]
    Stable,
    /// It has to give partitions back before it goes on.
    UnrevokedPartitions,
    /// It waits for partitions that others have to give back.
    UnreleasedPartitions,
}

impl MemberState {
    /// As a record has it.
    pub const fn code(self) -> i8 {
        match self {
            Self::Stable => member_state::STABLE,
            Self::UnrevokedPartitions => member_state::UNREVOKED_PARTITIONS,
            Self::UnreleasedPartitions => member_state::UNRELEASED_PARTITIONS,
        }
    }

    /// What a record says. What is not known is taken for a member that has got all it is to get so far: it goes on from
    /// there.
    const fn from_code(code: i8) -> Self {
        match code {
            member_state::UNREVOKED_PARTITIONS => Self::UnrevokedPartitions,
            member_state::UNRELEASED_PARTITIONS => Self::UnreleasedPartitions,
            _ => Self::Stable,
        }
    }
}

/// What a member says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// Its `group.instance.id`: a static member has one.
    pub instance_id: Option<Arc<str>>,
    /// Its rack.
    pub rack_id: Option<Arc<str>>,
    /// Its `client.id`.
    pub client_id: Arc<str>,
    /// Its address.
    pub client_host: Arc<str>,
    /// The topics that it wants.
    pub topics: BTreeSet<Arc<str>>,
    /// A pattern of topics that it wants besides; empty for none, too.
    pub pattern: Option<Arc<str>>,
    /// How long the group waits for it to give partitions back, in milliseconds; -1 where it has not said so.
    pub rebalance_timeout_ms: i32,
    /// The assignor that it wants, if it cares.
    pub server_assignor: Option<Arc<str>>,
}

impl Profile {
    /// The pattern that it subscribes to.
    pub fn pattern(&self) -> Option<&Arc<str>> {
        self.pattern.as_ref().filter(|pattern| !pattern.is_empty())
    }
}

/// What a pattern stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// The topics whose names are like it.
    pub topics: BTreeSet<Arc<str>>,
    /// When they were looked for, in milliseconds since 1970.
    pub at_ms: i64,
}

/// One member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// What it says of itself.
    pub profile: Profile,
    /// The epoch that it has reached: 0 as it joins, -2 for a static member that is away.
    pub epoch: i32,
    /// The epoch before: what it says when the answer with the newer one got lost.
    pub previous_epoch: i32,
    /// How far it is.
    pub state: MemberState,
    /// What it owns.
    pub assigned: Partitions,
    /// What it has to give back, and has until it says that it has done so.
    pub pending_revocation: Partitions,
}

impl Member {
    /// Whether it owns what it is to own by the target assignment of this epoch.
    pub fn is_reconciled_to(&self, target_epoch: i32) -> bool {
        self.state == MemberState::Stable && self.epoch == target_epoch
    }

    /// Nobody else may have these.
    fn holds(&self) -> impl Iterator<Item = &(Uuid, i32)> {
        self.assigned.iter().chain(&self.pending_revocation)
    }
}

/// A topic that members want, as it was when the group's epoch was raised for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its id.
    pub id: Uuid,
    /// How many partitions it has.
    pub partitions: i32,
}

/// See the [module](self).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// The group's epoch: raised when members or topics change.
    pub epoch: i32,
    /// The epoch that the target assignment was made for.
    pub target_epoch: i32,
    /// The topics that members want and that are there, by name.
    pub topics: BTreeMap<Arc<str>, Topic>,
    /// What the patterns of members stand for, as far as it was looked for.
    pub patterns: BTreeMap<Arc<str>, Resolved>,
    members: BTreeMap<Arc<str>, Arc<Member>>,
    target: BTreeMap<Arc<str>, Arc<Partitions>>,
    /// Static members by their instance ids.
    instances: BTreeMap<Arc<str>, Arc<str>>,
    /// Who has a partition.
    owners: BTreeMap<(Uuid, i32), Arc<str>>,
}

impl Image {
    /// Its members, by member id.
    pub fn members(&self) -> impl Iterator<Item = (&Arc<str>, &Member)> {
        self.members.iter().map(|(id, member)| (id, &**member))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether it has no members.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// A member.
    pub fn member(&self, id: &str) -> Option<&Member> {
        self.members.get(id).map(|member| &**member)
    }

    /// The member id behind a `group.instance.id`.
    pub fn instance(&self, instance: &str) -> Option<&Arc<str>> {
        self.instances.get(instance)
    }

    /// Whether it is said what a member is to own.
    pub fn has_target(&self, id: &str) -> bool {
        self.target.contains_key(id)
    }

    /// What a member is to own.
    pub fn target(&self, id: &str) -> Partitions {
        self.target.get(id).map(|target| Partitions::clone(target)).unwrap_or_default()
    }

    /// Who has a partition, or has still to give it back.
    pub fn owner(&self, partition: &(Uuid, i32)) -> Option<&Arc<str>> {
        self.owners.get(partition)
    }

    /// The topics that members want, by their names or by patterns.
    pub fn subscribed(&self) -> BTreeSet<&Arc<str>> {
        self.members.values().flat_map(|member| self.wanted(&member.profile)).collect()
    }

    /// The topics that a member wants.
    pub fn wanted<'a>(&'a self, profile: &'a Profile) -> BTreeSet<&'a Arc<str>> {
        let resolved = profile.pattern().and_then(|pattern| self.patterns.get(pattern));
        let like = resolved.into_iter().flat_map(|resolved| &resolved.topics);
        profile.topics.iter().chain(like).collect()
    }

    /// The patterns that members subscribe to.
    pub fn subscribed_patterns(&self) -> BTreeSet<&Arc<str>> {
        self.members.values().filter_map(|member| member.profile.pattern()).collect()
    }

    /// Whether members want this topic.
    pub fn reads(&self, topic: &str) -> bool {
        self.subscribed().iter().any(|wanted| &***wanted == topic)
    }

    /// Partitions by the names of their topics. What the group does not know is left out.
    pub fn named(&self, partitions: &Partitions) -> Vec<TopicPartition> {
        let names: BTreeMap<Uuid, &Arc<str>> = self.topics.iter().map(|(name, topic)| (topic.id, name)).collect();
        let of = |(topic, partition): &(Uuid, i32)| {
            Some(TopicPartition::new(Arc::clone(names.get(topic).copied()?), *partition))
        };
        partitions.iter().filter_map(of).collect()
    }

    /// Takes up what a record says. One that is not about such a group says nothing here.
    pub fn apply(&mut self, record: &GroupRecord) {
        match record {
            GroupRecord::ConsumerGroupMetadata { value, .. } => {
                self.epoch = value.as_ref().map_or(0, |value| value.epoch);
            }
            GroupRecord::ConsumerGroupPartitionMetadata { value, .. } => {
                self.topics = value.as_ref().map(topics).unwrap_or_default();
            }
            GroupRecord::ConsumerGroupRegularExpression { key, value } => {
                let pattern = Arc::clone(&key.regular_expression);
                match value {
                    Some(value) => drop(self.patterns.insert(pattern, resolved(value))),
                    None => drop(self.patterns.remove(&pattern)),
                }
            }
            GroupRecord::ConsumerGroupMemberMetadata { key, value } => self.present(&key.member_id, value.as_ref()),
            GroupRecord::ConsumerGroupTargetAssignmentMetadata { value, .. } => {
                self.target_epoch = value.as_ref().map_or(0, |value| value.assignment_epoch);
            }
            GroupRecord::ConsumerGroupTargetAssignmentMember { key, value } => self.aim(&key.member_id, value.as_ref()),
            GroupRecord::ConsumerGroupCurrentMemberAssignment { key, value } => {
                self.settle(&key.member_id, value.as_ref());
            }
            _ => {}
        }
    }

    /// A member said who it is, or is gone.
    fn present(&mut self, id: &Arc<str>, value: Option<&ConsumerGroupMemberMetadataValue>) {
        let mut member = self.take(id);
        match value {
            None => drop(member.take()),
            Some(value) => member.get_or_insert_default().profile = profile(value),
        }
        if let Some(member) = member {
            self.put(id, member);
        }
    }

    /// What a member is to own.
    fn aim(&mut self, id: &Arc<str>, value: Option<&ConsumerGroupTargetAssignmentMemberValue>) {
        match value {
            Some(value) => drop(self.target.insert(Arc::clone(id), Arc::new(flat(&value.topic_partitions)))),
            None => drop(self.target.remove(id)),
        }
    }

    /// What a member owns; without a value it owns nothing, and is at no epoch.
    fn settle(&mut self, id: &Arc<str>, value: Option<&ConsumerGroupCurrentMemberAssignmentValue>) {
        let Some(mut member) = self.take(id).or_else(|| value.is_some().then(Member::default)) else { return };
        let value = value.cloned().unwrap_or_default();
        member.epoch = value.member_epoch;
        member.previous_epoch = value.previous_member_epoch;
        member.state = MemberState::from_code(value.state);
        member.assigned = flat(&value.assigned_partitions);
        member.pending_revocation = flat(&value.partitions_pending_revocation);
        self.put(id, member);
    }

    /// Takes a member out, and all that says where it is.
    fn take(&mut self, id: &str) -> Option<Member> {
        let member = Arc::unwrap_or_clone(self.members.remove(id)?);
        for partition in member.holds() {
            if self.owners.get(partition).is_some_and(|owner| &**owner == id) {
                self.owners.remove(partition);
            }
        }
        if let Some(instance) = &member.profile.instance_id
            && self.instances.get(instance).is_some_and(|current| &**current == id)
        {
            self.instances.remove(instance);
        }
        Some(member)
    }

    fn put(&mut self, id: &Arc<str>, member: Member) {
        for partition in member.holds() {
            self.owners.insert(*partition, Arc::clone(id));
        }
        if let Some(instance) = &member.profile.instance_id {
            self.instances.insert(Arc::clone(instance), Arc::clone(id));
        }
        self.members.insert(Arc::clone(id), Arc::new(member));
    }
}

fn topics(value: &ConsumerGroupPartitionMetadataValue) -> BTreeMap<Arc<str>, Topic> {
    let of = |topic: &crate::protocol::group_records::TopicMetadata| {
        (Arc::clone(&topic.topic_name), Topic { id: topic.topic_id, partitions: topic.num_partitions })
    };
    value.topics.iter().map(of).collect()
}

fn resolved(value: &ConsumerGroupRegularExpressionValue) -> Resolved {
    Resolved { topics: value.topics.iter().cloned().collect(), at_ms: value.timestamp }
}

fn profile(value: &ConsumerGroupMemberMetadataValue) -> Profile {
    Profile {
        instance_id: value.instance_id.clone(),
        rack_id: value.rack_id.clone(),
        client_id: Arc::clone(&value.client_id),
        client_host: Arc::clone(&value.client_host),
        topics: value.subscribed_topic_names.iter().cloned().collect(),
        pattern: value.subscribed_topic_regex.clone(),
        rebalance_timeout_ms: value.rebalance_timeout_ms,
        server_assignor: value.server_assignor.clone(),
    }
}

fn flat(topics: &[TopicPartitions]) -> Partitions {
    topics.iter().flat_map(|topic| topic.partitions.iter().map(|partition| (topic.topic_id, *partition))).collect()
}
