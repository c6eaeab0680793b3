//! Actions: what somebody asks of a session becomes a command to the lab or a request to one of its brokers, and what
//! comes of it becomes an outcome with a line for a person.

pub(super) mod consumers;
mod offsets;

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::look;
use super::project::told_next;
use super::read;
use crate::engine::client::Patience;
use crate::engine::cluster::Cluster;
use crate::engine::message::{Answer, By, Command};
use crate::engine::node::{BrokerId, ZkId};
use crate::engine::runtime::{Ended, Handle};
use crate::protocol::create_topics::{CreatableTopic, CreatableTopicConfig};
use crate::protocol::delete_topics::DeleteTopicState;
use crate::protocol::describe_configs::resource_type;
use crate::protocol::elect_leaders::{TopicPartitions, election_type};
use crate::protocol::incremental_alter_configs::{
    IncrementalAlterConfigsResource, IncrementalAlterableConfig, config_operation,
};
use crate::protocol::partitioner::partition_for_key;
use crate::protocol::produce::{PartitionProduceData, TopicProduceData};
use crate::protocol::records::{BatchBuilder, Compression, Header};
use crate::protocol::{
    CreateTopicsRequest, DeleteTopicsRequest, ElectLeadersRequest, ErrorCode, IncrementalAlterConfigsRequest,
    ProduceRequest, Request, Response,
};
use crate::session::action::{Action, Failure, NewRecord, NewTopic, Origin, Outcome, SettingsChange};

/// The versions that a session speaks: the newest of Kafka 3.9.
const CREATE_TOPICS: i16 = 7;
const DELETE_TOPICS: i16 = 6;
const ELECT_LEADERS: i16 = 2;
const INCREMENTAL_ALTER_CONFIGS: i16 = 1;
const PRODUCE: i16 = 11;

/// How long a broker may wait for others before it answers, in milliseconds.
const TIMEOUT_MS: i32 = 30_000;

/// Carries out actions. Clones do it on the same lab.
#[derive(Clone)]
pub(super) struct Actor {
    handle: Handle,
    /// How long built-in clients wait.
    patience: Patience,
    /// How what is being carried out was asked for.
    by: By,
}

impl Actor {
    pub(super) fn new(handle: Handle, patience: Patience) -> Self {
        Self { handle, patience, by: By::default() }
    }

    /// Carries out `action`; returns when it is done, or refused.
    pub(super) async fn act(&self, action: Action, origin: Origin) -> Outcome {
        let by = by(origin);
        Self { by, ..self.clone() }.try_act(action).await.unwrap_or_else(Outcome::Failed)
    }

    async fn try_act(&self, action: Action) -> Result<Outcome, Failure> {
        match action {
            Action::KillBroker(id) => {
                self.command(Command::Kill(BrokerId(id)), format!("broker-{id} was killed")).await
            }
            Action::PowerLoss(id) => {
                self.command(Command::PowerLoss(BrokerId(id)), format!("broker-{id} lost power")).await
            }
            Action::StartBroker(id) => self.command(Command::Start(BrokerId(id)), format!("broker-{id} starts")).await,
            Action::ShutdownBroker(id) => {
                self.command(Command::Shutdown(BrokerId(id)), format!("broker-{id} shuts down")).await
            }
            Action::KillServer(id) => self.command(Command::KillServer(ZkId(id)), format!("zk-{id} was killed")).await,
            Action::StartServer(id) => self.command(Command::StartServer(ZkId(id)), format!("zk-{id} starts")).await,
            Action::ElectPreferred { topics } => self.elect(topics).await,
            Action::CreateTopic(topic) => self.create(topic).await,
            Action::DeleteTopic { name } => self.delete(name).await,
            Action::AlterTopic(change) => self.alter(change).await,
            Action::Produce(record) => self.produce(record).await,
            Action::Read(from) => {
                let taken = self
                    .handle
                    .inspect_disks(move |cluster, disks| read::take(cluster, disks, &from))
                    .await
                    .map_err(ended)??;
                Ok(Outcome::Records(read::decode(&taken)))
            }
            Action::ResetOffsets(wanted) => offsets::reset(self, wanted).await,
            action @ (Action::AddConsumer(_)
            | Action::CloseConsumer(_)
            | Action::CrashConsumer(_)
            | Action::PauseConsumer { .. }
            | Action::SlowConsumer { .. }) => self.on_consumer(action).await,
            Action::SetRate { rate_ppm } => self.set_rate(rate_ppm).await,
            Action::Pause(paused) => {
                self.handle.pause(paused).await.map_err(ended)?;
                Ok(done(if paused { "time stands" } else { "time runs" }))
            }
            Action::Step { n } => self.step(n).await,
        }
    }

