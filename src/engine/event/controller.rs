//! What a controller reports: who leads, who is in sync, who came and went. One event per effect, not per partition.

use std::sync::Arc;

use crate::engine::node::BrokerId;
use crate::engine::replica::TopicPartition;

/// Why a leader was elected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ElectionReason {
    /// The partition is new: the first live replica of its assignment leads.
    New,
    /// The leader's broker died: the next in the assignment that is alive and in sync leads.
    LeaderDied,
    /// The leader's log directory is offline.
    LogDirFailed,
    /// A broker that can lead came back.
    BrokerReturned,
    /// A new controller found the partition without a live leader.
    ControllerFailover,
    /// No in-sync replica lives, and the topic allows another to lead: records may be lost.
    Unclean,
    /// Somebody asked for the preferred leader, the head of the assignment.
    Preferred,
    /// The controller gave leadership back to the preferred leader by itself (`auto.leader.rebalance.enable`).
    Rebalance,
    /// The leader's broker wants to shut down.
    ControlledShutdown,
    /// The leader is not among the replicas that the partition is moved to.
    Reassignment,
}

impl ElectionReason {
    /// In a few words, for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::New => "first live replica of a new partition",
            Self::LeaderDied | Self::LogDirFailed | Self::ControllerFailover => "next in sync in the assignment",
            Self::BrokerReturned => "an in-sync replica is back",
            Self::Unclean => "unclean: no in-sync replica lives, records may be lost",
            Self::Preferred => "preferred leader, as asked",
            Self::Rebalance => "preferred leader, given back",
            Self::ControlledShutdown => "its leader is shutting down",
            Self::Reassignment => "its leader is being moved away",
        }
    }
}

/// What changed for a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadershipChange {
    /// Which partition.
    pub partition: TopicPartition,
    /// The leader before; none for a new partition, or one that was without.
    pub old_leader: Option<BrokerId>,
    /// The leader epoch before; -1 for a new partition.
    pub old_epoch: i32,
    /// The leader epoch now.
    pub epoch: i32,
    /// The in-sync replicas before.
    pub old_isr: Vec<BrokerId>,
    /// The in-sync replicas now.
    pub isr: Vec<BrokerId>,
}

/// A step of a reassignment (KIP-455).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReassignmentStep {
    /// The new replicas are added and begin to copy.
    Began,
    /// All new replicas are in sync; the old ones go.
    CaughtUp,
    /// The old replicas are gone: done.
    Done,
    /// It was called off: the new replicas go.
    Cancelled,
}

/// What can happen at a controller.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ControllerEvent {
    /// The broker is the controller from now on.
    Elected {
        /// Its epoch: one above that of the controller before.
        epoch: i32,
    },
    /// The broker is the controller no more.
    Resigned {
        /// Its epoch until now.
        epoch: i32,
        /// Why, in a few words.
        because: &'static str,
    },
    /// A broker has registered.
    BrokerJoined {
        /// Which.
        broker: BrokerId,
        /// The epoch of its registration (czxid).
        epoch: i64,
    },
    /// A broker's registration is gone.
    BrokerLeft {
        /// Which.
        broker: BrokerId,
    },
    /// A broker's log directory is offline: it lives, and leads nothing more.
    LogDirOffline {
        /// Which.
        broker: BrokerId,
    },
    /// A broker was gone and is back before anybody noticed: its registration has another epoch.
    BrokerBounced {
        /// Which.
        broker: BrokerId,
        /// The epoch of its new registration.
        epoch: i64,
    },
    /// A topic is there.
    TopicCreated {
        /// Its name.
        topic: Arc<str>,
        /// How many partitions it has.
        partitions: usize,
        /// How many replicas they have.
        replication_factor: usize,
    },
    /// A topic has more partitions.
    PartitionsAdded {
        /// Its name.
        topic: Arc<str>,
        /// The new ones.
        partitions: Vec<i32>,
    },
    /// Somebody wants a topic deleted: its replicas are told to go.
    TopicDeletionBegan {
        /// Its name.
        topic: Arc<str>,
    },
    /// A topic's deletion waits.
    TopicDeletionWaits {
        /// Its name.
        topic: Arc<str>,
        /// For what, in a few words.
        because: &'static str,
    },
    /// A topic is gone, with its replicas and znodes.
    TopicDeleted {
        /// Its name.
        topic: Arc<str>,
    },
    /// A broker leads partitions that it did not lead.
    LeadersElected {
        /// The new leader.
        leader: BrokerId,
        /// The partitions.
        changes: Vec<LeadershipChange>,
        /// Why.
        reason: ElectionReason,
    },
    /// Partitions have no leader: no in-sync replica lives. The last in-sync replicas stay on record.
    PartitionsOffline {
        /// The partitions.
        changes: Vec<LeadershipChange>,
    },
    /// The controller took dead or leaving replicas out of in-sync sets.
    IsrShrunk {
        /// The replicas that left.
        removed: Vec<BrokerId>,
        /// The partitions.
        changes: Vec<LeadershipChange>,
    },
    /// A leader changed in-sync sets, and the controller agreed (AlterPartition).
    IsrChanged {
        /// The leader.
        leader: BrokerId,
        /// Who joined.
        added: Vec<BrokerId>,
        /// Who left.
        removed: Vec<BrokerId>,
        /// The partitions.
        changes: Vec<LeadershipChange>,
    },
    /// A partition is being moved.
    Reassignment {
        /// The partition.
        partition: TopicPartition,
        /// How far it is.
        step: ReassignmentStep,
        /// The replicas that it gets.
        adding: Vec<BrokerId>,
        /// The replicas that it loses.
        removing: Vec<BrokerId>,
    },
    /// A broker wants to shut down, and its leaders are moved away.
    ShutdownAsked {
        /// Which.
        broker: BrokerId,
        /// How many partitions it leads that others could lead.
        leading: usize,
    },
}
