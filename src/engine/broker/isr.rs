//! Changes of in-sync sets: a leader proposes (AlterPartition), the controller decides and writes ZooKeeper. Kafka's
//! `AlterPartitionManager`: one request in flight per broker, at most one change in flight per partition.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Broker, BrokerTimer};
use crate::engine::context::{Context, Id, TimerId};
use crate::engine::event::{BrokerEvent, EventKind};
use crate::engine::message::Lane;
use crate::engine::node::BrokerId;
use crate::engine::replica::{IsrProposal, Role, TopicPartition};
use crate::engine::time::millis;
use crate::protocol::alter_partition::{BrokerState, PartitionData, PartitionResponse, TopicData};
use crate::protocol::{AlterPartitionRequest, AlterPartitionResponse, ErrorCode, Response};

/// The version that is spoken: the newest, with broker epochs (KIP-903).
const VERSION: i16 = 3;
/// How long to wait after the controller could not be reached.
const RETRY: Duration = Duration::from_millis(50);

/// The request in flight.
#[derive(Clone, Debug)]
struct InFlight {
    id: Id,
    controller: BrokerId,
    timeout: TimerId,
    /// What it proposes.
    partitions: BTreeMap<TopicPartition, IsrProposal>,
}

/// What is proposed and what is in flight.
#[derive(Clone, Debug, Default)]
pub(super) struct IsrChanges {
    /// Partitions with a proposal that has not been sent.
    waiting: BTreeSet<TopicPartition>,
    in_flight: Option<InFlight>,
    /// A retry is coming.
    backing_off: bool,
    /// Who is to join since the last request: told as one event.
    joining: Vec<(BrokerId, TopicPartition)>,
}

impl Broker {
    /// A follower fetched: perhaps it may join.
    pub(super) fn consider_joining(&mut self, id: &TopicPartition, follower: BrokerId) {
        let alive = self.metadata.is_alive(follower);
        let Some(replica) = self.replica(id).filter(|replica| alive && replica.may_join(follower)) else { return };
        let mut isr = replica.state.isr.clone();
        isr.push(follower);
        self.propose(id, isr);
        self.isr.joining.push((follower, id.clone()));
    }

    /// Followers that have not caught up for `replica.lag.time.max.ms` leave.
    pub(super) fn shrink_isr(&mut self, ctx: &mut Context<'_>) {
        let patience = millis(self.settings().replica_lag_time_max_ms);
        let late: Vec<(TopicPartition, Vec<BrokerId>)> = self
            .replicas
            .iter()
            .map(|(id, replica)| (id.clone(), replica.lagging(self.id, ctx.now.lab, patience)))
            .filter(|(_, late)| !late.is_empty())
            .collect();
        let followers: Vec<_> = late.iter().flat_map(|(id, late)| late.iter().map(|f| (*f, id.clone()))).collect();
        if !followers.is_empty() {
            ctx.emit(EventKind::Broker(BrokerEvent::FollowersLag { followers }));
        }
        for (id, late) in late {
            let Some(replica) = self.replica(&id) else { continue };
            let isr = replica.state.isr.iter().copied().filter(|member| !late.contains(member)).collect();
            self.propose(&id, isr);
        }
        ctx.routine(patience / 2, Self::timer(BrokerTimer::ShrinkIsr));
    }

    fn propose(&mut self, id: &TopicPartition, isr: Vec<BrokerId>) {
        let Some(replica) = self.replica_mut(id) else { return };
        let partition_epoch = replica.state.partition_epoch;
        if let Role::Leader(leader) = &mut replica.role {
            leader.pending = Some(IsrProposal { isr, partition_epoch });
            self.isr.waiting.insert(id.clone());
        }
    }

    /// Sends what is proposed, unless a request is in flight.
    pub(super) fn propose_isr(&mut self, ctx: &mut Context<'_>) {
        if self.isr.waiting.is_empty() || self.isr.in_flight.is_some() || self.isr.backing_off {
            return;
        }
        let (Some(controller), Some(epoch)) = (self.metadata.controller, self.epoch) else {
            return self.back_off(ctx);
        };
        let followers = std::mem::take(&mut self.isr.joining);
        if !followers.is_empty() {
            ctx.emit(EventKind::Broker(BrokerEvent::FollowersCaughtUp { followers }));
        }
        let waiting = std::mem::take(&mut self.isr.waiting);
        let proposals: BTreeMap<TopicPartition, IsrProposal> =
            waiting.into_iter().filter_map(|id| Some((id.clone(), self.proposal(&id)?.clone()))).collect();
        if proposals.is_empty() {
            return;
        }
        let request = self.alter_partition(&proposals, epoch);
        let (id, timeout) = self.ask_controller(controller, Lane::ALTER_PARTITION, VERSION, request.into(), ctx);
        self.isr.in_flight = Some(InFlight { id, controller, timeout, partitions: proposals });
    }

    /// The change of a partition's in-sync set that is under way.
    fn proposal(&self, id: &TopicPartition) -> Option<&IsrProposal> {
        self.replica(id)?.leader()?.pending.as_ref()
    }

