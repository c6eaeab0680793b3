//! The words for what a controller reports: who leads, who is in sync, who came and went.

use super::{Told, counted, named, names, set};
use crate::engine::event::{ControllerEvent, ElectionReason, LeadershipChange, ReassignmentStep};
use crate::engine::node::{BrokerId, NodeId};
use crate::engine::replica::TopicPartition;
use crate::session::event::{Severity, kind};

pub(super) fn told(event: &ControllerEvent, node: NodeId) -> Told {
    match event {
        ControllerEvent::LeadersElected { leader, changes, reason } => {
            let text = format!("{leader} leads {}", named(partitions(changes)));
            let (kind, severity) = match reason {
                ElectionReason::New => (kind::FIRST_LEADERS, Severity::Info),
                _ => (kind::LEADERS_ELECTED, Severity::Good),
            };
            let told = Told::new(kind, severity, text, reason.words()).about(*leader);
            led(told.on(partitions(changes)), changes, &leader.0.to_string())
        }
        ControllerEvent::PartitionsOffline { changes } => {
            let text = format!("no leader for {}", named(partitions(changes)));
            let told = Told::new("partitions_offline", Severity::Bad, text, "no in-sync replica lives");
            led(told.on(partitions(changes)), changes, "none")
        }
        ControllerEvent::IsrShrunk { removed, changes } => {
            let text = format!("{}: in sync without {}", subject(changes), names(removed));
            in_sync(
                Told::new("isr_shrunk", Severity::Warning, text, "dead, leaving, or its disk failed"),
                removed,
                changes,
            )
        }
        ControllerEvent::IsrChanged { added, removed, changes, .. } if removed.is_empty() => {
            let text = format!("{}: in sync again with {}", subject(changes), names(added));
            in_sync(
                Told::new("isr_expanded", Severity::Good, text, "its copy reached the high watermark"),
                added,
                changes,
            )
        }
        ControllerEvent::IsrChanged { removed, changes, .. } => {
            let text = format!("{}: in sync without {}", subject(changes), names(removed));
            in_sync(Told::new("isr_shrunk", Severity::Warning, text, "fallen behind the leader"), removed, changes)
        }
        ControllerEvent::Reassignment { partition, step, adding, removing } => {
            reassignment(partition, *step, adding, removing)
        }
        topic_or_broker => topics(topic_or_broker, node),
    }
}

fn partitions(changes: &[LeadershipChange]) -> impl Iterator<Item = &TopicPartition> {
    changes.iter().map(|change| &change.partition)
}

/// One partition by name, several by number.
fn subject(changes: &[LeadershipChange]) -> String {
    match changes {
        [one] => one.partition.to_string(),
        many => counted(many.len(), "partition"),
    }
}

/// What changed for the first partition stands for all: they changed alike.
fn led(told: Told, changes: &[LeadershipChange], leader: &str) -> Told {
    let Some(first) = changes.first() else { return told };
    let before = first.old_leader.map_or_else(|| "none".to_owned(), |id| id.0.to_string());
    let epoch = if first.old_epoch < 0 { String::new() } else { first.old_epoch.to_string() };
    let fenced = "whoever speaks with an older one is refused: FENCED_LEADER_EPOCH (74)";
    told.change("leader", before, leader.to_owned(), "the replica that takes writes")
        .change("leader epoch", epoch, first.epoch.to_string(), fenced)
        .change("in sync", set(&first.old_isr), set(&first.isr), "acks=all waits for these")
}

fn in_sync(told: Told, moved: &[BrokerId], changes: &[LeadershipChange]) -> Told {
    let mut told = told.on(partitions(changes));
    told.brokers.extend(moved.iter().map(|id| id.0));
    let Some(first) = changes.first() else { return told };
    told.change("in sync", set(&first.old_isr), set(&first.isr), "acks=all waits for these")
}

fn reassignment(
    partition: &TopicPartition,
    step: ReassignmentStep,
    adding: &[BrokerId],
    removing: &[BrokerId],
) -> Told {
    let (kind, severity, text) = match step {
        ReassignmentStep::Began => ("reassignment_began", Severity::Info, format!("{partition} is being moved")),
        ReassignmentStep::CaughtUp => {
            ("reassignment_caught_up", Severity::Good, format!("{partition}: new replicas in sync"))
        }
        ReassignmentStep::Done => ("reassignment_done", Severity::Good, format!("{partition} has moved")),
        ReassignmentStep::Cancelled => {
            ("reassignment_cancelled", Severity::Warning, format!("{partition} stays where it was"))
        }
    };
    Told::new(kind, severity, text, "somebody asked to move it").on([partition]).change(
        "replicas",
        format!("without {}", set(removing)),
        format!("with {}", set(adding)),
        "",
    )
}

fn topics(event: &ControllerEvent, node: NodeId) -> Told {
    match event {
        ControllerEvent::TopicCreated { topic, partitions, replication_factor } => {
            let text = format!(
                "topic {topic}: {}, {} each",
                counted(*partitions, "partition"),
                counted(*replication_factor, "replica")
            );
            Told::new("topic_created", Severity::Good, text, "")
        }
        ControllerEvent::PartitionsAdded { topic, partitions } => {
            let text = format!("topic {topic}: {} more", counted(partitions.len(), "partition"));
            Told::new("partitions_added", Severity::Good, text, "")
        }
        ControllerEvent::TopicDeletionBegan { topic } => {
            Told::new("topic_deletion_began", Severity::Info, format!("topic {topic} is being deleted"), "")
        }
        ControllerEvent::TopicDeletionWaits { topic, because } => {
            let text = format!("topic {topic}: its deletion waits");
            Told::new("topic_deletion_waits", Severity::Warning, text, because)
        }
        ControllerEvent::TopicDeleted { topic } => {
            Told::new("topic_deleted", Severity::Info, format!("topic {topic} is gone"), "")
        }
        membership => brokers(membership, node),
    }
}

fn brokers(event: &ControllerEvent, node: NodeId) -> Told {
    match event {
        ControllerEvent::Elected { epoch } => {
            let text = format!("{node} is the controller, epoch {epoch}");
            Told::new("controller_elected", Severity::Good, text, "its create of /controller came first")
        }
        ControllerEvent::Resigned { epoch, because } => {
            let text = format!("{node} is the controller no more, epoch {epoch}");
            Told::new("controller_resigned", Severity::Warning, text, because)
        }
        ControllerEvent::BrokerLeft { broker } => {
            let text = format!("{node} told: {broker} is gone");
            Told::new("controller_told", Severity::Info, text, "its watch on /brokers/ids fired").about(*broker)
        }
        ControllerEvent::LogDirOffline { broker } => {
            let text = format!("{node} told: the log directory of {broker} is offline");
            Told::new("controller_told", Severity::Warning, text, "it said so itself").about(*broker)
        }
        ControllerEvent::BrokerJoined { broker, .. } => {
            let text = format!("{node} told: {broker} is there");
            Told::new("controller_told", Severity::Info, text, "its watch on /brokers/ids fired").about(*broker)
        }
        ControllerEvent::BrokerBounced { broker, .. } => {
            let text = format!("{node} told: {broker} was away and is back");
            Told::new("controller_told", Severity::Info, text, "its registration has another epoch").about(*broker)
        }
        ControllerEvent::ShutdownAsked { broker, leading } => {
            let text = format!("{broker} wants to shut down: {} to move", counted(*leading, "leader"));
            Told::new("shutdown_asked", Severity::Info, text, "its request to the controller").about(*broker)
        }
        other => Told::new("controller", Severity::Info, format!("{other:?}"), ""),
    }
}
