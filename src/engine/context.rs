//! What a handler may do: a [`Context`] hands it the time, its node's generator and a list to put its effects on.
//!
//! Handlers decide; the cluster acts on the [`Effect`]s afterwards, in their order. That is why a handler cannot tell
//! a socket from a simulated link, and why every effect knows its cause without anybody passing it on.

use std::sync::Arc;
use std::time::Duration;

use super::event::EventKind;
use super::log::{Disks, Storage};
use super::message::{Output, Payload};
use super::node::NodeId;
use super::replica::TopicPartition;
use super::rng::Rng;
use super::time::{Clock, Now, Time};

/// The number of an event or a message: one sequence for both, 1 and up, so that a cause is one number.
pub type Id = u64;

/// How many messages a [`Cause`] remembers back to the event that began them; then all of them are let go, and counted.
pub const MAX_HOPS: u32 = 24;

/// What led to something: the nearest event, and the messages between that event and now.
#[derive(Clone, Debug, Default)]
pub struct Cause {
    /// The event at the root, if one began this.
    pub event: Option<Id>,
    /// The newest message since, linked to those before it.
    pub via: Option<Arc<Hop>>,
}

/// One message on the way from an event to its effect.
#[derive(Debug)]
pub struct Hop {
    /// The message's number.
    pub id: Id,
    /// Its name for a reader, such as `LeaderAndIsr`.
    pub name: &'static str,
    /// What it is about, where the name does not say it all: `trucks_gps-1 trucks_gps-4`.
    pub about: Option<Arc<str>>,
    /// Who sent it.
    pub from: NodeId,
    /// Who got it.
    pub to: NodeId,
    /// When it was sent, in lab time.
    pub sent: Time,
    /// When it arrived, in lab time.
    pub arrived: Time,
    /// How many there have been since the event, this one and those let go included.
    pub depth: u32,
    /// The message before.
    pub previous: Option<Arc<Hop>>,
}

impl Cause {
    /// Caused by the event `id` itself.
    pub fn event(id: Id) -> Self {
        Self { event: Some(id), via: None }
    }

    /// The id of the immediate cause: the newest message, or the event.
    pub fn id(&self) -> Option<Id> {
        self.via.as_ref().map_or(self.event, |hop| Some(hop.id))
    }

    /// Whether nothing in particular caused it: routine.
    pub fn is_routine(&self) -> bool {
        self.event.is_none()
    }

    /// How many messages since the event were let go, oldest first, because a chain holds at most [`MAX_HOPS`].
    pub fn forgotten(&self) -> u32 {
        let depth = self.via.as_ref().map_or(0, |hop| hop.depth);
        depth.saturating_sub(u32::try_from(self.hops().len()).unwrap_or(u32::MAX))
    }

    /// The messages from the event to now, oldest first, as far as they are remembered.
    pub fn hops(&self) -> Vec<Arc<Hop>> {
        let mut hops = Vec::new();
        let mut next = self.via.as_ref();
        while let Some(hop) = next {
            hops.push(Arc::clone(hop));
            next = hop.previous.as_ref();
        }
        hops.reverse();
        hops
    }
}

/// A timer that was set: what it takes to know it again when it fires, or to take it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimerId {
    /// On which clock.
    pub clock: Clock,
    /// When.
    pub at: Time,
    /// Its number.
    pub id: Id,
}

/// What a node asks a timer to say when it fires. Each kind of node has its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Timer {
    /// For a ZooKeeper server.
    Zk(super::zk::ZkTimer),
    /// For a broker's ZooKeeper client.
    ZkClient(super::zk::client::ClientTimer),
    /// For a broker.
    Broker(super::broker::BrokerTimer),
    /// For a built-in client.
    Client(super::client::ClientTimer),
}

