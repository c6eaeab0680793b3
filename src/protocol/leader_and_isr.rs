//! `LeaderAndIsr` (key 4): the controller tells a broker which partitions it leads and follows. Definitions only.
//!
//! Brokers of one cluster speak the newest version to each other, so only that one is defined.

use std::sync::Arc;

use uuid::Uuid;

use super::ErrorCode;
use super::definition::message;

message! {
    /// The state of partitions that the receiver is to host.
    pub struct LeaderAndIsrRequest (7..=7, flexible 4) {
        /// The controller's broker id.
        controller_id: i32,
        /// Whether the controller is a `KRaft` one (KIP-866); never in ZooKeeper mode.
        is_k_raft_controller: bool,
        /// The controller's epoch: an older one than the receiver knows is refused.
        controller_epoch: i32,
        /// The receiver's broker epoch as the controller knows it: another one is refused.
        broker_epoch: i64 = -1,
        /// 1: these are some of the partitions; 2: all that the receiver hosts (KIP-516); 0: not said.
        r#type: i8,
        /// The partitions, by topic.
        topic_states: Vec<LeaderAndIsrTopicState>,
        /// Where the leaders among them listen.
        live_leaders: Vec<LeaderAndIsrLiveLeader>,
    }

    /// Partitions of one topic.
    pub struct LeaderAndIsrTopicState {
        /// The topic's name.
        topic_name: Arc<str>,
        /// The topic's id.
        topic_id: Uuid,
        /// The partitions.
        partition_states: Vec<LeaderAndIsrPartitionState>,
    }

    /// The state of one partition.
    pub struct LeaderAndIsrPartitionState {
        /// The partition.
        partition_index: i32,
        /// The epoch of the controller that decided this state.
        controller_epoch: i32,
        /// The leader's broker id; -1 none, -2 while the topic is being deleted.
        leader: i32,
        /// The leader epoch.
        leader_epoch: i32,
        /// The in-sync replicas.
        isr: Vec<i32>,
        /// The partition's epoch: in ZooKeeper mode the version of its state's znode.
        partition_epoch: i32,
        /// The assigned replicas, the preferred leader first.
        replicas: Vec<i32>,
        /// The replicas that a reassignment adds.
        adding_replicas: Vec<i32>,
        /// The replicas that a reassignment removes.
        removing_replicas: Vec<i32>,
        /// Whether the receiver cannot have had the partition before.
        is_new: bool,
        /// 1 while the partition recovers from an unclean election (KIP-704), else 0.
        leader_recovery_state: i8,
    }

    /// Where a leader listens.
    pub struct LeaderAndIsrLiveLeader {
        /// Its broker id.
        broker_id: i32,
        /// Its host, for brokers.
        host_name: Arc<str>,
        /// Its port, for brokers.
        port: i32,
    }

    /// What the broker made of it.
    pub struct LeaderAndIsrResponse (7..=7, flexible 4) {
        /// What is wrong with the request as a whole.
        error_code: ErrorCode,
        /// The outcome, by topic.
        topics: Vec<LeaderAndIsrTopicError>,
    }

    /// The outcome for one topic.
    pub struct LeaderAndIsrTopicError {
        /// The topic's id.
        topic_id: Uuid,
        /// The outcome, by partition.
        partition_errors: Vec<LeaderAndIsrPartitionError>,
    }

    /// The outcome for one partition.
    pub struct LeaderAndIsrPartitionError {
        /// The partition.
        partition_index: i32,
        /// Whether the broker took the state.
        error_code: ErrorCode,
    }
}
