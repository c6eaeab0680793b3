//! The coordinator on a broker: it takes up partitions of `__consumer_offsets` as it begins to lead them, brings requests to
//! their groups, and carries out what groups decide.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::api::produce;
use super::connection::{Origin, Peer};
use super::metadata::MetadataCache;
use super::{Broker, BrokerTimer};
use crate::engine::context::{Context, Id};
use crate::engine::event::group::Removed;
use crate::engine::event::{EventKind, GroupEvent};
use crate::engine::group::shard::{InFlight, Phase, Shard};
use crate::engine::group::{Caller, Desk, Group, GroupTimer, Kept, LAB_HOST, Wish, Write};
use crate::engine::log::StoredBatch;
use crate::engine::replica::TopicPartition;
use crate::engine::time::{Time, millis};
use crate::engine::topic_name::CONSUMER_OFFSETS;
use crate::protocol::ErrorCode;
use crate::protocol::group_records::GroupRecord;
use crate::protocol::partitioner::java_hash;
use crate::protocol::records::{BatchBuilder, Compression, records_of};

/// What a broker coordinates.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    shards: BTreeMap<i32, Shard>,
    /// Partitions whose replica changed since this was last looked at.
    moved: BTreeSet<i32>,
    /// Over what groups are spread, since it is known that there is `__consumer_offsets`.
    spread: Option<Spread>,
}

/// Over how many partitions of `__consumer_offsets` groups are spread: as many as there were when this process heard of the
/// topic. It may grow, but no group moves until the broker starts anew, as in Kafka, which looks only when it starts
/// (`GroupMetadataManager.startup`).
#[derive(Clone, Copy, Debug)]
struct Spread {
    topic: Uuid,
    since: Time,
    partitions: i32,
}

/// A controller tells of a topic by 500 partitions: those that come this soon after the first ones are no growth.
const MADE_WITHIN: Duration = Duration::from_secs(1);

impl Groups {
    /// The partitions of `__consumer_offsets` that it coordinates the groups of.
    pub fn shards(&self) -> impl Iterator<Item = (i32, &Shard)> {
        self.shards.iter().map(|(partition, shard)| (*partition, shard))
    }

    /// Its groups, as far as they are loaded.
    pub fn groups(&self) -> impl Iterator<Item = &Arc<Group>> {
        self.shards.values().filter(|shard| shard.phase == Phase::Active).flat_map(Shard::groups)
    }

    /// Whether it reads a partition at the moment.
    pub fn is_loading(&self) -> bool {
        self.shards.values().any(|shard| shard.phase != Phase::Active)
    }

    /// The controller said what there is.
    pub(crate) fn heard(&mut self, metadata: &MetadataCache, now: Time) {
        self.spread = metadata.topics.get(CONSUMER_OFFSETS).map(|known| {
            let same = self.spread.filter(|spread| spread.topic == known.id);
            let since = same.map_or(now, |spread| spread.since);
            let grown = same.filter(|_| now > since + MADE_WITHIN).map(|spread| spread.partitions);
            let count = i32::try_from(known.partitions.len()).unwrap_or(i32::MAX);
            Spread { topic: known.id, since, partitions: grown.unwrap_or(count) }
        });
    }

    pub(super) fn moved(&mut self, partition: i32) {
        if self.shards.contains_key(&partition) {
            self.moved.insert(partition);
        }
    }

    /// The shard that serves a group's requests now.
    fn active(&mut self, partition: i32) -> Result<&mut Shard, ErrorCode> {
        let shard = self.shards.get_mut(&partition).ok_or(ErrorCode::NOT_COORDINATOR)?;
        match shard.phase {
            Phase::Active => Ok(shard),
            Phase::Loading { .. } => Err(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS),
        }
    }
}

fn partition_id(partition: i32) -> TopicPartition {
    TopicPartition::new(CONSUMER_OFFSETS, partition)
}

impl Broker {
    /// What it coordinates.
    pub fn groups(&self) -> &Groups {
        &self.groups
    }

