//! Partitions that move to other brokers (KIP-455). Kafka's `onPartitionReassignment`.
//!
//! ```text
//!   asked -> the topic's znode names who comes (adding) and who goes (removing)
//!         -> Copying: all replicas host the partition under a new leader epoch; those that come copy
//!         -> (the last of them joins the in-sync set)
//!         -> Leaving: one of the target leads; those that go leave the in-sync set, stop, are deleted
//!         -> the znode has the target alone: done
//! ```
//!
//! It can be called off while it is copying: then those that came go again. A new controller, and a broker that comes
//! back, take it up where it is: the znode has it all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::batch::by_topic;
use super::context::{Partition, Stage};
use super::partitions::Strategy;
use super::queue::{Results, Resume as Wait, Step as Queued};
use super::write::{StateUpdate, Why, is_written};
use super::znodes::{self, Assignment};
use super::{Controller, Io, numbers};
use crate::engine::broker::connection::Origin;
use crate::engine::event::{ControllerEvent, ElectionReason, EventKind, ReassignmentStep};
use crate::engine::node::BrokerId;
use crate::engine::replica::TopicPartition;
use crate::engine::zk::op::{ANY_VERSION, Op, OpResult, Write};
use crate::protocol::alter_partition_reassignments::{ReassignablePartitionResponse, ReassignableTopicResponse};
use crate::protocol::list_partition_reassignments::{OngoingPartitionReassignment, OngoingTopicReassignment};
use crate::protocol::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, ErrorCode,
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse,
};

/// What is to be done about reassignments.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A new controller takes all up.
    ResumeAll,
    /// Brokers are back: those that move to them go on.
    ResumeFor(BTreeSet<BrokerId>),
    /// In-sync sets changed: those of these that are ready go on.
    ResumeOf(Vec<TopicPartition>),
    /// Go on with one.
    Go(TopicPartition),
    /// All its replicas take up a new leader epoch.
    NewEpoch(TopicPartition),
    /// Those that come begin to copy.
    Host(TopicPartition),
    /// One of the target is to lead.
    MoveLeader(TopicPartition),
    /// These leave the in-sync set.
    Leave(TopicPartition, Vec<BrokerId>),
    /// These are deleted.
    Stop(TopicPartition, Vec<BrokerId>),
    /// The znode has the target alone.
    Finish(TopicPartition, ReassignmentStep),
}

/// What ZooKeeper was asked for a reassignment.
#[derive(Clone, Debug)]
pub(super) enum Resume {
    /// Which are asked for in the old way.
    Asked,
    /// They are written to the topics' znodes; who is told.
    Begun(Vec<Move>, Option<(Origin, Box<AlterPartitionReassignmentsResponse>)>),
    /// One is done.
    Finished(TopicPartition, ReassignmentStep),
}

/// A partition that is to move.
#[derive(Clone, Debug)]
pub(super) struct Move {
    id: TopicPartition,
    next: Assignment,
}

impl Controller {
    pub(super) fn alter_reassignments(
        &mut self,
        request: &AlterPartitionReassignmentsRequest,
        origin: Origin,
        io: &mut Io<'_, '_>,
    ) {
        let mut moves = Vec::new();
        let mut response = AlterPartitionReassignmentsResponse::default();
        for topic in &request.topics {
            let mut partitions = Vec::new();
            for asked in &topic.partitions {
                let id = TopicPartition::new(Arc::clone(&topic.name), asked.partition_index);
                let target = asked.replicas.as_ref().map(|ids| ids.iter().copied().map(BrokerId).collect::<Vec<_>>());
                let planned = self.plan_move(&id, target);
                let (error_code, message) = match planned {
                    Ok(next) => {
                        moves.push(Move { id, next });
                        (ErrorCode::NONE, None)
                    }
                    Err((error, message)) => (error, Some(Arc::from(message))),
                };
                let partition_index = asked.partition_index;
                partitions.push(ReassignablePartitionResponse { partition_index, error_code, error_message: message });
            }
            response.responses.push(ReassignableTopicResponse { name: Arc::clone(&topic.name), partitions });
        }
        if moves.is_empty() {
            return self.reply(origin, response.into());
        }
        self.write_moves(moves, Some((origin, Box::new(response))), io);
    }

