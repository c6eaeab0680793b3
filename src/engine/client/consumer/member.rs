//! A consumer's part in its group: by the protocol of KIP-848 in [`epochs`], by the classic one here. It finds the coordinator, joins, is assigned partitions or
//! assigns them, says that it lives, commits, leaves.
//!
//! ```text
//!   Out -> Joining -> Syncing -> In -> (a rebalance) Joining ...
//! ```
//!
//! As in Java's `ConsumerCoordinator`, heartbeats go out whatever the application does, and everything else happens when it
//! polls: one that is slow with its records joins late, and keeps the others waiting.

mod commit;
mod epochs;
mod join;
mod work;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::{About, Consumer, Key, Position};
use crate::engine::assignor::{ClientAssignor, RebalanceProtocol, client_assignor};
use crate::engine::client::link::Connected as _;
use crate::engine::client::numbers::Numbers;
use crate::engine::client::spec::GroupSpec;
use crate::engine::context::Context;
use crate::engine::event::{ClientEvent, EventKind};
use crate::engine::message::Lane;
use crate::engine::node::BrokerId;
use crate::engine::time::{Time, millis};
use crate::protocol::leave_group::MemberIdentity;
use crate::protocol::{
    ErrorCode, FindCoordinatorRequest, FindCoordinatorResponse, HeartbeatRequest, HeartbeatResponse, LeaveGroupRequest,
};

pub(super) use commit::Committing;
pub(super) use work::{Buffer, Hand};

/// The version of `FindCoordinator` that is spoken: several keys at once.
const FIND_VERSION: i16 = 4;
/// The version of `Heartbeat` that is spoken.
const HEARTBEAT_VERSION: i16 = 4;
/// The version of `LeaveGroup` that is spoken.
const LEAVE_VERSION: i16 = 5;

/// Where a member is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Not in the group: it joins as soon as it can.
    #[default]
    Out,
    /// It has asked to join, and waits for the others.
    Joining,
    /// It waits for its assignment.
    Syncing,
    /// It has its assignment.
    In,
    /// It is slow: `max.poll.interval.ms` is over, and it has left the group until it polls again.
    Stuck,
    /// It must not join: another one has its `group.instance.id`, or the group does not know its assignor.
    Refused(ErrorCode),
    /// It has left for good.
    Gone,
}

/// What a consumer has processed of a partition.
#[derive(Clone, Debug, Default)]
pub struct Book {
    /// Of which topic of that name.
    pub topic_id: Uuid,
    /// The offsets.
    pub processed: Numbers,
    /// Those that it has processed more than once.
    pub again: Numbers,
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Membership {
    spec: Arc<GroupSpec>,
    phase: Phase,
    id: Arc<str>,
    generation: i32,
    coordinator: Option<BrokerId>,
    /// Whether a broker was asked for the coordinator.
    finding: bool,
    /// Nothing is asked of the group before.
    not_before: Time,
    /// When the next heartbeat is due; whether one is on its way.
    heartbeat: (Time, bool),
    /// It has to join (again) when it polls next.
    rejoin: Option<Arc<str>>,
    /// What it is assigned.
    owned: BTreeSet<Key>,
    /// What it was assigned last, and in which generation: for assignors that build on it.
    last: Option<(BTreeSet<Key>, i32)>,
    /// How many partitions its topics had when it assigned them.
    assigned_of: BTreeMap<Arc<str>, i32>,
    leads: bool,
    /// What it and its coordinator have told each other by the protocol of KIP-848.
    epochs: epochs::Epochs,
    /// When it last polled.
    polled: Time,
    leaving: bool,
    pub(super) buffer: Buffer,
    pub(super) hand: Option<Hand>,
    pub(super) committing: Committing,
    books: BTreeMap<Key, Book>,
}

impl Membership {
    pub(super) fn new(spec: GroupSpec) -> Self {
        Self {
            spec: Arc::new(spec),
            phase: Phase::Out,
            id: "".into(),
            generation: -1,
            coordinator: None,
            finding: false,
            not_before: Time::ZERO,
            heartbeat: (Time::NEVER, false),
            rejoin: None,
            owned: BTreeSet::new(),
            last: None,
            assigned_of: BTreeMap::new(),
            leads: false,
            epochs: epochs::Epochs::default(),
            polled: Time::ZERO,
            leaving: false,
            buffer: Buffer::default(),
            hand: None,
            committing: Committing::default(),
            books: BTreeMap::new(),
        }
    }

    /// What it was told to do.
    pub fn spec(&self) -> &GroupSpec {
        &self.spec
    }

