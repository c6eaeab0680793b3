//! Partitions that move to other brokers.

use super::isr::alter;
use super::world::{World, ids};
use crate::engine::controller::znodes::{self, Assignment};
use crate::engine::event::{ControllerEvent, ReassignmentStep};
use crate::engine::node::BrokerId;
use crate::engine::zk::op::{CreateMode, Write};
use crate::protocol::alter_partition_reassignments::{ReassignablePartition, ReassignableTopic};
use crate::protocol::{
    AlterPartitionReassignmentsRequest, ErrorCode, ListPartitionReassignmentsRequest, Request, Response,
};

fn reassign(world: &mut World, target: Option<&[i32]>) -> ErrorCode {
    let replicas = target.map(<[i32]>::to_vec);
    let partitions = vec![ReassignablePartition { partition_index: 0, replicas }];
    let topics = vec![ReassignableTopic { name: "t".into(), partitions }];
    let request = AlterPartitionReassignmentsRequest { topics, ..Default::default() };
    let active = world.active()[0];
    let Response::AlterPartitionReassignments(answer) = world.answer(active, request) else { panic!() };
    answer.responses[0].partitions[0].error_code
}

fn assignment(world: &World) -> Assignment {
    znodes::read_topic(&world.data("/brokers/topics/t").unwrap()).unwrap().partitions[&0].clone()
}

fn steps(world: &mut World) -> Vec<ReassignmentStep> {
    let step = |event| match event {
        ControllerEvent::Reassignment { step, .. } => Some(step),
        _ => None,
    };
    world.reports().into_iter().filter_map(step).collect()
}

/// Which brokers were told to delete their replica.
fn told_to_delete(world: &World) -> Vec<i32> {
    let deletes = |request: &Request| match request {
        Request::StopReplica(request) => request.topic_states[0].partition_states.iter().any(|s| s.delete_partition),
        _ => false,
    };
    world.told.iter().filter(|(_, request)| deletes(request)).map(|(to, _)| to.0).collect()
}

#[test]
fn a_partition_moves_when_the_new_replicas_have_caught_up() {
    let mut world = World::new(4);
    world.topic("t", &[&[1, 2]]);
    world.reports();
    world.told.clear();
    assert_eq!(reassign(&mut world, Some(&[3, 4])), ErrorCode::NONE);
    // All four host it; the znode says who comes and who goes.
    let moving = Assignment { replicas: ids(&[3, 4, 1, 2]), adding: ids(&[3, 4]), removing: ids(&[1, 2]) };
    assert_eq!(assignment(&world), moving);
    assert_eq!(world.state("t", 0), (1, 1, vec![1, 2]), "the same leader, in a new epoch");
    let new: Vec<i32> = world
        .told
        .iter()
        .filter(|(_, request)| match request {
            Request::LeaderAndIsr(request) => request.topic_states[0].partition_states[0].is_new,
            _ => false,
        })
        .map(|(to, _)| to.0)
        .collect();
    assert_eq!(new, [3, 4]);
    let Response::ListPartitionReassignments(list) = world.answer(1, ListPartitionReassignmentsRequest::default())
    else {
        panic!()
    };
    assert_eq!(list.topics[0].partitions[0].adding_replicas, [3, 4]);
    // One has caught up: not enough. Then the other has, and the old ones go.
    assert_eq!(alter(&mut world, 1, "t", 0, &[1, 2, 3]), ErrorCode::NONE);
    assert!(assignment(&world).is_moving());
    world.told.clear();
    assert_eq!(alter(&mut world, 1, "t", 0, &[1, 2, 3, 4]), ErrorCode::NONE);
    assert_eq!(assignment(&world), Assignment::of(ids(&[3, 4])));
    let (leader, _, isr) = world.state("t", 0);
    assert_eq!((leader, isr), (3, vec![3, 4]));
    assert_eq!(told_to_delete(&world), [1, 2]);
    let all = [ReassignmentStep::Began, ReassignmentStep::CaughtUp, ReassignmentStep::Done];
    assert_eq!(steps(&mut world), all);
}

#[test]
fn it_can_be_called_off() {
    let mut world = World::new(4);
    world.topic("t", &[&[1, 2]]);
    assert_eq!(reassign(&mut world, None), ErrorCode::NO_REASSIGNMENT_IN_PROGRESS);
    reassign(&mut world, Some(&[3, 2]));
    assert_eq!(alter(&mut world, 1, "t", 0, &[1, 2]), ErrorCode::NONE);
    world.reports();
    world.told.clear();
    assert_eq!(reassign(&mut world, None), ErrorCode::NONE);
    assert_eq!(assignment(&world), Assignment::of(ids(&[2, 1])), "as before, in the order that it has now");
    assert_eq!(told_to_delete(&world), [3]);
    assert_eq!(steps(&mut world), [ReassignmentStep::Cancelled]);
}

#[test]
fn a_target_must_be_possible() {
    let mut world = World::new(2);
    world.topic("t", &[&[1, 2]]);
    assert_eq!(reassign(&mut world, Some(&[])), ErrorCode::INVALID_REPLICA_ASSIGNMENT);
    assert_eq!(reassign(&mut world, Some(&[1, 1])), ErrorCode::INVALID_REPLICA_ASSIGNMENT);
    assert_eq!(reassign(&mut world, Some(&[9])), ErrorCode::INVALID_REPLICA_ASSIGNMENT);
    assert_eq!(assignment(&world), Assignment::of(ids(&[1, 2])));
}

#[test]
fn a_new_controller_goes_on_with_it() {
    let mut world = World::new(4);
    world.topic("t", &[&[2, 3]]);
    reassign(&mut world, Some(&[4, 3]));
    world.kill_and_wait(1);
    assert!(assignment(&world).is_moving());
    assert_eq!(alter(&mut world, 2, "t", 0, &[2, 3, 4]), ErrorCode::NONE);
    assert_eq!(assignment(&world), Assignment::of(ids(&[4, 3])));
    assert_eq!(world.state("t", 0).0, 4);
}

#[test]
fn the_old_way_works_too() {
    let mut world = World::new(3);
    world.topic("t", &[&[1, 2]]);
    let wish = r#"{"version":1,"partitions":[{"topic":"t","partition":0,"replicas":[3,2]}]}"#;
    world.by_hand(Write::create(znodes::REASSIGN_PARTITIONS, wish, CreateMode::Persistent));
    assert_eq!(assignment(&world).adding, [BrokerId(3)]);
    assert!(!world.exists(znodes::REASSIGN_PARTITIONS));
    // And again: the watch is there for the next wish too.
    let back = r#"{"version":1,"partitions":[{"topic":"t","partition":0,"replicas":[1,2]}]}"#;
    world.by_hand(Write::create(znodes::REASSIGN_PARTITIONS, back, CreateMode::Persistent));
    assert_eq!(assignment(&world).target(), ids(&[1, 2]));
}
