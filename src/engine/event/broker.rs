//! What happens to brokers and to the replicas on them.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::broker::disk::Recovery;
use crate::engine::entity::ConfigEntity;
use crate::engine::log::clean::Amount;
use crate::engine::log::{Log, RetentionReason};
use crate::engine::message::By;
use crate::engine::node::{BrokerId, NodeId};
use crate::engine::replica::TopicPartition;

/// What happened to a broker. The event's node is the broker, unless it says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BrokerEvent {
    /// Its process was killed (kill -9).
    Killed {
        /// How that was asked for.
        by: By,
    },
    /// Its machine lost power: its process is gone, and what was not flushed.
    LostPower {
        /// How that was asked for.
        by: By,
        /// What its logs lost.
        lost: Vec<Lost>,
    },
    /// Its process started.
    Started {
        /// How that was asked for; `None` where it starts with the lab.
        by: Option<By>,
    },
    /// It is registered in ZooKeeper and serves.
    Registered {
        /// Its registration's number (czxid).
        epoch: i64,
    },
    /// Its registration of an earlier session is still there; it waits until ZooKeeper ends that one.
    WaitsForOldSession,
    /// Its session ended while it lived.
    SessionLost,
    /// Its controlled shutdown began.
    ShuttingDown,
    /// Its process ended in order.
    Stopped,
    /// It leads these partitions from now on.
    Leads {
        /// Which.
        partitions: Vec<TopicPartition>,
    },
    /// It follows the leaders of these partitions from now on.
    Follows {
        /// Which.
        partitions: Vec<TopicPartition>,
    },
    /// It deleted its replicas of these partitions.
    Deleted {
        /// Which.
        partitions: Vec<TopicPartition>,
    },
    /// As a leader, it finds that followers have not caught up for `replica.lag.time.max.ms`.
    FollowersLag {
        /// Who, of which partitions.
        followers: Vec<(BrokerId, TopicPartition)>,
    },
    /// As a leader, it asks the controller to take followers that have caught up into the in-sync set.
    FollowersCaughtUp {
        /// Who, of which partitions.
        followers: Vec<(BrokerId, TopicPartition)>,
    },
    /// As a follower, it cut what its leader does not have.
    Truncated {
        /// Which partition.
        partition: TopicPartition,
        /// The first offset that was cut.
        from: i64,
        /// Where its log ended before.
        to: i64,
        /// Whose log it follows.
        leader: BrokerId,
        /// The leader epoch up to which the logs agree.
        epoch: i32,
    },
    /// As a follower, it began its log anew: its leader's begins later than its own ended.
    StartedAnew {
        /// Which partition.
        partition: TopicPartition,
        /// At which offset.
        at: i64,
        /// Whose log it follows.
        leader: BrokerId,
    },
    /// Its log directory was taken up from files.
    Recovered(Recovery),
    /// Its log directory failed: all its replicas are offline.
    LogDirFailed {
        /// What went wrong.
        reason: String,
    },
    /// What a leader sent could not be appended.
    ReplicaFailed {
        /// Which partition.
        partition: TopicPartition,
        /// Why.
        reason: String,
    },
    /// It was asked to change settings, and writes them to ZooKeeper.
    ConfigAltered {
        /// Whose settings.
        entity: ConfigEntity,
        /// What changes.
        changes: Vec<SettingChange>,
        /// The API by which it was asked.
        api: &'static str,
        /// The `client.id` of who asked.
        by: Arc<str>,
    },
    /// It read settings that had changed, and goes by them from now on.
    ConfigTakenUp {
        /// Whose settings.
        entity: ConfigEntity,
        /// What changed here.
        changes: Vec<SettingChange>,
    },
    /// The oldest records went, to keep the logs of all brokers within `--memory`.
    Evicted {
        /// Of which partitions, and where their logs begin now.
        partitions: Vec<(TopicPartition, i64)>,
        /// How many bytes went.
        bytes: u64,
    },
    /// A check of retention took the oldest segments of a topic's logs that it leads.
    SegmentsDeleted {
        /// Why.
        reason: RetentionReason,
        /// Of which partitions, all of one topic, and where their logs begin now.
        partitions: Vec<(TopicPartition, i64)>,
        /// How many segments went.
        segments: usize,
        /// How many bytes went.
        bytes: u64,
    },
    /// A client had the oldest records of partitions deleted, that this broker leads.
    RecordsDeleted {
        /// Which, and where their logs begin now.
        partitions: Vec<(TopicPartition, i64)>,
        /// The client's `client.id`.
        client_id: Arc<str>,
    },
    /// Compaction took records that newer ones of their keys overtook.
    Compacted {
        /// Of which partition.
        partition: TopicPartition,
        /// Up to this offset its log is clean.
        up_to: i64,
        /// What there was below.
        before: Amount,
        /// What is left of it.
        after: Amount,
    },
    /// A log cannot be compacted, and is not any more.
    CleaningFailed {
        /// Of which partition.
        partition: TopicPartition,
        /// Why.
        reason: String,
    },
}

/// A setting that has another value now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingChange {
    /// Kafka's name.
    pub name: &'static str,
    /// What held.
    pub before: String,
    /// What holds.
    pub after: String,
}

impl std::fmt::Display for SettingChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} -> {}", self.name, self.before, self.after)
    }
}

/// What a log loses in a power loss: what was not flushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Of which partition.
    pub partition: TopicPartition,
    /// The first offset that is lost.
    pub from: i64,
    /// Where the log ended.
    pub to: i64,
}

impl Lost {
    /// What a log would lose now, if anything.
    pub fn of(partition: &TopicPartition, log: &Log) -> Option<Self> {
        let (from, to) = (log.flushed_offset().max(log.log_start_offset()), log.log_end_offset());
        (from < to).then(|| Self { partition: partition.clone(), from, to })
    }
}

/// What a person or a script did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperatorEvent {
    /// Asked for a broker's controlled shutdown.
    Shutdown {
        /// Which.
        broker: BrokerId,
        /// How.
        by: By,
    },
    /// Asked a broker something.
    Asked {
        /// Which.
        broker: BrokerId,
        /// The API's name.
        api: &'static str,
        /// How.
        by: By,
    },
    /// Cut a link: what the two send each other waits.
    LinkCut {
        /// Between whom, the smaller one first.
        between: (NodeId, NodeId),
    },
    /// Healed a link that was cut or slow.
    LinkHealed {
        /// Between whom, the smaller one first.
        between: (NodeId, NodeId),
    },
    /// Made a link slower, or as fast as it was.
    LinkSlowed {
        /// Between whom.
        between: (NodeId, NodeId),
        /// What is added to its delay each way.
        by: Duration,
    },
}