    /// The assignment to write for a move to `target`, or back to where it came from.
    fn plan_move(
        &self,
        id: &TopicPartition,
        target: Option<Vec<BrokerId>>,
    ) -> Result<Assignment, (ErrorCode, &'static str)> {
        let known = self.cluster.partition(id).filter(|_| !self.deletion.is_queued(&id.topic));
        let unknown = (ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, "The partition does not exist.");
        let now = &known.ok_or(unknown)?.assignment;
        let origin = now.origin();
        let Some(target) = target else {
            let none = (ErrorCode::NO_REASSIGNMENT_IN_PROGRESS, "No partition reassignment is in progress.");
            return if now.is_moving() { Ok(Assignment::of(origin)) } else { Err(none) };
        };
        let distinct: BTreeSet<&BrokerId> = target.iter().collect();
        let wrong = |message| Err((ErrorCode::INVALID_REPLICA_ASSIGNMENT, message));
        if target.is_empty() {
            return wrong("Empty replica list specified in partition reassignment.");
        }
        if distinct.len() != target.len() {
            return wrong("Duplicate replica ids in partition reassignment replica list.");
        }
        if target.iter().any(|broker| !self.cluster.is_live(*broker)) {
            return wrong("Replica assignment has brokers that are not alive.");
        }
        let stays = origin.iter().filter(|broker| !target.contains(broker));
        let replicas: Vec<BrokerId> = target.iter().chain(stays).copied().collect();
        let adding = replicas.iter().copied().filter(|broker| !origin.contains(broker)).collect();
        let removing = replicas.iter().copied().filter(|broker| !target.contains(broker)).collect();
        Ok(Assignment { replicas, adding, removing })
    }

    /// Writes where partitions are to go: one znode per topic.
    fn write_moves(
        &mut self,
        moves: Vec<Move>,
        answer: Option<(Origin, Box<AlterPartitionReassignmentsResponse>)>,
        io: &mut Io<'_, '_>,
    ) {
        let ops = self.writes_of_moves(&moves).into_iter().map(|write| self.guarded([write])).collect();
        self.ask(ops, Wait::Reassignment(Resume::Begun(moves, answer)), io);
    }

    /// The assignments with these moves in them: one write per topic.
    fn writes_of_moves(&self, moves: &[Move]) -> Vec<Write> {
        let mut topics: BTreeMap<&Arc<str>, znodes::TopicNode> = BTreeMap::new();
        for Move { id, next } in moves {
            let Some(topic) = self.cluster.topic(&id.topic) else { continue };
            topics.entry(&id.topic).or_insert_with(|| topic.node()).partitions.insert(id.partition, next.clone());
        }
        topics.into_iter().map(|(name, node)| write_topic(name, &node)).collect()
    }

    pub(super) fn resume_reassignment(&mut self, resume: Resume, results: &Results, io: &mut Io<'_, '_>) {
        match resume {
            Resume::Asked => self.reassignments_read(results, io),
            _ if !results.iter().all(is_written) => self.start_over(io),
            Resume::Begun(moves, answer) => {
                self.begun(moves, io);
                if let Some((origin, response)) = answer {
                    self.reply(origin, (*response).into());
                }
            }
            Resume::Finished(id, step) => self.finished(&id, step, io),
        }
    }

    /// The moves are written: whoever came by an earlier one and is not wanted any more goes.
    fn begun(&mut self, moves: Vec<Move>, io: &mut Io<'_, '_>) {
        let mut steps = Vec::new();
        for Move { id, next } in moves {
            let Some(partition) = self.cluster.partition_mut(&id) else { continue };
            let before = std::mem::replace(&mut partition.assignment, next.clone());
            let unwanted: Vec<BrokerId> =
                before.replicas.iter().copied().filter(|broker| !next.replicas.contains(broker)).collect();
            let event = ControllerEvent::Reassignment {
                partition: id.clone(),
                step: match (next.is_moving(), before.is_moving()) {
                    (true, _) => ReassignmentStep::Began,
                    (false, true) => ReassignmentStep::Cancelled,
                    // The same brokers in another order: there is nothing to copy.
                    (false, false) => ReassignmentStep::Done,
                },
                adding: next.adding.clone(),
                removing: if next.is_moving() { next.removing.clone() } else { unwanted.clone() },
            };
            io.ctx.emit(EventKind::Controller(event));
            if !unwanted.is_empty() {
                steps.push(Step::Leave(id.clone(), unwanted.clone()));
                steps.push(Step::Stop(id.clone(), unwanted));
            }
            steps.push(Step::Go(id));
        }
        self.first(steps.into_iter().map(Queued::Reassign).collect::<Vec<_>>());
    }