/// What a handler wants done.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Send `payload` from the handler's node to `to`, over the simulated network.
    Send {
        /// The receiver.
        to: NodeId,
        /// What.
        payload: Payload,
        /// Why.
        cause: Cause,
    },
    /// Wake the handler's node at `at` on `clock`.
    Timer {
        /// Which one, and when.
        id: TimerId,
        /// What to say then.
        timer: Timer,
        /// Why.
        cause: Cause,
    },
    /// Take a timer back; nothing happens where it has fired.
    Cancel(TimerId),
    /// Say that something happened at the handler's node.
    Event {
        /// Its number.
        id: Id,
        /// What.
        kind: EventKind,
        /// Why.
        cause: Cause,
    },
    /// Something for the world outside the core.
    Output(Output),
}

/// What a handler works with. Made anew for each step.
pub struct Context<'a> {
    /// The time.
    pub now: Now,
    /// The handler's node.
    pub node: NodeId,
    /// The clock of whoever's request is being handled: timers run on it.
    pub clock: Clock,
    /// Why this is being handled. [`Context::emit`] moves it on: what follows an event is caused by it.
    pub cause: Cause,
    /// The node's own generator.
    pub rng: &'a mut Rng,
    /// The sequence that ids come from.
    pub ids: &'a mut Id,
    /// What was decided so far.
    pub effects: &'a mut Vec<Effect>,
    /// The disks: the one thing of the world outside that a handler works on itself, as it must know whether that worked.
    pub disks: &'a mut dyn Disks,
}

impl Context<'_> {
    /// The next number of the cluster's one sequence.
    pub fn next_id(&mut self) -> Id {
        *self.ids += 1;
        *self.ids
    }

    /// Sends `payload` to `to` over the simulated network.
    pub fn send(&mut self, to: NodeId, payload: Payload) {
        self.effects.push(Effect::Send { to, payload, cause: self.cause.clone() });
    }

    /// The place of one of the handler's logs, where the handler is a broker.
    pub fn storage(&mut self, id: &TopicPartition) -> &mut dyn Storage {
        let NodeId::Broker(broker) = self.node else { unreachable!("only brokers have logs") };
        self.disks.log(broker, id)
    }

    /// Takes back a timer of this node.
    pub fn cancel(&mut self, id: TimerId) {
        self.effects.push(Effect::Cancel(id));
    }

    /// Sets a timer `after` from now, on the clock of this context.
    pub fn timer(&mut self, after: Duration, timer: Timer) -> TimerId {
        let cause = self.cause.clone();
        self.timer_because(after, timer, cause)
    }

    /// A timer of the node's routine (a ping, a check now and then): what it does has no particular cause.
    pub fn routine(&mut self, after: Duration, timer: Timer) -> TimerId {
        self.timer_because(after, timer, Cause::default())
    }

    /// A timer whose firing is caused by `cause` rather than by what is being handled.
    pub fn timer_because(&mut self, after: Duration, timer: Timer, cause: Cause) -> TimerId {
        let at = self.now.on(self.clock) + after;
        let id = TimerId { clock: self.clock, at, id: self.next_id() };
        self.effects.push(Effect::Timer { id, timer, cause });
        id
    }

    /// Records an event at this node. What the handler does from here on is caused by it.
    pub fn emit(&mut self, kind: EventKind) -> Id {
        let id = self.next_id();
        let cause = std::mem::replace(&mut self.cause, Cause::event(id));
        self.effects.push(Effect::Event { id, kind, cause });
        id
    }

    /// Records an event that leads nowhere: what follows keeps the cause it had.
    pub fn note(&mut self, kind: EventKind) -> Id {
        let cause = self.cause.clone();
        let id = self.emit(kind);
        self.cause = cause;
        id
    }

    /// Hands something to the world outside.
    pub fn output(&mut self, output: Output) {
        self.effects.push(Effect::Output(output));
    }

    /// Does `work` with `cause` as the reason, then goes on with the old one.
    pub fn because<T>(&mut self, cause: Cause, work: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.cause, cause);
        let done = work(self);
        self.cause = before;
        done
    }
}
