//! A server's clients: their connections, and their requests in order.
//!
//! A read is answered at once from the server's own tree, unless its client has a write on its way: then it waits behind
//! that, so that a client sees what it wrote, and gets its answers in the order of its requests (ZooKeeper's
//! `CommitProcessor`). Writes do not wait for each other: they go to the leader as they come.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::message::{ClientMessage, Credentials, ServerMessage, SessionId, WatchEvent, ZkPeer};
use super::op::{Op, OpResult, ZkError, Zxid};
use super::session::{credentials, next_id};
use super::zab::{PeerMessage, ToLeader};
use super::{Role, ZkServer, say};
use crate::engine::context::{Cause, Context, Id};
use crate::engine::event::EventKind;
use crate::engine::message::Payload;

/// Who is connected to a server, and who is about to be.
#[derive(Clone, Debug, Default)]
pub(super) struct Clients {
    connections: BTreeMap<ZkPeer, Connection>,
    /// Whose each session is.
    peers: BTreeMap<SessionId, ZkPeer>,
    /// Whose session is being opened or looked up by the leader.
    arriving: BTreeMap<SessionId, Arrival>,
}

/// A client that waits for its session.
#[derive(Clone, Copy, Debug)]
struct Arrival {
    peer: ZkPeer,
    /// The client's number for the connection.
    connection: Id,
}

/// A client's connection.
#[derive(Clone, Debug)]
struct Connection {
    session: SessionId,
    /// What is not answered, oldest first: a read is among them only behind something else.
    waiting: VecDeque<Waiting>,
}

/// A request that is not answered.
#[derive(Clone, Debug)]
struct Waiting {
    xid: i32,
    /// What is to be read; `None` for what the leader answers.
    read: Option<Op>,
}

impl Clients {
    /// How many are connected.
    pub(super) fn len(&self) -> usize {
        self.connections.len()
    }

    /// The session of a connection.
    fn session(&self, peer: ZkPeer) -> Option<SessionId> {
        self.connections.get(&peer).map(|connection| connection.session)
    }

    /// Who is connected in a session.
    pub(super) fn peer(&self, session: SessionId) -> Option<ZkPeer> {
        self.peers.get(&session).copied()
    }

    fn add(&mut self, session: SessionId, peer: ZkPeer) {
        self.connections.insert(peer, Connection { session, waiting: VecDeque::new() });
        self.peers.insert(session, peer);
    }

    fn remove(&mut self, peer: ZkPeer) -> Option<SessionId> {
        self.arriving.retain(|_, arrival| arrival.peer != peer);
        let session = self.connections.remove(&peer)?.session;
        self.peers.remove(&session);
        Some(session)
    }

    /// What the leader answers has come: the request that waits for it, if it is still there. Then what is to be read
    /// after it.
    fn answered(&mut self, session: SessionId, xid: i32) -> Option<ZkPeer> {
        let peer = self.peer(session)?;
        let waiting = &mut self.connections.get_mut(&peer)?.waiting;
        // An answer to what was asked on an earlier connection is nobody's.
        let is_it = waiting.front().is_some_and(|first| first.read.is_none() && first.xid == xid);
        is_it.then(|| waiting.pop_front()).map(|_| peer)
    }

    /// The next read whose turn it is.
    fn next_read(&mut self, peer: ZkPeer) -> Option<(i32, Op)> {
        let waiting = &mut self.connections.get_mut(&peer)?.waiting;
        waiting.front()?.read.as_ref()?;
        let Waiting { xid, read } = waiting.pop_front()?;
        read.map(|op| (xid, op))
    }
}

impl ZkServer {
    /// A message of any client.
    pub(super) fn receive(&mut self, peer: ZkPeer, message: ClientMessage, ctx: &mut Context<'_>) {
        self.traffic.received += 1;
        if !self.is_serving() {
            return refuse(peer, ctx);
        }
        if let ClientMessage::Connect { connection, session, timeout, last_zxid } = message {
            self.disconnect(peer, ctx);
            let arrival = Arrival { peer, connection };
            return match session {
                // Who has seen more than this server knows must not see less from now on.
                _ if last_zxid > self.zxid() => refuse(peer, ctx),
                None => self.open_session(arrival, timeout, ctx),
                Some(known) => self.take_up_session(arrival, known, ctx),
            };
        }
        let Some(session) = self.clients.session(peer) else { return refuse(peer, ctx) };
        self.touch(session, ctx);
        match message {
            ClientMessage::Request { xid, op } => self.request(peer, session, xid, op, ctx),
            ClientMessage::Close => {
                self.forget(peer);
                self.close_session(session, 0, ctx);
            }
            ClientMessage::Ping => ctx.because(Cause::default(), |ctx| self.send(peer, ServerMessage::Pong, ctx)),
            ClientMessage::Connect { .. } => {}
        }
    }

