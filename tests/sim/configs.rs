//! Changing settings while brokers run: what a script says of it, and what brokers answer to each API, as a real 3.9 does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kscope::engine::event::{BrokerEvent, EventKind};
use kscope::engine::node::BrokerId;
use kscope::engine::replica::{Replica, TopicPartition};
use kscope::protocol::alter_configs::{AlterConfigsResource, AlterableConfig};
use kscope::protocol::describe_configs::{
    DescribeConfigsResource, DescribeConfigsResourceResult, config_source, resource_type,
};
use kscope::protocol::describe_log_dirs::DescribableLogDirTopic;
use kscope::protocol::incremental_alter_configs::{
    IncrementalAlterConfigsResource, IncrementalAlterableConfig, config_operation,
};
use kscope::protocol::{
    AlterConfigsRequest, DescribeConfigsRequest, DescribeLogDirsRequest, ErrorCode, IncrementalAlterConfigsRequest,
    Response,
};

use super::harness::Lab;
use super::life::{create, record};

/// Whose settings: `brokers` for all, `broker:2` for one, or a topic.
fn resource(whose: &str) -> (i8, Arc<str>) {
    match whose {
        "brokers" => (resource_type::BROKER, "".into()),
        other => match other.strip_prefix("broker:") {
            Some(id) => (resource_type::BROKER, id.into()),
            None => (resource_type::TOPIC, other.into()),
        },
    }
}

/// The request of `alter t a=1 b= c+=x c-=y`: set, delete, append, subtract.
pub(super) fn alteration(whose: &str, changes: &BTreeMap<&str, &str>) -> IncrementalAlterConfigsRequest {
    let change = |(name, value): (&&str, &&str)| {
        let (name, config_operation) = match (name.strip_suffix('+'), name.strip_suffix('-')) {
            (Some(name), _) => (name, config_operation::APPEND),
            (_, Some(name)) => (name, config_operation::SUBTRACT),
            _ if value.is_empty() => (*name, config_operation::DELETE),
            _ => (*name, config_operation::SET),
        };
        let value = (!value.is_empty()).then(|| (*value).into());
        IncrementalAlterableConfig { name: name.into(), config_operation, value }
    };
    let (resource_type, resource_name) = resource(whose);
    let configs = changes.iter().map(change).collect();
    let resources = vec![IncrementalAlterConfigsResource { resource_type, resource_name, configs }];
    IncrementalAlterConfigsRequest { resources, validate_only: false }
}

/// The request of `settings t a b`.
pub(super) fn description(whose: &str, names: &[&str]) -> DescribeConfigsRequest {
    let (resource_type, resource_name) = resource(whose);
    let names = (!names.is_empty()).then(|| names.iter().map(|name| Arc::from(*name)).collect());
    let resource = DescribeConfigsResource { resource_type, resource_name, configuration_keys: names };
    DescribeConfigsRequest { resources: vec![resource], include_synonyms: true, include_documentation: false }
}

/// A setting, as Kafka's own command line shows it.
pub(super) fn shown(config: &DescribeConfigsResourceResult) -> String {
    let source = |source| match source {
        config_source::TOPIC => "DYNAMIC_TOPIC_CONFIG",
        config_source::DYNAMIC_BROKER => "DYNAMIC_BROKER_CONFIG",
        config_source::DYNAMIC_DEFAULT_BROKER => "DYNAMIC_DEFAULT_BROKER_CONFIG",
        config_source::STATIC_BROKER => "STATIC_BROKER_CONFIG",
        _ => "DEFAULT_CONFIG",
    };
    let value = |value: &Option<Arc<str>>| value.as_deref().unwrap_or("null").to_owned();
    let synonym = |s: &kscope::protocol::describe_configs::DescribeConfigsSynonym| {
        format!("{}:{}={}", source(s.source), s.name, value(&s.value))
    };
    let synonyms: Vec<String> = config.synonyms.iter().map(synonym).collect();
    format!("{}={} synonyms={{{}}}", config.name, value(&config.value), synonyms.join(", "))
}

/// Three brokers with a topic of two partitions.
fn lab() -> Lab {
    let mut lab = Lab::new(Lab::config(1));
    lab.wait("a controller", |lab| lab.controller().is_some());
    lab.run(Duration::from_secs(1));
    let controller = lab.controller().unwrap();
    let Response::CreateTopics(created) = lab.ask(controller, 7, create("t", 2, 3)) else { panic!() };
    assert!(created.topics[0].error_code.is_ok(), "{created:?}");
    lab
}

