//! A ZooKeeper server: one of an ensemble that agrees on the order of all writes.
//!
//! # Roles
//!
//! ```text
//!            a quorum votes for it            a quorum has its history
//!   looking ----------------------> leading ---------------------------> established
//!      |                               |  no quorum is heard of any more      |
//!      ^ <-----------------------------+--------------------------------------+
//!      |     a quorum votes for another             has what the leader has
//!      +------------------------------> following -------------------------> serving
//!      ^                                   |    the leader is not heard of any more |
//!      +-----------------------------------+----------------------------------------+
//! ```
//!
//! [`election`] finds who may lead; [`leader`] and [`follower`] are the two sides of Zab, whose messages are in [`zab`].
//! A server that looks for a leader, or is about to lead or follow, serves no client. One server alone is a quorum of
//! itself, and takes the same way.
//!
//! # What a write goes through
//!
//! ```text
//!   request --> prep --> propose --> commit --> apply --> answer
//!               may it    it has a   a quorum   tree and  to the client
//!               be?       zxid       has it     watches   that asked
//! ```
//!
//! A follower sends its clients' writes to the leader and answers reads itself. The leader's [`prep`] makes a [`txn::Txn`]
//! of each request: all conditions decided, nothing left to fail. `propose` gives it a zxid and so its place in the order
//! and sends it to the followers, which write it down; once a quorum has it, every server applies it, and the server that
//! the client is connected to answers.
//!
//! # What holds
//!
//! - All servers apply the same transactions in the same order, and none that a later leader does not have.
//! - Requests of one client are answered in their order, whatever waits for a commit; a watch's message leaves before any
//!   answer that shows what it is about, since it is sent as the change is applied, before anything is read again.
//! - A refused write takes a zxid as well: its answer has a place in the order of all writes.
//! - A session belongs to the ensemble, and so do its ephemerals: its end is one transaction. The leader watches over its
//!   time, by what followers tell it with each ping. Connections and watches belong to one server; the client takes
//!   them to the next.
//! - What is on disk (promises, state, log) outlives the process.
//!
//! # Causes
//!
//! A session ends because nothing was heard, and nothing was heard because something closed the connection: that cause
//! is kept with the session until its end, maybe seconds later. From there on each event causes the next: session
//! expired, ephemeral gone, watch fired, and the message to the watcher. Ticks and pings cause nothing.
//!
//! # What is left out
//!
//! Access lists, quotas, containers and TTL nodes, observers, reconfiguration, local sessions.

pub mod client;
mod clients;
mod commit;
pub mod election;
mod follower;
pub mod history;
pub mod jute;
mod leader;
mod looking;
pub mod message;
pub mod op;
mod path;
pub mod persist;
mod prep;
mod read;
pub mod session;
pub mod state;
pub mod tree;
pub mod txn;
pub mod watch;
pub mod zab;

use std::sync::Arc;
use std::time::Duration;

use self::clients::Clients;
use self::election::Election;
pub use self::follower::Follower;
use self::history::History;
pub use self::leader::Leader;
use self::message::{ClientMessage, SessionId, ZkPeer};
use self::op::Zxid;
use self::session::Session;
use self::state::State;
use self::tree::Tree;
use self::watch::Watches;
use self::zab::{PeerMessage, Vote};
use super::context::{Context, Id, Timer};
use super::message::{Lane, Payload};
use super::node::{NodeId, ZkId};
use super::time::Time;

/// What a ZooKeeper server's timers say. Each carries the number of the role that it was set in: it means nothing to a
/// later one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ZkTimer {
    /// Half a tick is over: ping, or see whether anything was heard.
    HalfTick {
        /// The role.
        term: Id,
    },
    /// Look for sessions that ran out (once a tick, on the clock of those sessions).
    Expire {
        /// The role.
        term: Id,
    },
    /// A better vote was waited for.
    Finalize {
        /// The role.
        term: Id,
        /// The vote that a quorum agreed on.
        vote: Vote,
    },
    /// Tell the vote again.
    TellAgain {
        /// The role.
        term: Id,
    },
    /// Try again to reach the elected leader.
    Dial {
        /// The role.
        term: Id,
    },
}

/// An ensemble's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZkConfig {
    /// `tickTime`: pings go every half of it, sessions are looked through once per tick, and none is shorter than two.
    pub tick: Duration,
    /// `initLimit`: how many ticks a leader and its followers may take to come together.
    pub init_limit: u32,
    /// `syncLimit`: after how many ticks of silence leader and follower give each other up.
    pub sync_limit: u32,
    /// `maxSessionTimeout`. ZooKeeper's default is 20 ticks; the lab grants what Kafka and others ask for under short
    /// ticks too (deviation: session-limit).
    pub max_session_timeout: Duration,
    /// All servers, this one among them, by id.
    pub members: Arc<[ZkId]>,
}

