//! How far a group is: the offsets that it has committed.
//!
//! A commit counts once its record is on all in-sync replicas; until then it is pending, and what was committed before is
//! what `OffsetFetch` answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::desk::{Desk, Kept};
use super::{GroupRecord, not_kept};
use crate::engine::broker::connection::Origin;
use crate::engine::replica::TopicPartition;
use crate::protocol::group_records::{NO_TIMESTAMP, OffsetCommitKey, OffsetCommitValue};
use crate::protocol::{ErrorCode, OffsetCommitResponse};

/// A committed offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The next offset to read.
    pub offset: i64,
    /// The leader epoch of the last record that was read; -1 where it is not known.
    pub leader_epoch: i32,
    /// What the committer noted beside it.
    pub metadata: Arc<str>,
    /// When it was committed, ms since 1970.
    pub commit_ms: i64,
    /// When it is forgotten, where its committer said so (`OffsetCommit` up to version 4).
    pub expire_ms: Option<i64>,
}

/// A commit that is on its way to the in-sync replicas.
#[derive(Clone, Debug)]
pub struct Commit {
    /// Who committed.
    pub origin: Origin,
    /// The answer, as it is if all ends well.
    pub response: OffsetCommitResponse,
    /// What.
    pub offsets: Vec<(TopicPartition, Committed)>,
    /// Its number in its group, which [`Offsets::commit`] gives it.
    pub number: u64,
}

/// See the [module](self).
#[derive(Clone, Debug, Default)]
pub struct Offsets {
    committed: BTreeMap<TopicPartition, Committed>,
    /// The commits of each partition that are on their way, by their numbers.
    pending: BTreeMap<TopicPartition, BTreeSet<u64>>,
    /// How many commits there were.
    commits: u64,
}

impl Offsets {
    /// What is committed of a partition.
    pub fn get(&self, id: &TopicPartition) -> Option<&Committed> {
        self.committed.get(id)
    }

    /// All that is committed.
    pub fn iter(&self) -> impl Iterator<Item = (&TopicPartition, &Committed)> {
        self.committed.iter()
    }

    /// How many partitions have one.
    pub fn len(&self) -> usize {
        self.committed.len()
    }

    /// Whether nothing is committed, nor on its way.
    pub fn is_empty(&self) -> bool {
        self.committed.is_empty() && self.pending.is_empty()
    }

    /// Has a commit kept.
    pub fn commit(&mut self, mut commit: Commit, desk: &mut Desk<'_, '_>) {
        self.commits += 1;
        commit.number = self.commits;
        for (id, _) in &commit.offsets {
            self.pending.entry(id.clone()).or_default().insert(commit.number);
        }
        let group = Arc::clone(&desk.group);
        let records = commit.offsets.iter().map(|(id, committed)| record(&group, id, Some(committed))).collect();
        desk.keep(records, Kept::Commit(commit));
    }

    /// A commit is on all in-sync replicas, or could not be kept.
    pub fn kept(&mut self, commit: Commit, outcome: Result<(), ErrorCode>, desk: &mut Desk<'_, '_>) {
        let Commit { origin, mut response, offsets, number } = commit;
        let error = outcome.err().map(to_committers);
        for (id, committed) in offsets {
            // One that was removed meanwhile stays so: its tombstone is behind this in the log.
            let counts = self.pending.get_mut(&id).is_some_and(|numbers| numbers.remove(&number));
            if self.pending.get(&id).is_some_and(BTreeSet::is_empty) {
                self.pending.remove(&id);
            }
            match error {
                None if counts => drop(self.committed.insert(id, committed)),
                None => {}
                Some(error) => set_error(&mut response, &id, error),
            }
        }
        desk.reply(origin, response);
    }

    /// What a record of the log says.
    pub fn replay(&mut self, id: TopicPartition, committed: Option<Committed>) {
        match committed {
            Some(committed) => drop(self.committed.insert(id, committed)),
            None => drop(self.committed.remove(&id)),
        }
    }

    /// Forgets what is too old, unless a commit is on its way, and has that kept. Returns what went.
    pub fn expire(
        &mut self,
        expired: impl Fn(&TopicPartition, &Committed) -> bool,
        desk: &mut Desk<'_, '_>,
    ) -> Vec<TopicPartition> {
        let old = self.committed.iter().filter(|(id, committed)| expired(id, committed));
        let ids = old.map(|(id, _)| id.clone()).filter(|id| !self.pending.contains_key(id)).collect();
        self.forget(ids, desk)
    }

    /// Removes what is committed, and what is on its way, and has that kept. Returns what went.
    pub fn remove(&mut self, gone: impl Fn(&TopicPartition) -> bool, desk: &mut Desk<'_, '_>) -> Vec<TopicPartition> {
        let known: BTreeSet<&TopicPartition> = self.committed.keys().chain(self.pending.keys()).collect();
        let ids: Vec<TopicPartition> = known.into_iter().filter(|id| gone(id)).cloned().collect();
        self.pending.retain(|id, _| !gone(id));
        self.forget(ids, desk)
    }

    fn forget(&mut self, ids: Vec<TopicPartition>, desk: &mut Desk<'_, '_>) -> Vec<TopicPartition> {
        if !ids.is_empty() {
            let group = Arc::clone(&desk.group);
            desk.keep(ids.iter().map(|id| record(&group, id, None)).collect(), Kept::Nothing);
        }
        for id in &ids {
            self.committed.remove(id);
        }
        ids
    }
}

/// A committed offset as a record of `__consumer_offsets`; the one that deletes it where there is none.
fn record(group: &Arc<str>, id: &TopicPartition, committed: Option<&Committed>) -> GroupRecord {
    let key = OffsetCommitKey { group: Arc::clone(group), topic: Arc::clone(&id.topic), partition: id.partition };
    let value = committed.map(|committed| OffsetCommitValue {
        offset: committed.offset,
        leader_epoch: committed.leader_epoch,
        metadata: Arc::clone(&committed.metadata),
        commit_timestamp: committed.commit_ms,
        expire_timestamp: committed.expire_ms.unwrap_or(NO_TIMESTAMP),
    });
    GroupRecord::OffsetCommit { key, value }
}

impl From<OffsetCommitValue> for Committed {
    fn from(value: OffsetCommitValue) -> Self {
        Self {
            offset: value.offset,
            leader_epoch: value.leader_epoch,
            metadata: value.metadata,
            commit_ms: value.commit_timestamp,
            expire_ms: Some(value.expire_timestamp).filter(|at| *at != NO_TIMESTAMP),
        }
    }
}

fn set_error(response: &mut OffsetCommitResponse, id: &TopicPartition, error: ErrorCode) {
    for topic in response.topics.iter_mut().filter(|topic| topic.name == id.topic) {
        for partition in topic.partitions.iter_mut().filter(|partition| partition.partition_index == id.partition) {
            partition.error_code = error;
        }
    }
}

/// What committers are told when the log did not take it (`GroupMetadataManager.storeOffsets`).
fn to_committers(error: ErrorCode) -> ErrorCode {
    not_kept(error, ErrorCode::INVALID_COMMIT_OFFSET_SIZE)
}
