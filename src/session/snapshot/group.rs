//! Consumer groups at one moment: state, members, offsets, and what the last rebalances changed.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Deliveries, TopicPartition};

/// By which protocol the members of a group talk to their coordinator: `group.protocol`, as `ListGroups` has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupKind {
    /// `JoinGroup` and `SyncGroup`: the members meet, and one of them assigns.
    #[default]
    Classic,
    /// `ConsumerGroupHeartbeat` (KIP-848): the coordinator assigns, and each member changes over by itself.
    Consumer,
}

/// Where a group is, by Kafka's names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum GroupState {
    /// It has no members, and may have offsets.
    #[default]
    Empty,
    /// Classic: the members are called together.
    PreparingRebalance,
    /// Classic: they have met, and wait for the assignment.
    CompletingRebalance,
    /// KIP-848: the coordinator works out a new assignment.
    Assigning,
    /// KIP-848: members give up and take over partitions.
    Reconciling,
    /// Everybody has what they are to have.
    Stable,
    /// It is being removed.
    Dead,
}

impl GroupState {
    /// Kafka's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Assigning => "Assigning",
            Self::Reconciling => "Reconciling",
            Self::Stable => "Stable",
            Self::Dead => "Dead",
        }
    }

    /// Whether a rebalance is under way.
    pub const fn is_moving(self) -> bool {
        matches!(self, Self::PreparingRebalance | Self::CompletingRebalance | Self::Assigning | Self::Reconciling)
    }
}

/// How fresh what is known of a group is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupKnown {
    /// Its coordinator serves it: it is as shown.
    #[default]
    Now,
    /// A new coordinator reads it from the log: it is shown as it was last.
    Loading,
    /// Nobody coordinates it: it is shown as it was last.
    Last,
}

/// One group. It names at most [`Group::MAX_MEMBERS`] members and [`Group::MAX_PARTITIONS`] partitions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// `group.id`.
    pub id: Arc<str>,
    /// Its protocol.
    pub kind: GroupKind,
    /// Where it is.
    pub state: GroupState,
    /// How fresh all this is.
    pub known: GroupKnown,
    /// Lab time from which on it is in this state, in microseconds.
    pub since_us: u64,
    /// `consumer`, as a rule; empty for a group that only has offsets.
    pub protocol_type: Arc<str>,
    /// The assignor of this generation, once there was one.
    pub assignor: Option<Arc<str>>,
    /// Whether its members keep what they read while they join again (KIP-429, KIP-848).
    pub cooperative: bool,
    /// Its generation; of a KIP-848 group the epoch. 0 before the first.
    pub generation: i32,
    /// The broker that coordinates it.
    pub coordinator: Option<i32>,
    /// Its partition of `__consumer_offsets`.
    pub offsets_partition: i32,
    /// Until when the members are waited for, while they are called together.
    pub call: Option<Call>,
    /// The rebalance that is under way.
    pub rebalance: Option<Rebalance>,
    /// Its members, by their tags.
    pub members: Vec<GroupMember>,
    /// How many members it has.
    pub member_count: u32,
    /// Built-in consumers that have left it until they poll again, by their tags.
    #[serde(default)]
    pub stuck: Vec<Stuck>,
    /// The partitions that it reads or has offsets of, in their order.
    pub partitions: Vec<GroupPartition>,
    /// How many partitions that are.
    pub partition_count: u32,
    /// Which topics it reads or has offsets of.
    pub topics: Vec<Arc<str>>,
    /// Those of its topics that are not there: they have no partitions.
    #[serde(default)]
    pub missing: Vec<MissingTopic>,
    /// Its lag over all partitions: log end minus committed offset.
    pub lag: u64,
    /// How the lag moved over the last seconds: records per second, negative when it shrinks.
    pub lag_trend_per_sec: i64,
    /// Its lag at the end of each [`Group::LAG_EVERY_US`], oldest first, at most [`Group::LAGS`].
    pub lags: Vec<u64>,
    /// Records that its built-in members process per second.
    pub read_per_sec: u64,
    /// What became of the records that its built-in members were given.
    pub deliveries: Arc<Deliveries>,
    /// Lab time at the end of the lanes' newest cell, in microseconds.
    pub lanes_to_us: u64,
    /// How much lab time a cell of a lane stands for, in microseconds: less where the lab is slowed down.
    pub lane_cell_us: u64,
    /// Its newest generations, newest first, at most [`Group::MAX_HISTORY`].
    pub history: Arc<[Generation]>,
}

