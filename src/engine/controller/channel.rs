//! The controller's requests to brokers: one queue per broker, one request in flight. Kafka's
//! `ControllerChannelManager` and `RequestSendThread`.
//!
//! | state of a queue | what happens | next |
//! | --- | --- | --- |
//! | Idle | a request is queued | Sent |
//! | Sent | it is answered | Idle, or Sent with the next |
//! | | the connection closed, or no answer within `controller.socket.timeout.ms` | Pausing |
//! | Pausing | 100 ms later | Sent, the same request again |
//!
//! A request stays at the head of its queue until it is answered or its broker is taken off the list: brokers are told
//! everything, in order. Each carries the cause that it was queued with, retries included.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::ControllerTimer;
use crate::engine::broker::BrokerTimer;
use crate::engine::context::{Cause, Context, Id, Timer, TimerId};
use crate::engine::message::{KafkaRequest, Lane, Payload};
use crate::engine::node::{BrokerId, NodeId};
use crate::engine::replica::TopicPartition;
use crate::protocol::Request;

/// The pause before a request is sent again (`RequestSendThread.backoff`).
const BACKOFF: Duration = Duration::from_millis(100);

/// What an answer is waited for, beside its turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Nothing.
    Tell,
    /// To know which metadata a broker has: the number of the update, counted by broker.
    Metadata(u64),
    /// To know which replicas are deleted.
    Delete(Vec<TopicPartition>),
}

/// A request that waits or is on its way.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    /// What is asked.
    pub(super) request: Request,
    /// In which version.
    pub(super) version: i16,
    /// What the answer is waited for.
    pub(super) purpose: Purpose,
    /// Why it is asked.
    pub(super) cause: Cause,
}

#[derive(Clone, Debug)]
enum State {
    Idle,
    Sent { correlation: Id, timeout: TimerId },
    Pausing,
}

#[derive(Clone, Debug)]
struct Channel {
    queue: VecDeque<Outgoing>,
    state: State,
    /// How many metadata updates were queued.
    updates: u64,
    /// The newest one that was answered.
    updated: u64,
}

/// The queues of all registered brokers.
#[derive(Clone, Debug)]
pub(super) struct Channels {
    to: BTreeMap<BrokerId, Channel>,
    client_id: Arc<str>,
    patience: Duration,
}

impl Channels {
    /// No broker yet. `patience` is `controller.socket.timeout.ms`.
    pub(super) fn new(controller: BrokerId, patience: Duration) -> Self {
        Self { to: BTreeMap::new(), client_id: controller.0.to_string().into(), patience }
    }

    /// A broker has registered.
    pub(super) fn add(&mut self, broker: BrokerId) {
        let idle = Channel { queue: VecDeque::new(), state: State::Idle, updates: 0, updated: 0 };
        self.to.entry(broker).or_insert(idle);
    }

    /// A broker is gone: nothing is sent to it any more.
    pub(super) fn remove(&mut self, broker: BrokerId, ctx: &mut Context<'_>) {
        if let Some(Channel { state: State::Sent { timeout, .. }, .. }) = self.to.remove(&broker) {
            ctx.cancel(timeout);
        }
    }

    /// The controller resigned.
    pub(super) fn clear(&mut self, ctx: &mut Context<'_>) {
        for broker in self.to.keys().copied().collect::<Vec<_>>() {
            self.remove(broker, ctx);
        }
    }

    /// Queues a request behind the others; nothing happens where the broker is not registered.
    pub(super) fn ask(
        &mut self,
        broker: BrokerId,
        version: i16,
        request: Request,
        purpose: Purpose,
        ctx: &mut Context<'_>,
    ) {
        let Some(channel) = self.to.get_mut(&broker) else { return };
        let purpose = match purpose {
            Purpose::Metadata(_) => {
                channel.updates += 1;
                Purpose::Metadata(channel.updates)
            }
            other => other,
        };
        channel.queue.push_back(Outgoing { request, version, purpose, cause: ctx.cause.clone() });
        if matches!(channel.state, State::Idle) {
            self.send(broker, ctx);
        }
    }

    /// The number of the last metadata update that was queued for a broker.
    pub(super) fn last_update(&self, broker: BrokerId) -> u64 {
        self.to.get(&broker).map_or(0, |channel| channel.updates)
    }

    /// Whether a broker has the metadata of this update.
    pub(super) fn has_update(&self, broker: BrokerId, update: u64) -> bool {
        self.to.get(&broker).is_none_or(|channel| channel.updated >= update)
    }

    /// An answer: what was asked, if it is that of the request in flight.
    pub(super) fn answered(&mut self, from: BrokerId, correlation: Id, ctx: &mut Context<'_>) -> Option<Outgoing> {
        let channel = self.to.get_mut(&from)?;
        let State::Sent { correlation: awaited, timeout } = channel.state else { return None };
        if awaited != correlation {
            return None;
        }
        ctx.cancel(timeout);
        channel.state = State::Idle;
        let done = channel.queue.pop_front();
        if let Some(Outgoing { purpose: Purpose::Metadata(update), .. }) = &done {
            channel.updated = *update;
        }
        self.send(from, ctx);
        done
    }

    /// The connection to a broker closed: what was in flight is sent again after a pause.
    pub(super) fn closed(&mut self, broker: BrokerId, ctx: &mut Context<'_>) {
        let Some(channel) = self.to.get_mut(&broker) else { return };
        if let State::Sent { timeout, .. } = channel.state {
            ctx.cancel(timeout);
            channel.state = State::Pausing;
            ctx.timer(BACKOFF, Timer::Broker(BrokerTimer::Controller(ControllerTimer::Resend(broker))));
        }
    }

    /// No answer came in time.
    pub(super) fn timed_out(&mut self, broker: BrokerId, correlation: Id, ctx: &mut Context<'_>) {
        let state = self.to.get(&broker).map(|channel| &channel.state);
        if matches!(state, Some(State::Sent { correlation: awaited, .. }) if *awaited == correlation) {
            ctx.send(NodeId::Broker(broker), Payload::Closed { lane: Some(Lane::CONTROLLER) });
            self.closed(broker, ctx);
        }
    }

    /// The pause is over.
    pub(super) fn resend(&mut self, broker: BrokerId, ctx: &mut Context<'_>) {
        if let Some(channel) = self.to.get_mut(&broker).filter(|c| matches!(c.state, State::Pausing)) {
            channel.state = State::Idle;
            self.send(broker, ctx);
        }
    }

    /// How many requests wait or are on their way.
    pub(super) fn pending(&self) -> usize {
        self.to.values().map(|channel| channel.queue.len()).sum()
    }

    /// Sends the head of an idle queue.
    fn send(&mut self, broker: BrokerId, ctx: &mut Context<'_>) {
        let (client_id, patience) = (Arc::clone(&self.client_id), self.patience);
        let Some(channel) = self.to.get_mut(&broker) else { return };
        let Some(head) = channel.queue.front() else { return };
        let correlation = ctx.next_id();
        let request = KafkaRequest {
            lane: Lane::CONTROLLER,
            correlation,
            version: head.version,
            client_id,
            request: head.request.clone(),
        };
        let timeout = ctx.because(head.cause.clone(), |ctx| {
            ctx.send(NodeId::Broker(broker), Payload::Request(request));
            let late = ControllerTimer::Unanswered { broker, correlation };
            ctx.timer(patience, Timer::Broker(BrokerTimer::Controller(late)))
        });
        channel.state = State::Sent { correlation, timeout };
    }
}
