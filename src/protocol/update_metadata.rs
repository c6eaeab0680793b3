//! `UpdateMetadata` (key 6): the controller tells a broker what to answer to Metadata. Definitions only.
//!
//! Brokers of one cluster speak the newest version to each other, so only that one is defined.

use std::sync::Arc;

use uuid::Uuid;

use super::ErrorCode;
use super::definition::message;

message! {
    /// The live brokers, all of them, and partitions whose state changed.
    pub struct UpdateMetadataRequest (8..=8, flexible 6) {
        /// The controller's broker id.
        controller_id: i32,
        /// Whether the controller is a `KRaft` one (KIP-866); never in ZooKeeper mode.
        is_k_raft_controller: bool,
        /// 2: all of the cluster's partitions; 1: some; 0: not said (KIP-866).
        r#type: i8 [8.., tag 0],
        /// The controller's epoch: an older one than the receiver knows is refused.
        controller_epoch: i32,
        /// The receiver's broker epoch as the controller knows it: another one is refused.
        broker_epoch: i64 = -1,
        /// The partitions, by topic.
        topic_states: Vec<UpdateMetadataTopicState>,
        /// The brokers that live.
        live_brokers: Vec<UpdateMetadataBroker>,
    }

    /// Partitions of one topic.
    pub struct UpdateMetadataTopicState {
        /// The topic's name.
        topic_name: Arc<str>,
        /// The topic's id.
        topic_id: Uuid,
        /// The partitions.
        partition_states: Vec<UpdateMetadataPartitionState>,
    }

    /// The state of one partition.
    pub struct UpdateMetadataPartitionState {
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
        /// The version of the znode that holds this state.
        zk_version: i32,
        /// The assigned replicas, the preferred leader first.
        replicas: Vec<i32>,
        /// The replicas on brokers that are down.
        offline_replicas: Vec<i32>,
    }

    /// A broker that lives.
    pub struct UpdateMetadataBroker {
        /// Its id.
        id: i32,
        /// Where it listens.
        endpoints: Vec<UpdateMetadataEndpoint>,
        /// Its rack, if it has one.
        rack: Option<Arc<str>>,
    }

    /// Where a broker listens.
    pub struct UpdateMetadataEndpoint {
        /// The port.
        port: i32,
        /// The host.
        host: Arc<str>,
        /// The listener's name, for instance `PLAINTEXT`.
        listener: Arc<str>,
        /// The listener's protocol: 0 plaintext, 1 SSL, 2 SASL over plaintext, 3 SASL over SSL.
        security_protocol: i16,
    }

    /// What the broker made of it.
    pub struct UpdateMetadataResponse (8..=8, flexible 6) {
        /// Whether the broker took it.
        error_code: ErrorCode,
    }
}
