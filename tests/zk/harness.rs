//! A cluster in small: one ZooKeeper server, some clients, and a network that is in order and takes a millisecond.
//!
//! It does with effects what the engine's cluster does, and nothing else, so that these tests need no brokers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use kscope::engine::context::{Cause, Context, Effect, Hop, Id, Timer};
use kscope::engine::event::Event;
use kscope::engine::log::InMemory;
use kscope::engine::message::Payload;
use kscope::engine::node::{BrokerId, NodeId, ZkId};
use kscope::engine::rng::Rng;
use kscope::engine::time::{Clock, Now, Time};
use kscope::engine::zk::client::{Ticket, ZkClient, ZkClientEvent};
use kscope::engine::zk::op::{Op, OpResult, ZkError};
use kscope::engine::zk::{ZkConfig, ZkServer};

/// The only server.
pub(crate) const ZK: NodeId = NodeId::Zk(ZkId(1));
/// 2026-01-01 00:00:00 UTC: the date at the start.
const START_MS: i64 = 1_767_225_600_000;
/// How long each message takes.
const DELAY: Duration = Duration::from_millis(1);
/// The session time-out that clients ask for.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(6);
/// The server's tick.
pub(crate) const TICK: Duration = Duration::from_secs(2);

pub(crate) type Results = Vec<Result<OpResult, ZkError>>;

/// Something that will happen.
#[derive(Clone, Debug)]
enum Due {
    Message { from: NodeId, to: NodeId, payload: Payload, cause: Cause, sent: Time, id: Id },
    Timer { node: NodeId, life: u32, timer: Timer, cause: Cause },
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
    pub(crate) server: ZkServer,
    pub(crate) clients: BTreeMap<NodeId, ZkClient>,
    /// All that happened, in order, with its lab time.
    pub(crate) seen: Vec<(Time, Seen)>,
    /// How often each node's process was started: timers of an earlier life are dropped.
    lives: BTreeMap<NodeId, u32>,
    cut: BTreeSet<NodeId>,
    queue: BTreeMap<(Time, Id), Due>,
    rng: Rng,
    ids: Id,
}

/// The broker `id` as a node.
pub(crate) fn broker(id: i32) -> NodeId {
    NodeId::Broker(BrokerId(id))
}

impl Lab {
    /// A server that runs, and no client.
    pub(crate) fn new() -> Self {
        let config = ZkConfig { tick: TICK, ..ZkConfig::default() };
        let mut lab = Self {
            now: Now { epoch_ms: START_MS, ..Now::default() },
            server: ZkServer::new(ZkId(1), config),
            clients: BTreeMap::new(),
            seen: Vec::new(),
            lives: BTreeMap::new(),
            cut: BTreeSet::new(),
            queue: BTreeMap::new(),
            rng: Rng::split(1, "zk tests"),
            ids: 0,
        };
        lab.start_server();
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

    pub(crate) fn start_server(&mut self) {
        *self.lives.entry(ZK).or_default() += 1;
        let cause = self.root();
        self.handle(ZK, cause, |lab, ctx| {
            lab.server.start(ctx);
            Vec::new()
        });
    }

    pub(crate) fn stop_server(&mut self) {
        *self.lives.entry(ZK).or_default() += 1;
        self.server.stop();
        let cause = self.root();
        for client in self.clients.keys().copied().collect::<Vec<_>>() {
            self.close(ZK, client, cause.clone());
        }
    }

    /// A broker's process starts and connects.
    pub(crate) fn start(&mut self, node: NodeId) {
        *self.lives.entry(node).or_default() += 1;
        self.clients.insert(node, ZkClient::new(vec![ZkId(1)], TIMEOUT));
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
        *self.lives.entry(node).or_default() += 1;
        self.clients.remove(&node);
        let cause = self.root();
        self.close(node, ZK, cause.clone());
        cause.event.unwrap()
    }

    /// Nothing comes to or from `node`, and nobody is told.
    pub(crate) fn cut(&mut self, node: NodeId) {
        self.cut.insert(node);
    }

    pub(crate) fn heal(&mut self, node: NodeId) {
        self.cut.remove(&node);
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
        while let Some(key) = self.queue.iter().find(|(_, due)| matches!(due, Due::Message { .. })).map(|(key, _)| *key)
        {
            self.step(key);
        }
    }

    /// Lets time pass, with all that happens in it.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now.lab + time;
        while let Some(key) = self.queue.keys().next().copied().filter(|(at, _)| *at <= end) {
            self.step(key);
        }
        self.set_now(end);
    }

