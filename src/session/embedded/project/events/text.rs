//! The words for each kind of event: what happened in one line, why in a few words, and what changed. One line per
//! effect, not per partition.

mod client;
mod controller;
pub(in super::super) mod group;
mod log;
mod zookeeper;

use crate::engine::broker::disk::Recovery;
use crate::engine::cluster::Cluster;
use crate::engine::context::Hop;
use crate::engine::event::{BrokerEvent, Event as Happened, EventKind, Lost, OperatorEvent, SettingChange};
use crate::engine::message::By;
use crate::engine::node::{BrokerId, NodeId};
use crate::engine::replica::TopicPartition;
use crate::session::action::Origin;
use crate::session::event::{Change, Severity, Taken, kind};
use crate::session::snapshot;

/// Partitions named in a line; more are counted.
const NAMED: usize = 8;

/// An event in words.
pub(super) struct Told {
    pub(super) kind: &'static str,
    pub(super) severity: Severity,
    pub(super) text: String,
    pub(super) because: String,
    pub(super) by: Option<Origin>,
    pub(super) changes: Vec<Change>,
    pub(super) brokers: Vec<i32>,
    pub(super) partitions: Vec<snapshot::TopicPartition>,
    pub(super) taken: Option<Taken>,
}

impl Told {
    /// `happened` in words.
    pub(super) fn of(cluster: &Cluster, happened: &Happened) -> Self {
        let mut told = match &happened.kind {
            EventKind::Controller(event) => controller::told(event, happened.node),
            EventKind::Broker(event) => broker(event, happened),
            EventKind::Operator(event) => operator(event),
            EventKind::Client(event) => client::told(event, &name(cluster, happened.node)),
            EventKind::Group(event) => group::told(event, &happened.node.to_string()),
            other => zookeeper::told(other, happened.node),
        };
        if told.because.is_empty() {
            told.because = because(cluster, happened);
        }
        if let NodeId::Broker(BrokerId(id)) = happened.node
            && !told.brokers.contains(&id)
        {
            told.brokers.push(id);
        }
        told
    }

    fn new(kind: &'static str, severity: Severity, text: String, because: &str) -> Self {
        let because = because.to_owned();
        Self {
            kind,
            severity,
            text,
            because,
            by: None,
            changes: Vec::new(),
            brokers: Vec::new(),
            partitions: Vec::new(),
            taken: None,
        }
    }

    /// Asked for by somebody, which is its reason.
    fn asked(mut self, by: &By) -> Self {
        let origin = origin(by);
        self.because = origin.words();
        self.by = Some(origin);
        self
    }

    /// About this broker, in the first place.
    fn about(mut self, broker: BrokerId) -> Self {
        self.brokers.push(broker.0);
        self
    }

    /// About these partitions.
    fn on<'a>(mut self, partitions: impl IntoIterator<Item = &'a TopicPartition>) -> Self {
        self.partitions.extend(partitions.into_iter().map(shared));
        self
    }

    fn change(mut self, what: &str, before: String, after: String, meaning: &str) -> Self {
        if before != after {
            let (before, after) = (before.into(), after.into());
            self.changes.push(Change { what: what.into(), before, after, meaning: meaning.into() });
        }
        self
    }
}

/// How something was asked for, as it is shown.
fn origin(by: &By) -> Origin {
    match by {
        By::Key(key) => Origin::Key(key.clone()),
        By::Explorer => Origin::Explorer,
        By::ControlApi => Origin::ControlApi,
        By::Program => Origin::Program,
    }
}

fn shared(partition: &TopicPartition) -> snapshot::TopicPartition {
    snapshot::TopicPartition { topic: std::sync::Arc::clone(&partition.topic), partition: partition.partition }
}

