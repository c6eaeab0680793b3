//! Who is the controller, and who leads.

use super::world::{World, ids};
use crate::engine::controller::{Role, znodes};
use crate::engine::event::{ControllerEvent, ElectionReason, EventKind};
use crate::engine::node::BrokerId;
use crate::engine::settings::Settings;
use crate::engine::zk::op::{ANY_VERSION, CreateMode, Write};
use crate::protocol::controlled_shutdown::RemainingPartition;
use crate::protocol::elect_leaders::{TopicPartitions, election_type};
use crate::protocol::{
    ControlledShutdownRequest, CreateTopicsRequest, ElectLeadersRequest, ErrorCode, Request, Response,
};

/// Who was elected for how many partitions, and why.
fn elected(reports: &[ControllerEvent]) -> Vec<(i32, usize, ElectionReason)> {
    reports
        .iter()
        .filter_map(|event| match event {
            ControllerEvent::LeadersElected { leader, changes, reason } => Some((leader.0, changes.len(), *reason)),
            _ => None,
        })
        .collect()
}

#[test]
fn the_first_broker_becomes_the_controller_and_the_next_when_it_dies() {
    let mut world = World::new(3);
    // The first that registered created /controller, and raised the epoch from 0 to 1 with it.
    assert_eq!(world.active(), [1]);
    assert_eq!(world.data(znodes::CONTROLLER_EPOCH).unwrap(), "1");
    assert_eq!(znodes::read_controller(&world.data(znodes::CONTROLLER).unwrap()), Some(BrokerId(1)));
    assert_eq!(world.controller(2).role(), Role::Follower);
    // It dies. As long as its session lives nobody else is the controller.
    world.kill(1);
    assert_eq!(world.active(), [] as [i32; 0]);
    world.pass(std::time::Duration::from_millis(1_500));
    // Then one of the others is, in the next epoch, and it alone.
    assert_eq!(world.active().len(), 1);
    assert_eq!(world.data(znodes::CONTROLLER_EPOCH).unwrap(), "2");
    let now = world.active()[0];
    assert_eq!(world.controller(now).epoch(), 2);
    assert!(!world.controller(now).cluster().brokers.contains_key(&BrokerId(1)));
}

#[test]
fn a_controller_that_was_replaced_unnoticed_cannot_write_and_resigns() {
    let mut world = World::new(2);
    world.topic("t", &[&[2, 1]]);
    world.depose();
    // It still believes that it is the controller, and takes the request. Its write fails on the epoch's version.
    let request = CreateTopicsRequest { topics: vec![super::admin::creatable("u", 1, 1)], ..Default::default() };
    let Response::CreateTopics(answer) = world.answer(1, request) else { panic!() };
    assert_eq!(answer.topics[0].error_code, ErrorCode::NOT_CONTROLLER);
    assert!(!world.exists("/brokers/topics/u"));
    let resigned = |event: &ControllerEvent| matches!(event, ControllerEvent::Resigned { epoch: 1, .. });
    assert!(world.reports().iter().any(resigned));
}

#[test]
fn a_new_topic_is_led_by_the_first_live_replica_and_everybody_hears_of_it() {
    let mut world = World::new(3);
    world.reports();
    world.told.clear();
    world.topic("t", &[&[2, 3, 1], &[7, 3]]);
    assert_eq!(world.state("t", 0), (2, 0, vec![2, 3, 1]));
    // Of partition 1 only broker 3 lives: it leads, alone in sync.
    assert_eq!(world.state("t", 1), (3, 0, vec![3]));
    let reports = world.reports();
    assert!(matches!(&reports[0], ControllerEvent::TopicCreated { partitions: 2, replication_factor: 3, .. }));
    assert_eq!(elected(&reports), [(2, 1, ElectionReason::New), (3, 1, ElectionReason::New)]);
    // LeaderAndIsr goes to the replicas, and says that they are new; UpdateMetadata comes behind it, to all.
    let kinds: Vec<(i32, &str)> = world.told.iter().map(|(to, request)| (to.0, request.api_key().name())).collect();
    for broker in 1..=3 {
        let to: Vec<&str> = kinds.iter().filter(|(id, _)| *id == broker).map(|(_, name)| *name).collect();
        assert_eq!(to, ["LeaderAndIsr", "UpdateMetadata"], "broker {broker}");
    }
    let Request::LeaderAndIsr(first) = &world.told[0].1 else { panic!() };
    let state = &first.topic_states[0].partition_states[0];
    assert!(state.is_new && state.leader == 2 && state.isr == [2, 3, 1]);
}

