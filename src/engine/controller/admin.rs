//! Requests to the active controller: who asked, how long they wait, and who is sent away.
//!
//! `CreateTopics`, `DeleteTopics` and `CreatePartitions` are answered when the change shows in the metadata of this broker, or
//! when the sender's time is up, as Kafka's purgatory does it. Nothing is lost then: the change goes on.

mod assign;
mod create_partitions;
mod create_topics;
mod delete_topics;
mod refusal;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::queue::Results;
use super::{Controller, ControllerTimer, Io};
use crate::engine::broker::BrokerTimer;
use crate::engine::broker::connection::Origin;
use crate::engine::context::{Context, Timer, TimerId};
use crate::protocol::{ErrorCode, Request, Response};

/// The number of a request that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WaiterId(u64);

/// How long a request's sender waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Deadline {
    waiter: WaiterId,
    timer: TimerId,
}

/// When a topic is as its request wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    /// It has at least this many partitions, and all have leaders.
    Led(usize),
    /// It is gone.
    Gone,
}

/// A request that is carried out and not answered yet.
#[derive(Clone, Debug)]
struct Waiter {
    origin: Origin,
    /// What it will be answered, if all goes well.
    response: Response,
    topics: BTreeMap<Arc<str>, Until>,
    timer: TimerId,
    /// The metadata update that shows it, once there is one.
    update: Option<u64>,
}

/// The requests of admins.
#[derive(Clone, Debug, Default)]
pub(super) struct Admin {
    last: u64,
    /// The request in hand, until it is answered or waits.
    in_hand: Option<(Box<Request>, Origin)>,
    waiters: BTreeMap<WaiterId, Waiter>,
}

/// What is still to be done for a request.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Answer an `ElectLeaders`.
    Elected(super::preferred::Asked),
    /// Answer a ControlledShutdown.
    ShutDown(super::shutdown::Asked),
}

/// What ZooKeeper was asked for a request.
#[derive(Clone, Debug)]
pub(super) enum Resume {
    /// The names of topics and of their settings were read, before some are created.
    Names(create_topics::Asked),
    /// Topics were written.
    TopicsWritten(create_topics::Creating),
    /// Deletions were written.
    DeletionsWritten(delete_topics::Deleting),
    /// Larger assignments were written.
    PartitionsWritten(create_partitions::Growing),
}

impl Admin {
    /// Notes when a request's sender stops waiting, on the sender's clock. None for requests that do not wait.
    pub(super) fn deadline(&mut self, request: &Request, ctx: &mut Context<'_>) -> Option<Deadline> {
        let timeout_ms = match request {
            Request::CreateTopics(request) => request.timeout_ms,
            Request::DeleteTopics(request) => request.timeout_ms,
            Request::CreatePartitions(request) => request.timeout_ms,
            _ => return None,
        };
        self.last += 1;
        let waiter = WaiterId(self.last);
        let wait = Duration::from_millis(u64::try_from(timeout_ms).unwrap_or(0));
        let timer = ctx.timer(wait, Timer::Broker(BrokerTimer::Controller(ControllerTimer::Expire(waiter))));
        Some(Deadline { waiter, timer })
    }
}

impl Controller {
    /// Carries out a request.
    pub(super) fn request(
        &mut self,
        request: Request,
        origin: Origin,
        deadline: Option<Deadline>,
        io: &mut Io<'_, '_>,
    ) {
        self.admin.in_hand = Some((Box::new(request.clone()), origin.clone()));
        match (request, deadline) {
            (Request::AlterPartition(request), _) => self.alter_partition(&request, origin, io),
            (Request::CreateTopics(request), Some(deadline)) => self.create_topics(request, origin, deadline, io),
            (Request::DeleteTopics(request), Some(deadline)) => self.delete_topics(&request, origin, deadline, io),
            (Request::CreatePartitions(request), Some(deadline)) => {
                self.create_partitions(&request, origin, deadline, io);
            }
            (Request::ElectLeaders(request), _) => self.elect_leaders(&request, origin),
            (Request::ControlledShutdown(request), _) => self.controlled_shutdown(&request, origin, io),
            (Request::AlterPartitionReassignments(request), _) => self.alter_reassignments(&request, origin, io),
            (Request::ListPartitionReassignments(request), _) => self.list_reassignments(&request, origin),
            (request, _) => self.refuse(&request, &origin),
        }
    }

    /// Goes on with a request.
    pub(super) fn admin(&mut self, step: Step, io: &mut Io<'_, '_>) {
        match step {
            Step::Elected(asked) => self.answer_election(asked),
            Step::ShutDown(asked) => self.answer_shutdown(asked, io),
        }
    }

