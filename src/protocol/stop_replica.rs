//! `StopReplica` (key 5): the controller tells a broker to stop, and perhaps delete, replicas. Definitions only.
//!
//! Brokers of one cluster speak the newest version to each other, so only that one is defined.

use std::sync::Arc;

use super::ErrorCode;
use super::definition::message;

message! {
    /// The replicas to stop.
    pub struct StopReplicaRequest (4..=4, flexible 2) {
        /// The controller's broker id.
        controller_id: i32,
        /// Whether the controller is a `KRaft` one (KIP-866); never in ZooKeeper mode.
        is_k_raft_controller: bool,
        /// The controller's epoch: an older one than the receiver knows is refused.
        controller_epoch: i32,
        /// The receiver's broker epoch as the controller knows it: another one is refused.
        broker_epoch: i64 = -1,
        /// The replicas, by topic.
        topic_states: Vec<StopReplicaTopicState>,
    }

    /// Replicas of one topic.
    pub struct StopReplicaTopicState {
        /// The topic.
        topic_name: Arc<str>,
        /// The replicas.
        partition_states: Vec<StopReplicaPartitionState>,
    }

    /// A replica to stop.
    pub struct StopReplicaPartitionState {
        /// The partition.
        partition_index: i32,
        /// The leader epoch that goes with the order; -1 not known, -2 where the topic is being deleted.
        leader_epoch: i32 = -1,
        /// Whether to delete its log too.
        delete_partition: bool,
    }

    /// What the broker made of it.
    pub struct StopReplicaResponse (4..=4, flexible 2) {
        /// What is wrong with the request as a whole.
        error_code: ErrorCode,
        /// The outcome, by partition.
        partition_errors: Vec<StopReplicaPartitionError>,
    }

    /// The outcome for one partition.
    pub struct StopReplicaPartitionError {
        /// The topic.
        topic_name: Arc<str>,
        /// The partition.
        partition_index: i32,
        /// Whether the replica was stopped.
        error_code: ErrorCode,
    }
}
