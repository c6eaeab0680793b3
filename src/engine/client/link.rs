//! A client's connections to brokers: what it has asked on each and waits to hear, when it may try a dead one again. It
//! does not know what the requests mean.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::engine::context::{Context, Id, Timer, TimerId};
use crate::engine::message::{KafkaRequest, Lane, Payload};
use crate::engine::node::{BrokerId, NodeId};
use crate::engine::time::Time;
use crate::protocol::{ErrorCode, Request};

use super::ClientTimer;

/// `reconnect.backoff.ms`: it doubles with every failure up to `reconnect.backoff.max.ms`.
const RECONNECT_BACKOFF: Duration = Duration::from_millis(50);
/// `reconnect.backoff.max.ms`.
const RECONNECT_BACKOFF_MAX: Duration = Duration::from_secs(1);

/// A request that waits for its answer.
#[derive(Clone, Debug)]
pub(super) struct Asked<T> {
    /// Whom.
    pub(super) broker: BrokerId,
    /// On which connection.
    pub(super) lane: Lane,
    /// When.
    pub(super) at: Time,
    /// What the client has to know of it when the answer comes.
    pub(super) about: T,
}

#[derive(Clone, Copy, Debug, Default)]
struct Link {
    /// Whether anything was heard on it since it was lost last.
    up: bool,
    failures: u32,
    not_before: Time,
}

/// A connection that ended, or all of those to a broker.
#[derive(Clone, Debug)]
pub(super) struct Lost<T> {
    /// Whether it had worked before: false where it could not be made in the first place.
    pub(super) was_up: bool,
    /// What was asked and will not be answered, in the order of asking.
    pub(super) unanswered: Vec<T>,
}

/// All connections of a client. `T` is what it notes about a request.
#[derive(Clone, Debug)]
pub(super) struct Links<T> {
    client_id: Arc<str>,
    asked: BTreeMap<Id, Asked<T>>,
    open: BTreeMap<(BrokerId, Lane), Link>,
}

impl<T> Links<T> {
    pub(super) fn new(client_id: Arc<str>) -> Self {
        Self { client_id, asked: BTreeMap::new(), open: BTreeMap::new() }
    }

    /// Sends a request that is answered.
    pub(super) fn ask(
        &mut self,
        to: (BrokerId, Lane),
        version: i16,
        request: Request,
        about: T,
        ctx: &mut Context<'_>,
    ) {
        let correlation = self.tell(to, version, request, ctx);
        let (broker, lane) = to;
        self.asked.insert(correlation, Asked { broker, lane, at: ctx.now.lab, about });
    }

    /// Sends a request that is not answered: Produce with acks=0.
    pub(super) fn tell(&mut self, to: (BrokerId, Lane), version: i16, request: Request, ctx: &mut Context<'_>) -> Id {
        let correlation = ctx.next_id();
        let (broker, lane) = to;
        let client_id = Arc::clone(&self.client_id);
        let request = KafkaRequest { lane, correlation, version, client_id, request };
        ctx.send(NodeId::Broker(broker), Payload::Request(request));
        correlation
    }

    /// What the answer `correlation` belongs to; `None` for one that is not waited for any more.
    pub(super) fn answered(&mut self, correlation: Id) -> Option<Asked<T>> {
        let asked = self.asked.remove(&correlation)?;
        let link = self.open.entry((asked.broker, asked.lane)).or_default();
        *link = Link { up: true, failures: 0, not_before: Time::ZERO };
        Some(asked)
    }

