//! A consumer's part in a group of KIP-848: it says how it is, and hears what it is to own. Nobody waits for anybody.
//!
//! As in Java's `ConsumerMembershipManager`: a heartbeat names the topics and the partitions only where they have changed,
//! or everything after an error; what it is to give back it commits first, when the application polls, and says at once that
//! it has done so. One that is fenced begins anew under its id.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::{About, BACKOFF, Consumer, Key, Membership, Phase};
use crate::engine::client::spec::GroupProtocol;
use crate::engine::context::Context;
use crate::engine::event::{ClientEvent, EventKind};
use crate::engine::message::Lane;
use crate::protocol::consumer_group_heartbeat::{TopicPartitions, flat, member_epoch};
use crate::protocol::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse};

/// The version of `ConsumerGroupHeartbeat` that is spoken.
const VERSION: i16 = 0;

/// What a member and its coordinator have told each other.
#[derive(Clone, Debug, Default)]
pub(super) struct Epochs {
    /// What it has said that it owns; `None` where it has to say everything again.
    said: Option<BTreeSet<Key>>,
    /// What it has heard that it is to own, and has not taken up yet, by the topics' ids.
    told: Option<BTreeSet<(Uuid, i32)>>,
    /// Whether what it is to give back was committed, or could not be.
    committed: bool,
}

impl Epochs {
    /// It is not sure what the coordinator knows: it says everything again, and is told again. What it was told before and
    /// has not taken up must not count any more: where it says that it does not own that, others may get it.
    pub(super) fn forget_said(&mut self) {
        *self = Self::default();
    }
}

impl Membership {
    /// Whether it speaks the protocol of KIP-848.
    pub(super) fn has_epochs(&self) -> bool {
        self.spec.protocol == GroupProtocol::Consumer
    }
}

impl Consumer {
    /// Sends a heartbeat, if one is due: the first one joins, as soon as the application polls.
    pub(super) fn beat_with_epoch(&mut self, ctx: &mut Context<'_>) {
        let now = ctx.now.lab;
        let Some(member) = &mut self.member else { return };
        let polls = member.hand.is_none() && !member.committing.is_waiting() && !member.leaving;
        if member.phase == Phase::Stuck && polls {
            member.phase = Phase::Out;
        }
        let joins = member.phase == Phase::Out && polls;
        let (due, beating) = member.heartbeat;
        let is_due = joins || member.phase == Phase::In && due <= now;
        let Some(coordinator) = member.coordinator.filter(|_| is_due && !beating && member.not_before <= now) else {
            return;
        };
        if member.id.is_empty() {
            // A member may choose its id (KIP-1082): this one can be read.
            member.id = format!("{}-{}", self.name, ctx.rng.uuid()).into();
        }
        if joins {
            member.phase = Phase::Joining;
            member.epochs = Epochs::default();
        }
        // Where the answer gets lost, the next one is due at once.
        member.heartbeat = (now, true);
        let about = if joins { About::Join } else { About::Heartbeat(member.generation) };
        let request = self.epoch_request(joins);
        self.links.ask((coordinator, Lane::GROUP), VERSION, request.into(), about, ctx);
    }

    fn epoch_request(&mut self, joins: bool) -> ConsumerGroupHeartbeatRequest {
        let Some(member) = &self.member else { return ConsumerGroupHeartbeatRequest::default() };
        let full = joins || member.epochs.said.is_none();
        let owns = full || member.epochs.said.as_ref() != Some(&member.owned);
        let request = ConsumerGroupHeartbeatRequest {
            group_id: Arc::clone(&member.spec.id),
            member_id: Arc::clone(&member.id),
            member_epoch: if joins { member_epoch::JOIN_GROUP } else { member.generation },
            instance_id: member.spec.instance_id.clone(),
            rebalance_timeout_ms: if full {
                i32::try_from(member.spec.max_poll_interval_ms).unwrap_or(i32::MAX)
            } else {
                -1
            },
            subscribed_topic_names: full.then(|| self.spec.topics.clone()),
            server_assignor: member.spec.remote_assignor.clone().filter(|_| full),
            topic_partitions: owns.then(|| self.by_id(&member.owned)),
            ..ConsumerGroupHeartbeatRequest::default()
        };
        if let Some(member) = &mut self.member {
            member.epochs.said = Some(member.owned.clone());
        }
        request
    }

