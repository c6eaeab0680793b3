//! `ListOffsets` (key 2): which offset belongs to a time, or stands at an end of the log. Definitions only.

use std::sync::Arc;

use super::ErrorCode;
use super::definition::message;

/// The special values of [`ListOffsetsPartition::timestamp`].
pub mod timestamp {
    /// The end of the log, as far as the reader may see it.
    pub const LATEST: i64 = -1;
    /// The start of the log.
    pub const EARLIEST: i64 = -2;
    /// The record with the largest timestamp (KIP-734, version 7).
    pub const MAX: i64 = -3;
    /// The start of what the leader's disk holds under tiered storage (KIP-405, version 8).
    pub const EARLIEST_LOCAL: i64 = -4;
    /// The last offset in tiered storage (KIP-1005, version 9).
    pub const LATEST_TIERED: i64 = -5;
}

message! {
    /// Which offsets are wanted.
    pub struct ListOffsetsRequest (1..=9, flexible 6) {
        /// The follower's broker id; -1 for a consumer, -2 for a tool that asks any replica.
        replica_id: i32,
        /// 0: the latest offset is the high watermark; 1 (`read_committed`): the last stable offset.
        isolation_level: i8 [2..],
        /// What is asked, by topic.
        topics: Vec<ListOffsetsTopic>,
    }

    /// What is asked of one topic.
    pub struct ListOffsetsTopic {
        /// The topic.
        name: Arc<str>,
        /// What is asked, by partition.
        partitions: Vec<ListOffsetsPartition>,
    }

    /// What is asked of one partition.
    pub struct ListOffsetsPartition {
        /// The partition.
        partition_index: i32,
        /// The leader epoch that the reader knows, to be refused where it is an old one; -1: not known.
        current_leader_epoch: i32 [4..] = -1,
        /// Milliseconds since 1970, for the first record that is not older; or a value of [`timestamp`].
        timestamp: i64,
    }

    /// The offsets.
    pub struct ListOffsetsResponse (1..=9, flexible 6) {
        /// How long a quota held the request back, in milliseconds.
        throttle_time_ms: i32 [2..],
        /// The offsets, by topic.
        topics: Vec<ListOffsetsTopicResponse>,
    }

    /// The offsets of one topic.
    pub struct ListOffsetsTopicResponse {
        /// The topic.
        name: Arc<str>,
        /// The offsets, by partition.
        partitions: Vec<ListOffsetsPartitionResponse>,
    }

    /// The offset in one partition.
    pub struct ListOffsetsPartitionResponse {
        /// The partition.
        partition_index: i32,
        /// Why there is no answer.
        error_code: ErrorCode,
        /// The record's timestamp; -1 for an end of the log, or where no record is that young.
        timestamp: i64 = -1,
        /// The offset; -1 where no record is that young.
        offset: i64 = -1,
        /// The record's leader epoch, or -1.
        leader_epoch: i32 [4..] = -1,
    }
}
