//! What a built-in client is told to do, as data: it may come from a file, the control API or [`default_lab`]. No
//! behaviour here.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::engine::assignor::{CLIENT_ASSIGNORS, SERVER_ASSIGNORS, client_assignor, server_assignor};

/// A built-in client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientSpec {
    /// Its name, such as `trucks`; it is its `client.id` too.
    pub name: Arc<str>,
    /// What it does.
    pub role: Role,
}

/// What a built-in client does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Writes records to one topic.
    Producer(ProducerSpec),
    /// Reads all partitions of some topics.
    Consumer(ConsumerSpec),
    /// Creates topics, as soon as enough brokers live, and is done.
    Admin {
        /// Which.
        topics: Vec<TopicSpec>,
    },
}

/// A topic to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicSpec {
    /// Its name.
    pub name: Arc<str>,
    /// How many partitions: 1 and up.
    pub partitions: i32,
    /// How many replicas of each: 1 and up.
    pub replication_factor: i16,
}

/// What a producer waits for before a record counts as written: `acks`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Acks {
    /// 0: nothing; there is no answer.
    None,
    /// 1: the leader's append.
    Leader,
    /// -1, `all`: every in-sync replica.
    #[default]
    All,
}

impl Acks {
    /// As the request carries it.
    pub const fn code(self) -> i16 {
        match self {
            Self::None => 0,
            Self::Leader => 1,
            Self::All => -1,
        }
    }

    /// As people write it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::None => "0",
            Self::Leader => "1",
            Self::All => "all",
        }
    }
}

/// How a producer chooses partitions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Partitioner {
    /// murmur2 of the key, as Java's client does; sticky for records without one.
    #[default]
    Key,
    /// One after the other, whatever the key.
    RoundRobin,
    /// One partition until its batch is sent (KIP-480), whatever the key.
    Sticky,
    /// A partitioner of one's own: the region that the record is from, modulo.
    Region,
}

impl Partitioner {
    /// Its name on the screen.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Key => "murmur2(key)",
            Self::RoundRobin => "round robin",
            Self::Sticky => "sticky",
            Self::Region => "custom",
        }
    }
}

/// What a producer's records are about, and how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Workload {
    /// Trucks that report their position, keyed by truck.
    Trucks {
        /// How many: 1 and up.
        trucks: u32,
        /// How often each reports, in milliseconds: 1 and up.
        interval_ms: u32,
    },
    /// Orders of a shop, keyed by customer.
    Orders {
        /// Orders per second: 1 and up.
        per_sec: u32,
    },
    /// Records of about a size.
    Plain {
        /// The size of a value in bytes; what it must say has room anyway.
        bytes: u32,
        /// Records per second: 1 and up.
        per_sec: u32,
        /// How many keys there are; 0 for records without one.
        keys: u32,
    },
}

/// A producer. The settings are Kafka's, under Kafka's names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProducerSpec {
    /// The topic that it writes.
    pub topic: Arc<str>,
    /// `acks`.
    pub acks: Acks,
    /// `enable.idempotence`; without effect unless acks is all.
    pub idempotent: bool,
    /// How it chooses partitions.
    pub partitioner: Partitioner,
    /// What it writes.
    pub workload: Workload,
    /// `linger.ms`.
    pub linger_ms: u32,
    /// `batch.size`, in bytes before compression.
    pub batch_bytes: u32,
    /// `buffer.memory`, counted in records: 1 and up. When that many wait, the workload stalls.
    pub buffer_records: u32,
    /// `request.timeout.ms`.
    pub request_timeout_ms: u32,
    /// `delivery.timeout.ms`.
    pub delivery_timeout_ms: u32,
    /// `retry.backoff.ms`.
    pub retry_backoff_ms: u32,
    /// `metadata.max.age.ms`.
    pub metadata_max_age_ms: u32,
}

impl Default for ProducerSpec {
    fn default() -> Self {
        Self {
            topic: "".into(),
            acks: Acks::All,
            idempotent: true,
            partitioner: Partitioner::Key,
            workload: Workload::Plain { bytes: 100, per_sec: 10, keys: 0 },
            linger_ms: 5,
            batch_bytes: 16_384,
            buffer_records: 32_768,
            request_timeout_ms: 30_000,
            delivery_timeout_ms: 120_000,
            retry_backoff_ms: 100,
            metadata_max_age_ms: 300_000,
        }
    }
}

/// Where a consumer begins, and goes on when its position is gone: `auto.offset.reset`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OffsetReset {
    /// At the first record that is kept.
    Earliest,
    /// At the end.
    #[default]
    Latest,
}

