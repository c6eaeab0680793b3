//! `CreatePartitions`: writes a larger assignment; the watch on the topic tells the controller. Kafka's
//! `ZkAdminManager.createPartitions`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::queue::{Results, Resume as Wait};
use super::super::write::is_written;
use super::super::znodes::{self, Assignment};
use super::super::{Controller, Io, Topic};
use super::assign::assign;
use super::create_topics::Refusal;
use super::{Deadline, Resume, Until};
use crate::engine::broker::connection::Origin;
use crate::engine::context::Context;
use crate::engine::node::BrokerId;
use crate::engine::zk::op::{ANY_VERSION, Write};
use crate::protocol::create_partitions::{CreatePartitionsTopic, CreatePartitionsTopicResult};
use crate::protocol::{CreatePartitionsRequest, CreatePartitionsResponse, ErrorCode};

/// A request whose assignments are being written.
#[derive(Clone, Debug)]
pub(in super::super) struct Growing {
    origin: Origin,
    deadline: Deadline,
    response: CreatePartitionsResponse,
    /// In the order of the results: place in the response, topic, partitions in the end.
    written: Vec<(usize, Arc<str>, usize)>,
}

impl Controller {
    pub(super) fn create_partitions(
        &mut self,
        request: &CreatePartitionsRequest,
        origin: Origin,
        deadline: Deadline,
        io: &mut Io<'_, '_>,
    ) {
        let response = CreatePartitionsResponse::default();
        let mut growing = Growing { origin, deadline, response, written: Vec::new() };
        let mut seen = BTreeSet::new();
        let mut ops = Vec::new();
        for topic in &request.topics {
            if !seen.insert(&topic.name) {
                continue;
            }
            let twice = request.topics.iter().filter(|other| other.name == topic.name).count() > 1;
            let grown = if twice {
                Err((ErrorCode::INVALID_REQUEST, format!("Duplicate topic in request: {}", topic.name)))
            } else {
                self.grow(topic, io.ctx)
            };
            let outcome = grown.map(|node| {
                if !request.validate_only {
                    let place = growing.response.results.len();
                    growing.written.push((place, Arc::clone(&topic.name), node.partitions.len()));
                    let write = Write::set(znodes::topic_path(&topic.name), znodes::topic(&node), ANY_VERSION);
                    ops.push(self.guarded([write]));
                }
            });
            growing.response.results.push(result(&topic.name, outcome.err()));
        }
        if ops.is_empty() {
            return self.reply_when(growing.origin, growing.response.into(), BTreeMap::new(), deadline, io.ctx);
        }
        self.ask(ops, Wait::Admin(Resume::PartitionsWritten(growing)), io);
    }

    pub(super) fn partitions_written(&mut self, growing: Growing, results: &Results, io: &mut Io<'_, '_>) {
        let Growing { origin, deadline, mut response, written } = growing;
        let mut awaited = BTreeMap::new();
        for ((place, name, partitions), done) in written.into_iter().zip(results) {
            if is_written(done) {
                awaited.insert(name, Until::Led(partitions));
            } else if let Some(answer) = response.results.get_mut(place) {
                *answer = result(&name, Some((ErrorCode::UNKNOWN_SERVER_ERROR, "ZooKeeper did not take it".into())));
            }
        }
        self.reply_when(origin, response.into(), awaited, deadline, io.ctx);
    }

    /// The assignment with the new partitions.
    fn grow(&self, asked: &CreatePartitionsTopic, ctx: &mut Context<'_>) -> Result<znodes::TopicNode, Refusal> {
        let name = &asked.name;
        let unknown = || (ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, format!("The topic '{name}' does not exist."));
        let topic = self.cluster.topic(name).ok_or_else(unknown)?;
        if self.deletion.is_queued(name) {
            return Err((ErrorCode::INVALID_TOPIC_EXCEPTION, format!("The topic '{name}' is queued for deletion.")));
        }
        if topic.partitions.values().any(|partition| partition.assignment.is_moving()) {
            let message = format!("A partition reassignment is in progress for the topic '{name}'.");
            return Err((ErrorCode::REASSIGNMENT_IN_PROGRESS, message));
        }
        let old = i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX);
        if asked.count <= old {
            let message = if asked.count == old {
                format!("Topic already has {old} partitions.")
            } else {
                format!("Topic currently has {old} partitions, which is higher than the requested {}.", asked.count)
            };
            return Err((ErrorCode::INVALID_PARTITIONS, message));
        }
        let added = usize::try_from(asked.count.saturating_sub(old)).unwrap_or(0);
        let replicas = match &asked.assignments {
            Some(given) => {
                let lists: Vec<&[i32]> = given.iter().map(|assignment| assignment.broker_ids.as_slice()).collect();
                self.check_added(topic, added, &lists)?
            }
            None => self.spread_added(topic, added, ctx)?,
        };
        let mut node = topic.node();
        node.partitions.extend((old..).zip(replicas.into_iter().map(Assignment::of)));
        Ok(node)
    }

    fn spread_added(&self, topic: &Topic, added: usize, ctx: &mut Context<'_>) -> Result<Vec<Vec<BrokerId>>, Refusal> {
        let brokers: Vec<BrokerId> = self.cluster.live().into_iter().collect();
        let first = topic
            .partitions
            .values()
            .next()
            .map(|partition| partition.assignment.replicas.as_slice())
            .unwrap_or_default();
        if first.len() > brokers.len() || brokers.is_empty() {
            let message =
                format!("Replication factor: {} larger than available brokers: {}.", first.len(), brokers.len());
            return Err((ErrorCode::INVALID_REPLICATION_FACTOR, message));
        }
        let start = brokers.iter().position(|id| Some(id) >= first.first()).unwrap_or(0);
        Ok(assign(&brokers, added, first.len(), topic.partitions.len(), Some(start), ctx.rng))
    }

    fn check_added(&self, topic: &Topic, added: usize, given: &[&[i32]]) -> Result<Vec<Vec<BrokerId>>, Refusal> {
        let wrong = |message: String| Err((ErrorCode::INVALID_REPLICA_ASSIGNMENT, message));
        if given.len() != added {
            let count = given.len();
            return wrong(format!("Increasing the number of partitions by {added} but {count} assignments provided."));
        }
        let factor = topic.partitions.values().next().map_or(0, |partition| partition.assignment.replicas.len());
        for replicas in given {
            let distinct: BTreeSet<&i32> = replicas.iter().collect();
            if distinct.len() != replicas.len() {
                return wrong(format!("Duplicate brokers not allowed in replica assignment: {replicas:?}."));
            }
            if replicas.len() != factor {
                return wrong(format!(
                    "Inconsistent replication factor between partitions: {factor} and {}.",
                    replicas.len()
                ));
            }
            let unknown = |id: &&i32| !self.cluster.brokers.contains_key(&BrokerId(**id));
            if let Some(id) = replicas.iter().find(unknown) {
                return wrong(format!("Unknown broker(s) in replica assignment: {id}."));
            }
        }
        Ok(given.iter().map(|replicas| replicas.iter().copied().map(BrokerId).collect()).collect())
    }
}

fn result(name: &Arc<str>, refusal: Option<Refusal>) -> CreatePartitionsTopicResult {
    let (error_code, message) =
        refusal.map_or((ErrorCode::NONE, None), |(error, message)| (error, Some(message.into())));
    CreatePartitionsTopicResult { name: Arc::clone(name), error_code, error_message: message }
}
