//! What happened, when, to whom, caused by what: as plain data for screens, demos and the control API.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::action::Origin;
use super::snapshot::TopicPartition;

/// Someone who acts: a node of the cluster, or the person at the keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeRef {
    /// Whoever gives commands.
    Operator,
    /// A ZooKeeper server.
    Zk(u8),
    /// A broker.
    Broker(i32),
    /// A built-in producer, by number and name.
    Producer(u32, Arc<str>),
    /// A built-in consumer, by number and name.
    Consumer(u32, Arc<str>),
    /// A client on a socket, by its `client.id`.
    Outside(Arc<str>),
}

/// How bad an event is; the order is that of badness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Routine.
    Info,
    /// Something healed or was achieved.
    Good,
    /// At risk.
    Warning,
    /// Something is broken or lost.
    Bad,
}

/// The names of kinds that screens know: they draw chains of causes of them. Other kinds are shown as they are.
pub mod kind {
    /// A broker's process was killed.
    pub const BROKER_KILLED: &str = "broker_killed";
    /// A broker's machine lost power: its process is gone, and what it had not flushed.
    pub const BROKER_LOST_POWER: &str = "broker_lost_power";
    /// A broker's process was started.
    pub const BROKER_STARTED: &str = "broker_started";
    /// A broker took up what its log directory holds; a warning where it had to cut something off.
    pub const RECOVERED: &str = "recovered";
    /// A broker's log directory failed.
    pub const LOG_DIR_FAILED: &str = "log_dir_failed";
    /// ZooKeeper opened a session.
    pub const SESSION_OPENED: &str = "session_opened";
    /// ZooKeeper ended a session.
    pub const SESSION_EXPIRED: &str = "session_expired";
    /// An ephemeral znode went with its session.
    pub const EPHEMERAL_GONE: &str = "ephemeral_gone";
    /// A broker's znode is there: others see it.
    pub const BROKER_REGISTERED: &str = "broker_registered";
    /// A watch fired.
    pub const WATCH_FIRED: &str = "watch_fired";
    /// The controller has heard of a change.
    pub const CONTROLLER_TOLD: &str = "controller_told";
    /// A broker became the controller.
    pub const CONTROLLER_ELECTED: &str = "controller_elected";
    /// The controller chose the first leaders of new partitions.
    pub const FIRST_LEADERS: &str = "first_leaders";
    /// The controller chose new leaders.
    pub const LEADERS_ELECTED: &str = "leaders_elected";
    /// A broker was told to follow.
    pub const FOLLOWS: &str = "follows";
    /// A follower cut records that its leader never had.
    pub const TRUNCATED: &str = "truncated";
    /// A client has learnt of a new leader and reads on.
    pub const LEADER_FOUND: &str = "leader_found";
    /// A producer has learnt of a new leader and sends again what waited.
    pub const RECORDS_SENT_AGAIN: &str = "records_sent_again";
    /// A broker took up leading.
    pub const LEADS: &str = "leads";
    /// A broker goes by settings that somebody changed.
    pub const CONFIG_TAKEN_UP: &str = "config_taken_up";
    /// Retention took the oldest segments of a topic's partitions.
    pub const SEGMENTS_DELETED: &str = "segments_deleted";
    /// Followers have caught up, as their leader sees it.
    pub const FOLLOWERS_CAUGHT_UP: &str = "followers_caught_up";

    /// Whether a broker's process was gone at once: it could tell nobody.
    pub fn is_sudden_end(kind: &str) -> bool {
        [BROKER_KILLED, BROKER_LOST_POWER].contains(&kind)
    }
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its number, from the sequence that messages share; later events have higher ones.
    pub id: u64,
    /// When, in lab microseconds.
    pub at_us: u64,
    /// Where it happened.
    pub node: NodeRef,
    /// What kind, by a stable name such as `broker_killed` or `leaders_elected`.
    pub kind: Arc<str>,
    /// How bad.
    pub severity: Severity,
    /// One line for a person: `broker-3 leads trucks_gps-1 trucks_gps-7`.
    pub text: Arc<str>,
    /// Why, in a few words: `next in sync in the assignment`, `you pressed K`.
    pub because: Arc<str>,
    /// How it was asked for, where somebody asked for it.
    pub by: Option<Origin>,
    /// What changed, one row each: what, before, after, and a word of meaning.
    pub changes: Vec<Change>,
    /// The brokers it is about.
    pub brokers: Vec<i32>,
    /// The partitions it is about.
    pub partitions: Vec<TopicPartition>,
    /// The consumer group it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Arc<str>>,
    /// The immediate cause: the number of a message or an event.
    pub cause: Option<u64>,
    /// The nearest event that led to this one.
    pub cause_event: Option<u64>,
    /// The messages between that event and this one, oldest first, as far as they are remembered.
    pub via: Vec<Hop>,
    /// How many older ones were let go: a chain of causes remembers at most 24 messages.
    #[serde(default)]
    pub via_forgotten: u32,
    /// How much went from logs, by retention or at a start, where something did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<Taken>,
}

/// How much went from logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// How many whole segments.
    pub segments: u64,
    /// How many bytes they had.
    pub bytes: u64,
}

/// A change that an event made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Of what: `leader`, `leader epoch`, `in sync`.
    pub what: Arc<str>,
    /// Before.
    pub before: Arc<str>,
    /// After.
    pub after: Arc<str>,
    /// What it means.
    pub meaning: Arc<str>,
}

/// A message on the way from one event to the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// The message's number.
    pub id: u64,
    /// Its name, such as `LeaderAndIsr`, and what it is about where that is known: `LeaderAndIsr: trucks_gps-1`.
    pub name: Arc<str>,
    /// From whom.
    pub from: NodeRef,
    /// To whom.
    pub to: NodeRef,
    /// When it was sent, in lab microseconds.
    pub sent_us: u64,
    /// When it arrived, in lab microseconds.
    pub arrived_us: u64,
}
