//! A broker's side of its ZooKeeper session: connect, ping, requests in order, watches, expiry.
//!
//! | state | what happens | next |
//! | --- | --- | --- |
//! | Closed, Expired | `connect` | Connecting, to a server by chance |
//! | Connecting | the server grants the session | Connected |
//! | | the server says that it is over | Expired |
//! | | it refuses, is not there, or takes too long | Waiting |
//! | Connected | closed, or silent for two thirds of the time-out | Waiting |
//! | Waiting | a pause, by chance up to a second | Connecting, to the next server |
//! | any | `close` | Closed |
//!
//! The session outlives its connections: while the client looks for another server, the session's time-out runs at the
//! servers, and only they can say that it is over. What was sent and not answered when a connection went is answered
//! with `ConnectionLoss` (it may have been done or not); what was not sent yet waits for the next connection. The
//! watches are left again on each new connection, and the server tells at once what changed in between.
//!
//! Nothing here is caused by a ping: pings, their timers and answers are routine, so that the chain of causes of what
//! matters stays short. What happens after a connection was lost is caused by its loss.
//!
//! The source is Java's `ClientCnxn`. Left out: read-only mode, authentication, a chroot (brokers have none here).

mod calls;
mod watches;

use std::sync::Arc;
use std::time::Duration;

use self::calls::Calls;
use self::watches::Watches;
use super::message::{ClientMessage, Credentials, ServerMessage, SessionId, WatchEvent};
use super::op::{Op, OpResult, ZkError, Zxid};
use crate::engine::context::{Cause, Context, Id, Timer};
use crate::engine::event::EventKind;
use crate::engine::message::Payload;
use crate::engine::node::{NodeId, ZkId};
use crate::engine::time::{Clock, Now, Time};

/// The xid under which watches are left again, as on the wire: its answer is of no interest.
const SET_WATCHES_XID: i32 = -8;

/// The longest pause before the next server is tried, as in Java's client.
const MAX_BACKOFF: Duration = Duration::from_secs(1);

/// What a ZooKeeper client's timers say. Each carries the number of the connection that it is for, so that one that comes
/// too late is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientTimer {
    /// The pause after the loss of this connection is over: try the next server.
    Reconnect {
        /// The connection that was lost.
        connection: Id,
    },
    /// A server has not answered for too long.
    ConnectTimeout {
        /// The connection that was asked for.
        connection: Id,
    },
    /// Time to ping, or to give the connection up.
    KeepAlive {
        /// The connection.
        connection: Id,
    },
}

/// A batch's number, in the order of submission: 1 and up within a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What a client tells its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ZkClientEvent {
    /// There is a connection, and a session.
    Connected {
        /// The session.
        session: SessionId,
        /// Whether it is a new one: then nothing of an earlier session is left, neither ephemerals nor watches.
        new: bool,
    },
    /// The connection is lost; the session may still be alive. Operations wait from now on. The `Done` of those that
    /// were on their way follow this.
    Disconnected,
    /// The session is over, with its ephemerals and watches; [`ZkClient::connect`] opens another. The `Done` of all
    /// that was submitted follow this, with `SessionExpired`.
    Expired,
    /// A batch is answered.
    Done {
        /// Which.
        ticket: Ticket,
        /// One result per operation, in their order.
        results: Vec<Result<OpResult, ZkError>>,
    },
    /// A watch fired. It comes after the `Done` of the read that left it, and before that of any later batch that
    /// shows what changed.
    Watch(WatchEvent),
}

/// How a client stands, for a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientState {
    /// Neither session nor wish for one.
    Closed,
    /// Looking for a server.
    Connecting,
    /// In a session, with a server.
    Connected,
    /// The session ended; the owner has not asked for another.
    Expired,
}

