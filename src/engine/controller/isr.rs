//! Leaders change in-sync sets: AlterPartition (KIP-497, KIP-841, KIP-903). Kafka's `processAlterPartition`.
//!
//! | what is wrong | answer |
//! | --- | --- |
//! | the sender is not registered with this broker epoch | STALE_BROKER_EPOCH |
//! | the leader epoch is newer than the controller's, or the partition epoch is | NOT_CONTROLLER |
//! | the leader epoch is older | FENCED_LEADER_EPOCH |
//! | the partition epoch is older, and it is not what is already there | INVALID_UPDATE_VERSION |
//! | a member is not live, or registered with another epoch than the leader saw | INELIGIBLE_REPLICA |
//! | a recovering partition with more than its leader, or one that recovers anew | INVALID_REQUEST |
//! | no such topic id; no such topic or partition | UNKNOWN_TOPIC_ID; UNKNOWN_TOPIC_OR_PARTITION |

use std::collections::BTreeMap;
use std::sync::Arc;

use super::context::Leadership;
use super::queue::{Results, Resume, Step};
use super::write::is_written;
use super::{Controller, Io, numbers, reassignment, znodes};
use crate::engine::broker::connection::Origin;
use crate::engine::context::Context;
use crate::engine::event::{ControllerEvent, EventKind, LeadershipChange};
use crate::engine::node::BrokerId;
use crate::engine::replica::TopicPartition;
use crate::engine::zk::op::Write;
use crate::protocol::alter_partition::{PartitionData, PartitionResponse, TopicData, TopicResponse};
use crate::protocol::{AlterPartitionRequest, AlterPartitionResponse, ErrorCode};

/// A request whose changes are being written.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    origin: Origin,
    leader: BrokerId,
    response: AlterPartitionResponse,
    changes: Vec<Change>,
}

/// A change that is being written, and where in the response it is answered.
#[derive(Clone, Debug)]
struct Change {
    topic: usize,
    partition: usize,
    id: TopicPartition,
    next: Leadership,
}

/// What a change comes to before it is written.
enum Verdict {
    /// It is to be written.
    Write(Leadership),
    /// It is there already.
    Already(Leadership),
    /// It is refused.
    Refused(ErrorCode),
}

impl Controller {
    pub(super) fn alter_partition(&mut self, request: &AlterPartitionRequest, origin: Origin, io: &mut Io<'_, '_>) {
        let leader = BrokerId(request.broker_id);
        if self.cluster.brokers.get(&leader).is_none_or(|live| live.epoch != request.broker_epoch) {
            let response = AlterPartitionResponse { error_code: ErrorCode::STALE_BROKER_EPOCH, ..Default::default() };
            return self.reply(origin, response.into());
        }
        let mut pending = Pending { origin, leader, response: AlterPartitionResponse::default(), changes: Vec::new() };
        for data in &request.topics {
            self.judge_topic(leader, data, &mut pending);
        }
        if pending.changes.is_empty() {
            return self.reply(pending.origin, pending.response.into());
        }
        let writes = pending.changes.iter().map(|change| {
            let path = znodes::state_path(&change.id.topic, change.id.partition);
            Write::set(path, znodes::state(&change.next.node), change.next.version)
        });
        let ops = vec![self.guarded(writes)];
        self.ask(ops, Resume::IsrWritten(pending), io);
    }

    /// Judges the changes in one topic, and makes its part of the response.
    fn judge_topic(&self, leader: BrokerId, data: &TopicData, pending: &mut Pending) {
        let by_id = pending.origin.version > 1;
        let name =
            if by_id { self.cluster.name_of(data.topic_id).cloned() } else { Some(Arc::clone(&data.topic_name)) };
        let topic = pending.response.topics.len();
        let mut partitions = Vec::new();
        for (partition, change) in data.partitions.iter().enumerate() {
            let verdict = match &name {
                Some(name) => {
                    self.judge(leader, &TopicPartition::new(Arc::clone(name), change.partition_index), change)
                }
                None => Verdict::Refused(ErrorCode::UNKNOWN_TOPIC_ID),
            };
            partitions.push(match verdict {
                Verdict::Refused(error) => refused(change.partition_index, error),
                Verdict::Already(now) => agreed(change.partition_index, &now),
                Verdict::Write(next) => {
                    let id = TopicPartition::new(name.clone().unwrap_or_default(), change.partition_index);
                    pending.changes.push(Change { topic, partition, id, next });
                    // What stands here if the write fails.
                    refused(change.partition_index, ErrorCode::UNKNOWN_SERVER_ERROR)
                }
            });
        }
        let topic = TopicResponse { topic_name: Arc::clone(&data.topic_name), topic_id: data.topic_id, partitions };
        pending.response.topics.push(topic);
    }

