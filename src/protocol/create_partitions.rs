//! `CreatePartitions` (key 37): more partitions for topics that exist (KIP-195). Definitions only.

use std::sync::Arc;

use super::ErrorCode;
use super::definition::message;

message! {
    /// Which topics are to grow.
    pub struct CreatePartitionsRequest (0..=3, flexible 2) {
        /// The topics.
        topics: Vec<CreatePartitionsTopic>,
        /// How long to wait until the controller knows the partitions, in milliseconds.
        timeout_ms: i32,
        /// Whether to check only.
        validate_only: bool,
    }

    /// A topic to grow.
    pub struct CreatePartitionsTopic {
        /// The topic.
        name: Arc<str>,
        /// How many partitions it is to have in the end.
        count: i32,
        /// The replicas of each new partition, in order; null to leave that to the controller.
        assignments: Option<Vec<CreatePartitionsAssignment>> = Some(Vec::new()),
    }

    /// The replicas of a new partition.
    pub struct CreatePartitionsAssignment {
        /// The brokers, the preferred leader first.
        broker_ids: Vec<i32>,
    }

    /// What became of each topic.
    pub struct CreatePartitionsResponse (0..=3, flexible 2) {
        /// How long a quota held the request back, in milliseconds.
        throttle_time_ms: i32,
        /// The outcome, by topic.
        results: Vec<CreatePartitionsTopicResult>,
    }

    /// The outcome for one topic.
    pub struct CreatePartitionsTopicResult {
        /// The topic.
        name: Arc<str>,
        /// Whether it grew.
        error_code: ErrorCode,
        /// The same for people.
        error_message: Option<Arc<str>>,
    }
}
