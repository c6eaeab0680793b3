//! Joining: what a member says of itself, what the leader decides, what each does with its assignment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::{BACKOFF, Consumer, Key, Phase};
use crate::engine::assignor::{Member, assigned_partitions, by_topic, client_assignor};
use crate::engine::client::consumer::{About, Position};
use crate::engine::context::Context;
use crate::engine::event::{ClientEvent, EventKind};
use crate::engine::message::Lane;
use crate::engine::replica::TopicPartition;
use crate::engine::time::{Time, millis};
use crate::protocol::consumer_protocol::{
    ConsumerProtocolAssignment, ConsumerProtocolSubscription, NO_GENERATION, PROTOCOL_TYPE,
};
use crate::protocol::join_group::{JoinGroupRequestProtocol, JoinGroupResponseMember};
use crate::protocol::offset_fetch::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use crate::protocol::sync_group::SyncGroupRequestAssignment;
use crate::protocol::{
    ErrorCode, JoinGroupRequest, JoinGroupResponse, OffsetFetchRequest, OffsetFetchResponse, SyncGroupRequest,
    SyncGroupResponse,
};

/// The version of `JoinGroup` that is spoken.
const JOIN_VERSION: i16 = 9;
/// The version of `SyncGroup` that is spoken.
const SYNC_VERSION: i16 = 5;
/// The version of `OffsetFetch` that is spoken.
const FETCH_VERSION: i16 = 9;

impl Consumer {
    /// Joins, if it has to and the application polls: not while it works on records.
    pub(super) fn join_if_due(&mut self, ctx: &mut Context<'_>) {
        self.rejoin_if_topics_changed();
        let now = ctx.now.lab;
        let Some(member) = &mut self.member else { return };
        if member.hand.is_some() || member.committing.is_waiting() || member.leaving {
            return;
        }
        let out = match member.phase {
            Phase::Stuck => {
                // It polls again.
                member.phase = Phase::Out;
                true
            }
            Phase::Out => true,
            Phase::In => member.rejoin.is_some(),
            _ => false,
        };
        if !out || member.not_before > now || member.coordinator.is_none() {
            return;
        }
        self.join(ctx);
    }

    /// The member that assigned does so again when its topics have more partitions.
    fn rejoin_if_topics_changed(&mut self) {
        let Some(member) = &self.member else { return };
        if member.phase != Phase::In || !member.leads || member.rejoin.is_some() {
            return;
        }
        let now_of = self.partitions_of(member.assigned_of.keys());
        let Some(member) = &mut self.member else { return };
        if member.assigned_of.iter().any(|(topic, count)| now_of.get(topic).copied().unwrap_or(0) != *count) {
            member.rejoin = Some("cached metadata has changed".into());
        }
    }