    /// Where it is.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Its member id; empty before it was given one.
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// The generation that it is part of, or -1.
    pub fn generation(&self) -> i32 {
        self.generation
    }

    /// Who coordinates its group, as far as it knows.
    pub fn coordinator(&self) -> Option<BrokerId> {
        self.coordinator
    }

    /// What it has processed, by partition.
    pub fn books(&self) -> impl Iterator<Item = (&Arc<str>, i32, &Book)> {
        self.books.iter().map(|((topic, partition), book)| (topic, *partition, book))
    }

    /// Records that it has polled and not processed yet, each by partition, the topic's id, and offset.
    pub fn left_in_hand(&self) -> impl Iterator<Item = (&Key, Uuid, i64)> {
        self.hand.iter().flat_map(Hand::remaining)
    }

    /// A topic is another one of the same name: what it knew of the old one is nothing to it.
    pub(super) fn forget(&mut self, topic: &str) {
        self.books.retain(|(name, _), _| **name != *topic);
        if let Some(hand) = &mut self.hand {
            hand.forget(topic);
        }
        self.buffer.drop_topic(topic);
        self.committing.forget(topic);
    }

    /// How many of its commits were acknowledged.
    pub fn commits(&self) -> u64 {
        self.committing.done
    }

    /// How many records it has polled and not processed yet.
    pub fn in_hand(&self) -> usize {
        self.hand.as_ref().map_or(0, Hand::left)
    }

    fn assignors(&self) -> impl Iterator<Item = &'static ClientAssignor> {
        self.spec.assignors.iter().filter_map(|name| client_assignor(name))
    }

    /// Whether it keeps its partitions while it joins again: where all its assignors can (KIP-429).
    fn is_cooperative(&self) -> bool {
        self.has_epochs() || self.assignors().all(|assignor| assignor.protocol == RebalanceProtocol::Cooperative)
    }

    /// Whether it is part of this generation: an answer to what it asked in an earlier one means nothing any more.
    fn is_in(&self, generation: i32) -> bool {
        self.phase == Phase::In && self.generation == generation
    }

    /// The coordinator is another one by now, or not there.
    pub(super) fn lose_coordinator(&mut self, now: Time) {
        self.coordinator = None;
        self.finding = false;
        self.epochs.forget_said();
        self.not_before = now + BACKOFF;
    }
}

/// `retry.backoff.ms`, towards the coordinator.
const BACKOFF: Duration = Duration::from_millis(100);

impl Consumer {
    /// Does what is to be done for the group now.
    pub(super) fn go_on_in_group(&mut self, ctx: &mut Context<'_>) {
        if self.member.is_none() {
            return;
        }
        self.find_coordinator(ctx);
        self.work(ctx);
        self.leave_if_stuck(ctx);
        if self.member.as_ref().is_some_and(Membership::has_epochs) {
            return self.beat_with_epoch(ctx);
        }
        self.join_if_due(ctx);
        self.beat_if_due(ctx);
    }

    /// When something is to be done for the group next.
    pub(super) fn next_in_group(&self) -> Time {
        let Some(member) = &self.member else { return Time::NEVER };
        let idle = member.hand.is_none() && !member.committing.is_waiting();
        let asks = member.coordinator.is_none()
            || member.phase == Phase::Out && idle
            || member.committing.wants()
            || member.rejoin.is_some() && idle && member.phase == Phase::In
            || self.positions.values().any(|position| position.waits_for_group && !position.asked);
        // While it waits for the coordinator's name, an answer wakes it.
        let asks = asks && !member.finding;
        let ask = if asks { member.not_before.max(Time(1)) } else { Time::NEVER };
        let (beat, beating) = member.heartbeat;
        let beat = if beating || member.coordinator.is_none() { Time::NEVER } else { beat };
        let stuck = if member.phase == Phase::In && member.hand.is_some() {
            member.polled + millis(member.spec.max_poll_interval_ms)
        } else {
            Time::NEVER
        };
        let work = member.hand.as_ref().map_or(Time::NEVER, Hand::next);
        ask.min(beat).min(stuck).min(work).min(self.next_commit())
    }

    fn find_coordinator(&mut self, ctx: &mut Context<'_>) {
        let now = ctx.now.lab;
        let Some(member) = &mut self.member else { return };
        if member.coordinator.is_some() || member.finding || member.not_before > now || member.phase == Phase::Gone {
            return;
        }
        let Some(broker) = self.metadata.any_broker(&self.links, now) else {
            member.not_before = now + BACKOFF;
            return;
        };
        member.finding = true;
        let request =
            FindCoordinatorRequest { coordinator_keys: vec![Arc::clone(&member.spec.id)], ..Default::default() };
        self.links.ask((broker, Lane::METADATA), FIND_VERSION, request.into(), About::Coordinator, ctx);
    }

