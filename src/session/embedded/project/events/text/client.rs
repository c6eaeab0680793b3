//! The words for what happens to built-in clients.

use super::{Told, counted_u64};
use crate::engine::event::ClientEvent;
use crate::engine::node::BrokerId;
use crate::session::event::{Severity, kind};

/// Every event has its words here.
pub(super) fn told(event: &ClientEvent, name: &str) -> Told {
    let partitions = |n: u32| counted_u64(n.into(), "partition");
    let info = |kind, words: String, because: &str| Told::new(kind, Severity::Info, words, because);
    let good = |kind, words: String, because: &str| Told::new(kind, Severity::Good, words, because);
    let warning = |kind, words: String, because: &str| Told::new(kind, Severity::Warning, words, because);
    let bad = |kind, words: String, because: &str| Told::new(kind, Severity::Bad, words, because);
    match event {
        ClientEvent::ConnectionLost { broker, waiting } => connection_lost(name, *broker, *waiting),
        ClientEvent::LeaderFound { leader, partitions: n } => {
            let words = format!("{name} reads {} from {leader}", partitions(*n));
            good(kind::LEADER_FOUND, words, "leaders moved").about(*leader)
        }
        ClientEvent::OffsetsReset { partitions: n, skipped } => {
            let skipped = counted_u64(*skipped, "offset");
            let words = format!("{name} goes on by auto.offset.reset in {}, and skips {skipped}", partitions(*n));
            warning("offsets_reset", words, "what it wanted to read is gone from the log")
        }
        ClientEvent::RecordsSentAgain { leader, records, .. } => {
            let waiting = counted_u64(*records, "waiting record");
            let words = format!("{name}: metadata names {leader}, sends {waiting} again");
            good(kind::RECORDS_SENT_AGAIN, words, "leaders moved").about(*leader)
        }
        ClientEvent::DeliveryFailed { records, error } => {
            bad("delivery_failed", format!("{name} gives up {}", counted_u64(*records, "record")), error.name())
        }
        ClientEvent::RecordsLost { topic, partition, records, from, to, .. } => {
            let lost = counted_u64(*records, "record");
            let words = format!("{topic}-{partition}: {lost} lost, acknowledged and not there ({from} to {to})");
            bad("records_lost", words, "only the dead leader had them")
        }
        ClientEvent::PartitionsAssigned { partitions: n } => {
            good("partitions_assigned", format!("{name} begins to read {}", partitions(*n)), "its group assigned them")
        }
        ClientEvent::PartitionsRevoked { partitions: n } => {
            info("partitions_revoked", format!("{name} gives back {}", partitions(*n)), "its group rebalances")
        }
        ClientEvent::PartitionsLost { partitions: n } => {
            warning("partitions_lost", format!("{name} loses {}", partitions(*n)), "its group has gone on without it")
        }
        ClientEvent::PollTooLate { after } => {
            let words = format!("{name} leaves its group: it has not polled for {} s", after.as_secs());
            warning("poll_too_late", words, "max.poll.interval.ms is over")
        }
        ClientEvent::CommitFailed { partitions: n, error } => {
            warning("commit_failed", format!("{name}: a commit of {} is refused", partitions(*n)), error.name())
        }
        ClientEvent::GroupRefused { error } => {
            bad("group_refused", format!("{name} cannot be a member of its group"), error.name())
        }
        ClientEvent::Closed => info("client_closed", format!("{name} is closed"), "it left in order"),
        ClientEvent::Started { by } => good("client_started", format!("{name} starts"), "").asked(by),
        ClientEvent::Closing { by } => info("client_closing", format!("{name} is told to end"), "").asked(by),
        ClientEvent::Crashed { by } => {
            bad("client_crashed", format!("{name} crashes: it says nothing more"), "").asked(by)
        }
        ClientEvent::Paused { paused, by } => {
            let now = if *paused { "is stopped" } else { "goes on" };
            info("client_paused", format!("{name} {now}"), "").asked(by)
        }
        ClientEvent::Works { each_us, by } => {
            let words = format!("{name} works {}.{:03} ms on each record", each_us / 1_000, each_us % 1_000);
            info("client_works", words, "").asked(by)
        }
    }
}

fn connection_lost(name: &str, broker: BrokerId, waiting: u64) -> Told {
    let lost = format!("{name}: connection to {broker} lost");
    let words = match waiting {
        0 => lost,
        1 => format!("{lost}, 1 record waits"),
        n => format!("{lost}, {} wait", counted_u64(n, "record")),
    };
    Told::new("connection_lost", Severity::Warning, words, "").about(broker)
}
