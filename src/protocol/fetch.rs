//! Fetch (key 1): consumers and followers read record batches. Definitions only.
//!
//! Incremental sessions are KIP-227, topic ids KIP-516 (version 13), truncation on fetch KIP-595 (version 12), the
//! replica's state KIP-903 (version 15), leaders in the answer KIP-951 (version 16).

use std::sync::Arc;

use uuid::Uuid;

use super::definition::message;
use super::{ErrorCode, Records};

message! {
    /// What to read from where.
    pub struct FetchRequest (4..=17, flexible 12) {
        /// The cluster that is meant, if the sender knows it (`KRaft` only).
        cluster_id: Option<Arc<str>> [12.., tag 0],
        /// The follower's broker id; -1 for a consumer, -2 for a tool that reads from any replica.
        replica_id: i32 [..=14] = -1,
        /// Who fetches, from version 15 on.
        replica_state: ReplicaState [15.., tag 1],
        /// How long to wait for `min_bytes`, in milliseconds.
        max_wait_ms: i32,
        /// How many bytes to wait for.
        min_bytes: i32,
        /// About how many bytes to answer: the first batch goes out whatever its size (KIP-74).
        max_bytes: i32 = i32::MAX,
        /// 0 reads everything below the high watermark, 1 (`read_committed`) below the last stable offset.
        isolation_level: i8,
        /// The fetch session, or 0 for none.
        session_id: i32 [7..],
        /// The request's number in its session: 0 asks for a new session, -1 wants none.
        session_epoch: i32 [7..] = -1,
        /// What to read; in a session only what is new or changed.
        topics: Vec<FetchTopic>,
        /// What the session is to drop.
        forgotten_topics_data: Vec<ForgottenTopic> [7..],
        /// The consumer's rack, to be given the closest replica (KIP-392).
        rack_id: Arc<str> [11..],
    }

    /// The follower that fetches.
    pub struct ReplicaState {
        /// Its broker id; -1 for a consumer.
        replica_id: i32 = -1,
        /// Its broker epoch, or -1.
        replica_epoch: i64 = -1,
    }

    /// What to read of one topic.
    pub struct FetchTopic {
        /// The topic's name, up to version 12.
        topic: Arc<str> [..=12],
        /// The topic's id, from version 13 on.
        topic_id: Uuid [13..],
        /// What to read, by partition.
        partitions: Vec<FetchPartition>,
    }

    /// What to read of one partition.
    pub struct FetchPartition {
        /// The partition.
        partition: i32,
        /// The leader epoch that the reader knows, to be refused where it is an old one; -1: not known.
        current_leader_epoch: i32 [9..] = -1,
        /// The first offset wanted.
        fetch_offset: i64,
        /// The leader epoch of the last record that the follower has, or -1.
        last_fetched_epoch: i32 [12..] = -1,
        /// Where the follower's log begins; -1 from a consumer.
        log_start_offset: i64 [5..] = -1,
        /// About how many bytes to answer for this partition.
        partition_max_bytes: i32,
        /// The follower's log directory (`KRaft` only).
        replica_directory_id: Uuid [17.., tag 0],
    }

    /// Partitions of a topic that the session is to drop.
    pub struct ForgottenTopic {
        /// The topic's name, up to version 12.
        topic: Arc<str> [..=12],
        /// The topic's id, from version 13 on.
        topic_id: Uuid [13..],
        /// The partitions.
        partitions: Vec<i32>,
    }

    /// What was read.
    pub struct FetchResponse (4..=17, flexible 12) {
        /// How long a quota held the request back, in milliseconds.
        throttle_time_ms: i32,
        /// What is wrong with the request or its session.
        error_code: ErrorCode [7..],
        /// The session, or 0 where there is none.
        session_id: i32 [7..],
        /// What was read; in a session only partitions with news.
        responses: Vec<FetchableTopicResponse>,
        /// Where the leaders named in `current_leader` listen (KIP-951).
        node_endpoints: Vec<NodeEndpoint> [16.., tag 0],
    }

    /// What was read of one topic.
    pub struct FetchableTopicResponse {
        /// The topic's name, up to version 12.
        topic: Arc<str> [..=12],
        /// The topic's id, from version 13 on.
        topic_id: Uuid [13..],
        /// What was read, by partition.
        partitions: Vec<PartitionData>,
    }

    /// What was read of one partition.
    pub struct PartitionData {
        /// The partition.
        partition_index: i32,
        /// Why nothing was read.
        error_code: ErrorCode,
        /// The offset up to which every in-sync replica has the log: consumers see what lies below.
        high_watermark: i64,
        /// The offset up to which all transactions are decided, or -1.
        last_stable_offset: i64 = -1,
        /// Where the log begins, or -1.
        log_start_offset: i64 [5..] = -1,
        /// Where the follower's log parts from the leader's: it has to truncate.
        diverging_epoch: EpochEndOffset [12.., tag 0],
        /// The leader, where this broker is not it (KIP-951).
        current_leader: LeaderIdAndEpoch [12.., tag 1],
        /// The snapshot to load instead (`KRaft` only).
        snapshot_id: SnapshotId [12.., tag 2],
        /// Aborted transactions with records among these; null unless asked for with `read_committed`.
        aborted_transactions: Option<Vec<AbortedTransaction>> = Some(Vec::new()),
        /// The broker to fetch from instead, or -1 (KIP-392).
        preferred_read_replica: i32 [11..] = -1,
        /// Record batches; the first may begin below the offset asked for, the last may be cut off.
        records: Option<Records>,
    }

    /// The end of a leader epoch in the leader's log.
    pub struct EpochEndOffset {
        /// The largest leader epoch that both logs may share, or -1.
        epoch: i32 = -1,
        /// The offset after its last record, or -1.
        end_offset: i64 = -1,
    }

    /// A partition's leader as the broker knows it.
    pub struct LeaderIdAndEpoch {
        /// The leader's broker id, or -1 where none is known.
        leader_id: i32 = -1,
        /// Its leader epoch, or -1.
        leader_epoch: i32 = -1,
    }

    /// A snapshot of the metadata log.
    pub struct SnapshotId {
        /// The offset that it goes up to, or -1.
        end_offset: i64 = -1,
        /// The leader epoch there, or -1.
        epoch: i32 = -1,
    }

    /// A transaction that was aborted.
    pub struct AbortedTransaction {
        /// Its producer.
        producer_id: i64,
        /// The offset of its first record in this partition.
        first_offset: i64,
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
