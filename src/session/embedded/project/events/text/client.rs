//! The words for what happens to built-in clients.

use super::{Told, counted_u64};
use crate::engine::event::ClientEvent;
use crate::session::event::{Severity, kind};

pub(super) fn told(event: &ClientEvent, name: &str) -> Told {
    member(event, name).or_else(|| life(event, name)).unwrap_or_else(|| traffic(event, name))
}

/// What befalls it as one that reads or writes.
fn traffic(event: &ClientEvent, name: &str) -> Told {
    match event {
        ClientEvent::ConnectionLost { broker, waiting: 0 } => {
            let text = format!("{name}: connection to {broker} lost");
            Told::new("connection_lost", Severity::Warning, text, "").about(*broker)
        }
        ClientEvent::ConnectionLost { broker, waiting } => {
            let waits = if *waiting == 1 { "waits" } else { "wait" };
            let text = format!("{name}: connection to {broker} lost, {} {waits}", counted_u64(*waiting, "record"));
            Told::new("connection_lost", Severity::Warning, text, "").about(*broker)
        }
        ClientEvent::LeaderFound { leader, partitions } => {
            let text = format!("{name} reads {} from {leader}", counted_u64((*partitions).into(), "partition"));
            Told::new(kind::LEADER_FOUND, Severity::Good, text, "leaders moved").about(*leader)
        }
        ClientEvent::OffsetsReset { partitions, skipped } => {
            let (partitions, skipped) =
                (counted_u64((*partitions).into(), "partition"), counted_u64(*skipped, "offset"));
            let text = format!("{name} goes on by auto.offset.reset in {partitions}, and skips {skipped}");
            Told::new("offsets_reset", Severity::Warning, text, "what it wanted to read is gone from the log")
        }
        ClientEvent::RecordsSentAgain { leader, records, .. } => {
            let text =
                format!("{name}: metadata names {leader}, sends {} again", counted_u64(*records, "waiting record"));
            Told::new(kind::RECORDS_SENT_AGAIN, Severity::Good, text, "leaders moved").about(*leader)
        }
        ClientEvent::DeliveryFailed { records, error } => {
            let text = format!("{name} gives up {}", counted_u64(*records, "record"));
            Told::new("delivery_failed", Severity::Bad, text, error.name())
        }
        ClientEvent::RecordsLost { topic, partition, records, from, to, .. } => {
            let text = format!(
                "{topic}-{partition}: {} lost, acknowledged and not there ({from} to {to})",
                counted_u64(*records, "record")
            );
            Told::new("records_lost", Severity::Bad, text, "only the dead leader had them")
        }
        other => Told::new("client", Severity::Info, format!("{name}: {other:?}"), ""),
    }
}

/// What befalls it as a member of a group; `None` for anything else.
fn member(event: &ClientEvent, name: &str) -> Option<Told> {
    Some(match event {
        ClientEvent::PartitionsAssigned { partitions } => {
            let text = format!("{name} begins to read {}", counted_u64((*partitions).into(), "partition"));
            Told::new("partitions_assigned", Severity::Good, text, "its group assigned them")
        }
        ClientEvent::PartitionsRevoked { partitions } => {
            let text = format!("{name} gives back {}", counted_u64((*partitions).into(), "partition"));
            Told::new("partitions_revoked", Severity::Info, text, "its group rebalances")
        }
        ClientEvent::PartitionsLost { partitions } => {
            let text = format!("{name} loses {}", counted_u64((*partitions).into(), "partition"));
            Told::new("partitions_lost", Severity::Warning, text, "its group has gone on without it")
        }
        ClientEvent::PollTooLate { after } => {
            let text = format!("{name} leaves its group: it has not polled for {} s", after.as_secs());
            Told::new("poll_too_late", Severity::Warning, text, "max.poll.interval.ms is over")
        }
        ClientEvent::CommitFailed { partitions, error } => {
            let text = format!("{name}: a commit of {} is refused", counted_u64((*partitions).into(), "partition"));
            Told::new("commit_failed", Severity::Warning, text, error.name())
        }
        ClientEvent::GroupRefused { error } => {
            let text = format!("{name} cannot be a member of its group");
            Told::new("group_refused", Severity::Bad, text, error.name())
        }
        _ => return None,
    })
}

/// How it begins, stops and ends; `None` for anything else.
fn life(event: &ClientEvent, name: &str) -> Option<Told> {
    Some(match event {
        ClientEvent::Closed => {
            Told::new("client_closed", Severity::Info, format!("{name} is closed"), "it left in order")
        }
        ClientEvent::Started { by } => {
            Told::new("client_started", Severity::Good, format!("{name} starts"), "").asked(by)
        }
        ClientEvent::Closing { by } => {
            Told::new("client_closing", Severity::Info, format!("{name} is told to end"), "").asked(by)
        }
        ClientEvent::Crashed { by } => {
            let text = format!("{name} crashes: it says nothing more");
            Told::new("client_crashed", Severity::Bad, text, "").asked(by)
        }
        ClientEvent::Paused { paused, by } => {
            let text = format!("{name} {}", if *paused { "is stopped" } else { "goes on" });
            Told::new("client_paused", Severity::Info, text, "").asked(by)
        }
        ClientEvent::Works { each_us, by } => {
            let text = format!("{name} works {}.{:03} ms on each record", each_us / 1_000, each_us % 1_000);
            Told::new("client_works", Severity::Info, text, "").asked(by)
        }
        _ => return None,
    })
}
