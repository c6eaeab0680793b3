//! `AlterConfigs` and `IncrementalAlterConfigs`: what is asked is checked against what there is, and written. Kafka's
//! `ConfigAdminManager` and `ZkAdminManager`.
//!
//! Any broker writes the settings of topics, and of all brokers; those of one broker only that broker itself. The
//! settings and the notification are one transaction (deviation: topic-in-one-write). As in Kafka, of two that change
//! the same topic at once the later one wins.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;

use super::{Broker, Results, Waiting, overrides};
use crate::engine::broker::connection::Origin;
use crate::engine::context::Context;
use crate::engine::controller::znodes;
use crate::engine::entity::ConfigEntity;
use crate::engine::event::{BrokerEvent, EventKind, SettingChange};
use crate::engine::node::BrokerId;
use crate::engine::settings::{self, BrokerSettings, Layer, LayerError, Overrides, Settings};
use crate::engine::topic_name;
use crate::engine::topic_settings::{self, TopicSettingError, TopicSettings};
use crate::engine::zk::op::{ANY_VERSION, CreateMode, Op, OpResult, Write};
use crate::protocol::alter_configs::{AlterConfigsResource, AlterConfigsResourceResponse};
use crate::protocol::describe_configs::resource_type;
use crate::protocol::incremental_alter_configs::{
    IncrementalAlterConfigsResource, IncrementalAlterConfigsResourceResponse, config_operation,
};
use crate::protocol::{
    AlterConfigsRequest, AlterConfigsResponse, ErrorCode, IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse, Response,
};

/// Why something is not done.
type Refusal = (ErrorCode, String);

/// What is to become of the settings of a topic or a broker.
#[derive(Clone, Debug)]
enum Wish {
    /// They are to be these.
    Replace(Overrides),
    /// These are to be changed, the others stay.
    Edit(Vec<Edit>),
}

/// A change of one setting: name, operation, value.
type Edit = (Arc<str>, i8, String);

/// What is asked for one topic or broker.
#[derive(Clone, Debug)]
struct Part {
    resource_type: i8,
    name: Arc<str>,
    wish: Result<(ConfigEntity, Wish), Refusal>,
}

/// A request that waits for ZooKeeper.
#[derive(Clone, Debug)]
pub(super) struct Altering {
    origin: Origin,
    /// The name of the API.
    api: &'static str,
    validate_only: bool,
    parts: Vec<Part>,
}

impl Broker {
    /// Handles `AlterConfigs`.
    pub(crate) fn alter_configs(&mut self, request: &AlterConfigsRequest, origin: &Origin, ctx: &mut Context<'_>) {
        let resources: Vec<_> = request.resources.iter().map(|r| (r.resource_type, &r.resource_name)).collect();
        let part = |resource: &AlterConfigsResource| {
            let configs = resource.configs.iter().map(|config| (&config.name, config.value.is_some()));
            let entity = self.entity(&resources, resource.resource_type, &resource.resource_name);
            let wish = entity.and_then(|entity| check_keys(configs).map(|()| (entity, replacement(resource))));
            Part { resource_type: resource.resource_type, name: Arc::clone(&resource.resource_name), wish }
        };
        let parts = request.resources.iter().map(part).collect();
        let (origin, validate_only) = (origin.clone(), request.validate_only);
        self.read_to_alter(Altering { origin, api: "AlterConfigs", validate_only, parts }, ctx);
    }

    /// Handles `IncrementalAlterConfigs`.
    pub(crate) fn incremental_alter_configs(
        &mut self,
        request: &IncrementalAlterConfigsRequest,
        origin: &Origin,
        ctx: &mut Context<'_>,
    ) {
        let resources: Vec<_> = request.resources.iter().map(|r| (r.resource_type, &r.resource_name)).collect();
        let part = |resource: &IncrementalAlterConfigsResource| {
            let has_value = |operation, value: &Option<_>| operation == config_operation::DELETE || value.is_some();
            let configs = resource.configs.iter().map(|c| (&c.name, has_value(c.config_operation, &c.value)));
            let entity = self.entity(&resources, resource.resource_type, &resource.resource_name);
            let wish = entity.and_then(|entity| check_keys(configs).map(|()| (entity, edits(resource))));
            Part { resource_type: resource.resource_type, name: Arc::clone(&resource.resource_name), wish }
        };
        let parts = request.resources.iter().map(part).collect();
        let (origin, validate_only) = (origin.clone(), request.validate_only);
        self.read_to_alter(Altering { origin, api: "IncrementalAlterConfigs", validate_only, parts }, ctx);
    }

