//! A cluster's life: it starts, elects a controller, makes topics, loses a broker, heals.

use std::time::Duration;

use kscope::engine::message::Command;
use kscope::engine::node::BrokerId;
use kscope::engine::replica::TopicPartition;
use kscope::protocol::create_topics::CreatableTopic;
use kscope::protocol::produce::{PartitionProduceData, TopicProduceData};
use kscope::protocol::records::{BatchBuilder, Compression};
use kscope::protocol::{CreateTopicsRequest, ProduceRequest, Response};

use super::harness::Lab;

pub(super) fn create(name: &str, partitions: i32, replicas: i16) -> CreateTopicsRequest {
    let topic = CreatableTopic {
        name: name.into(),
        num_partitions: partitions,
        replication_factor: replicas,
        ..Default::default()
    };
    CreateTopicsRequest { topics: vec![topic], timeout_ms: 5_000, ..Default::default() }
}

pub(super) fn record(topic: &str, partition: i32, value: &str, acks: i16) -> ProduceRequest {
    let mut batch = BatchBuilder::new(Compression::None);
    batch.push(1_700_000_000_000, None, Some(value.as_bytes()), &[]);
    let data = PartitionProduceData { index: partition, records: Some(batch.build()) };
    let topic = TopicProduceData { name: topic.into(), partition_data: vec![data] };
    ProduceRequest { acks, timeout_ms: 5_000, topic_data: vec![topic], ..Default::default() }
}

#[test]
fn it_starts_makes_a_topic_and_survives_a_leader() {
    let mut lab = Lab::new(Lab::config(1));
    lab.wait("a controller", |lab| lab.controller().is_some());
    lab.run(Duration::from_secs(1));
    let controller = lab.controller().unwrap();
    let Response::CreateTopics(created) = lab.ask(controller, 7, create("t", 3, 3)) else { panic!() };
    assert!(created.topics[0].error_code.is_ok(), "{created:?}\n{}", lab.story());
    let id = TopicPartition::new("t", 0);
    let leader = lab
        .cluster
        .broker(BrokerId(controller))
        .unwrap()
        .running()
        .unwrap()
        .metadata
        .partition(&id)
        .unwrap()
        .leader
        .unwrap();
    let Response::Produce(done) = lab.ask(leader.0, 11, record("t", 0, "one", -1)) else { panic!() };
    assert!(done.responses[0].partition_responses[0].error_code.is_ok(), "{done:?}\n{}", lab.story());
    lab.command(Command::Kill(leader));
    let killed = lab.now();
    lab.wait("another leader", |lab| {
        lab.cluster.brokers().any(|(id2, node)| {
            id2 != leader && node.running().is_some_and(|b| b.replicas.get(&id).is_some_and(|r| r.leader().is_some()))
        })
    });
    let took = lab.now().since(killed);
    // The session time-out, rounded up to the tick, and 100 ms for the work.
    assert!(
        took <= Duration::from_millis(1_200 + 200 + 100),
        "{took:?}
{}",
        lab.story()
    );
    lab.command(Command::Start(leader));
    lab.wait("the in-sync set is whole again", |lab| {
        lab.cluster.brokers().any(|(_, node)| {
            node.running()
                .is_some_and(|b| b.replicas.get(&id).is_some_and(|r| r.leader().is_some() && r.state.isr.len() == 3))
        })
    });
}
