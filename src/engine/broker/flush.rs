//! Flushing: which logs go to the disk when, and what waits for it. Kafka's `LogManager`, as far as logs in memory have
//! use for it. The jobs themselves are done outside the core.
//!
//! A leader acknowledges what `flush.messages` demands when it is flushed. A follower fetches on while its flush is under
//! way (deviation: follower-flush). Nothing is flushed but what is asked for here
//! (deviation: no-write-back).

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Broker, BrokerTimer, Stage};
use crate::engine::context::{Cause, Context, Id};
use crate::engine::message::{Output, StorageDone, StorageJob, StorageOutcome, StorageWork};
use crate::engine::replica::TopicPartition;
use crate::engine::time::{Time, millis};

/// Kafka's "never" in a setting of milliseconds.
const NEVER_MS: i64 = i64::MAX;

/// The flushes of a broker's process: one that comes back to another process is not in here, and counts for nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Flushes {
    /// Those that are under way: of which log, and why.
    under_way: BTreeMap<Id, (TopicPartition, Cause)>,
    /// When a log was last flushed; one that is not in here, at the start of the process.
    last: BTreeMap<TopicPartition, Time>,
    started: Time,
}

impl Broker {
    /// Begins to look for logs that are to be flushed by time, where a setting says so.
    pub(super) fn start_flushing(&mut self, ctx: &mut Context<'_>) {
        self.flushes.started = ctx.now.lab;
        self.flush_later(ctx);
    }

    fn flush_later(&self, ctx: &mut Context<'_>) {
        let every = self.settings().log_flush_scheduler_interval_ms;
        if every != NEVER_MS {
            ctx.routine(millis(every), Self::timer(BrokerTimer::Flush));
        }
    }

    /// `log.flush.scheduler.interval.ms` is over: logs that were not flushed for `flush.ms` are.
    pub(super) fn flush_by_time(&mut self, ctx: &mut Context<'_>) {
        let every = self.settings().log_flush_scheduler_interval_ms;
        let (flushes, now) = (&self.flushes, ctx.now.lab);
        let is_due = |id: &TopicPartition, flush_ms: i64| {
            // A log of its own `flush.ms` none follows the scheduler: Kafka's default of `log.flush.interval.ms`.
            let patience = millis(if flush_ms == NEVER_MS { every } else { flush_ms });
            now.since(flushes.last.get(id).copied().unwrap_or(flushes.started)) >= patience
        };
        let due = self.replicas.iter().filter(|(id, replica)| is_due(id, replica.log.config().flush_ms));
        let due: Vec<TopicPartition> = due.map(|(id, _)| id.clone()).collect();
        self.want_flushed(&due, ctx);
        self.flush_later(ctx);
    }

    /// All logs are to be flushed: the process ends in order.
    pub(super) fn flush_all(&mut self, ctx: &mut Context<'_>) {
        let all: Vec<TopicPartition> = self.replicas.keys().cloned().collect();
        self.want_flushed(&all, ctx);
    }

    fn want_flushed(&mut self, logs: &[TopicPartition], ctx: &mut Context<'_>) {
        for id in logs {
            let dirty =
                self.replica(id).is_some_and(|replica| replica.log.flushed_offset() < replica.log.log_end_offset());
            if let Some(replica) = self.replica_mut(id).filter(|_| dirty) {
                replica.log.want_flush();
                self.begin_flush(id, ctx);
            }
        }
    }

    /// Begins the flushes that what happened in this step has made necessary.
    pub(super) fn flush_touched(&mut self, ctx: &mut Context<'_>) {
        let wants = |id: &&TopicPartition| self.replica(id).is_some_and(|replica| replica.log.wants_flush());
        let wanting: Vec<TopicPartition> = self.touched.iter().filter(wants).cloned().collect();
        for id in &wanting {
            self.begin_flush(id, ctx);
        }
    }

    fn begin_flush(&mut self, id: &TopicPartition, ctx: &mut Context<'_>) {
        let Some(up_to) = self.replica_mut(id).and_then(|replica| replica.log.begin_flush()) else { return };
        let job = ctx.next_id();
        self.flushes.under_way.insert(job, (id.clone(), ctx.cause.clone()));
        let work = StorageWork::Flush { partition: id.clone(), up_to };
        ctx.output(Output::Storage(StorageJob { id: job, broker: self.id, work }));
    }

    /// A storage job is done, or failed: its outcome says which kind it was.
    pub fn on_storage_done(&mut self, done: &StorageDone, ctx: &mut Context<'_>) {
        if let StorageOutcome::Failed(error) = &done.outcome
            && self.is_under_way(done.id)
        {
            self.log_dir_failed(error, ctx);
            self.flushes.under_way.remove(&done.id);
            self.stop_when_flushed(ctx);
        }
        match &done.outcome {
            StorageOutcome::Flushed => return self.on_flushed(done.id, ctx),
            StorageOutcome::Read(batches) => self.on_read_back(done.id, batches),
            StorageOutcome::CheckpointWritten => {
                self.checkpointing.take_if(|id| *id == done.id);
            }
            StorageOutcome::Failed(_) if self.cold.is_under_way(done.id) => self.cold.failed(done.id),
            outcome => self.on_cleaned(done.id, outcome, ctx),
        }
        self.finish(ctx);
    }

    /// Whether a job is this process's, and what it works on is still there.
    fn is_under_way(&self, job: Id) -> bool {
        self.flushes.under_way.contains_key(&job) || self.cold.is_under_way(job) || self.checkpointing == Some(job)
    }

    /// A flush is done: whoever waits for it is tried again, and a log that wants more flushed begins again.
    fn on_flushed(&mut self, job: Id, ctx: &mut Context<'_>) {
        let Some((id, cause)) = self.flushes.under_way.remove(&job) else { return };
        ctx.because(cause, |ctx| {
            if let Some(replica) = self.replica_mut(&id) {
                // A replica that was deleted and made again since has no flush under way.
                replica.log.flushed();
                self.flushes.last.insert(id.clone(), ctx.now.lab);
                self.touch(&id);
            }
            self.finish(ctx);
            self.stop_when_flushed(ctx);
        });
    }

    /// For how long the files of a deleted replica take their place. A topic's own `file.delete.delay.ms` is for what goes
    /// of a log that stays (`LogManager.deleteLogs`).
    pub(crate) fn delete_delay(&self) -> Duration {
        millis(self.settings().log_segment_delete_delay_ms)
    }

    /// Forgets what is known of a replica that is deleted.
    pub(crate) fn forget_storage(&mut self, id: &TopicPartition) {
        self.cold.forget(id);
        self.flushes.last.remove(id);
        self.flushes.under_way.retain(|_, (of, _)| of != id);
    }

    /// The end of an orderly stop: nothing is on its way to the disk any more.
    pub(super) fn stop_when_flushed(&mut self, ctx: &mut Context<'_>) {
        if self.stage == Stage::Flushing && self.flushes.under_way.is_empty() {
            self.stage = Stage::Stopped;
            self.zk.close(ctx);
        }
    }
}
