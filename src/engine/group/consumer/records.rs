//! What a group of KIP-848 writes into the log: one record for each part of it, so that a heartbeat that changes one member
//! writes of that member alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::image::{Image, Member, Partitions, Profile, Resolved, Topic};
use crate::protocol::group_records::{
    ClassicMember, ConsumerGroupCurrentMemberAssignmentKey, ConsumerGroupCurrentMemberAssignmentValue,
    ConsumerGroupMemberMetadataKey, ConsumerGroupMemberMetadataValue, ConsumerGroupMetadataKey,
    ConsumerGroupMetadataValue, ConsumerGroupPartitionMetadataKey, ConsumerGroupPartitionMetadataValue,
    ConsumerGroupRegularExpressionKey, ConsumerGroupRegularExpressionValue, ConsumerGroupTargetAssignmentMemberKey,
    ConsumerGroupTargetAssignmentMemberValue, ConsumerGroupTargetAssignmentMetadataKey,
    ConsumerGroupTargetAssignmentMetadataValue, GroupRecord, TopicMetadata, TopicPartitions,
};

/// An image that is being changed, and the records that say how.
#[derive(Debug)]
pub(super) struct Draft {
    group: Arc<str>,
    /// The image as it is with all records so far: the one before until there is one.
    pub(super) image: Arc<Image>,
    pub(super) records: Vec<GroupRecord>,
}

impl Draft {
    pub(super) fn new(group: &Arc<str>, image: &Arc<Image>) -> Self {
        Self { group: Arc::clone(group), image: Arc::clone(image), records: Vec::new() }
    }

    fn write(&mut self, record: GroupRecord) {
        Arc::make_mut(&mut self.image).apply(&record);
        self.records.push(record);
    }

    /// The group's epoch.
    pub(super) fn epoch(&mut self, epoch: Option<i32>) {
        let key = ConsumerGroupMetadataKey { group_id: Arc::clone(&self.group) };
        self.write(GroupRecord::from((key, epoch.map(|epoch| ConsumerGroupMetadataValue { epoch }))));
    }

    /// The topics that its members want.
    pub(super) fn topics(&mut self, topics: Option<&BTreeMap<Arc<str>, Topic>>) {
        let key = ConsumerGroupPartitionMetadataKey { group_id: Arc::clone(&self.group) };
        let of = |(name, topic): (&Arc<str>, &Topic)| TopicMetadata {
            topic_id: topic.id,
            topic_name: Arc::clone(name),
            num_partitions: topic.partitions,
            partition_metadata: Vec::new(),
        };
        let value =
            topics.map(|topics| ConsumerGroupPartitionMetadataValue { topics: topics.iter().map(of).collect() });
        self.write(GroupRecord::from((key, value)));
    }

    /// What a pattern stands for. The metadata has no version here that could be told (deviation: no-metadata-version).
    pub(super) fn pattern(&mut self, pattern: &Arc<str>, resolved: Option<&Resolved>) {
        let (group_id, regular_expression) = (Arc::clone(&self.group), Arc::clone(pattern));
        let value = resolved.map(|resolved| ConsumerGroupRegularExpressionValue {
            topics: resolved.topics.iter().cloned().collect(),
            version: 0,
            timestamp: resolved.at_ms,
        });
        self.write(GroupRecord::from((ConsumerGroupRegularExpressionKey { group_id, regular_expression }, value)));
    }

    /// Takes out the patterns that no member subscribes to any more.
    pub(super) fn forget_patterns(&mut self) {
        let image = Arc::clone(&self.image);
        let subscribed = image.subscribed_patterns();
        for pattern in image.patterns.keys().filter(|pattern| !subscribed.contains(pattern)) {
            self.pattern(pattern, None);
        }
    }

