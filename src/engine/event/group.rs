//! What happens to consumer groups. The events' node is the coordinator.

use std::sync::Arc;

use crate::engine::group::consumer::MemberState;
use crate::engine::replica::TopicPartition;
use crate::protocol::ErrorCode;

/// Which partitions each member of a group has, by member id.
pub type Assignment = Vec<(Arc<str>, Vec<TopicPartition>)>;

/// What happened to a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupEvent {
    /// A broker coordinates the groups of this partition of `__consumer_offsets` from now on, and reads it first.
    Loading {
        /// The partition.
        partition: i32,
    },
    /// It has read the partition, and serves its groups.
    Loaded {
        /// The partition.
        partition: i32,
        /// Which groups it found.
        groups: Vec<Arc<str>>,
        /// How many committed offsets it found.
        offsets: usize,
        /// How many records it read for that.
        records: u64,
    },
    /// It does not coordinate them any more.
    Unloaded {
        /// The partition.
        partition: i32,
        /// Whose coordinator it was.
        groups: Vec<Arc<str>>,
    },
    /// The members are called together.
    RebalanceBegan {
        /// The group.
        group: Arc<str>,
        /// The generation that ends.
        generation: i32,
        /// Why.
        why: Why,
    },
    /// All members that are left have joined: the generation begins, and its leader is asked who gets what.
    GenerationFormed {
        /// The group.
        group: Arc<str>,
        /// The generation.
        generation: i32,
        /// The assignor that all members know.
        protocol: Arc<str>,
        /// The member that assigns.
        leader: Arc<str>,
        /// The members.
        members: Vec<Arc<str>>,
    },
    /// The leader's assignment is in the log, and goes to the members.
    Assigned {
        /// The group.
        group: Arc<str>,
        /// The generation.
        generation: i32,
        /// Who has what; nothing where the members are no consumers.
        assignment: Assignment,
    },
    /// Something happened to a group of KIP-848.
    Consumer {
        /// The group.
        group: Arc<str>,
        /// What.
        event: ConsumerGroupEvent,
    },
    /// A member is gone.
    MemberGone {
        /// The group.
        group: Arc<str>,
        /// Who.
        member: Arc<str>,
        /// Why.
        why: Gone,
    },
    /// A static member came back under its instance id, and takes its predecessor's place.
    MemberReplaced {
        /// The group.
        group: Arc<str>,
        /// Its `group.instance.id`.
        instance: Arc<str>,
        /// The member id of before.
        old: Arc<str>,
        /// The member id from now on.
        new: Arc<str>,
    },
    /// The last member is gone.
    Emptied {
        /// The group.
        group: Arc<str>,
        /// Its generation.
        generation: i32,
    },
    /// A group without members and offsets is forgotten, or was deleted.
    Removed {
        /// The group.
        group: Arc<str>,
    },
    /// Committed offsets were forgotten.
    OffsetsRemoved {
        /// The group.
        group: Arc<str>,
        /// Of which partitions.
        partitions: Vec<TopicPartition>,
        /// Why.
        why: Removed,
    },
    /// What the coordinator wanted to keep could not be replicated.
    WriteFailed {
        /// The group.
        group: Arc<str>,
        /// Why.
        error: ErrorCode,
    },
}

impl GroupEvent {
    /// Whose event it is, where it is one group's.
    pub fn group(&self) -> Option<&Arc<str>> {
        match self {
            Self::Loading { .. } | Self::Loaded { .. } | Self::Unloaded { .. } => None,
            Self::RebalanceBegan { group, .. }
            | Self::GenerationFormed { group, .. }
            | Self::Assigned { group, .. }
            | Self::Consumer { group, .. }
            | Self::MemberGone { group, .. }
            | Self::MemberReplaced { group, .. }
            | Self::Emptied { group, .. }
            | Self::Removed { group }
            | Self::OffsetsRemoved { group, .. }
            | Self::WriteFailed { group, .. } => Some(group),
        }
    }
}

/// What happened to a group of KIP-848, beside what happens to classic ones too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsumerGroupEvent {
    /// The group's epoch is raised: a target assignment follows.
    EpochRaised {
        /// Its epoch from now on.
        epoch: i32,
        /// Why.
        why: Why,
    },
    /// The coordinator has assigned: who is to own what. Nobody owns it yet.
    TargetAssigned {
        /// The group's epoch that it is for.
        epoch: i32,
        /// The assignor.
        assignor: Arc<str>,
        /// Who is to have what.
        assignment: Assignment,
    },
    /// The coordinator has looked for the topics that a pattern of its members stands for: others than before.
    PatternResolved {
        /// The pattern.
        pattern: Arc<str>,
        /// The topics whose names are like it.
        topics: Vec<Arc<str>>,
    },
    /// A member has come a step further to its target.
    Reconciled {
        /// Who.
        member: Arc<str>,
        /// The member's epoch.
        epoch: i32,
        /// How far it is.
        state: MemberState,
        /// What it owns.
        owned: Vec<TopicPartition>,
        /// What it has to give back.
        to_revoke: Vec<TopicPartition>,
    },
    /// A heartbeat is refused: its sender is not, or not any more, who it says it is.
    Fenced {
        /// The member id that it said.
        member: Arc<str>,
        /// The epoch that it said.
        epoch: i32,
        /// What it is told.
        error: ErrorCode,
    },
    /// A static member goes, and will be back: its place is kept.
    MemberAway {
        /// Who.
        member: Arc<str>,
    },
}

/// Why a rebalance begins, or an epoch is raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// A member that was not there joins.
    Joins(Arc<str>),
    /// A member joins again with other topics or assignors, or the leader joins again (new partitions, for instance).
    Rejoins {
        /// Who.
        member: Arc<str>,
        /// What it says of it (KIP-800), or nothing.
        reason: Arc<str>,
    },
    /// A member is gone.
    Gone(Arc<str>, Gone),
    /// Members did not ask for their assignment in time.
    NoSync(Vec<Arc<str>>),
    /// The assignment could not be kept.
    NotKept(ErrorCode),
    /// A member wants other topics.
    Subscribes(Arc<str>),
    /// Topics that members want were created or deleted, or have more partitions.
    TopicsChanged,
}

/// Why a member is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// It left.
    Left,
    /// An operator removed it.
    Removed,
    /// It sent no heartbeat for `session.timeout.ms`.
    Silent,
    /// It did not join again in time.
    DidNotRejoin,
    /// It did not ask for its assignment in time.
    DidNotSync,
    /// It did not give its partitions back in time.
    DidNotRevoke,
}

/// Why offsets are forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// The group has been empty, or has not read the topic, for `offsets.retention.minutes`.
    Expired,
    /// The topic was deleted.
    TopicDeleted,
    /// An operator deleted them.
    Deleted,
}
