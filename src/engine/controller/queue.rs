//! The controller's queue: what happened, what is to be done about it, and what a step waits for.
//!
//! Data and dispatch only: what a step does stands in the file of its subject.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::admin::Deadline;
use super::context::LiveBroker;
use super::partitions::Strategy;
use super::write::StateUpdate;
use super::{Controller, Io, Role, admin, deletion, failover, isr, reassignment, znodes};
use crate::engine::broker::connection::Origin;
use crate::engine::context::Cause;
use crate::engine::event::ElectionReason;
use crate::engine::node::BrokerId;
use crate::engine::replica::TopicPartition;
use crate::engine::zk::message::{WatchEvent, WatchKind};
use crate::engine::zk::op::{MultiFailure, Op, OpResult, ZkError};
use crate::protocol::{Request, StopReplicaResponse};

/// The results of a batch: one per operation.
pub(super) type Results = Vec<Result<OpResult, ZkError>>;

/// Something that the controller has to handle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// There may be no controller: the broker is registered, or `/controller` changed.
    Elect,
    /// A broker registered, or its registration went.
    BrokersChanged,
    /// A broker's registration was written again.
    BrokerModified(BrokerId),
    /// A topic came or went.
    TopicsChanged,
    /// A topic's assignment was written.
    AssignmentChanged(Arc<str>),
    /// A topic is to be deleted.
    DeletionsChanged,
    /// Reassignments were asked for in the old way.
    ReassignmentsAsked,
    /// Preferred elections were asked for in the old way.
    PreferredAsked,
    /// A topic allows unclean election since just now, or all do that do not say.
    UncleanAllowed(Option<Arc<str>>),
    /// A broker says which replicas it has deleted.
    ReplicasStopped {
        /// Which broker.
        broker: BrokerId,
        /// What it was to delete.
        asked: Vec<TopicPartition>,
        /// What it says.
        response: StopReplicaResponse,
    },
    /// A broker told of a log directory that failed.
    LogDirsChanged,
    /// The log directory of this broker is offline, as it answers.
    LogDirFailed(BrokerId),
    /// It is time to look at the preferred leaders.
    Rebalance,
    /// Somebody asks for something.
    Request {
        /// What.
        request: Box<Request>,
        /// Who.
        origin: Origin,
        /// How long the sender waits.
        deadline: Option<Deadline>,
    },
}

impl Event {
    /// What a watch that fired means for a controller.
    pub(super) fn of_watch(watch: &WatchEvent) -> Option<Self> {
        match (watch.path.as_ref(), watch.kind) {
            (znodes::CONTROLLER, _) => Some(Self::Elect),
            (znodes::BROKER_IDS, _) => Some(Self::BrokersChanged),
            (znodes::TOPICS, _) => Some(Self::TopicsChanged),
            (znodes::DELETE_TOPICS, _) => Some(Self::DeletionsChanged),
            (znodes::LOG_DIR_EVENTS, _) => Some(Self::LogDirsChanged),
            (znodes::REASSIGN_PARTITIONS, WatchKind::Created | WatchKind::Deleted) => Some(Self::ReassignmentsAsked),
            (znodes::PREFERRED_ELECTION, WatchKind::Created) => Some(Self::PreferredAsked),
            (path, WatchKind::DataChanged) => Self::of_data(path),
            _ => None,
        }
    }

    fn of_data(path: &str) -> Option<Self> {
        if let Some(id) = path.strip_prefix(znodes::BROKER_IDS) {
            return id.strip_prefix('/')?.parse().ok().map(|id| Self::BrokerModified(BrokerId(id)));
        }
        let topic = path.strip_prefix(znodes::TOPICS)?.strip_prefix('/')?;
        (!topic.contains('/')).then(|| Self::AssignmentChanged(topic.into()))
    }
}

/// What waits, each with its cause.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue(VecDeque<(Event, Cause)>);

impl Queue {
    /// Queues an event. One that only says "look again" and waits already is not queued twice.
    pub(super) fn push(&mut self, event: Event, cause: &Cause) {
        let once = !matches!(event, Event::Request { .. } | Event::ReplicasStopped { .. });
        if !once || !self.0.iter().any(|(waiting, _)| *waiting == event) {
            self.0.push_back((event, cause.clone()));
        }
    }

