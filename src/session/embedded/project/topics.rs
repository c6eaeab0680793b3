//! Topics and partitions: what ZooKeeper has of them, and their replicas' logs.
//!
//! A large cluster has tens of thousands of replicas, and most of them rest. A partition is built again only where a
//! step touched it, its znode changed, its rate still moves, or a broker's process came or went; else the snapshots share it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::look;
use super::rates::Meter;
use crate::engine::cluster::{BrokerNode, Cluster};
use crate::engine::controller::znodes::{self, Assignment, StateNode, TopicNode};
use crate::engine::log::Log;
use crate::engine::node::BrokerId;
use crate::engine::node::ZkId;
use crate::engine::replica::TopicPartition;
use crate::engine::time::Time;
use crate::engine::zk::op::Zxid;
use crate::engine::zk::tree::{Tree, Znode};
use crate::session::snapshot::{Copy, Partition, Segment, Setting, Topic};

/// Topics by name.
pub(super) type Shared = Arc<BTreeMap<Arc<str>, Topic>>;

/// How many epochs of a partition are shown.
const EPOCHS: usize = 8;

/// How many segments of a partition are shown.
const SEGMENTS: usize = 48;

/// Kafka's own topics.
const INTERNAL: [&str; 2] = ["__consumer_offsets", "__transaction_state"];

/// What is remembered of a partition.
#[derive(Clone, Default)]
struct Remembered {
    /// The version of the state's znode that `state` was read from.
    read: Option<i64>,
    state: StateNode,
    leader_changed_us: u64,
    isr_changed_us: u64,
    meter: Meter,
    /// As it was built last.
    built: Option<Arc<Partition>>,
}

/// What is remembered of a topic.
#[derive(Clone, Default)]
struct RememberedTopic {
    read: Option<i64>,
    node: TopicNode,
    partitions: BTreeMap<i32, Remembered>,
}

/// Projects topics.
#[derive(Clone, Default)]
pub(super) struct Topics {
    known: BTreeMap<Arc<str>, RememberedTopic>,
    /// Whose tree was read, and up to where.
    read: Option<(ZkId, Zxid)>,
    /// The brokers that ran, and since when.
    ran: Vec<(BrokerId, Time)>,
    /// When, in lab time.
    looked_us: u64,
}

/// Replicas that steps touched since the look before: the partitions by topic.
pub(super) type Touched = BTreeMap<Arc<str>, BTreeSet<i32>>;

impl Topics {
    pub(super) fn project(&mut self, cluster: &Cluster, touched: &Touched, lab_us: u64) -> Shared {
        let Some(tree) = look::tree(cluster) else { return Shared::default() };
        let Some(topics) = tree.get(znodes::TOPICS) else { return Shared::default() };
        self.known.retain(|name, _| tree.get(&znodes::topic_path(name)).is_some());
        let read = cluster.ensemble().map(|server| (server.id(), server.zxid()));
        let running = cluster.brokers().filter(|(_, node)| node.running().is_some());
        let runs: Vec<(BrokerId, Time)> = running.map(|(id, node)| (id, node.since)).collect();
        let look = Look {
            cluster,
            tree,
            lab_us,
            before_us: self.looked_us,
            touched,
            tree_changed: self.read != read,
            processes_changed: self.ran != runs,
        };
        (self.read, self.ran, self.looked_us) = (read, runs, lab_us);
        let project = |(name, node): (&Arc<str>, &Znode)| {
            let known = self.known.entry(Arc::clone(name)).or_default();
            (Arc::clone(name), look.topic(name, node, known))
        };
        Arc::new(topics.children().map(project).collect())
    }
}

#[cfg(test)]
impl Topics {
    /// The topics with every partition built again, shared with nobody: what a look must come to.
    pub(super) fn anew(&self, cluster: &Cluster, lab_us: u64) -> Shared {
        let mut all = self.clone();
        for known in all.known.values_mut().flat_map(|topic| topic.partitions.values_mut()) {
            known.built = None;
        }
        all.project(cluster, &Touched::default(), lab_us)
    }
}

/// One look at the cluster.
struct Look<'a> {
    cluster: &'a Cluster,
    tree: &'a Tree,
    lab_us: u64,
    /// When the look before was.
    before_us: u64,
    touched: &'a Touched,
    tree_changed: bool,
    processes_changed: bool,
}

