//! The group coordinator: who is in which group, who reads what, and how far they are.
//!
//! A group is coordinated by the leader of its partition of `__consumer_offsets`, and all that must outlive the
//! coordinator is a record there. Members talk to it with `JoinGroup`, `SyncGroup`, `Heartbeat`, `LeaveGroup` (the classic
//! protocol) or `ConsumerGroupHeartbeat` (KIP-848), and commit with `OffsetCommit`.
//!
//! Everything here is a value. What a group decides beyond its own state it lays on its [`Desk`]: answers, records to be
//! kept, timers, events. The broker carries that out: it appends records to the log, and says when they are on all in-sync
//! replicas ([`Group::kept`]).
//!
//! Sources: `GroupCoordinator`, `GroupMetadata`, `GroupMetadataManager` of Kafka 3.9.

pub mod classic;
pub mod consumer;
mod desk;
pub mod offsets;
pub mod pattern;
pub mod shard;

use std::collections::BTreeSet;
use std::sync::Arc;

use self::classic::ClassicGroup;
use self::consumer::ConsumerGroup;
use self::offsets::{Committed, Offsets};
use crate::engine::event::GroupEvent;
use crate::engine::event::group::Removed;
use crate::engine::replica::TopicPartition;
use crate::protocol::consumer_group_heartbeat::member_epoch;
use crate::protocol::consumer_protocol::PROTOCOL_TYPE;
use crate::protocol::group_records::GroupRecord;
use crate::protocol::leave_group::MemberIdentity;
use crate::protocol::{ConsumerGroupHeartbeatRequest, ErrorCode, JoinGroupRequest};

pub use desk::{Caller, Desk, GroupTimer, Kept, LAB_HOST, TimerKind, Wish, Write};

/// By which protocol a group's members talk to it. It is another one only while the group has no members.
#[derive(Clone, Debug)]
pub enum Kind {
    /// The classic one. A group that only has offsets is of this kind.
    Classic(Box<ClassicGroup>),
    /// That of KIP-848.
    Consumer(ConsumerGroup),
}

/// One group: its members by the one or the other protocol, and its offsets.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its id.
    pub id: Arc<str>,
    /// Its members.
    pub kind: Kind,
    /// Its committed offsets.
    pub offsets: Offsets,
}

impl Group {
    /// A group without members and offsets.
    pub fn new(id: Arc<str>, now_ms: i64) -> Self {
        Self { id, kind: Kind::Classic(Box::new(ClassicGroup::new(now_ms))), offsets: Offsets::default() }
    }

    /// Its members by the classic protocol.
    pub fn classic(&self) -> Option<&ClassicGroup> {
        if let Kind::Classic(classic) = &self.kind { Some(classic) } else { None }
    }

    /// Its members by KIP-848.
    pub fn consumer(&self) -> Option<&ConsumerGroup> {
        if let Kind::Consumer(consumer) = &self.kind { Some(consumer) } else { None }
    }

    /// Its members by the classic protocol, for what they ask.
    ///
    /// # Errors
    /// `UNKNOWN_MEMBER_ID` in a group of KIP-848: nobody there speaks it.
    pub fn classic_mut(&mut self) -> Result<&mut ClassicGroup, ErrorCode> {
        match &mut self.kind {
            Kind::Classic(classic) => Ok(classic),
            Kind::Consumer(_) => Err(ErrorCode::UNKNOWN_MEMBER_ID),
        }
    }