    /// What a member says of itself.
    pub(super) fn profile(&mut self, member: &Arc<str>, profile: Option<&Profile>) {
        let key = ConsumerGroupMemberMetadataKey { group_id: Arc::clone(&self.group), member_id: Arc::clone(member) };
        let value = profile.map(|profile| ConsumerGroupMemberMetadataValue {
            instance_id: profile.instance_id.clone(),
            rack_id: profile.rack_id.clone(),
            client_id: Arc::clone(&profile.client_id),
            client_host: Arc::clone(&profile.client_host),
            subscribed_topic_names: profile.topics.iter().cloned().collect(),
            subscribed_topic_regex: profile.pattern.clone(),
            rebalance_timeout_ms: profile.rebalance_timeout_ms,
            server_assignor: profile.server_assignor.clone(),
            classic_member_metadata: ClassicMember(None),
        });
        self.write(GroupRecord::from((key, value)));
    }

    /// The epoch of the target assignment.
    pub(super) fn target_epoch(&mut self, epoch: Option<i32>) {
        let key = ConsumerGroupTargetAssignmentMetadataKey { group_id: Arc::clone(&self.group) };
        let value = epoch.map(|assignment_epoch| ConsumerGroupTargetAssignmentMetadataValue { assignment_epoch });
        self.write(GroupRecord::from((key, value)));
    }

    /// What a member is to own.
    pub(super) fn target(&mut self, member: &Arc<str>, partitions: Option<&Partitions>) {
        let key =
            ConsumerGroupTargetAssignmentMemberKey { group_id: Arc::clone(&self.group), member_id: Arc::clone(member) };
        let of = |partitions| ConsumerGroupTargetAssignmentMemberValue { topic_partitions: by_topic(partitions) };
        self.write(GroupRecord::from((key, partitions.map(of))));
    }

    /// What a member owns.
    pub(super) fn current(&mut self, id: &Arc<str>, member: Option<&Member>) {
        let key =
            ConsumerGroupCurrentMemberAssignmentKey { group_id: Arc::clone(&self.group), member_id: Arc::clone(id) };
        let value = member.map(|member| ConsumerGroupCurrentMemberAssignmentValue {
            member_epoch: member.epoch,
            previous_member_epoch: member.previous_epoch,
            state: member.state.code(),
            assigned_partitions: by_topic(&member.assigned),
            partitions_pending_revocation: by_topic(&member.pending_revocation),
        });
        self.write(GroupRecord::from((key, value)));
    }

    /// Gives a static member another id: it keeps what it owns and what it is to own, and begins at epoch 0.
    pub(super) fn rename_member(&mut self, old: &Arc<str>, new: &Arc<str>) {
        let Some(member) = self.image.member(old).cloned() else { return };
        let target = self.image.target(old);
        self.remove_member(old);
        self.profile(new, Some(&member.profile));
        self.target(new, Some(&target));
        self.current(new, Some(&Member { epoch: 0, ..member }));
    }

    /// Takes a member out, in Kafka's order: what it owns, what it is to own, itself.
    pub(super) fn remove_member(&mut self, member: &Arc<str>) {
        self.current(member, None);
        self.target(member, None);
        self.profile(member, None);
    }

    /// Deletes the group, its members first.
    pub(super) fn remove_group(&mut self) {
        let members: Vec<Arc<str>> = self.image.members().map(|(id, _)| Arc::clone(id)).collect();
        for member in members {
            self.remove_member(&member);
        }
        self.forget_patterns();
        self.target_epoch(None);
        self.topics(None);
        self.epoch(None);
    }
}

/// Partitions as records have them: topics and partitions in their order.
fn by_topic(partitions: &Partitions) -> Vec<TopicPartitions> {
    let of = |(topic_id, partitions)| TopicPartitions { topic_id, partitions };
    grouped(partitions).into_iter().map(of).collect()
}

/// Partitions by topic.
pub(super) fn grouped(partitions: &Partitions) -> BTreeMap<Uuid, Vec<i32>> {
    let mut topics: BTreeMap<Uuid, Vec<i32>> = BTreeMap::new();
    for (topic, partition) in partitions {
        topics.entry(*topic).or_default().push(*partition);
    }
    topics
}
