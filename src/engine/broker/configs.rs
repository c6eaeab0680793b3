//! The settings that a broker works by: its own in their layers, those of the topics that it hosts, and how they change
//! while it runs. Kafka's `ZkConfigManager` with its handlers, `ConfigHelper` and `ZkAdminManager`.
//!
//! Settings stand in ZooKeeper: `/config/topics/T`, `/config/brokers/N`, `/config/brokers/<default>`. Whoever is asked to
//! change some writes them and a notification; all brokers watch the notifications and read again what one names.
//!
//! ```text
//!   AlterConfigs -> read -> check -> write /config/... and /config/changes/config_change_N   (alter)
//!                                       `-> watch -> each broker: read what is new -> read whose it is -> take up
//!                                                                                                 (changes)
//! ```
//!
//! A broker reads its own layers before it registers, and a topic's settings before it makes the first replica: from
//! then on it goes by the notifications.

mod alter;
mod changes;
mod describe;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Broker;
use super::api::leader_and_isr;
use super::connection::Origin;
use crate::engine::context::Context;
use crate::engine::controller::znodes;
use crate::engine::entity::ConfigEntity;
use crate::engine::event::{BrokerEvent, EventKind};
use crate::engine::log::{Log, LogConfig};
use crate::engine::replica::{Replica, TopicPartition};
use crate::engine::settings::{self, BrokerSettings, Layer, Overrides, Settings};
use crate::engine::topic_settings::TopicSettings;
use crate::engine::zk::client::Ticket;
use crate::engine::zk::op::{Op, OpResult, ZkError};
use crate::protocol::LeaderAndIsrRequest;
use crate::protocol::partitioner::java_hash;

type Results = [Result<OpResult, ZkError>];

/// What a topic sets, and what holds for it.
#[derive(Clone, Debug)]
struct TopicConfig {
    overrides: Overrides,
    settings: Arc<TopicSettings>,
}

/// The settings of a broker and of the topics hosted by it. See the [module](self).
#[derive(Clone, Debug)]
pub(super) struct Configs {
    broker: BrokerSettings,
    topics: BTreeMap<Arc<str>, TopicConfig>,
    /// The number of the newest notification that was looked at.
    newest_change: Option<i64>,
    waiting: BTreeMap<Ticket, Waiting>,
}

/// What waits for ZooKeeper.
#[derive(Clone, Debug)]
enum Waiting {
    /// The names of the notifications are read.
    Changes,
    /// These notifications are read.
    Notifications(Vec<Arc<str>>),
    /// The settings of these are read, since they have changed.
    Changed(Vec<ConfigEntity>),
    /// A LeaderAndIsr needs the settings of these topics.
    Hosting(Vec<Arc<str>>, Origin, LeaderAndIsrRequest),
    /// A `DescribeConfigs`.
    Describing(describe::Describing),
    /// What is to be changed is read.
    Altering(alter::Altering),
    /// What is to be changed is written.
    Altered(alter::Altering),
}

impl Configs {
    /// Of a broker that starts.
    pub(super) fn new(started: Arc<Settings>) -> Self {
        Self {
            broker: BrokerSettings::new(started),
            topics: BTreeMap::new(),
            newest_change: None,
            waiting: BTreeMap::new(),
        }
    }

    /// The broker's settings now.
    pub(super) fn settings(&self) -> &Settings {
        self.broker.now()
    }

    /// The same in their layers.
    pub(super) fn layers(&self) -> &BrokerSettings {
        &self.broker
    }

    /// Whether the settings of a topic are known.
    pub(super) fn knows(&self, topic: &str) -> bool {
        self.topics.contains_key(topic)
    }

    /// No replica of a topic is here any more.
    pub(super) fn forget(&mut self, topic: &str) {
        self.topics.remove(topic);
    }
}

impl Broker {
    /// Asks ZooKeeper for something that has to do with settings.
    fn ask_for_configs(&mut self, ops: Vec<Op>, waiting: Waiting, ctx: &mut Context<'_>) {
        let ticket = self.zk.submit(ops, ctx);
        self.configs.waiting.insert(ticket, waiting);
    }

    /// A ZooKeeper batch is answered; returns whether it had to do with settings.
    pub(super) fn on_configs(&mut self, ticket: Ticket, results: &Results, ctx: &mut Context<'_>) -> bool {
        let Some(waiting) = self.configs.waiting.remove(&ticket) else { return false };
        // The connection to ZooKeeper went: asked again, the answer comes after the reconnect.
        let lost = results.iter().any(|r| matches!(r, Err(ZkError::ConnectionLoss | ZkError::SessionExpired)));
        match waiting {
            Waiting::Changes if lost => self.read_changes(ctx),
            Waiting::Changes => self.changes_read(results.first(), ctx),
            Waiting::Notifications(names) if lost => self.read_notifications(names, ctx),
            Waiting::Notifications(names) => self.notifications_read(&names, results, ctx),
            Waiting::Changed(entities) if lost => self.read_changed(entities, ctx),
            Waiting::Changed(entities) => self.changed_read(&entities, results, ctx),
            Waiting::Hosting(topics, origin, request) if lost => self.read_for_hosting(topics, &origin, request, ctx),
            Waiting::Hosting(topics, origin, request) => self.read_to_host(&topics, &origin, &request, results, ctx),
            Waiting::Describing(describing) if lost => self.read_to_describe(describing, ctx),
            Waiting::Describing(describing) => self.described(&describing, results, ctx),
            // Whether a write was done is not known then: all that a change does can be done twice.
            Waiting::Altering(altering) | Waiting::Altered(altering) if lost => self.read_to_alter(altering, ctx),
            Waiting::Altering(altering) => self.read_and_alter(altering, results, ctx),
            Waiting::Altered(altering) => self.altered(altering, results, ctx),
        }
        true
    }

