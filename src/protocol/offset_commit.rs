//! `OffsetCommit` (key 8): a group's member, or a consumer without a group, says how far it has read. Definitions only.
//!
//! Which fields tell who commits: the member and its generation in a classic group, the member and its epoch in a group
//! of KIP-848 (version 9 and up), an empty member and -1 for a consumer that assigns its partitions itself.

use std::sync::Arc;

use super::ErrorCode;
use super::definition::message;

message! {
    /// The offsets to commit.
    pub struct OffsetCommitRequest (0..=9, flexible 8) {
        /// The group.
        group_id: Arc<str>,
        /// The generation of a classic group, the member's epoch in one of KIP-848, or -1.
        generation_id_or_member_epoch: i32 [1..] = -1,
        /// The member, or empty.
        member_id: Arc<str> [1..],
        /// The static member's name (KIP-345).
        group_instance_id: Option<Arc<str>> [7..],
        /// How long the offsets are to be kept, in milliseconds, or -1 for what the broker has set.
        retention_time_ms: i64 [2..=4] = -1,
        /// The offsets, by topic.
        topics: Vec<OffsetCommitRequestTopic>,
    }

    /// Offsets to commit in one topic.
    pub struct OffsetCommitRequestTopic {
        /// The topic.
        name: Arc<str>,
        /// The offsets, by partition.
        partitions: Vec<OffsetCommitRequestPartition>,
    }

    /// The offset to commit for one partition.
    pub struct OffsetCommitRequestPartition {
        /// The partition.
        partition_index: i32,
        /// The offset of the record to be read next.
        committed_offset: i64,
        /// The leader epoch of the last record read, or -1 (KIP-320).
        committed_leader_epoch: i32 [6..] = -1,
        /// When it was committed, in milliseconds since 1970, in version 1; -1 for now.
        commit_timestamp: i64 [1..=1] = -1,
        /// What the client wants to keep beside the offset.
        committed_metadata: Option<Arc<str>>,
    }

    /// What became of each offset.
    pub struct OffsetCommitResponse (0..=9, flexible 8) {
        /// How long a quota held the request back, in milliseconds.
        throttle_time_ms: i32 [3..],
        /// The outcome, by topic.
        topics: Vec<OffsetCommitResponseTopic>,
    }

    /// The outcome for one topic.
    pub struct OffsetCommitResponseTopic {
        /// The topic.
        name: Arc<str>,
        /// The outcome, by partition.
        partitions: Vec<OffsetCommitResponsePartition>,
    }

    /// The outcome for one partition.
    pub struct OffsetCommitResponsePartition {
        /// The partition.
        partition_index: i32,
        /// Why the offset was not committed.
        error_code: ErrorCode,
    }
}