    pub(super) fn pop(&mut self) -> Option<(Event, Cause)> {
        self.0.pop_front()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Takes out the requests, and what only an active controller handles.
    pub(super) fn take_requests(&mut self) -> Vec<(Request, Origin)> {
        let mut requests = Vec::new();
        for (event, cause) in std::mem::take(&mut self.0) {
            match event {
                Event::Request { request, origin, .. } => requests.push((*request, origin)),
                Event::Elect => self.0.push_back((event, cause)),
                _ => {}
            }
        }
        requests
    }
}

/// Something to do.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Read the controller's claim and the epoch.
    ReadClaim,
    /// Load everything: brokers, topics, states.
    Load,
    /// Begin to govern: everything is loaded.
    TakeOver,
    /// These brokers are gone.
    BrokersFailed(BTreeSet<BrokerId>),
    /// These brokers are there.
    BrokersStarted(BTreeMap<BrokerId, LiveBroker>),
    /// Replicas on these brokers are gone: out of the in-sync sets with them.
    ReplicasOffline(BTreeSet<BrokerId>),
    /// Elect leaders for all partitions that have none.
    ElectOffline(ElectionReason),
    /// Elect leaders.
    Elect {
        /// For these partitions.
        partitions: Vec<TopicPartition>,
        /// By this rule.
        strategy: Strategy,
        /// Why.
        reason: ElectionReason,
    },
    /// Write new states.
    Write(Vec<StateUpdate>),
    /// Go on with a topic's deletion, where one can go on.
    Delete,
    /// Go on with reassignments that can.
    Reassign(reassignment::Step),
    /// Answer an admin's request.
    Admin(admin::Step),
    /// Tell everybody who leads.
    Tell(Vec<TopicPartition>),
}

/// Who takes the answer of ZooKeeper.
#[derive(Clone, Debug)]
pub(super) enum Resume {
    /// The claim and the epoch were read.
    ClaimRead,
    /// The claim was written, with this epoch.
    Claimed(i32),
    /// A part of the cluster was loaded.
    Loaded(failover::Loading),
    /// The children of `/brokers/ids` were read.
    BrokerIds,
    /// The registrations of these brokers were read.
    BrokersRead(Vec<BrokerId>),
    /// The registration of this broker was read again.
    BrokerRead(BrokerId),
    /// The children of `/brokers/topics` were read.
    TopicNames,
    /// The assignments of these topics were read.
    TopicsRead(Vec<Arc<str>>),
    /// Settings of topics were read, to know whether unclean election is allowed there.
    SettingsRead {
        /// The topics, in the order of the results.
        topics: Vec<Arc<str>>,
        /// Their partitions that need a leader.
        partitions: Vec<TopicPartition>,
    },
    /// States were written.
    Written(Vec<StateUpdate>),
    /// States that leaders asked for were written.
    IsrWritten(isr::Pending),
    /// Of a topic's deletion.
    Deletion(deletion::Resume),
    /// Of a reassignment.
    Reassignment(reassignment::Resume),
    /// Of an admin's request.
    Admin(admin::Resume),
    /// The children of `/log_dir_event_notification` were read.
    LogDirEvents,
    /// They were read themselves, and deleted.
    LogDirEventsRead,
    /// Old-style preferred elections were read.
    PreferredRead,
    /// Nobody: the step is done when it is written.
    Nothing,
}

impl Controller {
    /// Begins with an event.
    pub(super) fn begin(&mut self, event: Event, io: &mut Io<'_, '_>) {
        if self.role != Role::Active && event != Event::Elect {
            if let Event::Request { request, origin, .. } = event {
                self.refuse(&request, &origin);
            }
            return;
        }
        match event {
            Event::Elect => self.first([Step::ReadClaim]),
            Event::BrokersChanged => self.ask(vec![Op::children_and_watch(znodes::BROKER_IDS)], Resume::BrokerIds, io),
            Event::BrokerModified(id) => {
                self.ask(vec![Op::get_and_watch(znodes::broker_path(id))], Resume::BrokerRead(id), io);
            }
            Event::TopicsChanged => self.ask(vec![Op::children_and_watch(znodes::TOPICS)], Resume::TopicNames, io),
            Event::AssignmentChanged(topic) => {
                self.ask(vec![Op::get_and_watch(znodes::topic_path(&topic))], Resume::TopicsRead(vec![topic]), io);
            }
            Event::DeletionsChanged => self.read_deletions(io),
            Event::LogDirsChanged => {
                self.ask(vec![Op::children_and_watch(znodes::LOG_DIR_EVENTS)], Resume::LogDirEvents, io);
            }
            Event::LogDirFailed(broker) => self.log_dirs_failed(&BTreeSet::from([broker]), io),
            Event::ReassignmentsAsked => self.read_reassignments(io),
            Event::PreferredAsked => self.ask(vec![Op::get(znodes::PREFERRED_ELECTION)], Resume::PreferredRead, io),
            Event::UncleanAllowed(topic) => self.elect_uncleanly(topic.as_deref()),
            Event::ReplicasStopped { broker, asked, response } => self.replicas_stopped(broker, &asked, &response),
            Event::Rebalance => self.rebalance(io),
            Event::Request { request, origin, deadline } => self.request(*request, origin, deadline, io),
        }
    }

