//! `ConsumerGroupDescribe` (key 69): the state and the members of groups of KIP-848. Definitions only.
//!
//! Version 1 is that of Kafka 4.0.

use std::sync::Arc;

use uuid::Uuid;

use super::ErrorCode;
use super::definition::message;
use super::metadata::OPERATIONS_NOT_ASKED_FOR;

/// The values of [`Member::member_type`].
pub mod member_type {
    /// Not known.
    pub const UNKNOWN: i8 = -1;
    /// It speaks the classic protocol.
    pub const CLASSIC: i8 = 0;
    /// It speaks that of KIP-848.
    pub const CONSUMER: i8 = 1;
}

message! {
    /// The groups of interest.
    pub struct ConsumerGroupDescribeRequest (0..=1, flexible 0) {
        /// The groups.
        group_ids: Vec<Arc<str>>,
        /// Whether to say what the sender may do to them.
        include_authorized_operations: bool,
    }

    /// The groups.
    pub struct ConsumerGroupDescribeResponse (0..=1, flexible 0) {
        /// How long a quota held the request back, in milliseconds.
        throttle_time_ms: i32,
        /// The groups.
        groups: Vec<DescribedGroup>,
    }

    /// A group.
    pub struct DescribedGroup {
        /// Why nothing is known of it.
        error_code: ErrorCode,
        /// The same for people.
        error_message: Option<Arc<str>>,
        /// Its id.
        group_id: Arc<str>,
        /// Its state as text: `Empty`, `Assigning`, `Reconciling`, `Stable` or `Dead`.
        group_state: Arc<str>,
        /// Its epoch: raised when members or topics change.
        group_epoch: i32,
        /// The group epoch that the target assignment was made for.
        assignment_epoch: i32,
        /// The assignor that made it.
        assignor_name: Arc<str>,
        /// Its members.
        members: Vec<Member>,
        /// What the sender may do to it, a bit per operation, or [`OPERATIONS_NOT_ASKED_FOR`].
        authorized_operations: i32 = OPERATIONS_NOT_ASKED_FOR,
    }

    /// A member.
    pub struct Member {
        /// Its id.
        member_id: Arc<str>,
        /// The static member's name.
        instance_id: Option<Arc<str>>,
        /// Its rack.
        rack_id: Option<Arc<str>>,
        /// Its epoch.
        member_epoch: i32,
        /// Its `client.id`.
        client_id: Arc<str>,
        /// Its address.
        client_host: Arc<str>,
        /// The topics that it wants.
        subscribed_topic_names: Vec<Arc<str>>,
        /// A pattern of the topics that it wants.
        subscribed_topic_regex: Option<Arc<str>>,
        /// What it owns.
        assignment: Assignment,
        /// What it is to own.
        target_assignment: Assignment,
        /// Which protocol it speaks: see [`member_type`].
        member_type: i8 [1..] = member_type::UNKNOWN,
    }

    /// What a member owns or is to own.
    pub struct Assignment {
        /// The partitions, by topic.
        topic_partitions: Vec<TopicPartitions>,
    }

    /// Partitions of one topic.
    pub struct TopicPartitions {
        /// The topic's id.
        topic_id: Uuid,
        /// The topic.
        topic_name: Arc<str>,
        /// The partitions.
        partitions: Vec<i32>,
    }
}
