//! AlterPartition: what a leader may change.

use super::world::World;
use crate::engine::event::ControllerEvent;
use crate::engine::node::BrokerId;
use crate::protocol::alter_partition::{BrokerState, PartitionData, TopicData};
use crate::protocol::{AlterPartitionRequest, ErrorCode, Response};

/// A request as the leader makes it, that a test may spoil.
fn request(world: &World, leader: i32, topic: &str, partition: i32, isr: &[i32]) -> AlterPartitionRequest {
    let state = world.partition(topic, partition).leadership.unwrap();
    let active = world.controller(world.active()[0]);
    let member = |id: &i32| BrokerState { broker_id: *id, broker_epoch: -1 };
    let data = PartitionData {
        partition_index: partition,
        leader_epoch: state.node.leader_epoch,
        new_isr_with_epochs: isr.iter().map(member).collect(),
        partition_epoch: state.version,
        ..Default::default()
    };
    let topic_id = active.cluster().topic(topic).unwrap().id;
    AlterPartitionRequest {
        broker_id: leader,
        broker_epoch: world.broker_epoch(leader),
        topics: vec![TopicData { topic_id, partitions: vec![data], ..Default::default() }],
    }
}

fn send(world: &mut World, request: AlterPartitionRequest) -> ErrorCode {
    let active = world.active()[0];
    let Response::AlterPartition(answer) = world.answer(active, request) else { panic!() };
    if answer.error_code.is_error() {
        return answer.error_code;
    }
    answer.topics[0].partitions[0].error_code
}

/// A leader changes an in-sync set.
pub(super) fn alter(world: &mut World, leader: i32, topic: &str, partition: i32, isr: &[i32]) -> ErrorCode {
    let request = request(world, leader, topic, partition, isr);
    send(world, request)
}

#[test]
fn a_leader_takes_followers_out_and_in_again() {
    let mut world = World::new(3);
    world.topic("t", &[&[1, 2, 3]]);
    world.reports();
    assert_eq!(alter(&mut world, 1, "t", 0, &[1, 2]), ErrorCode::NONE);
    // The leader epoch stays: nothing else about leadership changed.
    assert_eq!(world.state("t", 0), (1, 0, vec![1, 2]));
    assert_eq!(alter(&mut world, 1, "t", 0, &[1, 2, 3]), ErrorCode::NONE);
    assert_eq!(world.state("t", 0), (1, 0, vec![1, 2, 3]));
    assert_eq!(world.state_version("t", 0), 2);
    let changes: Vec<(Vec<BrokerId>, Vec<BrokerId>)> = world
        .reports()
        .into_iter()
        .filter_map(|event| match event {
            ControllerEvent::IsrChanged { added, removed, .. } => Some((added, removed)),
            _ => None,
        })
        .collect();
    assert_eq!(changes, [(vec![], vec![BrokerId(3)]), (vec![BrokerId(3)], vec![])]);
}

#[test]
fn a_change_that_is_there_already_is_agreed_to_again() {
    let mut world = World::new(2);
    world.topic("t", &[&[1, 2]]);
    let again = request(&world, 1, "t", 0, &[1]);
    assert_eq!(send(&mut world, again.clone()), ErrorCode::NONE);
    // The answer was lost, and the leader asks again with the old partition epoch.
    assert_eq!(send(&mut world, again), ErrorCode::NONE);
    assert_eq!(world.state_version("t", 0), 1, "nothing was written twice");
}

#[test]
fn what_is_out_of_date_is_refused() {
    let mut world = World::new(3);
    world.topic("t", &[&[1, 2, 3]]);
    let mut spoil = |change: &dyn Fn(&mut AlterPartitionRequest)| {
        let mut request = request(&world, 1, "t", 0, &[1, 2]);
        change(&mut request);
        send(&mut world, request)
    };
    assert_eq!(spoil(&|r| r.broker_epoch -= 1), ErrorCode::STALE_BROKER_EPOCH);
    assert_eq!(spoil(&|r| r.topics[0].topic_id = uuid::Uuid::from_u128(5)), ErrorCode::UNKNOWN_TOPIC_ID);
    assert_eq!(spoil(&|r| r.topics[0].partitions[0].partition_index = 9), ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    assert_eq!(spoil(&|r| r.topics[0].partitions[0].leader_epoch = -1), ErrorCode::FENCED_LEADER_EPOCH);
    assert_eq!(spoil(&|r| r.topics[0].partitions[0].leader_epoch = 1), ErrorCode::NOT_CONTROLLER);
    assert_eq!(spoil(&|r| r.topics[0].partitions[0].partition_epoch = 1), ErrorCode::NOT_CONTROLLER);
    assert_eq!(spoil(&|r| r.topics[0].partitions[0].partition_epoch = -1), ErrorCode::INVALID_UPDATE_VERSION);
    assert_eq!(spoil(&|r| r.topics[0].partitions[0].leader_recovery_state = 1), ErrorCode::INVALID_REQUEST);
    let old = |r: &mut AlterPartitionRequest| r.topics[0].partitions[0].new_isr_with_epochs[1].broker_epoch = 1;
    assert_eq!(spoil(&old), ErrorCode::INELIGIBLE_REPLICA);
    assert_eq!(world.state("t", 0), (1, 0, vec![1, 2, 3]), "nothing was changed");
}

#[test]
fn a_dead_broker_does_not_join() {
    let mut world = World::new(3);
    world.topic("t", &[&[1, 2, 3]]);
    world.kill_and_wait(3);
    assert_eq!(alter(&mut world, 1, "t", 0, &[1, 2, 3]), ErrorCode::INELIGIBLE_REPLICA);
}

#[test]
fn another_broker_answers_that_it_is_not_the_controller() {
    let mut world = World::new(2);
    world.topic("t", &[&[2, 1]]);
    let request = request(&world, 2, "t", 0, &[2]);
    let Response::AlterPartition(answer) = world.answer(2, request) else { panic!() };
    assert_eq!(answer.error_code, ErrorCode::NOT_CONTROLLER);
}
