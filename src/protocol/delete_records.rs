//! `DeleteRecords` (key 21): move the start of logs forward (KIP-107). Definitions only.

use std::sync::Arc;

use super::ErrorCode;
use super::definition::message;

/// The [offset](DeleteRecordsPartition::offset) that stands for all that consumers can read.
pub const HIGH_WATERMARK: i64 = -1;

message! {
    /// Where the logs are to begin.
    pub struct DeleteRecordsRequest (0..=2, flexible 2) {
        /// The partitions, by topic.
        topics: Vec<DeleteRecordsTopic>,
        /// How long to wait until all replicas have followed, in milliseconds.
        timeout_ms: i32,
    }

    /// Partitions of one topic.
    pub struct DeleteRecordsTopic {
        /// The topic.
        name: Arc<str>,
        /// The partitions.
        partitions: Vec<DeleteRecordsPartition>,
    }

    /// Where one log is to begin.
    pub struct DeleteRecordsPartition {
        /// The partition.
        partition_index: i32,
        /// The first offset that is kept; [`HIGH_WATERMARK`] for none of those that consumers can read.
        offset: i64,
    }

    /// Where the logs begin now.
    pub struct DeleteRecordsResponse (0..=2, flexible 2) {
        /// How long a quota held the request back, in milliseconds.
        throttle_time_ms: i32,
        /// The outcome, by topic.
        topics: Vec<DeleteRecordsTopicResult>,
    }

    /// The outcome for one topic.
    pub struct DeleteRecordsTopicResult {
        /// The topic.
        name: Arc<str>,
        /// The outcome, by partition.
        partitions: Vec<DeleteRecordsPartitionResult>,
    }

    /// The outcome for one partition.
    pub struct DeleteRecordsPartitionResult {
        /// The partition.
        partition_index: i32,
        /// The smallest log start of its live replicas; -1 where there was an error.
        low_watermark: i64,
        /// Whether its records were deleted.
        error_code: ErrorCode,
    }
}
