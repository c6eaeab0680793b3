//! Kafka's wire protocol: typed messages, their layout in a frame, error codes.
//!
//! A leaf: it imports nothing of ours, and the engine's brokers and clients use its messages as their vocabulary, on
//! simulated links as on sockets. The definitions are those of Apache Kafka 3.9
//! (<https://kafka.apache.org/protocol>), under Kafka's names in Rust's spelling; where a version is younger, its file
//! says so.
//!
//! # How to read a definition
//!
//! Each API has a file ([`fetch`], [`produce`], ...) with its request, its response and what is nested in them. Each
//! structure is a table with a line per field, in the order of the frame:
//!
//! ```text
//! pub struct FetchRequest (4..=17, flexible 12) {
//!     cluster_id: Option<Arc<str>> [12.., tag 0],
//!     replica_id: i32 [..=14] = -1,
//!     max_wait_ms: i32,
//!     ...
//! }
//! pub struct MetadataRequestTopic {
//!     topic_id: Uuid [10..],
//!     name: Option<Arc<str>> [0.., nullable 10..],
//! }
//! ```
//!
//! - Behind a message's name stand the versions that the codec covers, and the first one in the flexible layout
//!   (KIP-482: lengths are varints, and every structure ends in tagged fields).
//! - In brackets stand the versions that have the field; without brackets all that have the structure do.
//! - `tag 0` puts the field among the tagged ones, where it is left out as long as it has its default.
//! - `nullable 10..`: only these versions can say null. In the others a null goes out as an empty value, and one that
//!   comes in is an error. An `Option` without it can be null in every version that has it.
//! - `= -1` is the default: what [`Default`] gives, and what a version without the field is read as. Where none is
//!   given it is zero, false, empty or null. The defaults are Kafka's, but for nullable strings, where Kafka has the
//!   empty string and this codec a null.
//!
//! | Kafka's type | here |
//! | --- | --- |
//! | `int8` to `int64`, `bool` | `i8` to `i64`, `bool`; error codes are [`ErrorCode`] |
//! | `string` | `Arc<str>`, of at most 32,767 bytes |
//! | `uuid` | [`uuid::Uuid`]; nil stands for none |
//! | `[]T` | `Vec<T>` |
//! | `records` | [`Option<Records>`](Records) |
//! | nullable `T` | `Option<T>` |
//!
//! # How to add an API
//!
//! Write its file in the form above and a line into the table `apis!` of `api.rs`. The tests take what they need from
//! the definition: they compare every version with the `kafka-protocol` crate, and those that the crate lacks with
//! frames that Java's client wrote.
//!
//! # What the codec guarantees
//!
//! - **Total.** Whatever the bytes, [`decode_request`] and [`decode_response`] give a message or a [`DecodeError`];
//!   they do not panic. Every value can be encoded in every version: what a version does not have is left out.
//! - **Bounded.** A count or length is held against the bytes left in the frame before anything is reserved for it. No
//!   array reserves ahead more memory than there are bytes left, and none grows but for elements that were read. The
//!   worst frame takes 32 times its size: empty names of two bytes that become structures of 32, twice while they move.
//! - **Shared.** Record data that was read shares the frame's memory. Record data that is written goes out as chunks of
//!   the same memory ([`Frame::chunks`]).
//! - **Faithful.** What Kafka takes is taken: tagged fields that the tables do not know are passed over, and so are
//!   bytes after the last field. Stricter than Kafka are two things, which no client sends: a string that is not UTF-8
//!   and a tagged field whose value is not of its size are errors.

mod api;
mod definition;
mod error;
mod frame;
mod primitive;
mod record_data;
#[cfg(test)]
mod tests;
mod versioned;
mod wire;

pub mod alter_configs;
pub mod alter_partition;
pub mod alter_partition_reassignments;
pub mod api_versions;
pub mod consumer_group_describe;
pub mod consumer_group_heartbeat;
pub mod consumer_protocol;
pub mod controlled_shutdown;
pub mod create_partitions;
pub mod create_topics;
pub mod delete_groups;
pub mod delete_records;
pub mod delete_topics;
pub mod describe_cluster;
pub mod describe_configs;
pub mod describe_groups;
pub mod describe_log_dirs;
pub mod describe_topic_partitions;
pub mod elect_leaders;
pub mod fetch;
pub mod find_coordinator;
pub mod group_records;
pub mod heartbeat;
pub mod incremental_alter_configs;
pub mod init_producer_id;
pub mod join_group;
pub mod leader_and_isr;
pub mod leave_group;
pub mod list_groups;
pub mod list_offsets;
pub mod list_partition_reassignments;
pub mod metadata;
pub mod offset_commit;
pub mod offset_delete;
pub mod offset_fetch;
pub mod offset_for_leader_epoch;
pub mod partitioner;
pub mod produce;
pub mod records;
pub mod stop_replica;
pub mod sync_group;
pub mod update_metadata;

pub use api::*;
pub use error::{DecodeError, ErrorCode};
pub use frame::{Frame, RequestHeader, decode_request, decode_response, encode_request, encode_response};
pub use record_data::Records;