    pub(super) fn on_coordinator(&mut self, response: &FindCoordinatorResponse, ctx: &Context<'_>) {
        let now = ctx.now.lab;
        let found = response.coordinators.first();
        let error = found.map_or(ErrorCode::COORDINATOR_NOT_AVAILABLE, |found| found.error_code);
        let Some(member) = &mut self.member else { return };
        member.finding = false;
        if let Some(found) = found.filter(|found| found.error_code.is_ok()) {
            let coordinator = BrokerId(found.node_id);
            member.coordinator = Some(coordinator);
            member.not_before = self.links.not_before(coordinator, Lane::GROUP);
        } else {
            member.not_before = now + BACKOFF;
            self.note_error(error, now);
        }
    }

    fn beat_if_due(&mut self, ctx: &mut Context<'_>) {
        let Some(member) = &mut self.member else { return };
        let (due, beating) = member.heartbeat;
        let Some(coordinator) = member.coordinator else { return };
        if beating || due > ctx.now.lab || member.phase != Phase::In {
            return;
        }
        member.heartbeat = (ctx.now.lab + millis(member.spec.heartbeat_interval_ms), true);
        let generation = member.generation;
        let request = HeartbeatRequest {
            group_id: Arc::clone(&member.spec.id),
            generation_id: member.generation,
            member_id: Arc::clone(&member.id),
            group_instance_id: member.spec.instance_id.clone(),
        };
        self.links.ask(
            (coordinator, Lane::GROUP),
            HEARTBEAT_VERSION,
            request.into(),
            About::Heartbeat(generation),
            ctx,
        );
    }

    pub(super) fn on_heartbeat(&mut self, response: &HeartbeatResponse, generation: i32, ctx: &mut Context<'_>) {
        let Some(member) = &mut self.member else { return };
        member.heartbeat.1 = false;
        if member.is_in(generation) {
            self.on_group_error(response.error_code, ctx);
        }
    }

    /// What an answer of the coordinator means for the membership.
    pub(super) fn on_group_error(&mut self, error: ErrorCode, ctx: &mut Context<'_>) {
        if error.is_ok() {
            return;
        }
        let now = ctx.now.lab;
        let Some(member) = &mut self.member else { return };
        match error {
            ErrorCode::REBALANCE_IN_PROGRESS => {
                if member.rejoin.is_none() {
                    member.rejoin = Some("group is already rebalancing".into());
                }
                return;
            }
            ErrorCode::ILLEGAL_GENERATION | ErrorCode::UNKNOWN_MEMBER_ID | ErrorCode::FENCED_MEMBER_EPOCH => {
                // The others go on without it: what it has is not its own any more.
                self.fall_out(error == ErrorCode::UNKNOWN_MEMBER_ID, ctx);
            }
            ErrorCode::NOT_COORDINATOR | ErrorCode::COORDINATOR_NOT_AVAILABLE => member.lose_coordinator(now),
            ErrorCode::FENCED_INSTANCE_ID
            | ErrorCode::INCONSISTENT_GROUP_PROTOCOL
            | ErrorCode::GROUP_MAX_SIZE_REACHED
            | ErrorCode::INVALID_SESSION_TIMEOUT
            | ErrorCode::UNRELEASED_INSTANCE_ID
            | ErrorCode::UNSUPPORTED_ASSIGNOR
            | ErrorCode::UNSUPPORTED_VERSION
            | ErrorCode::INVALID_REQUEST
            | ErrorCode::GROUP_ID_NOT_FOUND
            | ErrorCode::INVALID_GROUP_ID => {
                member.phase = Phase::Refused(error);
                self.give_back_all();
                ctx.note(EventKind::Client(ClientEvent::GroupRefused { error }));
            }
            // The coordinator is reading its log, for instance.
            _ => member.not_before = now + BACKOFF,
        }
        self.note_error(error, now);
    }

    /// It is not part of the generation any more.
    fn fall_out(&mut self, forget_id: bool, ctx: &mut Context<'_>) {
        let Some(member) = &mut self.member else { return };
        let had = member.owned.len();
        member.phase = Phase::Out;
        member.generation = -1;
        member.heartbeat = (Time::NEVER, false);
        if forget_id && !member.has_epochs() {
            member.id = "".into();
        }
        self.put_back_what_is_not_begun();
        if let Some(member) = &mut self.member {
            member.committing.give_up();
        }
        self.give_back_all();
        if had > 0 {
            let partitions = u32::try_from(had).unwrap_or(u32::MAX);
            ctx.note(EventKind::Client(ClientEvent::PartitionsLost { partitions }));
        }
    }