    /// Reads the settings of `topics`; the request waits.
    pub(crate) fn read_for_hosting(
        &mut self,
        topics: Vec<Arc<str>>,
        origin: &Origin,
        request: LeaderAndIsrRequest,
        ctx: &mut Context<'_>,
    ) {
        let ops = topics.iter().map(|topic| Op::get(znodes::topic_config_path(topic))).collect();
        self.ask_for_configs(ops, Waiting::Hosting(topics, origin.clone(), request), ctx);
    }

    fn read_to_host(
        &mut self,
        topics: &[Arc<str>],
        origin: &Origin,
        request: &LeaderAndIsrRequest,
        results: &Results,
        ctx: &mut Context<'_>,
    ) {
        for (topic, result) in topics.iter().zip(results) {
            let overrides = overrides(result);
            let settings = Arc::new(TopicSettings::with_overrides(self.settings(), &overrides));
            self.configs.topics.insert(Arc::clone(topic), TopicConfig { overrides, settings });
            // What a restart found on the disk is as it was before.
            self.configure_replicas(topic);
        }
        let response = leader_and_isr::checked(self, request, ctx);
        self.reply(origin, Some(response.into()), ctx);
    }

    /// A replica of a partition that is new here, with an empty log.
    pub(crate) fn new_replica(&self, id: &TopicPartition, topic_id: uuid::Uuid) -> Replica {
        let settings = self.topic_settings(&id.topic);
        Replica::new(id.clone(), topic_id, Log::new(self.log_config(id, &settings)), 0, min_insync(&settings))
    }

    fn topic_settings(&self, topic: &str) -> Arc<TopicSettings> {
        match self.configs.topics.get(topic) {
            Some(config) => Arc::clone(&config.settings),
            None => Arc::new(TopicSettings::of_broker(self.settings())),
        }
    }

    fn log_config(&self, id: &TopicPartition, settings: &TopicSettings) -> LogConfig {
        let memory_segment_bytes = self.config.memory_segment_bytes();
        let roll_seed = u64::from(java_hash(&id.topic).cast_unsigned()) << 32 | u64::from(id.partition.cast_unsigned());
        LogConfig { memory_segment_bytes, roll_seed, ..settings.log_config() }
    }

    /// Gives the replicas of a topic what holds for it now.
    fn configure_replicas(&mut self, topic: &Arc<str>) {
        let settings = self.topic_settings(topic);
        let min_insync = min_insync(&settings);
        let first = TopicPartition::new(Arc::clone(topic), 0);
        let of_topic = self.replicas.range(first..).take_while(|(id, _)| id.topic == *topic);
        let configs = of_topic.map(|(id, replica)| (id, replica, self.log_config(id, &settings)));
        let stale: Vec<(TopicPartition, LogConfig)> = configs
            .filter(|(_, replica, config)| replica.log.config() != config || replica.min_insync != min_insync)
            .map(|(id, _, config)| (id.clone(), config))
            .collect();
        for (id, log_config) in stale {
            let Some(replica) = self.replica_mut(&id) else { continue };
            replica.log.set_config(log_config);
            replica.min_insync = min_insync;
            // A smaller minimum may make records readable that were not.
            replica.advance_high_watermark();
            self.touch(&id);
        }
    }

    /// Takes up what a topic sets now, if it is hosted here.
    fn take_up_topic(&mut self, topic: &Arc<str>, overrides: Overrides, ctx: &mut Context<'_>) {
        let Some(known) = self.configs.topics.get(topic) else { return };
        let settings = TopicSettings::with_overrides(self.settings(), &overrides);
        let changes = known.settings.changes_to(&settings);
        self.configs.topics.insert(Arc::clone(topic), TopicConfig { overrides, settings: Arc::new(settings) });
        if !changes.is_empty() {
            self.configure_replicas(topic);
            let entity = ConfigEntity::Topic(Arc::clone(topic));
            ctx.note(EventKind::Broker(BrokerEvent::ConfigTakenUp { entity, changes }));
        }
    }

    /// Takes up what stands in a layer of the broker's own settings now, and hands it down to all that goes by it.
    pub(super) fn take_up_layer(&mut self, layer: Layer, overrides: Overrides, ctx: &mut Context<'_>) {
        let before = Arc::clone(self.configs.broker.now());
        if !self.configs.broker.set_layer(layer, overrides) {
            return;
        }
        let now = Arc::clone(self.configs.broker.now());
        let unclean = now.unclean_leader_election_enable && !before.unclean_leader_election_enable;
        let changes = settings::changes(&before, &now);
        self.controller.set_settings(now);
        for topic in self.configs.topics.keys().cloned().collect::<Vec<_>>() {
            if let Some(config) = self.configs.topics.get_mut(&topic) {
                let settings = TopicSettings::with_overrides(self.configs.broker.now(), &config.overrides);
                config.settings = Arc::new(settings);
            }
            self.configure_replicas(&topic);
        }
        let entity = match layer {
            Layer::AllBrokers => ConfigEntity::AllBrokers,
            Layer::Own => ConfigEntity::Broker(self.id),
        };
        ctx.note(EventKind::Broker(BrokerEvent::ConfigTakenUp { entity, changes }));
        if unclean {
            self.controller.unclean_election_allowed(None, &mut self.zk, ctx);
        }
    }
}

fn min_insync(settings: &TopicSettings) -> usize {
    usize::try_from(settings.min_insync_replicas).unwrap_or(1)
}

/// What was read of settings: none where there is no znode.
pub(super) fn overrides(result: &Result<OpResult, ZkError>) -> Overrides {
    match result {
        Ok(OpResult::Data { data, .. }) => znodes::read_config(data),
        _ => Overrides::new(),
    }
}
