//! What can happen to a built-in client. Which client it is, is said by the event's node.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::message::By;
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
    /// A member of a group begins to read partitions.
    PartitionsAssigned {
        /// How many.
        partitions: u32,
    },
    /// A member of a group gives partitions back, for others to read.
    PartitionsRevoked {
        /// How many.
        partitions: u32,
    },
    /// A member hears that its group has gone on without it.
    PartitionsLost {
        /// How many it read.
        partitions: u32,
    },
    /// A member worked on its records for longer than `max.poll.interval.ms`, and has left its group.
    PollTooLate {
        /// That setting.
        after: Duration,
    },
    /// A commit was refused for good: what was processed will be processed again by whoever reads there now.
    CommitFailed {
        /// Of how many partitions.
        partitions: u32,
        /// Why.
        error: ErrorCode,
    },
    /// A consumer cannot be a member of its group.
    GroupRefused {
        /// Why.
        error: ErrorCode,
    },
    /// It was started while the lab ran.
    Started {
        /// How that was asked for.
        by: By,
    },
    /// It was told to end.
    Closing {
        /// How.
        by: By,
    },
    /// It has ended in order.
    Closed,
    /// Its process was killed: it says nothing more, and its group has to find out.
    Crashed {
        /// How that was asked for.
        by: By,
    },
    /// It was stopped, or goes on.
    Paused {
        /// Whether it is stopped.
        paused: bool,
        /// How that was asked for.
        by: By,
    },
    /// It works for another time on each record.
    Works {
        /// How long, in microseconds.
        each_us: u32,
        /// How that was asked for.
        by: By,
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
