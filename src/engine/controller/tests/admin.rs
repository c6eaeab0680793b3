//! Topics created, grown, deleted, described.

use std::time::Duration;

use super::world::World;
use crate::engine::controller::znodes;
use crate::engine::event::ControllerEvent;
use crate::engine::node::BrokerId;
use crate::protocol::create_partitions::CreatePartitionsTopic;
use crate::protocol::create_topics::{CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig};
use crate::protocol::delete_topics::DeleteTopicState;
use crate::protocol::{
    CreatePartitionsRequest, CreateTopicsRequest, DeleteTopicsRequest, ErrorCode, Request, Response,
};

pub(super) fn creatable(name: &str, num_partitions: i32, replication_factor: i16) -> CreatableTopic {
    CreatableTopic { name: name.into(), num_partitions, replication_factor, ..Default::default() }
}

fn create(world: &mut World, topic: CreatableTopic) -> (ErrorCode, String) {
    let request = CreateTopicsRequest { topics: vec![topic], ..Default::default() };
    let Response::CreateTopics(answer) = world.answer(1, request) else { panic!() };
    let result = &answer.topics[0];
    (result.error_code, result.error_message.as_deref().unwrap_or_default().to_owned())
}

fn manual(name: &str, assignments: &[(i32, &[i32])]) -> CreatableTopic {
    let one = |(partition_index, ids): &(i32, &[i32])| CreatableReplicaAssignment {
        partition_index: *partition_index,
        broker_ids: ids.to_vec(),
    };
    CreatableTopic { assignments: assignments.iter().map(one).collect(), ..creatable(name, -1, -1) }
}

fn configured(name: &str, key: &str, value: Option<&str>) -> CreatableTopic {
    let config = CreatableTopicConfig { name: key.into(), value: value.map(Into::into) };
    CreatableTopic { configs: vec![config], ..creatable(name, 1, 1) }
}

