//! Plain data about a cluster at one moment, in ordered maps: what every screen is made of. It holds no decisions and no
//! formatting, and nothing in it refers to the engine. What Kafka's protocol cannot tell is `Option`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::event::Event;

mod delivery;
mod flight;
mod group;
mod setting;
mod zookeeper;

pub use delivery::{DeliveredBy, Deliveries, DeliveryRun, Fate};
pub use flight::{InFlight, MessageKind};
pub use group::{
    BuiltIn, Call, Generation, Group, GroupKind, GroupKnown, GroupMember, GroupPartition, GroupState, LaneRun,
    MissingTopic, Rebalance, Session, Standing, Stuck,
};
pub use setting::{Setting, TopicSetting};
pub use zookeeper::{ZkServer, ZkSession, ZooKeeper};

/// A topic and a partition of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TopicPartition {
    /// The topic's name.
    pub topic: Arc<str>,
    /// The partition's number, from 0.
    pub partition: i32,
}

/// Everything that is known about the cluster now. Cloning is cheap: what is large is shared.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Snapshot {
    /// Counts up with every new snapshot.
    pub seq: u64,
    /// The cluster's name for the header, such as `trucks`.
    pub name: Arc<str>,
    /// The cluster's own id, once known.
    pub cluster_id: Option<Arc<str>>,
    /// Whether every broker answers and every partition has had a leader since the start.
    pub ready: bool,
    /// What this session can do and show.
    pub capabilities: Capabilities,
    /// Time, its rate, whether it stands.
    pub clock: ClockState,
    /// Where clients and tools connect.
    pub addresses: Addresses,
    /// The controller's broker id, if one is elected.
    pub controller: Option<i32>,
    /// The controller's epoch.
    pub controller_epoch: Option<i32>,
    /// Brokers by id, dead ones too.
    pub brokers: Arc<BTreeMap<i32, Broker>>,
    /// Topics by name, internal ones too.
    pub topics: Arc<BTreeMap<Arc<str>, Topic>>,
    /// The settings that topics can be given, by name; empty where that is not known.
    #[serde(default)]
    pub topic_settings: Arc<[TopicSetting]>,
    /// Built-in producers by number.
    pub producers: Arc<BTreeMap<u32, Producer>>,
    /// Built-in consumers by number.
    pub consumers: Arc<BTreeMap<u32, Consumer>>,
    /// Consumer groups by id, at most [`Snapshot::MAX_GROUPS`].
    #[serde(default)]
    pub groups: Arc<BTreeMap<Arc<str>, Arc<Group>>>,
    /// How many groups there are beyond those.
    #[serde(default)]
    pub more_groups: u32,
    /// The ensemble; `None` where it cannot be seen.
    pub zookeeper: Option<Arc<ZooKeeper>>,
    /// Messages on their way between nodes, by arrival, at most [`Snapshot::MAX_IN_FLIGHT`].
    pub in_flight: Vec<InFlight>,
    /// The newest events, oldest first, at most [`Snapshot::MAX_EVENTS`]; older ones were let go.
    pub events: Arc<[Event]>,
    /// How many events were let go from the ring.
    pub events_dropped: u64,
    /// Records in per tenth of a second of lab time, oldest first, the last ten seconds.
    pub flow: Vec<u32>,
    /// Records written to leaders, per second.
    pub records_in_per_sec: u64,
    /// Records that clients have read, per second.
    pub records_out_per_sec: u64,
    /// Bytes of records that the logs hold, replicas counted once, and their bound.
    pub memory: Memory,
    /// Clients on sockets, connected now.
    pub outside_clients: u32,
}

impl Snapshot {
    /// How many messages in flight a snapshot names.
    pub const MAX_IN_FLIGHT: usize = 256;
    /// How many events a snapshot carries.
    pub const MAX_EVENTS: usize = 2_000;
    /// How many groups a snapshot shows.
    pub const MAX_GROUPS: usize = 500;
}