#[test]
fn when_a_broker_dies_the_next_in_sync_leads_and_the_dead_leave_the_in_sync_sets() {
    let mut world = World::new(3);
    world.topic("t", &[&[3, 2, 1], &[2, 3, 1], &[3]]);
    world.reports();
    world.kill_and_wait(3);
    // Partition 0: the next of the assignment leads. Partition 1: it only lost a follower. Both: another leader epoch.
    assert_eq!(world.state("t", 0), (2, 1, vec![2, 1]));
    assert_eq!(world.state("t", 1), (2, 1, vec![2, 1]));
    // Partition 2: nobody is left, so nobody leads, and the last in sync stays on record.
    assert_eq!(world.state("t", 2), (-1, 1, vec![3]));
    let reports = world.reports();
    assert!(matches!(reports[0], ControllerEvent::BrokerLeft { broker: BrokerId(3) }));
    assert_eq!(elected(&reports), [(2, 1, ElectionReason::LeaderDied)]);
    assert!(
        reports
            .iter()
            .any(|event| matches!(event, ControllerEvent::PartitionsOffline { changes } if changes.len() == 1))
    );
    assert!(reports.iter().any(|e| matches!(e, ControllerEvent::IsrShrunk { removed, .. } if *removed == ids(&[3]))));

    // It comes back: it leads what only it can lead, and follows the rest, out of sync.
    world.start(BrokerId(3));
    assert_eq!(world.state("t", 2), (3, 2, vec![3]));
    assert_eq!(world.state("t", 0), (2, 1, vec![2, 1]));
    assert_eq!(elected(&world.reports()), [(3, 1, ElectionReason::BrokerReturned)]);
}

#[test]
fn the_death_of_a_broker_explains_the_election() {
    let mut world = World::new(3);
    world.topic("t", &[&[3, 1]]);
    world.events.clear();
    world.kill_and_wait(3);
    let events = std::mem::take(&mut world.events);
    let find = |what: fn(&EventKind) -> bool| events.iter().find(|event| what(&event.kind)).expect("the event");
    let elected = find(|kind| matches!(kind, EventKind::Controller(ControllerEvent::LeadersElected { .. })));
    let left = find(|kind| matches!(kind, EventKind::Controller(ControllerEvent::BrokerLeft { .. })));
    assert_eq!(elected.cause.event, Some(left.id), "elected because the broker left");
    let watch = events.iter().find(|event| Some(event.id) == left.cause.event).unwrap();
    assert!(matches!(watch.kind, EventKind::WatchFired { .. }), "it left because a watch fired: {:?}", watch.kind);
    let gone = events.iter().find(|event| Some(event.id) == watch.cause.event).unwrap();
    assert!(matches!(gone.kind, EventKind::EphemeralGone { .. }), "{:?}", gone.kind);
}

#[test]
fn a_broker_that_was_back_before_anybody_noticed_is_known_by_its_epoch() {
    let mut world = World::new(3);
    world.topic("t", &[&[3, 1]]);
    world.reports();
    // Its znode goes and comes within one look of the controller: the children are the same, the czxid is not.
    let path = znodes::broker_path(BrokerId(3));
    let again = znodes::broker_registration("127.0.0.1", 9_094, None, 0);
    let ops = vec![Write::delete(path.clone(), ANY_VERSION), Write::create(path, again, CreateMode::Persistent)];
    world.by_hand(crate::engine::zk::op::Op::Multi(ops));
    let reports = world.reports();
    assert!(reports.iter().any(|event| matches!(event, ControllerEvent::BrokerBounced { broker: BrokerId(3), .. })));
    assert_eq!(world.state("t", 0), (1, 1, vec![1]), "it counts as dead, then as new");
}

