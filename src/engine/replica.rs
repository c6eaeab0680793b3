//! One replica of a partition on one broker: its log, its high watermark, and its part as leader or follower.
//!
//! ```text
//!            LeaderAndIsr: leader is me               LeaderAndIsr: leader is another
//!   Idle ------------------------------> Leader <------------------------------------> Follower
//! ```
//!
//! # Invariants
//! - A leader's high watermark is at most the smallest log end over the in-sync set (committed and pending), and never
//!   goes back. It stands while the in-sync set is smaller than the effective `min.insync.replicas` (since 3.7).
//! - A follower's high watermark is at most its log end. It takes over the leader's only after truncation.
//! - A new leader notes (epoch, log end) in its epoch cache before it serves.
//!
//! The source is Kafka's `Partition`, `Replica` and `AbstractFetcherThread`. Requests, timers and the wire are the
//! broker's; nothing here sends.

mod follower;
mod leader;

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

pub(crate) use follower::truncate_by_epoch;
pub use follower::{Follower, Phase, Truncated};
pub use leader::{FollowerProgress, IsrProposal, Leader};

use super::log::{Log, Storage, StorageError};
use super::node::BrokerId;
use super::time::Time;
use crate::protocol::ErrorCode;

/// A topic's name and a partition of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// The topic's name.
    pub topic: Arc<str>,
    /// The partition's number, from 0.
    pub partition: i32,
}

impl TopicPartition {
    /// Of `topic` the partition `partition`.
    pub fn new(topic: impl Into<Arc<str>>, partition: i32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

impl std::fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// What the controller last said of a partition (`LeaderAndIsr`), with what its leader has changed since.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionState {
    /// The leader, or none.
    pub leader: Option<BrokerId>,
    /// The leader's epoch: up by one with each election.
    pub leader_epoch: i32,
    /// The version of the partition's state znode: up by one with each change of leader or in-sync set.
    pub partition_epoch: i32,
    /// The in-sync replicas.
    pub isr: Vec<BrokerId>,
    /// The assigned replicas, the preferred leader first.
    pub replicas: Vec<BrokerId>,
    /// Replicas that a reassignment adds.
    pub adding: Vec<BrokerId>,
    /// Replicas that a reassignment removes.
    pub removing: Vec<BrokerId>,
}

/// The part that a replica plays.
#[derive(Clone, Debug)]
pub enum Role {
    /// None yet: the broker has started and the controller has not spoken.
    Idle,
    /// It leads.
    Leader(Leader),
    /// It follows.
    Follower(Follower),
}

/// A replica. See the [module](self).
#[derive(Clone, Debug)]
pub struct Replica {
    /// Which partition.
    pub id: TopicPartition,
    /// The topic's id.
    pub topic_id: Uuid,
    /// Its log.
    pub log: Log,
    /// Below this every in-sync replica has the records: consumers read up to here.
    pub high_watermark: i64,
    /// What the controller said.
    pub state: PartitionState,
    /// Its part.
    pub role: Role,
    /// `min.insync.replicas` of the topic.
    pub min_insync: usize,
}

impl Replica {
    /// A replica with what its broker's disk has of it, without a part yet.
    pub fn new(id: TopicPartition, topic_id: Uuid, log: Log, high_watermark: i64, min_insync: usize) -> Self {
        let high_watermark = high_watermark.clamp(log.log_start_offset(), log.log_end_offset());
        Self { id, topic_id, log, high_watermark, state: PartitionState::default(), role: Role::Idle, min_insync }
    }

    /// Its part as leader, if it leads.
    pub fn leader(&self) -> Option<&Leader> {
        match &self.role {
            Role::Leader(leader) => Some(leader),
            _ => None,
        }
    }

    /// Its part as follower, if it follows.
    pub fn follower(&self) -> Option<&Follower> {
        match &self.role {
            Role::Follower(follower) => Some(follower),
            _ => None,
        }
    }

    /// `min.insync.replicas`, but never more than there are replicas (since 3.7).
    pub fn effective_min_insync(&self) -> usize {
        self.min_insync.min(self.state.replicas.len())
    }

    /// Whether a sender who believes in `epoch` is right; -1 means that it does not know.
    pub fn check_epoch(&self, epoch: i32) -> Result<(), ErrorCode> {
        match epoch {
            -1 => Ok(()),
            e if e < self.state.leader_epoch => Err(ErrorCode::FENCED_LEADER_EPOCH),
            e if e > self.state.leader_epoch => Err(ErrorCode::UNKNOWN_LEADER_EPOCH),
            _ => Ok(()),
        }
    }