/// What a session can do beyond looking. Screens show what is absent as absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "independent abilities, each asked for by name")]
pub struct Capabilities {
    /// A lab of our own (badge LAB) rather than a real cluster (LIVE).
    pub lab: bool,
    /// Brokers can be killed, started, shut down.
    pub break_things: bool,
    /// Time can be paused, scaled, stepped.
    pub control_time: bool,
    /// Topics can be created, records produced, leaders elected.
    pub write: bool,
    /// Messages between nodes can be seen.
    pub see_messages: bool,
}

/// The lab's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockState {
    /// Lab time since the start, in microseconds.
    pub lab_us: u64,
    /// The lab's date, in milliseconds since 1970 (UTC).
    pub date_ms: i64,
    /// Wished lab time per real time, in millionths: 1,000,000 is real time.
    pub rate_ppm: u64,
    /// What the engine manages, in millionths; less than `rate_ppm` where it cannot keep up.
    pub effective_rate_ppm: u64,
    /// Whether time stands.
    pub paused: bool,
    /// How long outside clients have waited, in milliseconds of real time, while paused.
    pub outside_waited_ms: u64,
}

/// Addresses to show and to paste.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    /// The first broker's, such as `127.0.0.1:9092`.
    pub bootstrap: Arc<str>,
    /// All brokers', comma-separated.
    pub all_brokers: Arc<str>,
    /// ZooKeeper's, comma-separated.
    pub zookeeper: Option<Arc<str>>,
    /// The control API's URL.
    pub control: Option<Arc<str>>,
    /// Where the log file is.
    pub log_file: Option<Arc<str>>,
}

/// How a broker's process is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BrokerState {
    /// The process runs and is not registered in ZooKeeper yet.
    #[default]
    Starting,
    /// Running, registered.
    Running,
    /// In a controlled shutdown: its leaders are moving away.
    ShuttingDown,
    /// It runs, and its log directory is offline: it keeps and leads nothing.
    DiskFailed,
    /// Its process is dead.
    Dead,
}

/// One broker.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Broker {
    /// Its id.
    pub id: i32,
    /// `host:port` where it listens.
    pub address: Arc<str>,
    /// `broker.rack`.
    pub rack: Option<Arc<str>>,
    /// How its process is.
    pub state: BrokerState,
    /// Lab time of the last change of `state`, in microseconds.
    pub since_us: u64,
    /// Whether it is the controller.
    pub controller: bool,
    /// Its registration's number in ZooKeeper (czxid).
    pub epoch: Option<i64>,
    /// Partitions led.
    pub leaders: u32,
    /// Replicas hosted.
    pub replicas: u32,
    /// Replicas hosted that are in the in-sync set.
    pub in_sync: u32,
    /// Records in per second, as leader.
    pub in_per_sec: u64,
    /// Records out per second, to clients.
    pub out_per_sec: u64,
    /// Records in per half second, the last 8, for a sparkline.
    pub in_history: Vec<u32>,
    /// Bytes of its logs.
    pub log_bytes: u64,
    /// Its session with ZooKeeper.
    pub session: Option<BrokerSession>,
    /// Requests handled, by API name: count and, of those, errors.
    pub requests: BTreeMap<Arc<str>, RequestCount>,
    /// Connections of clients, on sockets and built in.
    pub connections: Vec<Connection>,
    /// Settings that differ from Kafka's defaults, and those that matter: name, value, where from.
    pub settings: Arc<[Setting]>,
}

/// A broker's ZooKeeper session as it is known on both sides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerSession {
    /// The session's id.
    pub id: i64,
    /// The server it is connected to.
    pub server: Option<u8>,
    /// The negotiated time-out, in milliseconds.
    pub timeout_ms: u64,
    /// Since the server last heard of it, in milliseconds.
    pub silent_ms: u64,
    /// How long until the server ends it if nothing comes, in milliseconds.
    pub ends_in_ms: u64,
    /// Whether it has ended.
    pub expired: bool,
    /// Whether its time stands: nobody leads the ensemble, so nobody can end it.
    #[serde(default)]
    pub held: bool,
}

