//! Committing: how far the application has come, told to the group when its way of committing says so.
//!
//! What is committed is the position behind the records that the last poll handed out. Committed after they are processed,
//! a crash repeats records; before, it loses them; now and then (`enable.auto.commit`), it repeats what came since.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{About, Consumer, Key, Phase};
use crate::engine::client::consumer::{Offsets, Position};
use crate::engine::client::spec::Commit;
use crate::engine::context::Context;
use crate::engine::event::{ClientEvent, EventKind};
use crate::engine::message::Lane;
use crate::engine::time::{Time, millis};
use crate::protocol::offset_commit::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use crate::protocol::{ErrorCode, OffsetCommitRequest, OffsetCommitResponse};

/// The version of `OffsetCommit` that is spoken.
const VERSION: i16 = 9;

/// A member's commits.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Committing {
    /// A commit that the application waits for: what it is about, while it is not acknowledged.
    waiting: Option<Offsets>,
    /// Whether it is on its way.
    sent: bool,
    /// When the next automatic commit is due.
    next_auto: Time,
    /// Commits that were acknowledged.
    pub(in super::super) done: u64,
}

impl Committing {
    /// Whether the application waits for a commit.
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// Whether a commit is to be sent.
    pub(super) fn wants(&self) -> bool {
        self.waiting.is_some() && !self.sent
    }

    /// There is nothing to commit of a topic any more.
    pub(super) fn forget(&mut self, topic: &str) {
        if let Some(waiting) = &mut self.waiting {
            waiting.retain(|(name, _), _| **name != *topic);
        }
        self.waiting.take_if(|waiting| waiting.is_empty());
    }

    /// The application does not wait any more.
    pub(super) fn give_up(&mut self) {
        self.waiting = None;
        self.sent = false;
    }

    /// The answer will not come.
    pub(super) fn failed(&mut self) {
        self.sent = false;
    }
}

impl Consumer {
    /// When an automatic commit is due.
    pub(super) fn next_commit(&self) -> Time {
        let Some(member) = &self.member else { return Time::NEVER };
        let auto = matches!(member.spec.commit, Commit::Auto { .. }) && member.phase == Phase::In;
        let idle = member.hand.is_none() && !member.committing.is_waiting() && member.coordinator.is_some();
        if auto && idle && self.has_uncommitted() {
            member.committing.next_auto.max(member.not_before)
        } else {
            Time::NEVER
        }
    }

    fn has_uncommitted(&self) -> bool {
        self.positions.values().any(|position| position.consumed.is_some() && position.consumed != position.committed)
    }

    fn uncommitted(&self) -> Offsets {
        let of = |(key, position): (&Key, &Position)| {
            let consumed = position.consumed.filter(|_| position.consumed != position.committed)?;
            Some((key.clone(), (consumed, position.consumed_epoch)))
        };
        self.positions.iter().filter_map(of).collect()
    }

    /// Has the application wait until its position is committed. Returns whether there is anything to wait for.
    pub(super) fn commit_and_wait(&mut self, ctx: &mut Context<'_>) -> bool {
        let offsets = self.uncommitted();
        let Some(member) = &mut self.member else { return false };
        // While the group rebalances nothing is committed (Java's RebalanceInProgressException): the next commit has it.
        if offsets.is_empty() || member.phase != Phase::In {
            return false;
        }
        member.committing.waiting = Some(offsets);
        member.committing.sent = false;
        self.send_commit(ctx);
        true
    }

    /// Sends the commit that the application waits for.
    pub(super) fn send_commit(&mut self, ctx: &mut Context<'_>) {
        let Some(member) = &mut self.member else { return };
        if !member.committing.wants() || member.not_before > ctx.now.lab || member.coordinator.is_none() {
            return;
        }
        member.committing.sent = true;
        let offsets = member.committing.waiting.clone().unwrap_or_default();
        self.ask_commit(offsets, true, ctx);
    }

    /// `enable.auto.commit`: at a poll, if the time has come; nobody waits for it.
    pub(super) fn auto_commit(&mut self, ctx: &mut Context<'_>) {
        let due = self.next_commit() <= ctx.now.lab;
        let Some(member) = &mut self.member else { return };
        let Commit::Auto { interval_ms } = member.spec.commit else { return };
        if due {
            member.committing.next_auto = ctx.now.lab + millis(interval_ms);
            let offsets = self.uncommitted();
            self.ask_commit(offsets, false, ctx);
        }
    }

