//! What a broker needs of others to do its work: the settings of topics from ZooKeeper, topics that the controller is to
//! create, and the proof that who commands it is the controller.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Broker;
use super::api::leader_and_isr;
use super::connection::Origin;
use crate::engine::context::{Context, Id};
use crate::engine::controller::znodes;
use crate::engine::log::{Log, LogConfig};
use crate::engine::message::Lane;
use crate::engine::replica::{Replica, TopicPartition};
use crate::engine::topic_name::CONSUMER_OFFSETS;
use crate::engine::topic_settings::TopicSettings;
use crate::engine::zk::client::Ticket;
use crate::engine::zk::op::{Op, OpResult, ZkError};
use crate::protocol::create_topics::CreatableTopic;
use crate::protocol::partitioner::java_hash;
use crate::protocol::{CreateTopicsRequest, ErrorCode, LeaderAndIsrRequest};

/// A LeaderAndIsr that waits until the settings of its topics are read.
#[derive(Clone, Debug)]
pub(super) struct AwaitingSettings {
    ticket: Ticket,
    topics: Vec<Arc<str>>,
    origin: Origin,
    request: LeaderAndIsrRequest,
}

impl Broker {
    /// Whether a command comes from the controller of now, and is meant for this registration of the broker.
    pub(crate) fn check_controller(&mut self, controller_epoch: i32, broker_epoch: i64) -> Result<(), ErrorCode> {
        if controller_epoch < self.controller_epoch {
            return Err(ErrorCode::STALE_CONTROLLER_EPOCH);
        }
        // A newer epoch than the own is that of a registration whose answer is still on its way here.
        if broker_epoch >= 0 && self.registered.is_none_or(|mine| broker_epoch < mine) {
            return Err(ErrorCode::STALE_BROKER_EPOCH);
        }
        self.controller_epoch = controller_epoch;
        Ok(())
    }

    /// Reads the settings of `topics` from ZooKeeper; the request waits.
    pub(crate) fn read_topic_settings(
        &mut self,
        topics: BTreeSet<Arc<str>>,
        origin: &Origin,
        request: LeaderAndIsrRequest,
        ctx: &mut Context<'_>,
    ) {
        let ops = topics.iter().map(|topic| Op::get(znodes::topic_config_path(topic))).collect();
        let ticket = self.zk.submit(ops, ctx);
        let topics = topics.into_iter().collect();
        self.awaiting_settings = Some(AwaitingSettings { ticket, topics, origin: origin.clone(), request });
    }

    /// A ZooKeeper batch is answered; returns whether it was one of topic settings.
    pub(super) fn on_topic_settings(
        &mut self,
        ticket: Ticket,
        results: &[Result<OpResult, ZkError>],
        ctx: &mut Context<'_>,
    ) -> bool {
        let Some(waiting) = self.awaiting_settings.take_if(|waiting| waiting.ticket == ticket) else { return false };
        let lost = results.iter().any(|result| !matches!(result, Ok(_) | Err(ZkError::NoNode)));
        if lost {
            // The connection to ZooKeeper went: read again, the answer comes after the reconnect.
            let topics = waiting.topics.into_iter().collect();
            self.read_topic_settings(topics, &waiting.origin, waiting.request, ctx);
            return true;
        }
        for (topic, result) in waiting.topics.iter().zip(results) {
            let overrides = match result {
                Ok(OpResult::Data { data, .. }) => znodes::read_config(data),
                _ => BTreeMap::new(),
            };
            let settings = TopicSettings::with_overrides(self.settings(), &overrides);
            self.topic_settings.insert(Arc::clone(topic), Arc::new(settings));
        }
        let response = leader_and_isr::checked(self, &waiting.request, ctx);
        self.reply(&waiting.origin, Some(response.into()), ctx);
        true
    }

    /// A replica of a partition that is new here, with an empty log.
    pub(crate) fn new_replica(&self, id: &TopicPartition, topic_id: uuid::Uuid) -> Replica {
        let settings = match self.topic_settings.get(&id.topic) {
            Some(settings) => Arc::clone(settings),
            None => Arc::new(TopicSettings::with_overrides(self.settings(), &BTreeMap::new())),
        };
        let min_insync = usize::try_from(settings.min_insync_replicas).unwrap_or(1);
        let memory_segment_bytes = self.config.memory_segment_bytes();
        let roll_seed = u64::from(java_hash(&id.topic).cast_unsigned()) << 32 | u64::from(id.partition.cast_unsigned());
        let log = Log::new(LogConfig { memory_segment_bytes, roll_seed, ..settings.log_config() });
        Replica::new(id.clone(), topic_id, log, 0, min_insync)
    }

    /// Asks the controller to create a topic that somebody named. Returns what that somebody is told.
    pub(crate) fn create_automatically(&mut self, name: &Arc<str>, ctx: &mut Context<'_>) -> ErrorCode {
        let settings = self.settings();
        let (num_partitions, replication_factor) = if &**name == CONSUMER_OFFSETS {
            (settings.offsets_topic_num_partitions, settings.offsets_topic_replication_factor)
        } else {
            (settings.num_partitions, i16::try_from(settings.default_replication_factor).unwrap_or(1))
        };
        if usize::try_from(replication_factor).unwrap_or(0) > self.metadata.brokers.len() {
            return ErrorCode::INVALID_REPLICATION_FACTOR;
        }
        let Some(controller) = self.metadata.controller else { return ErrorCode::UNKNOWN_TOPIC_OR_PARTITION };
        if !self.creating.contains_key(name) {
            let topic =
                CreatableTopic { name: Arc::clone(name), num_partitions, replication_factor, ..Default::default() };
            let timeout_ms = self.settings().controller_socket_timeout_ms;
            let request = CreateTopicsRequest { topics: vec![topic], timeout_ms, ..Default::default() };
            let (asked, _) = self.ask_controller(controller, Lane::AUTO_CREATE, 7, request.into(), ctx);
            self.creating.insert(Arc::clone(name), asked);
        }
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
    }

    /// The controller answered a creation: what is still missing may be asked for again.
    pub(super) fn created_automatically(&mut self, correlation: Id) {
        self.creating.retain(|_, asked| *asked != correlation);
    }
}
