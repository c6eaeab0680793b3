//! Retention: a broker looks now and then for segments that are too old or too many. Kafka's `LogManager.cleanupLogs`.
//! Every replica does so by itself, leader or not; a log that is compacted as well is the [cleaner](super::cleaner)'s.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Broker, BrokerTimer, Stage};
use crate::engine::context::Context;
use crate::engine::event::{BrokerEvent, EventKind};
use crate::engine::log::{Retained, RetentionReason};
use crate::engine::replica::{Role, TopicPartition};
use crate::engine::time::{Clock, millis};

/// Lab and wall clock are taken for the same while they differ by no more (deviation: retention-by-arrival).
const SAME_CLOCK_MS: u64 = 60_000;

/// What went of one topic for one reason: where those logs begin now, the segments, and the bytes.
#[derive(Debug, Default)]
struct Gone {
    partitions: Vec<(TopicPartition, i64)>,
    segments: usize,
    bytes: u64,
}

impl Broker {
    /// Begins to look, `log.initial.task.delay.ms` after the start.
    pub(super) fn start_retention(&mut self, ctx: &mut Context<'_>) {
        let delay = millis(self.settings().log_initial_task_delay_ms);
        ctx.routine(delay, Self::timer(BrokerTimer::Retain));
    }

    /// `log.retention.check.interval.ms` is over.
    pub(super) fn retain(&mut self, ctx: &mut Context<'_>) {
        self.delete_old_segments(false, ctx);
        let every = millis(self.settings().log_retention_check_interval_ms);
        ctx.routine(every, Self::timer(BrokerTimer::Retain));
    }

    /// Drops the old segments of all logs that are compacted, or of all that are not. One event for each topic and
    /// reason says what went of those that this broker leads.
    pub(super) fn delete_old_segments(&mut self, compacted: bool, ctx: &mut Context<'_>) {
        if matches!(self.stage, Stage::Flushing | Stage::Stopped) || self.log_dir_error().is_some() {
            return;
        }
        let ids: Vec<TopicPartition> = self
            .replicas
            .iter()
            // What has no part yet is not configured yet: its topic may keep records for ever.
            .filter(|(_, r)| !matches!(r.role, Role::Idle) && r.log.config().compact == compacted)
            .map(|(id, _)| id.clone())
            .collect();
        let date_ms = ctx.now.date_ms();
        let mut gone: BTreeMap<(Arc<str>, RetentionReason), Gone> = BTreeMap::new();
        for id in ids {
            // The leader tells of it: its followers do the same at about the same time.
            let leads = self.replica(&id).is_some_and(|replica| replica.leader().is_some());
            for retained in self.retain_log(&id, date_ms, ctx).into_iter().filter(|_| leads) {
                let of_topic = gone.entry((Arc::clone(&id.topic), retained.reason)).or_default();
                of_topic.segments += retained.segments;
                of_topic.bytes += retained.bytes;
                of_topic.partitions.push((id.clone(), retained.log_start_offset));
            }
        }
        for ((_, reason), Gone { partitions, segments, bytes }) in gone {
            ctx.note(EventKind::Broker(BrokerEvent::SegmentsDeleted { reason, partitions, segments, bytes }));
        }
    }

    fn retain_log(&mut self, id: &TopicPartition, date_ms: i64, ctx: &mut Context<'_>) -> Vec<Retained> {
        let due = self.replica(id).is_some_and(|r| r.log.is_retention_due(r.high_watermark, date_ms));
        let Some(replica) = self.replica_mut(id).filter(|_| due) else { return Vec::new() };
        match replica.log.delete_old_segments(replica.high_watermark, date_ms, ctx.storage(id)) {
            Ok(gone) => {
                if !gone.is_empty() {
                    self.touch(id);
                }
                gone
            }
            Err(error) => {
                self.log_dir_failed(&error, ctx);
                Vec::new()
            }
        }
    }

    /// Something was appended to a log, by whoever's request is being handled: its age may have to count from now.
    pub(crate) fn note_arrival(&mut self, id: &TopicPartition, ctx: &Context<'_>) {
        let (lab, outside) = (ctx.now.lab.as_millis(), ctx.now.outside.as_millis());
        let of_lab = ctx.clock == Clock::Lab && self.replica(id).is_some_and(|replica| replica.leader().is_some());
        let trusted = of_lab || lab.abs_diff(outside) <= SAME_CLOCK_MS;
        let date_ms = ctx.now.date_ms();
        if let Some(replica) = self.replica_mut(id) {
            let trusted = trusted || replica.log.config().log_append_time;
            replica.log.arrived(date_ms, trusted);
        }
    }
}
