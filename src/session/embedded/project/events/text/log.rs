//! The words for what becomes of logs: what retention, compaction, a client or the memory bound took.

use super::{NAMED, Told, bytes_of, counted, counted_u64};
use crate::engine::event::BrokerEvent;
use crate::engine::log::RetentionReason;
use crate::engine::node::NodeId;
use crate::engine::replica::TopicPartition;
use crate::session::event::{Severity, Taken, kind};

/// `None` for an event that is not about logs.
pub(super) fn told(event: &BrokerEvent, node: NodeId) -> Option<Told> {
    Some(match event {
        BrokerEvent::Evicted { partitions, bytes } => {
            let text = format!("{} of the oldest records went: of {}", bytes_of(*bytes), beginning(partitions));
            Told::new("evicted", Severity::Warning, text, "the logs reached --memory").on(ids(partitions))
        }
        BrokerEvent::SegmentsDeleted { reason, partitions, segments, bytes } => {
            let because = match reason {
                RetentionReason::Time => "older than retention.ms",
                RetentionReason::Size => "beyond retention.bytes",
            };
            let taken = Taken { segments: u64::try_from(*segments).unwrap_or(u64::MAX), bytes: *bytes };
            let (what, size) = (counted(*segments, "segment"), bytes_of(*bytes));
            let text = match partitions.as_slice() {
                [(only, log_start)] => format!("retention took {what} of {only} ({size}), now from {log_start}"),
                more => format!("retention took {what} of {} ({size})", of_one_topic(more)),
            };
            let told = Told::new(kind::SEGMENTS_DELETED, Severity::Info, text, because).on(ids(partitions));
            let told = partitions.iter().fold(told, |told, (id, log_start)| {
                told.change(&format!("{id} begins at"), String::new(), log_start.to_string(), "")
            });
            Told { taken: Some(taken), ..told }
        }
        BrokerEvent::RecordsDeleted { partitions, client_id } => {
            let text = format!("{client_id} deleted the oldest records of {}", beginning(partitions));
            Told::new("records_deleted", Severity::Info, text, "DeleteRecords moves the log start").on(ids(partitions))
        }
        BrokerEvent::Compacted { partition, up_to, before, after } => {
            let records = counted_u64(before.records, "record");
            let text = format!("{partition}: {node} compacted {records} below {up_to} to {}", after.records);
            Told::new("compacted", Severity::Info, text, "newer records have their keys").on([partition]).change(
                "bytes below",
                before.bytes.to_string(),
                after.bytes.to_string(),
                "of each key the newest stays",
            )
        }
        BrokerEvent::CleaningFailed { partition, reason } => {
            let text = format!("{partition}: {node} cannot compact it, and tries no more");
            Told::new("cleaning_failed", Severity::Bad, text, reason).on([partition])
        }
        _ => return None,
    })
}

fn ids(partitions: &[(TopicPartition, i64)]) -> impl Iterator<Item = &TopicPartition> {
    partitions.iter().map(|(partition, _)| partition)
}

/// Logs of one topic: its name, and how many they are.
fn of_one_topic(partitions: &[(TopicPartition, i64)]) -> String {
    let topic = partitions.first().map_or("", |(first, _)| &first.topic);
    format!("{topic}, {}", counted(partitions.len(), "partition"))
}

/// Logs, and where they begin now: of a few each, of more only how many they are.
fn beginning(partitions: &[(TopicPartition, i64)]) -> String {
    match partitions {
        [(partition, log_start)] => format!("{partition}, which begins at {log_start} now"),
        few if few.len() <= NAMED => {
            let each: Vec<String> = few.iter().map(|(id, log_start)| format!("{id} (from {log_start})")).collect();
            each.join(" ")
        }
        more => format!("{} partitions", more.len()),
    }
}
