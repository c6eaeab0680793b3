//! A cluster in small: ZooKeeper servers, some clients, and the simulated network.
//!
//! It does with effects what the engine's cluster does, and nothing else, so that these tests need no brokers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kscope::engine::context::{Cause, Context, Effect, Hop, Id, Timer};
use kscope::engine::event::Event;
use kscope::engine::log::InMemory;
use kscope::engine::message::Payload;
use kscope::engine::network::Network;
use kscope::engine::node::{BrokerId, NodeId, ZkId};
use kscope::engine::rng::Rng;
use kscope::engine::time::{Clock, Now, Time};
use kscope::engine::zk::client::{Ticket, ZkClient, ZkClientEvent};
use kscope::engine::zk::op::{Op, OpResult, ZkError};
use kscope::engine::zk::zab::PeerMessage;
use kscope::engine::zk::{Role, ZkConfig, ZkServer};

/// The first server, and the only one unless a test wants more.
pub(crate) const ZK: NodeId = NodeId::Zk(ZkId(1));
/// 2026-01-01 00:00:00 UTC: the date at the start.
const START_MS: i64 = 1_767_225_600_000;
/// How long each message takes, unless a test says something else.
const DELAY: Duration = Duration::from_millis(1);
/// The session time-out that clients ask for.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(6);
/// The server's tick.
pub(crate) const TICK: Duration = Duration::from_secs(2);

pub(crate) type Results = Vec<Result<OpResult, ZkError>>;

/// A timer that was set.
#[derive(Clone, Debug)]
struct Due {
    node: NodeId,
    timer: Timer,
    cause: Cause,
}

/// Something that happened, for a test to look at.
#[derive(Clone, Debug)]
pub(crate) enum Seen {
    /// A message was delivered.
    Message { from: NodeId, to: NodeId, payload: Payload },
    /// The core reported an event.
    Event(Event),
    /// A client told its owner something.
    Client(NodeId, ZkClientEvent),
}

/// The cluster.
#[derive(Clone)]
pub(crate) struct Lab {
    pub(crate) now: Now,
    pub(crate) servers: BTreeMap<NodeId, ZkServer>,
    pub(crate) clients: BTreeMap<NodeId, ZkClient>,
    /// All that happened, in order, with its lab time.
    pub(crate) seen: Vec<(Time, Seen)>,
    pub(crate) network: Network,
    timers: BTreeMap<(Time, Id), Due>,
    rng: Rng,
    ids: Id,
}

/// The broker `id` as a node.
pub(crate) fn broker(id: i32) -> NodeId {
    NodeId::Broker(BrokerId(id))
}

/// The server `id` as a node.
pub(crate) fn zk(id: u8) -> NodeId {
    NodeId::Zk(ZkId(id))
}

impl Lab {
    /// A server that runs, and no client.
    pub(crate) fn new() -> Self {
        Self::ensemble(1, (DELAY, DELAY), 1)
    }

    /// Servers that run, over links of such delays, and no client.
    pub(crate) fn ensemble(servers: u8, delay: (Duration, Duration), seed: u64) -> Self {
        let config = ZkConfig { tick: TICK, ..ZkConfig::of(servers) };
        let server = |id| (zk(id), ZkServer::new(ZkId(id), config.clone()));
        let mut lab = Self {
            now: Now { epoch_ms: START_MS, ..Now::default() },
            servers: (1..=servers).map(server).collect(),
            clients: BTreeMap::new(),
            seen: Vec::new(),
            network: Network::new(delay, Rng::split(seed, "link")),
            timers: BTreeMap::new(),
            rng: Rng::split(seed, "zk tests"),
            ids: 0,
        };
        (1..=servers).for_each(|id| lab.start_server(zk(id)));
        lab
    }

    /// A server with `brokers` connected to it.
    pub(crate) fn with_brokers(brokers: i32) -> Self {
        let mut lab = Self::new();
        for id in 1..=brokers {
            lab.start(broker(id));
        }
        lab.settle();
        lab
    }

    /// The server that leads; the first where none does.
    pub(crate) fn server(&self) -> &ZkServer {
        let leads = |server: &&ZkServer| matches!(server.role(), Role::Leading(_)) && server.is_serving();
        self.servers.values().find(leads).unwrap_or(&self.servers[&ZK])
    }

    /// The server that leads with a quorum behind it.
    pub(crate) fn leader(&self) -> Option<NodeId> {
        let leads = |server: &ZkServer| matches!(server.role(), Role::Leading(_)) && server.is_serving();
        self.servers.iter().find(|(_, server)| leads(server)).map(|(node, _)| *node)
    }

    pub(crate) fn start_server(&mut self, node: NodeId) {
        let cause = self.root();
        self.with_server(node, cause, ZkServer::start);
    }

