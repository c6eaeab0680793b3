//! The controller: the one broker that decides who leads. Kafka 3.9's `KafkaController` in ZooKeeper mode.
//!
//! Every broker has one of these; the broker whose create of `/controller` succeeded has the active one. It watches
//! ZooKeeper for brokers and topics that come and go, elects leaders, writes them to ZooKeeper and tells the brokers.
//!
//! # One thing at a time
//!
//! Whatever happens (a watch fires, a request comes, a timer) is an [`Event`] in a queue, and one event is handled at a
//! time, as in Kafka's `ControllerEventManager`. An event is a list of [`Step`]s. A step does something at once, puts
//! further steps before the rest, or asks ZooKeeper: then everything rests until the answer, which goes to the step's
//! [`Resume`].
//!
//! ```text
//!   watch, request, timer -> queue -> event -> steps -> ask ZooKeeper -> resume -> steps ... -> next event
//!                                                 `-> LeaderAndIsr, UpdateMetadata, StopReplica -> channels -> brokers
//! ```
//!
//! # Roles
//!
//! ```text
//!   Idle --registered--> Candidate --/controller exists--> Follower --/controller vanished--> Candidate
//!                            `------created it------> Loading --loaded--> Active
//!                                                         `--fenced, another is there, session lost--> Follower, Idle
//! ```
//!
//! # What holds
//!
//! - Every write is one transaction with a check of `/controller_epoch`'s version, so a controller that has been
//!   replaced cannot write; it resigns when that check fails.
//! - What [`ClusterContext`] says of partitions is what ZooKeeper says: it changes after the write, never before. When
//!   a write's outcome is not known (the connection was lost), everything is loaded anew.
//! - Brokers hear of a decision only after it was written, each over one connection, in order.
//! - The last member of an in-sync set is never taken out: the partition is without a leader then.
//!
//! # What is left out
//!
//! Several log directories per broker, the migration to `KRaft`, feature versions, delegation tokens. Kafka writes one
//! transaction per partition; here up to [`MAX_PER_WRITE`] partitions share one, which shows on no broker.

mod admin;
mod batch;
mod brokers;
mod channel;
mod context;
mod deletion;
mod election;
mod failover;
mod isr;
mod log_dirs;
mod partitions;
mod preferred;
mod queue;
mod reassignment;
mod shutdown;
mod topics;
mod write;
pub mod znodes;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

pub use self::context::{ClusterContext, Leadership, LiveBroker, Partition, Stage, Topic};

use self::admin::{Admin, WaiterId};
use self::batch::RequestBatch;
use self::channel::{Channels, Purpose};
use self::deletion::Deletion;
use self::queue::{Event, Queue, Results, Resume, Step};
use super::broker::connection::Origin;
use super::context::{Context, Id};
use super::event::{ControllerEvent, EventKind};
use super::node::BrokerId;
use super::replica::TopicPartition;
use super::settings::Settings;
use super::time::Clock;
use super::zk::client::{Ticket, ZkClient};
use super::zk::message::WatchEvent;
use crate::protocol::{ErrorCode, Request, Response};

/// How many partitions share one transaction at most: a request to ZooKeeper stays far below its limit of 1 MiB
/// (deviation: many-states-per-write).
pub const MAX_PER_WRITE: usize = 500;

/// What a controller's timers say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControllerTimer {
    /// The pause after a failed request to this broker is over.
    Resend(BrokerId),
    /// A broker has not answered this request in time.
    Unanswered {
        /// Which broker.
        broker: BrokerId,
        /// The request's number.
        correlation: Id,
    },
    /// Look for partitions that their preferred leader does not lead.
    Rebalance {
        /// The epoch of the controller that set it: another one has its own.
        epoch: i32,
    },
    /// An admin client has waited as long as it said it would.
    Expire(WaiterId),
}

/// What part the broker has in the controller's election.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// The broker is not registered.
    #[default]
    Idle,
    /// It looks whether there is a controller, and tries to become it.
    Candidate,
    /// Another broker is the controller.
    Follower,
    /// It was elected, and reads what ZooKeeper knows.
    Loading,
    /// It is the controller.
    Active,
}

/// The controller in a broker. See the [module](self).
#[derive(Clone, Debug)]
pub struct Controller {
    id: BrokerId,
    settings: Arc<Settings>,
    role: Role,
    /// The number of this broker's registration.
    broker_epoch: i64,
    /// Its epoch as the controller: meaningful while it is loading or active.
    epoch: i32,
    /// The version of `/controller_epoch` that all its writes check.
    epoch_version: i32,
    cluster: ClusterContext,
    channels: Channels,
    batch: RequestBatch,
    deletion: Deletion,
    admin: Admin,
    queue: Queue,
    /// What is left to do of the event in hand.
    steps: VecDeque<Step>,
    /// What the event in hand waits for.
    waiting: Option<(Ticket, Resume)>,
    /// What became of each partition that the event in hand tried to elect a leader for.
    outcomes: BTreeMap<TopicPartition, ErrorCode>,
    replies: Vec<(Origin, Response)>,
}

