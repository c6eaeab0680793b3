//! Transactions: what the leader makes of a request, and every server applies alike.
//!
//! A request says what somebody wants (`delete if version is 3`), a transaction what will be (`this path goes`). All
//! conditions are decided when it is made, so applying it needs no decision and comes out the same on every server. A
//! refused request becomes a transaction as well: it changes nothing, but its answer keeps its place in the order.
//!
//! Plain data. `prep` makes them, [`ZkServer`](super::ZkServer) applies them.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::message::{SessionId, ZkPeer};
use super::op::{MultiFailure, ZkError, Zxid};

/// A transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Txn {
    /// Its number, and with it its place in the order.
    pub zxid: Zxid,
    /// When it was made: a lab date, milliseconds since 1970. Stats take it from here, not from a clock.
    pub time_ms: i64,
    /// The session that asked for it.
    pub session: SessionId,
    /// The number that the client gave its request; 0 where no client asked. With the session it tells a server whose
    /// answer this is.
    pub cxid: i32,
    /// What changes.
    pub body: TxnBody,
}

/// What a transaction changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TxnBody {
    /// The session begins.
    CreateSession {
        /// Its time-out, as granted.
        timeout: Duration,
        /// Who opened it; `None` where the transaction was found on a disk, which does not say.
        owner: Option<ZkPeer>,
    },
    /// The session ends, and all its ephemerals with it.
    CloseSession {
        /// Their paths, in order.
        ephemerals: Vec<Arc<str>>,
    },
    /// One change.
    Change(Change),
    /// Several changes at once.
    Multi(Vec<Change>),
    /// Nothing: the request was refused.
    Refused(ZkError),
    /// Nothing: the multi was refused.
    MultiRefused(MultiFailure),
}

impl TxnBody {
    /// What it does to the tree, in order.
    pub fn changes(&self) -> Cow<'_, [Change]> {
        match self {
            Self::Change(change) => Cow::Borrowed(std::slice::from_ref(change)),
            Self::Multi(changes) => Cow::Borrowed(changes),
            Self::CloseSession { ephemerals } => {
                ephemerals.iter().map(|path| Change::Delete { path: Arc::clone(path) }).collect()
            }
            Self::CreateSession { .. } | Self::Refused(_) | Self::MultiRefused(_) => Cow::Borrowed(&[]),
        }
    }

    /// In a few words for a reader: what is written, and where.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::CreateSession { .. } => "createSession",
            Self::CloseSession { .. } => "closeSession",
            Self::Change(Change::Create { .. }) => "create",
            Self::Change(Change::Delete { .. }) => "delete",
            Self::Change(Change::SetData { .. }) => "setData",
            Self::Change(Change::Check { .. }) => "check",
            Self::Multi(_) => "multi",
            Self::Refused(_) | Self::MultiRefused(_) => "error",
        }
    }
}

/// A change of the tree, all conditions met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A znode comes.
    Create {
        /// Its full path, with the number of a sequential one.
        path: Arc<str>,
        /// Its data.
        data: Bytes,
        /// The session that it goes with, if it is ephemeral.
        owner: Option<SessionId>,
    },
    /// A znode goes.
    Delete {
        /// Its path.
        path: Arc<str>,
    },
    /// A znode has new data.
    SetData {
        /// Its path.
        path: Arc<str>,
        /// The data.
        data: Bytes,
        /// The version that they are.
        version: i32,
    },
    /// A condition of a multi was met: nothing changes.
    Check {
        /// Its path.
        path: Arc<str>,
    },
}

impl Change {
    /// The path that it changes; `None` for a condition.
    pub const fn path(&self) -> Option<&Arc<str>> {
        match self {
            Self::Create { path, .. } | Self::Delete { path } | Self::SetData { path, .. } => Some(path),
            Self::Check { .. } => None,
        }
    }
}