    fn open_session(&mut self, arrival: Arrival, timeout: Duration, ctx: &mut Context<'_>) {
        let (session, owner) = (next_id(self.id, self.last_session, &ctx.now), arrival.peer);
        self.last_session = session;
        self.clients.arriving.insert(session, arrival);
        match self.role {
            Role::Leading(_) => self.propose_session(session, timeout, owner, ctx),
            _ => self.tell_leader(ToLeader::OpenSession { session, timeout, owner }, ctx),
        }
    }

    fn take_up_session(&mut self, arrival: Arrival, known: Credentials, ctx: &mut Context<'_>) {
        let session = known.session;
        if known != credentials(session) {
            return self.send(arrival.peer, ServerMessage::Expired { connection: arrival.connection }, ctx);
        }
        self.clients.arriving.insert(session, arrival);
        match self.role {
            Role::Leading(_) => {
                let timeout = self.revalidate(session, arrival.peer, self.id, ctx);
                self.validated(session, timeout, ctx);
            }
            _ => self.tell_leader(ToLeader::Revalidate { session, owner: arrival.peer }, ctx),
        }
    }

    /// The leader has said whether a session is open that a client came with.
    pub(super) fn validated(&mut self, session: SessionId, timeout: Option<Duration>, ctx: &mut Context<'_>) {
        let Some(arrival) = self.clients.arriving.remove(&session) else { return };
        let Some(timeout) = timeout else {
            return self.send(arrival.peer, ServerMessage::Expired { connection: arrival.connection }, ctx);
        };
        ctx.emit(EventKind::SessionResumed { session: session.0, owner: arrival.peer.node() });
        self.greet(arrival, session, timeout, ctx);
    }

    /// A session that a client asked for is open.
    pub(super) fn opened(&mut self, session: SessionId, timeout: Duration, ctx: &mut Context<'_>) {
        if let Some(arrival) = self.clients.arriving.remove(&session) {
            self.greet(arrival, session, timeout, ctx);
        }
    }

    /// Tells a client that it is connected, in `session`.
    fn greet(&mut self, arrival: Arrival, session: SessionId, timeout: Duration, ctx: &mut Context<'_>) {
        let Arrival { peer, connection } = arrival;
        // A session has one connection; the newest counts.
        if let Some(before) = self.clients.peer(session) {
            self.forget(before);
            refuse(before, ctx);
        }
        self.clients.add(session, peer);
        self.send(peer, ServerMessage::Connected { connection, credentials: credentials(session), timeout }, ctx);
    }

    /// Something came in a session.
    fn touch(&mut self, session: SessionId, ctx: &mut Context<'_>) {
        match &mut self.role {
            Role::Leading(leader) => {
                leader.sessions.touch(session, &ctx.now);
            }
            Role::Following(follower) => follower.touch(session),
            Role::Down | Role::Looking(_) => {}
        }
    }

    /// What the leader decides goes to it, and waits; what is read is answered, once nothing waits before it.
    fn request(&mut self, peer: ZkPeer, session: SessionId, xid: i32, op: Op, ctx: &mut Context<'_>) {
        let is_for_leader = matches!(op, Op::Write(_) | Op::Multi(_) | Op::Sync);
        let Some(connection) = self.clients.connections.get_mut(&peer) else { return };
        if !is_for_leader && connection.waiting.is_empty() {
            let result = self.read(peer, op, ctx);
            return self.answer(peer, xid, self.zxid(), result, ctx);
        }
        connection.waiting.push_back(Waiting { xid, read: (!is_for_leader).then(|| op.clone()) });
        match self.role {
            _ if !is_for_leader => {}
            Role::Leading(_) => self.on_request(self.id, session, xid, &op, ctx),
            _ => self.tell_leader(ToLeader::Request { session, xid, op }, ctx),
        }
    }

