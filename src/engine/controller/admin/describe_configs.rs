//! `DescribeConfigs`: the settings of topics and brokers, where each comes from, what it means. Kafka's `ConfigHelper`.
//!
//! Any broker answers for topics, whose settings it reads from ZooKeeper; for a broker only that broker itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::znodes;
use super::super::{Controller, Io};
use crate::engine::broker::connection::Origin;
use crate::engine::context::Context;
use crate::engine::settings::{self, Settings};
use crate::engine::topic_name;
use crate::engine::topic_settings::{self, TopicDefinition, TopicSettings};
use crate::engine::zk::client::{Ticket, ZkClient};
use crate::engine::zk::op::{Op, OpResult, ZkError};
use crate::protocol::describe_configs::{
    DescribeConfigsResource, DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
    config_source, config_type, resource_type,
};
use crate::protocol::{DescribeConfigsRequest, DescribeConfigsResponse, ErrorCode};

/// What topics set, by name; none for a topic that is not there.
type Found<'a> = BTreeMap<&'a str, Option<BTreeMap<String, String>>>;

/// A request that waits for ZooKeeper.
#[derive(Clone, Debug)]
pub(super) struct Describing {
    request: DescribeConfigsRequest,
    origin: Origin,
}

impl Controller {
    /// Answers through [`Self::take_replies`], whether this is the controller or not.
    pub fn describe_configs(
        &mut self,
        request: DescribeConfigsRequest,
        origin: Origin,
        zk: &mut ZkClient,
        ctx: &mut Context<'_>,
    ) {
        let ops: Vec<Op> = topics(&request)
            .flat_map(|name| [Op::exists(znodes::topic_path(name)), Op::get(znodes::topic_config_path(name))])
            .collect();
        if ops.is_empty() {
            return self.answer_description(&request, origin, &BTreeMap::new());
        }
        let ticket = zk.submit(ops, ctx);
        self.admin.describing.insert(ticket, Describing { request, origin });
    }

    /// The settings of topics were read. Gives the results back where they are not for such a request.
    pub(in super::super) fn described(
        &mut self,
        ticket: Ticket,
        results: Vec<Result<OpResult, ZkError>>,
        io: &mut Io<'_, '_>,
    ) -> Option<Vec<Result<OpResult, ZkError>>> {
        let Some(Describing { request, origin }) = self.admin.describing.remove(&ticket) else { return Some(results) };
        if results.iter().any(|result| matches!(result, Err(ZkError::ConnectionLoss | ZkError::SessionExpired))) {
            self.describe_configs(request, origin, io.zk, io.ctx);
            return None;
        }
        let mut found = Found::new();
        for (name, answer) in topics(&request).zip(results.chunks(2)) {
            let [exists, data] = answer else { continue };
            let overrides = match data {
                Ok(OpResult::Data { data, .. }) => znodes::read_config(data),
                _ => BTreeMap::new(),
            };
            found.insert(name, exists.is_ok().then_some(overrides));
        }
        self.answer_description(&request, origin, &found);
        None
    }

    fn answer_description(&mut self, request: &DescribeConfigsRequest, origin: Origin, found: &Found<'_>) {
        let describe = |resource| self.describe(resource, request, found);
        let results = request.resources.iter().map(describe).collect();
        self.replies.push((origin, DescribeConfigsResponse { throttle_time_ms: 0, results }.into()));
    }

    fn describe(
        &self,
        resource: &DescribeConfigsResource,
        request: &DescribeConfigsRequest,
        found: &Found<'_>,
    ) -> DescribeConfigsResult {
        let name = resource.resource_name.as_ref();
        let configs = match resource.resource_type {
            resource_type::TOPIC => match found.get(name) {
                Some(Some(overrides)) => Ok(topic_configs(&self.settings, overrides, request)),
                Some(None) => Err((ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, String::new())),
                None => Err((ErrorCode::INVALID_TOPIC_EXCEPTION, format!("Topic name is invalid: {name:?}"))),
            },
            resource_type::BROKER if name.is_empty() => Ok(Vec::new()),
            resource_type::BROKER if name == self.id.0.to_string() => Ok(broker_configs(self, request)),
            resource_type::BROKER => {
                let message =
                    format!("Unexpected broker id, expected {} or empty string, but received {name}", self.id.0);
                Err((ErrorCode::INVALID_REQUEST, message))
            }
            other => Err((ErrorCode::INVALID_REQUEST, format!("Unsupported resource type: {other}"))),
        };
        let keys = resource.configuration_keys.as_ref().filter(|keys| !keys.is_empty());
        let wanted = |config: &DescribeConfigsResourceResult| keys.is_none_or(|keys| keys.contains(&config.name));
        let (error, configs) = match configs {
            Ok(configs) => ((ErrorCode::NONE, None), configs.into_iter().filter(wanted).collect()),
            Err((error, message)) => {
                let message = if message.is_empty() { error.message().to_owned() } else { message };
                ((error, Some(Arc::from(message))), Vec::new())
            }
        };
        DescribeConfigsResult {
            error_code: error.0,
            error_message: error.1,
            resource_type: resource.resource_type,
            resource_name: Arc::clone(&resource.resource_name),
            configs,
        }
    }
}

