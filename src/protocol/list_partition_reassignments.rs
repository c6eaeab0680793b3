//! `ListPartitionReassignments` (key 46): which reassignments are under way (KIP-455). Definitions only.

use std::sync::Arc;

use super::ErrorCode;
use super::definition::message;

message! {
    /// Which partitions are of interest.
    pub struct ListPartitionReassignmentsRequest (0..=0, flexible 0) {
        /// How long the broker may take, in milliseconds.
        timeout_ms: i32 = 60_000,
        /// The partitions, by topic; null for all of the cluster.
        topics: Option<Vec<ListPartitionReassignmentsTopics>>,
    }

    /// Partitions of one topic.
    pub struct ListPartitionReassignmentsTopics {
        /// The topic.
        name: Arc<str>,
        /// The partitions.
        partition_indexes: Vec<i32>,
    }

    /// The reassignments under way.
    pub struct ListPartitionReassignmentsResponse (0..=0, flexible 0) {
        /// How long a quota held the request back, in milliseconds.
        throttle_time_ms: i32,
        /// What is wrong with the request.
        error_code: ErrorCode,
        /// The same for people.
        error_message: Option<Arc<str>>,
        /// The reassignments, by topic.
        topics: Vec<OngoingTopicReassignment>,
    }

    /// The reassignments in one topic.
    pub struct OngoingTopicReassignment {
        /// The topic.
        name: Arc<str>,
        /// The partitions.
        partitions: Vec<OngoingPartitionReassignment>,
    }

    /// The reassignment of one partition.
    pub struct OngoingPartitionReassignment {
        /// The partition.
        partition_index: i32,
        /// The replicas as they are now: those that stay, those to come and those to go.
        replicas: Vec<i32>,
        /// Those to come.
        adding_replicas: Vec<i32>,
        /// Those to go.
        removing_replicas: Vec<i32>,
    }
}