/// What a step works with: the ZooKeeper client and the context of the message in hand.
struct Io<'a, 'b> {
    zk: &'a mut ZkClient,
    ctx: &'a mut Context<'b>,
}

impl Controller {
    /// The controller of a broker that is not registered yet.
    pub fn new(id: BrokerId, settings: Arc<Settings>) -> Self {
        let patience = Duration::from_millis(u64::try_from(settings.controller_socket_timeout_ms).unwrap_or_default());
        Self {
            id,
            channels: Channels::new(id, patience),
            settings,
            role: Role::Idle,
            broker_epoch: -1,
            epoch: 0,
            epoch_version: 0,
            cluster: ClusterContext::default(),
            batch: RequestBatch::default(),
            deletion: Deletion::default(),
            admin: Admin::default(),
            queue: Queue::default(),
            steps: VecDeque::new(),
            waiting: None,
            outcomes: BTreeMap::new(),
            replies: Vec::new(),
        }
    }

    /// The broker is registered in ZooKeeper, with this epoch (czxid): from now on it tries to become the controller
    /// whenever there is none.
    pub fn start(&mut self, broker_epoch: i64, zk: &mut ZkClient, ctx: &mut Context<'_>) {
        self.broker_epoch = broker_epoch;
        self.role = Role::Candidate;
        self.queue.push(Event::Elect, &ctx.cause);
        self.work(zk, ctx);
    }

    /// A ZooKeeper batch is answered. Returns false where it is not this controller's, or not any more.
    pub fn on_done(&mut self, ticket: Ticket, results: &Results, zk: &mut ZkClient, ctx: &mut Context<'_>) -> bool {
        let Some((_, resume)) = self.waiting.take_if(|(awaited, _)| *awaited == ticket) else { return false };
        self.on_lab_clock(ctx, |controller, ctx| {
            // What goes on after this is caused by what it reports: the steps that follow are run under its cause.
            controller.resume(resume, results, &mut Io { zk: &mut *zk, ctx: &mut *ctx });
            controller.go_on(zk, ctx);
        });
        true
    }

    /// The settings of the broker are these from now on.
    pub fn set_settings(&mut self, settings: Arc<Settings>) {
        self.settings = settings;
    }

    /// Unclean election is allowed from now on, for a topic or where topics do not say: what has no leader may get one.
    /// Kafka's `TopicUncleanLeaderElectionEnable`. Nothing in a broker that is not the controller.
    pub fn unclean_election_allowed(&mut self, topic: Option<Arc<str>>, zk: &mut ZkClient, ctx: &mut Context<'_>) {
        if self.is_active() {
            self.queue.push(Event::UncleanAllowed(topic), &ctx.cause);
            self.work(zk, ctx);
        }
    }

    /// A watch of this broker's session fired.
    pub fn on_watch(&mut self, event: &WatchEvent, zk: &mut ZkClient, ctx: &mut Context<'_>) {
        let leading = matches!(self.role, Role::Loading | Role::Active);
        if let Some(event) = Event::of_watch(event).filter(|event| leading || *event == Event::Elect) {
            self.queue.push(event, &ctx.cause);
            self.work(zk, ctx);
        }
    }

    /// The broker's session is over, and with it its registration and its claim.
    pub fn on_session_lost(&mut self, ctx: &mut Context<'_>) {
        self.resign("its ZooKeeper session is over", ctx);
        self.role = Role::Idle;
        self.waiting = None;
        self.queue.clear();
    }

    /// A timer that this controller set.
    pub fn on_timer(&mut self, timer: &ControllerTimer, zk: &mut ZkClient, ctx: &mut Context<'_>) {
        match timer {
            ControllerTimer::Resend(broker) => self.channels.resend(*broker, ctx),
            ControllerTimer::Unanswered { broker, correlation } => self.channels.timed_out(*broker, *correlation, ctx),
            ControllerTimer::Expire(waiter) => self.expire(*waiter),
            ControllerTimer::Rebalance { epoch } if self.is_active() && *epoch == self.epoch => {
                self.queue.push(Event::Rebalance, &ctx.cause);
            }
            ControllerTimer::Rebalance { .. } => {}
        }
        self.work(zk, ctx);
    }

