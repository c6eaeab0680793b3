//! `CreateTopics` (key 19). Definitions only.

use std::sync::Arc;

use uuid::Uuid;

use super::ErrorCode;
use super::definition::message;

message! {
    /// The topics to create.
    pub struct CreateTopicsRequest (0..=7, flexible 5) {
        /// The topics.
        topics: Vec<CreatableTopic>,
        /// How long to wait until the controller knows them, in milliseconds.
        timeout_ms: i32 = 60_000,
        /// Whether to check only.
        validate_only: bool [1..],
    }

    /// A topic to create.
    pub struct CreatableTopic {
        /// Its name.
        name: Arc<str>,
        /// How many partitions; -1 for the broker's default (version 4) or with a manual assignment.
        num_partitions: i32,
        /// How many replicas of each; -1 for the broker's default (version 4) or with a manual assignment.
        replication_factor: i16,
        /// Which brokers get which partition; empty to leave that to the controller.
        assignments: Vec<CreatableReplicaAssignment>,
        /// The topic's settings.
        configs: Vec<CreatableTopicConfig>,
    }

    /// The replicas of one partition, as the client wants them.
    pub struct CreatableReplicaAssignment {
        /// The partition.
        partition_index: i32,
        /// The brokers, the preferred leader first.
        broker_ids: Vec<i32>,
    }

    /// A setting of the topic.
    pub struct CreatableTopicConfig {
        /// Its name.
        name: Arc<str>,
        /// Its value.
        value: Option<Arc<str>>,
    }

    /// What became of each topic.
    pub struct CreateTopicsResponse (0..=7, flexible 5) {
        /// How long a quota held the request back, in milliseconds.
        throttle_time_ms: i32 [2..],
        /// The outcome, by topic.
        topics: Vec<CreatableTopicResult>,
    }

    /// The outcome for one topic. What it says about a topic that exists now is KIP-525.
    pub struct CreatableTopicResult {
        /// The topic.
        name: Arc<str>,
        /// Its id.
        topic_id: Uuid [7..],
        /// Whether it was created.
        error_code: ErrorCode,
        /// The same for people.
        error_message: Option<Arc<str>> [1..],
        /// Why `configs` is null.
        topic_config_error_code: ErrorCode [5.., tag 0],
        /// How many partitions it has, or -1.
        num_partitions: i32 [5..] = -1,
        /// How many replicas they have, or -1.
        replication_factor: i16 [5..] = -1,
        /// Its settings; null where the sender may not see them.
        configs: Option<Vec<CreatableTopicConfigs>> [5..] = Some(Vec::new()),
    }

    /// A setting of the new topic.
    pub struct CreatableTopicConfigs {
        /// Its name.
        name: Arc<str>,
        /// Its value.
        value: Option<Arc<str>>,
        /// Whether it cannot be changed.
        read_only: bool,
        /// Where it comes from, as in `DescribeConfigs`.
        config_source: i8 = -1,
        /// Whether the value is kept secret.
        is_sensitive: bool,
    }
}
