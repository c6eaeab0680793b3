//! `AlterPartitionReassignments` (key 45): move partitions to other brokers (KIP-455). Definitions only.

use std::sync::Arc;

use super::ErrorCode;
use super::definition::message;

message! {
    /// Where partitions are to go.
    pub struct AlterPartitionReassignmentsRequest (0..=0, flexible 0) {
        /// How long to wait until the reassignments have begun, in milliseconds.
        timeout_ms: i32 = 60_000,
        /// The partitions, by topic.
        topics: Vec<ReassignableTopic>,
    }

    /// Partitions of one topic.
    pub struct ReassignableTopic {
        /// The topic.
        name: Arc<str>,
        /// The partitions.
        partitions: Vec<ReassignablePartition>,
    }

    /// A partition to move.
    pub struct ReassignablePartition {
        /// The partition.
        partition_index: i32,
        /// The brokers, the preferred leader first; null to call off a reassignment that is under way.
        replicas: Option<Vec<i32>>,
    }

    /// What became of each.
    pub struct AlterPartitionReassignmentsResponse (0..=0, flexible 0) {
        /// How long a quota held the request back, in milliseconds.
        throttle_time_ms: i32,
        /// What is wrong with the request as a whole.
        error_code: ErrorCode,
        /// The same for people.
        error_message: Option<Arc<str>>,
        /// The outcome, by topic.
        responses: Vec<ReassignableTopicResponse>,
    }

    /// The outcome for one topic.
    pub struct ReassignableTopicResponse {
        /// The topic.
        name: Arc<str>,
        /// The outcome, by partition.
        partitions: Vec<ReassignablePartitionResponse>,
    }

    /// The outcome for one partition.
    pub struct ReassignablePartitionResponse {
        /// The partition.
        partition_index: i32,
        /// Whether its reassignment has begun.
        error_code: ErrorCode,
        /// The same for people.
        error_message: Option<Arc<str>>,
    }
}
