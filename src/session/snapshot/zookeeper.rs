//! ZooKeeper's servers and sessions as a session knows them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::session::event::NodeRef;

/// The ZooKeeper ensemble.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZooKeeper {
    /// Its servers.
    pub servers: Vec<ZkServer>,
    /// Open sessions, and those that ended a short while ago.
    pub sessions: Vec<ZkSession>,
    /// How many znodes there are.
    pub znodes: u64,
    /// How many watches are set.
    pub watches: u64,
}

impl ZooKeeper {
    /// Whether somebody leads it: only then is anything written, and only then do sessions end.
    pub fn is_led(&self) -> bool {
        self.servers.iter().any(|server| server.alive && matches!(&*server.role, "leader" | "standalone"))
    }
}

/// One ZooKeeper server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZkServer {
    /// Its id.
    pub id: u8,
    /// Whether its process runs.
    pub alive: bool,
    /// `leader`, `follower`, `standalone`, `looking`.
    pub role: Arc<str>,
    /// Its newest transaction: epoch in the high 32 bits, counter in the low.
    pub zxid: i64,
    /// Clients connected to it.
    pub clients: u32,
}

/// A ZooKeeper session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZkSession {
    /// Its id.
    pub id: i64,
    /// Whose it is, where that is known.
    pub owner: Option<NodeRef>,
    /// The negotiated time-out, in milliseconds.
    pub timeout_ms: u64,
    /// How long until it ends if nothing comes, in milliseconds.
    pub ends_in_ms: u64,
    /// How many ephemerals live with it.
    pub ephemerals: u32,
}