    pub(crate) fn stop_server(&mut self, node: NodeId) {
        let cause = self.root();
        let (event, now) = (cause.event.unwrap(), self.now.lab);
        self.servers.get_mut(&node).unwrap().stop(event, now);
        self.died(node, &cause);
    }

    /// A broker's process starts and connects.
    pub(crate) fn start(&mut self, node: NodeId) {
        let servers = self.servers.values().map(ZkServer::id).collect();
        self.clients.insert(node, ZkClient::new(servers, TIMEOUT));
        self.connect(node);
    }

    /// A broker asks for a session.
    pub(crate) fn connect(&mut self, node: NodeId) {
        let cause = self.root();
        self.with_client(node, cause, |client, ctx| {
            client.connect(ctx);
            Vec::new()
        });
    }

    /// A broker ends its session.
    pub(crate) fn end(&mut self, node: NodeId) {
        let cause = self.root();
        self.with_client(node, cause, |client, ctx| {
            client.close(ctx);
            Vec::new()
        });
    }

    /// A broker's process dies. The number of what killed it.
    pub(crate) fn kill(&mut self, node: NodeId) -> Id {
        self.clients.remove(&node);
        let cause = self.root();
        self.died(node, &cause);
        cause.event.unwrap()
    }

    /// What a dead process had open is closed by its operating system.
    fn died(&mut self, node: NodeId, cause: &Cause) {
        self.timers.retain(|_, due| due.node != node);
        for peer in self.network.died(node) {
            self.post(node, peer, Payload::Closed { lane: None }, cause.clone());
        }
    }

    /// What is sent to and from `node` waits, and nobody is told.
    pub(crate) fn cut(&mut self, node: NodeId) {
        for other in self.nodes() {
            self.network.cut(node, other);
        }
    }

    pub(crate) fn heal(&mut self, node: NodeId) {
        for other in self.nodes() {
            self.network.heal(node, other, self.now.lab);
        }
    }

    fn nodes(&self) -> Vec<NodeId> {
        self.servers.keys().chain(self.clients.keys()).copied().collect()
    }

    /// Submits, as caused by something new.
    pub(crate) fn submit(&mut self, node: NodeId, ops: Vec<Op>) -> Ticket {
        let mut ticket = None;
        let cause = self.root();
        self.with_client(node, cause, |client, ctx| {
            ticket = Some(client.submit(ops, ctx));
            Vec::new()
        });
        ticket.unwrap()
    }

    /// Submits, and lets things happen until the answer is there.
    pub(crate) fn ask(&mut self, node: NodeId, ops: Vec<Op>) -> Results {
        let ticket = self.submit(node, ops);
        self.settle();
        self.results(node, ticket).expect("an answer without waiting")
    }

    /// One operation, and its result.
    pub(crate) fn ask_one(&mut self, node: NodeId, op: impl Into<Op>) -> Result<OpResult, ZkError> {
        self.ask(node, vec![op.into()]).remove(0)
    }

    /// What a batch came to, if it was answered. Tickets begin anew with each process; the newest counts.
    pub(crate) fn results(&self, node: NodeId, wanted: Ticket) -> Option<Results> {
        self.client_events(node).rev().find_map(|event| match event {
            ZkClientEvent::Done { ticket, results } if *ticket == wanted => Some(results.clone()),
            _ => None,
        })
    }

    /// What a client told its owner, in order.
    pub(crate) fn client_events(&self, node: NodeId) -> impl DoubleEndedIterator<Item = &ZkClientEvent> {
        self.seen.iter().filter_map(move |(_, seen)| match seen {
            Seen::Client(whose, event) if *whose == node => Some(event),
            _ => None,
        })
    }

    /// The core's events, in order.
    pub(crate) fn events(&self) -> impl Iterator<Item = &Event> {
        self.seen.iter().filter_map(|(_, seen)| match seen {
            Seen::Event(event) => Some(event),
            _ => None,
        })
    }

    /// Delivers all messages, and what follows from them, but fires no timer.
    pub(crate) fn settle(&mut self) {
        while self.network.next().is_some() {
            self.deliver_next();
        }
    }