/// Partitions by name, or their number where they are many.
fn named<'a>(partitions: impl IntoIterator<Item = &'a TopicPartition>) -> String {
    let all: Vec<String> = partitions.into_iter().map(ToString::to_string).collect();
    match all.len() {
        0..=NAMED => all.join(" "),
        many => format!("{many} partitions"),
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Broker ids as people write sets of them: `1 3`.
fn set(ids: &[BrokerId]) -> String {
    if ids.is_empty() {
        return "none".to_owned();
    }
    ids.iter().map(|id| id.0.to_string()).collect::<Vec<_>>().join(" ")
}

/// A message by its name and what it is about.
pub(super) fn hop_name(hop: &Hop) -> String {
    hop.about.as_ref().map_or_else(|| hop.name.to_owned(), |about| format!("{}: {about}", hop.name))
}

/// Brokers by their names: `broker-1 broker-3`.
fn names(ids: &[BrokerId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// The reason, where the kind of event has none of its own: the newest message, or the event before.
fn because(cluster: &Cluster, happened: &Happened) -> String {
    if let Some(hop) = &happened.cause.via {
        // An answer means what was asked.
        let question = hop.previous.as_ref().filter(|question| (question.from, question.to) == (hop.to, hop.from));
        return match (question, &hop.about) {
            (Some(question), None) => format!("{} answered {}", hop.from, hop_name(question)),
            (_, Some(about)) => format!("{} from {}: {about}", hop.name, hop.from),
            (None, None) => format!("{} from {}", hop.name, hop.from),
        };
    }
    let event = happened.cause.event.and_then(|id| cluster.events().iter().rev().find(|event| event.id == id));
    event.map_or_else(String::new, |event| Told::of(cluster, event).text)
}

/// A node by the name that people know it by.
fn name(cluster: &Cluster, node: NodeId) -> String {
    let client = cluster.clients().find(|(id, _)| NodeId::Client(*id) == node);
    client.map_or_else(|| node.to_string(), |(_, client)| client.name().to_string())
}

fn counted_u64(count: u64, thing: &str) -> String {
    counted(usize::try_from(count).unwrap_or(usize::MAX), thing)
}

fn operator(event: &OperatorEvent) -> Told {
    match event {
        OperatorEvent::Shutdown { broker, by } => {
            let text = format!("{broker} is told to shut down");
            Told::new("shutdown_asked_for", Severity::Info, text, "").asked(by).about(*broker)
        }
        OperatorEvent::Asked { broker, api, by } => {
            Told::new("asked", Severity::Info, format!("{api} to {broker}"), "").asked(by).about(*broker)
        }
        OperatorEvent::LinkCut { between: (a, b) } => {
            Told::new("link_cut", Severity::Bad, format!("the link between {a} and {b} is cut"), "as you asked")
        }
        OperatorEvent::LinkHealed { between: (a, b) } => {
            Told::new("link_healed", Severity::Good, format!("the link between {a} and {b} is whole"), "as you asked")
        }
        OperatorEvent::LinkSlowed { between: (a, b), by } => {
            let text = format!("the link between {a} and {b} is {} ms slower", by.as_millis());
            Told::new("link_slowed", Severity::Warning, text, "as you asked")
        }
    }
}

fn broker(event: &BrokerEvent, happened: &Happened) -> Told {
    let node = happened.node;
    match event {
        BrokerEvent::Leads { partitions } => {
            let text = format!("{node} takes up leading {}", named(partitions));
            Told::new("leads", Severity::Info, text, "").on(partitions)
        }
        BrokerEvent::Follows { partitions } => {
            let text = format!("{node} follows {}", counted(partitions.len(), "partition"));
            Told::new("follows", Severity::Info, text, "").on(partitions)
        }
        BrokerEvent::Deleted { partitions } => {
            let text = format!("{node} deleted {}", named(partitions));
            Told::new("replicas_deleted", Severity::Info, text, "").on(partitions)
        }
        BrokerEvent::FollowersLag { followers } => {
            let partitions = followers.iter().map(|(_, partition)| partition);
            let text = format!("{} out of sync", counted(followers.len(), "follower"));
            Told::new("followers_lag", Severity::Warning, text, "not caught up for replica.lag.time.max.ms")
                .on(partitions)
        }
        BrokerEvent::FollowersCaughtUp { followers } => {
            let partitions = followers.iter().map(|(_, partition)| partition);
            let text = format!("{} caught up", counted(followers.len(), "follower"));
            Told::new("followers_caught_up", Severity::Good, text, "its copy reached the high watermark").on(partitions)
        }
        BrokerEvent::Truncated { partition, from, to, leader, epoch } => {
            let text = format!("{partition}: {node} cut offsets {from} to {}", to - 1);
            Told::new("truncated", Severity::Warning, text, "its leader does not have them")
                .on([partition])
                .about(*leader)
                .change("log end", to.to_string(), from.to_string(), "records that no leader has are not kept")
                .change("agrees up to epoch", String::new(), epoch.to_string(), "")
        }
        BrokerEvent::StartedAnew { partition, at, leader } => {
            let text = format!("{partition}: {node} begins anew at offset {at}");
            Told::new("started_anew", Severity::Warning, text, "the leader's log begins later than its own ended")
                .on([partition])
                .about(*leader)
        }
        BrokerEvent::Recovered(recovery) => recovered(recovery, node),
        BrokerEvent::LogDirFailed { reason } => {
            let text = format!("{node}'s log directory is offline");
            Told::new(kind::LOG_DIR_FAILED, Severity::Bad, text, reason)
        }
        BrokerEvent::ReplicaFailed { partition, reason } => {
            Told::new("replica_failed", Severity::Bad, format!("{partition}: {node} cannot append"), reason)
                .on([partition])
        }
        BrokerEvent::ConfigAltered { entity, changes, api, by } => {
            let text = format!("{entity}: {}", listed(changes));
            let told = Told::new("config_altered", Severity::Info, text, &format!("{api} by {by}"));
            values(told, changes)
        }
        BrokerEvent::ConfigTakenUp { entity, changes } => {
            let text = format!("{node} takes up {entity}: {}", listed(changes));
            values(Told::new(kind::CONFIG_TAKEN_UP, Severity::Info, text, ""), changes)
        }
        other => log::told(other, node).unwrap_or_else(|| of_process(other, happened)),
    }
}

/// A broker's process, from start to end.
fn of_process(event: &BrokerEvent, happened: &Happened) -> Told {
    let node = happened.node;
    match event {
        BrokerEvent::Killed { by } => {
            Told::new(kind::BROKER_KILLED, Severity::Bad, format!("{node} killed"), "").asked(by)
        }
        BrokerEvent::LostPower { by, lost } => {
            let text = format!("{node} lost power{}", unflushed(lost));
            Told::new(kind::BROKER_LOST_POWER, Severity::Bad, text, "").asked(by)
        }
        BrokerEvent::Started { by } => {
            let told = Told::new(kind::BROKER_STARTED, Severity::Info, format!("{node} started"), "the lab starts");
            by.iter().fold(told, Told::asked)
        }
        BrokerEvent::Registered { epoch } => {
            let text = format!("{node} registered, broker epoch {epoch}");
            Told::new("broker_registered", Severity::Good, text, "it created its ephemeral znode")
        }
        BrokerEvent::WaitsForOldSession => {
            let text = format!("{node} waits: its old registration is still there");
            Told::new("broker_waits", Severity::Info, text, "ZooKeeper has not ended its old session yet")
        }
        BrokerEvent::SessionLost => {
            Told::new("session_lost", Severity::Bad, format!("{node} lost its session while it lived"), "")
        }
        BrokerEvent::ShuttingDown => {
            Told::new("broker_shutting_down", Severity::Info, format!("{node} shuts down in order"), "")
        }
        BrokerEvent::Stopped => {
            Told::new("broker_stopped", Severity::Warning, format!("{node} stopped"), "its shutdown is done")
        }
        other => Told::new("broker", Severity::Info, format!("{node}: {other:?}"), ""),
    }
}

/// Settings that changed, in a line.
fn listed(changes: &[SettingChange]) -> String {
    changes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn values(told: Told, changes: &[SettingChange]) -> Told {
    changes.iter().fold(told, |told, c| told.change(c.name, c.before.clone(), c.after.clone(), ""))
}

/// What a power loss took, behind the words that it happened.
fn unflushed(lost: &[Lost]) -> String {
    let records: i64 = lost.iter().map(|lost| lost.to - lost.from).sum();
    match lost {
        [] => ": all that it had was flushed".into(),
        [one] => format!(", and with it {} from {} to {}: not flushed", one.partition, one.from, one.to - 1),
        more => format!(", and with it {records} records of {} partitions: not flushed", more.len()),
    }
}

/// What a start made of a log directory.
fn recovered(recovery: &Recovery, node: NodeId) -> Told {
    let logs = counted(recovery.logs, "log");
    if recovery.clean && recovery.cuts.is_empty() {
        let text = format!("{node} took up {logs}");
        return Told::new(kind::RECOVERED, Severity::Info, text, "left in order: nothing had to be scanned");
    }
    let cut: u64 = recovery.cuts.iter().map(|(_, _, bytes, _)| bytes).sum();
    let told = if cut == 0 {
        let text = format!("{node} scanned {logs}, and cut nothing");
        Told::new(kind::RECOVERED, Severity::Good, text, "the process before did not stop in order")
    } else {
        let of = match recovery.cuts.as_slice() {
            [(partition, log_end, ..)] => format!("{partition}, which ends at {log_end} now"),
            more => counted(more.len(), "log"),
        };
        let text = format!("{node} scanned {logs}, and cut {} off {of}", bytes_of(cut));
        let why = recovery.cuts.first().map_or("", |(_, _, _, why)| why.as_str());
        Told::new(kind::RECOVERED, Severity::Warning, text, why)
    };
    let taken = (cut > 0).then_some(Taken { segments: 0, bytes: cut });
    let told = Told { taken, ..told }.on(recovery.cuts.iter().map(|(partition, ..)| partition));
    recovery.cuts.iter().fold(told, |told, (partition, log_end, bytes, why)| {
        told.change(&partition.to_string(), format!("-{}", bytes_of(*bytes)), format!("ends at {log_end}"), why)
    })
}

fn bytes_of(bytes: u64) -> String {
    match bytes {
        0..1_024 => format!("{bytes} B"),
        1_024..1_048_576 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}