    /// ZooKeeper answered.
    pub(super) fn resume_admin(&mut self, resume: Resume, results: &Results, io: &mut Io<'_, '_>) {
        match resume {
            Resume::Names(asked) => self.names_read(asked, results, io),
            Resume::TopicsWritten(creating) => self.topics_written(creating, results, io),
            Resume::DeletionsWritten(deleting) => self.deletions_written(deleting, results, io),
            Resume::PartitionsWritten(growing) => self.partitions_written(growing, results, io),
        }
    }

    /// Answers a request.
    pub(super) fn reply(&mut self, origin: Origin, response: Response) {
        self.admin.in_hand.take_if(|(_, in_hand)| *in_hand == origin);
        self.replies.push((origin, response));
    }

    /// Answers with `NOT_CONTROLLER`.
    pub(super) fn refuse(&mut self, request: &Request, origin: &Origin) {
        if let Some(response) = refusal::not_controller(request) {
            self.reply(origin.clone(), response);
        }
    }

    /// The controller resigned: whoever waits asks the next one.
    pub(super) fn refuse_waiters(&mut self) {
        if let Some((request, origin)) = self.admin.in_hand.take() {
            self.refuse(&request, &origin);
        }
        for (_, mut waiter) in std::mem::take(&mut self.admin.waiters) {
            let topics = waiter.topics.into_keys().collect();
            refusal::fail(&mut waiter.response, &topics, ErrorCode::NOT_CONTROLLER);
            self.reply(waiter.origin, waiter.response);
        }
    }

    /// Answers when `topics` are as they should be, or when the sender's time is up: at once, if it is already.
    fn reply_when(
        &mut self,
        origin: Origin,
        response: Response,
        topics: BTreeMap<Arc<str>, Until>,
        deadline: Deadline,
        ctx: &mut Context<'_>,
    ) {
        self.admin.in_hand = None;
        if topics.is_empty() {
            ctx.cancel(deadline.timer);
            return self.reply(origin, response);
        }
        let waiter = Waiter { origin, response, topics, timer: deadline.timer, update: None };
        self.admin.waiters.insert(deadline.waiter, waiter);
        if ctx.now.on(deadline.timer.clock) >= deadline.timer.at {
            self.expire(deadline.waiter);
        }
    }

    /// Metadata went out: those whose topics it shows wait for this broker to have it.
    pub(super) fn note_metadata_sent(&mut self) {
        let newest = self.channels.last_update(self.id);
        let cluster = &self.cluster;
        for waiter in self.admin.waiters.values_mut().filter(|waiter| waiter.update.is_none()) {
            if waiter.topics.iter().all(|(topic, until)| is_so(cluster, topic, *until)) {
                waiter.update = Some(newest);
            }
        }
    }

    /// This broker has taken up metadata: answers those who waited for that.
    pub(super) fn answer_waiters(&mut self, ctx: &mut Context<'_>) {
        let has = |waiter: &Waiter| waiter.update.is_some_and(|update| self.channels.has_update(self.id, update));
        let ready: Vec<WaiterId> = self.admin.waiters.iter().filter(|(_, w)| has(w)).map(|(id, _)| *id).collect();
        for id in ready {
            if let Some(waiter) = self.admin.waiters.remove(&id) {
                ctx.cancel(waiter.timer);
                self.reply(waiter.origin, waiter.response);
            }
        }
    }

    /// A sender's time is up: what is not done by now is answered with `REQUEST_TIMED_OUT`, and goes on all the same.
    pub(super) fn expire(&mut self, id: WaiterId) {
        let Some(mut waiter) = self.admin.waiters.remove(&id) else { return };
        let late: BTreeSet<Arc<str>> = waiter
            .topics
            .iter()
            .filter(|(topic, until)| !is_so(&self.cluster, topic, **until))
            .map(|(topic, _)| Arc::clone(topic))
            .collect();
        refusal::fail(&mut waiter.response, &late, ErrorCode::REQUEST_TIMED_OUT);
        self.reply(waiter.origin, waiter.response);
    }
}

fn is_so(cluster: &super::ClusterContext, topic: &str, until: Until) -> bool {
    match (until, cluster.topic(topic)) {
        (Until::Led(count), Some(topic)) => {
            let led = topic.partitions.values().filter(|partition| partition.leader().is_some()).count();
            led >= count && led == topic.partitions.len()
        }
        (Until::Led(_), None) => false,
        (Until::Gone, topic) => topic.is_none(),
    }
}
