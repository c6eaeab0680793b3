//! `--memory`: however much is written, the logs hold no more than they may; what goes is old and acknowledged, and the
//! replicas agree on what is left. What is kept for its keys goes last, and what groups have committed never.

use std::time::Duration;

use kscope::engine::config::Config;
use kscope::engine::event::{BrokerEvent, EventKind};
use kscope::engine::invariants::Invariants;
use kscope::engine::message::Command;
use kscope::engine::node::BrokerId;
use kscope::engine::replica::TopicPartition;
use kscope::protocol::create_topics::CreatableTopicConfig;
use kscope::protocol::offset_commit::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kscope::protocol::produce::{PartitionProduceData, TopicProduceData};
use kscope::protocol::records::{BatchBuilder, Compression};
use kscope::protocol::{ErrorCode, FindCoordinatorRequest, OffsetCommitRequest, OffsetFetchRequest, ProduceRequest};
use kscope::protocol::{Response, offset_fetch};

use super::harness::Lab;
use super::life::{create, record};

const BOUND: u64 = 4 << 20;

/// A lab with a topic of three partitions and a bound.
fn lab() -> Lab {
    let config = Lab::config(3);
    let mut settings = (*config.settings).clone();
    settings.offsets_topic_num_partitions = 1;
    let mut lab = Lab::new(Config { memory_bytes: BOUND, settings: settings.into(), ..config });
    lab.wait("a controller", |lab| lab.controller().is_some());
    lab.run(Duration::from_secs(1));
    let controller = lab.controller().unwrap();
    let Response::CreateTopics(made) = lab.ask(controller, 7, create("t", 3, 3)) else { panic!() };
    assert!(made.topics[0].error_code.is_ok(), "{made:?}");
    lab.run(Duration::from_millis(100));
    lab
}

fn leader(lab: &Lab, id: &TopicPartition) -> BrokerId {
    let leads =
        |lab: &Lab, b: BrokerId| lab.cluster.broker(b).unwrap().running()?.replica(id)?.leader().map(|l| l.epoch);
    (1..=3).map(BrokerId).max_by_key(|b| leads(lab, *b)).unwrap()
}

/// Writes `count` records of 10,000 bytes to each partition and checks after each that the bound holds.
fn write(lab: &mut Lab, invariants: &mut Invariants, count: usize) {
    let value = "x".repeat(10_000);
    for _ in 0..count {
        for partition in 0..3 {
            let id = TopicPartition::new("t", partition);
            let Response::Produce(done) = lab.ask(leader(lab, &id).0, 11, record("t", partition, &value, 1)) else {
                panic!()
            };
            assert!(done.responses[0].partition_responses[0].error_code.is_ok(), "{done:?}\n{}", lab.story());
            invariants.check(&mut lab.cluster).unwrap();
            assert!(lab.cluster.memory_used() <= BOUND, "{} are held", lab.cluster.memory_used());
        }
        lab.run(Duration::from_millis(2));
    }
}

/// The offsets that each broker has of each partition, first and one past the last.
fn held(lab: &Lab) -> Vec<(i32, i32, i64, i64)> {
    let brokers = lab.cluster.brokers();
    brokers
        .flat_map(|(broker, node)| {
            node.logs().map(move |(id, log, _)| (id.partition, broker.0, log.log_start_offset(), log.log_end_offset()))
        })
        .collect()
}

#[test]
fn the_logs_stay_within_the_bound_and_the_replicas_agree() {
    let (mut lab, mut invariants) = (lab(), Invariants::default());
    write(&mut lab, &mut invariants, 400);
    lab.run(Duration::from_secs(1));
    assert!(lab.cluster.memory_evicted() > BOUND, "three times the bound was written");
    assert!(lab.cluster.memory_used() > BOUND / 2, "and half of it is not thrown away for nothing");
    for partition in 0..3 {
        let of_it: Vec<_> = held(&lab).into_iter().filter(|h| h.0 == partition).map(|h| (h.2, h.3)).collect();
        assert_eq!(of_it.len(), 3);
        assert!(of_it.iter().all(|h| *h == of_it[0] && h.0 > 0), "{:?}", held(&lab));
    }
    let told = lab.cluster.events().iter().filter(|e| matches!(e.kind, EventKind::Broker(BrokerEvent::Evicted { .. })));
    assert!(told.count() >= 1, "it is told");
}

#[test]
fn a_dead_broker_does_not_keep_what_the_others_let_go_and_catches_up_when_it_is_back() {
    let (mut lab, mut invariants) = (lab(), Invariants::default());
    write(&mut lab, &mut invariants, 20);
    lab.command(Command::Kill(BrokerId(2)));
    lab.run(Duration::from_secs(3));
    write(&mut lab, &mut invariants, 400);
    lab.command(Command::Start(BrokerId(2)));
    lab.wait("every in-sync set is whole", |lab| {
        (0..3).all(|partition| {
            let id = TopicPartition::new("t", partition);
            let replica = lab.cluster.broker(leader(lab, &id)).unwrap().running().unwrap().replica(&id);
            replica.is_some_and(|replica| replica.state.isr.len() == 3)
        })
    });
    lab.run(Duration::from_secs(1));
    for partition in 0..3 {
        let ends: Vec<i64> = held(&lab).into_iter().filter(|h| h.0 == partition).map(|h| h.3).collect();
        assert_eq!(ends, [420; 3]);
    }
    invariants.sweep(&lab.cluster).unwrap();
    assert!(lab.cluster.memory_used() <= BOUND);
}

