//! What must always hold: checked after every step of a simulation. It looks at the cluster from outside, as nobody in
//! it can, and remembers what it saw before.
//!
//! After a step only the replicas that the step touched are looked at ([`Cluster::take_touched`]); [`Invariants::sweep`]
//! looks at all.
//!
//! Replicas have the same bytes below a high watermark; where a topic is compacted, the same records as far as they are
//! not overtaken (`compacted`).

mod compacted;
mod groups;

use std::collections::BTreeMap;
use std::sync::Arc;

use thiserror::Error;

use super::broker::Disk;
use super::cluster::{BrokerNode, Cluster, Process};
use super::context::Id;
use super::controller::znodes;
use super::event::{BrokerEvent, ControllerEvent, ElectionReason, EventKind};
use super::log::{Log, StoredBatch};
use super::node::BrokerId;
use super::replica::{Replica, TopicPartition};
use super::time::Time;

/// Something that must never be, and is.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Violation {
    /// Two brokers lead a partition in one epoch.
    #[error("{partition}: {first} and {second} both lead in epoch {epoch}")]
    TwoLeaders {
        /// Where.
        partition: TopicPartition,
        /// The epoch.
        epoch: i32,
        /// One.
        first: BrokerId,
        /// The other.
        second: BrokerId,
    },
    /// A leader's high watermark went back.
    #[error("{partition}: the high watermark of {leader} went from {before} to {after} in epoch {epoch}")]
    WatermarkWentBack {
        /// Where.
        partition: TopicPartition,
        /// The leader.
        leader: BrokerId,
        /// The epoch.
        epoch: i32,
        /// Before.
        before: i64,
        /// After.
        after: i64,
    },
    /// A high watermark lies outside its log.
    #[error("{partition} on {broker}: high watermark {high_watermark}, log {log_start}..{log_end}")]
    WatermarkOutside {
        /// Where.
        partition: TopicPartition,
        /// On whom.
        broker: BrokerId,
        /// The high watermark.
        high_watermark: i64,
        /// The log's start.
        log_start: i64,
        /// The log's end.
        log_end: i64,
    },
    /// What readers could see is not there any more, or not the same.
    #[error("{partition}: what stood at offset {offset} below a high watermark does not stand on {broker}")]
    CommittedLost {
        /// Where.
        partition: TopicPartition,
        /// The offset of the batch.
        offset: i64,
        /// On whom it is missing.
        broker: BrokerId,
    },
    /// Two members of a group own a partition in one generation.
    #[error("{group}: {first} and {second} both own {partition} in generation {generation}")]
    TwoOwners {
        /// The group.
        group: Arc<str>,
        /// The generation.
        generation: i32,
        /// The partition.
        partition: TopicPartition,
        /// One.
        first: Arc<str>,
        /// The other.
        second: Arc<str>,
    },
    /// A committed offset went back, and nobody had asked for it.
    #[error("{group}: the committed offset of {partition} went from {before} to {after}")]
    CommitWentBack {
        /// The group.
        group: Arc<str>,
        /// The partition.
        partition: TopicPartition,
        /// Before.
        before: i64,
        /// After.
        after: i64,
    },
    /// A group that commits after processing has passed over a record.
    #[error("{group}: {committed} is committed of {partition}, and nobody has processed {offset}")]
    NeverProcessed {
        /// The group.
        group: Arc<str>,
        /// The partition.
        partition: TopicPartition,
        /// The first such offset.
        offset: u64,
        /// What is committed.
        committed: i64,
    },
    /// A group that commits before processing has processed records twice.
    #[error("{group}: {records} records were processed twice, though they are committed before")]
    ProcessedTwice {
        /// The group.
        group: Arc<str>,
        /// How many.
        records: u64,
    },
    /// Two controllers act in one epoch.
    #[error("{first} and {second} are both controller in epoch {epoch}")]
    TwoControllers {
        /// The epoch.
        epoch: i32,
        /// One.
        first: BrokerId,
        /// The other.
        second: BrokerId,
    },
}

/// A batch that stood below a leader's high watermark: its place and its content.
#[derive(Clone, Debug)]
struct Committed {
    last_offset: i64,
    batch: StoredBatch,
}

/// What was seen of one partition.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// Who led in which epoch.
    leaders: BTreeMap<i32, BrokerId>,
    /// The high watermark of each leader, by its epoch and the start of its process: a leader that was killed and leads
    /// again in the same epoch goes on from its checkpoint, as in Kafka.
    watermarks: BTreeMap<(i32, Time), i64>,
    /// Everything that was ever readable, by first offset; since the last unclean election, if there was one.
    committed: BTreeMap<i64, Committed>,
    /// The epoch of the last unclean election: what an older leader shows does not count any more.
    unclean: i32,
    topic_id: uuid::Uuid,
}

