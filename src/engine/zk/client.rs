//! A broker's side of its ZooKeeper session: connect, ping, requests in order, watches, expiry.

/// What a ZooKeeper client's timers say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientTimer {
    /// Time to ping.
    Ping,
}