    /// What a resource names, if it may be changed here.
    fn entity(&self, all: &[(i8, &Arc<str>)], kind: i8, name: &Arc<str>) -> Result<ConfigEntity, Refusal> {
        let invalid = |message: String| Err((ErrorCode::INVALID_REQUEST, message));
        if all.iter().filter(|(other, named)| *other == kind && *named == name).count() > 1 {
            return invalid("Each resource must appear at most once.".to_owned());
        }
        match kind {
            resource_type::TOPIC if name.is_empty() => invalid("Default topic resources are not allowed.".to_owned()),
            resource_type::TOPIC if topic_name::validate(name).is_err() => Err(no_topic(name)),
            resource_type::TOPIC => Ok(ConfigEntity::Topic(Arc::clone(name))),
            resource_type::BROKER if name.is_empty() => Ok(ConfigEntity::AllBrokers),
            resource_type::BROKER => match name.parse() {
                Ok(id) if id == self.id.0 => Ok(ConfigEntity::Broker(BrokerId(id))),
                Ok(_) => invalid(format!("Unexpected broker id, expected {}, but received {name}", self.id.0)),
                Err(_) => invalid(format!("Node id must be an integer, but it is: {name}")),
            },
            // (deviation: no-broker-loggers)
            resource_type::BROKER_LOGGER => invalid("kscope's brokers have no loggers to set".to_owned()),
            other => invalid(format!("Unknown resource type {other}")),
        }
    }

    /// Reads what there is, of all that can be changed: two operations for each.
    pub(super) fn read_to_alter(&mut self, altering: Altering, ctx: &mut Context<'_>) {
        let read = |(entity, _): &(ConfigEntity, Wish)| match entity {
            ConfigEntity::Topic(topic) => [Op::exists(znodes::topic_path(topic)), Op::get(entity.path())],
            other => [Op::exists(other.path()), Op::get(other.path())],
        };
        let ops: Vec<Op> = altering.parts.iter().filter_map(|part| part.wish.as_ref().ok()).flat_map(read).collect();
        if ops.is_empty() {
            return self.answer_alteration(&altering, ctx);
        }
        self.ask_for_configs(ops, Waiting::Altering(altering), ctx);
    }

    /// What there is was read: checks what it is to become, and writes it.
    pub(super) fn read_and_alter(&mut self, mut altering: Altering, results: &Results, ctx: &mut Context<'_>) {
        let mut read = results.chunks(2);
        let mut ops = Vec::new();
        let mut parts = std::mem::take(&mut altering.parts);
        for part in &mut parts {
            let Ok((entity, wish)) = &part.wish else { continue };
            let Some([exists, current]) = read.next() else { continue };
            let there = current.is_ok();
            let before = overrides(current);
            let after = match entity {
                ConfigEntity::Topic(topic) if exists.is_err() => Err(no_topic(topic)),
                entity => self.outcome(entity, wish, &before),
            };
            match after {
                Ok(after) if !altering.validate_only => {
                    self.tell_alteration(entity, &before, &after, &altering, ctx);
                    ops.push(Op::Multi(writes(entity, there, &after)));
                }
                Ok(_) => {}
                Err(refusal) => part.wish = Err(refusal),
            }
        }
        altering.parts = parts;
        if ops.is_empty() {
            return self.answer_alteration(&altering, ctx);
        }
        self.ask_for_configs(ops, Waiting::Altered(altering), ctx);
    }

    /// It is written, but where another was quicker to create the znode: then it is read and done again.
    pub(super) fn altered(&mut self, altering: Altering, results: &Results, ctx: &mut Context<'_>) {
        if results.iter().all(|result| matches!(result, Ok(OpResult::Multi(Ok(_))))) {
            self.answer_alteration(&altering, ctx);
        } else {
            self.read_to_alter(altering, ctx);
        }
    }