#[test]
fn a_new_controller_elects_for_what_it_finds_without_a_leader() {
    let mut world = World::new(3);
    world.topic("t", &[&[1, 2, 3], &[1]]);
    world.reports();
    world.kill_and_wait(1);
    let active = world.active()[0];
    assert_eq!(world.state("t", 0).0, 2);
    assert_eq!(world.state("t", 0).2, [2, 3]);
    assert_eq!(world.state("t", 1), (-1, 1, vec![1]));
    let reports = world.reports();
    assert!(reports.contains(&ControllerEvent::Elected { epoch: 2 }));
    assert_eq!(elected(&reports), [(2, 1, ElectionReason::ControllerFailover)]);
    assert_eq!(world.controller(active).cluster().live(), ids(&[2, 3]).into_iter().collect());
}

#[test]
fn unclean_election_happens_only_where_the_topic_allows_it() {
    let mut world = World::new(3);
    let config = [("unclean.leader.election.enable".to_owned(), "true".to_owned())].into();
    let settings = Write::create(znodes::topic_config_path("loose"), znodes::config(&config), CreateMode::Persistent);
    world.by_hand(settings);
    world.topic("loose", &[&[3, 2]]);
    world.topic("strict", &[&[3, 2]]);
    // Broker 2 falls out of sync in both, then the leader dies.
    world.kill_and_wait(2);
    world.start(BrokerId(2));
    assert_eq!(world.state("loose", 0).2, [3]);
    world.reports();
    world.kill_and_wait(3);
    assert_eq!(world.state("loose", 0), (2, 2, vec![2]), "the first that lives, in sync alone");
    assert_eq!(world.state("strict", 0), (-1, 2, vec![3]));
    assert_eq!(elected(&world.reports()), [(2, 1, ElectionReason::Unclean)]);
    assert!(world.partition("loose", 0).leadership.unwrap().recovering);
    // Somebody accepts the loss: ElectLeaders, unclean.
    let topics = vec![TopicPartitions { topic: "strict".into(), partitions: vec![0, 9] }];
    let request = ElectLeadersRequest {
        election_type: election_type::UNCLEAN,
        topic_partitions: Some(topics),
        ..Default::default()
    };
    let Response::ElectLeaders(answer) = world.answer(1, request) else { panic!() };
    let results: Vec<ErrorCode> =
        answer.replica_election_results[0].partition_result.iter().map(|result| result.error_code).collect();
    assert_eq!(results, [ErrorCode::NONE, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION]);
    assert_eq!(world.state("strict", 0), (2, 3, vec![2]));
}

/// Broker 3 died and is back, in sync again, and broker 1 leads what it led.
fn away_from_home() -> World {
    let mut world = World::new(3);
    world.topic("t", &[&[3, 1], &[1, 3]]);
    world.kill_and_wait(3);
    world.start(BrokerId(3));
    for partition in 0..2 {
        let error = super::isr::alter(&mut world, 1, "t", partition, &[1, 3]);
        assert_eq!(error, ErrorCode::NONE);
    }
    world.reports();
    world
}

#[test]
fn preferred_leaders_lead_again_when_asked() {
    let mut world = away_from_home();
    assert_eq!(world.state("t", 0).0, 1);
    let request = ElectLeadersRequest { topic_partitions: None, ..Default::default() };
    let Response::ElectLeaders(answer) = world.answer(1, request) else { panic!() };
    // Of all partitions only the one that needed it is listed.
    assert_eq!(answer.replica_election_results.len(), 1);
    assert_eq!(answer.replica_election_results[0].partition_result.len(), 1);
    assert_eq!(world.state("t", 0).0, 3);
    assert_eq!(elected(&world.reports()), [(3, 1, ElectionReason::Preferred)]);
    // Once more: there is nothing to do, and it says so where it is asked by name.
    let topics = vec![TopicPartitions { topic: "t".into(), partitions: vec![0] }];
    let request = ElectLeadersRequest { topic_partitions: Some(topics), ..Default::default() };
    let Response::ElectLeaders(answer) = world.answer(1, request) else { panic!() };
    assert_eq!(answer.replica_election_results[0].partition_result[0].error_code, ErrorCode::ELECTION_NOT_NEEDED);
}