    /// Before everything is given back. Returns whether that has to be waited for.
    pub(super) fn commit_before_revoking(&mut self, ctx: &mut Context<'_>) -> bool {
        let auto = self.member.as_ref().is_some_and(|member| matches!(member.spec.commit, Commit::Auto { .. }));
        auto && self.commit_and_wait(ctx)
    }

    /// Before some of it is given back: on the same connection the commit is there before the next join.
    pub(super) fn commit_on_revoking(&mut self, ctx: &mut Context<'_>) {
        let auto = self.member.as_ref().is_some_and(|member| matches!(member.spec.commit, Commit::Auto { .. }));
        if auto {
            let offsets = self.uncommitted();
            self.ask_commit(offsets, false, ctx);
        }
    }

    /// Before it leaves.
    pub(super) fn commit_on_close(&mut self, ctx: &mut Context<'_>) {
        if self.member.as_ref().is_some_and(|member| member.phase == Phase::In) {
            self.commit_on_revoking(ctx);
        }
    }

    fn ask_commit(&mut self, offsets: Offsets, waits: bool, ctx: &mut Context<'_>) {
        let Some(member) = &self.member else { return };
        let may = !offsets.is_empty() && member.phase == Phase::In;
        let Some(coordinator) = member.coordinator.filter(|_| may) else { return };
        let mut topics: BTreeMap<Arc<str>, Vec<OffsetCommitRequestPartition>> = BTreeMap::new();
        for ((topic, partition), (offset, epoch)) in &offsets {
            topics.entry(Arc::clone(topic)).or_default().push(OffsetCommitRequestPartition {
                partition_index: *partition,
                committed_offset: *offset,
                committed_leader_epoch: *epoch,
                committed_metadata: Some("".into()),
                ..OffsetCommitRequestPartition::default()
            });
        }
        let topics =
            topics.into_iter().map(|(name, partitions)| OffsetCommitRequestTopic { name, partitions }).collect();
        let request = OffsetCommitRequest {
            group_id: Arc::clone(&member.spec.id),
            generation_id_or_member_epoch: member.generation,
            member_id: Arc::clone(&member.id),
            group_instance_id: member.spec.instance_id.clone(),
            topics,
            ..OffsetCommitRequest::default()
        };
        let about = About::Commit(Box::new((offsets, waits, member.generation)));
        self.links.ask((coordinator, Lane::GROUP), VERSION, request.into(), about, ctx);
    }

    pub(in super::super) fn on_commit(
        &mut self,
        response: &OffsetCommitResponse,
        offsets: &Offsets,
        waits: bool,
        generation: i32,
        ctx: &mut Context<'_>,
    ) {
        let answers = response.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |at| (topic, at)));
        let mut error = ErrorCode::NONE;
        for (topic, answer) in answers {
            if answer.error_code.is_error() {
                error = if error.is_ok() { answer.error_code } else { error };
                continue;
            }
            let key = (Arc::clone(&topic.name), answer.partition_index);
            if let (Some((offset, _)), Some(position)) = (offsets.get(&key), self.positions.get_mut(&key)) {
                position.committed = Some(*offset);
            }
        }
        let Some(member) = &mut self.member else { return };
        if error.is_ok() {
            member.committing.done += 1;
        }
        if waits {
            member.committing.sent = false;
            // What can be tried again is; else the application hears that the group has gone on without it.
            // A member's epoch may have been raised meanwhile: it is said again with the new one.
            let stale = error == ErrorCode::STALE_MEMBER_EPOCH;
            // Of a topic that was deleted there is nothing to commit: nobody waits for it.
            let deleted = error == ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
            let again = error.is_retriable() && error != ErrorCode::REBALANCE_IN_PROGRESS && !deleted || stale;
            if !again {
                member.committing.waiting = None;
                if error.is_error() {
                    self.put_back_what_is_not_begun();
                }
            }
        }
        if error.is_error() && self.member.as_ref().is_some_and(|member| member.is_in(generation)) {
            self.on_group_error(error, ctx);
            if !error.is_retriable() {
                let partitions = u32::try_from(offsets.len()).unwrap_or(u32::MAX);
                ctx.note(EventKind::Client(ClientEvent::CommitFailed { partitions, error }));
            }
        }
    }
}