    /// What the settings become, if that is valid.
    fn outcome(&self, entity: &ConfigEntity, wish: &Wish, before: &Overrides) -> Result<Overrides, Refusal> {
        let after = match wish {
            Wish::Replace(after) => after.clone(),
            Wish::Edit(edits) => edited(before, edits, matches!(entity, ConfigEntity::Topic(_)))?,
        };
        match entity {
            ConfigEntity::Topic(topic) => {
                TopicSettings::check(self.settings(), &after).map_err(|error| of_topic(topic, &error))?;
            }
            _ => settings::check(&after).map_err(|error| of_broker(&error))?,
        }
        Ok(after)
    }

    /// Says what changes: what follows is caused by it.
    fn tell_alteration(
        &self,
        entity: &ConfigEntity,
        before: &Overrides,
        after: &Overrides,
        altering: &Altering,
        ctx: &mut Context<'_>,
    ) {
        let changes = match entity {
            ConfigEntity::Topic(_) => {
                let of = |overrides| TopicSettings::with_overrides(self.settings(), overrides);
                of(before).changes_to(&of(after))
            }
            ConfigEntity::AllBrokers => layer_changes(&self.config.settings, Layer::AllBrokers, before, after),
            ConfigEntity::Broker(_) => layer_changes(&self.config.settings, Layer::Own, before, after),
        };
        if !changes.is_empty() {
            let (entity, api, by) = (entity.clone(), altering.api, Arc::clone(&altering.origin.client_id));
            ctx.emit(EventKind::Broker(BrokerEvent::ConfigAltered { entity, changes, api, by }));
        }
    }

    fn answer_alteration(&mut self, altering: &Altering, ctx: &mut Context<'_>) {
        let outcome = |part: &Part| match &part.wish {
            Ok(_) => (ErrorCode::NONE, None),
            Err((error, message)) => (*error, Some(Arc::from(message.as_str()))),
        };
        let response: Response = if altering.api == "AlterConfigs" {
            let one = |part: &Part| {
                let (error_code, error_message) = outcome(part);
                let (resource_type, resource_name) = (part.resource_type, Arc::clone(&part.name));
                AlterConfigsResourceResponse { error_code, error_message, resource_type, resource_name }
            };
            let responses = altering.parts.iter().map(one).collect();
            AlterConfigsResponse { throttle_time_ms: 0, responses }.into()
        } else {
            let one = |part: &Part| {
                let (error_code, error_message) = outcome(part);
                let (resource_type, resource_name) = (part.resource_type, Arc::clone(&part.name));
                IncrementalAlterConfigsResourceResponse { error_code, error_message, resource_type, resource_name }
            };
            let responses = altering.parts.iter().map(one).collect();
            IncrementalAlterConfigsResponse { throttle_time_ms: 0, responses }.into()
        };
        self.reply(&altering.origin, Some(response), ctx);
    }
}

fn replacement(resource: &AlterConfigsResource) -> Wish {
    let text = |value: &Option<Arc<str>>| value.as_deref().unwrap_or_default().to_owned();
    Wish::Replace(resource.configs.iter().map(|config| (config.name.to_string(), text(&config.value))).collect())
}

fn edits(resource: &IncrementalAlterConfigsResource) -> Wish {
    let text = |value: &Option<Arc<str>>| value.as_deref().unwrap_or_default().to_owned();
    let edit = |c: &crate::protocol::incremental_alter_configs::IncrementalAlterableConfig| {
        (Arc::clone(&c.name), c.config_operation, text(&c.value))
    };
    Wish::Edit(resource.configs.iter().map(edit).collect())
}

/// Each setting at most once, and none without the value that it needs: name, and whether it has that.
fn check_keys<'a>(configs: impl Iterator<Item = (&'a Arc<str>, bool)>) -> Result<(), Refusal> {
    let mut seen = BTreeSet::new();
    let mut nulls = Vec::new();
    for (name, has_value) in configs {
        if !seen.insert(name) {
            return Err((ErrorCode::INVALID_REQUEST, "Error due to duplicate config keys".to_owned()));
        }
        if !has_value {
            nulls.push(name.as_ref());
        }
    }
    if nulls.is_empty() {
        return Ok(());
    }
    Err((ErrorCode::INVALID_REQUEST, format!("Null value not supported for : {}", nulls.join(", "))))
}