#[test]
fn a_topic_is_created_when_everybody_can_use_it() {
    let mut world = World::new(3);
    let topic =
        CreatableTopic { configs: configured("t", "min.insync.replicas", Some("2")).configs, ..creatable("t", 6, 3) };
    let request = CreateTopicsRequest { topics: vec![topic], ..Default::default() };
    let Response::CreateTopics(answer) = world.answer(1, request) else { panic!() };
    let result = &answer.topics[0];
    assert_eq!((result.error_code, result.num_partitions, result.replication_factor), (ErrorCode::NONE, 6, 3));
    let config = result.configs.as_ref().unwrap().iter().find(|c| &*c.name == "min.insync.replicas").unwrap();
    assert_eq!((config.value.as_deref(), config.config_source), (Some("2"), 1));
    let node = znodes::read_topic(&world.data("/brokers/topics/t").unwrap()).unwrap();
    assert_eq!(node.id, result.topic_id);
    // Six partitions on three brokers: each is the preferred leader of two.
    for broker in 1..=3 {
        let preferred = node.partitions.values().filter(|a| a.replicas[0] == BrokerId(broker)).count();
        assert_eq!(preferred, 2);
    }
    assert_eq!(world.data("/config/topics/t").unwrap(), r#"{"version":1,"config":{"min.insync.replicas":"2"}}"#);
}

#[test]
fn what_cannot_be_created_is_refused_with_kafkas_words() {
    let mut world = World::new(2);
    create(&mut world, creatable("fo_o.x", 1, 1));
    let cases: Vec<(CreatableTopic, ErrorCode, &str)> = vec![
        (creatable("fo_o.x", 1, 1), ErrorCode::TOPIC_ALREADY_EXISTS, "Topic 'fo_o.x' already exists."),
        (creatable("fo.o_x", 1, 1), ErrorCode::INVALID_TOPIC_EXCEPTION, "collides with existing topics: fo_o.x"),
        (creatable("a/b", 1, 1), ErrorCode::INVALID_TOPIC_EXCEPTION, "Topic name is invalid"),
        (creatable("", 1, 1), ErrorCode::INVALID_TOPIC_EXCEPTION, "Topic name is invalid"),
        (creatable("p", 0, 1), ErrorCode::INVALID_PARTITIONS, "larger than 0"),
        (creatable("p", 1, 0), ErrorCode::INVALID_REPLICATION_FACTOR, "larger than 0"),
        (
            creatable("p", 1, 3),
            ErrorCode::INVALID_REPLICATION_FACTOR,
            "Replication factor: 3 larger than available brokers: 2.",
        ),
        (configured("c", "nope", Some("1")), ErrorCode::INVALID_CONFIG, "Unknown topic config name: nope"),
        (configured("c", "min.insync.replicas", Some("0")), ErrorCode::INVALID_CONFIG, "Value must be at least 1"),
        (configured("c", "segment.ms", None), ErrorCode::INVALID_CONFIG, "Null value not supported"),
        (manual("m", &[(0, &[1, 1])]), ErrorCode::INVALID_REPLICA_ASSIGNMENT, "Duplicate"),
        (manual("m", &[(1, &[1])]), ErrorCode::INVALID_REPLICA_ASSIGNMENT, "consecutive"),
        (manual("m", &[(0, &[1]), (1, &[1, 2])]), ErrorCode::INVALID_REPLICA_ASSIGNMENT, "same number of replicas"),
        (
            CreatableTopic { num_partitions: 1, ..manual("m", &[(0, &[1])]) },
            ErrorCode::INVALID_REQUEST,
            "Both cannot be used at the same time",
        ),
    ];
    for (topic, error, words) in cases {
        let name = topic.name.clone();
        let (code, message) = create(&mut world, topic);
        assert_eq!(code, error, "{name}: {message}");
        assert!(message.contains(words), "{name}: {message}");
    }
    let request =
        CreateTopicsRequest { topics: vec![creatable("d", 1, 1), creatable("d", 2, 1)], ..Default::default() };
    let Response::CreateTopics(answer) = world.answer(1, request) else { panic!() };
    assert_eq!(answer.topics.len(), 1);
    assert_eq!(answer.topics[0].error_code, ErrorCode::INVALID_REQUEST);
    assert!(!world.exists("/brokers/topics/d"));
}

#[test]
fn a_check_creates_nothing() {
    let mut world = World::new(1);
    let request =
        CreateTopicsRequest { topics: vec![creatable("t", -1, -1)], validate_only: true, ..Default::default() };
    let Response::CreateTopics(answer) = world.answer(1, request) else { panic!() };
    assert_eq!((answer.topics[0].error_code, answer.topics[0].num_partitions), (ErrorCode::NONE, 1));
    assert!(!world.exists("/brokers/topics/t"));
}

#[test]
fn a_manual_assignment_is_taken_as_it_is() {
    let mut world = World::new(3);
    assert_eq!(create(&mut world, manual("m", &[(0, &[2, 3]), (1, &[3, 1])])).0, ErrorCode::NONE);
    assert_eq!(world.state("m", 0), (2, 0, vec![2, 3]));
    assert_eq!(world.state("m", 1), (3, 0, vec![3, 1]));
}

#[test]
fn who_is_not_the_controller_says_so() {
    let mut world = World::new(2);
    let request = CreateTopicsRequest { topics: vec![creatable("t", 1, 1)], ..Default::default() };
    let Response::CreateTopics(answer) = world.answer(2, request) else { panic!() };
    assert_eq!(answer.topics[0].error_code, ErrorCode::NOT_CONTROLLER);
}

#[test]
fn whoever_waits_longer_than_he_said_is_told() {
    let mut world = World::new(2);
    // Nobody can lead it: its only broker does not exist.
    let request =
        CreateTopicsRequest { topics: vec![manual("t", &[(0, &[7])])], timeout_ms: 500, ..Default::default() };
    let id = world.ask(1, request);
    world.pass(Duration::from_millis(400));
    assert!(!world.answers.contains_key(&id));
    world.pass(Duration::from_millis(200));
    let Some(Response::CreateTopics(answer)) = world.answers.remove(&id) else { panic!() };
    assert_eq!(answer.topics[0].error_code, ErrorCode::REQUEST_TIMED_OUT);
    assert!(world.exists("/brokers/topics/t"), "it is there all the same");
}

fn grow(world: &mut World, count: i32) -> (ErrorCode, String) {
    let topic = CreatePartitionsTopic { name: "t".into(), count, assignments: None };
    let request = CreatePartitionsRequest { topics: vec![topic], timeout_ms: 1_000, validate_only: false };
    let Response::CreatePartitions(answer) = world.answer(1, request) else { panic!() };
    let result = &answer.results[0];
    (result.error_code, result.error_message.as_deref().unwrap_or_default().to_owned())
}

#[test]
fn a_topic_grows_and_never_shrinks() {
    let mut world = World::new(3);
    assert_eq!(grow(&mut world, 2).0, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    world.topic("t", &[&[2, 3], &[3, 1]]);
    world.reports();
    let (code, message) = grow(&mut world, 2);
    assert_eq!((code, &*message), (ErrorCode::INVALID_PARTITIONS, "Topic already has 2 partitions."));
    assert_eq!(grow(&mut world, 1).0, ErrorCode::INVALID_PARTITIONS);
    assert_eq!(grow(&mut world, 4), (ErrorCode::NONE, String::new()));
    // It goes on round the brokers from where partition 0 began.
    assert_eq!(world.state("t", 2).0, 1);
    assert_eq!(world.state("t", 3).0, 2);
    let added = ControllerEvent::PartitionsAdded { topic: "t".into(), partitions: vec![2, 3] };
    assert!(world.reports().contains(&added));
}

fn delete(world: &mut World, name: &str) -> u64 {
    let topics = vec![DeleteTopicState { name: Some(name.into()), ..Default::default() }];
    world.ask(1, DeleteTopicsRequest { topics, timeout_ms: 10_000, ..Default::default() })
}

fn deleted(world: &World, id: u64) -> Option<ErrorCode> {
    match world.answers.get(&id) {
        Some(Response::DeleteTopics(answer)) => Some(answer.responses[0].error_code),
        _ => None,
    }
}

#[test]
fn a_topic_is_deleted_with_its_replicas_and_znodes() {
    let mut world = World::new(3);
    let id = delete(&mut world, "t");
    assert_eq!(deleted(&world, id), Some(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION));
    assert_eq!(create(&mut world, creatable("t", 3, 2)).0, ErrorCode::NONE);
    world.told.clear();
    let id = delete(&mut world, "t");
    assert_eq!(deleted(&world, id), Some(ErrorCode::NONE));
    for gone in ["/brokers/topics/t", "/config/topics/t", "/admin/delete_topics/t"] {
        assert!(!world.exists(gone), "{gone}");
    }
    let stopped = world.told.iter().filter_map(|(_, request)| match request {
        Request::StopReplica(request) => Some(request.topic_states[0].partition_states.len()),
        _ => None,
    });
    assert_eq!(stopped.sum::<usize>(), 6, "every replica");
    // Metadata names the leader -2 meanwhile: brokers forget the topic.
    let forgotten = |request: &Request| match request {
        Request::UpdateMetadata(request) => {
            request.topic_states.iter().flat_map(|topic| &topic.partition_states).all(|state| state.leader == -2)
        }
        _ => false,
    };
    assert!(world.told.iter().any(|(_, request)| forgotten(request)));
    // It can be created again, with another id.
    assert_eq!(create(&mut world, creatable("t", 1, 1)).0, ErrorCode::NONE);
}

#[test]
fn a_deletion_waits_for_a_dead_broker() {
    let mut world = World::new(3);
    world.topic("t", &[&[2, 3]]);
    world.kill_and_wait(3);
    world.reports();
    let id = delete(&mut world, "t");
    assert_eq!(deleted(&world, id), None);
    assert!(world.reports().iter().any(|e| matches!(e, ControllerEvent::TopicDeletionWaits { .. })));
    assert!(world.exists("/brokers/topics/t"));
    world.start(BrokerId(3));
    assert_eq!(deleted(&world, id), Some(ErrorCode::NONE));
    assert!(!world.exists("/brokers/topics/t"));
}

#[test]
fn a_new_controller_goes_on_deleting() {
    let mut world = World::new(3);
    world.topic("t", &[&[2, 3]]);
    world.kill_and_wait(3);
    let id = delete(&mut world, "t");
    world.kill_and_wait(1);
    assert_eq!(deleted(&world, id), None, "the controller died with the request");
    world.start(BrokerId(3));
    assert!(!world.exists("/brokers/topics/t"));
}