/// Requests of one API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestCount {
    /// How many were answered.
    pub count: u64,
    /// How many of those answers carried an error.
    pub errors: u64,
}

/// A connection to a broker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// The peer: an address, or the built-in node's name.
    pub peer: Arc<str>,
    /// Its `client.id`.
    pub client_id: Arc<str>,
    /// `name version` as the client said in `ApiVersions`.
    pub software: Arc<str>,
    /// Requests so far.
    pub requests: u64,
    /// Whether it comes over a socket.
    pub socket: bool,
}

/// One topic.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Topic {
    /// Its name.
    pub name: Arc<str>,
    /// Its id.
    pub id: Option<uuid::Uuid>,
    /// Kafka's own (`__consumer_offsets`).
    pub internal: bool,
    /// Its deletion has begun.
    pub deleting: bool,
    /// How many replicas a partition has.
    pub replication_factor: u32,
    /// Its effective `min.insync.replicas`.
    pub min_insync_replicas: u32,
    /// Its effective `retention.ms`: how long records are kept; -1 for ever.
    pub retention_ms: i64,
    /// Its effective `retention.bytes`: how large a partition may grow; -1 without bound.
    pub retention_bytes: i64,
    /// Settings of its own.
    pub settings: Vec<Setting>,
    /// Its partitions, from 0 on; shared with the snapshots before while nothing about them changes.
    pub partitions: Vec<Arc<Partition>>,
}

/// One partition, as its leader and the controller know it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Partition {
    /// Its number.
    pub id: i32,
    /// The leader, if it has one that lives.
    pub leader: Option<i32>,
    /// The leader as ZooKeeper still has it: differs from `leader` between a death and the election.
    pub recorded_leader: Option<i32>,
    /// The leader's epoch.
    pub leader_epoch: i32,
    /// The assignment, preferred leader first.
    pub replicas: Vec<i32>,
    /// In-sync replicas as the controller has them.
    pub isr: Vec<i32>,
    /// Replicas being added by a reassignment.
    pub adding: Vec<i32>,
    /// Replicas being removed by a reassignment.
    pub removing: Vec<i32>,
    /// Earliest offset kept.
    pub log_start: i64,
    /// Below this everyone has it: readers see up to here.
    pub high_watermark: i64,
    /// The next offset to be written.
    pub log_end: i64,
    /// Last stable offset.
    pub last_stable: Option<i64>,
    /// Bytes of the leader's log.
    pub size_bytes: u64,
    /// Segments of the leader's log, oldest first: the newest 48. The last one is active.
    pub segments: Vec<Segment>,
    /// How many segments are older than these.
    pub older_segments: u32,
    /// Records in per second.
    pub in_per_sec: u64,
    /// Each replica's own log, by broker id; empty where that cannot be seen.
    pub copies: BTreeMap<i32, Copy>,
    /// Epochs and where each began, oldest first, the newest 8.
    pub epochs: Vec<(i32, i64)>,
    /// Lab time of the last change of leader, in microseconds; 0 if never since the topic's creation.
    pub leader_changed_us: u64,
    /// Lab time of the last change of the in-sync set, in microseconds.
    pub isr_changed_us: u64,
    /// True while the high watermark stands still because an in-sync replica is silent.
    pub held: bool,
}

impl Partition {
    /// How many segments the leader's log has.
    pub fn segment_count(&self) -> u64 {
        u64::from(self.older_segments) + u64::try_from(self.segments.len()).unwrap_or(0)
    }
}