/// Asks a broker to change settings, and says what it answers.
fn alter(lab: &mut Lab, broker: i32, whose: &str, changes: &[(&str, &str)]) -> (ErrorCode, String) {
    ask(lab, broker, alteration(whose, &changes.iter().copied().collect()))
}

fn ask(lab: &mut Lab, broker: i32, request: IncrementalAlterConfigsRequest) -> (ErrorCode, String) {
    let Response::IncrementalAlterConfigs(answer) = lab.ask(broker, 1, request) else { panic!() };
    let result = &answer.responses[0];
    (result.error_code, result.error_message.as_deref().unwrap_or_default().to_owned())
}

fn done() -> (ErrorCode, String) {
    (ErrorCode::NONE, String::new())
}

fn describe(lab: &mut Lab, broker: i32, whose: &str, names: &[&str]) -> Vec<String> {
    let Response::DescribeConfigs(answer) = lab.ask(broker, 4, description(whose, names)) else { panic!() };
    answer.results[0].configs.iter().map(shown).collect()
}

fn describe_error(lab: &mut Lab, broker: i32, whose: (i8, &str)) -> ErrorCode {
    let resource =
        DescribeConfigsResource { resource_type: whose.0, resource_name: whose.1.into(), configuration_keys: None };
    let request = DescribeConfigsRequest { resources: vec![resource], ..Default::default() };
    let Response::DescribeConfigs(answer) = lab.ask(broker, 4, request) else { panic!() };
    answer.results[0].error_code
}

fn replica(lab: &Lab, broker: i32, partition: i32) -> &Replica {
    let broker = lab.cluster.broker(BrokerId(broker)).unwrap().running().unwrap();
    &broker.replicas[&TopicPartition::new("t", partition)]
}

#[test]
fn every_replica_goes_by_what_its_topic_was_given() {
    let mut lab = lab();
    let changes =
        [("segment.bytes", "1000"), ("min.insync.replicas", "2"), ("message.timestamp.type", "LogAppendTime")];
    assert_eq!(alter(&mut lab, 2, "t", &changes), done());
    lab.run(Duration::from_millis(50));
    for (broker, partition) in [(1, 0), (2, 0), (3, 0), (1, 1), (2, 1), (3, 1)] {
        let replica = replica(&lab, broker, partition);
        let config = replica.log.config();
        assert_eq!((config.segment_bytes, config.log_append_time, replica.min_insync), (1_000, true, 2));
    }
    assert_eq!(alter(&mut lab, 3, "t", &[("segment.bytes", "")]), done(), "what is left alone again");
    lab.run(Duration::from_millis(50));
    assert_eq!(replica(&lab, 1, 0).log.config().segment_bytes, 16_777_216);
    assert_eq!(replica(&lab, 1, 0).min_insync, 2, "and the others stay");
}

#[test]
fn a_broker_that_was_away_takes_up_what_changed_meanwhile() {
    let mut lab = lab();
    lab.command(kscope::engine::message::Command::Kill(BrokerId(3)));
    lab.run(Duration::from_secs(2));
    assert_eq!(alter(&mut lab, 1, "t", &[("segment.bytes", "1000")]), done());
    assert_eq!(alter(&mut lab, 1, "brokers", &[("message.max.bytes", "5000")]), done());
    lab.command(kscope::engine::message::Command::Start(BrokerId(3)));
    lab.run(Duration::from_secs(3));
    let config = replica(&lab, 3, 0).log.config();
    assert_eq!((config.segment_bytes, config.max_message_bytes), (1_000, 5_000));
}

#[test]
fn a_smaller_minimum_makes_readable_what_waited_for_it() {
    let mut lab = lab();
    assert_eq!(alter(&mut lab, 1, "t", &[("min.insync.replicas", "3")]), done());
    let leader = (1..=3).find(|id| replica(&lab, *id, 0).leader().is_some()).unwrap();
    let follower = leader % 3 + 1;
    lab.command(kscope::engine::message::Command::Kill(BrokerId(follower)));
    lab.wait("the follower to leave", |lab| replica(lab, leader, 0).state.isr.len() == 2);
    let Response::Produce(_) = lab.ask(leader, 11, record("t", 0, "x", 1)) else { panic!() };
    lab.run(Duration::from_secs(1));
    assert_eq!(replica(&lab, leader, 0).high_watermark, 0, "two of three are too few");
    assert_eq!(alter(&mut lab, leader, "t", &[("min.insync.replicas", "2")]), done());
    lab.run(Duration::from_millis(100));
    assert_eq!(replica(&lab, leader, 0).high_watermark, 1);
}

