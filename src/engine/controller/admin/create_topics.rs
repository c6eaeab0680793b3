//! `CreateTopics`: checks, spreads replicas, writes the assignment. Kafka's `ZkAdminManager.createTopics`.
//!
//! The topic is there once its znode is; the watch on `/brokers/topics` tells the controller itself, as it would of a
//! topic that another program wrote.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use super::super::failover::children;
use super::super::queue::{Results, Resume as Wait};
use super::super::znodes::{self, Assignment, TopicNode};
use super::super::{Controller, Io};
use super::assign::assign;
use super::refusal::create_topic;
use super::{Deadline, Resume, Until};
use crate::engine::broker::connection::Origin;
use crate::engine::context::Context;
use crate::engine::node::BrokerId;
use crate::engine::topic_name;
use crate::engine::topic_settings::{self, TopicSettings};
use crate::engine::zk::op::{CreateMode, Op, OpResult, Write, ZkError};
use crate::protocol::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfigs, CreatableTopicResult,
};
use crate::protocol::describe_configs::config_source;
use crate::protocol::{CreateTopicsRequest, CreateTopicsResponse, ErrorCode};

/// The most partitions that a topic can be created with: Kafka has no bound, the lab's memory has.
const MAX_PARTITIONS: i32 = 100_000;

/// A request whose names are being looked up.
#[derive(Clone, Debug)]
pub(in super::super) struct Asked {
    request: CreateTopicsRequest,
    origin: Origin,
    deadline: Deadline,
}

/// A request whose topics are being written.
#[derive(Clone, Debug)]
pub(in super::super) struct Creating {
    origin: Origin,
    deadline: Deadline,
    response: CreateTopicsResponse,
    /// The topics that are written, in the order of the results: place in the response, name, partitions.
    written: Vec<(usize, Arc<str>, usize)>,
}

/// Why a topic is not created.
pub(super) type Refusal = (ErrorCode, String);

/// A topic that can be created.
struct Plan {
    name: Arc<str>,
    node: TopicNode,
    overrides: BTreeMap<String, String>,
    settings: TopicSettings,
}

impl Controller {
    /// Looks up which topics there are: the context may be behind by those that were created just now.
    pub(super) fn create_topics(
        &mut self,
        request: CreateTopicsRequest,
        origin: Origin,
        deadline: Deadline,
        io: &mut Io<'_, '_>,
    ) {
        let ops = vec![Op::children(znodes::TOPICS), Op::children(znodes::TOPIC_CONFIGS)];
        self.ask(ops, Wait::Admin(Resume::Names(Asked { request, origin, deadline })), io);
    }

    pub(super) fn names_read(&mut self, asked: Asked, results: &Results, io: &mut Io<'_, '_>) {
        let Asked { request, origin, deadline } = asked;
        let names = |index: usize| results.get(index).map(children).unwrap_or_default();
        let (there, with_settings) = (names(0), names(1));
        let mut creating =
            Creating { origin, deadline, response: CreateTopicsResponse::default(), written: Vec::new() };
        let mut taken: BTreeSet<&Arc<str>> = BTreeSet::new();
        let mut ops = Vec::new();
        for topic in &request.topics {
            if !taken.insert(&topic.name) {
                continue;
            }
            let twice = request.topics.iter().filter(|other| other.name == topic.name).count() > 1;
            let plan = if twice {
                Err((ErrorCode::INVALID_REQUEST, format!("Duplicate topic in request: {}", topic.name)))
            } else {
                self.plan(topic, &there, io.ctx)
            };
            match plan {
                Ok(plan) => {
                    if !request.validate_only {
                        let has_settings = with_settings.contains(&plan.name);
                        ops.push(self.guarded(writes(&plan, has_settings)));
                        let place = creating.response.topics.len();
                        creating.written.push((place, Arc::clone(&plan.name), plan.node.partitions.len()));
                    }
                    creating.response.topics.push(success(&plan, request.validate_only));
                }
                Err((error, message)) => {
                    creating.response.topics.push(create_topic(&topic.name, error, Some(message.into())));
                }
            }
        }
        if ops.is_empty() {
            return self.reply_when(creating.origin, creating.response.into(), BTreeMap::new(), deadline, io.ctx);
        }
        self.ask(ops, Wait::Admin(Resume::TopicsWritten(creating)), io);
    }

