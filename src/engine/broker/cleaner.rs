//! Compaction: a broker cleans one log at a time, the dirtiest first, and rests when none is dirty enough. Kafka's
//! `LogCleaner` with one thread. The cleaning itself is a storage job; each replica is cleaned by itself.

use std::sync::Arc;

use super::{Broker, BrokerTimer, Stage};
use crate::engine::context::{Context, Id};
use crate::engine::event::{BrokerEvent, EventKind};
use crate::engine::log::{CleanJob, Cleaned};
use crate::engine::message::{Output, StorageJob, StorageOutcome, StorageWork};
use crate::engine::replica::TopicPartition;
use crate::engine::time::millis;

/// What a key costs in Kafka's map of offsets, in bytes: a hash and an offset.
const KEY_BYTES: i64 = 24;
/// How full Kafka's map may become, in percent (`log.cleaner.io.buffer.load.factor`).
const LOAD_PERCENT: i64 = 90;
/// The least that it rests: a rest of nothing would stop the clock.
const LEAST_REST_MS: i64 = 1;

/// The cleaning that is under way: of a broker's process, so that one that comes back to another counts for nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Cleaning {
    under_way: Option<(Id, TopicPartition, Arc<CleanJob>)>,
}

impl Broker {
    /// Begins to look for logs to clean, where `log.cleaner.enable` says so.
    pub(super) fn start_cleaner(&mut self, ctx: &mut Context<'_>) {
        if self.settings().log_cleaner_enable {
            self.rest_cleaner(ctx);
        }
    }

    fn rest_cleaner(&self, ctx: &mut Context<'_>) {
        let rest = millis(self.settings().log_cleaner_backoff_ms.max(LEAST_REST_MS));
        ctx.routine(rest, Self::timer(BrokerTimer::Clean));
    }

    /// Cleans the dirtiest log; rests where none is dirty enough. Then, or meanwhile, old segments of compacted logs go.
    pub(super) fn clean_next(&mut self, ctx: &mut Context<'_>) {
        if self.cleaning.under_way.is_some()
            || matches!(self.stage, Stage::Flushing | Stage::Stopped)
            || self.log_dir_error().is_some()
        {
            return;
        }
        self.delete_old_segments(true, ctx);
        match self.filthiest(ctx.now.date_ms()) {
            Some((id, job)) => self.begin_cleaning(id, Arc::new(job), ctx),
            None => self.rest_cleaner(ctx),
        }
    }

    /// The log of which the largest part is dirty, of those where it is enough.
    fn filthiest(&self, date_ms: i64) -> Option<(TopicPartition, CleanJob)> {
        let filthy = self.replicas.iter().filter_map(|(id, replica)| {
            let cleanable = replica.log.cleanable(replica.high_watermark, date_ms)?;
            replica.log.is_filthy(&cleanable).then_some((id, replica, cleanable))
        });
        let (id, replica, cleanable) = filthy.max_by_key(|(_, _, cleanable)| cleanable.dirty_ppm())?;
        let keys = self.settings().log_cleaner_dedupe_buffer_size / KEY_BYTES * LOAD_PERCENT / 100;
        let max_keys = usize::try_from(keys).unwrap_or(usize::MAX);
        Some((id.clone(), replica.log.plan_cleaning(&cleanable, date_ms, max_keys)))
    }

    fn begin_cleaning(&mut self, id: TopicPartition, job: Arc<CleanJob>, ctx: &mut Context<'_>) {
        let number = ctx.next_id();
        let work = StorageWork::Clean { partition: id.clone(), job: Arc::clone(&job) };
        self.cleaning.under_way = Some((number, id, job));
        ctx.output(Output::Storage(StorageJob { id: number, broker: self.id, work }));
    }

    /// A cleaning is done: what came of it is taken up, and the next log is looked for.
    pub(super) fn on_cleaned(&mut self, number: Id, outcome: &StorageOutcome, ctx: &mut Context<'_>) {
        let Some((_, id, job)) = self.cleaning.under_way.take_if(|(under_way, ..)| *under_way == number) else {
            return;
        };
        // Where segments went meanwhile, what could not be read of them is no fault of the disk's.
        let stands = self.replica(&id).is_some_and(|replica| replica.log.is_as_planned(job.plan()));
        match outcome {
            StorageOutcome::Cleaned(cleaned) => self.take_up_cleaned(&id, &job, cleaned, ctx),
            StorageOutcome::CleaningFailed(reason) if stands => {
                if let Some(replica) = self.replica_mut(&id) {
                    replica.log.cleaning_failed();
                    let reason = reason.to_string();
                    ctx.note(EventKind::Broker(BrokerEvent::CleaningFailed { partition: id, reason }));
                }
            }
            StorageOutcome::Failed(error) if stands => {
                self.log_dir_failed(error, ctx);
            }
            _ => {}
        }
        self.clean_next(ctx);
    }

    fn take_up_cleaned(&mut self, id: &TopicPartition, job: &CleanJob, cleaned: &Cleaned, ctx: &mut Context<'_>) {
        let Some(replica) = self.replica_mut(id) else { return };
        match replica.log.take_up_cleaned(job.plan(), cleaned, ctx.storage(id)) {
            Ok(true) => self.cold.forget(id),
            Ok(false) => return,
            Err(error) => {
                self.log_dir_failed(&error, ctx);
                return;
            }
        }
        self.touch(id);
        if cleaned.after != cleaned.before {
            let Cleaned { clean_to: up_to, before, after, .. } = *cleaned;
            ctx.note(EventKind::Broker(BrokerEvent::Compacted { partition: id.clone(), up_to, before, after }));
        }
    }

    /// Forgets the cleaning of a replica that is deleted; the cleaner goes on with another.
    pub(crate) fn forget_cleaning(&mut self, id: &TopicPartition, ctx: &mut Context<'_>) {
        if self.cleaning.under_way.take_if(|(_, of, _)| of == id).is_some() {
            self.rest_cleaner(ctx);
        }
    }
}