#[test]
fn what_kafka_refuses_is_refused_with_its_words() {
    let mut lab = lab();
    let invalid = |message: &str| (ErrorCode::INVALID_CONFIG, message.to_owned());
    let request = |message: &str| (ErrorCode::INVALID_REQUEST, message.to_owned());
    assert_eq!(alter(&mut lab, 1, "t", &[("foo", "bar")]), invalid("Unknown topic config name: foo"));
    let wrong = "Invalid config value for resource ConfigResource(type=TOPIC, name='t'): \
                 Invalid value x for configuration segment.ms: Not a number of type LONG";
    assert_eq!(alter(&mut lab, 1, "t", &[("segment.ms", "x")]), invalid(wrong));
    let small = "Invalid config value for resource ConfigResource(type=TOPIC, name='t'): \
                 Invalid value 1 for configuration segment.bytes: Value must be at least 14";
    assert_eq!(alter(&mut lab, 1, "t", &[("segment.bytes", "1")]), invalid(small));
    let gone = (ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, "The topic 'u' does not exist.".to_owned());
    assert_eq!(alter(&mut lab, 1, "u", &[("segment.ms", "1")]), gone);
    let no_list = "Config value append is not allowed for config key: segment.ms";
    assert_eq!(alter(&mut lab, 1, "t", &[("segment.ms+", "1")]), invalid(no_list));
    let fixed = "Cannot update these configs dynamically: Set(num.partitions)";
    assert_eq!(alter(&mut lab, 1, "broker:1", &[("num.partitions", "3")]), request(fixed));
    let low = "Invalid value 0 for configuration min.insync.replicas: Value must be at least 1";
    assert_eq!(alter(&mut lab, 1, "brokers", &[("min.insync.replicas", "0")]), request(low));
    let other = "Unexpected broker id, expected 1, but received 2";
    assert_eq!(alter(&mut lab, 1, "broker:2", &[("min.insync.replicas", "2")]), request(other));
    // Kafka would take it for a plug-in's; here nothing is accepted and ignored.
    assert_eq!(alter(&mut lab, 1, "broker:1", &[("foo.bar", "2")]).0, ErrorCode::INVALID_CONFIG);
    let default = "Default topic resources are not allowed.";
    assert_eq!(alter(&mut lab, 1, "", &[("segment.ms", "1")]), request(default));
    assert_eq!(describe(&mut lab, 1, "t", &["segment.bytes"]).len(), 1);
    assert!(describe(&mut lab, 1, "t", &["segment.bytes"])[0].contains("STATIC_BROKER"), "nothing of it was done");
}

#[test]
fn a_request_that_makes_no_sense_is_refused_part_by_part() {
    let mut lab = lab();
    let one = alteration("t", &[("segment.bytes", "1000")].into());
    let twice = IncrementalAlterConfigsRequest {
        resources: vec![one.resources[0].clone(), one.resources[0].clone()],
        validate_only: false,
    };
    let message = "Each resource must appear at most once.".to_owned();
    assert_eq!(ask(&mut lab, 1, twice), (ErrorCode::INVALID_REQUEST, message));
    let with = |configs: Vec<IncrementalAlterableConfig>, resource_type| {
        let resource = IncrementalAlterConfigsResource { resource_type, resource_name: "t".into(), configs };
        IncrementalAlterConfigsRequest { resources: vec![resource], validate_only: false }
    };
    let set = |name: &str, config_operation, value: Option<&str>| IncrementalAlterableConfig {
        name: name.into(),
        config_operation,
        value: value.map(Arc::from),
    };
    let keys = vec![set("segment.ms", 0, Some("1")), set("segment.ms", 0, Some("2"))];
    let refused = ask(&mut lab, 1, with(keys, resource_type::TOPIC));
    assert_eq!(refused, (ErrorCode::INVALID_REQUEST, "Error due to duplicate config keys".to_owned()));
    let null = ask(&mut lab, 1, with(vec![set("segment.ms", 0, None)], resource_type::TOPIC));
    assert_eq!(null, (ErrorCode::INVALID_REQUEST, "Null value not supported for : segment.ms".to_owned()));
    let operation = ask(&mut lab, 1, with(vec![set("segment.ms", 7, Some("1"))], resource_type::TOPIC));
    assert_eq!(operation, (ErrorCode::INVALID_REQUEST, "Unknown operations type 7".to_owned()));
    let kind = ask(&mut lab, 1, with(vec![], 77));
    assert_eq!(kind, (ErrorCode::INVALID_REQUEST, "Unknown resource type 77".to_owned()));
    assert_eq!(ask(&mut lab, 1, with(vec![], resource_type::BROKER_LOGGER)).0, ErrorCode::INVALID_REQUEST);
}

