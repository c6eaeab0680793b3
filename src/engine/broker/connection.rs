//! A broker's connections: one request of each is handled at a time, answers go back in the order of the requests.
//! A parked request (acks=all, a long poll) holds what follows it on its connection, as Kafka's muted channels do.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::engine::context::Id;
use crate::engine::message::{Lane, SocketId};
use crate::engine::node::NodeId;
use crate::engine::time::Clock;
use crate::protocol::Request;

/// Requests that one connection may have waiting behind the one in hand; the edge stops reading before.
pub const MAX_QUEUED: usize = 1_024;

/// Whom a connection leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Peer {
    /// A node of the lab, on one of its lanes.
    Node(NodeId, Lane),
    /// A client on a socket.
    Socket(SocketId),
}

impl Peer {
    /// The clock that this peer's waits run on.
    pub fn clock(self) -> Clock {
        match self {
            Self::Node(..) => Clock::Lab,
            Self::Socket(_) => Clock::Outside,
        }
    }
}

/// Where a request came from, and all that its answer needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The connection.
    pub peer: Peer,
    /// The sender's number for the request.
    pub correlation: Id,
    /// The version it came in, which is the version of its answer.
    pub version: i16,
    /// The sender's `client.id`.
    pub client_id: Arc<str>,
}

/// A request that waits for its turn.
#[derive(Clone, Debug)]
pub struct Pending {
    /// Where it came from.
    pub origin: Origin,
    /// What is asked.
    pub request: Request,
}

/// One connection.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// The peer's address, or empty for a node of the lab.
    pub address: Arc<str>,
    /// The `client.id` of its newest request.
    pub client_id: Arc<str>,
    /// `name version` from `ApiVersions`.
    pub software: Arc<str>,
    /// Requests so far.
    pub requests: u64,
    /// The request in hand, if it is not answered yet.
    busy: Option<Id>,
    queue: VecDeque<Pending>,
}

/// All connections of a broker.
#[derive(Clone, Debug, Default)]
pub struct Connections {
    open: BTreeMap<Peer, Connection>,
}

impl Connections {
    /// A client connected.
    pub fn connected(&mut self, peer: Peer, address: Arc<str>) {
        self.open.insert(peer, Connection { address, ..Connection::default() });
    }

    /// Forgets a connection with what waits on it.
    pub fn closed(&mut self, peer: Peer) {
        self.open.remove(&peer);
    }

    /// Forgets all connections of a node.
    pub fn node_gone(&mut self, node: NodeId) {
        self.open.retain(|peer, _| !matches!(peer, Peer::Node(n, _) if *n == node));
    }

    /// A request arrived: hands it back if it is its connection's turn, else keeps it. `Err` where too many wait.
    pub fn arrived(&mut self, pending: Pending) -> Result<Option<Pending>, Peer> {
        let peer = pending.origin.peer;
        let connection = self.open.entry(peer).or_default();
        connection.requests += 1;
        if connection.client_id != pending.origin.client_id {
            connection.client_id = Arc::clone(&pending.origin.client_id);
        }
        if connection.busy.is_some() {
            if connection.queue.len() >= MAX_QUEUED {
                return Err(peer);
            }
            connection.queue.push_back(pending);
            return Ok(None);
        }
        connection.busy = Some(pending.origin.correlation);
        Ok(Some(pending))
    }

    /// The request in hand was answered: the next one of this connection, if one waits.
    pub fn answered(&mut self, peer: Peer) -> Option<Pending> {
        let connection = self.open.get_mut(&peer)?;
        connection.busy = None;
        let next = connection.queue.pop_front()?;
        connection.busy = Some(next.origin.correlation);
        Some(next)
    }

    /// Whether the connection is still there: an answer to a closed one goes nowhere.
    pub fn is_open(&self, peer: Peer) -> bool {
        self.open.contains_key(&peer)
    }

    /// The address of a socket's client, with a slash ahead, as Java writes it: `/127.0.0.1`.
    pub fn host_of(&self, peer: Peer) -> Arc<str> {
        let address = self.open.get(&peer).map(|connection| Arc::clone(&connection.address)).unwrap_or_default();
        let host = address.rsplit_once(':').map_or(&*address, |(host, _)| host);
        format!("/{}", host.trim_matches(['[', ']'])).into()
    }

    /// What the client says it is, from `ApiVersions`.
    pub fn introduce(&mut self, peer: Peer, software: Arc<str>) {
        if let Some(connection) = self.open.get_mut(&peer) {
            connection.software = software;
        }
    }

    /// All connections, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Peer, &Connection)> {
        self.open.iter().map(|(peer, connection)| (*peer, connection))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::DescribeClusterRequest;

    fn pending(correlation: Id) -> Pending {
        Pending {
            origin: Origin { peer: Peer::Socket(SocketId(1)), correlation, version: 0, client_id: "test".into() },
            request: Request::DescribeCluster(DescribeClusterRequest::default()),
        }
    }

    #[test]
    fn a_request_waits_until_the_one_before_it_is_answered() {
        let mut connections = Connections::default();
        let turn = |p: Option<Pending>| p.map(|p| p.origin.correlation);
        assert_eq!(turn(connections.arrived(pending(1)).unwrap()), Some(1));
        assert_eq!(turn(connections.arrived(pending(2)).unwrap()), None);
        assert_eq!(turn(connections.arrived(pending(3)).unwrap()), None);
        assert_eq!(turn(connections.answered(Peer::Socket(SocketId(1)))), Some(2));
        assert_eq!(turn(connections.answered(Peer::Socket(SocketId(1)))), Some(3));
        assert_eq!(turn(connections.answered(Peer::Socket(SocketId(1)))), None);
        assert_eq!(turn(connections.arrived(pending(4)).unwrap()), Some(4));
    }

    #[test]
    fn a_connection_that_sends_without_end_is_refused() {
        let mut connections = Connections::default();
        for n in 0..=MAX_QUEUED as u64 {
            connections.arrived(pending(n)).unwrap();
        }
        assert_eq!(connections.arrived(pending(0)).unwrap_err(), Peer::Socket(SocketId(1)));
    }
}
