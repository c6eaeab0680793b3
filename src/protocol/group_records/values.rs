//! The keys and values of `__consumer_offsets` as tables, and which version of a value is written. No codec.

use std::sync::Arc;

use bytes::Bytes;
use uuid::Uuid;

use crate::protocol::DecodeError;
use crate::protocol::definition::message;
use crate::protocol::wire::{Layout, Reader, Wire, Writer};

/// What [`OffsetCommitValue::expire_timestamp`] and [`GroupMetadataValue::current_state_timestamp`] say for none.
pub const NO_TIMESTAMP: i64 = -1;

/// The values of [`ConsumerGroupCurrentMemberAssignmentValue::state`] (`MemberState`).
pub mod member_state {
    /// The member owns what it is to own at its epoch.
    pub const STABLE: i8 = 0;
    /// It has to give partitions back.
    pub const UNREVOKED_PARTITIONS: i8 = 1;
    /// It waits for partitions that others have to give back.
    pub const UNRELEASED_PARTITIONS: i8 = 2;
    /// Not known: written by a newer broker.
    pub const UNKNOWN: i8 = 127;
}

message! {
    /// Whose offset of which partition.
    pub struct OffsetCommitKey (0..=1, flexible 2) {
        /// The group.
        group: Arc<str>,
        /// The topic.
        topic: Arc<str>,
        /// The partition.
        partition: i32,
    }

    /// An offset.
    pub struct OffsetCommitValue (0..=4, flexible 4) {
        /// The offset of the record to be read next.
        offset: i64,
        /// The leader epoch of the last record read, or -1.
        leader_epoch: i32 [3..] = -1,
        /// What the client keeps beside it.
        metadata: Arc<str>,
        /// When it was committed, in milliseconds since 1970.
        commit_timestamp: i64,
        /// When it expires, in milliseconds since 1970, or [`NO_TIMESTAMP`]: for clients that asked for a time of their
        /// own (`OffsetCommit` up to version 4).
        expire_timestamp: i64 [1..=1] = NO_TIMESTAMP,
    }

    /// Which classic group.
    pub struct GroupMetadataKey (2..=2, flexible 3) {
        /// The group.
        group: Arc<str>,
    }

    /// A classic group at the end of a rebalance.
    pub struct GroupMetadataValue (0..=4, flexible 4) {
        /// What it is for: `consumer`, or empty for a group that only holds offsets.
        protocol_type: Arc<str>,
        /// Its generation.
        generation: i32,
        /// The protocol that was chosen: for consumers the assignor; null without members.
        protocol: Option<Arc<str>>,
        /// The member that leads; null without members.
        leader: Option<Arc<str>>,
        /// Since when it is in its state, in milliseconds since 1970, or [`NO_TIMESTAMP`].
        current_state_timestamp: i64 [2..] = NO_TIMESTAMP,
        /// Its members.
        members: Vec<MemberMetadata>,
    }

    /// A member of a classic group.
    pub struct MemberMetadata {
        /// Its id.
        member_id: Arc<str>,
        /// The static member's name (KIP-345).
        group_instance_id: Option<Arc<str>> [3..],
        /// Its `client.id`.
        client_id: Arc<str>,
        /// Its address, with a slash ahead (`/127.0.0.1`).
        client_host: Arc<str>,
        /// How long the group waits for it to join again, in milliseconds; in version 0 the session's time-out.
        rebalance_timeout: i32 [1..],
        /// After how long without a heartbeat it counts as dead, in milliseconds.
        session_timeout: i32,
        /// What it said under the protocol that was chosen.
        subscription: Bytes,
        /// What it got.
        assignment: Bytes,
    }

    /// Which group of KIP-848.
    pub struct ConsumerGroupMetadataKey (3..=3, flexible 4) {
        /// The group.
        group_id: Arc<str>,
    }

    /// The group's epoch.
    pub struct ConsumerGroupMetadataValue (0..=0, flexible 0) {
        /// Raised when members or topics change.
        epoch: i32,
    }

    /// Which group of KIP-848.
    pub struct ConsumerGroupPartitionMetadataKey (4..=4, flexible 5) {
        /// The group.
        group_id: Arc<str>,
    }

    /// The topics that its members want, as they were when the group's epoch was raised.
    pub struct ConsumerGroupPartitionMetadataValue (0..=0, flexible 0) {
        /// The topics.
        topics: Vec<TopicMetadata>,
    }

    /// A topic that members want.
    pub struct TopicMetadata {
        /// Its id.
        topic_id: Uuid,
        /// Its name.
        topic_name: Arc<str>,
        /// How many partitions it has.
        num_partitions: i32,
        /// The racks of their replicas; empty where no racks are set.
        partition_metadata: Vec<PartitionMetadata>,
    }

    /// The racks of a partition.
    pub struct PartitionMetadata {
        /// The partition.
        partition: i32,
        /// The racks of its replicas.
        racks: Vec<Arc<str>>,
    }

    /// Which member of which group.
    pub struct ConsumerGroupMemberMetadataKey (5..=5, flexible 6) {
        /// The group.
        group_id: Arc<str>,
        /// The member.
        member_id: Arc<str>,
    }

    /// A member as it presented itself.
    pub struct ConsumerGroupMemberMetadataValue (0..=0, flexible 0) {
        /// The static member's name.
        instance_id: Option<Arc<str>>,
        /// Its rack.
        rack_id: Option<Arc<str>>,
        /// Its `client.id`.
        client_id: Arc<str>,
        /// Its address, with a slash ahead (`/127.0.0.1`).
        client_host: Arc<str>,
        /// The topics that it wants.
        subscribed_topic_names: Vec<Arc<str>>,
        /// A pattern of the topics that it wants.
        subscribed_topic_regex: Option<Arc<str>>,
        /// How long the group waits for it to give partitions back, in milliseconds.
        rebalance_timeout_ms: i32 = -1,
        /// The assignor that it wants.
        server_assignor: Option<Arc<str>>,
        /// How it came by the classic protocol, if it did.
        classic_member_metadata: ClassicMember [0.., tag 0],
    }

    /// What a member said by the classic protocol.
    pub struct ClassicMemberMetadata {
        /// After how long without a heartbeat it counts as dead, in milliseconds.
        session_timeout_ms: i32,
        /// The protocols that it speaks.
        supported_protocols: Vec<ClassicProtocol>,
    }

    /// A protocol that a member speaks.
    pub struct ClassicProtocol {
        /// Its name.
        name: Arc<str>,
        /// What the member said under it.
        metadata: Bytes,
    }

    /// Which group of KIP-848.
    pub struct ConsumerGroupTargetAssignmentMetadataKey (6..=6, flexible 7) {
        /// The group.
        group_id: Arc<str>,
    }

    /// The target assignment's epoch.
    pub struct ConsumerGroupTargetAssignmentMetadataValue (0..=0, flexible 0) {
        /// The group epoch that it was made for.
        assignment_epoch: i32,
    }

    /// Which member of which group.
    pub struct ConsumerGroupTargetAssignmentMemberKey (7..=7, flexible 8) {
        /// The group.
        group_id: Arc<str>,
        /// The member.
        member_id: Arc<str>,
    }

    /// What a member is to own.
    pub struct ConsumerGroupTargetAssignmentMemberValue (0..=0, flexible 0) {
        /// The partitions, by topic.
        topic_partitions: Vec<TopicPartitions>,
    }

    /// Partitions of one topic.
    pub struct TopicPartitions {
        /// The topic's id.
        topic_id: Uuid,
        /// The partitions.
        partitions: Vec<i32>,
    }

    /// Which member of which group.
    pub struct ConsumerGroupCurrentMemberAssignmentKey (8..=8, flexible 9) {
        /// The group.
        group_id: Arc<str>,
        /// The member.
        member_id: Arc<str>,
    }

    /// What a member owns.
    pub struct ConsumerGroupCurrentMemberAssignmentValue (0..=0, flexible 0) {
        /// Its epoch.
        member_epoch: i32,
        /// The epoch before: what a member says that did not get the answer with the newer one.
        previous_member_epoch: i32,
        /// How far it is: see [`member_state`].
        state: i8,
        /// The partitions that it owns, by topic.
        assigned_partitions: Vec<TopicPartitions>,
        /// Those that it has to give back, by topic.
        partitions_pending_revocation: Vec<TopicPartitions>,
    }

    /// Which pattern of which group.
    pub struct ConsumerGroupRegularExpressionKey (16..=16, flexible 17) {
        /// The group.
        group_id: Arc<str>,
        /// The pattern.
        regular_expression: Arc<str>,
    }

    /// The topics that a pattern stands for.
    pub struct ConsumerGroupRegularExpressionValue (0..=0, flexible 0) {
        /// The topics.
        topics: Vec<Arc<str>>,
        /// The metadata version that they were found at.
        version: i64,
        /// When they were found, in milliseconds since 1970.
        timestamp: i64,
    }
}