#[test]
fn to_check_only_changes_nothing() {
    let mut lab = lab();
    let mut request = alteration("t", &[("segment.bytes", "1000")].into());
    request.validate_only = true;
    assert_eq!(ask(&mut lab, 1, request.clone()), done());
    request.resources[0].configs[0].value = Some("1".into());
    assert_eq!(ask(&mut lab, 1, request).0, ErrorCode::INVALID_CONFIG, "but it checks");
    lab.run(Duration::from_millis(50));
    assert_eq!(replica(&lab, 1, 0).log.config().segment_bytes, 16_777_216);
    let told =
        lab.cluster.events().iter().any(|e| matches!(e.kind, EventKind::Broker(BrokerEvent::ConfigAltered { .. })));
    assert!(!told, "and says nothing");
}

#[test]
fn the_old_request_replaces_all() {
    let mut lab = lab();
    assert_eq!(alter(&mut lab, 1, "t", &[("segment.bytes", "1000"), ("min.insync.replicas", "2")]), done());
    let replace = |configs: &[(&str, Option<&str>)]| {
        let config = |(name, value): &(&str, Option<&str>)| AlterableConfig {
            name: (*name).into(),
            value: value.map(Arc::from),
        };
        let configs = configs.iter().map(config).collect();
        let resource = AlterConfigsResource { resource_type: resource_type::TOPIC, resource_name: "t".into(), configs };
        AlterConfigsRequest { resources: vec![resource], validate_only: false }
    };
    let Response::AlterConfigs(null) = lab.ask(1, 2, replace(&[("segment.ms", None)])) else { panic!() };
    assert_eq!(null.responses[0].error_code, ErrorCode::INVALID_REQUEST);
    let Response::AlterConfigs(answer) = lab.ask(1, 2, replace(&[("segment.ms", Some("5000"))])) else { panic!() };
    assert_eq!(answer.responses[0].error_code, ErrorCode::NONE, "{answer:?}");
    lab.run(Duration::from_millis(50));
    let replica = replica(&lab, 2, 0);
    let config = replica.log.config();
    assert_eq!((config.segment_bytes, config.segment_ms, replica.min_insync), (16_777_216, 5_000, 1));
}

#[test]
fn a_setting_says_where_it_comes_from() {
    let mut lab = lab();
    let name = ["segment.bytes"];
    let fixed = "STATIC_BROKER_CONFIG:log.segment.bytes=16777216, DEFAULT_CONFIG:log.segment.bytes=1073741824";
    let expected = format!("segment.bytes=16777216 synonyms={{{fixed}}}");
    assert_eq!(describe(&mut lab, 1, "t", &name), [expected], "what --pace lab changes counts as in the file");
    assert_eq!(alter(&mut lab, 1, "brokers", &[("log.segment.bytes", "3000")]), done());
    assert_eq!(alter(&mut lab, 2, "broker:2", &[("log.segment.bytes", "2000")]), done());
    assert_eq!(alter(&mut lab, 3, "t", &[("segment.bytes", "1000")]), done());
    lab.run(Duration::from_millis(50));
    let all = format!("DYNAMIC_DEFAULT_BROKER_CONFIG:log.segment.bytes=3000, {fixed}");
    let own = format!("DYNAMIC_BROKER_CONFIG:log.segment.bytes=2000, {all}");
    let of_topic =
        |rest: &str| format!("segment.bytes=1000 synonyms={{DYNAMIC_TOPIC_CONFIG:segment.bytes=1000, {rest}}}");
    assert_eq!(describe(&mut lab, 1, "t", &name), [of_topic(&all)]);
    assert_eq!(describe(&mut lab, 2, "t", &name), [of_topic(&own)], "each broker speaks of its own");
    let of_broker = format!("log.segment.bytes=2000 synonyms={{{own}}}");
    assert_eq!(describe(&mut lab, 2, "broker:2", &["log.segment.bytes"]), [of_broker]);
    let given = "log.segment.bytes=3000 synonyms={DYNAMIC_DEFAULT_BROKER_CONFIG:log.segment.bytes=3000}";
    assert_eq!(describe(&mut lab, 2, "brokers", &[]), [given], "all brokers: what they were given, and nothing else");
    assert_eq!(alter(&mut lab, 3, "t", &[("segment.bytes", "")]), done());
    lab.run(Duration::from_millis(50));
    assert_eq!(replica(&lab, 1, 0).log.config().segment_bytes, 3_000);
    assert_eq!(replica(&lab, 2, 0).log.config().segment_bytes, 2_000);
}

