//! `OffsetDelete` (key 47): delete committed offsets of a group that is not subscribed to their topics (KIP-496).
//! Definitions only.

use std::sync::Arc;

use super::ErrorCode;
use super::definition::message;

message! {
    /// The offsets to delete.
    pub struct OffsetDeleteRequest (0..=0, flexible 1) {
        /// The group.
        group_id: Arc<str>,
        /// The partitions, by topic.
        topics: Vec<OffsetDeleteRequestTopic>,
    }

    /// Partitions of one topic.
    pub struct OffsetDeleteRequestTopic {
        /// The topic.
        name: Arc<str>,
        /// The partitions.
        partitions: Vec<OffsetDeleteRequestPartition>,
    }

    /// A partition.
    pub struct OffsetDeleteRequestPartition {
        /// The partition.
        partition_index: i32,
    }

    /// What became of each offset.
    pub struct OffsetDeleteResponse (0..=0, flexible 1) {
        /// What is wrong with the request as a whole.
        error_code: ErrorCode,
        /// How long a quota held the request back, in milliseconds.
        throttle_time_ms: i32,
        /// The outcome, by topic.
        topics: Vec<OffsetDeleteResponseTopic>,
    }

    /// The outcome for one topic.
    pub struct OffsetDeleteResponseTopic {
        /// The topic.
        name: Arc<str>,
        /// The outcome, by partition.
        partitions: Vec<OffsetDeleteResponsePartition>,
    }

    /// The outcome for one partition.
    pub struct OffsetDeleteResponsePartition {
        /// The partition.
        partition_index: i32,
        /// Whether the offset was deleted.
        error_code: ErrorCode,
    }
}