    /// A client ends its session.
    fn close_session(&mut self, session: SessionId, xid: i32, ctx: &mut Context<'_>) {
        match self.role {
            Role::Leading(_) => self.end_session(session, xid, true, ctx),
            _ => self.tell_leader(ToLeader::CloseSession { session, xid }, ctx),
        }
    }

    /// What the leader answers has come: it is passed on, and what waited to be read behind it is read.
    pub(super) fn settled(
        &mut self,
        session: SessionId,
        xid: i32,
        result: Result<OpResult, ZkError>,
        ctx: &mut Context<'_>,
    ) {
        let Some(peer) = self.clients.answered(session, xid) else { return };
        self.answer(peer, xid, self.zxid(), result, ctx);
        while let Some((xid, op)) = self.clients.next_read(peer) {
            let result = self.read(peer, op, ctx);
            self.answer(peer, xid, self.zxid(), result, ctx);
        }
    }

    /// A session has ended: who is connected in it, or was about to be, is sent away.
    pub(super) fn closed(&mut self, session: SessionId, ctx: &mut Context<'_>) {
        if let Some(peer) = self.clients.peer(session) {
            self.forget(peer);
            refuse(peer, ctx);
        }
        if let Some(Arrival { peer, connection }) = self.clients.arriving.remove(&session) {
            self.send(peer, ServerMessage::Expired { connection }, ctx);
        }
    }

    /// The connection of `peer` is gone: its watches go, its session stays and remembers why.
    pub(super) fn disconnect(&mut self, peer: ZkPeer, ctx: &mut Context<'_>) {
        let Some(session) = self.forget(peer) else { return };
        match &mut self.role {
            Role::Leading(leader) => leader.sessions.detach(session, self.id, &ctx.cause),
            Role::Following(follower) => follower.silence(session, ctx.cause.clone()),
            Role::Down | Role::Looking(_) => {}
        }
    }

    fn forget(&mut self, peer: ZkPeer) -> Option<SessionId> {
        self.watches.forget(peer);
        self.clients.remove(peer)
    }

    /// Closes all connections: this server cannot serve.
    pub(super) fn send_clients_away(&mut self, ctx: &mut Context<'_>) {
        let clients = std::mem::take(&mut self.clients);
        let arriving = clients.arriving.values().map(|arrival| arrival.peer);
        for peer in clients.connections.keys().copied().chain(arriving) {
            refuse(peer, ctx);
        }
        self.watches.clear();
    }

    /// Answers a request.
    fn answer(&mut self, peer: ZkPeer, xid: i32, zxid: Zxid, result: Result<OpResult, ZkError>, ctx: &mut Context<'_>) {
        self.send(peer, ServerMessage::Reply { xid, zxid, result }, ctx);
    }

    /// Tells each watcher what it waited for.
    pub(super) fn tell_watchers(&mut self, fired: Vec<(ZkPeer, WatchEvent)>, ctx: &mut Context<'_>) {
        for (peer, event) in fired {
            ctx.because(ctx.cause.clone(), |ctx| {
                ctx.emit(EventKind::WatchFired {
                    path: event.path.to_string(),
                    watcher: peer.node(),
                    change: event.kind.word(),
                });
                self.send(peer, ServerMessage::Watch(event), ctx);
            });
        }
    }

    fn tell_leader(&self, message: ToLeader, ctx: &mut Context<'_>) {
        if let Role::Following(follower) = &self.role {
            let connection = follower.connection();
            say(follower.leader(), PeerMessage::ToLeader { connection, message }, ctx);
        }
    }

    /// Sends to a client.
    fn send(&mut self, peer: ZkPeer, message: ServerMessage, ctx: &mut Context<'_>) {
        self.traffic.sent += 1;
        match peer {
            ZkPeer::Node(node) => ctx.send(node, Payload::ZkReply(message)),
        }
    }
}

/// Closes a connection from this side.
pub(super) fn refuse(peer: ZkPeer, ctx: &mut Context<'_>) {
    match peer {
        ZkPeer::Node(node) => ctx.send(node, Payload::Closed { lane: None }),
    }
}