#[test]
fn what_has_no_value_is_null() {
    let mut lab = lab();
    assert_eq!(
        describe(&mut lab, 1, "broker:1", &["log.flush.interval.ms"]),
        ["log.flush.interval.ms=null synonyms={}"]
    );
    assert_eq!(describe(&mut lab, 1, "t", &["flush.ms"]), ["flush.ms=9223372036854775807 synonyms={}"]);
    let ours = ["broker.id", "zookeeper.session.timeout.ms"];
    let expected = [
        "broker.id=1 synonyms={STATIC_BROKER_CONFIG:broker.id=1}",
        "zookeeper.session.timeout.ms=1200 synonyms={STATIC_BROKER_CONFIG:zookeeper.session.timeout.ms=1200, \
         DEFAULT_CONFIG:zookeeper.session.timeout.ms=18000}",
    ];
    assert_eq!(describe(&mut lab, 1, "broker:1", &ours), expected);
}

#[test]
fn who_is_not_there_or_elsewhere_is_not_described() {
    let mut lab = lab();
    assert_eq!(describe(&mut lab, 2, "t", &[]).len(), kscope::engine::topic_settings::TABLE.len());
    assert_eq!(describe_error(&mut lab, 2, (resource_type::TOPIC, "u")), ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    assert_eq!(describe_error(&mut lab, 2, (resource_type::TOPIC, "a/b")), ErrorCode::INVALID_TOPIC_EXCEPTION);
    assert_eq!(describe_error(&mut lab, 2, (resource_type::BROKER, "1")), ErrorCode::INVALID_REQUEST);
    assert_eq!(describe_error(&mut lab, 2, (resource_type::BROKER_LOGGER, "2")), ErrorCode::INVALID_REQUEST);
}

#[test]
fn old_notifications_go() {
    let mut lab = lab();
    let changes = |lab: &Lab| {
        let server = lab.cluster.ensemble().unwrap();
        server.tree().get("/config/changes").unwrap().children().count()
    };
    assert_eq!(alter(&mut lab, 1, "t", &[("segment.bytes", "1000")]), done());
    assert_eq!(alter(&mut lab, 1, "t", &[("segment.bytes", "2000")]), done());
    assert_eq!(changes(&lab), 2);
    lab.run(Duration::from_secs(15 * 60 + 1));
    assert_eq!(changes(&lab), 2, "nobody looks before there is something new");
    assert_eq!(alter(&mut lab, 1, "t", &[("segment.bytes", "3000")]), done());
    lab.run(Duration::from_secs(1));
    assert_eq!(changes(&lab), 1);
    assert_eq!(replica(&lab, 3, 1).log.config().segment_bytes, 3_000);
}

#[test]
fn a_broker_says_how_large_its_replicas_are() {
    let mut lab = lab();
    let leader = (1..=3).find(|id| replica(&lab, *id, 0).leader().is_some()).unwrap();
    let Response::Produce(_) = lab.ask(leader, 11, record("t", 0, "x", -1)) else { panic!() };
    let topic = DescribableLogDirTopic { topic: "t".into(), partitions: vec![0, 7] };
    let asked = DescribeLogDirsRequest { topics: Some(vec![topic]) };
    let Response::DescribeLogDirs(answer) = lab.ask(leader, 4, asked) else { panic!() };
    let [dir] = answer.results.as_slice() else { panic!("{answer:?}") };
    assert_eq!((dir.total_bytes, dir.usable_bytes, &*dir.log_dir), (-1, -1, &*format!("/memory/broker-{leader}")));
    let [partition] = dir.topics[0].partitions.as_slice() else { panic!("{dir:?}") };
    let size = i64::try_from(replica(&lab, leader, 0).log.size_bytes()).unwrap();
    assert!(size > 0);
    assert_eq!((partition.partition_index, partition.partition_size, partition.offset_lag), (0, size, 0));
    let Response::DescribeLogDirs(all) = lab.ask(leader, 1, DescribeLogDirsRequest { topics: None }) else { panic!() };
    assert_eq!(all.results[0].topics[0].partitions.len(), 2);
}
