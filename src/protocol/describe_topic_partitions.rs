//! `DescribeTopicPartitions` (key 75): topics and their partitions, in pages (KIP-966). Definitions only.

use std::sync::Arc;

use uuid::Uuid;

use super::ErrorCode;
use super::definition::message;
use super::metadata::OPERATIONS_NOT_ASKED_FOR;

message! {
    /// Which topics are of interest, and from where on.
    pub struct DescribeTopicPartitionsRequest (0..=0, flexible 0) {
        /// The topics; empty for all.
        topics: Vec<TopicRequest>,
        /// How many partitions to answer at most.
        response_partition_limit: i32 = 2000,
        /// Where to go on; null to begin at the start.
        cursor: Option<Cursor>,
    }

    /// A topic of interest.
    pub struct TopicRequest {
        /// Its name.
        name: Arc<str>,
    }

    /// A place in the list of all partitions, which is in the order of topic names.
    pub struct Cursor {
        /// The topic.
        topic_name: Arc<str>,
        /// The first partition that is still to be answered.
        partition_index: i32,
    }

    /// A page of partitions.
    pub struct DescribeTopicPartitionsResponse (0..=0, flexible 0) {
        /// How long a quota held the request back, in milliseconds.
        throttle_time_ms: i32,
        /// The topics on the page.
        topics: Vec<DescribeTopicPartitionsResponseTopic>,
        /// Where the next page begins; null after the last.
        next_cursor: Option<Cursor>,
    }

    /// A topic.
    pub struct DescribeTopicPartitionsResponseTopic {
        /// What is wrong with the topic.
        error_code: ErrorCode,
        /// Its name.
        name: Option<Arc<str>>,
        /// Its id.
        topic_id: Uuid,
        /// Whether it is Kafka's own.
        is_internal: bool,
        /// Its partitions on the page.
        partitions: Vec<DescribeTopicPartitionsResponsePartition>,
        /// What the sender may do to the topic, a bit per operation, or [`OPERATIONS_NOT_ASKED_FOR`].
        topic_authorized_operations: i32 = OPERATIONS_NOT_ASKED_FOR,
    }

    /// A partition.
    pub struct DescribeTopicPartitionsResponsePartition {
        /// What is wrong with the partition.
        error_code: ErrorCode,
        /// The partition.
        partition_index: i32,
        /// The leader's broker id, or -1.
        leader_id: i32,
        /// The leader epoch, or -1.
        leader_epoch: i32 = -1,
        /// The brokers that are to have it, the preferred leader first.
        replica_nodes: Vec<i32>,
        /// The brokers that are in sync with the leader.
        isr_nodes: Vec<i32>,
        /// Replicas that may be elected though they left the ISR (KIP-966; `KRaft` only).
        eligible_leader_replicas: Option<Vec<i32>>,
        /// The same at the time when the last of them was lost (KIP-966; `KRaft` only).
        last_known_elr: Option<Vec<i32>>,
        /// The replicas on brokers that are down.
        offline_replicas: Vec<i32>,
    }
}