impl Group {
    /// How many members are named.
    pub const MAX_MEMBERS: usize = 256;
    /// How many partitions are named.
    pub const MAX_PARTITIONS: usize = 512;
    /// How many generations are kept.
    pub const MAX_HISTORY: usize = 12;
    /// How many cells a lane has.
    pub const LANE_CELLS: usize = 60;
    /// How much lab time a cell of a lane stands for at the speed of real time, in microseconds: at most so much.
    pub const LANE_CELL_US: u64 = 100_000;
    /// How many lags are kept.
    pub const LAGS: usize = 8;
    /// How far they are apart, in microseconds of lab time.
    pub const LAG_EVERY_US: u64 = 750_000;

    /// The member with this id.
    pub fn member(&self, id: &str) -> Option<&GroupMember> {
        self.members.iter().find(|member| &*member.id == id)
    }

    /// The member whose tag this is: the one that is in it now.
    pub fn tagged(&self, tag: &str) -> Option<&GroupMember> {
        self.members.iter().find(|member| &*member.tag == tag)
    }

    /// Its members that have nothing to read.
    pub fn idle(&self) -> impl Iterator<Item = &GroupMember> {
        self.members.iter().filter(|member| member.after.as_ref().is_some_and(Vec::is_empty))
    }

    /// What is known of one of its partitions.
    pub fn partition(&self, at: &TopicPartition) -> Option<&GroupPartition> {
        self.partitions.iter().find(|partition| partition.at == *at)
    }
}

/// A topic that a group wants to read or has offsets of, and that is not there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingTopic {
    /// Its name.
    pub topic: Arc<str>,
    /// Whether it was there: it was deleted under the group.
    pub deleted: bool,
    /// How many offsets of it are still kept: they go when the coordinator hears of the deletion.
    pub offsets: u32,
}

/// The members are called together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// How long until whoever has not joined is given up, in milliseconds.
    pub ends_in_ms: u64,
    /// How long they are waited for in all, in milliseconds: the longest `max.poll.interval.ms` of a member, or
    /// `group.initial.rebalance.delay.ms`.
    #[serde(default)]
    pub of_ms: u64,
    /// Whether that is measured on the clock of the outside world, because who calls is outside: it goes on while the lab
    /// is paused.
    pub outside: bool,
    /// Whether it is the first members of an empty group that are waited for (`group.initial.rebalance.delay.ms`).
    pub initial: bool,
}

/// How long a member may still be silent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// How long until it is given up, in milliseconds.
    pub ends_in_ms: u64,
    /// Its session's time-out, in milliseconds: each heartbeat begins it anew.
    pub of_ms: u64,
    /// Whether that is measured on the clock of the outside world.
    pub outside: bool,
}

/// A built-in consumer that has not polled for `max.poll.interval.ms`: it has left its group, and joins again when it polls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stuck {
    /// Its number among the consumers.
    pub consumer: u32,
    /// The tag that it had as a member, and will have again; empty where it is not known.
    pub tag: Arc<str>,
    /// Its `client.id`, or its `group.instance.id`.
    pub name: Arc<str>,
    /// Its `max.poll.interval.ms`.
    pub max_poll_interval_ms: u32,
    /// Records that it works on before it polls again.
    pub in_hand: u64,
    /// How long it works on one record, in microseconds.
    pub work_us: u32,
}

impl Stuck {
    /// In how long it polls again, in milliseconds: when it is through with what it has in hand.
    pub fn polls_in_ms(&self) -> u64 {
        self.in_hand.saturating_mul(self.work_us.into()) / 1_000
    }
}

/// A rebalance that is under way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rebalance {
    /// Lab time when it began, in microseconds.
    pub began_us: u64,
    /// Why, in a few words: `c4 joins`.
    pub why: Arc<str>,
    /// The event that says so.
    pub event: u64,
}

/// How a member stands in its group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It is part of the generation.
    #[default]
    In,
    /// The members are called together, and it has not come yet.
    WaitedFor,
    /// It has joined, and waits for the others.
    Joined,
    /// It has joined for the first time, and waits for the others.
    JoinedNew,
    /// It waits for its assignment.
    WaitsForAssignment,
    /// It has not asked for its assignment yet.
    HasNotSynced,
    /// KIP-848: it changes over to what it is to have.
    Reconciling,
}