    /// Does a step.
    pub(super) fn reassign(&mut self, step: Step, io: &mut Io<'_, '_>) {
        match step {
            Step::ResumeAll => self.go_where(|_, partition| partition.assignment.is_moving()),
            Step::ResumeFor(brokers) => self.go_where(|_, partition| {
                let target = || partition.assignment.target();
                partition.assignment.is_moving() && target().iter().any(|broker| brokers.contains(broker))
            }),
            Step::ResumeOf(partitions) => {
                let ready = |id: &TopicPartition| {
                    let partition = self.cluster.partition(id);
                    partition.is_some_and(|p| p.assignment.is_moving() && is_complete(p))
                };
                let steps: Vec<Queued> =
                    partitions.into_iter().filter(ready).map(|id| Queued::Reassign(Step::Go(id))).collect();
                self.first(steps);
            }
            Step::Go(id) => self.go(&id, io),
            Step::NewEpoch(id) => {
                if let Some(now) = self.cluster.partition(&id).and_then(|partition| partition.leadership.as_ref()) {
                    let next = self.next(now, now.node.leader, now.node.isr.clone());
                    self.first([Queued::write_one(id, next, Why::Moved)]);
                }
            }
            Step::Host(id) => self.host_new(&id, io),
            Step::MoveLeader(id) => self.move_leader(id),
            Step::Leave(id, gone) => self.leave(id, &gone),
            Step::Stop(id, gone) => {
                for broker in gone {
                    self.batch.stop(broker, &id, true);
                }
                self.flush(io.ctx);
            }
            Step::Finish(id, step) => {
                let Some(topic) = self.cluster.topic(&id.topic) else { return };
                let ops = vec![self.guarded([write_topic(&id.topic, &topic.node())])];
                self.ask(ops, Wait::Reassignment(Resume::Finished(id, step)), io);
            }
        }
    }

    fn go_where(&mut self, condition: impl Fn(&TopicPartition, &Partition) -> bool) {
        let partitions = self.cluster.partitions_where(condition);
        let steps: Vec<Queued> = partitions.into_iter().map(|id| Queued::Reassign(Step::Go(id))).collect();
        self.first(steps);
    }

    /// Copying, or, when all of the target are in sync, leaving.
    fn go(&mut self, id: &TopicPartition, io: &mut Io<'_, '_>) {
        let Some(partition) = self.cluster.partition_mut(id) else { return };
        let moving = partition.assignment.is_moving();
        if moving && !is_complete(partition) {
            let steps = [Step::NewEpoch(id.clone()), Step::Host(id.clone())];
            return self.first(steps.map(Queued::Reassign));
        }
        let target = Assignment::of(partition.assignment.target());
        let before = std::mem::replace(&mut partition.assignment, target);
        if moving {
            let caught_up = ControllerEvent::Reassignment {
                partition: id.clone(),
                step: ReassignmentStep::CaughtUp,
                adding: before.adding,
                removing: before.removing.clone(),
            };
            io.ctx.emit(EventKind::Controller(caught_up));
        }
        let mut steps = vec![Step::MoveLeader(id.clone())];
        if !before.removing.is_empty() {
            steps.push(Step::Leave(id.clone(), before.removing.clone()));
            steps.push(Step::Stop(id.clone(), before.removing));
        }
        steps.push(Step::Finish(id.clone(), if moving { ReassignmentStep::Done } else { ReassignmentStep::Cancelled }));
        self.first(steps.into_iter().map(Queued::Reassign).collect::<Vec<_>>());
    }

    /// Those that come host the partition from now on.
    fn host_new(&mut self, id: &TopicPartition, io: &mut Io<'_, '_>) {
        let Some(partition) = self.cluster.partition(id) else { return };
        let adding = partition.assignment.adding.clone();
        let everybody = self.cluster.reachable();
        self.batch.host(id, &adding, true, &everybody);
        self.flush(io.ctx);
    }