    /// A broker answered a request of this controller.
    pub fn on_response(
        &mut self,
        from: BrokerId,
        correlation: Id,
        response: Response,
        zk: &mut ZkClient,
        ctx: &mut Context<'_>,
    ) {
        let Some(done) = self.channels.answered(from, correlation, ctx) else { return };
        match (done.purpose, response) {
            (Purpose::Delete(asked), Response::StopReplica(response)) => {
                self.queue.push(Event::ReplicasStopped { broker: from, asked, response }, &ctx.cause);
            }
            (Purpose::Metadata(_), _) => self.answer_waiters(ctx),
            (_, Response::LeaderAndIsr(answer)) => {
                self.check_hosting(from, &answer, &mut Io { zk: &mut *zk, ctx: &mut *ctx });
            }
            _ => {}
        }
        self.work(zk, ctx);
    }

    /// The connection to a broker is lost. What it was asked is asked again for as long as it is registered.
    pub fn on_closed(&mut self, broker: BrokerId, ctx: &mut Context<'_>) {
        self.channels.closed(broker, ctx);
    }

    /// A request that only the active controller serves: it is answered through [`Self::take_replies`], now or later.
    /// Any other broker answers [`NOT_CONTROLLER`](ErrorCode::NOT_CONTROLLER).
    pub fn on_request(&mut self, request: Request, origin: Origin, zk: &mut ZkClient, ctx: &mut Context<'_>) {
        if self.is_active() {
            let deadline = self.admin.deadline(&request, ctx);
            self.queue.push(Event::Request { request: Box::new(request), origin, deadline }, &ctx.cause);
            self.work(zk, ctx);
        } else {
            self.refuse(&request, &origin);
        }
    }

    /// The answers that are ready.
    pub fn take_replies(&mut self) -> Vec<(Origin, Response)> {
        std::mem::take(&mut self.replies)
    }

    /// Whether this is the controller, with everything loaded.
    pub fn is_active(&self) -> bool {
        self.role == Role::Active
    }

    /// Its part in the election.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Its epoch: of its last time as the controller, 0 before.
    pub fn epoch(&self) -> i32 {
        self.epoch
    }

    /// What it knows of the cluster; empty unless it is the controller.
    pub fn cluster(&self) -> &ClusterContext {
        &self.cluster
    }

    /// Whether nothing is under way: no event, no request to a broker.
    pub fn is_settled(&self) -> bool {
        self.waiting.is_none() && self.queue.is_empty() && self.channels.pending() == 0
    }

    /// Does what can be done now. Its own work runs on lab time, whoever's request began it.
    fn work(&mut self, zk: &mut ZkClient, ctx: &mut Context<'_>) {
        self.on_lab_clock(ctx, |controller, ctx| controller.go_on(zk, ctx));
    }

    /// Goes on with the event in hand, then with the next, until one has to wait.
    fn go_on(&mut self, zk: &mut ZkClient, ctx: &mut Context<'_>) {
        while self.waiting.is_none() {
            if let Some(step) = self.steps.pop_front() {
                self.step(step, &mut Io { zk: &mut *zk, ctx: &mut *ctx });
            } else if let Some((event, cause)) = self.queue.pop() {
                self.outcomes.clear();
                ctx.cause = cause;
                self.begin(event, &mut Io { zk: &mut *zk, ctx: &mut *ctx });
            } else {
                break;
            }
        }
    }

    /// Runs `work` on lab time, and gives the caller its cause and clock back.
    fn on_lab_clock(&mut self, ctx: &mut Context<'_>, work: impl FnOnce(&mut Self, &mut Context<'_>)) {
        let clock = std::mem::replace(&mut ctx.clock, Clock::Lab);
        let cause = ctx.cause.clone();
        work(self, ctx);
        ctx.cause = cause;
        ctx.clock = clock;
    }

    /// Does these before what is left of the event in hand.
    fn first(&mut self, steps: impl IntoIterator<Item = Step, IntoIter: DoubleEndedIterator>) {
        for step in steps.into_iter().rev() {
            self.steps.push_front(step);
        }
    }

    /// Gives up what a controller has: another takes over, or this one starts again.
    fn resign(&mut self, because: &'static str, ctx: &mut Context<'_>) {
        if matches!(self.role, Role::Loading | Role::Active) {
            ctx.emit(EventKind::Controller(ControllerEvent::Resigned { epoch: self.epoch, because }));
        }
        self.role = Role::Candidate;
        self.forget(ctx);
    }

    /// Forgets all that was loaded and is under way; who waits for an answer is sent away.
    fn forget(&mut self, ctx: &mut Context<'_>) {
        self.steps.clear();
        self.waiting = None;
        self.batch = RequestBatch::default();
        self.channels.clear(ctx);
        self.cluster = ClusterContext::default();
        self.deletion = Deletion::default();
        for (request, origin) in self.queue.take_requests() {
            self.refuse(&request, &origin);
        }
        self.refuse_waiters();
    }
}

/// The numbers of brokers, as messages have them.
fn numbers(ids: &[BrokerId]) -> Vec<i32> {
    ids.iter().map(|id| id.0).collect()
}