/// A member of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupMember {
    /// Its member id.
    pub id: Arc<str>,
    /// A short name for it within the group, such as `c1`; who comes back gets it again.
    pub tag: Arc<str>,
    /// Its `client.id`.
    pub client_id: Arc<str>,
    /// Its address; `/lab` for a built-in one.
    pub host: Arc<str>,
    /// Its `group.instance.id`: a static member has one.
    pub instance_id: Option<Arc<str>>,
    /// Whether it is the one that assigns.
    pub leader: bool,
    /// How it stands.
    pub standing: Standing,
    /// How long it may still be silent; `None` while it waits for an answer.
    #[serde(default)]
    pub session: Option<Session>,
    /// Lab time when it last asked to join, in microseconds, where its coordinator saw that.
    pub joined_us: Option<u64>,
    /// Whether it was there in the generation before.
    pub was_there: bool,
    /// What it had in the generation before: while a rebalance is under way, in the one that ends.
    pub before: Vec<TopicPartition>,
    /// What it has now; `None` as long as that is not decided.
    pub after: Option<Vec<TopicPartition>>,
    /// What it reads at this moment; `None` where that cannot be seen, because it is outside.
    pub reads: Option<Vec<TopicPartition>>,
    /// Its own epoch, in a KIP-848 group.
    pub epoch: Option<i32>,
    /// What only a built-in member lets be seen.
    pub built_in: Option<BuiltIn>,
}

/// What is seen of a built-in member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuiltIn {
    /// Its number among the consumers.
    pub consumer: u32,
    /// Whether its process lives.
    pub alive: bool,
    /// Whether it is stopped.
    pub paused: bool,
    /// Records that it has polled and not processed yet.
    pub in_hand: u64,
    /// How long it works on one record, in microseconds.
    pub work_us: u32,
    /// When it commits, in words: `auto`, `after processing`.
    pub commits: Arc<str>,
    /// Its `partition.assignment.strategy`.
    pub assignors: Vec<Arc<str>>,
    /// Records that it processed though it had processed them before.
    pub again: u64,
}

/// A partition as a group reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupPartition {
    /// Which.
    pub at: TopicPartition,
    /// The tag of the member that it is assigned to.
    pub owner: Option<Arc<str>>,
    /// The tag of the member that reads it at this moment, as far as that can be seen.
    pub reader: Option<Arc<str>>,
    /// For how long nobody has read it, in milliseconds; `None` while somebody does, or where that cannot be seen.
    pub unread_ms: Option<u64>,
    /// The committed offset.
    pub committed: Option<i64>,
    /// The next offset that its reader will process, where that can be seen.
    pub position: Option<i64>,
    /// Up to where it can be read: the high watermark, which Kafka's tools call the log end of a group.
    pub log_end: i64,
    /// Log end minus committed offset; `None` where nothing is committed.
    pub lag: Option<u64>,
    /// Log end minus position, or minus the committed offset where the position cannot be seen.
    pub behind: u64,
    /// How `behind` moved over the last two seconds: records per second, negative when it shrinks.
    pub trend_per_sec: i64,
    /// How many records per second its reader gets through.
    pub read_per_sec: u64,
    /// `behind` at the end of each [`Group::LAG_EVERY_US`], oldest first, at most [`Group::LAGS`].
    pub behinds: Vec<u64>,
    /// Who read it in the last [`Group::LANE_CELLS`] cells of time, oldest first.
    pub lane: Vec<LaneRun>,
}

/// Cells of a lane in which nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneRun {
    /// How many.
    pub cells: u16,
    /// Who read, by tag; `None` for nobody.
    pub reader: Option<Arc<str>>,
    /// Whether that was seen: its position moved, or there was nothing to read. Otherwise it is only assigned, and its
    /// commits are all there is to see of it.
    pub seen: bool,
}

/// A generation, once its assignment was handed out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    /// Its number.
    pub generation: i32,
    /// Lab time when the assignment was handed out, in microseconds.
    pub at_us: u64,
    /// Lab time when all members had met, in microseconds; `None` where nobody looked then.
    pub formed_us: Option<u64>,
    /// Lab time when the rebalance that led to it began, in microseconds; `None` where nobody looked then.
    pub began_us: Option<u64>,
    /// Lab time when all members had what they were assigned, in microseconds; in a classic group, where they hear it
    /// together, when it was handed out. `None` as long as some of them change over.
    pub settled_us: Option<u64>,
    /// Why it began: `c4 joins`.
    pub why: Arc<str>,
    /// The event that says so.
    pub event: Option<u64>,
    /// The assignor.
    pub assignor: Arc<str>,
    /// How many members it has.
    pub members: u32,
    /// Who owned what, by tag, in the order of the partitions.
    pub owners: Vec<(TopicPartition, Arc<str>)>,
    /// How many partitions were read by nobody for a while.
    pub stopped: u32,
    /// The longest such while, in milliseconds.
    pub stopped_ms: u64,
    /// Records that were processed again since it began.
    pub again: u64,
    /// Records that were lost since it began.
    pub lost: u64,
}