    /// Handles `JoinGroup`. A group of KIP-848 that is empty becomes a classic one.
    ///
    /// # Errors
    /// `INCONSISTENT_GROUP_PROTOCOL` in a group of KIP-848 with members.
    pub fn join(
        &mut self,
        request: &JoinGroupRequest,
        caller: Caller,
        desk: &mut Desk<'_, '_>,
    ) -> Result<(), ErrorCode> {
        if let Kind::Consumer(consumer) = &self.kind {
            if !consumer.image().is_empty() {
                return Err(ErrorCode::INCONSISTENT_GROUP_PROTOCOL);
            }
            desk.keep(consumer.tombstones(&self.id), Kept::Nothing);
            self.kind = Kind::Classic(Box::new(ClassicGroup::new(desk.date_ms())));
        }
        if let Kind::Classic(classic) = &mut self.kind {
            classic.join(request, caller, desk);
        }
        Ok(())
    }

    /// Handles `ConsumerGroupHeartbeat`. A classic group that is empty becomes one of KIP-848 when somebody joins.
    ///
    /// # Errors
    /// `GROUP_ID_NOT_FOUND` in a classic group with members, and for members that do not join.
    pub fn heartbeat(
        &mut self,
        request: &ConsumerGroupHeartbeatRequest,
        caller: Caller,
        desk: &mut Desk<'_, '_>,
    ) -> Result<(), ErrorCode> {
        if let Kind::Classic(classic) = &mut self.kind {
            if request.member_epoch != member_epoch::JOIN_GROUP || !classic.is_unused() {
                return Err(ErrorCode::GROUP_ID_NOT_FOUND);
            }
            if classic.generation() > 0 {
                desk.keep(vec![ClassicGroup::tombstone(&self.id)], Kept::Nothing);
            }
            self.kind = Kind::Consumer(ConsumerGroup::default());
        }
        if let Kind::Consumer(consumer) = &mut self.kind {
            consumer.heartbeat(request, caller, desk);
        }
        Ok(())
    }

    /// Handles `LeaveGroup`: what became of each. Members of either protocol can be taken out by it.
    pub fn leave(&mut self, leaving: &[MemberIdentity], desk: &mut Desk<'_, '_>) -> Vec<ErrorCode> {
        match &mut self.kind {
            Kind::Classic(classic) => {
                let one = |who: &MemberIdentity| {
                    let left = classic.leave(&who.member_id, who.group_instance_id.as_ref(), desk);
                    left.err().unwrap_or(ErrorCode::NONE)
                };
                leaving.iter().map(one).collect()
            }
            Kind::Consumer(consumer) => consumer.take_out(leaving, desk),
        }
    }

    /// A timer of it fired.
    pub fn on_timer(&mut self, kind: &TimerKind, desk: &mut Desk<'_, '_>) {
        match &mut self.kind {
            Kind::Classic(classic) => classic.on_timer(kind, desk),
            Kind::Consumer(consumer) => consumer.on_timer(kind, desk),
        }
    }

    /// What was to be kept is on all in-sync replicas, or was not kept.
    pub fn kept(&mut self, kept: Kept, outcome: Result<(), ErrorCode>, desk: &mut Desk<'_, '_>) {
        match (kept, &mut self.kind) {
            (Kept::Commit(commit), _) => self.offsets.kept(commit, outcome, desk),
            (Kept::Assignment { generation }, Kind::Classic(classic)) => {
                classic.assignment_kept(generation, outcome, desk);
            }
            (Kept::Replacement(replacement), Kind::Classic(classic)) => {
                classic.replacement_kept(*replacement, outcome, desk);
            }
            (Kept::Change(change), Kind::Consumer(consumer)) => consumer.kept(*change, outcome, desk),
            // The group has become one of the other kind, once all that its members had waited for was answered.
            (Kept::Change(change), Kind::Classic(_)) => ConsumerGroup::default().kept(*change, outcome, desk),
            (Kept::Replacement(replacement), Kind::Consumer(_)) => {
                ClassicGroup::new(desk.date_ms()).replacement_kept(*replacement, outcome, desk);
            }
            (Kept::Nothing | Kept::Assignment { .. }, _) => {}
        }
    }