    /// Does a step.
    pub(super) fn step(&mut self, step: Step, io: &mut Io<'_, '_>) {
        match step {
            Step::ReadClaim => self.read_claim(io),
            Step::Load => self.load(io),
            Step::TakeOver => self.take_over(io),
            Step::BrokersFailed(brokers) => self.brokers_failed(&brokers, io),
            Step::BrokersStarted(brokers) => self.brokers_started(brokers, io),
            Step::ReplicasOffline(brokers) => self.replicas_offline(&brokers),
            Step::ElectOffline(reason) => self.elect_offline(reason),
            Step::Elect { partitions, strategy, reason } => self.elect(partitions, strategy, reason, io),
            Step::Write(updates) => self.write(updates, io),
            Step::Delete => self.go_on_deleting(io),
            Step::Reassign(step) => self.reassign(step, io),
            Step::Admin(step) => self.admin(step, io),
            Step::Tell(partitions) => {
                let everybody = self.cluster.reachable();
                self.batch.tell(&everybody, partitions);
                self.flush(io.ctx);
            }
        }
    }

    /// Asks ZooKeeper; the event in hand rests until the answer.
    pub(super) fn ask(&mut self, ops: Vec<Op>, resume: Resume, io: &mut Io<'_, '_>) {
        let ticket = io.zk.submit(ops, io.ctx);
        self.waiting = Some((ticket, resume));
    }

    /// ZooKeeper answered.
    pub(super) fn resume(&mut self, resume: Resume, results: &Results, io: &mut Io<'_, '_>) {
        if results.iter().any(|result| matches!(result, Err(ZkError::SessionExpired))) {
            // The session's end is on its way here.
            return self.steps.clear();
        }
        if results.iter().any(|result| matches!(result, Err(ZkError::ConnectionLoss))) {
            return self.start_over(io);
        }
        let electing = matches!(resume, Resume::ClaimRead | Resume::Claimed(_));
        if !electing && results.iter().any(is_fenced) {
            self.resign("a newer controller has written its epoch", io.ctx);
            self.queue.push(Event::Elect, &io.ctx.cause);
            return;
        }
        self.dispatch(resume, results, io);
    }

    fn dispatch(&mut self, resume: Resume, results: &Results, io: &mut Io<'_, '_>) {
        match resume {
            Resume::ClaimRead => self.claim_read(results, io),
            Resume::Claimed(epoch) => self.claimed(epoch, results, io),
            Resume::Loaded(loading) => self.loaded(loading, results, io),
            Resume::BrokerIds => self.broker_ids(results, io),
            Resume::BrokersRead(ids) => self.brokers_read(&ids, results, io),
            Resume::BrokerRead(id) => self.broker_read(id, results, io),
            Resume::TopicNames => self.topic_names(results, io),
            Resume::TopicsRead(names) => self.topics_read(&names, results, io),
            Resume::SettingsRead { topics, partitions } => self.settings_read(&topics, partitions, results),
            Resume::Written(updates) => self.written(updates, results, io),
            Resume::IsrWritten(pending) => self.isr_written(pending, results, io),
            Resume::Deletion(resume) => self.resume_deletion(resume, results, io),
            Resume::Reassignment(resume) => self.resume_reassignment(resume, results, io),
            Resume::Admin(resume) => self.resume_admin(resume, results, io),
            Resume::LogDirEvents => self.log_dir_events(results, io),
            Resume::LogDirEventsRead => self.log_dir_events_read(results, io),
            Resume::PreferredRead => self.preferred_read(results, io),
            Resume::Nothing => {}
        }
    }

    /// What is not known any more is loaded anew: the outcome of a write was lost, or something stands in ZooKeeper
    /// that this controller did not write.
    pub(super) fn start_over(&mut self, io: &mut Io<'_, '_>) {
        self.resign("what stands in ZooKeeper is not certain, all is read anew", io.ctx);
        self.queue.push(Event::Elect, &io.ctx.cause);
    }
}

/// Whether a write failed because the controller's epoch is not the newest: the check comes first in each.
fn is_fenced(result: &Result<OpResult, ZkError>) -> bool {
    let fenced = [ZkError::BadVersion, ZkError::NoNode];
    matches!(result, Ok(OpResult::Multi(Err(MultiFailure { member: 0, error }))) if fenced.contains(error))
}
