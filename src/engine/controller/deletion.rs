//! Topics that are to go. Kafka's `TopicDeletionManager`.
//!
//! ```text
//!   Queued --no reassignment--> Begun: nobody may use it; replicas are told to go --all are gone--> Removed: its znodes
//!                                 ^                                        |
//!                                 `----- a dead broker comes back <--------'  waits while a replica's broker is dead
//! ```
//!
//! A topic is queued by its znode in `/admin/delete_topics`, so that a new controller goes on where the last one
//! stopped. Metadata names the leader -2 from then on, and brokers forget the topic.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::failover::children;
use super::queue::{Results, Resume as Wait, Step};
use super::write::is_written;
use super::{Controller, Io, MAX_PER_WRITE, Topic, znodes};
use crate::engine::event::{ControllerEvent, EventKind};
use crate::engine::node::BrokerId;
use crate::engine::replica::TopicPartition;
use crate::engine::zk::op::{ANY_VERSION, Op, Write};
use crate::protocol::{ErrorCode, StopReplicaResponse};

/// A replica: of which partition, on which broker.
type ReplicaId = (i32, BrokerId);

/// How far a topic's deletion is.
#[derive(Clone, Debug, Default)]
struct Progress {
    /// The brokers were told that the topic is no more.
    begun: bool,
    /// It was said that it waits.
    waits: bool,
    /// Replicas that were told to go and have not answered.
    asked: BTreeSet<ReplicaId>,
    /// Replicas that are gone.
    gone: BTreeSet<ReplicaId>,
}

/// The topics that are to go.
#[derive(Clone, Debug, Default)]
pub(super) struct Deletion {
    topics: BTreeMap<Arc<str>, Progress>,
}

impl Deletion {
    /// Whether a topic is to go, now or once its partitions are at rest.
    pub(super) fn is_queued(&self, topic: &str) -> bool {
        self.topics.contains_key(topic)
    }

    /// A topic is to go.
    pub(super) fn enqueue(&mut self, topic: &Arc<str>) {
        self.topics.entry(Arc::clone(topic)).or_default();
    }
}

/// What ZooKeeper was asked about deletions.
#[derive(Clone, Debug)]
pub(super) enum Resume {
    /// Which topics are to go.
    Names,
    /// Which partitions a topic has in ZooKeeper; all its replicas are gone.
    Partitions(Arc<str>),
    /// A topic's znodes were deleted.
    Removed(Arc<str>),
}

impl Controller {
    pub(super) fn read_deletions(&mut self, io: &mut Io<'_, '_>) {
        self.ask(vec![Op::children_and_watch(znodes::DELETE_TOPICS)], Wait::Deletion(Resume::Names), io);
    }

    pub(super) fn resume_deletion(&mut self, resume: Resume, results: &Results, io: &mut Io<'_, '_>) {
        match resume {
            Resume::Names => self.deletions_read(results, io),
            Resume::Partitions(topic) => self.remove_znodes(topic, results, io),
            Resume::Removed(topic) => self.topic_removed(&topic, results, io),
        }
    }

    fn deletions_read(&mut self, results: &Results, io: &mut Io<'_, '_>) {
        let names = results.first().map(children).unwrap_or_default();
        let enabled = self.settings.delete_topic_enable;
        let (wanted, void): (Vec<_>, Vec<_>) =
            names.into_iter().partition(|name| enabled && self.cluster.topic(name).is_some());
        for topic in &wanted {
            self.deletion.enqueue(topic);
        }
        self.first([Step::Delete]);
        if !void.is_empty() {
            let writes = void.iter().map(|topic| Write::delete(znodes::delete_topic_path(topic), ANY_VERSION));
            let ops = writes.map(|write| self.guarded([write])).collect();
            self.ask(ops, Wait::Nothing, io);
        }
    }

    /// Whether nobody leads a topic any more, for it is being deleted. While a partition of it is being moved the deletion
    /// waits, and its partitions are led as ever: the move would never end else.
    pub(super) fn is_going(&self, topic: &str) -> bool {
        self.deletion.is_queued(topic) && !self.cluster.topic(topic).is_some_and(is_moving)
    }

    /// Does for every topic that is to go what can be done now.
    pub(super) fn go_on_deleting(&mut self, io: &mut Io<'_, '_>) {
        for topic in self.deletion.topics.keys().cloned().collect::<Vec<_>>() {
            if self.cluster.topic(&topic).is_none() {
                self.deletion.topics.remove(&topic);
                continue;
            }
            if self.stop_replicas(&topic, io) {
                // The rest after this one: one thing at a time.
                self.first([Step::Delete]);
                let ops = vec![
                    Op::children(znodes::partitions_path(&topic)),
                    Op::exists(znodes::topic_config_path(&topic)),
                    Op::exists(znodes::delete_topic_path(&topic)),
                ];
                return self.ask(ops, Wait::Deletion(Resume::Partitions(topic)), io);
            }
        }
    }