/// One replica's own log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copy {
    /// Its first offset.
    pub log_start: i64,
    /// Its next offset.
    pub log_end: i64,
    /// Its own high watermark.
    pub high_watermark: i64,
    /// Up to which offset it agrees with the leader's log; what lies above will be cut.
    pub agrees_to: i64,
    /// The log end that it lacked most since it fell behind: the length of the catch-up bar.
    pub behind_at_most: i64,
    /// Whether its broker lives.
    pub alive: bool,
}

/// One segment of a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Its first offset.
    pub base_offset: i64,
    /// The next segment's first offset, or the log end.
    pub end_offset: i64,
    /// Its size.
    pub size_bytes: u64,
    /// Its largest record timestamp, in milliseconds since 1970; -1 where it holds no record.
    pub max_timestamp_ms: i64,
}

/// A built-in producer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Producer {
    /// Its number.
    pub id: u32,
    /// Its name, such as `trucks`.
    pub name: Arc<str>,
    /// The topic it writes.
    pub topic: Arc<str>,
    /// `0`, `1` or `all`.
    pub acks: Arc<str>,
    /// Whether it is idempotent.
    pub idempotent: bool,
    /// How it chooses partitions: `murmur2(key)`, `round robin`, `sticky`, `custom`.
    pub partitioner: Arc<str>,
    /// Whether it is stopped.
    pub paused: bool,
    /// Records made per second that it aims at.
    pub target_per_sec: u64,
    /// Records sent first time, per second.
    pub sent_per_sec: u64,
    /// Records acknowledged per second.
    pub acked_per_sec: u64,
    /// Records made so far.
    pub made: u64,
    /// Records acknowledged so far (for acks=0: written to the connection).
    pub acked: u64,
    /// Records that wait: not acknowledged and not given up.
    pub waiting: u64,
    /// Records given up after `delivery.timeout.ms` or a final error.
    pub failed: u64,
    /// Sends that were tried again.
    pub retries: u64,
    /// Acknowledged records that were read back.
    pub readable: u64,
    /// Acknowledged records that reading back has passed without finding.
    pub lost: u64,
    /// Records that reading back found more than once.
    pub duplicated: u64,
    /// Records per second of each partition written to, the last second.
    pub per_partition: BTreeMap<i32, u64>,
    /// Waiting records of each partition.
    pub waiting_per_partition: BTreeMap<i32, u64>,
    /// The last error it met, by Kafka's name, and when (lab microseconds).
    pub last_error: Option<(Arc<str>, u64)>,
}

/// A built-in consumer, of partitions that it chose itself or that its [`Group`] assigns it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Consumer {
    /// Its number.
    pub id: u32,
    /// Its name, such as `dashboard`.
    pub name: Arc<str>,
    /// The group that it is a member of, or wants to be.
    #[serde(default)]
    pub group: Option<Arc<str>>,
    /// Whether its process is gone: it was killed, or has ended.
    #[serde(default)]
    pub gone: bool,
    /// Why it cannot be a member of its group, by Kafka's name, where it was refused for good.
    #[serde(default)]
    pub refused: Option<Arc<str>>,
    /// Whether it is stopped.
    pub paused: bool,
    /// What it reads.
    pub assigned: Vec<AssignedPartition>,
    /// Records read per second.
    pub read_per_sec: u64,
    /// Records read so far.
    pub read: u64,
    /// Lag over all partitions: high watermark minus position.
    pub lag: u64,
    /// How the lag moved over the last two seconds: records per second, negative when shrinking.
    pub lag_trend_per_sec: i64,
}

/// A partition that a consumer reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignedPartition {
    /// Which.
    pub partition: TopicPartition,
    /// The next offset it will read.
    pub position: i64,
    /// High watermark minus position.
    pub lag: u64,
}

/// Memory of the logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// What the logs hold, in bytes: what replicas share, once.
    pub used_bytes: u64,
    /// The bound of `--memory`; 0 for none.
    pub bound_bytes: u64,
    /// What went since the lab began, to keep within the bound.
    #[serde(default)]
    pub evicted_bytes: u64,
}