impl Seen {
    fn committed_end(&self) -> i64 {
        self.committed.last_key_value().map_or(0, |(_, last)| last.last_offset + 1)
    }
}

/// The checks, with what they remember.
#[derive(Clone, Debug, Default)]
pub struct Invariants {
    seen: BTreeMap<TopicPartition, Seen>,
    controllers: BTreeMap<i32, BrokerId>,
    groups: groups::Groups,
    /// The last event that was looked at.
    event: Id,
}

impl Invariants {
    /// Checks what the last steps touched.
    pub fn check(&mut self, cluster: &mut Cluster) -> Result<(), Violation> {
        self.check_controllers(cluster)?;
        self.forgive(cluster);
        let touched = cluster.take_touched();
        self.groups.check(cluster, &touched)?;
        for (broker, partition) in &touched {
            let Some(node) = cluster.broker(*broker) else { continue };
            if let Some(replica) = node.running().and_then(|b| b.replicas.get(partition)) {
                self.check_replica(*broker, node.since, replica)?;
            }
        }
        Ok(())
    }

    /// Checks everything, and that what was readable stands on every member of the in-sync sets.
    pub fn sweep(&mut self, cluster: &Cluster) -> Result<(), Violation> {
        self.groups.sweep(cluster)?;
        self.forgive(cluster);
        for (id, node) in cluster.brokers() {
            for replica in node.running().into_iter().flat_map(|broker| broker.replicas.values()) {
                self.check_replica(id, node.since, replica)?;
            }
        }
        for (partition, seen) in &self.seen {
            for member in in_sync(cluster, partition) {
                let log = cluster.broker(member).and_then(|node| log_of(node, partition, seen.topic_id));
                if let Some(log) = log {
                    check_committed(partition, seen, member, log, cluster.now().date_ms())?;
                }
            }
        }
        Ok(())
    }

    /// Whether a record at `offset` of a partition was ever readable.
    pub fn was_committed(&self, partition: &TopicPartition, offset: i64) -> bool {
        self.seen.get(partition).is_some_and(|seen| offset < seen.committed_end())
    }