impl Look<'_> {
    fn topic(&self, name: &Arc<str>, znode: &Znode, known: &mut RememberedTopic) -> Topic {
        let version = znode.stat().mzxid.0;
        let assigned = known.read != Some(version);
        if assigned {
            known.node = znodes::read_topic(znode.data()).unwrap_or_default();
            known.read = Some(version);
            known.partitions.retain(|id, _| known.node.partitions.contains_key(id));
        }
        let settings = self.settings(name);
        let own = |name: &str| settings.iter().find(|setting| &*setting.name == name)?.value.parse::<i64>().ok();
        let usual = look::settings(self.cluster);
        let min_insync = own("min.insync.replicas").unwrap_or_else(|| usual.min_insync_replicas.into());
        let (retention_ms, retention_bytes) = (own("retention.ms"), own("retention.bytes"));
        let touched = self.touched.get(name);
        let partitions: Vec<Arc<Partition>> = known
            .node
            .partitions
            .iter()
            .map(|(id, assignment)| {
                let known = known.partitions.entry(*id).or_default();
                let touched = assigned || touched.is_some_and(|touched| touched.contains(id));
                self.shared(name, *id, assignment, touched, known)
            })
            .collect();
        Topic {
            name: Arc::clone(name),
            id: (!known.node.id.is_nil()).then_some(known.node.id),
            internal: INTERNAL.contains(&name.as_ref()),
            deleting: self.tree.get(&znodes::delete_topic_path(name)).is_some(),
            replication_factor: partitions
                .first()
                .map_or(0, |p| u32::try_from(p.replicas.len() - p.adding.len().min(p.replicas.len())).unwrap_or(0)),
            min_insync_replicas: u32::try_from(min_insync).unwrap_or(1),
            retention_ms: retention_ms.unwrap_or(usual.log_retention_ms),
            retention_bytes: retention_bytes.unwrap_or(usual.log_retention_bytes),
            settings,
            partitions,
        }
    }

    fn settings(&self, topic: &str) -> Vec<Setting> {
        let Some(node) = self.tree.get(&znodes::topic_config_path(topic)) else { return Vec::new() };
        let settings = znodes::read_config(node.data()).into_iter();
        settings
            .map(|(name, value)| Setting { name: name.into(), value: value.into(), source: "topic".into() })
            .collect()
    }

    /// The partition as it was built before, where nothing about it can have changed since.
    fn shared(
        &self,
        topic: &Arc<str>,
        id: i32,
        assignment: &Assignment,
        touched: bool,
        known: &mut Remembered,
    ) -> Arc<Partition> {
        let at = TopicPartition::new(Arc::clone(topic), id);
        let rewritten = self.tree_changed && self.read_state(&at, known);
        let moves = touched || rewritten || self.processes_changed || !known.meter.is_at_rest();
        if let Some(built) = known.built.as_ref().filter(|_| !moves) {
            return Arc::clone(built);
        }
        known.meter.rested_until(self.before_us);
        let built = Arc::new(self.partition(&at, assignment, known));
        known.built = Some(Arc::clone(&built));
        built
    }

    fn partition(&self, at: &TopicPartition, assignment: &Assignment, known: &mut Remembered) -> Partition {
        let leads = |broker: &BrokerId| look::replica(self.cluster, *broker, at).is_some_and(|r| r.leader().is_some());
        let leader = known.state.leader.filter(leads);
        let best = look::best_log_among(self.cluster, at, &assignment.replicas);
        let log_end = best.map_or(0, |(log, _)| log.log_end_offset());
        known.meter.set(self.lab_us, u64::try_from(log_end).unwrap_or(0));
        let leader_log = leader.and_then(|id| look::log(self.cluster, id, at)).map(|(log, _)| log);
        let runs = |id: &BrokerId| self.cluster.broker(*id).and_then(BrokerNode::running).is_some();
        let (older_segments, segments) = best.map(|(log, _)| segments(log)).unwrap_or_default();
        Partition {
            id: at.partition,
            leader: leader.map(|id| id.0),
            recorded_leader: known.state.leader.map(|id| id.0),
            leader_epoch: known.state.leader_epoch,
            replicas: numbers(&assignment.replicas),
            isr: numbers(&known.state.isr),
            adding: numbers(&assignment.adding),
            removing: numbers(&assignment.removing),
            log_start: best.map_or(0, |(log, _)| log.log_start_offset()),
            high_watermark: best.map_or(0, |(_, high_watermark)| high_watermark),
            log_end,
            // Without transactions everything below the high watermark is stable.
            last_stable: best.map(|(_, high_watermark)| high_watermark),
            size_bytes: best.map_or(0, |(log, _)| log.size_bytes()),
            segments,
            older_segments,
            in_per_sec: known.meter.per_sec(),
            copies: assignment
                .replicas
                .iter()
                .filter_map(|id| Some((id.0, self.copy(*id, at, leader_log, runs(id))?)))
                .collect(),
            epochs: best.map(|(log, _)| epochs(log)).unwrap_or_default(),
            leader_changed_us: known.leader_changed_us,
            isr_changed_us: known.isr_changed_us,
            held: leader.is_some() && known.state.isr.iter().any(|id| !runs(id)),
        }
    }

    /// Reads the state again where its znode changed, and notes what changed when. Returns whether it did.
    fn read_state(&self, at: &TopicPartition, known: &mut Remembered) -> bool {
        let Some(znode) = self.tree.get(&znodes::state_path(&at.topic, at.partition)) else { return false };
        let stat = znode.stat();
        if known.read == Some(stat.mzxid.0) {
            return false;
        }
        let Some(state) = znodes::read_state(znode.data()) else { return false };
        let first = known.read.replace(stat.mzxid.0).is_none();
        let epoch_ms = self.cluster.now().epoch_ms;
        let when_us = u64::try_from(stat.mtime_ms - epoch_ms).unwrap_or(0) * 1_000;
        if !first && state.leader != known.state.leader {
            known.leader_changed_us = when_us;
        }
        if !first && state.isr != known.state.isr {
            known.isr_changed_us = when_us;
        }
        known.state = state;
        true
    }

    fn copy(&self, id: BrokerId, at: &TopicPartition, leader: Option<&Log>, alive: bool) -> Option<Copy> {
        let (log, high_watermark) = look::log(self.cluster, id, at)?;
        let follower = look::replica(self.cluster, id, at).and_then(|replica| replica.follower().copied());
        Some(Copy {
            log_start: log.log_start_offset(),
            log_end: log.log_end_offset(),
            high_watermark,
            agrees_to: leader.map_or(log.log_end_offset(), |leader| agrees_to(log, leader)),
            behind_at_most: follower.map_or(0, |follower| follower.behind_at_most),
            alive,
        })
    }
}