    fn judge(&self, leader: BrokerId, id: &TopicPartition, data: &PartitionData) -> Verdict {
        let Some(now) = self.cluster.partition(id).and_then(|partition| partition.leadership.as_ref()) else {
            return Verdict::Refused(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
        };
        let members = members(data);
        let isr: Vec<BrokerId> = members.iter().map(|(id, _)| *id).collect();
        let recovering = data.leader_recovery_state != 0;
        let asked = znodes::StateNode {
            leader: Some(leader),
            leader_epoch: data.leader_epoch,
            controller_epoch: self.epoch,
            isr,
        };
        if data.leader_epoch > now.node.leader_epoch || data.partition_epoch > now.version {
            return Verdict::Refused(ErrorCode::NOT_CONTROLLER);
        }
        if data.leader_epoch < now.node.leader_epoch || now.node.leader != Some(leader) {
            return Verdict::Refused(ErrorCode::FENCED_LEADER_EPOCH);
        }
        if asked.isr == now.node.isr && recovering == now.recovering {
            return Verdict::Already(now.clone());
        }
        if data.partition_epoch < now.version {
            return Verdict::Refused(ErrorCode::INVALID_UPDATE_VERSION);
        }
        if asked.isr.is_empty() || recovering && (asked.isr.len() > 1 || !now.recovering) {
            return Verdict::Refused(ErrorCode::INVALID_REQUEST);
        }
        if !members.iter().all(|(id, epoch)| self.is_eligible(*id, *epoch)) {
            return Verdict::Refused(ErrorCode::INELIGIBLE_REPLICA);
        }
        Verdict::Write(Leadership { node: asked, version: now.version, recovering })
    }

    /// Whether a broker may be in sync: it is live, and the registration that the leader saw is the one of now.
    fn is_eligible(&self, id: BrokerId, epoch: i64) -> bool {
        let known = self.cluster.brokers.get(&id).filter(|_| self.cluster.is_live(id));
        known.is_some_and(|live| epoch == -1 || live.epoch == epoch)
    }

    /// The changes are written: the leader gets its answer, everybody the metadata.
    pub(super) fn isr_written(&mut self, pending: Pending, results: &Results, io: &mut Io<'_, '_>) {
        let Pending { origin, leader, mut response, changes } = pending;
        if !results.iter().all(is_written) {
            self.reply(origin, response.into());
            return self.start_over(io);
        }
        let mut events: BTreeMap<(Vec<BrokerId>, Vec<BrokerId>), Vec<LeadershipChange>> = BTreeMap::new();
        let mut partitions = Vec::new();
        for Change { topic, partition, id, mut next } in changes {
            next.version += 1;
            let change = self.change(&id, &next);
            let left =
                |a: &[BrokerId], b: &[BrokerId]| a.iter().copied().filter(|id| !b.contains(id)).collect::<Vec<_>>();
            let (added, removed) = (left(&change.isr, &change.old_isr), left(&change.old_isr, &change.isr));
            events.entry((added, removed)).or_default().push(change);
            let answer = response.topics.get_mut(topic).and_then(|topic| topic.partitions.get_mut(partition));
            if let Some(answer) = answer {
                *answer = agreed(id.partition, &next);
            }
            self.cluster.lead(&id, next);
            partitions.push(id);
        }
        report(leader, events, io.ctx);
        self.reply(origin, response.into());
        let everybody = self.cluster.reachable();
        self.batch.tell(&everybody, partitions.clone());
        self.flush(io.ctx);
        self.first([Step::Reassign(reassignment::Step::ResumeOf(partitions))]);
    }
}

/// One event per way in which in-sync sets changed. What follows is caused by the last.
fn report(
    leader: BrokerId,
    events: BTreeMap<(Vec<BrokerId>, Vec<BrokerId>), Vec<LeadershipChange>>,
    ctx: &mut Context<'_>,
) {
    let cause = ctx.cause.clone();
    for ((added, removed), changes) in events {
        ctx.cause = cause.clone();
        ctx.emit(EventKind::Controller(ControllerEvent::IsrChanged { leader, added, removed, changes }));
    }
}

/// The members of the set that is asked for, each with its broker epoch or -1.
fn members(data: &PartitionData) -> Vec<(BrokerId, i64)> {
    if data.new_isr_with_epochs.is_empty() {
        return data.new_isr.iter().map(|id| (BrokerId(*id), -1)).collect();
    }
    data.new_isr_with_epochs.iter().map(|state| (BrokerId(state.broker_id), state.broker_epoch)).collect()
}

fn refused(partition_index: i32, error_code: ErrorCode) -> PartitionResponse {
    PartitionResponse { partition_index, error_code, ..PartitionResponse::default() }
}

fn agreed(partition_index: i32, now: &Leadership) -> PartitionResponse {
    PartitionResponse {
        partition_index,
        error_code: ErrorCode::NONE,
        leader_id: now.node.leader.map_or(-1, |leader| leader.0),
        leader_epoch: now.node.leader_epoch,
        isr: numbers(&now.node.isr),
        leader_recovery_state: i8::from(now.recovering),
        partition_epoch: now.version,
    }
}
