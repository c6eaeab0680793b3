//! The connections as the engine's thread knows them: whose they are, where their answers go, and what their requests
//! in hand take of their budget. It closes them; it never reads or writes one.

use std::collections::{BTreeMap, VecDeque};

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::error::TrySendError;
use tokio_util::sync::CancellationToken;

use super::inbox::{Link, Reply};
use crate::engine::FastMap;
use crate::engine::message::SocketId;
use crate::engine::node::BrokerId;
use crate::protocol::Response;

/// One connection.
struct Socket {
    broker: BrokerId,
    link: Link,
    /// Of the requests that are not answered yet, oldest first: a broker answers in order.
    in_hand: VecDeque<OwnedSemaphorePermit>,
}

/// All connections, and which brokers listen.
#[derive(Default)]
pub(super) struct Sockets {
    open: FastMap<SocketId, Socket>,
    /// Per broker whose process runs: cancelled when it ends.
    processes: BTreeMap<BrokerId, CancellationToken>,
}

impl Sockets {
    /// A broker's process runs: the token lives as long as it does.
    pub(super) fn started(&mut self, broker: BrokerId) -> CancellationToken {
        self.ended(broker);
        let process = CancellationToken::new();
        self.processes.insert(broker, process.clone());
        process
    }

    /// A broker's process has ended: its connections are closed at once, what was not written is lost.
    pub(super) fn ended(&mut self, broker: BrokerId) {
        if let Some(process) = self.processes.remove(&broker) {
            process.cancel();
        }
        self.open.retain(|_, socket| socket.broker != broker);
    }

    /// A client connected; false where the process that took it has ended meanwhile.
    pub(super) fn connected(&mut self, socket: SocketId, broker: BrokerId, link: Link) -> bool {
        if link.open.is_cancelled() || !self.processes.contains_key(&broker) {
            link.open.cancel();
            return false;
        }
        self.open.insert(socket, Socket { broker, link, in_hand: VecDeque::new() });
        true
    }

    /// A request came; false where its connection is closed.
    pub(super) fn asked(&mut self, socket: SocketId, permit: OwnedSemaphorePermit) -> bool {
        let Some(socket) = self.open.get_mut(&socket) else { return false };
        socket.in_hand.push_back(permit);
        true
    }

    /// A request was answered, or (`None`) needs no answer.
    pub(super) fn answered(&mut self, id: SocketId, correlation: i32, version: i16, response: Option<Response>) {
        let Some(socket) = self.open.get_mut(&id) else { return };
        let permit = socket.in_hand.pop_front();
        let Some(response) = response else { return };
        match socket.link.replies.try_send(Reply { correlation, version, response, permit }) {
            Ok(()) | Err(TrySendError::Closed(_)) => {}
            Err(TrySendError::Full(_)) => {
                // More answers than requests: a fault of ours, and the client must not get answers out of step.
                tracing::error!(socket = id.0, "a connection has more answers than requests; closing it");
                self.close(id);
            }
        }
    }

    /// Closes a connection, after what it was answered already has been written.
    ///
    /// Dropping its link does that: the connection's task writes what it has and ends.
    pub(super) fn close(&mut self, id: SocketId) {
        self.open.remove(&id);
    }

    /// The client closed it; false where that was known.
    pub(super) fn disconnected(&mut self, id: SocketId) -> bool {
        self.open.remove(&id).is_some()
    }

    /// How many connections there are.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }
}

/// The engine has ended, by itself or by a panic: so have all processes in it.
impl Drop for Sockets {
    fn drop(&mut self) {
        for process in self.processes.values() {
            process.cancel();
        }
    }
}
