//! Kafka's wire protocol: typed messages, record data, error codes. A leaf: it imports nothing of ours.

mod api;
mod definition;
mod error;
mod primitive;
mod record_data;
mod wire;

pub mod alter_partition;
pub mod alter_partition_reassignments;
pub mod api_versions;
pub mod controlled_shutdown;
pub mod create_partitions;
pub mod create_topics;
pub mod delete_topics;
pub mod describe_cluster;
pub mod describe_configs;
pub mod describe_topic_partitions;
pub mod elect_leaders;
pub mod fetch;
pub mod find_coordinator;
pub mod init_producer_id;
pub mod leader_and_isr;
pub mod list_offsets;
pub mod list_partition_reassignments;
pub mod metadata;
pub mod offset_for_leader_epoch;
pub mod produce;
pub mod stop_replica;
pub mod update_metadata;

pub use api::*;
pub use error::{DecodeError, ErrorCode};
pub use record_data::Records;
