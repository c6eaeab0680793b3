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
}
