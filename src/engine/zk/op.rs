//! What can be asked of ZooKeeper and what comes of it: operations, results, error codes.
//!
//! Names and codes are ZooKeeper's own, so that a reader finds them in its documentation. Plain data: it holds no state
//! and decides nothing.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::message::{SessionId, SetWatches};

/// The version that matches any, in [`Write::Delete`], [`Write::SetData`] and [`Write::Check`].
pub const ANY_VERSION: i32 = -1;

/// A transaction's number: `epoch << 32 | counter`. The order of zxids is the order of all writes of the ensemble.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Zxid(pub i64);

impl Zxid {
    /// The zxid before the first transaction.
    pub const ZERO: Self = Self(0);

    /// Which leader's reign it belongs to: 0 before the first leader, then 1 and up.
    pub const fn epoch(self) -> i64 {
        self.0 >> 32
    }

    /// Its number within the epoch: 1 and up, 0 for "none yet".
    pub const fn counter(self) -> i64 {
        self.0 & 0xffff_ffff
    }

    /// As people read it: `2:2a4`, epoch and counter.
    pub fn pair(self) -> String {
        format!("{}:{:x}", self.epoch(), self.counter())
    }

    /// The transaction after this one. After `2^32 - 1` of them the next epoch begins, as it does in ZooKeeper.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }

    /// Where the epoch after this one starts, before its first transaction.
    #[must_use]
    pub const fn next_epoch(self) -> Self {
        Self((self.epoch() + 1) << 32)
    }
}

impl fmt::Display for Zxid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:x}", self.0)
    }
}

/// How long a new znode lives and what its name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateMode {
    /// Until it is deleted.
    Persistent,
    /// Until its session ends.
    Ephemeral,
    /// As `Persistent`, with `%010d` of the parent's count of creates after the name.
    PersistentSequential,
    /// As `Ephemeral`, with `%010d` of the parent's count of creates after the name.
    EphemeralSequential,
}

impl CreateMode {
    /// Whether it goes with its session.
    pub const fn is_ephemeral(self) -> bool {
        matches!(self, Self::Ephemeral | Self::EphemeralSequential)
    }

    /// Whether the server completes the name.
    pub const fn is_sequential(self) -> bool {
        matches!(self, Self::PersistentSequential | Self::EphemeralSequential)
    }
}

/// A write, or a condition on one: what a multi is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Create a znode. `NoNode` without its parent, `NodeExists`, `NoChildrenForEphemerals`.
    Create {
        /// The path; for sequential modes the server appends the number.
        path: Arc<str>,
        /// Its data.
        data: Bytes,
        /// How long it lives and what it is named.
        mode: CreateMode,
    },
    /// Delete a znode. `NoNode`, `BadVersion`, `NotEmpty` while it has children.
    Delete {
        /// The path.
        path: Arc<str>,
        /// The version that it must have, or [`ANY_VERSION`].
        version: i32,
    },
    /// Replace a znode's data. `NoNode`, `BadVersion`.
    SetData {
        /// The path.
        path: Arc<str>,
        /// The new data.
        data: Bytes,
        /// The version that it must have, or [`ANY_VERSION`].
        version: i32,
    },
    /// Change nothing, but fail unless the znode has this version. `NoNode`, `BadVersion`.
    Check {
        /// The path.
        path: Arc<str>,
        /// The version that it must have, or [`ANY_VERSION`].
        version: i32,
    },
}

impl Write {
    /// A create.
    pub fn create(path: impl Into<Arc<str>>, data: impl Into<Bytes>, mode: CreateMode) -> Self {
        Self::Create { path: path.into(), data: data.into(), mode }
    }

    /// A delete of `version`, or of [`ANY_VERSION`].
    pub fn delete(path: impl Into<Arc<str>>, version: i32) -> Self {
        Self::Delete { path: path.into(), version }
    }

    /// New data over `version`, or over [`ANY_VERSION`].
    pub fn set(path: impl Into<Arc<str>>, data: impl Into<Bytes>, version: i32) -> Self {
        Self::SetData { path: path.into(), data: data.into(), version }
    }