    /// Whether a commit may be taken: of a member at its generation or epoch, or of somebody outside while there are no
    /// members. In a classic group it counts as a sign of life.
    pub fn check_commit(
        &mut self,
        (epoch, member, instance): (i32, &Arc<str>, Option<&Arc<str>>),
        version: i16,
        desk: &mut Desk<'_, '_>,
    ) -> Result<(), ErrorCode> {
        match &mut self.kind {
            Kind::Classic(classic) => classic.check_commit((epoch, member, instance), desk),
            Kind::Consumer(consumer) => consumer.check_commit(epoch, member, version),
        }
    }

    /// The name of its state, as `ListGroups` has it.
    pub fn state(&self) -> &'static str {
        match &self.kind {
            Kind::Classic(classic) => classic.state().name(),
            Kind::Consumer(consumer) => consumer.state().name(),
        }
    }

    /// `consumer`, as a rule; empty for a group that only has offsets.
    pub fn protocol_type(&self) -> Arc<str> {
        match &self.kind {
            Kind::Classic(classic) => classic.protocol_type().cloned().unwrap_or_default(),
            Kind::Consumer(_) => PROTOCOL_TYPE.into(),
        }
    }

    /// The name of its kind, as `ListGroups` has it.
    pub fn kind(&self) -> &'static str {
        match self.kind {
            Kind::Classic(_) => "classic",
            Kind::Consumer(_) => "consumer",
        }
    }

    /// Whether nobody is in it or on the way to it.
    pub fn has_nobody(&self) -> bool {
        match &self.kind {
            Kind::Classic(classic) => classic.is_unused(),
            Kind::Consumer(consumer) => consumer.image().is_empty(),
        }
    }

    /// Whether somebody is in it; not who has only been given an id.
    pub fn has_members(&self) -> bool {
        match &self.kind {
            Kind::Classic(classic) => classic.state() != classic::State::Empty,
            Kind::Consumer(consumer) => !consumer.image().is_empty(),
        }
    }

    /// Whether its members read `topic`. Where the subscriptions cannot be read, all are.
    pub fn reads(&self, topic: &str) -> bool {
        match &self.kind {
            Kind::Classic(classic) => classic.state() != classic::State::Empty && classic.reads(topic),
            Kind::Consumer(consumer) => consumer.image().reads(topic),
        }
    }

    /// Whether nobody is in it and nothing is committed: it may be forgotten.
    pub fn is_unused(&self) -> bool {
        self.has_nobody() && self.offsets.is_empty()
    }

    /// Whether the log has a word of its members.
    fn is_in_log(&self) -> bool {
        match &self.kind {
            Kind::Classic(classic) => classic.generation() > 0,
            Kind::Consumer(consumer) => consumer.image().epoch > 0,
        }
    }

    /// Whether the log has no word of it.
    pub fn is_nothing(&self) -> bool {
        self.is_unused() && !self.is_in_log()
    }

    /// Has it kept that the group is gone.
    pub fn remove(&mut self, desk: &mut Desk<'_, '_>) {
        desk.say(GroupEvent::Removed { group: Arc::clone(&self.id) });
        if !self.is_in_log() {
            return;
        }
        let tombstones = match &self.kind {
            Kind::Classic(_) => vec![ClassicGroup::tombstone(&self.id)],
            Kind::Consumer(consumer) => consumer.tombstones(&self.id),
        };
        desk.keep(tombstones, Kept::Nothing);
    }

    /// Takes up what a record of the log says of its members.
    pub fn replay(&mut self, record: GroupRecord, date_ms: i64) {
        match (record, &mut self.kind) {
            (GroupRecord::GroupMetadata { value: Some(value), .. }, _) => {
                self.kind = Kind::Classic(Box::new(ClassicGroup::from_record(value)));
            }
            (GroupRecord::GroupMetadata { value: None, .. }, Kind::Classic(classic)) => {
                **classic = ClassicGroup::new(date_ms);
            }
            // The last word of a group of KIP-848.
            (GroupRecord::ConsumerGroupMetadata { value: None, .. }, Kind::Consumer(_)) => {
                self.kind = Kind::Classic(Box::new(ClassicGroup::new(date_ms)));
            }
            (record, Kind::Consumer(consumer)) => consumer.replay(&record),
            (record, Kind::Classic(_)) if consumer::begins(&record) => {
                let mut consumer = ConsumerGroup::default();
                consumer.replay(&record);
                self.kind = Kind::Consumer(consumer);
            }
            _ => {}
        }
    }

    /// The coordinator is ready: every member has its session's time-out from now on to be heard of.
    pub fn resume(&mut self, desk: &mut Desk<'_, '_>) {
        match &mut self.kind {
            Kind::Classic(classic) => classic.resume(desk),
            Kind::Consumer(consumer) => consumer.resume(desk),
        }
    }

    /// Forgets offsets.
    pub fn forget_offsets(&mut self, why: Removed, gone: impl Fn(&TopicPartition) -> bool, desk: &mut Desk<'_, '_>) {
        let partitions = self.offsets.remove(gone, desk);
        self.say_removed(partitions, why, desk);
    }

    fn say_removed(&self, partitions: Vec<TopicPartition>, why: Removed, desk: &mut Desk<'_, '_>) {
        if !partitions.is_empty() {
            desk.say(GroupEvent::OffsetsRemoved { group: Arc::clone(&self.id), partitions, why });
        }
    }

    /// Forgets offsets that are older than `offsets.retention.minutes` (KIP-211): of an empty group counted from when it
    /// became so, even if they were committed later; of topics that nobody in a stable group reads counted from the
    /// commit. A time of the committer's own stands for the retention, not for the rest (`GroupMetadata`).
    pub fn expire_offsets(&mut self, desk: &mut Desk<'_, '_>) {
        let now_ms = desk.date_ms();
        let retention_ms = i64::from(desk.settings.offsets_retention_minutes).saturating_mul(60_000);
        let expired = |id: &TopicPartition, committed: &Committed| {
            let from_ms = match &self.kind {
                Kind::Classic(classic) => classic.keeps_from(&id.topic, committed.commit_ms),
                Kind::Consumer(_) => (!self.reads(&id.topic)).then_some(committed.commit_ms),
            };
            from_ms.is_some_and(|from_ms| match committed.expire_ms {
                Some(expire_ms) => now_ms >= expire_ms,
                None => now_ms.saturating_sub(from_ms) >= retention_ms,
            })
        };
        let ids: BTreeSet<TopicPartition> =
            self.offsets.iter().filter(|(id, committed)| expired(id, committed)).map(|(id, _)| id.clone()).collect();
        let partitions = self.offsets.expire(|id, _| ids.contains(id), desk);
        self.say_removed(partitions, Removed::Expired, desk);
    }

    /// The coordinator moves away: whoever waits here asks the next one.
    pub fn unload(&mut self, desk: &mut Desk<'_, '_>) {
        match &mut self.kind {
            Kind::Classic(classic) => classic.unload(desk),
            Kind::Consumer(consumer) => consumer.unload(desk),
        }
    }
}

/// What a client is told when the log did not take what it said: as producers know it, in the words of a coordinator.
/// `too_large` where that was its fault.
fn not_kept(error: ErrorCode, too_large: ErrorCode) -> ErrorCode {
    match error {
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
        | ErrorCode::NOT_ENOUGH_REPLICAS
        | ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND => ErrorCode::COORDINATOR_NOT_AVAILABLE,
        ErrorCode::NOT_LEADER_OR_FOLLOWER | ErrorCode::KAFKA_STORAGE_ERROR => ErrorCode::NOT_COORDINATOR,
        ErrorCode::MESSAGE_TOO_LARGE | ErrorCode::RECORD_LIST_TOO_LARGE | ErrorCode::INVALID_FETCH_SIZE => too_large,
        other => other,
    }
}