    /// The topics are written, but for those that somebody else wrote first.
    pub(super) fn topics_written(&mut self, creating: Creating, results: &Results, io: &mut Io<'_, '_>) {
        let Creating { origin, deadline, mut response, written } = creating;
        let mut awaited = BTreeMap::new();
        for ((place, name, partitions), result) in written.into_iter().zip(results) {
            let refusal = match result {
                Ok(OpResult::Multi(Ok(_))) => {
                    awaited.insert(name, Until::Led(partitions));
                    continue;
                }
                Ok(OpResult::Multi(Err(failure))) if failure.error == ZkError::NodeExists => {
                    (ErrorCode::TOPIC_ALREADY_EXISTS, exists(&name))
                }
                _ => (ErrorCode::UNKNOWN_SERVER_ERROR, "ZooKeeper did not take the topic".to_owned()),
            };
            if let Some(result) = response.topics.get_mut(place) {
                *result = create_topic(&name, refusal.0, Some(refusal.1.into()));
            }
        }
        self.reply_when(origin, response.into(), awaited, deadline, io.ctx);
    }

    /// Checks a topic, and decides where its replicas go.
    fn plan(&self, topic: &CreatableTopic, there: &[Arc<str>], ctx: &mut Context<'_>) -> Result<Plan, Refusal> {
        let name = &topic.name;
        topic_name::validate(name)
            .map_err(|why| (ErrorCode::INVALID_TOPIC_EXCEPTION, format!("Topic name is invalid: {why}")))?;
        if there.contains(name) {
            return Err((ErrorCode::TOPIC_ALREADY_EXISTS, exists(name)));
        }
        let colliding: Vec<&str> =
            there.iter().map(AsRef::as_ref).filter(|other| topic_name::collide(name, other)).collect();
        if !colliding.is_empty() {
            let message = format!("Topic '{name}' collides with existing topics: {}", colliding.join(", "));
            return Err((ErrorCode::INVALID_TOPIC_EXCEPTION, message));
        }
        let partitions = self.place(topic, ctx)?;
        let (overrides, settings) = self.check_settings(topic)?;
        Ok(Plan { name: Arc::clone(name), node: TopicNode { id: topic_id(ctx), partitions }, overrides, settings })
    }

    fn check_settings(&self, topic: &CreatableTopic) -> Result<(BTreeMap<String, String>, TopicSettings), Refusal> {
        let mut overrides = BTreeMap::new();
        let invalid = |error: topic_settings::TopicSettingError| (ErrorCode::INVALID_CONFIG, error.to_string());
        for config in &topic.configs {
            let Some(value) = &config.value else {
                return Err(invalid(topic_settings::TopicSettingError::Null(config.name.to_string())));
            };
            overrides.insert(config.name.to_string(), value.to_string());
        }
        let settings = TopicSettings::check(&self.settings, &overrides).map_err(invalid)?;
        Ok((overrides, settings))
    }

    /// Where the replicas go: as the request says, or spread over the live brokers.
    fn place(&self, topic: &CreatableTopic, ctx: &mut Context<'_>) -> Result<BTreeMap<i32, Assignment>, Refusal> {
        if !topic.assignments.is_empty() {
            if topic.num_partitions != -1 || topic.replication_factor != -1 {
                let message = "Both numPartitions or replicationFactor and replicasAssignments were set. \
                               Both cannot be used at the same time.";
                return Err((ErrorCode::INVALID_REQUEST, message.to_owned()));
            }
            return check_assignments(&topic.assignments);
        }
        let partitions = if topic.num_partitions == -1 { self.settings.num_partitions } else { topic.num_partitions };
        let replicas = match topic.replication_factor {
            -1 => self.settings.default_replication_factor,
            given => i32::from(given),
        };
        if partitions <= 0 {
            let message = "Number of partitions must be larger than 0.".to_owned();
            return Err((ErrorCode::INVALID_PARTITIONS, message));
        }
        if partitions > MAX_PARTITIONS {
            let message = format!("Number of partitions must not be larger than {MAX_PARTITIONS}.");
            return Err((ErrorCode::INVALID_PARTITIONS, message));
        }
        let brokers: Vec<BrokerId> = self.cluster.live().into_iter().collect();
        if replicas <= 0 {
            let message = "Replication factor must be larger than 0.".to_owned();
            return Err((ErrorCode::INVALID_REPLICATION_FACTOR, message));
        }
        let (count, factor) = (usize::try_from(partitions).unwrap_or(0), usize::try_from(replicas).unwrap_or(0));
        if factor > brokers.len() {
            let message = format!("Replication factor: {factor} larger than available brokers: {}.", brokers.len());
            return Err((ErrorCode::INVALID_REPLICATION_FACTOR, message));
        }
        let assignment = assign(&brokers, count, factor, 0, None, ctx.rng);
        Ok((0..).zip(assignment.into_iter().map(Assignment::of)).collect())
    }
}