    async fn on_consumer(&self, action: Action) -> Result<Outcome, Failure> {
        let patience = self.patience;
        let command = self.inspect(move |cluster| consumers::command(&action, cluster, &patience)).await?;
        let (command, said) = command.ok_or_else(|| failed("that is nothing a consumer does"))?;
        self.command(command, said).await
    }

    async fn command(&self, command: Command, text: String) -> Result<Outcome, Failure> {
        match self.handle.command_by(self.by.clone(), command).await.map_err(ended)? {
            Answer::Refused(why) => Err(failed(why)),
            _ => Ok(done(text)),
        }
    }

    async fn set_rate(&self, rate_ppm: u64) -> Result<Outcome, Failure> {
        self.handle.set_rate(rate_ppm).await.map_err(ended)?;
        Ok(done(format!("lab time runs at {} of real time", super::project::rate(rate_ppm))))
    }

    async fn step(&self, n: u32) -> Result<Outcome, Failure> {
        let next: Arc<Mutex<Arc<str>>> = Arc::default();
        let seen = Arc::clone(&next);
        let watch = move |cluster: &Cluster| *seen.lock().unwrap_or_else(PoisonError::into_inner) = told_next(cluster);
        let delivered = self.handle.step(n, watch).await.map_err(ended)?;
        let last = Arc::clone(&next.lock().unwrap_or_else(PoisonError::into_inner));
        match delivered {
            0 if n > 0 => Err(failed("nothing to step: pause first, and there must be a message or a timer to come")),
            1 if last.is_empty() => Ok(done("1 message delivered")),
            1 => Ok(done(format!("delivered: {last}"))),
            delivered => Ok(done(format!("{delivered} messages delivered; the last: {last}"))),
        }
    }

    async fn elect(&self, topics: Vec<Arc<str>>) -> Result<Outcome, Failure> {
        let partitions = if topics.is_empty() {
            None
        } else {
            Some(self.inspect(move |cluster| partitions_of(cluster, topics)).await??)
        };
        let request = ElectLeadersRequest {
            election_type: election_type::PREFERRED,
            topic_partitions: partitions,
            timeout_ms: TIMEOUT_MS,
        };
        let Response::ElectLeaders(answer) = self.ask_controller(ELECT_LEADERS, request.into()).await? else {
            return Err(unexpected());
        };
        check(answer.error_code, None)?;
        let results = answer.replica_election_results.iter().flat_map(|topic| &topic.partition_result);
        let (mut elected, mut refused) = (0, None);
        for result in results {
            match result.error_code {
                ErrorCode::NONE => elected += 1,
                ErrorCode::ELECTION_NOT_NEEDED => {}
                code => refused = refused.or(Some((code, result.error_message.clone()))),
            }
        }
        match refused {
            Some((code, message)) if elected == 0 => Err(error(code, message.as_ref())),
            _ if elected == 0 => Ok(done("every partition is led by its preferred leader already")),
            _ => Ok(done(format!("preferred leaders elected: {elected}"))),
        }
    }