    /// Tells the replicas of a topic to go. Returns whether all are gone.
    fn stop_replicas(&mut self, name: &Arc<str>, io: &mut Io<'_, '_>) -> bool {
        let (Some(topic), Some(progress)) = (self.cluster.topic(name), self.deletion.topics.get_mut(name)) else {
            return false;
        };
        if is_moving(topic) {
            return wait(name, progress, "for its reassignment", io);
        }
        if !progress.begun {
            progress.begun = true;
            io.ctx.emit(EventKind::Controller(ControllerEvent::TopicDeletionBegan { topic: Arc::clone(name) }));
            let partitions = topic.partitions.keys().map(|partition| TopicPartition::new(Arc::clone(name), *partition));
            self.batch.tell(&self.cluster.reachable(), partitions);
        }
        let (mut all_gone, mut dead) = (true, false);
        for (partition, state) in &topic.partitions {
            for broker in &state.assignment.replicas {
                let replica = (*partition, *broker);
                if progress.gone.contains(&replica) {
                    continue;
                }
                all_gone = false;
                if !self.cluster.brokers.contains_key(broker) {
                    dead = true;
                } else if progress.asked.insert(replica) {
                    self.batch.stop(*broker, &TopicPartition::new(Arc::clone(name), *partition), true);
                }
            }
        }
        if dead {
            wait(name, progress, "for a broker that is down", io);
        }
        self.flush(io.ctx);
        all_gone
    }

    /// A broker says which replicas it has deleted.
    pub(super) fn replicas_stopped(
        &mut self,
        broker: BrokerId,
        asked: &[TopicPartition],
        response: &StopReplicaResponse,
    ) {
        for id in asked {
            let Some(progress) = self.deletion.topics.get_mut(&id.topic) else { continue };
            let replica = (id.partition, broker);
            let failed = response.partition_errors.iter().any(|error| {
                error.topic_name == id.topic && error.partition_index == id.partition && error.error_code.is_error()
            });
            if response.error_code == ErrorCode::NONE && !failed {
                progress.asked.remove(&replica);
                progress.gone.insert(replica);
            }
        }
        self.first([Step::Delete]);
    }

    /// Brokers are gone: what they were asked they are asked again when they are back.
    pub(super) fn deletion_lost(&mut self, brokers: &BTreeSet<BrokerId>) {
        for progress in self.deletion.topics.values_mut() {
            progress.asked.retain(|(_, broker)| !brokers.contains(broker));
            progress.waits = false;
        }
    }

    /// Deletes the znodes of a topic whose replicas are gone.
    fn remove_znodes(&mut self, topic: Arc<str>, results: &Results, io: &mut Io<'_, '_>) {
        let [partitions, settings, wish] = results.as_slice() else { return };
        let numbers: Vec<i32> = children(partitions).iter().filter_map(|name| name.parse().ok()).collect();
        let delete = |path: String| Write::delete(path, ANY_VERSION);
        let of_partition = |partition: &i32| {
            [delete(znodes::state_path(&topic, *partition)), delete(znodes::partition_path(&topic, *partition))]
        };
        let mut ops: Vec<Op> =
            numbers.chunks(MAX_PER_WRITE).map(|chunk| self.guarded(chunk.iter().flat_map(of_partition))).collect();
        let mut last = Vec::new();
        if partitions.is_ok() {
            last.push(delete(znodes::partitions_path(&topic)));
        }
        last.push(delete(znodes::topic_path(&topic)));
        if settings.is_ok() {
            last.push(delete(znodes::topic_config_path(&topic)));
        }
        if wish.is_ok() {
            last.push(delete(znodes::delete_topic_path(&topic)));
        }
        ops.push(self.guarded(last));
        self.ask(ops, Wait::Deletion(Resume::Removed(topic)), io);
    }

    fn topic_removed(&mut self, topic: &Arc<str>, results: &Results, io: &mut Io<'_, '_>) {
        if !results.iter().all(is_written) {
            return self.start_over(io);
        }
        self.deletion.topics.remove(topic);
        self.cluster.remove_topic(topic);
        io.ctx.emit(EventKind::Controller(ControllerEvent::TopicDeleted { topic: Arc::clone(topic) }));
        self.note_metadata_sent();
        self.answer_waiters(io.ctx);
    }
}

/// Whether a partition of a topic is being moved.
fn is_moving(topic: &Topic) -> bool {
    topic.partitions.values().any(|partition| partition.assignment.is_moving())
}

/// Says once that a deletion waits.
fn wait(topic: &Arc<str>, progress: &mut Progress, because: &'static str, io: &mut Io<'_, '_>) -> bool {
    if !progress.waits {
        progress.waits = true;
        let waits = ControllerEvent::TopicDeletionWaits { topic: Arc::clone(topic), because };
        io.ctx.note(EventKind::Controller(waits));
    }
    false
}