    /// A broker closed a connection (`None`: all of them), or was found to be gone.
    pub(super) fn closed(&mut self, broker: BrokerId, lane: Option<Lane>, now: Time) -> Lost<T> {
        let concerns = |(b, l): (BrokerId, Lane)| b == broker && lane.is_none_or(|lane| lane == l);
        let ids: Vec<Id> = self.asked.iter().filter(|(_, a)| concerns((a.broker, a.lane))).map(|(id, _)| *id).collect();
        let asked: Vec<Asked<T>> = ids.into_iter().filter_map(|id| self.asked.remove(&id)).collect();
        for asked in &asked {
            self.open.entry((asked.broker, asked.lane)).or_default();
        }
        if let Some(lane) = lane {
            self.open.entry((broker, lane)).or_default();
        }
        let mut was_up = false;
        for (_, link) in self.open.iter_mut().filter(|(at, _)| concerns(**at)) {
            was_up |= link.up;
            let backoff = RECONNECT_BACKOFF.saturating_mul(1 << link.failures.min(10)).min(RECONNECT_BACKOFF_MAX);
            *link = Link { up: false, failures: link.failures + 1, not_before: now + backoff };
        }
        Lost { was_up, unanswered: asked.into_iter().map(|asked| asked.about).collect() }
    }

    /// The brokers that have owed an answer for `timeout`. A client closes such connections.
    pub(super) fn overdue(&self, now: Time, timeout: Duration) -> BTreeSet<BrokerId> {
        self.asked.values().filter(|asked| asked.at + timeout <= now).map(|asked| asked.broker).collect()
    }

    /// When the next answer is overdue.
    pub(super) fn next_overdue(&self, timeout: Duration) -> Time {
        self.asked.values().next().map_or(Time::NEVER, |asked| asked.at + timeout)
    }

    /// From when on a request may be sent there; [`Time::ZERO`] if nothing speaks against it.
    pub(super) fn not_before(&self, broker: BrokerId, lane: Lane) -> Time {
        self.open.get(&(broker, lane)).map_or(Time::ZERO, |link| link.not_before)
    }

    /// How many requests wait for answers there.
    pub(super) fn in_flight(&self, broker: BrokerId, lane: Lane) -> usize {
        self.asked.values().filter(|asked| asked.broker == broker && asked.lane == lane).count()
    }
}

/// A client that keeps connections: what it does when its alarm rings or a connection ends is the same for all.
pub(super) trait Connected {
    /// Its alarm.
    fn alarm(&mut self) -> &mut Alarm;

    /// The brokers that have owed it an answer for too long.
    fn overdue(&self, now: Time) -> BTreeSet<BrokerId>;

    /// A connection is gone (`None`: all of them), and with it the answers to what was asked on it.
    fn lost(&mut self, broker: BrokerId, lane: Option<Lane>, error: ErrorCode, ctx: &mut Context<'_>);

    /// Does whatever can be done now and sets the alarm for the rest.
    fn go_on(&mut self, ctx: &mut Context<'_>);

    /// The alarm rang: hangs up on whoever owes an answer for too long, and goes on.
    fn on_timer(&mut self, timer: ClientTimer, ctx: &mut Context<'_>) {
        match timer {
            ClientTimer::Wake => self.alarm().rang(),
        }
        for broker in self.overdue(ctx.now.lab) {
            ctx.send(NodeId::Broker(broker), Payload::Closed { lane: None });
            self.lost(broker, None, ErrorCode::REQUEST_TIMED_OUT, ctx);
        }
        self.go_on(ctx);
    }

    /// A broker closed a connection, or was found to be gone.
    fn on_closed(&mut self, broker: BrokerId, lane: Option<Lane>, ctx: &mut Context<'_>) {
        self.lost(broker, lane, ErrorCode::NETWORK_EXCEPTION, ctx);
        self.go_on(ctx);
    }
}

/// The one timer of a client: it wakes when the next thing is to be done.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Alarm(Option<TimerId>);

impl Alarm {
    /// It rang.
    pub(super) fn rang(&mut self) {
        self.0 = None;
    }

    /// Wakes the client at `at` at the latest, routinely. A moment that has passed counts as the next one.
    pub(super) fn set(&mut self, at: Time, ctx: &mut Context<'_>) {
        if at == Time::NEVER || self.0.is_some_and(|set| set.at <= at) {
            return;
        }
        if let Some(later) = self.0.take() {
            ctx.cancel(later);
        }
        let after = at.since(ctx.now.lab).max(Duration::from_micros(1));
        self.0 = Some(ctx.routine(after, Timer::Client(ClientTimer::Wake)));
    }
}