    async fn create(&self, topic: NewTopic) -> Result<Outcome, Failure> {
        let settings = topic.settings.into_iter();
        let wanted = CreatableTopic {
            name: Arc::clone(&topic.name),
            num_partitions: topic.partitions,
            replication_factor: topic.replication_factor,
            assignments: Vec::new(),
            configs: settings.map(|(name, value)| CreatableTopicConfig { name, value: Some(value) }).collect(),
        };
        let request = CreateTopicsRequest { topics: vec![wanted], timeout_ms: TIMEOUT_MS, validate_only: false };
        let Response::CreateTopics(answer) = self.ask_controller(CREATE_TOPICS, request.into()).await? else {
            return Err(unexpected());
        };
        let result = answer.topics.first().ok_or_else(unexpected)?;
        check(result.error_code, result.error_message.as_ref())?;
        let (partitions, replicas) = (result.num_partitions, result.replication_factor);
        Ok(done(format!("topic {} created: {partitions} partitions, {replicas} replicas each", topic.name)))
    }

    async fn delete(&self, name: Arc<str>) -> Result<Outcome, Failure> {
        let topic = DeleteTopicState { name: Some(Arc::clone(&name)), ..DeleteTopicState::default() };
        let request =
            DeleteTopicsRequest { topics: vec![topic], timeout_ms: TIMEOUT_MS, ..DeleteTopicsRequest::default() };
        let Response::DeleteTopics(answer) = self.ask_controller(DELETE_TOPICS, request.into()).await? else {
            return Err(unexpected());
        };
        let result = answer.responses.first().ok_or_else(unexpected)?;
        check(result.error_code, result.error_message.as_ref())?;
        Ok(done(format!("topic {name} deleted")))
    }

    async fn alter(&self, change: SettingsChange) -> Result<Outcome, Failure> {
        let edit = |(name, value): (Arc<str>, Option<Arc<str>>)| IncrementalAlterableConfig {
            name,
            config_operation: if value.is_some() { config_operation::SET } else { config_operation::DELETE },
            value,
        };
        let count = change.settings.len();
        let resource = IncrementalAlterConfigsResource {
            resource_type: resource_type::TOPIC,
            resource_name: Arc::clone(&change.name),
            configs: change.settings.into_iter().map(edit).collect(),
        };
        let request = IncrementalAlterConfigsRequest { resources: vec![resource], validate_only: false };
        // Any broker takes it; the controller is one that is there.
        let answer = self.ask_controller(INCREMENTAL_ALTER_CONFIGS, request.into()).await?;
        let Response::IncrementalAlterConfigs(answer) = answer else { return Err(unexpected()) };
        let result = answer.responses.first().ok_or_else(unexpected)?;
        check(result.error_code, result.error_message.as_ref())?;
        Ok(done(format!("topic {}: {count} setting{} changed", change.name, if count == 1 { "" } else { "s" })))
    }

    async fn produce(&self, record: NewRecord) -> Result<Outcome, Failure> {
        let acks = record.acks;
        let (leader, partition, request) = self.inspect(move |cluster| to_leader(cluster, &record)).await??;
        let answer = match self.ask(leader, PRODUCE, request).await? {
            None => return Ok(Outcome::Produced { partition, offset: None }),
            Some(Response::Produce(answer)) => answer,
            Some(_) => return Err(unexpected()),
        };
        debug_assert_ne!(acks, 0, "acks=0 has no answer");
        let result = answer.responses.first().and_then(|topic| topic.partition_responses.first());
        let result = result.ok_or_else(unexpected)?;
        check(result.error_code, result.error_message.as_ref())?;
        Ok(Outcome::Produced { partition, offset: Some(result.base_offset) })
    }

    async fn ask_controller(&self, version: i16, request: Request) -> Result<Response, Failure> {
        let controller = self.inspect(look::controller).await?;
        let controller = controller.ok_or_else(|| failed("no controller is elected at the moment; try again soon"))?;
        self.ask(controller, version, request).await?.ok_or_else(unexpected)
    }

    /// Asks a broker; `None` for what has no answer.
    async fn ask(&self, broker: BrokerId, version: i16, request: Request) -> Result<Option<Response>, Failure> {
        match self.handle.command_by(self.by.clone(), Command::Ask { broker, version, request }).await.map_err(ended)? {
            Answer::Response(response) => Ok(Some(response)),
            Answer::Silent | Answer::Done => Ok(None),
            Answer::Refused(why) => Err(failed(why)),
            Answer::Closed => {
                Err(failed(format!("{broker} closed the connection: it is dead, or refuses the request")))
            }
        }
    }