/// A ZooKeeper client: one session, one connection at a time, to one of the servers.
#[derive(Clone, Debug)]
pub struct ZkClient {
    /// The servers, at least one.
    servers: Vec<ZkId>,
    /// Which of them is tried next, or is connected; an index into `servers`.
    turn: usize,
    /// The session time-out: as asked for until a server granted one.
    timeout: Duration,
    /// The session, from the first `Connected` until `Expired`.
    credentials: Option<Credentials>,
    /// The last transaction seen.
    last_zxid: Zxid,
    link: Link,
    /// The number of the newest connection, unique in the cluster.
    connection: Id,
    /// The clock that the session runs on: that of whoever called [`Self::connect`].
    clock: Clock,
    /// Why the newest connection is sought: the owner's start, or the loss of the one before.
    why: Cause,
    calls: Calls,
    /// Behind an `Arc`: a controller has one per topic, and a clone of the lab shares them.
    watches: Arc<Watches>,
}

/// The connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    Closed,
    Expired,
    /// Pausing before the next server.
    Waiting,
    Connecting {
        server: ZkId,
    },
    Connected {
        server: ZkId,
        /// When anything last came.
        heard: Time,
        /// When anything last went.
        sent: Time,
        /// When a ping was last answered; at first, when the connection began.
        ponged: Time,
    },
}

impl ZkClient {
    /// A client of `servers` (at least one) that asks for sessions of `session_timeout`.
    pub fn new(servers: Vec<ZkId>, session_timeout: Duration) -> Self {
        Self {
            servers,
            turn: 0,
            timeout: session_timeout,
            credentials: None,
            last_zxid: Zxid::ZERO,
            link: Link::Closed,
            connection: 0,
            clock: Clock::default(),
            why: Cause::default(),
            calls: Calls::default(),
            watches: Arc::default(),
        }
    }

    /// Opens a session, beginning at a server by chance. Does nothing while there is one or one is being sought.
    pub fn connect(&mut self, ctx: &mut Context<'_>) {
        if matches!(self.link, Link::Closed | Link::Expired) {
            self.clock = ctx.clock;
            self.why = ctx.cause.clone();
            self.turn = ctx.rng.index(self.servers.len());
            self.dial(ctx);
        }
    }

    /// Ends the session, and its ephemerals with it. What was not answered is forgotten.
    pub fn close(&mut self, ctx: &mut Context<'_>) {
        if let Link::Connected { server, .. } = self.link {
            ctx.send(NodeId::Zk(server), Payload::Zk(ClientMessage::Close));
        }
        self.end_session(Link::Closed);
    }

    /// Asks for `ops`, in their order and after all that was submitted before. They are on their way together, and
    /// come back together as one [`ZkClientEvent::Done`]; without a connection they wait for one.
    pub fn submit(&mut self, ops: Vec<Op>, ctx: &mut Context<'_>) -> Ticket {
        let ticket = self.calls.add(ops, &ctx.cause);
        self.pump(ctx);
        ticket
    }

    /// A message from a server.
    pub fn on_message(&mut self, from: NodeId, message: ServerMessage, ctx: &mut Context<'_>) -> Vec<ZkClientEvent> {
        if self.server().map(NodeId::Zk) != Some(from) {
            return Vec::new();
        }
        let connected = self.heard(ctx.now);
        match message {
            ServerMessage::Connected { connection, credentials, timeout } if self.awaits(connection) => {
                self.connected(credentials, timeout, ctx)
            }
            ServerMessage::Expired { connection } if self.awaits(connection) => self.expired(),
            ServerMessage::Reply { xid, zxid, result } if connected => self.replied(xid, zxid, result, ctx),
            ServerMessage::Watch(event) if connected => {
                Arc::make_mut(&mut self.watches).fired(&event);
                self.calls.hold(event).map(ZkClientEvent::Watch).into_iter().collect()
            }
            ServerMessage::Pong => {
                self.ponged(ctx.now);
                Vec::new()
            }
            // Of a connection that was given up.
            _ => Vec::new(),
        }
    }

    /// A timer of this client.
    pub fn on_timer(&mut self, timer: &ClientTimer, ctx: &mut Context<'_>) -> Vec<ZkClientEvent> {
        match (timer, self.link) {
            (ClientTimer::Reconnect { connection }, Link::Waiting) if *connection == self.connection => {
                self.dial(ctx);
                Vec::new()
            }
            (ClientTimer::ConnectTimeout { connection }, Link::Connecting { .. }) if *connection == self.connection => {
                self.give_up(ctx)
            }
            (ClientTimer::KeepAlive { connection }, Link::Connected { .. }) if *connection == self.connection => {
                self.keep_alive(ctx)
            }
            _ => Vec::new(),
        }
    }

