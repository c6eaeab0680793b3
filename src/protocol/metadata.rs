//! Metadata (key 3): the brokers, the controller, the topics and who leads their partitions. Definitions only.

use std::sync::Arc;

use uuid::Uuid;

use super::ErrorCode;
use super::definition::message;

/// What an `.._authorized_operations` field says where nobody asked for it.
pub const OPERATIONS_NOT_ASKED_FOR: i32 = i32::MIN;

message! {
    /// Which topics are of interest.
    pub struct MetadataRequest (0..=12, flexible 9) {
        /// The topics: null for all of them, empty for none; in version 0, which has no null, empty for all.
        topics: Option<Vec<MetadataRequestTopic>> [0.., nullable 1..] = Some(Vec::new()),
        /// Whether the broker may create a topic that does not exist, if it is set up to.
        allow_auto_topic_creation: bool [4..] = true,
        /// Whether to say what the sender may do to the cluster.
        include_cluster_authorized_operations: bool [8..=10],
        /// Whether to say what the sender may do to the topics.
        include_topic_authorized_operations: bool [8..],
    }

    /// A topic of interest.
    pub struct MetadataRequestTopic {
        /// Its id, or the nil UUID.
        topic_id: Uuid [10..],
        /// Its name; null where the id says which.
        name: Option<Arc<str>> [0.., nullable 10..],
    }

    /// The cluster as this broker knows it.
    pub struct MetadataResponse (0..=12, flexible 9) {
        /// How long a quota held the request back, in milliseconds.
        throttle_time_ms: i32 [3..],
        /// The brokers that live.
        brokers: Vec<MetadataResponseBroker>,
        /// The cluster's id.
        cluster_id: Option<Arc<str>> [2..],
        /// The controller's broker id, or -1.
        controller_id: i32 [1..] = -1,
        /// The topics asked for.
        topics: Vec<MetadataResponseTopic>,
        /// What the sender may do to the cluster, a bit per operation, or [`OPERATIONS_NOT_ASKED_FOR`].
        cluster_authorized_operations: i32 [8..=10] = OPERATIONS_NOT_ASKED_FOR,
    }

    /// A broker that lives.
    pub struct MetadataResponseBroker {
        /// Its id.
        node_id: i32,
        /// The host that it advertises.
        host: Arc<str>,
        /// The port that it advertises.
        port: i32,
        /// Its rack, if it has one.
        rack: Option<Arc<str>> [1..],
    }

    /// A topic.
    pub struct MetadataResponseTopic {
        /// What is wrong with the topic.
        error_code: ErrorCode,
        /// Its name; null where an id was asked for that does not exist.
        name: Option<Arc<str>> [0.., nullable 12..],
        /// Its id; nil where a name was asked for that does not exist.
        topic_id: Uuid [10..],
        /// Whether it is Kafka's own (`__consumer_offsets`, `__transaction_state`).
        is_internal: bool [1..],
        /// Its partitions.
        partitions: Vec<MetadataResponsePartition>,
        /// What the sender may do to the topic, a bit per operation, or [`OPERATIONS_NOT_ASKED_FOR`].
        topic_authorized_operations: i32 [8..] = OPERATIONS_NOT_ASKED_FOR,
    }

    /// A partition.
    pub struct MetadataResponsePartition {
        /// What is wrong with the partition.
        error_code: ErrorCode,
        /// The partition.
        partition_index: i32,
        /// The leader's broker id, or -1.
        leader_id: i32,
        /// The leader epoch, or -1.
        leader_epoch: i32 [7..] = -1,
        /// The brokers that are to have it, the preferred leader first.
        replica_nodes: Vec<i32>,
        /// The brokers that are in sync with the leader.
        isr_nodes: Vec<i32>,
        /// The replicas on brokers that are down.
        offline_replicas: Vec<i32> [5..],
    }
}