impl ZkConfig {
    /// The settings of an ensemble of servers 1 to `servers`.
    pub fn of(servers: u8) -> Self {
        Self {
            tick: Duration::from_secs(3),
            init_limit: 10,
            sync_limit: 5,
            max_session_timeout: Duration::from_secs(60),
            members: (1..=servers).map(ZkId).collect(),
        }
    }

    /// The time-out that is granted to who asks for `asked`.
    pub fn grant(&self, asked: Duration) -> Duration {
        asked.min(self.max_session_timeout).max(self.tick * 2)
    }

    /// How many servers are a quorum.
    pub fn quorum(&self) -> usize {
        election::quorum(self.members.len())
    }

    fn init_time(&self) -> Duration {
        self.tick * self.init_limit
    }

    fn sync_time(&self) -> Duration {
        self.tick * self.sync_limit
    }
}

/// What went in and out of a server since it was made, in messages of its clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// From clients.
    pub received: u64,
    /// To clients.
    pub sent: u64,
}

/// What a server does.
#[derive(Clone, Debug)]
pub enum Role {
    /// Nothing: its process does not run.
    Down,
    /// It looks for a leader, and serves nobody.
    Looking(Election),
    /// It leads, or is about to.
    Leading(Box<Leader>),
    /// It follows, or is about to.
    Following(Follower),
}

/// A server. `Clone` is cheap: what is large is shared.
#[derive(Clone, Debug)]
pub struct ZkServer {
    id: ZkId,
    config: ZkConfig,
    /// On disk.
    history: History,
    /// On disk: sessions that nobody can take up, which end when the ensemble has a leader.
    orphans: Vec<SessionId>,
    /// What was applied: the history up to what is known to be committed; all of it while a leader is looked for.
    state: State,
    role: Role,
    /// The number of the role: drawn anew with each.
    term: Id,
    /// How many elections it took part in, or has heard of (`logicalclock`).
    round: u64,
    /// Whom it voted for in the end; what it tells those who still look.
    elected: Option<Vote>,
    clients: Clients,
    watches: Watches,
    /// The newest session id that it gave out.
    last_session: SessionId,
    traffic: Traffic,
    /// What ended its process, and when.
    ended: Option<(Id, Time)>,
}

impl ZkServer {
    /// A server with an empty tree; it does not run yet.
    pub fn new(id: ZkId, config: ZkConfig) -> Self {
        Self {
            id,
            config,
            history: History::default(),
            orphans: Vec::new(),
            state: State::default(),
            role: Role::Down,
            term: 0,
            round: 0,
            elected: None,
            clients: Clients::default(),
            watches: Watches::default(),
            last_session: SessionId(0),
            traffic: Traffic::default(),
            ended: None,
        }
    }

    /// A server with what was found on its disk; it does not run yet.
    ///
    /// The sessions there were those of nodes of a process that has ended: they end when the ensemble has a leader
    /// (deviation: orphaned-sessions).
    pub fn restored(id: ZkId, config: ZkConfig, found: History) -> Self {
        let state = found.replayed();
        let orphans = state.sessions.keys().copied().collect();
        Self { history: found, state, orphans, ..Self::new(id, config) }
    }

    /// The process starts, with what is on its disk.
    pub fn start(&mut self, ctx: &mut Context<'_>) {
        self.round = 0;
        self.ended = None;
        self.look(ctx);
    }

    /// The process dies. Its clients hear of it from their operating systems: the network tells them.
    pub fn stop(&mut self, event: Id, now: Time) {
        self.ended = Some((event, now));
        self.role = Role::Down;
        self.clients = Clients::default();
        self.watches.clear();
    }

    /// A message from a client on the simulated network.
    pub fn on_message(&mut self, from: NodeId, message: ClientMessage, ctx: &mut Context<'_>) {
        if self.is_running() {
            self.receive(ZkPeer::Node(from), message, ctx);
        }
    }

    /// A message from another server.
    pub fn on_peer(&mut self, from: ZkId, message: PeerMessage, ctx: &mut Context<'_>) {
        match message {
            PeerMessage::Vote(heard) => self.on_vote(from, heard, ctx),
            PeerMessage::ToLeader { connection, message } => self.on_follower(from, connection, message, ctx),
            PeerMessage::ToFollower { connection, message } => self.on_leader(from, connection, message, ctx),
        }
    }