    /// Two things may lose what was readable. An unclean election: that is what it is asked for; from its epoch on what
    /// can be read counts anew. And power losses, of what they left on nobody in sync: Kafka trusts in replicas.
    fn forgive(&mut self, cluster: &Cluster) {
        for event in cluster.events().after(self.event) {
            self.event = event.id;
            match (&event.kind, event.node) {
                (EventKind::Controller(ControllerEvent::LeadersElected { changes, reason, .. }), _) => {
                    for change in changes.iter().filter(|_| *reason == ElectionReason::Unclean) {
                        if let Some(seen) = self.seen.get_mut(&change.partition) {
                            seen.unclean = change.epoch;
                            seen.committed.clear();
                        }
                    }
                }
                (EventKind::Broker(BrokerEvent::LostPower { lost, .. }), _) => {
                    for partition in lost.iter().map(|lost| &lost.partition) {
                        let seen = self.seen.get_mut(partition);
                        if let (Some(seen), Some(end)) = (seen, end_in_sync(cluster, partition)) {
                            seen.committed.retain(|_, known| known.last_offset < end);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn check_controllers(&mut self, cluster: &Cluster) -> Result<(), Violation> {
        for (id, node) in cluster.brokers() {
            let Some(controller) = node.running().map(|broker| &broker.controller).filter(|c| c.is_active()) else {
                continue;
            };
            let epoch = controller.epoch();
            let first = *self.controllers.entry(epoch).or_insert(id);
            if first != id {
                return Err(Violation::TwoControllers { epoch, first, second: id });
            }
        }
        Ok(())
    }

    fn check_replica(&mut self, broker: BrokerId, since: Time, replica: &Replica) -> Result<(), Violation> {
        let (log_start, log_end) = (replica.log.log_start_offset(), replica.log.log_end_offset());
        let high_watermark = replica.high_watermark;
        if !(log_start..=log_end).contains(&high_watermark) {
            let partition = replica.id.clone();
            return Err(Violation::WatermarkOutside { partition, broker, high_watermark, log_start, log_end });
        }
        if replica.leader().is_none() {
            return Ok(());
        }
        let seen = self.seen.entry(replica.id.clone()).or_default();
        if seen.topic_id != replica.topic_id {
            // The topic was deleted and made again: nothing of the old one binds the new one.
            *seen = Seen { topic_id: replica.topic_id, ..Seen::default() };
        }
        check_leader(seen, broker, since, replica)?;
        if replica.state.leader_epoch < seen.unclean { Ok(()) } else { extend(seen, broker, replica) }
    }
}

fn check_leader(seen: &mut Seen, broker: BrokerId, since: Time, replica: &Replica) -> Result<(), Violation> {
    let epoch = replica.state.leader_epoch;
    let partition = || replica.id.clone();
    let first = *seen.leaders.entry(epoch).or_insert(broker);
    if first != broker {
        return Err(Violation::TwoLeaders { partition: partition(), epoch, first, second: broker });
    }
    let after = replica.high_watermark;
    let before = seen.watermarks.insert((epoch, since), after).unwrap_or(after);
    if after < before {
        return Err(Violation::WatermarkWentBack { partition: partition(), leader: broker, epoch, before, after });
    }
    Ok(())
}

/// What is newly readable is remembered; what was readable before must be the same here.
fn extend(seen: &mut Seen, broker: BrokerId, replica: &Replica) -> Result<(), Violation> {
    let end = seen.committed_end();
    let compact = replica.log.config().compact;
    let overlap = replica.log.log_start_offset().max(replica.high_watermark.min(end) - 1).max(0);
    for batch in replica.log.batches_from(overlap) {
        let (first, last_offset) = (batch.header.base_offset, batch.header.last_offset());
        if last_offset >= replica.high_watermark {
            break;
        }
        match seen.committed.get(&first) {
            Some(known) if known.batch == batch => {}
            Some(known) if compact && compacted::agree(&known.batch, &batch) => {}
            // Known are only the records that the leader of an unclean election had left.
            None if compact && first < end => {}
            Some(_) => {
                return Err(Violation::CommittedLost { partition: replica.id.clone(), offset: first, broker });
            }
            None if first < end => {
                return Err(Violation::CommittedLost { partition: replica.id.clone(), offset: first, broker });
            }
            None => {
                seen.committed.insert(first, Committed { last_offset, batch });
            }
        }
    }
    Ok(())
}

/// Everything that was readable stands in `log`, but for what lies before its start.
fn check_committed(
    partition: &TopicPartition,
    seen: &Seen,
    broker: BrokerId,
    log: &Log,
    date_ms: i64,
) -> Result<(), Violation> {
    let lost = |offset| Err(Violation::CommittedLost { partition: partition.clone(), offset, broker });
    if log.config().compact {
        let known = seen.committed.values().map(|known| &known.batch);
        return compacted::find_lost(known, log, seen.committed_end(), date_ms).map_or(Ok(()), lost);
    }
    // What has left memory is the disk's: whoever reads it back holds it against this.
    let from = log.log_start_offset().max(log.resident_from());
    let mut stored = log.batches_from(from);
    for (offset, known) in seen.committed.range(from..) {
        if stored.next().as_ref() != Some(&known.batch) {
            return lost(*offset);
        }
    }
    Ok(())
}

/// The in-sync replicas as ZooKeeper has them.
fn in_sync(cluster: &Cluster, partition: &TopicPartition) -> Vec<BrokerId> {
    state(cluster, partition).map(|state| state.isr).unwrap_or_default()
}

/// The end of the longest log among the in-sync members of a partition, if any has one.
fn end_in_sync(cluster: &Cluster, partition: &TopicPartition) -> Option<i64> {
    let log = |member| cluster.broker(member)?.log(partition).map(|(log, _)| log.log_end_offset());
    in_sync(cluster, partition).into_iter().filter_map(log).max()
}

/// A partition's state as ZooKeeper has it.
fn state(cluster: &Cluster, partition: &TopicPartition) -> Option<znodes::StateNode> {
    let path = znodes::state_path(&partition.topic, partition.partition);
    let znode = cluster.ensemble().and_then(|server| server.tree().get(&path));
    znode.and_then(|znode| znodes::read_state(znode.data()))
}

/// A broker's log of a partition, in its process or on its disk.
fn log_of<'a>(node: &'a BrokerNode, partition: &TopicPartition, topic_id: uuid::Uuid) -> Option<&'a Log> {
    match &node.process {
        Process::Running(broker) => {
            broker.replicas.get(partition).filter(|replica| replica.topic_id == topic_id).map(|replica| &replica.log)
        }
        Process::Dead(Disk { logs, .. }) => {
            logs.get(partition).filter(|stored| stored.topic_id == topic_id).map(|stored| Arc::as_ref(&stored.log))
        }
    }
}
