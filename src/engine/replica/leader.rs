//! A leader's view of its followers: how far each is, since when, and the change of the in-sync set in flight.

use std::collections::BTreeMap;

use super::PartitionState;
use crate::engine::node::BrokerId;
use crate::engine::time::Time;

/// What a leader knows of one follower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FollowerProgress {
    /// Its log end, as its last fetch told; `None` until it has fetched in this epoch.
    pub log_end: Option<i64>,
    /// Where its log begins, as its last fetch told; `None` until it has fetched in this epoch.
    pub log_start: Option<i64>,
    /// When it had last caught up with the leader's log end (Kafka's `lastCaughtUpTimeMs`).
    pub caught_up_at: Time,
    /// When it fetched last.
    pub fetched_at: Time,
    /// The leader's log end at that fetch: who reaches it with the next one had caught up then.
    pub leader_end_at_fetch: i64,
}

/// A change of the in-sync set that the controller was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IsrProposal {
    /// The set that is proposed.
    pub isr: Vec<BrokerId>,
    /// The partition epoch that it builds on.
    pub partition_epoch: i32,
}

/// A replica's part as leader.
#[derive(Clone, Debug)]
pub struct Leader {
    /// The epoch in which it leads.
    pub epoch: i32,
    /// The log end when the epoch began.
    pub epoch_start: i64,
    /// The followers.
    pub progress: BTreeMap<BrokerId, FollowerProgress>,
    /// The change of the in-sync set in flight: at most one a partition.
    pub pending: Option<IsrProposal>,
}

impl Leader {
    pub(super) fn new(me: BrokerId, state: &PartitionState, epoch_start: i64, now: Time) -> Self {
        let mut leader = Self { epoch: state.leader_epoch, epoch_start, progress: BTreeMap::new(), pending: None };
        leader.update(me, state, now);
        leader
    }

    /// The controller spoke within the epoch: what was in flight is settled, followers come and go.
    pub(super) fn update(&mut self, me: BrokerId, state: &PartitionState, now: Time) {
        self.pending = None;
        self.progress.retain(|id, _| state.replicas.contains(id));
        for id in state.replicas.iter().filter(|id| **id != me) {
            // A follower in sync gets its whole patience from now on; one that is not must show itself first.
            let caught_up_at = if state.isr.contains(id) { now } else { Time::ZERO };
            self.progress.entry(*id).or_insert(FollowerProgress {
                log_end: None,
                log_start: None,
                caught_up_at,
                fetched_at: Time::ZERO,
                leader_end_at_fetch: 0,
            });
        }
    }

    /// A follower fetched from `offset` while the leader's log ended at `log_end`.
    pub(super) fn fetched(&mut self, follower: BrokerId, offset: i64, log_end: i64, now: Time) {
        let Some(progress) = self.progress.get_mut(&follower) else { return };
        if offset >= log_end {
            progress.caught_up_at = now;
        } else if offset >= progress.leader_end_at_fetch {
            // It has what there was when it fetched the time before: then it was caught up.
            progress.caught_up_at = progress.caught_up_at.max(progress.fetched_at);
        }
        progress.log_end = Some(offset);
        progress.fetched_at = now;
        progress.leader_end_at_fetch = log_end;
    }

    /// The smallest log end over the committed and the pending in-sync set; a follower that has not been heard of in
    /// this epoch holds it where it is.
    pub(super) fn reached_by_all(&self, isr: &[BrokerId], own_end: i64) -> i64 {
        let pending = self.pending.iter().flat_map(|proposal| &proposal.isr);
        isr.iter()
            .chain(pending)
            .filter_map(|id| self.progress.get(id))
            .map(|progress| progress.log_end.unwrap_or(i64::MIN))
            .fold(own_end, i64::min)
    }
}
