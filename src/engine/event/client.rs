//! What can happen to a built-in client. Which client it is, is said by the event's node.

use std::sync::Arc;

use crate::engine::node::{BrokerId, ClientId};
use crate::protocol::ErrorCode;

/// What can happen to a built-in client: one event for each effect, never one for each record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientEvent {
    /// It lost a connection that had worked.
    ConnectionLost {
        /// To whom.
        broker: BrokerId,
        /// How many records wait at a producer for acknowledgement; 0 at a consumer.
        waiting: u64,
    },
    /// A consumer goes on reading at a new leader.
    LeaderFound {
        /// The leader.
        leader: BrokerId,
        /// How many partitions moved there.
        partitions: u32,
    },
    /// What a consumer wanted to read was not there any more (`OFFSET_OUT_OF_RANGE`): it goes on by `auto.offset.reset`.
    OffsetsReset {
        /// In how many partitions.
        partitions: u32,
        /// How many offsets it never read for that.
        skipped: u64,
    },
    /// A producer sent records, that another leader had not acknowledged, to a new one.
    RecordsSentAgain {
        /// The new leader.
        leader: BrokerId,
        /// Of how many partitions.
        partitions: u32,
        /// How many records.
        records: u64,
    },
    /// A producer gave records up: `delivery.timeout.ms` is over, or the error is final.
    DeliveryFailed {
        /// How many records.
        records: u64,
        /// Why.
        error: ErrorCode,
    },
    /// Reading back proved that acknowledged records are gone. It happens at the auditor.
    RecordsLost {
        /// The producer that wrote them.
        producer: ClientId,
        /// The topic.
        topic: Arc<str>,
        /// The partition.
        partition: i32,
        /// How many.
        records: u64,
        /// The first one's number: that which the producer gave it within the partition.
        from: u64,
        /// The last one's number.
        to: u64,
    },
}
