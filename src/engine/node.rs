//! Who takes part: brokers, ZooKeeper servers, built-in clients, the person at the keys.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A broker's id, as in `broker.id`: 1 and up in the lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BrokerId(pub i32);

/// A ZooKeeper server's id, as in `myid`: 1 and up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ZkId(pub u8);

/// A built-in client's number, 1 and up, never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ClientId(pub u32);

/// A node of the simulated network, or the person outside it. The order is that of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum NodeId {
    /// Whoever gives commands: a key, a demo, the control API.
    Operator,
    /// A ZooKeeper server.
    Zk(ZkId),
    /// A broker.
    Broker(BrokerId),
    /// A built-in producer or consumer.
    Client(ClientId),
}

impl fmt::Display for BrokerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "broker-{}", self.0)
    }
}

impl fmt::Display for ZkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "zk-{}", self.0)
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "client-{}", self.0)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator => f.write_str("operator"),
            Self::Zk(id) => id.fmt(f),
            Self::Broker(id) => id.fmt(f),
            Self::Client(id) => id.fmt(f),
        }
    }
}
