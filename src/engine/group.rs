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
mod desk;
pub mod offsets;
pub mod shard;

use std::sync::Arc;

use self::classic::{ClassicGroup, State};
use self::offsets::{Committed, Offsets};
use crate::engine::event::GroupEvent;
use crate::engine::event::group::Removed;
use crate::engine::replica::TopicPartition;
use crate::protocol::ErrorCode;
use crate::protocol::group_records::GroupRecord;

pub use desk::{Caller, Desk, GroupTimer, Kept, TimerKind, Wish, Write};

/// One group: its members by the one or the other protocol, and its offsets.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its id.
    pub id: Arc<str>,
    /// Its members. A group that only has offsets is a classic one without members.
    pub classic: ClassicGroup,
    /// Its committed offsets.
    pub offsets: Offsets,
}

impl Group {
    /// A group without members and offsets.
    pub fn new(id: Arc<str>, now_ms: i64) -> Self {
        Self { id, classic: ClassicGroup::new(now_ms), offsets: Offsets::default() }
    }

    /// A timer of it fired.
    pub fn on_timer(&mut self, kind: &TimerKind, desk: &mut Desk<'_, '_>) {
        self.classic.on_timer(kind, desk);
    }

    /// What was to be kept is on all in-sync replicas, or was not kept.
    pub fn kept(&mut self, kept: Kept, outcome: Result<(), ErrorCode>, desk: &mut Desk<'_, '_>) {
        match kept {
            Kept::Nothing => {}
            Kept::Commit(commit) => self.offsets.kept(commit, outcome, desk),
            Kept::Assignment { generation } => self.classic.assignment_kept(generation, outcome, desk),
            Kept::Replacement(replacement) => self.classic.replacement_kept(*replacement, outcome, desk),
        }
    }

    /// The name of its state, as `ListGroups` has it.
    pub fn state(&self) -> &'static str {
        self.classic.state().name()
    }

    /// `consumer`, as a rule; empty for a group that only has offsets.
    pub fn protocol_type(&self) -> Arc<str> {
        self.classic.protocol_type().cloned().unwrap_or_default()
    }

    /// By which protocol its members talk to it: `classic`.
    pub fn kind(&self) -> &'static str {
        "classic"
    }

    /// Whether nobody is in it and nothing is committed: it may be forgotten.
    pub fn is_unused(&self) -> bool {
        self.classic.is_unused() && self.offsets.is_empty()
    }

    /// Whether the log has no word of it.
    pub fn is_nothing(&self) -> bool {
        self.is_unused() && self.classic.generation() == 0
    }

    /// Has it kept that the group is gone.
    pub fn remove(&mut self, desk: &mut Desk<'_, '_>) {
        desk.say(GroupEvent::Removed { group: Arc::clone(&self.id) });
        if self.classic.generation() > 0 {
            desk.keep(vec![ClassicGroup::tombstone(&self.id)], Kept::Nothing);
        }
    }

    /// Forgets offsets.
    pub fn forget_offsets(
        &mut self,
        why: Removed,
        gone: impl Fn(&TopicPartition, &Committed) -> bool,
        desk: &mut Desk<'_, '_>,
    ) {
        let partitions = self.offsets.forget(gone, desk);
        if !partitions.is_empty() {
            desk.say(GroupEvent::OffsetsRemoved { group: Arc::clone(&self.id), partitions, why });
        }
    }

    /// Forgets offsets that are older than `offsets.retention.minutes` (KIP-211): of an empty group counted from when it
    /// became so, even if they were committed later; of topics that nobody in a stable group reads counted from the
    /// commit. A time of the committer's own stands for the retention, not for the rest (`GroupMetadata`).
    pub fn expire_offsets(&mut self, desk: &mut Desk<'_, '_>) {
        let now_ms = desk.date_ms();
        let retention_ms = desk.settings.offsets_retention_minutes.saturating_mul(60_000).into();
        let classic = &self.classic;
        let (state, since_ms) = (classic.state(), classic.since_ms());
        // A group that never had members holds offsets of consumers that assign their partitions themselves.
        let simple = classic.protocol_type().is_none();
        let expired = |id: &TopicPartition, committed: &Committed| {
            let (may_go, from_ms) = match state {
                _ if simple => (true, committed.commit_ms),
                State::Empty if since_ms >= 0 => (true, since_ms),
                State::Empty => (true, committed.commit_ms),
                State::Stable => (classic.is_of_consumers() && !classic.reads(&id.topic), committed.commit_ms),
                State::PreparingRebalance | State::CompletingRebalance => (false, 0),
            };
            let is_over = committed
                .expire_ms
                .map_or(now_ms.saturating_sub(from_ms) >= retention_ms, |expire_ms| now_ms >= expire_ms);
            may_go && is_over
        };
        let ids: Vec<TopicPartition> =
            self.offsets.iter().filter(|(id, committed)| expired(id, committed)).map(|(id, _)| id.clone()).collect();
        self.forget_offsets(Removed::Expired, |id, _| ids.contains(id), desk);
    }

    /// The coordinator moves away: whoever waits here asks the next one.
    pub fn unload(&mut self, desk: &mut Desk<'_, '_>) {
        self.classic.unload(desk);
    }
}
