//! `OffsetFetch` (key 9): how far groups have committed. Definitions only.
//!
//! From version 8 on a request asks for many groups at once (KIP-709).

use std::sync::Arc;

use super::ErrorCode;
use super::definition::message;

/// The offset of a partition that the group has committed nothing for (`OffsetFetchResponse.INVALID_OFFSET`).
pub const NO_OFFSET: i64 = -1;

message! {
    /// The groups and partitions of interest.
    pub struct OffsetFetchRequest (0..=9, flexible 6) {
        /// The group, up to version 7.
        group_id: Arc<str> [..=7],
        /// The partitions, by topic, up to version 7; null for all that the group has committed for.
        topics: Option<Vec<OffsetFetchRequestTopic>> [..=7, nullable 2..] = Some(Vec::new()),
        /// The groups, from version 8 on.
        groups: Vec<OffsetFetchRequestGroup> [8..],
        /// Whether to refuse, by `UNSTABLE_OFFSET_COMMIT`, where a transaction's offsets are pending (KIP-447).
        require_stable: bool [7..],
    }

    /// Partitions of one topic.
    pub struct OffsetFetchRequestTopic {
        /// The topic.
        name: Arc<str>,
        /// The partitions.
        partition_indexes: Vec<i32>,
    }

    /// A group of interest.
    pub struct OffsetFetchRequestGroup {
        /// The group.
        group_id: Arc<str>,
        /// The member that asks, in a group of KIP-848.
        member_id: Option<Arc<str>> [9..],
        /// The member's epoch, or -1.
        member_epoch: i32 [9..] = -1,
        /// The partitions, by topic; null for all that the group has committed for.
        topics: Option<Vec<OffsetFetchRequestTopics>> = Some(Vec::new()),
    }

    /// Partitions of one topic, from version 8 on.
    pub struct OffsetFetchRequestTopics {
        /// The topic.
        name: Arc<str>,
        /// The partitions.
        partition_indexes: Vec<i32>,
    }

    /// The committed offsets.
    pub struct OffsetFetchResponse (0..=9, flexible 6) {
        /// How long a quota held the request back, in milliseconds.
        throttle_time_ms: i32 [3..],
        /// The offsets, by topic, up to version 7.
        topics: Vec<OffsetFetchResponseTopic> [..=7],
        /// What is wrong with the request as a whole, up to version 7.
        error_code: ErrorCode [2..=7],
        /// The offsets, by group, from version 8 on.
        groups: Vec<OffsetFetchResponseGroup> [8..],
    }

    /// The offsets of one topic.
    pub struct OffsetFetchResponseTopic {
        /// The topic.
        name: Arc<str>,
        /// The offsets, by partition.
        partitions: Vec<OffsetFetchResponsePartition>,
    }

    /// The offset of one partition.
    pub struct OffsetFetchResponsePartition {
        /// The partition.
        partition_index: i32,
        /// The offset of the record to be read next, or [`NO_OFFSET`].
        committed_offset: i64,
        /// The leader epoch that was committed with it, or -1.
        committed_leader_epoch: i32 [5..] = -1,
        /// What the client keeps beside the offset.
        metadata: Option<Arc<str>>,
        /// Why there is no offset.
        error_code: ErrorCode,
    }

    /// The offsets of one group.
    pub struct OffsetFetchResponseGroup {
        /// The group.
        group_id: Arc<str>,
        /// The offsets, by topic.
        topics: Vec<OffsetFetchResponseTopics>,
        /// What is wrong with the group as a whole.
        error_code: ErrorCode,
    }

    /// The offsets of one topic, from version 8 on.
    pub struct OffsetFetchResponseTopics {
        /// The topic.
        name: Arc<str>,
        /// The offsets, by partition.
        partitions: Vec<OffsetFetchResponsePartitions>,
    }

    /// The offset of one partition, from version 8 on.
    pub struct OffsetFetchResponsePartitions {
        /// The partition.
        partition_index: i32,
        /// The offset of the record to be read next, or [`NO_OFFSET`].
        committed_offset: i64,
        /// The leader epoch that was committed with it, or -1.
        committed_leader_epoch: i32 = -1,
        /// What the client keeps beside the offset.
        metadata: Option<Arc<str>>,
        /// Why there is no offset.
        error_code: ErrorCode,
    }
}
