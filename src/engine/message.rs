//! What travels between nodes, and what leaves the core.

use std::sync::Arc;

use super::context::{Cause, Id};
use super::node::{BrokerId, NodeId};
use super::time::Time;
use crate::protocol::{Request, Response};

/// A connection of one node to a broker: a node opens one per purpose (a consumer fetches on one lane and asks for
/// metadata on another), and the broker answers each lane's requests one at a time, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane(pub u8);

/// The content of a message on the simulated network.
#[derive(Clone, Debug)]
pub enum Payload {
    /// A request to a broker.
    Request(KafkaRequest),
    /// A broker's answer.
    Response(KafkaResponse),
    /// The other side's operating system closed the connection: its process died, or nobody listens there.
    Closed {
        /// Which connection, where the peer was a broker; `None` means all between the two nodes.
        lane: Option<Lane>,
    },
    /// To a ZooKeeper server, from a client of it.
    Zk(super::zk::message::ClientMessage),
    /// From a ZooKeeper server to a client of it.
    ZkReply(super::zk::message::ServerMessage),
}

/// A request as it travels inside the lab: typed, never encoded.
#[derive(Clone, Debug)]
pub struct KafkaRequest {
    /// The connection that it comes on.
    pub lane: Lane,
    /// The sender's number for it; the answer carries it back. Unique in the cluster.
    pub correlation: Id,
    /// The version that the sender speaks.
    pub version: i16,
    /// The sender's `client.id`.
    pub client_id: Arc<str>,
    /// What is asked.
    pub request: Request,
}

/// An answer as it travels inside the lab.
#[derive(Clone, Debug)]
pub struct KafkaResponse {
    /// The connection that it goes back on.
    pub lane: Lane,
    /// The number of the request.
    pub correlation: Id,
    /// The answer.
    pub response: Response,
}

/// A message in flight.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its number.
    pub id: Id,
    /// Who sent it.
    pub from: NodeId,
    /// Who is to get it.
    pub to: NodeId,
    /// When it was sent, in lab time.
    pub sent: Time,
    /// When it arrives, in lab time.
    pub due: Time,
    /// The content.
    pub payload: Payload,
    /// Why it was sent.
    pub cause: Cause,
}

/// A socket's number at the edge: never used again within a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub u64);

/// What leaves the core for the world outside.
#[derive(Clone, Debug)]
pub enum Output {
    /// The answer to a request from a socket.
    Reply {
        /// The socket.
        socket: SocketId,
        /// The number that the request came with.
        correlation: i32,
        /// The version to encode it in.
        version: i16,
        /// The answer; `None` for acks=0, where nothing is written but the next answer may go.
        response: Option<Response>,
    },
    /// Close this socket.
    Close {
        /// The socket.
        socket: SocketId,
    },
    /// A broker's process runs (listen) or not (close its sockets, refuse new ones).
    Listening {
        /// The broker.
        broker: BrokerId,
        /// Whether it accepts connections now.
        open: bool,
    },
}