#[test]
fn the_controller_gives_leadership_back_by_itself() {
    let mut world = away_from_home();
    world.pass(std::time::Duration::from_secs(70));
    assert_eq!(elected(&world.reports()), [(3, 1, ElectionReason::Rebalance)]);
    assert_eq!(world.state("t", 0).0, 3);
}

#[test]
fn it_does_not_where_that_is_switched_off() {
    let settings = Settings { auto_leader_rebalance_enable: false, ..Settings::lab() };
    let mut world = World::with(3, settings);
    world.topic("t", &[&[3, 1]]);
    world.kill_and_wait(3);
    world.start(BrokerId(3));
    super::isr::alter(&mut world, 1, "t", 0, &[1, 3]);
    world.pass(std::time::Duration::from_secs(700));
    assert_eq!(world.state("t", 0).0, 1);
}

#[test]
fn a_broker_that_wants_to_stop_has_its_leaders_moved_first() {
    let mut world = World::new(3);
    world.topic("t", &[&[3, 1], &[1, 3], &[3]]);
    world.reports();
    let ask = |world: &mut World, broker_epoch| {
        let request = ControlledShutdownRequest { broker_id: 3, broker_epoch };
        let Response::ControlledShutdown(answer) = world.answer(1, request) else { panic!() };
        answer
    };
    assert_eq!(ask(&mut world, 0).error_code, ErrorCode::STALE_BROKER_EPOCH);
    let epoch = world.broker_epoch(3);
    let answer = ask(&mut world, epoch);
    assert_eq!(answer.error_code, ErrorCode::NONE);
    // What only it has does not hold it back.
    assert_eq!(answer.remaining_partitions, []);
    assert_eq!(world.state("t", 0), (1, 1, vec![1]));
    assert_eq!(world.state("t", 1), (1, 1, vec![1]), "it leaves the in-sync sets that it follows in");
    assert_eq!(world.state("t", 2), (3, 0, vec![3]));
    assert_eq!(elected(&world.reports()), [(1, 1, ElectionReason::ControlledShutdown)]);
}

#[test]
fn what_nobody_else_can_lead_remains() {
    let mut world = World::new(3);
    world.topic("t", &[&[3, 2]]);
    world.kill_and_wait(2);
    let request = ControlledShutdownRequest { broker_id: 3, broker_epoch: world.broker_epoch(3) };
    let Response::ControlledShutdown(answer) = world.answer(1, request) else { panic!() };
    let left = RemainingPartition { topic_name: "t".into(), partition_index: 0 };
    assert_eq!(answer.remaining_partitions, [left]);
}

#[test]
fn after_a_lost_answer_everything_is_loaded_anew_under_the_same_epoch() {
    let mut world = World::new(2);
    world.topic("t", &[&[2, 1]]);
    world.restart_zookeeper();
    world.pass(std::time::Duration::from_millis(500));
    assert_eq!(world.active(), [1]);
    assert_eq!(world.controller(1).epoch(), 1);
    world.kill_and_wait(2);
    assert_eq!(world.state("t", 0), (1, 1, vec![1]), "it can still write");
}

#[test]
fn a_broker_that_does_not_answer_is_told_again_and_in_order() {
    let mut world = World::new(2);
    world.silent.insert(BrokerId(2));
    world.told.clear();
    world.topic("t", &[&[1, 2]]);
    world.topic("u", &[&[1, 2]]);
    let to_two = |world: &World| -> Vec<&'static str> {
        let to = world.told.iter().filter(|(to, _)| *to == BrokerId(2));
        to.map(|(_, request)| request.api_key().name()).collect()
    };
    assert_eq!(to_two(&world), ["LeaderAndIsr"], "one at a time");
    // After controller.socket.timeout.ms it is sent again; then the broker wakes up and hears the rest.
    world.pass(std::time::Duration::from_millis(2_050));
    world.silent.clear();
    world.pass(std::time::Duration::from_millis(2_200));
    let all = ["LeaderAndIsr", "LeaderAndIsr", "UpdateMetadata", "LeaderAndIsr", "UpdateMetadata"];
    let heard = to_two(&world);
    assert!(heard.ends_with(&all), "{heard:?}");
}
