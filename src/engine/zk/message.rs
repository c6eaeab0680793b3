//! What a ZooKeeper client and a server say to each other, typed.

/// From a client.
#[derive(Clone, Debug)]
pub enum ClientMessage {}

/// From a server.
#[derive(Clone, Debug)]
pub enum ServerMessage {}