/// Writes a record of 10,000 bytes, of a key of its own, to the one partition of `table`.
fn put(lab: &mut Lab, key: usize) {
    let mut batch = BatchBuilder::new(Compression::None);
    let (key, value) = (format!("key {key}"), "x".repeat(10_000));
    batch.push(1_700_000_000_000, Some(key.as_bytes()), Some(value.as_bytes()), &[]);
    let data = PartitionProduceData { index: 0, records: Some(batch.build()) };
    let topic = TopicProduceData { name: "table".into(), partition_data: vec![data] };
    let request = ProduceRequest { acks: 1, timeout_ms: 5_000, topic_data: vec![topic], ..Default::default() };
    let leader = leader(lab, &TopicPartition::new("table", 0));
    let Response::Produce(done) = lab.ask(leader.0, 11, request) else { panic!() };
    assert!(done.responses[0].partition_responses[0].error_code.is_ok(), "{done:?}");
    lab.run(Duration::from_millis(2));
}

fn start_of(lab: &Lab, topic: &str, partition: i32) -> i64 {
    let id = TopicPartition::new(topic, partition);
    lab.cluster.broker(leader(lab, &id)).unwrap().running().unwrap().replica(&id).unwrap().log.log_start_offset()
}

#[test]
fn what_is_kept_for_its_keys_goes_only_when_nothing_else_can() {
    let (mut lab, mut invariants) = (lab(), Invariants::default());
    let mut table = create("table", 1, 3);
    let policy = CreatableTopicConfig { name: "cleanup.policy".into(), value: Some("compact".into()) };
    table.topics[0].configs = vec![policy];
    let controller = lab.controller().unwrap();
    lab.ask(controller, 7, table);
    lab.run(Duration::from_millis(100));
    (0..200).for_each(|key| put(&mut lab, key));
    write(&mut lab, &mut invariants, 400);
    assert_eq!(
        start_of(&lab, "table", 0),
        0,
        "half of the bound is its, and each of its records is the newest of a key"
    );
    assert!((0..3).all(|partition| start_of(&lab, "t", partition) > 0));
    for key in 200..600 {
        put(&mut lab, key);
        assert!(lab.cluster.memory_used() <= BOUND, "{} are held", lab.cluster.memory_used());
    }
    assert!(start_of(&lab, "table", 0) > 0, "the bound holds for it too");
}

/// Commits offset `offset` of partition 0 of `t` for a group, with a note.
fn commit(lab: &mut Lab, group: &str, offset: i64, note: &str) -> ErrorCode {
    let partition = OffsetCommitRequestPartition {
        committed_offset: offset,
        committed_metadata: Some(note.into()),
        ..OffsetCommitRequestPartition::default()
    };
    let request = OffsetCommitRequest {
        group_id: group.into(),
        generation_id_or_member_epoch: -1,
        topics: vec![OffsetCommitRequestTopic { name: "t".into(), partitions: vec![partition] }],
        ..OffsetCommitRequest::default()
    };
    let coordinator = leader(lab, &TopicPartition::new("__consumer_offsets", 0));
    let Response::OffsetCommit(answer) = lab.ask(coordinator.0, 8, request) else { panic!() };
    answer.topics[0].partitions[0].error_code
}

fn committed(lab: &mut Lab, group: &str) -> i64 {
    let topics = vec![offset_fetch::OffsetFetchRequestTopic { name: "t".into(), partition_indexes: vec![0] }];
    let request = OffsetFetchRequest { group_id: group.into(), topics: Some(topics), ..OffsetFetchRequest::default() };
    let coordinator = leader(lab, &TopicPartition::new("__consumer_offsets", 0));
    let Response::OffsetFetch(answer) = lab.ask(coordinator.0, 7, request) else { panic!() };
    assert!(answer.error_code.is_ok(), "{answer:?}");
    answer.topics[0].partitions[0].committed_offset
}

#[test]
fn a_group_knows_how_far_it_is_however_much_is_committed_and_written() {
    let (mut lab, mut invariants) = (lab(), Invariants::default());
    let keys = vec!["quiet".into()];
    lab.ask(1, 4, FindCoordinatorRequest { coordinator_keys: keys, ..FindCoordinatorRequest::default() });
    lab.run(Duration::from_secs(1));
    assert_eq!(commit(&mut lab, "quiet", 7, ""), ErrorCode::NONE);
    let note = "x".repeat(4_000);
    for offset in 0..1_500 {
        assert_eq!(commit(&mut lab, "busy", offset, &note), ErrorCode::NONE);
    }
    // The commits alone are more than the bound.
    for _ in 0..20 {
        lab.ask(leader(&lab, &TopicPartition::new("t", 0)).0, 11, record("t", 0, &note, 1));
    }
    lab.run(Duration::from_secs(60));
    assert!(lab.cluster.memory_used() <= BOUND / 8, "what was overtaken is gone: {}", lab.cluster.memory_used());
    write(&mut lab, &mut invariants, 200);
    lab.command(Command::Kill(leader(&lab, &TopicPartition::new("__consumer_offsets", 0))));
    lab.run(Duration::from_secs(20));
    assert_eq!((committed(&mut lab, "quiet"), committed(&mut lab, "busy")), (7, 1_499));
}