/// `before` after `edits` (`prepareIncrementalConfigs`).
fn edited(before: &Overrides, edits: &[Edit], of_topic: bool) -> Result<Overrides, Refusal> {
    let mut after = before.clone();
    for (name, operation, value) in edits {
        match *operation {
            config_operation::SET => {
                after.insert(name.to_string(), value.clone());
            }
            config_operation::DELETE => {
                after.remove(&**name);
            }
            config_operation::APPEND | config_operation::SUBTRACT => {
                let appends = *operation == config_operation::APPEND;
                let default = list_default(name, of_topic, if appends { "append" } else { "subtract" })?;
                let old = after.get(&**name).cloned().unwrap_or(default);
                let (old, given): (Vec<&str>, Vec<&str>) = (items(&old), items(value));
                let new: Vec<&str> = if appends {
                    old.iter().chain(given.iter().filter(|item| !old.contains(item))).copied().collect()
                } else {
                    old.iter().filter(|item| !given.contains(item)).copied().collect()
                };
                after.insert(name.to_string(), new.join(","));
            }
            other => return Err((ErrorCode::INVALID_REQUEST, format!("Unknown operations type {other}"))),
        }
    }
    Ok(after)
}

fn items(list: &str) -> Vec<&str> {
    list.split(',').filter(|item| !item.is_empty()).collect()
}

/// What a list is where nothing sets it; refused for what is no list.
fn list_default(name: &str, of_topic: bool, operation: &str) -> Result<String, Refusal> {
    let row = topic_settings::TABLE
        .iter()
        .find(|row| if of_topic { row.name == name } else { row.broker_name == name })
        .filter(|row| row.kind == "LIST");
    let Some(row) = row else {
        let message = format!("Config value {operation} is not allowed for config key: {name}");
        return Err((ErrorCode::INVALID_CONFIG, message));
    };
    Ok(Settings::default().get(row.broker_name).unwrap_or_default())
}

fn no_topic(topic: &str) -> Refusal {
    (ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, format!("The topic '{topic}' does not exist."))
}

fn of_topic(topic: &str, error: &TopicSettingError) -> Refusal {
    let message = match error {
        TopicSettingError::Unknown(_) | TopicSettingError::Unsupported(..) | TopicSettingError::Lags { .. } => {
            error.to_string()
        }
        _ => format!("Invalid config value for resource ConfigResource(type=TOPIC, name='{topic}'): {error}"),
    };
    (ErrorCode::INVALID_CONFIG, message)
}

/// A setting that is not there is `INVALID_CONFIG`, as it is for topics; the rest is Kafka's.
fn of_broker(error: &LayerError) -> Refusal {
    let code = match error {
        LayerError::Unknown(..) => ErrorCode::INVALID_CONFIG,
        _ => ErrorCode::INVALID_REQUEST,
    };
    (code, error.to_string())
}

/// What changes in what one layer makes of the settings that a broker is started with.
fn layer_changes(started: &Arc<Settings>, layer: Layer, before: &Overrides, after: &Overrides) -> Vec<SettingChange> {
    let with = |overrides: &Overrides| {
        let mut settings = BrokerSettings::new(Arc::clone(started));
        settings.set_layer(layer, overrides.clone());
        Arc::clone(settings.now())
    };
    settings::changes(&with(before), &with(after))
}

/// The settings and the notification.
fn writes(entity: &ConfigEntity, there: bool, overrides: &Overrides) -> Vec<Write> {
    let data = znodes::config(overrides);
    let settings = if there {
        Write::set(entity.path(), data, ANY_VERSION)
    } else {
        Write::create(entity.path(), data, CreateMode::Persistent)
    };
    let notification = format!("{}/{}", znodes::CONFIG_CHANGES, znodes::CONFIG_CHANGE_PREFIX);
    let change = Bytes::from(znodes::config_change(entity));
    vec![settings, Write::create(notification, change, CreateMode::PersistentSequential)]
}
