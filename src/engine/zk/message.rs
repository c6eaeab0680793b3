//! What a ZooKeeper client and a server say to each other, typed: sessions, requests, watches, pings.
//!
//! Plain data: it holds no state and decides nothing. ZooKeeper's wire protocol (jute) is another way to write the same
//! messages down.
//!
//! Both sides rely on the connection to be like TCP: in order, and a message that is lost takes the connection with it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::op::{Op, OpResult, ZkError, Zxid};
use crate::engine::node::{NodeId, ZkId};
use crate::engine::time::Clock;

/// A session's id: never 0, never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub i64);

impl SessionId {
    /// The server that gave it out: the highest byte.
    pub const fn server(self) -> ZkId {
        ZkId(self.0.to_be_bytes()[0])
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:x}", self.0)
    }
}

/// What a client shows to take a session up again on a new connection. 16 bytes, as on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Password(pub [u8; 16]);

/// A session as a client knows it: what it takes to get it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Its id.
    pub session: SessionId,
    /// Its password.
    pub password: Password,
}

/// Who is at the other end of a server's client connection; a peer has one connection to a server at a time.
/// Clients on sockets will be a second variant: sessions, watches and replies go by peer, never by node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ZkPeer {
    /// A node of the simulated network: a broker.
    Node(NodeId),
}

impl ZkPeer {
    /// The clock that its session runs on.
    pub const fn clock(self) -> Clock {
        match self {
            Self::Node(_) => Clock::Lab,
        }
    }

    /// The node that stands for it in events.
    pub const fn node(self) -> NodeId {
        match self {
            Self::Node(node) => node,
        }
    }
}

/// The watches of a client that has a new connection. What changed since `seen` is told at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetWatches {
    /// The last transaction that the client saw.
    pub seen: Zxid,
    /// Paths that were there, watched for data.
    pub data: Vec<Arc<str>>,
    /// Paths that were not there, watched for creation.
    pub exists: Vec<Arc<str>>,
    /// Paths watched for children.
    pub children: Vec<Arc<str>>,
}

/// What a watch saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WatchKind {
    /// The znode was created.
    Created,
    /// The znode was deleted.
    Deleted,
    /// Its data was set.
    DataChanged,
    /// A child was created or deleted.
    ChildrenChanged,
}

impl WatchKind {
    /// In a word: `created`, `deleted`, `data`, `children`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Deleted => "deleted",
            Self::DataChanged => "data",
            Self::ChildrenChanged => "children",
        }
    }
}

/// A watch that fired, once; to hear more, read again and leave another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchEvent {
    /// The path that it was left on.
    pub path: Arc<str>,
    /// What happened there.
    pub kind: WatchKind,
}

/// From a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientMessage {
    /// Opens the connection, with a new session or an old one.
    Connect {
        /// The client's number for the connection; the answer carries it back.
        connection: u64,
        /// The session to take up again; `None` for a new one.
        session: Option<Credentials>,
        /// The session time-out that is asked for.
        timeout: Duration,
        /// The last transaction that the client saw. A server that is behind it closes the connection.
        last_zxid: Zxid,
    },
    /// Asks for something.
    Request {
        /// The client's number for it; rises by one with each.
        xid: i32,
        /// What.
        op: Op,
    },
    /// Keeps the session alive.
    Ping,
    /// Ends the session, and its ephemerals with it.
    Close,
}

impl ClientMessage {
    /// Its name for a reader.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Connect { .. } => "connect",
            Self::Request { op, .. } => op.name(),
            Self::Ping => "ping",
            Self::Close => "closeSession",
        }
    }
}

/// From a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerMessage {
    /// The session is there.
    Connected {
        /// The number that came with [`ClientMessage::Connect`].
        connection: u64,
        /// What takes it up again.
        credentials: Credentials,
        /// The session time-out that was granted.
        timeout: Duration,
    },
    /// The session that was to be taken up is gone.
    Expired {
        /// The number that came with [`ClientMessage::Connect`].
        connection: u64,
    },
    /// The answer to a request; answers come in the order of the requests.
    Reply {
        /// The request's number.
        xid: i32,
        /// The last transaction that the server has applied.
        zxid: Zxid,
        /// What it came to.
        result: Result<OpResult, ZkError>,
    },
    /// A watch fired. It comes before any answer that shows what it is about.
    Watch(WatchEvent),
    /// The answer to a ping.
    Pong,
}

impl ServerMessage {
    /// Its name for a reader.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Connected { .. } => "connected",
            Self::Expired { .. } => "session expired",
            Self::Reply { .. } => "reply",
            Self::Watch(_) => "watch event",
            Self::Pong => "pong",
        }
    }
}
