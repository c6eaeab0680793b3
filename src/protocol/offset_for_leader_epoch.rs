//! `OffsetForLeaderEpoch` (key 23): where a leader epoch ends in the leader's log, to find where two logs part
//! (KIP-101, KIP-279, KIP-320). Definitions only.

use std::sync::Arc;

use super::ErrorCode;
use super::definition::message;

message! {
    /// Which epochs are of interest.
    pub struct OffsetForLeaderEpochRequest (0..=4, flexible 4) {
        /// The follower's broker id; -1 for a consumer, -2 for a tool that asks any replica.
        replica_id: i32 [3..] = -2,
        /// What is asked, by topic.
        topics: Vec<OffsetForLeaderTopic>,
    }

    /// What is asked of one topic.
    pub struct OffsetForLeaderTopic {
        /// The topic.
        topic: Arc<str>,
        /// What is asked, by partition.
        partitions: Vec<OffsetForLeaderPartition>,
    }

    /// What is asked of one partition.
    pub struct OffsetForLeaderPartition {
        /// The partition.
        partition: i32,
        /// The leader epoch that the reader knows, to be refused where it is an old one; -1: not known.
        current_leader_epoch: i32 [2..] = -1,
        /// The epoch whose end is wanted.
        leader_epoch: i32,
    }

    /// Where the epochs end.
    pub struct OffsetForLeaderEpochResponse (0..=4, flexible 4) {
        /// How long a quota held the request back, in milliseconds.
        throttle_time_ms: i32 [2..],
        /// The ends, by topic.
        topics: Vec<OffsetForLeaderTopicResult>,
    }

    /// The ends in one topic.
    pub struct OffsetForLeaderTopicResult {
        /// The topic.
        topic: Arc<str>,
        /// The ends, by partition.
        partitions: Vec<EpochEndOffset>,
    }

    /// Where the epoch ends in one partition.
    pub struct EpochEndOffset {
        /// Why there is no answer.
        error_code: ErrorCode,
        /// The partition.
        partition: i32,
        /// The largest epoch of the leader's log that is not larger than the one asked for, or -1.
        leader_epoch: i32 [1..] = -1,
        /// The offset after its last record, or -1.
        end_offset: i64 = -1,
    }
}