    async fn inspect<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Cluster) -> T + Send + 'static,
    ) -> Result<T, Failure> {
        self.handle.inspect(look).await.map_err(ended)
    }
}

/// An action's origin, as the engine keeps it.
pub(super) fn by(origin: Origin) -> By {
    match origin {
        Origin::Key(key) => By::Key(key),
        Origin::Explorer => By::Explorer,
        Origin::ControlApi => By::ControlApi,
        Origin::Program => By::Program,
    }
}

/// All partitions of `topics`.
fn partitions_of(cluster: &Cluster, topics: Vec<Arc<str>>) -> Result<Vec<TopicPartitions>, Failure> {
    let of_topic = |topic: Arc<str>| {
        let metadata = look::metadata(cluster).and_then(|metadata| metadata.topics.get(&topic));
        let partitions = metadata.ok_or_else(|| no_topic(&topic))?.partitions.keys().copied().collect();
        Ok(TopicPartitions { topic, partitions })
    };
    topics.into_iter().map(of_topic).collect()
}

/// The request that writes `record`, with the partition and its leader.
fn to_leader(cluster: &Cluster, record: &NewRecord) -> Result<(BrokerId, i32, Request), Failure> {
    let topic = look::metadata(cluster).and_then(|metadata| metadata.topics.get(&record.topic));
    let topic = topic.ok_or_else(|| no_topic(&record.topic))?;
    let count = i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX);
    let partition = match (record.partition, &record.key) {
        (Some(partition), _) => partition,
        (None, Some(key)) => partition_for_key(key, count),
        // Spread by time: the lab's date in milliseconds is as good as any draw, and repeats in a repeated run.
        (None, None) => i32::try_from(cluster.now().date_ms().rem_euclid(i64::from(count.max(1)))).unwrap_or(0),
    };
    let meta = topic.partitions.get(&partition);
    let meta = meta
        .ok_or_else(|| failed(format!("{} has no partition {partition}; it has 0 to {}", record.topic, count - 1)))?;
    let leader = meta.leader.ok_or_else(|| error(ErrorCode::LEADER_NOT_AVAILABLE, None))?;
    let data = PartitionProduceData { index: partition, records: Some(batch(record, cluster.now().date_ms())) };
    let request = ProduceRequest {
        transactional_id: None,
        acks: record.acks,
        timeout_ms: TIMEOUT_MS,
        topic_data: vec![TopicProduceData { name: Arc::clone(&record.topic), partition_data: vec![data] }],
    };
    Ok((leader, partition, request.into()))
}

fn batch(record: &NewRecord, date_ms: i64) -> crate::protocol::Records {
    let headers: Vec<Header> = record
        .headers
        .iter()
        .map(|(key, value)| (Bytes::copy_from_slice(key.as_bytes()), Some(Bytes::copy_from_slice(value))))
        .collect();
    let mut batch = BatchBuilder::new(Compression::None);
    batch.push(date_ms, record.key.as_deref(), record.value.as_deref(), &headers);
    batch.build()
}

fn done(text: impl Into<Arc<str>>) -> Outcome {
    Outcome::Done(text.into())
}

/// Something failed that no broker has a code for.
pub(super) fn failed(message: impl Into<Arc<str>>) -> Failure {
    Failure { error: None, code: None, message: message.into() }
}

pub(super) fn no_topic(topic: &str) -> Failure {
    error(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, Some(&format!("there is no topic {topic}; create it first").into()))
}

fn unexpected() -> Failure {
    failed("the broker answered something else than was asked; this is a fault in kscope")
}

fn ended(_: Ended) -> Failure {
    failed("the engine has ended; start kscope again")
}

fn error(code: ErrorCode, message: Option<&Arc<str>>) -> Failure {
    Failure {
        error: Some(code.name().into()),
        code: Some(code.0),
        message: message.cloned().unwrap_or_else(|| code.message().into()),
    }
}

fn check(code: ErrorCode, message: Option<&Arc<str>>) -> Result<(), Failure> {
    if code == ErrorCode::NONE { Ok(()) } else { Err(error(code, message)) }
}
