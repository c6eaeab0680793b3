//! What a broker's disk holds: all that a killed process leaves behind.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use crate::engine::log::Log;
use crate::engine::replica::TopicPartition;

/// A partition's folder.
#[derive(Clone, Debug)]
pub struct StoredLog {
    /// The topic's id (`partition.metadata`).
    pub topic_id: Uuid,
    /// The log: what was written, whether or not it was flushed (the page cache outlives a process).
    pub log: Arc<Log>,
    /// The high watermark of the last checkpoint (`replication-offset-checkpoint`), or of the clean shutdown.
    pub high_watermark: i64,
}

/// A broker's log directory.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    /// Its logs.
    pub logs: BTreeMap<TopicPartition, StoredLog>,
    /// `meta.properties`: the cluster that it belongs to.
    pub cluster_id: Option<Arc<str>>,
    /// What it failed of, where it did: what the core knows of it need not be what is on it.
    pub failed: Option<Arc<str>>,
    /// What was done with it when it was taken up from files; the broker that starts on it says so.
    pub recovery: Option<Recovery>,
}

/// What the recovery of a log directory came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Whether it was left in order: then no log was scanned.
    pub clean: bool,
    /// How many logs there are.
    pub logs: usize,
    /// What records were cut off: of which log, where it ends now, how many bytes, and why.
    pub cuts: Vec<(TopicPartition, i64, u64, String)>,
    /// How many files were mended without a loss.
    pub repairs: usize,
}
