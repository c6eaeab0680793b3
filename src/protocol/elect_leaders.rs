//! `ElectLeaders` (key 43): elect the preferred leaders, or unclean ones (KIP-183, KIP-460). Definitions only.

use std::sync::Arc;

use super::ErrorCode;
use super::definition::message;

/// The values of [`ElectLeadersRequest::election_type`].
pub mod election_type {
    /// The head of the assignment becomes the leader, if it lives and is in sync.
    pub const PREFERRED: i8 = 0;
    /// Where there is no leader, the first replica that lives becomes it, in sync or not.
    pub const UNCLEAN: i8 = 1;
}

message! {
    /// The partitions to elect leaders for.
    pub struct ElectLeadersRequest (0..=2, flexible 2) {
        /// The kind of election: see [`election_type`]. Version 0 knows only the preferred one.
        election_type: i8 [1..],
        /// The partitions, by topic; null for all of the cluster.
        topic_partitions: Option<Vec<TopicPartitions>> = Some(Vec::new()),
        /// How long to wait for the elections, in milliseconds.
        timeout_ms: i32 = 60_000,
    }

    /// Partitions of one topic.
    pub struct TopicPartitions {
        /// The topic.
        topic: Arc<str>,
        /// The partitions.
        partitions: Vec<i32>,
    }

    /// What became of each election.
    pub struct ElectLeadersResponse (0..=2, flexible 2) {
        /// How long a quota held the request back, in milliseconds.
        throttle_time_ms: i32,
        /// What is wrong with the request as a whole.
        error_code: ErrorCode [1..],
        /// The outcome, by topic.
        replica_election_results: Vec<ReplicaElectionResult>,
    }

    /// The outcome for one topic.
    pub struct ReplicaElectionResult {
        /// The topic.
        topic: Arc<str>,
        /// The outcome, by partition.
        partition_result: Vec<PartitionResult>,
    }

    /// The outcome for one partition.
    pub struct PartitionResult {
        /// The partition.
        partition_id: i32,
        /// Whether a leader was elected.
        error_code: ErrorCode,
        /// The same for people.
        error_message: Option<Arc<str>>,
    }
}
