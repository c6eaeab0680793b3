//! What travels between nodes, and what leaves the core.

mod about;
mod storage;

use std::sync::Arc;
use std::time::Duration;

use super::client::ClientSpec;
use super::context::{Cause, Id};
use super::node::{BrokerId, ClientId, NodeId, ZkId};
use super::time::Time;
use super::zk::zab::PeerMessage;
use crate::protocol::{Request, Response};

pub use storage::{Checkpoint, StorageDone, StorageJob, StorageOutcome, StorageWork};

/// A connection of one node to a broker: a node opens one per purpose (a consumer fetches on one lane and asks for
/// metadata on another), and the broker answers each lane's requests one at a time, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane(pub u8);

impl Lane {
    /// A client's ordinary requests.
    pub const CLIENT: Self = Self(0);
    /// The controller's requests to a broker.
    pub const CONTROLLER: Self = Self(1);
    /// A follower's fetches from a leader.
    pub const FETCHER: Self = Self(2);
    /// A leader's AlterPartition to the controller.
    pub const ALTER_PARTITION: Self = Self(3);
    /// A broker's own start and shutdown.
    pub const LIFECYCLE: Self = Self(4);
    /// A broker's requests to create topics that clients named.
    pub const AUTO_CREATE: Self = Self(5);
    /// A client's questions about the cluster, which must not wait behind a parked request.
    pub const METADATA: Self = Self(6);
    /// A consumer's requests to its group's coordinator: a join that waits holds up nothing else.
    pub const GROUP: Self = Self(7);
    /// Between a ZooKeeper server that follows and its leader.
    pub const QUORUM: Self = Self(8);
    /// The votes of ZooKeeper's servers.
    pub const ELECTION: Self = Self(9);
}

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
    /// Between two ZooKeeper servers.
    ZkPeer(PeerMessage),
}

impl Payload {
    /// Its name for a reader: that of the API, or of ZooKeeper's operation.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Request(request) => request.request.api_key().name(),
            Self::Response(response) => response.response.api_key().name(),
            Self::Closed { .. } => "connection closed",
            Self::Zk(message) => message.name(),
            Self::ZkReply(message) => message.name(),
            Self::ZkPeer(message) => message.name(),
        }
    }

    /// The connection that it is on, where the two nodes may have several.
    pub fn lane(&self) -> Option<Lane> {
        match self {
            Self::Request(request) => Some(request.lane),
            Self::Response(response) => Some(response.lane),
            Self::Closed { lane } => *lane,
            Self::Zk(_) | Self::ZkReply(_) => None,
            Self::ZkPeer(PeerMessage::Vote(_)) => Some(Lane::ELECTION),
            Self::ZkPeer(_) => Some(Lane::QUORUM),
        }
    }
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
    /// What came of a command.
    Answer {
        /// The command's number.
        ticket: Ticket,
        /// What came of it.
        answer: Answer,
    },
    /// Something to do for a broker's disk; [`Input::Storage`] says when it is done.
    Storage(StorageJob),
    /// A broker's process runs (listen) or not (close its sockets, refuse new ones).
    Listening {
        /// The broker.
        broker: BrokerId,
        /// Whether it accepts connections now.
        open: bool,
    },
}

/// The number of a command, drawn by whoever gives it; the answer carries it back.
pub type Ticket = u64;

/// What enters the core. Each is stamped with the time at the edge, and the same inputs give the same run.
#[derive(Clone, Debug)]
pub enum Input {
    /// Handle the one thing that is due first: a message that arrives or a timer.
    Due,
    /// A client connected to a broker's port.
    Connected {
        /// The socket.
        socket: SocketId,
        /// Whose port.
        broker: BrokerId,
        /// The client's address.
        peer: Arc<str>,
    },
    /// A request came in on a socket, decoded and checked at the edge.
    Request {
        /// The socket.
        socket: SocketId,
        /// The client's own number for it.
        correlation: i32,
        /// The version it was encoded in.
        version: i16,
        /// The client's `client.id`.
        client_id: Arc<str>,
        /// What is asked.
        request: Request,
    },
    /// A socket was closed by the client, or by the edge for what it sent.
    Disconnected {
        /// The socket.
        socket: SocketId,
    },
    /// A storage job is done.
    Storage(StorageDone),
    /// Somebody wants something done; [`Output::Answer`] carries the ticket.
    Command {
        /// Its number.
        ticket: Ticket,
        /// How it was given.
        by: By,
        /// What.
        command: Command,
    },
}

/// How a command was given. It changes nothing but the words of the events that begin with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// By a key in the explorer, as people write it.
    Key(Arc<str>),
    /// In the explorer, by other means: a click, the palette, a form.
    Explorer,
    /// Over the control API.
    ControlApi,
    /// By a program: a test, a simulation.
    #[default]
    Program,
}

/// What a person, a demo or the control API can do to the lab.
#[derive(Clone, Debug)]
pub enum Command {
    /// kill -9 of a broker's process: what it wrote stays.
    Kill(BrokerId),
    /// Its machine loses power: its process is gone, and what of its logs was not flushed.
    PowerLoss(BrokerId),
    /// Start a dead broker.
    Start(BrokerId),
    /// Kafka's controlled shutdown.
    Shutdown(BrokerId),
    /// kill -9 of a ZooKeeper server's process: what is on its disk stays.
    KillServer(ZkId),
    /// Start a dead ZooKeeper server.
    StartServer(ZkId),
    /// Cut the link between two nodes: what they send each other waits.
    Cut(NodeId, NodeId),
    /// Heal the link between two nodes, cut or slow.
    Heal(NodeId, NodeId),
    /// Heal all links that are cut or slow.
    HealAll,
    /// Add this much to the delay of the link between two nodes, each way; zero takes it off again.
    Slow(NodeId, NodeId, Duration),
    /// Start another built-in client.
    AddClient(ClientSpec),
    /// Have a built-in client end in order.
    CloseClient(ClientId),
    /// kill -9 of a built-in client.
    CrashClient(ClientId),
    /// Stop a built-in client, or let it go on.
    PauseClient(ClientId, bool),
    /// Have a built-in member of a group work for so many microseconds on each record.
    SlowClient(ClientId, u32),
    /// Ask a broker something, as an admin client or a producer would, over the simulated network.
    Ask {
        /// Which broker.
        broker: BrokerId,
        /// In which version.
        version: i16,
        /// What.
        request: Request,
    },
}

/// What came of a command.
#[derive(Clone, Debug)]
pub enum Answer {
    /// It was done at once.
    Done,
    /// It cannot be done: one line that says why.
    Refused(String),
    /// A broker answered.
    Response(Response),
    /// acks=0: the broker took it and says nothing.
    Silent,
    /// The broker died, or is dead.
    Closed,
}
