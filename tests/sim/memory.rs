//! `--memory`: however much is written, the logs hold no more than they may; what goes is old and acknowledged, and the
//! replicas agree on what is left.

use std::time::Duration;

use kscope::engine::config::Config;
use kscope::engine::event::{BrokerEvent, EventKind};
use kscope::engine::invariants::Invariants;
use kscope::engine::message::Command;
use kscope::engine::node::BrokerId;
use kscope::engine::replica::TopicPartition;
use kscope::protocol::Response;

use super::harness::Lab;
use super::life::{create, record};

const BOUND: u64 = 4 << 20;

/// A lab with a topic of three partitions and a bound.
fn lab() -> Lab {
    let mut lab = Lab::new(Config { memory_bytes: BOUND, ..Lab::config(3) });
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