    /// One of the target leads; where one does, all take up a new epoch, so that those that go are fenced.
    fn move_leader(&mut self, id: TopicPartition) {
        let Some(partition) = self.cluster.partition(&id) else { return };
        let leads = partition.leader().is_some_and(|leader| partition.assignment.replicas.contains(&leader));
        if leads && partition.stage == Stage::Online {
            return self.first([Queued::Reassign(Step::NewEpoch(id))]);
        }
        let reason = ElectionReason::Reassignment;
        self.first([Queued::Elect { partitions: vec![id], strategy: Strategy::Reassignment, reason }]);
    }

    fn leave(&mut self, id: TopicPartition, gone: &[BrokerId]) {
        let gone: BTreeSet<BrokerId> = gone.iter().copied().collect();
        let leadership = self.cluster.partition(&id).and_then(|partition| partition.leadership.as_ref());
        if let Some(next) = leadership.and_then(|now| self.without(now, &gone)) {
            self.first([Queued::Write(vec![StateUpdate { partition: id, next, why: Why::Shrunk }])]);
        }
    }

    fn finished(&mut self, id: &TopicPartition, step: ReassignmentStep, io: &mut Io<'_, '_>) {
        if step == ReassignmentStep::Done {
            let (adding, removing) = (Vec::new(), Vec::new());
            let done = ControllerEvent::Reassignment { partition: id.clone(), step, adding, removing };
            io.ctx.emit(EventKind::Controller(done));
        }
        self.first([Queued::Tell(vec![id.clone()]), Queued::Delete]);
    }

    pub(super) fn list_reassignments(&mut self, request: &ListPartitionReassignmentsRequest, origin: Origin) {
        let wanted = |id: &TopicPartition| match &request.topics {
            None => true,
            Some(topics) => topics.iter().any(|t| t.name == id.topic && t.partition_indexes.contains(&id.partition)),
        };
        let moving = self.cluster.partitions().filter(|(id, partition)| partition.assignment.is_moving() && wanted(id));
        let ongoing = moving.map(|(id, partition)| {
            let ongoing = OngoingPartitionReassignment {
                partition_index: id.partition,
                replicas: numbers(&partition.assignment.replicas),
                adding_replicas: numbers(&partition.assignment.adding),
                removing_replicas: numbers(&partition.assignment.removing),
            };
            (id.topic, ongoing)
        });
        let topics = by_topic(ongoing, |name, partitions| OngoingTopicReassignment { name, partitions });
        let response = ListPartitionReassignmentsResponse { topics, ..Default::default() };
        self.reply(origin, response.into());
    }

    /// The old way: all moves stand in one znode. It is deleted when they are taken up; the topics' znodes have them then.
    /// The watch that is left here tells of that deletion, and then of the next wish.
    pub(super) fn read_reassignments(&mut self, io: &mut Io<'_, '_>) {
        let path = znodes::REASSIGN_PARTITIONS;
        self.ask(vec![Op::get(path), Op::exists_and_watch(path)], Wait::Reassignment(Resume::Asked), io);
    }

    fn reassignments_read(&mut self, results: &Results, io: &mut Io<'_, '_>) {
        let Some(Ok(OpResult::Data { data, .. })) = results.first() else { return };
        let asked = znodes::read_reassignments(data).unwrap_or_default();
        let moves: Vec<Move> = asked
            .into_iter()
            .filter_map(|(topic, partition, target)| {
                let id = TopicPartition::new(topic, partition);
                let next = self.plan_move(&id, Some(target)).ok()?;
                Some(Move { id, next })
            })
            .collect();
        let mut writes = self.writes_of_moves(&moves);
        writes.push(Write::delete(znodes::REASSIGN_PARTITIONS, ANY_VERSION));
        let ops = vec![self.guarded(writes)];
        self.ask(ops, Wait::Reassignment(Resume::Begun(moves, None)), io);
    }
}

fn write_topic(name: &str, node: &znodes::TopicNode) -> Write {
    Write::set(znodes::topic_path(name), znodes::topic(node), ANY_VERSION)
}

/// Whether all of the target are in sync.
fn is_complete(partition: &Partition) -> bool {
    let isr = partition.isr();
    partition.assignment.target().iter().all(|broker| isr.contains(broker))
}
