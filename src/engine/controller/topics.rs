//! Topics that come, grow, and vanish. Kafka's `processTopicChange` and `processPartitionModifications`.
//!
//! A topic is created by whoever writes its assignment to ZooKeeper: `CreateTopics`, or any other program. The watch tells
//! the controller, which elects the first leaders.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::context::Partition;
use super::failover::children;
use super::queue::{Results, Resume, Step};
use super::write::{StateUpdate, Why};
use super::{Controller, Io, znodes};
use crate::engine::context::Cause;
use crate::engine::event::{ControllerEvent, ElectionReason, EventKind};
use crate::engine::replica::TopicPartition;
use crate::engine::zk::op::{Op, OpResult};

impl Controller {
    /// The names of all topics are read: now the assignments of those that are new.
    pub(super) fn topic_names(&mut self, results: &Results, io: &mut Io<'_, '_>) {
        let Some(names) = results.first().map(children) else { return };
        let there: BTreeSet<&Arc<str>> = names.iter().collect();
        let gone: Vec<Arc<str>> =
            self.cluster.topics().map(|(name, _)| Arc::clone(name)).filter(|name| !there.contains(name)).collect();
        for name in gone {
            self.cluster.remove_topic(&name);
        }
        let new: Vec<Arc<str>> = names.into_iter().filter(|name| self.cluster.topic(name).is_none()).collect();
        if !new.is_empty() {
            let ops = new.iter().map(|name| Op::get_and_watch(znodes::topic_path(name))).collect();
            self.ask(ops, Resume::TopicsRead(new), io);
        }
    }

    /// Assignments are read: partitions that were not known get their first leaders.
    pub(super) fn topics_read(&mut self, names: &[Arc<str>], results: &Results, io: &mut Io<'_, '_>) {
        let (mut new, mut first) = (Vec::new(), None);
        for (name, result) in names.iter().zip(results) {
            let Ok(OpResult::Data { data, stat }) = result else { continue };
            let Some(node) = znodes::read_topic(data).filter(|_| !self.deletion.is_queued(name)) else { continue };
            let is_new = self.cluster.topic(name).is_none();
            let topic = self.cluster.topic_mut(name, node.id);
            topic.version = stat.version;
            let mut added = Vec::new();
            for (partition, assignment) in node.partitions {
                topic.partitions.entry(partition).or_insert_with(|| {
                    added.push(partition);
                    Partition::new(assignment)
                });
            }
            if let Some(event) = self.creation(name, is_new, &added) {
                let id = io.ctx.note(EventKind::Controller(event));
                first = first.or(Some(id));
            }
            new.extend(added.into_iter().map(|partition| TopicPartition::new(Arc::clone(name), partition)));
        }
        if let Some(id) = first {
            io.ctx.cause = Cause::event(id);
        }
        self.lead_first(new);
    }

    fn creation(&self, name: &Arc<str>, is_new: bool, added: &[i32]) -> Option<ControllerEvent> {
        let topic = self.cluster.topic(name)?;
        if is_new {
            let replicas = topic.partitions.values().next().map_or(0, |p| p.assignment.replicas.len());
            let partitions = topic.partitions.len();
            return Some(ControllerEvent::TopicCreated {
                topic: Arc::clone(name),
                partitions,
                replication_factor: replicas,
            });
        }
        let partitions = added.to_vec();
        (!added.is_empty()).then(|| ControllerEvent::PartitionsAdded { topic: Arc::clone(name), partitions })
    }

    /// Elects the first leaders of partitions. Those of which no replica lives wait for a broker.
    fn lead_first(&mut self, partitions: Vec<TopicPartition>) {
        let updates = partitions
            .into_iter()
            .filter_map(|id| {
                let next = self.first_leadership(self.cluster.partition(&id)?)?;
                Some(StateUpdate { partition: id, next, why: Why::Elected(ElectionReason::New) })
            })
            .collect();
        self.first([Step::Write(updates)]);
    }
}