/// What [`ConsumerGroupMemberMetadataValue`] says of the classic protocol. Kafka 3.9 writes none as a tagged field of
/// one zero byte, and leaves the field out for the empty value, which is its default though it stands for no member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassicMember(pub Option<ClassicMemberMetadata>);

impl Default for ClassicMember {
    fn default() -> Self {
        Self(Some(ClassicMemberMetadata::default()))
    }
}

impl Wire for ClassicMember {
    fn min_size(_: Layout) -> usize {
        1
    }

    fn encode(&self, writer: &mut Writer) {
        self.0.is_some().encode(writer);
        if let Some(metadata) = &self.0 {
            metadata.encode(writer);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let there = bool::decode(reader)?;
        Ok(Self(there.then(|| ClassicMemberMetadata::decode(reader)).transpose()?))
    }
}

#[cfg(test)]
impl crate::protocol::tests::sample::Sample for ClassicMember {
    fn sample(source: &mut crate::protocol::tests::sample::Source<'_>) -> Self {
        Self(Option::sample(source))
    }
}

/// The version that Kafka 3.9 writes, where it is always the same.
macro_rules! written_as {
    ($($version:literal: $($value:ident)*;)*) => {$($(
        impl $value {
            /// The version that Kafka 3.9 writes.
            pub const fn version(&self) -> i16 {
                $version
            }
        }
    )*)*};
}

written_as! {
    3: GroupMetadataValue;
    0: ConsumerGroupMetadataValue ConsumerGroupPartitionMetadataValue ConsumerGroupMemberMetadataValue
        ConsumerGroupTargetAssignmentMetadataValue ConsumerGroupTargetAssignmentMemberValue
        ConsumerGroupCurrentMemberAssignmentValue ConsumerGroupRegularExpressionValue;
}

impl OffsetCommitValue {
    /// The version that Kafka 3.9 writes: 3, or 1 where the offset expires at a time of its own.
    pub const fn version(&self) -> i16 {
        if self.expire_timestamp == NO_TIMESTAMP { 3 } else { 1 }
    }
}