    /// A condition: the znode is there and has `version`, or [`ANY_VERSION`].
    pub fn check(path: impl Into<Arc<str>>, version: i32) -> Self {
        Self::Check { path: path.into(), version }
    }

    /// The path that it is about.
    pub fn path(&self) -> &Arc<str> {
        match self {
            Self::Create { path, .. }
            | Self::Delete { path, .. }
            | Self::SetData { path, .. }
            | Self::Check { path, .. } => path,
        }
    }

    /// ZooKeeper's name for it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Delete { .. } => "delete",
            Self::SetData { .. } => "setData",
            Self::Check { .. } => "check",
        }
    }
}

/// What a client can ask within its session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// One write.
    Write(Write),
    /// Several writes as one transaction: all or nothing, one zxid.
    Multi(Vec<Write>),
    /// A znode's data. `NoNode`, and then no watch is left.
    GetData {
        /// The path.
        path: Arc<str>,
        /// Whether to be told of the next change of data, or of its deletion.
        watch: bool,
    },
    /// A znode's stat. `NoNode`, but the watch is left either way.
    Exists {
        /// The path.
        path: Arc<str>,
        /// Whether to be told of its creation, of the next change of data, or of its deletion.
        watch: bool,
    },
    /// The names of a znode's children, in order. `NoNode`, and then no watch is left.
    GetChildren {
        /// The path.
        path: Arc<str>,
        /// Whether to be told when a child comes or goes, or when it is itself deleted.
        watch: bool,
    },
    /// Wait until the server has applied all that was committed before.
    Sync,
    /// Leave the watches again that an earlier connection had; [`ZkClient`](super::client::ZkClient) sends it itself.
    SetWatches(SetWatches),
}

impl Op {
    /// Reads data.
    pub fn get(path: impl Into<Arc<str>>) -> Self {
        Self::GetData { path: path.into(), watch: false }
    }

    /// Reads data and leaves a watch.
    pub fn get_and_watch(path: impl Into<Arc<str>>) -> Self {
        Self::GetData { path: path.into(), watch: true }
    }

    /// Reads the stat.
    pub fn exists(path: impl Into<Arc<str>>) -> Self {
        Self::Exists { path: path.into(), watch: false }
    }

    /// Reads the stat and leaves a watch.
    pub fn exists_and_watch(path: impl Into<Arc<str>>) -> Self {
        Self::Exists { path: path.into(), watch: true }
    }

    /// Lists the children.
    pub fn children(path: impl Into<Arc<str>>) -> Self {
        Self::GetChildren { path: path.into(), watch: false }
    }

    /// Lists the children and leaves a watch.
    pub fn children_and_watch(path: impl Into<Arc<str>>) -> Self {
        Self::GetChildren { path: path.into(), watch: true }
    }

    /// ZooKeeper's name for it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Write(write) => write.name(),
            Self::Multi(_) => "multi",
            Self::GetData { .. } => "getData",
            Self::Exists { .. } => "exists",
            Self::GetChildren { .. } => "getChildren",
            Self::Sync => "sync",
            Self::SetWatches(_) => "setWatches",
        }
    }
}

impl From<Write> for Op {
    fn from(write: Write) -> Self {
        Self::Write(write)
    }
}

/// A znode's metadata, as ZooKeeper's `Stat`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stat {
    /// The transaction that created it.
    pub czxid: Zxid,
    /// The transaction that last set its data.
    pub mzxid: Zxid,
    /// The transaction that last created or deleted a child.
    pub pzxid: Zxid,
    /// When it was created: a lab date, milliseconds since 1970.
    pub ctime_ms: i64,
    /// When its data was last set: a lab date, milliseconds since 1970.
    pub mtime_ms: i64,
    /// How often its data was set.
    pub version: i32,
    /// How often a child was created or deleted.
    pub cversion: i32,
    /// How often its access list was set: always 0, the lab has none.
    pub aversion: i32,
    /// The session that it goes with, if it is ephemeral.
    pub ephemeral_owner: Option<SessionId>,
    /// The length of its data in bytes.
    pub data_length: usize,
    /// How many children it has.
    pub num_children: usize,
}

