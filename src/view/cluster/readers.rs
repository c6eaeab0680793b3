//! Who reads, as the Cluster screen shows it: a group is one reader, however many members it has; consumers without a group
//! stand beside.

use std::sync::Arc;

use crate::model::cluster::Row;
use crate::session::snapshot::{Snapshot, TopicPartition};

/// A group, or a consumer of its own.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    /// Its row.
    pub(super) row: Row,
    /// Its name.
    pub(super) name: Arc<str>,
    /// How many members it has, where it is a group.
    pub(super) members: Option<u32>,
    /// Whether nobody of it reads because all were stopped.
    pub(super) paused: bool,
    /// Records read per second, as far as that is seen.
    pub(super) per_sec: u64,
    /// How far it is behind what can be read.
    pub(super) behind: u64,
    /// How that moves, per second.
    pub(super) trend_per_sec: i64,
    /// What it reads, with how far it is behind there.
    pub(super) assigned: Vec<(TopicPartition, u64)>,
}

impl Reader {
    /// Whether it reads now.
    pub(super) fn reads(&self) -> bool {
        !self.paused && self.per_sec > 0
    }
}

/// How many there are.
pub(super) fn count(snapshot: &Snapshot) -> usize {
    alone(snapshot).count() + snapshot.groups.len()
}

/// All of them: groups first, by name.
pub(super) fn all(snapshot: &Snapshot) -> Vec<Reader> {
    let groups = snapshot.groups.values().map(|group| {
        let built_in = || group.members.iter().map(|member| member.built_in.as_ref());
        Reader {
            row: Row::Group(Arc::clone(&group.id)),
            name: Arc::clone(&group.id),
            members: Some(group.member_count),
            paused: group.member_count > 0 && built_in().all(|member| member.is_some_and(|member| member.paused)),
            per_sec: group.read_per_sec,
            behind: group.partitions.iter().map(|partition| partition.behind).sum(),
            trend_per_sec: group.lag_trend_per_sec,
            assigned: group.partitions.iter().map(|partition| (partition.at.clone(), partition.behind)).collect(),
        }
    });
    let alone = alone(snapshot).map(|consumer| Reader {
        row: Row::Consumer(consumer.id),
        name: Arc::clone(&consumer.name),
        members: None,
        paused: consumer.paused,
        per_sec: consumer.read_per_sec,
        behind: consumer.lag,
        trend_per_sec: consumer.lag_trend_per_sec,
        assigned: consumer.assigned.iter().map(|assigned| (assigned.partition.clone(), assigned.lag)).collect(),
    });
    groups.chain(alone).collect()
}

/// Consumers that are in no group.
fn alone(snapshot: &Snapshot) -> impl Iterator<Item = &crate::session::snapshot::Consumer> {
    snapshot.consumers.values().filter(|consumer| consumer.group.is_none() && !consumer.gone)
}