    /// The connection to `from` is closed: its process died, it refused us, or nobody listens there.
    pub fn on_closed(&mut self, from: NodeId, ctx: &mut Context<'_>) -> Vec<ZkClientEvent> {
        if self.server().map(NodeId::Zk) == Some(from) { self.lost(ctx) } else { Vec::new() }
    }

    /// The session, if there is one.
    pub fn session(&self) -> Option<SessionId> {
        self.credentials.map(|credentials| credentials.session)
    }

    /// The session time-out: as granted, or as asked for until then.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// How it stands.
    pub fn state(&self) -> ClientState {
        match self.link {
            Link::Closed => ClientState::Closed,
            Link::Expired => ClientState::Expired,
            Link::Waiting | Link::Connecting { .. } => ClientState::Connecting,
            Link::Connected { .. } => ClientState::Connected,
        }
    }

    /// The server that it is connected to, or asks to be.
    pub fn server(&self) -> Option<ZkId> {
        match self.link {
            Link::Connecting { server } | Link::Connected { server, .. } => Some(server),
            Link::Closed | Link::Expired | Link::Waiting => None,
        }
    }

    /// How long ago a ping was answered, or the connection began. `None` without a connection.
    pub fn ping_age(&self, now: &Now) -> Option<Duration> {
        match self.link {
            Link::Connected { ponged, .. } => Some(now.on(self.clock).since(ponged)),
            _ => None,
        }
    }

    /// How many operations are not answered.
    pub fn pending(&self) -> usize {
        self.calls.pending()
    }

    /// How many watches it has left.
    pub fn watches(&self) -> usize {
        self.watches.len()
    }

    /// Asks the server whose turn it is for the session.
    fn dial(&mut self, ctx: &mut Context<'_>) {
        let Some(&server) = self.servers.get(self.turn) else { return };
        self.link = Link::Connecting { server };
        self.connection = ctx.next_id();
        let connect = ClientMessage::Connect {
            connection: self.connection,
            session: self.credentials,
            timeout: self.timeout,
            last_zxid: self.last_zxid,
        };
        // Java shares the time-out among the servers. With one or two it would be long: TCP asks again meanwhile, and
        // so does the lab.
        let patience = self.timeout / u32::try_from(self.servers.len().max(3)).unwrap_or(u32::MAX);
        let timer = Timer::ZkClient(ClientTimer::ConnectTimeout { connection: self.connection });
        ctx.because(self.why.clone(), |ctx| {
            ctx.send(NodeId::Zk(server), Payload::Zk(connect));
            ctx.timer(patience, timer);
        });
    }

    /// Whether `connection` is the one being sought.
    fn awaits(&self, connection: Id) -> bool {
        matches!(self.link, Link::Connecting { .. }) && self.connection == connection
    }

    /// The server granted the session: first the watches, then all that waited.
    fn connected(&mut self, granted: Credentials, timeout: Duration, ctx: &mut Context<'_>) -> Vec<ZkClientEvent> {
        let Some(server) = self.server() else { return Vec::new() };
        let now = ctx.now.on(self.clock);
        let new = self.credentials != Some(granted);
        self.credentials = Some(granted);
        self.timeout = timeout;
        self.link = Link::Connected { server, heard: now, sent: now, ponged: now };
        if let Some(watches) = self.watches.to_set(self.last_zxid) {
            let request = ClientMessage::Request { xid: SET_WATCHES_XID, op: Op::SetWatches(watches) };
            ctx.send(NodeId::Zk(server), Payload::Zk(request));
        }
        self.pump(ctx);
        self.wake_later(ctx);
        vec![ZkClientEvent::Connected { session: granted.session, new }]
    }

    /// The server knows no such session any more.
    fn expired(&mut self) -> Vec<ZkClientEvent> {
        let mut events = vec![ZkClientEvent::Expired];
        events.extend(self.end_session(Link::Expired));
        events
    }