    /// Takes up what the controller says as the leader. `min_insync` is the topic's setting now.
    ///
    /// Followers start with an unknown log end; those in sync count as caught up now, so that they have
    /// `replica.lag.time.max.ms` to fetch.
    ///
    /// # Errors
    /// [`StorageError`] where the epoch cannot be written down; it does not lead then.
    pub fn lead(
        &mut self,
        me: BrokerId,
        state: PartitionState,
        now: Time,
        disk: &mut dyn Storage,
    ) -> Result<(), StorageError> {
        let new_epoch = self.leader().is_none_or(|leader| leader.epoch != state.leader_epoch);
        if new_epoch {
            let epoch_start = self.log.log_end_offset();
            self.log.assign_epoch(state.leader_epoch, epoch_start, disk)?;
            self.role = Role::Leader(Leader::new(me, &state, epoch_start, now));
        } else if let Role::Leader(leader) = &mut self.role {
            leader.update(me, &state, now);
        }
        self.state = state;
        self.advance_high_watermark();
        Ok(())
    }

    /// Takes up what the controller says as a follower (or as one without a leader).
    pub fn follow(&mut self, state: PartitionState) {
        let changed = self.follower().is_none() || self.state.leader_epoch != state.leader_epoch;
        if changed {
            self.role = Role::Follower(Follower::new());
        }
        self.state = state;
    }

    /// Moves a leader's high watermark up as far as the in-sync set allows. Returns whether it moved.
    pub fn advance_high_watermark(&mut self) -> bool {
        let Role::Leader(leader) = &self.role else { return false };
        if self.state.isr.len() < self.effective_min_insync() {
            return false;
        }
        let reached = leader.reached_by_all(&self.state.isr, self.log.log_end_offset());
        let moved = reached > self.high_watermark;
        if moved {
            self.high_watermark = reached;
        }
        moved
    }

    /// As a follower, takes over the leader's high watermark as far as the own log goes. Returns whether it moved.
    pub fn follow_high_watermark(&mut self, leaders: i64) -> bool {
        let before = self.high_watermark;
        self.high_watermark = leaders.min(self.log.log_end_offset()).max(self.log.log_start_offset());
        self.high_watermark != before
    }

    /// A follower said where its log begins. Returns whether that is news.
    pub fn follower_begins(&mut self, follower: BrokerId, log_start: i64) -> bool {
        let Role::Leader(leader) = &mut self.role else { return false };
        let known = leader.progress.get_mut(&follower).map(|progress| &mut progress.log_start);
        known.is_some_and(|known| known.replace(log_start) != Some(log_start))
    }

    /// A follower that was seen fetching from `offset`: notes how far it is. Returns whether the high watermark moved.
    pub fn follower_fetched(&mut self, follower: BrokerId, offset: i64, now: Time) -> bool {
        let log_end = self.log.log_end_offset();
        if let Role::Leader(leader) = &mut self.role {
            leader.fetched(follower, offset, log_end, now);
        }
        self.advance_high_watermark()
    }

    /// Whether `follower` may join the in-sync set: its log end has reached the high watermark and the start of the
    /// leader's epoch (KAFKA-7128).
    pub fn may_join(&self, follower: BrokerId) -> bool {
        self.leader().is_some_and(|leader| {
            !self.state.isr.contains(&follower)
                && leader.pending.is_none()
                && self.state.replicas.contains(&follower)
                && leader
                    .progress
                    .get(&follower)
                    .and_then(|progress| progress.log_end)
                    .is_some_and(|end| end >= self.high_watermark.max(leader.epoch_start))
        })
    }

    /// The in-sync followers that have not caught up for `patience`.
    pub fn lagging(&self, me: BrokerId, now: Time, patience: Duration) -> Vec<BrokerId> {
        let Some(leader) = self.leader() else { return Vec::new() };
        if leader.pending.is_some() {
            return Vec::new();
        }
        let log_end = self.log.log_end_offset();
        let late = |id: &BrokerId| {
            leader.progress.get(id).is_none_or(|p| p.log_end != Some(log_end) && now.since(p.caught_up_at) > patience)
        };
        self.state.isr.iter().copied().filter(|id| *id != me && late(id)).collect()
    }
}

#[cfg(test)]
mod tests;
