//! What happened: the events that the core reports. They tell changes of state, never single records.

use std::sync::Arc;

use super::context::{Cause, Id};
use super::node::{BrokerId, ClientId, NodeId, ZkId};
use super::time::Time;
use crate::protocol::ErrorCode;

/// Something that happened, when, at which node, and why.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its number, from the sequence that messages share.
    pub id: Id,
    /// When, in lab time.
    pub at: Time,
    /// Where.
    pub node: NodeId,
    /// What.
    pub kind: EventKind,
    /// Why: the event before, and the messages between.
    pub cause: Cause,
}

/// What can happen. Each variant is a change of state that a person would want to hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// ZooKeeper ended a session that was silent for its time-out, or that its owner closed.
    SessionExpired {
        /// The session's id.
        session: i64,
        /// Whose it was.
        owner: NodeId,
        /// True where its owner closed it, false where it ran out.
        closed: bool,
    },
    /// ZooKeeper opened a session.
    SessionOpened {
        /// The session's id.
        session: i64,
        /// Whose it is.
        owner: NodeId,
    },
    /// A session that lives on was taken up again on a new connection.
    SessionResumed {
        /// The session's id.
        session: i64,
        /// Whose it is.
        owner: NodeId,
    },
    /// A client lost its connection to a ZooKeeper server and looks for another; its session may live on.
    ZkDisconnected {
        /// The server.
        server: ZkId,
        /// The session's id.
        session: i64,
    },
    /// An ephemeral znode went with its session, or was deleted.
    EphemeralGone {
        /// Its path.
        path: String,
        /// The session that owned it.
        session: i64,
    },
    /// A watch fired and its owner is being told.
    WatchFired {
        /// The path it was set on.
        path: String,
        /// Who set it.
        watcher: NodeId,
        /// What changed: `created`, `deleted`, `data`, `children`.
        change: &'static str,
    },    /// A built-in client lost a connection that had worked.
    ConnectionLost {
        /// To whom.
        broker: BrokerId,
        /// How many records wait at a producer for acknowledgement; 0 at a consumer.
        waiting: u64,
    },
    /// A built-in consumer goes on reading at a new leader.
    LeaderFound {
        /// The leader.
        leader: BrokerId,
        /// How many partitions moved there.
        partitions: u32,
    },
    /// A built-in producer sent records, that another leader had not acknowledged, to a new one.
    RecordsSentAgain {
        /// The new leader.
        leader: BrokerId,
        /// Of how many partitions.
        partitions: u32,
        /// How many records.
        records: u64,
    },
    /// A built-in producer gave records up: `delivery.timeout.ms` is over, or the error is final.
    DeliveryFailed {
        /// How many records.
        records: u64,
        /// Why.
        error: ErrorCode,
    },
    /// Reading back proved that acknowledged records are gone.
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
