//! Messages on their way, as plain data. It decides nothing; where they are drawn is the view's business.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::TopicPartition;
use crate::session::event::NodeRef;

/// What kind of message is in flight: decides its colour and its place on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// A producer's records.
    Produce,
    /// The answer to them.
    ProduceAck,
    /// A follower asks.
    ReplicaFetch,
    /// A follower gets.
    ReplicaRecords,
    /// A consumer asks.
    ConsumerFetch,
    /// A consumer gets.
    ConsumerRecords,
    /// A ping to ZooKeeper, or its answer.
    Ping,
    /// To or from ZooKeeper, other than a ping.
    ZooKeeper,
    /// From or to the controller: LeaderAndIsr, UpdateMetadata, AlterPartition ...
    Control,
    /// Metadata and other requests of clients.
    Client,
}

/// A message on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InFlight {
    /// Its number.
    pub id: u64,
    /// What kind.
    pub kind: MessageKind,
    /// Its name, such as `LeaderAndIsr` or `Fetch answer`.
    pub name: Arc<str>,
    /// From whom.
    pub from: NodeRef,
    /// To whom.
    pub to: NodeRef,
    /// When it was sent, in lab microseconds.
    pub sent_us: u64,
    /// When it arrives, in lab microseconds.
    pub due_us: u64,
    /// The partition it is about, where it is about one (or the first of several).
    pub partition: Option<TopicPartition>,
    /// How many partitions it is about.
    pub partitions: u32,
    /// How many records it carries.
    pub records: u32,
    /// The first record's key, for people to follow it.
    pub key: Option<Arc<str>>,
    /// The offset that it is about: asked from, or assigned.
    pub offset: Option<i64>,
    /// In a few words what it wants or tells.
    pub text: Arc<str>,
}