/// When a member of a group commits how far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Commit {
    /// `enable.auto.commit`: when it polls, at most this often. What was processed since the last commit is processed again
    /// after a crash.
    Auto {
        /// `auto.commit.interval.ms`.
        interval_ms: u32,
    },
    /// After the records of a poll are processed: at least once.
    After,
    /// Before they are processed: at most once.
    Before,
    /// Never.
    Never,
}

impl Commit {
    /// Its name on the screen.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Auto { .. } => "auto",
            Self::After => "after processing",
            Self::Before => "before processing",
            Self::Never => "never",
        }
    }
}

/// How the members of a group talk to their coordinator: `group.protocol`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupProtocol {
    /// They meet, and one of them assigns.
    #[default]
    Classic,
    /// The coordinator assigns (KIP-848).
    Consumer,
}

impl GroupProtocol {
    /// As people write it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::Consumer => "consumer",
        }
    }
}

/// A consumer's part in a group. The settings are Kafka's, under Kafka's names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GroupSpec {
    /// `group.id`.
    pub id: Arc<str>,
    /// `group.instance.id`, for a static member.
    pub instance_id: Option<Arc<str>>,
    /// `group.protocol`.
    pub protocol: GroupProtocol,
    /// `group.remote.assignor`: the one that it wants of a coordinator that assigns.
    pub remote_assignor: Option<Arc<str>>,
    /// `partition.assignment.strategy`, by name, the one that it likes best first.
    pub assignors: Vec<Arc<str>>,
    /// When it commits.
    pub commit: Commit,
    /// How long it works on one record, in microseconds.
    pub work_us: u32,
    /// `max.poll.records`: 1 and up.
    pub max_poll_records: u32,
    /// `session.timeout.ms`; by the protocol of KIP-848 the coordinator's setting counts.
    pub session_timeout_ms: u32,
    /// `heartbeat.interval.ms`, likewise.
    pub heartbeat_interval_ms: u32,
    /// `max.poll.interval.ms`.
    pub max_poll_interval_ms: u32,
}

impl Default for GroupSpec {
    fn default() -> Self {
        Self {
            id: "".into(),
            instance_id: None,
            protocol: GroupProtocol::Classic,
            remote_assignor: None,
            assignors: vec!["range".into(), "cooperative-sticky".into()],
            commit: Commit::Auto { interval_ms: 5_000 },
            work_us: 0,
            max_poll_records: 500,
            session_timeout_ms: 45_000,
            heartbeat_interval_ms: 3_000,
            max_poll_interval_ms: 300_000,
        }
    }
}

/// A consumer of its topics: of all their partitions, or of those that its group assigns it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConsumerSpec {
    /// The topics.
    pub topics: Vec<Arc<str>>,
    /// Where it begins.
    pub from: OffsetReset,
    /// How many records per second it can work through; none for no limit.
    pub max_per_sec: Option<u32>,
    /// The least time between two fetches from one broker, in milliseconds.
    pub poll_ms: u32,
    /// The group that it is a member of, if it is.
    pub group: Option<GroupSpec>,
    /// Whether it keeps account of what the built-in producers wrote: the auditor. It reads from the beginning.
    pub audit: bool,
    /// `request.timeout.ms`.
    pub request_timeout_ms: u32,
    /// `retry.backoff.ms`.
    pub retry_backoff_ms: u32,
    /// `metadata.max.age.ms`.
    pub metadata_max_age_ms: u32,
}

impl Default for ConsumerSpec {
    fn default() -> Self {
        Self {
            topics: Vec::new(),
            from: OffsetReset::Latest,
            max_per_sec: None,
            poll_ms: 50,
            group: None,
            audit: false,
            request_timeout_ms: 30_000,
            retry_backoff_ms: 100,
            metadata_max_age_ms: 300_000,
        }
    }
}

impl ClientSpec {
    /// What is wrong with it, in a line.
    ///
    /// # Errors
    /// That line.
    pub fn check(&self) -> Result<(), String> {
        if self.name.is_empty() {
            return Err("a client needs a name".to_owned());
        }
        let Role::Consumer(ConsumerSpec { topics, group, .. }) = &self.role else { return Ok(()) };
        if topics.is_empty() {
            return Err(format!("{} reads no topic", self.name));
        }
        let Some(group) = group else { return Ok(()) };
        if group.id.is_empty() {
            return Err("a group needs a name".to_owned());
        }
        if let Some(name) = group.remote_assignor.as_ref().filter(|name| server_assignor(name).is_none()) {
            return Err(format!("no coordinator has an assignor {name}; there are {}", server_names()));
        }
        let unknown = group.assignors.iter().find(|name| client_assignor(name).is_none());
        match unknown {
            Some(name) => Err(format!("there is no assignor {name}; there are {}", names())),
            None if group.assignors.is_empty() => Err(format!("an assignor is needed: {}", names())),
            None => Ok(()),
        }
    }
}