    fn partitions_of<'a>(&self, topics: impl Iterator<Item = &'a Arc<str>>) -> BTreeMap<Arc<str>, i32> {
        let count = |topic: &Arc<str>| {
            let known = self.metadata.topic(topic)?;
            Some((Arc::clone(topic), i32::try_from(known.partitions.len()).ok()?))
        };
        topics.filter_map(count).collect()
    }

    fn join(&mut self, ctx: &mut Context<'_>) {
        let Some(member) = &self.member else { return };
        if !member.is_cooperative() && !member.owned.is_empty() {
            // Eager: everything is given back before anybody knows what becomes of it.
            if self.commit_before_revoking(ctx) {
                return;
            }
            self.revoked_all(ctx);
        }
        let Some(member) = &mut self.member else { return };
        let Some(coordinator) = member.coordinator else { return };
        let last = member.last.as_ref().map(|(keys, generation)| (partitions(keys), *generation));
        let generation = last.as_ref().map_or(NO_GENERATION, |(_, generation)| *generation);
        let subscription = ConsumerProtocolSubscription {
            topics: self.spec.topics.clone(),
            owned_partitions: by_topic(&partitions(&member.owned)),
            generation_id: generation,
            ..ConsumerProtocolSubscription::default()
        };
        let protocols = member.assignors().map(|assignor| {
            let user_data = assignor.user_data(last.as_ref().map(|(keys, _)| &**keys), generation);
            let subscription = ConsumerProtocolSubscription { user_data, ..subscription.clone() };
            let metadata = subscription.to_bytes(ConsumerProtocolSubscription::NEWEST);
            JoinGroupRequestProtocol { name: assignor.name.into(), metadata }
        });
        let request = JoinGroupRequest {
            group_id: Arc::clone(&member.spec.id),
            session_timeout_ms: i32::try_from(member.spec.session_timeout_ms).unwrap_or(i32::MAX),
            rebalance_timeout_ms: i32::try_from(member.spec.max_poll_interval_ms).unwrap_or(i32::MAX),
            member_id: Arc::clone(&member.id),
            group_instance_id: member.spec.instance_id.clone(),
            protocol_type: PROTOCOL_TYPE.into(),
            protocols: protocols.collect(),
            reason: member.rejoin.take(),
        };
        member.phase = Phase::Joining;
        self.links.ask((coordinator, Lane::GROUP), JOIN_VERSION, request.into(), About::Join, ctx);
    }

    /// The eager way: everything it has goes before it joins.
    fn revoked_all(&mut self, ctx: &mut Context<'_>) {
        let Some(member) = &self.member else { return };
        let partitions = u32::try_from(member.owned.len()).unwrap_or(u32::MAX);
        if partitions > 0 {
            ctx.note(EventKind::Client(ClientEvent::PartitionsRevoked { partitions }));
        }
        self.give_back_all();
    }

    pub(in super::super) fn on_joined(&mut self, response: JoinGroupResponse, ctx: &mut Context<'_>) {
        let Some(member) = &mut self.member else { return };
        if member.phase != Phase::Joining {
            return;
        }
        member.phase = Phase::Out;
        match response.error_code {
            ErrorCode::NONE => self.sync(response, ctx),
            ErrorCode::MEMBER_ID_REQUIRED => member.id = response.member_id,
            error => self.on_group_error(error, ctx),
        }
    }

    /// Asks for the assignment; the leader brings it along.
    fn sync(&mut self, response: JoinGroupResponse, ctx: &mut Context<'_>) {
        let leads = response.leader == response.member_id;
        let protocol = response.protocol_name.clone().unwrap_or_default();
        let assignments = if leads && !response.skip_assignment {
            let Some(assignments) = self.assign(&protocol, &response, ctx) else { return };
            assignments
        } else {
            Vec::new()
        };
        let Some(member) = &mut self.member else { return };
        let Some(coordinator) = member.coordinator else { return };
        (member.id, member.generation, member.leads) = (response.member_id, response.generation_id, leads);
        member.phase = Phase::Syncing;
        let request = SyncGroupRequest {
            group_id: Arc::clone(&member.spec.id),
            generation_id: member.generation,
            member_id: Arc::clone(&member.id),
            group_instance_id: member.spec.instance_id.clone(),
            protocol_type: response.protocol_type,
            protocol_name: Some(protocol),
            assignments,
        };
        self.links.ask((coordinator, Lane::GROUP), SYNC_VERSION, request.into(), About::Sync, ctx);
    }

    /// Who gets what. `None` where a topic of the group is not known yet: it joins again when it is.
    fn assign(
        &mut self,
        protocol: &str,
        response: &JoinGroupResponse,
        ctx: &mut Context<'_>,
    ) -> Option<Vec<SyncGroupRequestAssignment>> {
        let assignor = client_assignor(protocol)?;
        let read = |member: &JoinGroupResponseMember| {
            let instance = member.group_instance_id.as_ref();
            let read = assignor.read_member(&member.member_id, instance, &member.metadata);
            // One that cannot be read gets nothing.
            read.unwrap_or_else(|_| Member { id: Arc::clone(&member.member_id), ..Member::default() })
        };
        let members: Vec<Member> = response.members.iter().map(read).collect();
        let topics: BTreeSet<Arc<str>> = members.iter().flat_map(|member| member.topics.iter().cloned()).collect();
        let news = self.metadata.want(topics.iter());
        let counts = self.partitions_of(topics.iter());
        if news {
            let member = self.member.as_mut()?;
            (member.id, member.not_before) = (Arc::clone(&response.member_id), ctx.now.lab + BACKOFF);
            return None;
        }
        let assigned = (assignor.assign)(&members, &counts);
        // One that is not there yet is looked out for.
        let missing = topics.iter().filter(|topic| !counts.contains_key(*topic)).map(|topic| (Arc::clone(topic), 0));
        self.member.as_mut()?.assigned_of =
            counts.iter().map(|(topic, n)| (Arc::clone(topic), *n)).chain(missing.collect::<Vec<_>>()).collect();
        let part = |(member_id, partitions): (Arc<str>, Vec<TopicPartition>)| {
            let assigned_partitions = by_topic(&partitions);
            let assignment = ConsumerProtocolAssignment { assigned_partitions, user_data: None };
            SyncGroupRequestAssignment {
                member_id,
                assignment: assignment.to_bytes(ConsumerProtocolAssignment::NEWEST),
            }
        };
        Some(assigned.into_iter().map(part).collect())
    }

    pub(in super::super) fn on_synced(&mut self, response: &SyncGroupResponse, ctx: &mut Context<'_>) {
        let Some(member) = &mut self.member else { return };
        if member.phase != Phase::Syncing {
            return;
        }
        member.phase = Phase::Out;
        if response.error_code.is_error() {
            self.on_group_error(response.error_code, ctx);
            return;
        }
        let assigned = read_assignment(&response.assignment);
        member.last = Some((assigned.clone(), member.generation));
        member.phase = Phase::In;
        member.polled = ctx.now.lab;
        // Each process has a timer of its own: members that get their assignment together do not beat together.
        let beat = ctx.rng.between(Duration::ZERO, millis(member.spec.heartbeat_interval_ms));
        member.heartbeat = (ctx.now.lab + beat, false);
        let revoked: BTreeSet<Key> = member.owned.difference(&assigned).cloned().collect();
        let added: BTreeSet<Key> = assigned.difference(&member.owned).cloned().collect();
        if !revoked.is_empty() {
            // Cooperative: what others are to have is given back now, and assigned in another rebalance.
            self.commit_on_revoking(ctx);
            self.give_back(&revoked);
            if let Some(member) = &mut self.member {
                member.rejoin = Some("need to revoke partitions and re-join".into());
            }
            let partitions = u32::try_from(revoked.len()).unwrap_or(u32::MAX);
            ctx.note(EventKind::Client(ClientEvent::PartitionsRevoked { partitions }));
        }
        self.take_over(&added, ctx);
    }

    /// Begins to read partitions: where the group has come to, or where `auto.offset.reset` says.
    pub(super) fn take_over(&mut self, added: &BTreeSet<Key>, ctx: &mut Context<'_>) {
        for key in added {
            self.positions.insert(key.clone(), Position::to_ask());
        }
        if let Some(member) = &mut self.member {
            member.owned.extend(added.iter().cloned());
        }
        let partitions = u32::try_from(added.len()).unwrap_or(u32::MAX);
        if partitions > 0 {
            ctx.note(EventKind::Client(ClientEvent::PartitionsAssigned { partitions }));
        }
        self.ask_committed(ctx);
    }

    /// Asks how far the group has come in the partitions of which it does not know that.
    pub(super) fn ask_committed(&mut self, ctx: &mut Context<'_>) {
        let Some(member) = &self.member else { return };
        let Some(coordinator) = member.coordinator.filter(|_| member.not_before <= ctx.now.lab) else { return };
        let wanted: BTreeSet<Key> = self
            .positions
            .iter()
            .filter(|(_, position)| position.waits_for_group && !position.asked)
            .map(|(key, _)| key.clone())
            .collect();
        if wanted.is_empty() {
            return;
        }
        for key in &wanted {
            if let Some(position) = self.positions.get_mut(key) {
                position.asked = true;
            }
        }
        let topics = by_topic(&partitions(&wanted))
            .into_iter()
            .map(|topic| OffsetFetchRequestTopics { name: topic.topic, partition_indexes: topic.partitions })
            .collect();
        let group = OffsetFetchRequestGroup {
            group_id: Arc::clone(&member.spec.id),
            topics: Some(topics),
            member_id: member.has_epochs().then(|| Arc::clone(&member.id)),
            member_epoch: if member.has_epochs() { member.generation } else { -1 },
        };
        let request = OffsetFetchRequest { groups: vec![group], ..OffsetFetchRequest::default() };
        let about = About::Committed(wanted.into_iter().collect());
        self.links.ask((coordinator, Lane::GROUP), FETCH_VERSION, request.into(), about, ctx);
    }

    pub(in super::super) fn on_committed_offsets(
        &mut self,
        response: &OffsetFetchResponse,
        asked: &[Key],
        ctx: &mut Context<'_>,
    ) {
        self.committed_not_heard(asked);
        let Some(group) = response.groups.first() else { return };
        if group.error_code.is_error() {
            return self.on_group_error(group.error_code, ctx);
        }
        for topic in &group.topics {
            for told in &topic.partitions {
                let key = (Arc::clone(&topic.name), told.partition_index);
                let Some(position) = self.positions.get_mut(&key).filter(|position| position.waits_for_group) else {
                    continue;
                };
                position.waits_for_group = false;
                if told.committed_offset >= 0 {
                    position.offset = Some(told.committed_offset);
                    position.consumed = Some(told.committed_offset);
                    position.committed = Some(told.committed_offset);
                    position.last_epoch = told.committed_leader_epoch;
                }
            }
        }
    }

    /// Nobody said how far the group has come: it is asked again.
    pub(in super::super) fn committed_not_heard(&mut self, asked: &[Key]) {
        for key in asked {
            if let Some(position) = self.positions.get_mut(key) {
                position.asked = false;
            }
        }
    }

    /// The coordinator's connection is gone, with the answer to this.
    pub(in super::super) fn group_lost(&mut self, about: &About, now: Time) {
        if let About::Committed(keys) = about {
            self.committed_not_heard(keys);
        }
        let Some(member) = &mut self.member else { return };
        match about {
            About::Join | About::Sync if matches!(member.phase, Phase::Joining | Phase::Syncing) => {
                member.phase = Phase::Out;
            }
            About::Commit(_) => member.committing.failed(),
            _ => {}
        }
        if matches!(about, About::Join | About::Heartbeat(_)) {
            member.heartbeat.1 = false;
        }
        member.lose_coordinator(now);
    }
}

fn partitions(keys: &BTreeSet<Key>) -> Vec<TopicPartition> {
    keys.iter().map(|(topic, partition)| TopicPartition::new(Arc::clone(topic), *partition)).collect()
}

/// What it is assigned; nothing where the leader said nothing.
fn read_assignment(bytes: &Bytes) -> BTreeSet<Key> {
    assigned_partitions(bytes).into_iter().map(|id| (id.topic, id.partition)).collect()
}
