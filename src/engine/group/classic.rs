//! A group by the classic protocol: its members meet at the coordinator, and one of them assigns.
//!
//! ```text
//!             join                 all joined, or time is up            the leader's SyncGroup is kept
//!   Empty ----------> PreparingRebalance ----------> CompletingRebalance ----------> Stable
//!     ^                   ^    |                              |                         |
//!     |                   +----|------------------------------+-------------------------+
//!     +------------------------+   somebody joins, leaves, falls silent, or joins again with something new
//!        nobody is left
//! ```
//!
//! # Invariants
//! - The generation rises by one whenever the members have met; an assignment is of one generation.
//! - Only what is in the log is handed out: an assignment goes to the members when it is on all in-sync replicas.
//! - A member that waits for an answer does not fall silent.
//!
//! Sources: `GroupCoordinator`, `GroupMetadata`, `MemberMetadata`, `DelayedJoin`, `InitialDelayedJoin`.

mod describe;
mod join;
mod leave;
mod rebalance;
mod records;
mod sync;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

pub use self::join::Replacement;
use super::desk::{Desk, TimerKind};
use crate::engine::broker::connection::Origin;
use crate::engine::context::TimerId;
use crate::engine::event::group::Gone;
use crate::engine::time::Clock;
use crate::protocol::ErrorCode;
use crate::protocol::consumer_protocol::{ConsumerProtocolSubscription, PROTOCOL_TYPE};

/// Where a group is. The names are Kafka's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// It has no members, and may have offsets.
    #[default]
    Empty,
    /// The members are called together.
    PreparingRebalance,
    /// They have met, and wait for the assignment.
    CompletingRebalance,
    /// Everybody has an assignment.
    Stable,
}

impl State {
    /// Kafka's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
        }
    }
}

/// An assignor that a member knows, with what the member tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// Its name.
    pub name: Arc<str>,
    /// A consumer's subscription, for instance.
    pub metadata: Bytes,
}

/// One member.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its `client.id`.
    pub client_id: Arc<str>,
    /// Its address.
    pub client_host: Arc<str>,
    /// Its `group.instance.id`: a static member has one.
    pub instance_id: Option<Arc<str>>,
    /// How long it may take to join again.
    pub rebalance_timeout: Duration,
    /// How long it may be silent.
    pub session_timeout: Duration,
    /// The assignors that it knows, the one that it likes best first.
    pub protocols: Vec<Protocol>,
    /// What it was assigned.
    pub assignment: Bytes,
    /// Whether it has never been part of a generation.
    pub is_new: bool,
    /// The date when it last asked to join, ms since 1970; `None` where its coordinator knows it from the log.
    pub joined_ms: Option<i64>,
    /// The clock that its patience is measured on.
    clock: Clock,
    joining: Option<Origin>,
    syncing: Option<Origin>,
    session: Option<TimerId>,
}

impl Member {
    /// Whether it has joined the generation that is being formed.
    pub fn has_joined(&self) -> bool {
        self.joining.is_some()
    }

    /// Whether it waits for its assignment.
    pub fn waits_for_assignment(&self) -> bool {
        self.syncing.is_some()
    }

    /// When it has been silent for too long; `None` while it waits for an answer, and so cannot speak.
    pub fn session_ends(&self) -> Option<TimerId> {
        self.session.filter(|_| !self.has_joined() && !self.waits_for_assignment())
    }

    /// What it tells an assignor.
    pub fn metadata(&self, protocol: &str) -> Bytes {
        self.protocols
            .iter()
            .find(|known| &*known.name == protocol)
            .map(|known| known.metadata.clone())
            .unwrap_or_default()
    }
}

/// The members are being called together.
#[derive(Clone, Copy, Debug)]
struct Call {
    timer: TimerId,
    /// How long it takes from the beginning.
    wait: Duration,
    /// Of a group that was empty: how long members may still be waited for beyond this timer. It ends only with its timer.
    initial: Option<Duration>,
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct ClassicGroup {
    state: State,
    /// `consumer`, for consumers.
    protocol_type: Option<Arc<str>>,
    /// The assignor of this generation.
    protocol: Option<Arc<str>>,
    generation: i32,
    /// The member that assigns.
    leader: Option<Arc<str>>,
    members: BTreeMap<Arc<str>, Member>,
    /// The members by their instance ids.
    instances: BTreeMap<Arc<str>, Arc<str>>,
    /// Ids that were given out, and not yet joined with.
    pending: BTreeMap<Arc<str>, TimerId>,
    /// Members that have not asked for the assignment of this generation.
    pending_sync: BTreeSet<Arc<str>>,
    call: Option<Call>,
    sync_timer: Option<TimerId>,
    /// Whether somebody came while the first members of an empty group were waited for.
    newcomer: bool,
    /// The topics that the members of this generation read, where they are consumers whose subscriptions can be read.
    topics: Option<BTreeSet<Arc<str>>>,
    /// The date of the state, ms since 1970.
    since_ms: i64,
}

impl ClassicGroup {
    /// A group without members.
    pub fn new(now_ms: i64) -> Self {
        Self {
            state: State::Empty,
            protocol_type: None,
            protocol: None,
            generation: 0,
            leader: None,
            members: BTreeMap::new(),
            instances: BTreeMap::new(),
            pending: BTreeMap::new(),
            pending_sync: BTreeSet::new(),
            call: None,
            sync_timer: None,
            newcomer: false,
            topics: None,
            since_ms: now_ms,
        }
    }

    /// Where it is.
    pub fn state(&self) -> State {
        self.state
    }

    /// Its generation: 0 before the first one.
    pub fn generation(&self) -> i32 {
        self.generation
    }