    /// The partition of `__consumer_offsets` that a group belongs to.
    pub(crate) fn partition_of_group(&self, group: &str) -> i32 {
        let known = self.groups.spread.map(|spread| spread.partitions).filter(|count| *count > 0);
        let partitions = known.unwrap_or(self.settings().offsets_topic_num_partitions);
        // As Kafka's Utils.abs: the absolute value, and 0 for the one number that has none.
        java_hash(group).checked_abs().unwrap_or(0) % partitions
    }

    /// It leads a partition of `__consumer_offsets` from now on: it reads it.
    pub(crate) fn begin_coordinating(&mut self, partition: i32, ctx: &mut Context<'_>) {
        if self.groups.shards.contains_key(&partition) {
            return;
        }
        let Some(replica) = self.replica(&partition_id(partition)) else { return };
        self.groups.shards.insert(partition, Shard::new(replica.log.log_start_offset()));
        ctx.note(EventKind::Group(GroupEvent::Loading { partition }));
        self.groups.moved.insert(partition);
    }

    /// It does not lead the partition any more.
    pub(crate) fn stop_coordinating(&mut self, partition: i32, ctx: &mut Context<'_>) {
        self.groups.moved.remove(&partition);
        let Some(mut shard) = self.groups.shards.remove(&partition) else { return };
        let mut groups: Vec<Arc<str>> = Vec::new();
        for waiting in shard.take_all() {
            ctx.cancel(waiting.timer);
            self.settle(
                partition,
                &mut shard,
                (waiting.group, waiting.then),
                Err(ErrorCode::NOT_LEADER_OR_FOLLOWER),
                ctx,
            );
        }
        let ids: Vec<Arc<str>> = shard.groups().map(|group| Arc::clone(&group.id)).collect();
        for id in ids {
            self.at_desk(partition, &mut shard, &id, ctx, Group::unload);
            groups.push(id);
        }
        ctx.note(EventKind::Group(GroupEvent::Unloaded { partition, groups }));
    }

    /// It leads nothing any more.
    pub(super) fn stop_coordinating_all(&mut self, ctx: &mut Context<'_>) {
        let all: Vec<i32> = self.groups.shards.keys().copied().collect();
        for partition in all {
            self.stop_coordinating(partition, ctx);
        }
    }

    /// Partitions moved: they are read on, or what waited for their replicas is done. Returns whether there were any.
    pub(super) fn serve_groups(&mut self, ctx: &mut Context<'_>) -> bool {
        let moved = std::mem::take(&mut self.groups.moved);
        for partition in &moved {
            let Some(mut shard) = self.groups.shards.remove(partition) else { continue };
            if let Phase::Loading { .. } = shard.phase {
                self.load(*partition, &mut shard, ctx);
            }
            while let Some((waiting, outcome)) = self.next_kept(*partition, &mut shard) {
                ctx.cancel(waiting.timer);
                self.settle(*partition, &mut shard, (waiting.group, waiting.then), outcome, ctx);
            }
            self.put_back(*partition, shard, ctx);
        }
        !moved.is_empty()
    }

    /// The oldest records that are waited for, if they are on all in-sync replicas, or cannot come there.
    fn next_kept(&self, partition: i32, shard: &mut Shard) -> Option<(InFlight, Result<(), ErrorCode>)> {
        let mut outcome = Ok(());
        let id = partition_id(partition);
        let done = shard.take_if(|waiting| match produce::replicated(self, &id, waiting.until) {
            None => false,
            Some(ErrorCode::NONE) => true,
            Some(error) => {
                outcome = Err(error);
                true
            }
        })?;
        Some((done, outcome))
    }

    /// A partition that was worked on takes its place again, unless the log directory failed meanwhile.
    fn put_back(&mut self, partition: i32, shard: Shard, ctx: &mut Context<'_>) {
        self.groups.shards.insert(partition, shard);
        if self.log_dir_error.is_some() {
            self.stop_coordinating(partition, ctx);
        }
    }