    /// Lets time pass, with all that happens in it.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now.lab + time;
        while self.step(end) {}
        self.set_now(end);
    }

    /// Lets the next thing happen, if it does by `end`.
    pub(crate) fn step(&mut self, end: Time) -> bool {
        let timer = self.timers.keys().next().copied();
        let message = self.network.next();
        let Some((at, _)) = [timer, message].into_iter().flatten().min().filter(|(at, _)| *at <= end) else {
            return false;
        };
        self.set_now(self.now.lab.max(at));
        if message.is_some_and(|message| timer.is_none_or(|timer| message < timer)) {
            self.deliver_next();
        } else if let Some((_, due)) = self.timers.pop_first() {
            self.fire(due);
        }
        true
    }

    fn fire(&mut self, due: Due) {
        let Due { node, timer, cause } = due;
        match timer {
            Timer::Zk(timer) => self.with_server(node, cause, |server, ctx| server.on_timer(&timer, ctx)),
            Timer::ZkClient(timer) => self.with_client(node, cause, |client, ctx| client.on_timer(&timer, ctx)),
            other => panic!("a timer of nobody here: {other:?}"),
        }
    }

    fn deliver_next(&mut self) {
        let Some(message) = self.network.take() else { return };
        self.set_now(self.now.lab.max(message.due));
        let (from, to, payload, cause) = (message.from, message.to, message.payload, message.cause);
        self.see(Seen::Message { from, to, payload: payload.clone() });
        let hop = Hop {
            id: message.id,
            name: "message",
            about: None,
            from,
            to,
            sent: message.sent,
            arrived: self.now.lab,
            depth: cause.via.as_ref().map_or(1, |hop| hop.depth + 1),
            previous: cause.via.clone(),
        };
        self.deliver(from, to, payload, Cause { event: cause.event, via: Some(Arc::new(hop)) });
    }

    fn deliver(&mut self, from: NodeId, to: NodeId, payload: Payload, cause: Cause) {
        let there = self.servers.get(&to).is_some_and(ZkServer::is_running) || self.clients.contains_key(&to);
        match payload {
            // The operating system of a dead process answers.
            Payload::Zk(_) | Payload::ZkPeer(PeerMessage::ToLeader { .. }) if !there => {
                let lane = payload.lane();
                self.post(to, from, Payload::Closed { lane }, cause);
            }
            _ if !there => {}
            Payload::Zk(message) => self.with_server(to, cause, |server, ctx| server.on_message(from, message, ctx)),
            Payload::ZkPeer(message) => {
                let NodeId::Zk(from) = from else { panic!("{from} is no server") };
                self.with_server(to, cause, |server, ctx| server.on_peer(from, message, ctx));
            }
            Payload::ZkReply(message) => {
                self.with_client(to, cause, |client, ctx| client.on_message(from, message, ctx));
            }
            Payload::Closed { .. } if matches!(to, NodeId::Zk(_)) => {
                self.with_server(to, cause, |server, ctx| server.on_closed(from, ctx));
            }
            Payload::Closed { .. } => self.with_client(to, cause, |client, ctx| client.on_closed(from, ctx)),
            other => panic!("not for ZooKeeper: {other:?}"),
        }
    }

    fn with_server(&mut self, node: NodeId, cause: Cause, work: impl FnOnce(&mut ZkServer, &mut Context<'_>)) {
        self.handle(node, cause, |lab, ctx| {
            work(lab.servers.get_mut(&node).unwrap(), ctx);
            Vec::new()
        });
    }

    fn with_client(
        &mut self,
        node: NodeId,
        cause: Cause,
        work: impl FnOnce(&mut ZkClient, &mut Context<'_>) -> Vec<ZkClientEvent>,
    ) {
        self.handle(node, cause, |lab, ctx| lab.clients.get_mut(&node).map_or_else(Vec::new, |it| work(it, ctx)));
    }

    /// Runs a handler and does what it wants done.
    fn handle(
        &mut self,
        node: NodeId,
        cause: Cause,
        work: impl FnOnce(&mut Self, &mut Context<'_>) -> Vec<ZkClientEvent>,
    ) {
        let (mut rng, mut ids, mut effects) = (self.rng.clone(), self.ids, Vec::new());
        let (now, clock) = (self.now, Clock::Lab);
        let mut ctx = Context {
            now,
            node,
            clock,
            cause,
            rng: &mut rng,
            ids: &mut ids,
            effects: &mut effects,
            disks: &mut InMemory,
        };
        let told = work(self, &mut ctx);
        (self.rng, self.ids) = (rng, ids);
        for effect in effects {
            match effect {
                Effect::Send { to, payload, cause } => self.post(node, to, payload, cause),
                Effect::Timer { id, timer, cause } => {
                    self.timers.insert((id.at, id.id), Due { node, timer, cause });
                }
                Effect::Event { id, kind, cause } => {
                    self.see(Seen::Event(Event { id, at: self.now.lab, node, kind, cause }));
                }
                Effect::Cancel(id) => drop(self.timers.remove(&(id.at, id.id))),
                Effect::Output(output) => panic!("nothing leaves this lab: {output:?}"),
            }
        }
        for event in told {
            self.see(Seen::Client(node, event));
        }
    }

    fn post(&mut self, from: NodeId, to: NodeId, payload: Payload, cause: Cause) {
        self.ids += 1;
        self.network.send(self.ids, self.now.lab, from, to, payload, cause);
    }

    /// A cause of its own: something that a person did.
    fn root(&mut self) -> Cause {
        self.ids += 1;
        Cause::event(self.ids)
    }

    fn see(&mut self, seen: Seen) {
        self.seen.push((self.now.lab, seen));
    }

    fn set_now(&mut self, now: Time) {
        self.now.lab = now;
        self.now.outside = now;
    }
}
