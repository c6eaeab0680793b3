//! Everything that one may do to a cluster, and what comes of it, as plain serde data: the one vocabulary of keys,
//! demos, the control API and simulations.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

mod consumer;

pub use consumer::{CommitMode, Cut, NewConsumer, OffsetChange, OffsetsReset, ResetTo};

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// kill -9 of a broker's process: what it wrote stays.
    KillBroker(i32),
    /// A broker's machine loses power: its process is gone, and what of its logs was not flushed.
    PowerLoss(i32),
    /// Starts a dead broker.
    StartBroker(i32),
    /// Kafka's controlled shutdown: leaders move away first.
    ShutdownBroker(i32),
    /// kill -9 of a ZooKeeper server's process: what is on its disk stays.
    KillServer(u8),
    /// Starts a dead ZooKeeper server.
    StartServer(u8),
    /// Elects preferred leaders, of these topics or of all.
    ElectPreferred {
        /// Topic names; empty for all.
        topics: Vec<Arc<str>>,
    },
    /// Creates a topic.
    CreateTopic(NewTopic),
    /// Deletes a topic with all its records.
    DeleteTopic {
        /// Its name.
        name: Arc<str>,
    },
    /// Changes settings of a topic.
    AlterTopic(SettingsChange),
    /// Writes one record.
    Produce(NewRecord),
    /// Reads records of one partition, from its leader.
    Read(ReadFrom),
    /// Starts a built-in consumer.
    AddConsumer(NewConsumer),
    /// Has a built-in consumer end in order, by its number: it commits, and leaves its group.
    CloseConsumer(u32),
    /// kill -9 of a built-in consumer: its group has to find out.
    CrashConsumer(u32),
    /// Stops a built-in consumer, or lets it go on. It still sends heartbeats.
    PauseConsumer {
        /// Its number.
        id: u32,
        /// Whether it stands.
        paused: bool,
    },
    /// Has a built-in consumer work longer, or shorter, on each record.
    SlowConsumer {
        /// Its number.
        id: u32,
        /// How long, in microseconds.
        work_us: u32,
    },
    /// Sets where a group without members goes on, or says what that would change.
    ResetOffsets(OffsetsReset),
    /// Sets the rate of lab time, in millionths of real time.
    SetRate {
        /// 1,000,000 is real time; at least 1,000, at most 100,000,000.
        rate_ppm: u64,
    },
    /// Stops time, or lets it go on.
    Pause(bool),
    /// While paused: delivers the next `n` messages, with what is due before them.
    Step {
        /// How many.
        n: u32,
    },
}

/// How an action was asked for: it becomes the first cause of what comes of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// By a key in the explorer, as people write it: `K`.
    Key(Arc<str>),
    /// In the explorer, by other means: a click, the palette, a form.
    Explorer,
    /// Over the control API.
    ControlApi,
    /// By a program that holds the session.
    #[default]
    Program,
}

impl Origin {
    /// In a few words, as a reason.
    pub fn words(&self) -> String {
        match self {
            Self::Key(key) => format!("you pressed {key}"),
            Self::Explorer => "you asked for it".to_owned(),
            Self::ControlApi => "asked for over the control API".to_owned(),
            Self::Program => "a program asked for it".to_owned(),
        }
    }
}

/// A topic to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewTopic {
    /// Its name.
    pub name: Arc<str>,
    /// Partitions; -1 for the broker's default.
    pub partitions: i32,
    /// Replicas of each; -1 for the broker's default.
    pub replication_factor: i16,
    /// Settings by Kafka's names.
    pub settings: Vec<(Arc<str>, Arc<str>)>,
}

/// What is to be changed in the settings of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsChange {
    /// Its name.
    pub name: Arc<str>,
    /// Settings by Kafka's names with their new values; none for what is to be as its broker has it.
    pub settings: Vec<(Arc<str>, Option<Arc<str>>)>,
}

/// A record to write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewRecord {
    /// To which topic.
    pub topic: Arc<str>,
    /// To which partition; `None` for murmur2 of the key, or any where there is no key.
    pub partition: Option<i32>,
    /// The key.
    pub key: Option<Arc<[u8]>>,
    /// The value; `None` is a tombstone.
    pub value: Option<Arc<[u8]>>,
    /// Headers, in their order.
    pub headers: Vec<(Arc<str>, Arc<[u8]>)>,
    /// 0, 1 or -1 (all).
    pub acks: i16,
}

/// From where to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadFrom {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The first offset wanted.
    pub from: Position,
    /// How many records at most.
    pub max_records: u32,
    /// Whether to show what lies above the high watermark too (only where logs can be seen).
    pub uncommitted: bool,
}

/// A place in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    /// The first record kept.
    Earliest,
    /// This offset.
    Offset(i64),
    /// The first record whose timestamp is not before this, in milliseconds since 1970.
    Time(i64),
    /// The newest `n` records.
    Tail(u32),
}

/// What came of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Done, with a line for a person.
    Done(Arc<str>),
    /// A record was written (or, with acks=0, sent).
    Produced {
        /// Where.
        partition: i32,
        /// At which offset; `None` with acks=0.
        offset: Option<i64>,
    },
    /// Records that were read, oldest first.
    Records(Vec<Record>),
    /// What a reset of offsets would change.
    Offsets(Vec<OffsetChange>),
    /// It was refused or failed.
    Failed(Failure),
}

/// Why something failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Kafka's error name, such as `NOT_ENOUGH_REPLICAS`, where a broker said it.
    pub error: Option<Arc<str>>,
    /// Kafka's error code.
    pub code: Option<i16>,
    /// What is wrong and what to do, in one line.
    pub message: Arc<str>,
}

/// A header's value; none is null.
pub type HeaderValue = Option<Arc<[u8]>>;

/// What a record of Kafka's own says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decoded {
    /// What kind of record it is, with the number of that kind: `offset commit (1)`.
    pub kind: Arc<str>,
    /// What it says, in one line.
    pub line: Arc<str>,
    /// All that it says: names and values, in their order.
    pub parts: Vec<(Arc<str>, Arc<str>)>,
}

/// A record as a message view shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its offset.
    pub offset: i64,
    /// Its timestamp, in milliseconds since 1970.
    pub timestamp_ms: i64,
    /// Whether the broker set the timestamp (`LogAppendTime`).
    pub log_append_time: bool,
    /// The key.
    pub key: Option<Arc<[u8]>>,
    /// The value; `None` is a tombstone.
    pub value: Option<Arc<[u8]>>,
    /// What key and value say where they are Kafka's own: a record of `__consumer_offsets`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decoded: Option<Arc<Decoded>>,
    /// Headers.
    pub headers: Vec<(Arc<str>, HeaderValue)>,
    /// First and last offset of its batch.
    pub batch: (i64, i64),
    /// Its batch's size in bytes.
    pub batch_bytes: u32,
    /// Its batch's compression: `none`, `gzip`, `snappy`, `lz4`, `zstd`.
    pub compression: Arc<str>,
    /// The epoch of the leader that took it.
    pub leader_epoch: i32,
    /// Producer id, epoch and sequence number, where it has them.
    pub producer: Option<(i64, i16, i32)>,
    /// Whether consumers may read it: below the high watermark.
    pub readable: bool,
}
