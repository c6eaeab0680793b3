//! A ZooKeeper server: the tree, sessions with their ephemerals, watches.

pub mod client;
pub mod message;
pub mod op;

/// What a ZooKeeper server's timers say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ZkTimer {
    /// Look for sessions that ran out (once a tick).
    Expire,
}
