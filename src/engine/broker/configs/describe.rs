//! `DescribeConfigs`: the settings of topics and brokers, where each comes from, what it means. Kafka's `ConfigHelper`.
//!
//! Any broker answers for topics, whose settings it reads from ZooKeeper, and for what all brokers were given; for one
//! broker only that broker itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Broker, Results, Waiting, overrides};
use crate::engine::broker::connection::Origin;
use crate::engine::context::Context;
use crate::engine::controller::znodes;
use crate::engine::settings::{self, BrokerSettings, Definition, Layer, Overrides, Place, Source};
use crate::engine::topic_name;
use crate::engine::topic_settings::{self, TopicDefinition, TopicSettings};
use crate::engine::zk::op::Op;
use crate::protocol::describe_configs::{
    DescribeConfigsResource, DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
    config_source, config_type, resource_type,
};
use crate::protocol::{DescribeConfigsRequest, DescribeConfigsResponse, ErrorCode};

/// What topics set, by name; none for a topic that is not there.
type Found<'a> = BTreeMap<&'a str, Option<Overrides>>;

/// A request that waits for ZooKeeper.
#[derive(Clone, Debug)]
pub(super) struct Describing {
    request: DescribeConfigsRequest,
    origin: Origin,
}

impl Broker {
    /// Handles `DescribeConfigs`.
    pub(crate) fn describe_configs(&mut self, request: DescribeConfigsRequest, origin: &Origin, ctx: &mut Context<'_>) {
        self.read_to_describe(Describing { request, origin: origin.clone() }, ctx);
    }

    pub(super) fn read_to_describe(&mut self, describing: Describing, ctx: &mut Context<'_>) {
        let ops: Vec<Op> = topics(&describing.request)
            .flat_map(|name| [Op::exists(znodes::topic_path(name)), Op::get(znodes::topic_config_path(name))])
            .collect();
        if ops.is_empty() {
            return self.described(&describing, &[], ctx);
        }
        self.ask_for_configs(ops, Waiting::Describing(describing), ctx);
    }

    /// The settings of topics were read.
    pub(super) fn described(&mut self, describing: &Describing, results: &Results, ctx: &mut Context<'_>) {
        let Describing { request, origin } = describing;
        let mut found = Found::new();
        for (name, answer) in topics(request).zip(results.chunks(2)) {
            let [exists, data] = answer else { continue };
            found.insert(name, exists.is_ok().then(|| overrides(data)));
        }
        let describe = |resource| self.describe(resource, request, &found);
        let results = request.resources.iter().map(describe).collect();
        self.reply(origin, Some(DescribeConfigsResponse { throttle_time_ms: 0, results }.into()), ctx);
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
                Some(Some(overrides)) => Ok(topic_configs(&self.configs.broker, overrides, request)),
                Some(None) => Err((ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, String::new())),
                None => Err((ErrorCode::INVALID_TOPIC_EXCEPTION, format!("Topic name is invalid: {name:?}"))),
            },
            resource_type::BROKER if name.is_empty() => Ok(all_broker_configs(&self.configs.broker, request)),
            resource_type::BROKER if name == self.id.0.to_string() => Ok(self.broker_configs(request)),
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
    /// The value in force, where it is not that of the first place; none where that is null.
    in_force: Option<String>,
    places: Vec<(&'static str, String, i8)>,
}

impl Value {
    /// Of a broker's setting.
    fn of(row: &Definition, places: Vec<(&'static str, String, i8)>) -> Self {
        let in_force = places.first().map(|(_, value, _)| value.clone());
        Self { name: row.name, kind: row.kind, doc: row.doc, read_only: !row.is_dynamic(), in_force, places }
    }
}

impl Broker {
    fn broker_configs(&self, request: &DescribeConfigsRequest) -> Vec<DescribeConfigsResourceResult> {
        let number = self.id.0.to_string();
        let id = Value {
            name: "broker.id",
            kind: "INT",
            doc: "The broker's id.",
            read_only: true,
            in_force: Some(number.clone()),
            places: vec![("broker.id", number, config_source::STATIC_BROKER)],
        };
        let value = |row: &Definition| Value::of(row, broker_places(&self.configs.broker, row));
        let rows = settings::TABLE.iter().filter(|row| !row.is_of_zookeeper());
        std::iter::once(id).chain(rows.map(value)).map(|value| result(&value, request)).collect()
    }
}

fn topic_configs(
    broker: &BrokerSettings,
    overrides: &Overrides,
    request: &DescribeConfigsRequest,
) -> Vec<DescribeConfigsResourceResult> {
    let settings = TopicSettings::with_overrides(broker.now(), overrides);
    let value = |row: &TopicDefinition| {
        let in_force = settings.get(row.name);
        let mut places = Vec::new();
        if overrides.contains_key(row.name) {
            places.push((row.name, in_force.clone().unwrap_or_default(), config_source::TOPIC));
        }
        if let Some(row) = settings::definition(row.broker_name) {
            places.extend(broker_places(broker, row));
        }
        Value { name: row.name, kind: row.kind, doc: row.doc, read_only: false, in_force, places }
    };
    topic_settings::TABLE.iter().map(|row| result(&value(row), request)).collect()
}

/// What all brokers were given while they ran, and nothing else.
fn all_broker_configs(broker: &BrokerSettings, request: &DescribeConfigsRequest) -> Vec<DescribeConfigsResourceResult> {
    let given = broker.layer(Layer::AllBrokers);
    let value = |row: &Definition| {
        let text = given.get(row.name)?;
        Some(Value::of(row, vec![(row.name, text.clone(), config_source::DYNAMIC_DEFAULT_BROKER)]))
    };
    settings::TABLE.iter().filter_map(value).map(|value| result(&value, request)).collect()
}

fn broker_places(broker: &BrokerSettings, row: &Definition) -> Vec<(&'static str, String, i8)> {
    let source = |source| match source {
        Source::Layer(Layer::Own) => config_source::DYNAMIC_BROKER,
        Source::Layer(Layer::AllBrokers) => config_source::DYNAMIC_DEFAULT_BROKER,
        Source::Static => config_source::STATIC_BROKER,
        Source::Default => config_source::DEFAULT,
    };
    let place = |place: Place| (place.name, place.value, source(place.source));
    broker.places(row).into_iter().map(place).collect()
}

fn result(value: &Value, request: &DescribeConfigsRequest) -> DescribeConfigsResourceResult {
    let source = value.places.first().map_or(config_source::DEFAULT, |(_, _, source)| *source);
    let synonym = |(name, value, source): &(&'static str, String, i8)| DescribeConfigsSynonym {
        name: (*name).into(),
        value: Some(value.as_str().into()),
        source: *source,
    };
    DescribeConfigsResourceResult {
        name: value.name.into(),
        value: value.in_force.as_deref().map(Arc::from),
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
