//! What may be done to consumers and their groups.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::session::snapshot::{GroupKind, TopicPartition};

/// A built-in consumer to start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewConsumer {
    /// `group.id`.
    pub group: Arc<str>,
    /// The topics that it subscribes to.
    pub topics: Vec<Arc<str>>,
    /// `group.protocol`.
    #[serde(default)]
    pub protocol: GroupKind,
    /// `partition.assignment.strategy`, by name, the one that it likes best first; empty for Kafka's default.
    #[serde(default)]
    pub assignors: Vec<Arc<str>>,
    /// `group.remote.assignor`: the one that it wants of its coordinator, where that assigns (`protocol` is `consumer`).
    #[serde(default)]
    pub remote_assignor: Option<Arc<str>>,
    /// When it commits.
    #[serde(default)]
    pub commit: CommitMode,
    /// How long it works on one record, in microseconds.
    #[serde(default)]
    pub work_us: u32,
    /// `group.instance.id`, for a static member.
    #[serde(default)]
    pub instance_id: Option<Arc<str>>,
    /// Whether it begins with the oldest records where nothing is committed: `auto.offset.reset`.
    #[serde(default)]
    pub from_earliest: bool,
}

/// When a consumer commits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommitMode {
    /// `enable.auto.commit`.
    #[default]
    Auto,
    /// After the records of a poll are processed: at least once.
    After,
    /// Before they are processed: at most once.
    Before,
    /// Never.
    Never,
}

/// A change of where a group goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OffsetsReset {
    /// The group.
    pub group: Arc<str>,
    /// Of which topic; of all that it has offsets of, or reads, where none is named.
    pub topic: Option<Arc<str>>,
    /// To where.
    pub to: ResetTo,
    /// Whether it is done, or only told what would be.
    pub execute: bool,
}

/// Where a group is to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResetTo {
    /// At the first record that is kept.
    Earliest,
    /// At the end.
    Latest,
    /// At this offset, or at the end of the log that is nearer.
    Offset(i64),
    /// At the first record whose timestamp is not before this, in milliseconds since 1970; at the end where none is.
    Time(i64),
    /// So many records further on, or back where it is negative; not beyond the ends of the log.
    Shift(i64),
}

/// What a reset changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OffsetChange {
    /// Of which partition.
    pub at: TopicPartition,
    /// What is committed.
    pub before: Option<i64>,
    /// What is to be.
    pub after: i64,
    /// Why that is an end of the log and not what was asked for, where it is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<Cut>,
}

/// Why an offset is an end of the log and not what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// What was asked for lies before the first record that is kept: it is that record.
    Start,
    /// What was asked for lies behind the last record: it is the end.
    End,
    /// No record is as late as was asked for: it is the end.
    NoneSoLate,
}