/// Up to which offset a copy agrees with its leader's log, by their epochs: what truncation will find (KIP-101, KIP-279).
fn agrees_to(copy: &Log, leader: &Log) -> i64 {
    let mut end = copy.log_end_offset();
    let mut epoch = copy.latest_epoch();
    while let Some(asked) = epoch {
        let (known, known_end) = leader.end_offset_for(asked);
        if known_end < 0 {
            return end.min(copy.log_start_offset());
        }
        let (own, own_end) = copy.end_offset_for(known);
        if known == asked || own == known {
            return end.min(known_end).min(own_end.max(copy.log_start_offset()));
        }
        if own_end < 0 {
            return end.min(known_end);
        }
        // The leader's epoch is one that the copy never saw: what the copy has of earlier ones is to be looked at.
        end = end.min(own_end);
        epoch = (own < asked).then_some(own);
    }
    end
}

fn numbers(ids: &[BrokerId]) -> Vec<i32> {
    ids.iter().map(|id| id.0).collect()
}

/// The newest segments, and how many are older.
fn segments(log: &Log) -> (u32, Vec<Segment>) {
    let older = log.segments().count().saturating_sub(SEGMENTS);
    let infos: Vec<_> = log.segments().skip(older).collect();
    let ends = infos.iter().skip(1).map(|next| next.base_offset).chain([log.log_end_offset()]);
    let segment = |(info, end_offset): (&crate::engine::log::SegmentInfo, i64)| Segment {
        base_offset: info.base_offset,
        end_offset,
        size_bytes: info.size_bytes,
        max_timestamp_ms: info.max_timestamp_ms,
    };
    (u32::try_from(older).unwrap_or(u32::MAX), infos.iter().zip(ends).map(segment).collect())
}

fn epochs(log: &Log) -> Vec<(i32, i64)> {
    let all: Vec<(i32, i64)> = log.epochs().iter().collect();
    all.iter().skip(all.len().saturating_sub(EPOCHS)).copied().collect()
}