/// The assignors by name.
fn names() -> String {
    CLIENT_ASSIGNORS.iter().map(|assignor| assignor.name).collect::<Vec<_>>().join(", ")
}

/// The coordinator's assignors by name.
fn server_names() -> String {
    SERVER_ASSIGNORS.iter().map(|assignor| assignor.name).collect::<Vec<_>>().join(", ")
}

/// How long built-in clients wait: a pace's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// `delivery.timeout.ms`.
    pub delivery_timeout_ms: u32,
    /// `session.timeout.ms`.
    pub session_timeout_ms: u32,
    /// `heartbeat.interval.ms`.
    pub heartbeat_interval_ms: u32,
    /// `max.poll.interval.ms`.
    pub max_poll_interval_ms: u32,
    /// `auto.commit.interval.ms`.
    pub auto_commit_interval_ms: u32,
}

impl Patience {
    /// Kafka's defaults.
    pub const KAFKA: Self = Self {
        delivery_timeout_ms: 120_000,
        session_timeout_ms: 45_000,
        heartbeat_interval_ms: 3_000,
        max_poll_interval_ms: 300_000,
        auto_commit_interval_ms: 5_000,
    };

    /// `--pace lab`: shorter, in the same order.
    pub const LAB: Self = Self {
        delivery_timeout_ms: 30_000,
        session_timeout_ms: 3_000,
        heartbeat_interval_ms: 500,
        max_poll_interval_ms: 20_000,
        auto_commit_interval_ms: 1_000,
    };

    /// A membership that waits so long.
    pub fn group(&self) -> GroupSpec {
        GroupSpec {
            commit: Commit::Auto { interval_ms: self.auto_commit_interval_ms },
            session_timeout_ms: self.session_timeout_ms,
            heartbeat_interval_ms: self.heartbeat_interval_ms,
            max_poll_interval_ms: self.max_poll_interval_ms,
            ..GroupSpec::default()
        }
    }
}

/// The lab that `kscope` starts with: its topics, and its clients in the order of their ids. The first client creates
/// the topics.
///
/// With fewer brokers than replicas wanted, `brokers` (1 and up) bounds the replication factor.
pub fn default_lab(brokers: u32, patience: &Patience) -> (Vec<TopicSpec>, Vec<ClientSpec>) {
    let most = i16::try_from(brokers.max(1)).unwrap_or(i16::MAX);
    let topic = |name: &str, partitions, replication_factor: i16| TopicSpec {
        name: name.into(),
        partitions,
        replication_factor: replication_factor.min(most),
    };
    let topics = vec![topic("trucks_gps", 10, 3), topic("orders", 3, 3), topic("alerts", 2, 2)];
    let producer = |name: &str, spec: ProducerSpec| ClientSpec {
        name: name.into(),
        role: Role::Producer(ProducerSpec { delivery_timeout_ms: patience.delivery_timeout_ms, ..spec }),
    };
    let consumer = |name: &str, spec| ClientSpec { name: name.into(), role: Role::Consumer(spec) };
    let trucks = ProducerSpec {
        topic: "trucks_gps".into(),
        workload: Workload::Trucks { trucks: 30, interval_ms: 500 },
        linger_ms: 20,
        ..ProducerSpec::default()
    };
    let shop = ProducerSpec {
        topic: "orders".into(),
        acks: Acks::Leader,
        idempotent: false,
        workload: Workload::Orders { per_sec: 10 },
        ..ProducerSpec::default()
    };
    let group = GroupSpec { id: "dashboard".into(), ..patience.group() };
    let dashboard = ConsumerSpec { topics: vec!["trucks_gps".into()], group: Some(group), ..ConsumerSpec::default() };
    let audit = ConsumerSpec {
        topics: topics.iter().map(|topic| Arc::clone(&topic.name)).collect(),
        from: OffsetReset::Earliest,
        poll_ms: 200,
        audit: true,
        ..ConsumerSpec::default()
    };
    let clients = vec![
        ClientSpec { name: "admin".into(), role: Role::Admin { topics: topics.clone() } },
        producer("trucks", trucks),
        producer("shop", shop),
        consumer("dashboard-1", dashboard.clone()),
        consumer("dashboard-2", dashboard.clone()),
        consumer("dashboard-3", dashboard),
        consumer("audit", audit),
    ];
    (topics, clients)
}
