//! `DescribeLogDirs` (key 35): what lies in a broker's log directories (KIP-113, KIP-827). Definitions only.

use std::sync::Arc;

use super::ErrorCode;
use super::definition::message;

message! {
    /// Which replicas are wanted.
    pub struct DescribeLogDirsRequest (1..=4, flexible 2) {
        /// The topics; null for all.
        topics: Option<Vec<DescribableLogDirTopic>> = Some(Vec::new()),
    }

    /// A topic.
    pub struct DescribableLogDirTopic {
        /// Its name.
        topic: Arc<str>,
        /// Its partitions.
        partitions: Vec<i32>,
    }

    /// The log directories.
    pub struct DescribeLogDirsResponse (1..=4, flexible 2) {
        /// How long a quota held the request back, in milliseconds.
        throttle_time_ms: i32,
        /// Why there are none.
        error_code: ErrorCode [3..],
        /// The directories.
        results: Vec<DescribeLogDirsResult>,
    }

    /// A log directory.
    pub struct DescribeLogDirsResult {
        /// Why it cannot be used.
        error_code: ErrorCode,
        /// Its absolute path.
        log_dir: Arc<str>,
        /// What lies in it, by topic.
        topics: Vec<DescribeLogDirsTopic>,
        /// The size of the volume that it is on, in bytes; -1 where that is not known.
        total_bytes: i64 [4..] = -1,
        /// How much of that is free, in bytes; -1 where that is not known.
        usable_bytes: i64 [4..] = -1,
    }

    /// A topic's replicas in a directory.
    pub struct DescribeLogDirsTopic {
        /// The topic.
        name: Arc<str>,
        /// The replicas.
        partitions: Vec<DescribeLogDirsPartition>,
    }

    /// A replica.
    pub struct DescribeLogDirsPartition {
        /// The partition.
        partition_index: i32,
        /// The size of its segments, in bytes.
        partition_size: i64,
        /// By how much its log end is behind the high watermark; 0 and up.
        offset_lag: i64,
        /// Whether it is a copy that is to replace the replica of another directory.
        is_future_key: bool,
    }
}