    /// Partitions by the ids of their topics. One that is not known any more cannot be named, and is not owned.
    fn by_id(&self, keys: &BTreeSet<Key>) -> Vec<TopicPartitions> {
        let mut topics: BTreeMap<Uuid, Vec<i32>> = BTreeMap::new();
        for (topic, partition) in keys {
            if let Some(known) = self.metadata.topic(topic) {
                topics.entry(known.id).or_default().push(*partition);
            }
        }
        topics.into_iter().map(|(topic_id, partitions)| TopicPartitions { topic_id, partitions }).collect()
    }

    pub(in super::super) fn on_epoch(
        &mut self,
        response: &ConsumerGroupHeartbeatResponse,
        joins: bool,
        ctx: &mut Context<'_>,
    ) {
        let now = ctx.now.lab;
        let Some(member) = &mut self.member else { return };
        if member.phase != if joins { Phase::Joining } else { Phase::In } {
            // It is out of the group by now, or on its way back: this is of before.
            return;
        }
        member.heartbeat.1 = false;
        if response.error_code.is_error() {
            member.epochs.forget_said();
            if joins {
                (member.phase, member.not_before) = (Phase::Out, now + BACKOFF);
            } else {
                member.heartbeat.0 = now + BACKOFF;
            }
            return self.on_group_error(response.error_code, ctx);
        }
        if joins {
            (member.phase, member.polled) = (Phase::In, now);
        }
        member.generation = response.member_epoch;
        let interval = Duration::from_millis(u64::try_from(response.heartbeat_interval_ms).unwrap_or(0));
        member.heartbeat.0 = now + interval.max(Duration::from_millis(1));
        if let Some(assignment) = &response.assignment {
            (member.epochs.told, member.epochs.committed) = (Some(flat(&assignment.topic_partitions)), false);
        }
    }

    /// The application polls: it gives back what it is not to own any more, takes up what it is to own, and says so. What it has
    /// to give back is committed first, as it does in the classic protocol.
    pub(super) fn follow_target(&mut self, ctx: &mut Context<'_>) {
        let Some(member) = &self.member else { return };
        let Some(told) = member.epochs.told.as_ref().filter(|_| member.phase == Phase::In) else { return };
        let named = |(topic, partition): &(Uuid, i32)| Some((Arc::clone(self.metadata.name_of(*topic)?), *partition));
        let target: BTreeSet<Key> = told.iter().filter_map(named).collect();
        let knows_all = target.len() == told.len();
        let revoked: BTreeSet<Key> = member.owned.difference(&target).cloned().collect();
        let added: BTreeSet<Key> = target.difference(&member.owned).cloned().collect();
        if !revoked.is_empty() {
            if !member.epochs.committed && self.commit_before_revoking(ctx) {
                if let Some(member) = &mut self.member {
                    member.epochs.committed = true;
                }
                return;
            }
            self.give_back(&revoked);
            let partitions = u32::try_from(revoked.len()).unwrap_or(u32::MAX);
            ctx.note(EventKind::Client(ClientEvent::PartitionsRevoked { partitions }));
        }
        let Some(member) = &mut self.member else { return };
        if knows_all {
            member.epochs.told = None;
        } else {
            // A topic that it has not heard of yet.
            self.metadata.outdated();
        }
        if revoked.is_empty() && added.is_empty() {
            return;
        }
        // That is said at once.
        member.heartbeat.0 = ctx.now.lab;
        self.take_over(&added, ctx);
    }

    /// Says that it goes: for good, or, a static member, that it will be back.
    pub(super) fn send_leave_epoch(&mut self, ctx: &mut Context<'_>) {
        let Some(member) = &self.member else { return };
        let joined = matches!(member.phase, Phase::In | Phase::Joining);
        let Some(coordinator) = member.coordinator.filter(|_| joined) else { return };
        let returns = member.spec.instance_id.is_some();
        let request = ConsumerGroupHeartbeatRequest {
            group_id: Arc::clone(&member.spec.id),
            member_id: Arc::clone(&member.id),
            member_epoch: if returns { member_epoch::LEAVE_GROUP_STATIC_MEMBER } else { member_epoch::LEAVE_GROUP },
            instance_id: member.spec.instance_id.clone(),
            ..ConsumerGroupHeartbeatRequest::default()
        };
        self.links.ask((coordinator, Lane::GROUP), VERSION, request.into(), About::Leave, ctx);
    }
}