    /// The connection to `from` is closed: that of a client, whose session lives on, or of another server.
    pub fn on_closed(&mut self, from: NodeId, ctx: &mut Context<'_>) {
        let NodeId::Zk(peer) = from else { return self.disconnect(ZkPeer::Node(from), ctx) };
        match &self.role {
            Role::Leading(_) => self.lose_follower(peer, ctx),
            Role::Following(follower) if follower.leader() == peer => self.lose_leader(ctx),
            _ => {}
        }
    }

    /// A timer of this server.
    pub fn on_timer(&mut self, timer: &ZkTimer, ctx: &mut Context<'_>) {
        let (ZkTimer::HalfTick { term }
        | ZkTimer::Expire { term }
        | ZkTimer::Finalize { term, .. }
        | ZkTimer::TellAgain { term }
        | ZkTimer::Dial { term }) = timer;
        if *term != self.term || !self.is_running() {
            return;
        }
        match timer {
            ZkTimer::HalfTick { .. } => self.half_tick(ctx),
            ZkTimer::Expire { .. } => self.on_expire(ctx),
            ZkTimer::Finalize { vote, .. } => self.finalize(*vote, ctx),
            ZkTimer::TellAgain { .. } => self.tell_again(ctx),
            ZkTimer::Dial { .. } => self.dial(ctx),
        }
    }

    /// Its id.
    pub fn id(&self) -> ZkId {
        self.id
    }

    /// Its settings.
    pub fn config(&self) -> &ZkConfig {
        &self.config
    }

    /// Whether its process runs.
    pub fn is_running(&self) -> bool {
        !matches!(self.role, Role::Down)
    }

    /// The event that ended its process; `None` while it runs.
    pub fn ended_by(&self) -> Option<Id> {
        self.ended.map(|(event, _)| event)
    }

    /// When its process ended; `None` while it runs.
    pub fn ended_at(&self) -> Option<Time> {
        self.ended.map(|(_, at)| at)
    }

    /// Whether it serves clients: it leads with a quorum behind it, or follows and has what the leader has.
    pub fn is_serving(&self) -> bool {
        match &self.role {
            Role::Leading(leader) => leader.is_established(),
            Role::Following(follower) => follower.is_serving(),
            Role::Down | Role::Looking(_) => false,
        }
    }

    /// What it does.
    pub fn role(&self) -> &Role {
        &self.role
    }

    /// What is on its disk.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The last transaction applied, or the beginning of its leader's epoch.
    pub fn zxid(&self) -> Zxid {
        let begin = Zxid(self.history.current_epoch << 32);
        self.state.zxid.max(if self.is_serving() { begin } else { Zxid::ZERO })
    }

    /// What was applied.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The znodes.
    pub fn tree(&self) -> &Tree {
        &self.state.tree
    }

    /// The sessions as this server follows them: where it leads, all of the ensemble.
    pub fn sessions(&self) -> impl Iterator<Item = (SessionId, &Session)> {
        let leader = match &self.role {
            Role::Leading(leader) => Some(leader),
            _ => None,
        };
        leader.into_iter().flat_map(|leader| leader.sessions.iter())
    }

    /// A session, where this server leads.
    pub fn session(&self, id: SessionId) -> Option<&Session> {
        match &self.role {
            Role::Leading(leader) => leader.sessions.get(id),
            _ => None,
        }
    }

    /// The watches of its clients.
    pub fn watches(&self) -> &Watches {
        &self.watches
    }

    /// How many clients are connected.
    pub fn clients(&self) -> usize {
        self.clients.len()
    }

    /// What went in and out.
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    fn half_tick(&mut self, ctx: &mut Context<'_>) {
        self.half_tick_later(ctx);
        match &self.role {
            Role::Leading(_) => self.ping_followers(ctx),
            Role::Following(_) => self.listen_for_leader(ctx),
            Role::Down | Role::Looking(_) => {}
        }
    }

    /// Alone there is nobody to ping.
    fn half_tick_later(&self, ctx: &mut Context<'_>) {
        if self.config.members.len() > 1 {
            ctx.routine(self.config.tick / 2, Timer::Zk(ZkTimer::HalfTick { term: self.term }));
        }
    }
}

/// Sends to another server.
fn say(to: ZkId, message: PeerMessage, ctx: &mut Context<'_>) {
    ctx.send(NodeId::Zk(to), Payload::ZkPeer(message));
}

/// Closes the connection between leader and follower, from either side.
fn hang_up(peer: ZkId, ctx: &mut Context<'_>) {
    ctx.send(NodeId::Zk(peer), Payload::Closed { lane: Some(Lane::QUORUM) });
}