/// The topics that are asked for: those whose names could be.
fn topics(request: &DescribeConfigsRequest) -> impl Iterator<Item = &str> {
    let topics = request.resources.iter().filter(|resource| resource.resource_type == resource_type::TOPIC);
    topics.map(|resource| resource.resource_name.as_ref()).filter(|name| topic_name::validate(name).is_ok())
}

/// A value, and all the places where it is set, that in force first.
struct Value {
    name: &'static str,
    kind: &'static str,
    doc: &'static str,
    read_only: bool,
    places: Vec<(&'static str, String, i8)>,
}

fn topic_configs(
    broker: &Settings,
    overrides: &BTreeMap<String, String>,
    request: &DescribeConfigsRequest,
) -> Vec<DescribeConfigsResourceResult> {
    let settings = TopicSettings::with_overrides(broker, overrides);
    let value = |row: &TopicDefinition| {
        let mut places = Vec::new();
        if overrides.contains_key(row.name) {
            places.push((row.name, settings.get(row.name).unwrap_or_default(), config_source::TOPIC));
        }
        places.extend(broker_places(broker, row.broker_name));
        Value { name: row.name, kind: row.kind, doc: row.doc, read_only: false, places }
    };
    topic_settings::TABLE.iter().map(|row| result(&value(row), request)).collect()
}

/// Where a broker setting is set: what differs from Kafka's default counts as set in the broker's file.
fn broker_places(broker: &Settings, name: &'static str) -> Vec<(&'static str, String, i8)> {
    let (now, default) = (broker.get(name).unwrap_or_default(), Settings::default().get(name).unwrap_or_default());
    let mut places = Vec::new();
    if now != default {
        places.push((name, now, config_source::STATIC_BROKER));
    }
    places.push((name, default, config_source::DEFAULT));
    places
}

fn broker_configs(controller: &Controller, request: &DescribeConfigsRequest) -> Vec<DescribeConfigsResourceResult> {
    let id = Value {
        name: "broker.id",
        kind: "INT",
        doc: "The broker's id.",
        read_only: true,
        places: vec![("broker.id", controller.id.0.to_string(), config_source::STATIC_BROKER)],
    };
    let value = |row: &settings::Definition| Value {
        name: row.name,
        kind: row.kind,
        doc: row.doc,
        read_only: true,
        places: broker_places(&controller.settings, row.name),
    };
    let rows = settings::TABLE.iter().filter(|row| !row.is_of_zookeeper());
    std::iter::once(id).chain(rows.map(value)).map(|value| result(&value, request)).collect()
}

fn result(value: &Value, request: &DescribeConfigsRequest) -> DescribeConfigsResourceResult {
    let in_force = value.places.first();
    let source = in_force.map_or(config_source::DEFAULT, |(_, _, source)| *source);
    let synonym = |(name, value, source): &(&'static str, String, i8)| DescribeConfigsSynonym {
        name: (*name).into(),
        value: Some(value.as_str().into()),
        source: *source,
    };
    DescribeConfigsResourceResult {
        name: value.name.into(),
        value: in_force.map(|(_, text, _)| Arc::from(text.as_str())),
        read_only: value.read_only,
        is_default: source == config_source::DEFAULT,
        config_source: source,
        is_sensitive: false,
        synonyms: if request.include_synonyms { value.places.iter().map(synonym).collect() } else { Vec::new() },
        config_type: kind(value.kind),
        documentation: request.include_documentation.then(|| value.doc.trim().into()),
    }
}

fn kind(name: &str) -> i8 {
    match name {
        "BOOLEAN" => config_type::BOOLEAN,
        "INT" => config_type::INT,
        "SHORT" => config_type::SHORT,
        "LONG" => config_type::LONG,
        "DOUBLE" => config_type::DOUBLE,
        "LIST" => config_type::LIST,
        "STRING" => config_type::STRING,
        _ => config_type::UNKNOWN,
    }
}