    fn step(&mut self, key: (Time, Id)) {
        let due = self.queue.remove(&key).unwrap();
        self.set_now(self.now.lab.max(key.0));
        match due {
            Due::Message { from, to, payload, cause, sent, id } => {
                if self.cut.contains(&from) || self.cut.contains(&to) {
                    return;
                }
                self.see(Seen::Message { from, to, payload: payload.clone() });
                let hop = Hop {
                    id,
                    name: "message",
                    about: None,
                    from,
                    to,
                    sent,
                    arrived: self.now.lab,
                    depth: cause.via.as_ref().map_or(1, |hop| hop.depth + 1),
                    previous: cause.via.clone(),
                };
                self.deliver(from, to, payload, Cause { event: cause.event, via: Some(Arc::new(hop)) });
            }
            Due::Timer { node, life, timer, cause } if self.lives.get(&node) == Some(&life) => match timer {
                Timer::Zk(timer) => self.handle(node, cause, |lab, ctx| {
                    lab.server.on_timer(&timer, ctx);
                    Vec::new()
                }),
                Timer::ZkClient(timer) => self.with_client(node, cause, |client, ctx| client.on_timer(&timer, ctx)),
                other => panic!("a timer of nobody here: {other:?}"),
            },
            Due::Timer { .. } => {}
        }
    }

    fn deliver(&mut self, from: NodeId, to: NodeId, payload: Payload, cause: Cause) {
        let there = if to == ZK { self.server.is_running() } else { self.clients.contains_key(&to) };
        match payload {
            // The operating system of a dead process answers.
            Payload::Zk(_) | Payload::ZkReply(_) if !there => self.close(to, from, cause),
            Payload::Zk(message) => self.handle(to, cause, |lab, ctx| {
                lab.server.on_message(from, message, ctx);
                Vec::new()
            }),
            Payload::ZkReply(message) => {
                self.with_client(to, cause, |client, ctx| client.on_message(from, message, ctx));
            }
            Payload::Closed { .. } if to == ZK => self.handle(to, cause, |lab, ctx| {
                lab.server.on_closed(from, ctx);
                Vec::new()
            }),
            Payload::Closed { .. } => self.with_client(to, cause, |client, ctx| client.on_closed(from, ctx)),
            other => panic!("not for ZooKeeper: {other:?}"),
        }
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
                    let life = self.lives.get(&node).copied().unwrap_or_default();
                    self.queue.insert((id.at, id.id), Due::Timer { node, life, timer, cause });
                }
                Effect::Event { id, kind, cause } => {
                    self.see(Seen::Event(Event { id, at: self.now.lab, node, kind, cause }));
                }
                Effect::Cancel(id) => drop(self.queue.remove(&(id.at, id.id))),
                Effect::Output(output) => panic!("nothing leaves this lab: {output:?}"),
            }
        }
        for event in told {
            self.see(Seen::Client(node, event));
        }
    }

    fn post(&mut self, from: NodeId, to: NodeId, payload: Payload, cause: Cause) {
        self.ids += 1;
        let (id, sent) = (self.ids, self.now.lab);
        self.queue.insert((sent + DELAY, id), Due::Message { from, to, payload, cause, sent, id });
    }

    fn close(&mut self, from: NodeId, to: NodeId, cause: Cause) {
        self.post(from, to, Payload::Closed { lane: None }, cause);
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
