//! Produce (key 0): a producer appends record batches. Definitions only.
//!
//! Versions 0 to 2 carry the message formats before record batches. They are here so that a broker can read such a
//! request and answer it with `UNSUPPORTED_VERSION`, which is what makes old clients go on.

use std::sync::Arc;

use super::definition::message;
use super::{ErrorCode, Records};

message! {
    /// Record batches to append, at most one per partition.
    pub struct ProduceRequest (0..=11, flexible 9) {
        /// The transaction's id; null outside of transactions.
        transactional_id: Option<Arc<str>> [3..],
        /// What to wait for: 0 nothing (and no answer), 1 the leader's append, -1 every in-sync replica.
        acks: i16,
        /// How long the broker may wait for the replicas, in milliseconds.
        timeout_ms: i32,
        /// What to append, by topic.
        topic_data: Vec<TopicProduceData>,
    }

    /// What to append to one topic.
    pub struct TopicProduceData {
        /// The topic.
        name: Arc<str>,
        /// What to append, by partition.
        partition_data: Vec<PartitionProduceData>,
    }

    /// What to append to one partition.
    pub struct PartitionProduceData {
        /// The partition.
        index: i32,
        /// One record batch.
        records: Option<Records>,
    }

    /// What became of each batch.
    pub struct ProduceResponse (0..=11, flexible 9) {
        /// The outcome, by topic.
        responses: Vec<TopicProduceResponse>,
        /// How long a quota held the request back, in milliseconds.
        throttle_time_ms: i32 [1..],
        /// Where the leaders named in `current_leader` listen (KIP-951).
        node_endpoints: Vec<NodeEndpoint> [10.., tag 0],
    }

    /// The outcome for one topic.
    pub struct TopicProduceResponse {
        /// The topic.
        name: Arc<str>,
        /// The outcome, by partition.
        partition_responses: Vec<PartitionProduceResponse>,
    }

    /// The outcome for one partition.
    pub struct PartitionProduceResponse {
        /// The partition.
        index: i32,
        /// Whether the batch was appended.
        error_code: ErrorCode,
        /// The offset of the batch's first record; a duplicate gets that of its original. -1 after an error.
        base_offset: i64,
        /// When the broker appended it, in milliseconds since 1970, where the topic uses `LogAppendTime`; else -1.
        log_append_time_ms: i64 [2..] = -1,
        /// Where the partition's log begins, or -1.
        log_start_offset: i64 [5..] = -1,
        /// Which records made the broker refuse the batch (KIP-467).
        record_errors: Vec<BatchIndexAndErrorMessage> [8..],
        /// What they have in common, for people.
        error_message: Option<Arc<str>> [8..],
        /// The leader, where this broker is not it (KIP-951).
        current_leader: LeaderIdAndEpoch [10.., tag 0],
    }

    /// A record that made the broker refuse its batch.
    pub struct BatchIndexAndErrorMessage {
        /// The record's place in the batch, from 0.
        batch_index: i32,
        /// What is wrong with it, for people.
        batch_index_error_message: Option<Arc<str>>,
    }

    /// A partition's leader as the broker knows it.
    pub struct LeaderIdAndEpoch {
        /// The leader's broker id, or -1 where none is known.
        leader_id: i32 = -1,
        /// Its leader epoch, or -1.
        leader_epoch: i32 = -1,
    }

    /// Where a broker listens.
    pub struct NodeEndpoint {
        /// The broker's id.
        node_id: i32,
        /// Its host.
        host: Arc<str>,
        /// Its port.
        port: i32,
        /// Its rack, if it has one.
        rack: Option<Arc<str>>,
    }
}