    /// A topic is another one of the same name: what it is assigned of it, it begins to read.
    pub(super) fn begin_anew(&mut self, topic: &str) {
        let Some(member) = &mut self.member else { return };
        member.forget(topic);
        // A coordinator that assigns sees to that itself.
        if member.has_epochs() {
            return;
        }
        for key in member.owned.iter().filter(|(name, _)| **name == *topic) {
            self.positions.insert(key.clone(), Position::to_ask());
        }
    }

    /// Reads nothing any more of what it is assigned.
    fn give_back_all(&mut self) {
        let Some(member) = &mut self.member else { return };
        for key in std::mem::take(&mut member.owned) {
            member.buffer.drop_partition(&key);
            self.positions.remove(&key);
        }
    }

    /// Reads nothing any more of these.
    fn give_back(&mut self, keys: &BTreeSet<Key>) {
        let Some(member) = &mut self.member else { return };
        for key in keys {
            member.owned.remove(key);
            member.buffer.drop_partition(key);
            self.positions.remove(key);
        }
    }

    /// The application has not polled for too long: the others are not to wait for it.
    fn leave_if_stuck(&mut self, ctx: &mut Context<'_>) {
        let Some(member) = &mut self.member else { return };
        let patience = millis(member.spec.max_poll_interval_ms);
        if member.phase != Phase::In || member.hand.is_none() || member.polled + patience > ctx.now.lab {
            return;
        }
        // A static member just falls silent: its session's time-out ends it.
        if member.has_epochs() || member.spec.instance_id.is_none() {
            self.send_leave("consumer poll timeout has expired.", ctx);
        }
        ctx.emit(EventKind::Client(ClientEvent::PollTooLate { after: patience }));
        self.fall_out(true, ctx);
        if let Some(member) = &mut self.member {
            member.phase = Phase::Stuck;
        }
    }

    fn send_leave(&mut self, reason: &str, ctx: &mut Context<'_>) {
        let Some(member) = &self.member else { return };
        if member.has_epochs() {
            return self.send_leave_epoch(ctx);
        }
        let Some(coordinator) = member.coordinator.filter(|_| !member.id.is_empty()) else { return };
        let me = MemberIdentity {
            member_id: Arc::clone(&member.id),
            group_instance_id: member.spec.instance_id.clone(),
            reason: Some(reason.into()),
        };
        let request =
            LeaveGroupRequest { group_id: Arc::clone(&member.spec.id), members: vec![me], ..Default::default() };
        self.links.ask((coordinator, Lane::GROUP), LEAVE_VERSION, request.into(), About::Leave, ctx);
    }

    /// It is to end: what it has in hand it finishes first.
    pub(in super::super) fn close(&mut self, ctx: &mut Context<'_>) {
        match &mut self.member {
            Some(member) => member.leaving = true,
            None => self.closed = true,
        }
        self.go_on(ctx);
    }

    /// Works this long on each record, from the next poll on. Returns whether it is a member of a group.
    pub(in crate::engine) fn set_work(&mut self, work_us: u32) -> bool {
        let Some(member) = &mut self.member else { return false };
        Arc::make_mut(&mut member.spec).work_us = work_us;
        true
    }

    /// Whether it has ended in order.
    pub fn is_gone(&self) -> bool {
        self.closed || self.member.as_ref().is_some_and(|member| member.phase == Phase::Gone)
    }

    /// With nothing in hand, one that is to leave commits, says so, and is gone.
    pub(super) fn leave_if_told(&mut self, ctx: &mut Context<'_>) {
        let told = self.member.as_ref().is_some_and(|m| m.leaving && m.hand.is_none() && m.phase != Phase::Gone);
        if !told {
            return;
        }
        self.commit_on_close(ctx);
        // A static member's place is kept for it.
        if self.member.as_ref().is_some_and(|member| member.has_epochs() || member.spec.instance_id.is_none()) {
            self.send_leave("the consumer is being closed", ctx);
        }
        self.give_back_all();
        if let Some(member) = &mut self.member {
            member.phase = Phase::Gone;
            member.generation = -1;
            member.heartbeat = (Time::NEVER, false);
        }
        ctx.note(EventKind::Client(ClientEvent::Closed));
    }
}