    /// Reads the partition on, as far as it is in memory; the rest comes back with [`Groups::moved`].
    fn load(&mut self, partition: i32, shard: &mut Shard, ctx: &mut Context<'_>) {
        let id = partition_id(partition);
        while let Phase::Loading { next, records } = shard.phase {
            let Some(replica) = self.replica(&id) else { return };
            let end = replica.log.log_end_offset();
            if next >= end {
                return self.loaded(partition, shard, records, ctx);
            }
            let cold = next < replica.log.resident_from();
            if let Some(next) = self.cold.goes_on_at(&id, next).filter(|_| cold) {
                shard.phase = Phase::Loading { next, records };
                continue;
            }
            let batches: Vec<StoredBatch> = if cold {
                let read_back = self.cold.batches_from(&id, next).map(Iterator::collect);
                let Some(batches) = read_back else { return self.read_back(vec![(id, next, 0)], ctx) };
                batches
            } else {
                replica.log.batches_from(next).collect()
            };
            let mut read = records;
            for batch in &batches {
                read += replay(batch, shard, ctx.now.date_ms());
            }
            let next = batches.last().map_or(end, |last| last.header.next_offset()).max(next + 1);
            shard.phase = Phase::Loading { next, records: read };
        }
    }

    fn loaded(&mut self, partition: i32, shard: &mut Shard, records: u64, ctx: &mut Context<'_>) {
        shard.loaded();
        let groups: Vec<Arc<str>> = shard.groups().map(|group| Arc::clone(&group.id)).collect();
        let offsets = shard.groups().map(|group| group.offsets.len()).sum();
        ctx.note(EventKind::Group(GroupEvent::Loaded { partition, groups: groups.clone(), offsets, records }));
        for id in groups {
            self.at_desk(partition, shard, &id, ctx, Group::resume);
        }
    }

    /// Lets a group work, and carries out what it decides.
    fn at_desk<T>(
        &mut self,
        partition: i32,
        shard: &mut Shard,
        id: &Arc<str>,
        ctx: &mut Context<'_>,
        work: impl FnOnce(&mut Group, &mut Desk<'_, '_>) -> T,
    ) -> Option<T> {
        let group = shard.group_mut(id)?;
        let mut desk = Desk {
            ctx: &mut *ctx,
            settings: self.configs.settings(),
            metadata: Arc::clone(&self.metadata),
            partition,
            group: Arc::clone(id),
            wishes: Vec::new(),
        };
        let done = work(group, &mut desk);
        let wishes = desk.wishes;
        for wish in wishes {
            match wish {
                Wish::Reply(origin, response) => self.reply(&origin, Some(response), ctx),
                Wish::Write(write) => self.keep(partition, shard, write, ctx),
            }
        }
        Some(done)
    }

    /// Appends records, and waits for the in-sync replicas. What cannot be appended is settled at once.
    fn keep(&mut self, partition: i32, shard: &mut Shard, write: Write, ctx: &mut Context<'_>) {
        if write.records.is_empty() {
            return self.keep_order(partition, shard, write, ctx);
        }
        let Write { group, records, then } = write;
        let mut builder = BatchBuilder::new(Compression::None);
        for record in &records {
            let (key, value) = record.encode();
            builder.push(ctx.now.date_ms(), Some(&key), value.as_deref(), &[]);
        }
        match produce::append_own(self, &partition_id(partition), builder.build(), ctx) {
            Ok(until) => {
                self.wait(partition, shard, (until, group, then), ctx);
                // The shard is out of its place at the moment.
                self.groups.moved.insert(partition);
            }
            Err(error) => self.settle(partition, shard, (group, then), Err(error), ctx),
        }
    }

    /// Nothing is to be written: what follows rests on what was written before, and follows at once where all that is kept.
    fn keep_order(&mut self, partition: i32, shard: &mut Shard, write: Write, ctx: &mut Context<'_>) {
        let Write { group, then, .. } = write;
        match shard.last_until() {
            Some(until) => self.wait(partition, shard, (until, group, then), ctx),
            None => self.settle(partition, shard, (group, then), Ok(()), ctx),
        }
    }