    fn alter_partition(
        &self,
        proposals: &BTreeMap<TopicPartition, IsrProposal>,
        broker_epoch: i64,
    ) -> AlterPartitionRequest {
        let mut topics: BTreeMap<uuid::Uuid, Vec<PartitionData>> = BTreeMap::new();
        for (id, proposal) in proposals {
            let Some(replica) = self.replica(id) else { continue };
            let member = |id: &BrokerId| BrokerState { broker_id: id.0, broker_epoch: self.metadata.epoch_of(*id) };
            topics.entry(replica.topic_id).or_default().push(PartitionData {
                partition_index: id.partition,
                leader_epoch: replica.state.leader_epoch,
                new_isr_with_epochs: proposal.isr.iter().map(member).collect(),
                partition_epoch: proposal.partition_epoch,
                ..PartitionData::default()
            });
        }
        let topics = topics
            .into_iter()
            .map(|(topic_id, partitions)| TopicData { topic_id, partitions, ..TopicData::default() })
            .collect();
        AlterPartitionRequest { broker_id: self.id.0, broker_epoch, topics }
    }

    /// The controller answered.
    pub(super) fn on_isr_answer(&mut self, correlation: Id, response: Response, ctx: &mut Context<'_>) {
        let Response::AlterPartition(response) = response else { return };
        let Some(asked) = self.isr.in_flight.take_if(|asked| asked.id == correlation) else { return };
        ctx.cancel(asked.timeout);
        let asked = asked.partitions;
        if !response.error_code.is_ok() {
            // Not the controller any more, or it does not know this broker (yet): all of it is tried again.
            self.isr.waiting.extend(asked.into_keys());
            return self.back_off(ctx);
        }
        self.take_up_isr(&asked, &response, ctx);
    }

    fn take_up_isr(
        &mut self,
        asked: &BTreeMap<TopicPartition, IsrProposal>,
        response: &AlterPartitionResponse,
        ctx: &mut Context<'_>,
    ) {
        for (id, proposal) in asked {
            let Some(topic_id) = self.replica(id).map(|replica| replica.topic_id) else { continue };
            let answer = response
                .topics
                .iter()
                .filter(|topic| topic.topic_id == topic_id)
                .flat_map(|topic| &topic.partitions)
                .find(|partition| partition.partition_index == id.partition);
            match answer {
                Some(answer) => self.take_up_partition(id, proposal, answer),
                None => {
                    self.isr.waiting.insert(id.clone());
                }
            }
        }
        if !self.isr.waiting.is_empty() {
            self.back_off(ctx);
        }
    }

    fn take_up_partition(&mut self, id: &TopicPartition, proposal: &IsrProposal, answer: &PartitionResponse) {
        let Some(replica) = self.replica_mut(id) else { return };
        let Role::Leader(leader) = &mut replica.role else { return };
        if leader.pending.as_ref() != Some(proposal) {
            // A newer LeaderAndIsr has settled it before.
            return;
        }
        match verdict(answer.error_code) {
            Verdict::Again => {
                self.isr.waiting.insert(id.clone());
                return;
            }
            Verdict::Unknown => return,
            Verdict::Settled => leader.pending = None,
        }
        let newer =
            answer.leader_epoch == replica.state.leader_epoch && answer.partition_epoch > replica.state.partition_epoch;
        if answer.error_code.is_ok() && newer {
            replica.state.isr = answer.isr.iter().map(|id| BrokerId(*id)).collect();
            replica.state.partition_epoch = answer.partition_epoch;
        }
        replica.advance_high_watermark();
        self.touch(id);
    }

    /// The connection to a broker is gone: what it was asked is asked again, perhaps of another.
    pub(super) fn isr_closed(&mut self, peer: BrokerId, ctx: &mut Context<'_>) {
        if let Some(asked) = self.isr.in_flight.take_if(|asked| asked.controller == peer) {
            ctx.cancel(asked.timeout);
            self.isr.waiting.extend(asked.partitions.into_keys());
            self.back_off(ctx);
        }
    }

    /// The controller does not answer: it is asked again, or the one that there is by now.
    pub(super) fn isr_unanswered(&mut self, id: Id, ctx: &mut Context<'_>) {
        if let Some(asked) = self.isr.in_flight.take_if(|asked| asked.id == id) {
            self.isr.waiting.extend(asked.partitions.into_keys());
            self.back_off(ctx);
        }
    }

    fn back_off(&mut self, ctx: &mut Context<'_>) {
        if !self.isr.backing_off {
            self.isr.backing_off = true;
            ctx.timer(RETRY, Self::timer(BrokerTimer::ProposeIsr));
        }
    }

    pub(super) fn propose_isr_again(&mut self, ctx: &mut Context<'_>) {
        self.isr.backing_off = false;
        self.propose_isr(ctx);
    }
}

/// What becomes of a proposal.
enum Verdict {
    /// It was taken, or is known not to have been: the set is the one that was agreed on last. The next fetch of a follower
    /// that could join proposes it again, as often as that comes.
    Settled,
    /// The leader does not know what holds: it proposes nothing before the next LeaderAndIsr.
    Unknown,
    /// It is tried again.
    Again,
}

/// As `Partition.handleAlterPartitionError` has it.
fn verdict(error: ErrorCode) -> Verdict {
    match error {
        ErrorCode::NONE | ErrorCode::INELIGIBLE_REPLICA | ErrorCode::OPERATION_NOT_ATTEMPTED => Verdict::Settled,
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
        | ErrorCode::UNKNOWN_TOPIC_ID
        | ErrorCode::FENCED_LEADER_EPOCH
        | ErrorCode::INVALID_UPDATE_VERSION
        | ErrorCode::INVALID_REQUEST
        | ErrorCode::NEW_LEADER_ELECTED => Verdict::Unknown,
        _ => Verdict::Again,
    }
}