    /// The kind of its members; `consumer`, as a rule.
    pub fn protocol_type(&self) -> Option<&Arc<str>> {
        self.protocol_type.as_ref()
    }

    /// The assignor of this generation.
    pub fn protocol(&self) -> Option<&Arc<str>> {
        self.protocol.as_ref()
    }

    /// The member that assigns.
    pub fn leader(&self) -> Option<&Arc<str>> {
        self.leader.as_ref()
    }

    /// Its members, by member id.
    pub fn members(&self) -> impl Iterator<Item = (&Arc<str>, &Member)> {
        self.members.iter()
    }

    /// When whoever has not joined is given up, while the members are called together.
    pub fn call_ends(&self) -> Option<TimerId> {
        self.call.map(|call| call.timer)
    }

    /// How long they are called at most, from when that timer was set.
    pub fn call_wait(&self) -> Duration {
        self.call.map_or(Duration::ZERO, |call| call.wait)
    }

    /// Whether the first members of an empty group are waited for, all the time there is.
    pub fn waits_for_first(&self) -> bool {
        self.call.is_some_and(|call| call.initial.is_some())
    }

    /// Whether nobody is in it or on the way to it.
    pub fn is_unused(&self) -> bool {
        self.state == State::Empty && self.members.is_empty() && self.pending.is_empty()
    }

    /// The date of its state, ms since 1970.
    pub fn since_ms(&self) -> i64 {
        self.since_ms
    }

    /// Whether its members are consumers that read `topic`. Where the subscriptions cannot be read, all are.
    pub fn reads(&self, topic: &str) -> bool {
        self.topics.as_ref().is_none_or(|topics| topics.contains(topic))
    }

    /// From when on the retention of an offset counts that was committed at `commit_ms`; `None` where it is kept for now
    /// (`GroupMetadata.removeExpiredOffsets`).
    pub fn keeps_from(&self, topic: &str, commit_ms: i64) -> Option<i64> {
        match self.state {
            // It never had members: these are offsets of consumers that assign their partitions themselves.
            _ if self.protocol_type.is_none() => Some(commit_ms),
            // An old record may not say since when it is empty.
            State::Empty => Some(if self.since_ms >= 0 { self.since_ms } else { commit_ms }),
            State::Stable => (self.is_of_consumers() && !self.reads(topic)).then_some(commit_ms),
            State::PreparingRebalance | State::CompletingRebalance => None,
        }
    }

    /// Whether its members are consumers.
    pub fn is_of_consumers(&self) -> bool {
        self.protocol_type.as_deref() == Some(PROTOCOL_TYPE)
    }

    /// Whether `member` may speak for the group: who it is, and whether another one has its instance id by now.
    pub fn check_member(&self, member: &str, instance: Option<&Arc<str>>) -> Result<(), ErrorCode> {
        if let Some(instance) = instance {
            return match self.instances.get(instance) {
                None => Err(ErrorCode::UNKNOWN_MEMBER_ID),
                Some(current) if &**current != member => Err(ErrorCode::FENCED_INSTANCE_ID),
                Some(_) => Ok(()),
            };
        }
        if self.members.contains_key(member) { Ok(()) } else { Err(ErrorCode::UNKNOWN_MEMBER_ID) }
    }

    /// A timer of it fired.
    pub fn on_timer(&mut self, kind: &TimerKind, desk: &mut Desk<'_, '_>) {
        match kind {
            TimerKind::Session { member } => self.on_silence(member, desk),
            TimerKind::Pending { member } => self.on_pending_expired(member, desk),
            TimerKind::Join => self.on_call_ended(desk),
            TimerKind::Sync { generation } => self.on_sync_ended(*generation, desk),
            TimerKind::Patterns | TimerKind::Revocation { .. } => {}
        }
    }

    /// A member was silent for its session's time-out. Whoever waits for an answer cannot speak; a newcomer's patience is
    /// measured all the same, as its connection may be gone.
    fn on_silence(&mut self, id: &Arc<str>, desk: &mut Desk<'_, '_>) {
        let Some(member) = self.members.get_mut(id) else { return };
        member.session = None;
        let waits = member.joining.is_some() || member.syncing.is_some();
        if member.is_new || !waits {
            self.remove(id, Gone::Silent, desk);
        }
    }

    /// A member said something: its patience is measured on the clock that it speaks on.
    fn hear_from(&mut self, id: &Arc<str>, desk: &mut Desk<'_, '_>) {
        if let Some(member) = self.members.get_mut(id) {
            member.clock = desk.ctx.clock;
        }
        self.hear(id, desk);
    }

    /// Begins to measure a member's silence anew.
    fn hear(&mut self, id: &Arc<str>, desk: &mut Desk<'_, '_>) {
        let Some(member) = self.members.get_mut(id) else { return };
        desk.cancel(&mut member.session);
        let kind = TimerKind::Session { member: Arc::clone(id) };
        member.session = Some(desk.timer_on(member.clock, member.session_timeout, kind));
    }

    fn enter(&mut self, state: State, desk: &Desk<'_, '_>) {
        self.state = state;
        self.since_ms = desk.date_ms();
    }

    /// The topics that the members read by the assignor of this generation.
    fn subscribed_topics(&self) -> Option<BTreeSet<Arc<str>>> {
        if !self.is_of_consumers() {
            return None;
        }
        let Some(protocol) = self.protocol.as_ref() else {
            return self.members.is_empty().then(BTreeSet::new);
        };
        let mut topics = BTreeSet::new();
        for member in self.members.values() {
            let subscription = ConsumerProtocolSubscription::from_bytes(&member.metadata(protocol)).ok()?;
            topics.extend(subscription.topics);
        }
        Some(topics)
    }
}