    /// Forgets the session and all that belonged to it.
    fn end_session(&mut self, link: Link) -> Vec<ZkClientEvent> {
        self.link = link;
        self.credentials = None;
        self.watches = Arc::default();
        self.calls.fail_all(ZkError::SessionExpired)
    }

    /// An answer. One that is not the oldest request's turn says that something was lost on the way.
    fn replied(
        &mut self,
        xid: i32,
        zxid: Zxid,
        result: Result<OpResult, ZkError>,
        ctx: &mut Context<'_>,
    ) -> Vec<ZkClientEvent> {
        self.last_zxid = self.last_zxid.max(zxid);
        if xid == SET_WATCHES_XID {
            return Vec::new();
        }
        let Some(events) = self.calls.answer(xid, result, &mut self.watches) else { return self.give_up(ctx) };
        self.pump(ctx);
        events
    }

    /// Sends what waits, as far as it may be on its way.
    fn pump(&mut self, ctx: &mut Context<'_>) {
        let Link::Connected { server, sent, .. } = &mut self.link else { return };
        while let Some((xid, op, cause)) = self.calls.next() {
            *sent = ctx.now.on(self.clock);
            let request = Payload::Zk(ClientMessage::Request { xid, op });
            ctx.because(cause, |ctx| ctx.send(NodeId::Zk(*server), request));
        }
    }

    /// Notes that the server was heard of; whether there is a connection.
    fn heard(&mut self, now: Now) -> bool {
        let Link::Connected { heard, .. } = &mut self.link else { return false };
        *heard = now.on(self.clock);
        true
    }

    /// Notes the answer to a ping.
    fn ponged(&mut self, now: Now) {
        if let Link::Connected { ponged, .. } = &mut self.link {
            *ponged = now.on(self.clock);
        }
    }

    /// Pings after a third of the time-out without a word to the server; gives the connection up after two thirds
    /// without a word from it, so that a third is left to find another.
    fn keep_alive(&mut self, ctx: &mut Context<'_>) -> Vec<ZkClientEvent> {
        let now = ctx.now.on(self.clock);
        let Link::Connected { server, heard, sent, .. } = &mut self.link else { return Vec::new() };
        if now >= *heard + self.timeout * 2 / 3 {
            return self.give_up(ctx);
        }
        if now >= *sent + self.timeout / 3 {
            *sent = now;
            ctx.because(Cause::default(), |ctx| ctx.send(NodeId::Zk(*server), Payload::Zk(ClientMessage::Ping)));
        }
        self.wake_later(ctx);
        Vec::new()
    }

    /// Sets the timer for the next time that there may be something to do about the connection.
    fn wake_later(&self, ctx: &mut Context<'_>) {
        let Link::Connected { heard, sent, .. } = self.link else { return };
        let next = (sent + self.timeout / 3).min(heard + self.timeout * 2 / 3);
        let timer = Timer::ZkClient(ClientTimer::KeepAlive { connection: self.connection });
        ctx.routine(next.since(ctx.now.on(self.clock)), timer);
    }

    /// Closes the connection from this side.
    fn give_up(&mut self, ctx: &mut Context<'_>) -> Vec<ZkClientEvent> {
        if let Some(server) = self.server() {
            ctx.send(NodeId::Zk(server), Payload::Closed { lane: None });
        }
        self.lost(ctx)
    }

    /// The connection is gone: after a pause it is the next server's turn.
    fn lost(&mut self, ctx: &mut Context<'_>) -> Vec<ZkClientEvent> {
        let mut events = Vec::new();
        if let (Link::Connected { server, .. }, Some(session)) = (self.link, self.session()) {
            ctx.emit(EventKind::ZkDisconnected { server, session: session.0 });
            self.why = ctx.cause.clone();
            events.push(ZkClientEvent::Disconnected);
            events.extend(self.calls.fail_sent(ZkError::ConnectionLoss));
        }
        self.link = Link::Waiting;
        self.turn = (self.turn + 1) % self.servers.len().max(1);
        let longest = MAX_BACKOFF.min(self.timeout / 6);
        let pause = ctx.rng.between(longest / 10, longest);
        let timer = Timer::ZkClient(ClientTimer::Reconnect { connection: self.connection });
        ctx.timer_because(pause, timer, self.why.clone());
        events
    }
}
