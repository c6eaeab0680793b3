//! `ConsumerGroupHeartbeat` (key 68): a member of a group of KIP-848 joins, stays or leaves, says what it owns, and
//! hears what it is to own. Definitions, and what makes a set of them.
//!
//! What has not changed since the last heartbeat is left null. Version 1 is that of Kafka 4.0.

use std::collections::BTreeSet;
use std::sync::Arc;

use uuid::Uuid;

use super::ErrorCode;
use super::definition::message;

/// The values of [`ConsumerGroupHeartbeatRequest::member_epoch`] that are no epoch
/// (`ConsumerGroupHeartbeatRequest.JOIN_GROUP_MEMBER_EPOCH` and others).
pub mod member_epoch {
    /// The member joins.
    pub const JOIN_GROUP: i32 = 0;
    /// The member leaves.
    pub const LEAVE_GROUP: i32 = -1;
    /// The static member leaves and will be back.
    pub const LEAVE_GROUP_STATIC_MEMBER: i32 = -2;
}

message! {
    /// How a member is.
    pub struct ConsumerGroupHeartbeatRequest (0..=1, flexible 0) {
        /// The group.
        group_id: Arc<str>,
        /// The member: in version 0 empty for one that is new, from version 1 on chosen by the member (KIP-1082).
        member_id: Arc<str>,
        /// The member's epoch, or one of [`member_epoch`].
        member_epoch: i32,
        /// The static member's name.
        instance_id: Option<Arc<str>>,
        /// The member's rack.
        rack_id: Option<Arc<str>>,
        /// How long the group waits for the member to give partitions back, in milliseconds; -1 for no change.
        rebalance_timeout_ms: i32 = -1,
        /// The topics that it wants.
        subscribed_topic_names: Option<Vec<Arc<str>>>,
        /// A pattern (RE2/J) of the topics that it wants.
        subscribed_topic_regex: Option<Arc<str>> [1..],
        /// The assignor that it wants: `uniform` or `range`.
        server_assignor: Option<Arc<str>>,
        /// The partitions that it owns, by topic.
        topic_partitions: Option<Vec<TopicPartitions>>,
    }

    /// Partitions of one topic.
    pub struct TopicPartitions {
        /// The topic's id.
        topic_id: Uuid,
        /// The partitions.
        partitions: Vec<i32>,
    }

    /// What the member has to do.
    pub struct ConsumerGroupHeartbeatResponse (0..=1, flexible 0) {
        /// How long a quota held the request back, in milliseconds.
        throttle_time_ms: i32,
        /// Why the heartbeat is refused.
        error_code: ErrorCode,
        /// The same for people.
        error_message: Option<Arc<str>>,
        /// The member.
        member_id: Option<Arc<str>>,
        /// The member's epoch.
        member_epoch: i32,
        /// After how long to send the next heartbeat, in milliseconds.
        heartbeat_interval_ms: i32,
        /// What it is to own; null for no change.
        assignment: Option<Assignment>,
    }

    /// What a member is to own.
    pub struct Assignment {
        /// The partitions, by topic.
        topic_partitions: Vec<TopicPartitions>,
    }
}

/// Partitions one by one, by their topic's id.
pub fn flat(topics: &[TopicPartitions]) -> BTreeSet<(Uuid, i32)> {
    topics.iter().flat_map(|topic| topic.partitions.iter().map(|partition| (topic.topic_id, *partition))).collect()
}