/// A new topic's id. Kafka never gives out the first two, which mean something of their own.
fn topic_id(ctx: &mut Context<'_>) -> Uuid {
    loop {
        let id = ctx.rng.uuid();
        // One that begins with a dash could not be given to a command line (`Uuid.randomUuid`).
        if id.as_u128() > 1 && !znodes::uuid_to_text(id).starts_with('-') {
            return id;
        }
    }
}

fn exists(name: &str) -> String {
    format!("Topic '{name}' already exists.")
}

/// Checks an assignment that the client made: `AdminZkClient.validateTopicCreate`.
fn check_assignments(given: &[CreatableReplicaAssignment]) -> Result<BTreeMap<i32, Assignment>, Refusal> {
    let wrong = |message: String| (ErrorCode::INVALID_REPLICA_ASSIGNMENT, message);
    let mut partitions = BTreeMap::new();
    for assignment in given {
        let replicas = &assignment.broker_ids;
        let distinct: BTreeSet<&i32> = replicas.iter().collect();
        if distinct.len() != replicas.len() {
            return Err(wrong(format!(
                "Duplicate replica assignment found: partition {} on {replicas:?}",
                assignment.partition_index
            )));
        }
        if replicas.is_empty() || replicas.iter().any(|id| *id < 0) {
            return Err(wrong(format!("Partition {} has no valid replicas: {replicas:?}", assignment.partition_index)));
        }
        let brokers = replicas.iter().copied().map(BrokerId).collect();
        if partitions.insert(assignment.partition_index, Assignment::of(brokers)).is_some() {
            return Err(wrong(format!("Partition {} is assigned twice", assignment.partition_index)));
        }
    }
    let count = |assignment: &Assignment| assignment.replicas.len();
    let first = partitions.values().next().map_or(0, count);
    if partitions.values().any(|assignment| count(assignment) != first) {
        return Err(wrong("All partitions should have the same number of replicas".to_owned()));
    }
    if !partitions.keys().copied().eq(0..i32::try_from(partitions.len()).unwrap_or(i32::MAX)) {
        return Err(wrong("Partitions should be a consecutive 0-based integer sequence".to_owned()));
    }
    Ok(partitions)
}

/// What is written for a topic: its settings, which may be left from an earlier one, and its assignment, in one
/// transaction (deviation: topic-in-one-write).
fn writes(plan: &Plan, has_settings: bool) -> Vec<Write> {
    let (path, data) = (znodes::topic_config_path(&plan.name), znodes::config(&plan.overrides));
    let settings = if has_settings {
        Write::set(path, data, crate::engine::zk::op::ANY_VERSION)
    } else {
        Write::create(path, data, CreateMode::Persistent)
    };
    let topic = Write::create(znodes::topic_path(&plan.name), znodes::topic(&plan.node), CreateMode::Persistent);
    vec![settings, topic]
}

/// What the client is told of a topic that is created, or could be.
fn success(plan: &Plan, validate_only: bool) -> CreatableTopicResult {
    let replicas = plan.node.partitions.values().next().map_or(0, |assignment| assignment.replicas.len());
    let config = |row: &topic_settings::TopicDefinition| CreatableTopicConfigs {
        name: row.name.into(),
        value: plan.settings.get(row.name).map(Arc::from),
        read_only: false,
        config_source: if plan.overrides.contains_key(row.name) {
            config_source::TOPIC
        } else {
            config_source::DEFAULT
        },
        is_sensitive: false,
    };
    CreatableTopicResult {
        name: Arc::clone(&plan.name),
        topic_id: if validate_only { Uuid::nil() } else { plan.node.id },
        num_partitions: i32::try_from(plan.node.partitions.len()).unwrap_or(i32::MAX),
        replication_factor: i16::try_from(replicas).unwrap_or(i16::MAX),
        configs: Some(topic_settings::TABLE.iter().map(config).collect()),
        ..CreatableTopicResult::default()
    }
}