    /// What follows waits for the in-sync replicas, but not for ever.
    fn wait(
        &self,
        partition: i32,
        shard: &mut Shard,
        (until, group, then): (i64, Arc<str>, Kept),
        ctx: &mut Context<'_>,
    ) {
        let id = ctx.next_id();
        let patience = millis(self.settings().offsets_commit_timeout_ms);
        let timer = ctx.timer(patience, Self::timer(BrokerTimer::GroupWrite { partition, id }));
        shard.wait(InFlight { id, until, group, then, timer });
    }

    fn settle(
        &mut self,
        partition: i32,
        shard: &mut Shard,
        (group, then): (Arc<str>, Kept),
        outcome: Result<(), ErrorCode>,
        ctx: &mut Context<'_>,
    ) {
        // A group that was deleted meanwhile owes its committers an answer all the same.
        let gone = shard.group(&group).is_none();
        shard.group_or_new(&group, ctx.now.date_ms());
        self.at_desk(partition, shard, &group, ctx, |group, desk| group.kept(then, outcome, desk));
        if gone {
            shard.remove(&group);
        }
    }

    /// Records of a group were not replicated in time.
    pub(super) fn on_group_write_late(&mut self, partition: i32, id: Id, ctx: &mut Context<'_>) {
        let Some(mut shard) = self.groups.shards.remove(&partition) else { return };
        if let Some(waiting) = shard.take_late(id) {
            self.settle(partition, &mut shard, (waiting.group, waiting.then), Err(ErrorCode::REQUEST_TIMED_OUT), ctx);
        }
        self.put_back(partition, shard, ctx);
    }

    /// A group's timer fired.
    pub(super) fn on_group_timer(&mut self, timer: &GroupTimer, ctx: &mut Context<'_>) {
        let _ = self.with_group(timer.partition, &timer.group, ctx, |group, desk| group.on_timer(&timer.kind, desk));
    }

    /// Lets a group that is there work.
    ///
    /// # Errors
    /// `NOT_COORDINATOR`, `COORDINATOR_LOAD_IN_PROGRESS`; `GROUP_ID_NOT_FOUND` where there is no such group.
    pub(crate) fn with_group<T>(
        &mut self,
        partition: i32,
        id: &Arc<str>,
        ctx: &mut Context<'_>,
        work: impl FnOnce(&mut Group, &mut Desk<'_, '_>) -> T,
    ) -> Result<T, ErrorCode> {
        self.groups.active(partition)?;
        // Out of its place while it is worked on, as the broker is needed too.
        let mut shard = self.groups.shards.remove(&partition).ok_or(ErrorCode::NOT_COORDINATOR)?;
        let done = self.at_desk(partition, &mut shard, id, ctx, work);
        self.put_back(partition, shard, ctx);
        done.ok_or(ErrorCode::GROUP_ID_NOT_FOUND)
    }

    /// The same for a group that a request names.
    ///
    /// # Errors
    /// As [`Broker::with_group`], and `INVALID_GROUP_ID`.
    pub(crate) fn with_named_group<T>(
        &mut self,
        id: &Arc<str>,
        ctx: &mut Context<'_>,
        work: impl FnOnce(&mut Group, &mut Desk<'_, '_>) -> T,
    ) -> Result<T, ErrorCode> {
        self.with_group(self.partition_of_group(id), id, ctx, work)
    }

    /// Makes a group where it is not there.
    ///
    /// # Errors
    /// As [`Broker::with_group`].
    pub(crate) fn make_group(&mut self, id: &Arc<str>, ctx: &Context<'_>) -> Result<(), ErrorCode> {
        let partition = self.partition_of_group(id);
        self.groups.active(partition)?.group_or_new(id, ctx.now.date_ms());
        Ok(())
    }

