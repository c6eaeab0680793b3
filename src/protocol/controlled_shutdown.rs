//! `ControlledShutdown` (key 7): a broker that wants to stop asks the controller to move its leaders. Definitions only.
//!
//! Brokers of one cluster speak the newest version to each other, so only that one is defined.

use std::sync::Arc;

use super::ErrorCode;
use super::definition::message;

message! {
    /// Who wants to stop.
    pub struct ControlledShutdownRequest (3..=3, flexible 3) {
        /// The broker's id.
        broker_id: i32,
        /// The broker's epoch: another one than the controller knows is refused.
        broker_epoch: i64 = -1,
    }

    /// Whether it may.
    pub struct ControlledShutdownResponse (3..=3, flexible 3) {
        /// What is wrong with the request.
        error_code: ErrorCode,
        /// The partitions that it still leads: unless this is empty, it has to ask again.
        remaining_partitions: Vec<RemainingPartition>,
    }

    /// A partition that the broker still leads.
    pub struct RemainingPartition {
        /// The topic.
        topic_name: Arc<str>,
        /// The partition.
        partition_index: i32,
    }
}
