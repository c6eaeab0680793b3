//! What happened: the events that the core reports. They tell changes of state, never single records.

mod broker;
mod client;
mod controller;
pub mod group;
mod zk;

pub use broker::{BrokerEvent, Lost, OperatorEvent, SettingChange};
pub use client::ClientEvent;
pub use controller::{ControllerEvent, ElectionReason, LeadershipChange, ReassignmentStep};
pub use group::GroupEvent;
pub use zk::ZkEvent;

use super::context::{Cause, Id};
use super::node::{NodeId, ZkId};
use super::time::Time;

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
    },
    /// Of a ZooKeeper server.
    Zk(ZkEvent),
    /// Of the controller.
    Controller(ControllerEvent),
    /// Of a broker.
    Broker(BrokerEvent),
    /// Of whoever gives commands.
    Operator(OperatorEvent),
    /// Of a group, at its coordinator.
    Group(GroupEvent),
    /// Of a built-in client.
    Client(ClientEvent),
}
