//! AlterPartition (key 56): a leader asks the controller to change the ISR (KIP-497, KIP-704, KIP-903).
//! Definitions only.

use std::sync::Arc;

use uuid::Uuid;

use super::ErrorCode;
use super::definition::message;

message! {
    /// The changes that a leader wants.
    pub struct AlterPartitionRequest (0..=3, flexible 0) {
        /// The leader's broker id.
        broker_id: i32,
        /// The leader's broker epoch: another one than the controller knows is refused.
        broker_epoch: i64 = -1,
        /// The changes, by topic.
        topics: Vec<TopicData>,
    }

    /// Changes in one topic.
    pub struct TopicData {
        /// The topic's name, up to version 1.
        topic_name: Arc<str> [..=1],
        /// The topic's id, from version 2 on.
        topic_id: Uuid [2..],
        /// The changes, by partition.
        partitions: Vec<PartitionData>,
    }

    /// The change of one partition.
    pub struct PartitionData {
        /// The partition.
        partition_index: i32,
        /// The leader epoch that the sender leads in.
        leader_epoch: i32,
        /// The ISR that it wants, up to version 2.
        new_isr: Vec<i32> [..=2],
        /// The ISR that it wants, each member with the broker epoch that the leader saw, from version 3 on.
        new_isr_with_epochs: Vec<BrokerState> [3..],
        /// 1 while the partition recovers from an unclean election (KIP-704), else 0.
        leader_recovery_state: i8 [1..],
        /// The partition's epoch that the change builds on: in ZooKeeper mode the version of its state's znode.
        partition_epoch: i32,
    }

    /// A member of the ISR.
    pub struct BrokerState {
        /// Its broker id.
        broker_id: i32,
        /// Its broker epoch, or -1 where it is not to be checked.
        broker_epoch: i64 = -1,
    }

    /// What the controller made of it.
    pub struct AlterPartitionResponse (0..=3, flexible 0) {
        /// How long a quota held the request back, in milliseconds.
        throttle_time_ms: i32,
        /// What is wrong with the request as a whole.
        error_code: ErrorCode,
        /// The outcome, by topic.
        topics: Vec<TopicResponse>,
    }

    /// The outcome for one topic (Kafka calls it `TopicData` too).
    pub struct TopicResponse {
        /// The topic's name, up to version 1.
        topic_name: Arc<str> [..=1],
        /// The topic's id, from version 2 on.
        topic_id: Uuid [2..],
        /// The outcome, by partition.
        partitions: Vec<PartitionResponse>,
    }

    /// The outcome for one partition (Kafka calls it `PartitionData` too).
    pub struct PartitionResponse {
        /// The partition.
        partition_index: i32,
        /// Whether the ISR was changed.
        error_code: ErrorCode,
        /// The leader's broker id.
        leader_id: i32,
        /// The leader epoch.
        leader_epoch: i32,
        /// The ISR as it is now.
        isr: Vec<i32>,
        /// 1 while the partition recovers from an unclean election (KIP-704), else 0.
        leader_recovery_state: i8 [1..],
        /// The partition's epoch now.
        partition_epoch: i32,
    }
}