/// What an [`Op`] came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpResult {
    /// Of [`Write::Create`].
    Created {
        /// The path as created: with its number, where the mode is sequential.
        path: Arc<str>,
        /// Its stat.
        stat: Stat,
    },
    /// Of [`Write::Delete`].
    Deleted,
    /// Of [`Write::SetData`].
    Set(Stat),
    /// Of [`Write::Check`].
    Checked,
    /// Of [`Op::Multi`]: one result per member, or what failed. As on the wire, a multi that failed was answered.
    Multi(Result<Vec<OpResult>, MultiFailure>),
    /// Of [`Op::GetData`].
    Data {
        /// The data.
        data: Bytes,
        /// The stat that belongs to it.
        stat: Stat,
    },
    /// Of [`Op::Exists`].
    Exists(Stat),
    /// Of [`Op::GetChildren`].
    Children {
        /// Names, not paths, in order.
        children: Vec<Arc<str>>,
        /// The parent's stat.
        stat: Stat,
    },
    /// Of [`Op::Sync`].
    Synced,
    /// Of [`Op::SetWatches`].
    WatchesSet,
}

/// Why a multi changed nothing: the first member that failed. On the wire the members before it carry 0, those after
/// it [`ZkError::RuntimeInconsistency`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MultiFailure {
    /// Which member, counted from 0.
    pub member: usize,
    /// What was wrong with it.
    pub error: ZkError,
}

impl MultiFailure {
    /// ZooKeeper's code for `member` of this multi.
    pub fn code_of(&self, member: usize) -> i32 {
        match member.cmp(&self.member) {
            std::cmp::Ordering::Less => 0,
            std::cmp::Ordering::Equal => self.error.code(),
            std::cmp::Ordering::Greater => ZkError::RuntimeInconsistency.code(),
        }
    }
}

/// What can go wrong, with ZooKeeper's codes (`KeeperException.Code`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ZkError {
    /// -1: what is not to happen, happened.
    #[error("system error")]
    SystemError,
    /// -2: not tried, because an earlier member of the multi failed.
    #[error("not tried: an earlier member of the multi failed")]
    RuntimeInconsistency,
    /// -4: the connection went before the answer came. Whether a write was done is not known.
    #[error("connection loss")]
    ConnectionLoss,
    /// -8: a path that is none, or one that may not be written.
    #[error("bad arguments")]
    BadArguments,
    /// -101: there is no such znode, or no parent to create it under.
    #[error("no node")]
    NoNode,
    /// -103: the znode has another version.
    #[error("bad version")]
    BadVersion,
    /// -108: an ephemeral has no children.
    #[error("ephemerals cannot have children")]
    NoChildrenForEphemerals,
    /// -110: there is such a znode already.
    #[error("node exists")]
    NodeExists,
    /// -111: the znode has children.
    #[error("node has children")]
    NotEmpty,
    /// -112: the session has ended.
    #[error("session expired")]
    SessionExpired,
    /// -118: the session's client has gone on to another server.
    #[error("session moved")]
    SessionMoved,
}

impl ZkError {
    const ALL: [Self; 11] = [
        Self::SystemError,
        Self::RuntimeInconsistency,
        Self::ConnectionLoss,
        Self::BadArguments,
        Self::NoNode,
        Self::BadVersion,
        Self::NoChildrenForEphemerals,
        Self::NodeExists,
        Self::NotEmpty,
        Self::SessionExpired,
        Self::SessionMoved,
    ];

    /// What a code on the wire stands for; [`Self::SystemError`] where nobody knows it.
    pub fn of(code: i32) -> Self {
        Self::ALL.into_iter().find(|error| error.code() == code).unwrap_or(Self::SystemError)
    }

    /// The code on the wire.
    pub const fn code(self) -> i32 {
        match self {
            Self::SystemError => -1,
            Self::RuntimeInconsistency => -2,
            Self::ConnectionLoss => -4,
            Self::BadArguments => -8,
            Self::NoNode => -101,
            Self::BadVersion => -103,
            Self::NoChildrenForEphemerals => -108,
            Self::NodeExists => -110,
            Self::NotEmpty => -111,
            Self::SessionExpired => -112,
            Self::SessionMoved => -118,
        }
    }
}