    /// Whether this broker serves a group's requests now.
    ///
    /// # Errors
    /// `NOT_COORDINATOR`, `COORDINATOR_LOAD_IN_PROGRESS`.
    pub(crate) fn check_group(&mut self, id: &str) -> Result<(), ErrorCode> {
        let partition = self.partition_of_group(id);
        self.groups.active(partition).map(drop)
    }

    /// A group, to look at.
    ///
    /// # Errors
    /// As [`Broker::with_group`].
    pub(crate) fn group(&mut self, id: &str) -> Result<Option<&Group>, ErrorCode> {
        let partition = self.partition_of_group(id);
        self.groups.active(partition).map(|shard| shard.group(id))
    }

    /// Forgets a group: its offsets and itself.
    pub(crate) fn delete_group(&mut self, id: &Arc<str>, ctx: &mut Context<'_>) -> Result<(), ErrorCode> {
        self.with_named_group(id, ctx, |group, desk| {
            group.offsets.remove(|_| true, desk);
            group.remove(desk);
        })?;
        self.drop_group(id);
        Ok(())
    }

    fn drop_group(&mut self, id: &str) {
        let partition = self.partition_of_group(id);
        if let Some(shard) = self.groups.shards.get_mut(&partition) {
            shard.remove(id);
        }
    }

    /// Forgets offsets that are too old, and groups that have none left.
    pub(super) fn expire_offsets(&mut self, ctx: &mut Context<'_>) {
        let every = millis(self.settings().offsets_retention_check_interval_ms);
        ctx.routine(every, Self::timer(BrokerTimer::ExpireOffsets));
        self.for_each_group(ctx, Group::expire_offsets);
    }

    /// Topics are gone, and what was committed of them.
    pub(crate) fn forget_offsets_of(&mut self, topics: &[Arc<str>], ctx: &mut Context<'_>) {
        self.for_each_group(ctx, |group, desk| {
            group.forget_offsets(Removed::TopicDeleted, |id| topics.contains(&id.topic), desk);
        });
    }

    /// Lets every group work; those of which nothing is left are forgotten. What one does is not the other's cause.
    fn for_each_group(&mut self, ctx: &mut Context<'_>, work: impl Fn(&mut Group, &mut Desk<'_, '_>)) {
        for id in self.all_groups() {
            let cause = ctx.cause.clone();
            ctx.because(cause, |ctx| {
                let _ = self.with_named_group(&id, ctx, &work);
                self.drop_if_unused(&id, ctx);
            });
        }
    }

    pub(crate) fn drop_if_unused(&mut self, id: &Arc<str>, ctx: &mut Context<'_>) {
        let unused = |group: &mut Group, desk: &mut Desk<'_, '_>| {
            let unused = group.is_unused();
            if unused {
                group.remove(desk);
            }
            unused
        };
        if self.with_named_group(id, ctx, unused) == Ok(true) {
            self.drop_group(id);
        }
    }

    fn all_groups(&self) -> Vec<Arc<str>> {
        self.groups.groups().map(|group| Arc::clone(&group.id)).collect()
    }

    /// Who asks, for a group.
    pub(crate) fn caller(&self, origin: &Origin) -> Caller {
        let host = match origin.peer {
            Peer::Node(..) => Arc::from(LAB_HOST),
            Peer::Socket(_) => self.connections.host_of(origin.peer),
        };
        Caller { origin: origin.clone(), host }
    }
}

/// Takes up a batch of the log. Returns how many records it had. A batch that cannot be read is passed over, as Kafka does
/// with records that it does not know.
fn replay(batch: &StoredBatch, shard: &mut Shard, date_ms: i64) -> u64 {
    let mut count = 0;
    for record in records_of(&batch.header, &batch.body).into_iter().flatten() {
        count += 1;
        let key = record.key.unwrap_or_default();
        if let Ok(record) = GroupRecord::decode(&key, record.value.as_ref()) {
            shard.replay(record, date_ms);
        }
    }
    count
}
