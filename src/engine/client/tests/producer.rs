//! What a producer sends, when, in which order, and what it does when that fails.

use super::fake::{Bench, TOPIC, number};
use crate::engine::client::{Acks, Partitioner, Producer, ProducerSpec, Role, Workload};
use crate::engine::event::ClientEvent;
use crate::engine::node::BrokerId;
use crate::protocol::partitioner::partition_for_key;
use crate::protocol::{ApiKey, ErrorCode};

/// A record each 10 ms.
fn spec() -> ProducerSpec {
    ProducerSpec {
        topic: TOPIC.into(),
        workload: Workload::Plain { bytes: 60, per_sec: 100, keys: 5 },
        ..ProducerSpec::default()
    }
}

fn producer(bench: &Bench) -> &Producer {
    bench.client.as_producer().unwrap()
}

#[test]
fn records_go_in_batches_to_their_leaders_with_sequence_numbers() {
    let mut bench = Bench::new(Role::Producer(ProducerSpec { linger_ms: 25, ..spec() }));
    bench.tell_leaders(&[1, 2], 0);
    bench.pass(200);
    assert_eq!(bench.count(ApiKey::Produce), 0, "an idempotent producer waits for its id");
    bench.give_id(1_000);
    bench.pass(100);
    let mut next = [0, 0];
    let mut records = 0;
    for sent in bench.sent.clone() {
        for (partition, header, batch) in sent.batches() {
            let at = usize::try_from(partition).unwrap();
            assert_eq!(sent.to, BrokerId(partition + 1), "to the partition's leader");
            assert_eq!((header.producer_id, header.base_sequence), (1_000, next[at]));
            assert!(batch.iter().all(|r| partition_for_key(r.key.as_deref().unwrap(), 2) == partition));
            assert_eq!(number(&batch[0]), u64::try_from(next[at]).unwrap(), "numbers count within the partition");
            next[at] += header.record_count;
            records += batch.len();
        }
        assert!(sent.routine, "steady traffic has no cause");
    }
    assert!(records >= 25, "{records}");
}

#[test]
fn five_requests_are_in_flight_on_a_connection_at_most() {
    let mut bench = Bench::new(Role::Producer(ProducerSpec { acks: Acks::Leader, linger_ms: 0, ..spec() }));
    bench.tell_leaders(&[1], 0);
    bench.pass(500);
    assert_eq!(bench.count(ApiKey::Produce), 5);
    let first = bench.take(ApiKey::Produce);
    bench.acknowledge(&first, Ok(0));
    assert_eq!(bench.count(ApiKey::Produce), 5, "the answer makes room for one");
    assert!(bench.sent.last().unwrap().numbers()[0].1.len() > 10, "what waited goes together");
    assert_eq!(producer(&bench).counts().acked, 1);
}

#[test]
fn after_a_leaders_death_batches_go_to_the_new_one_in_order_with_the_same_sequences() {
    let mut bench = Bench::new(Role::Producer(spec()));
    bench.tell_leaders(&[1], 0);
    bench.give_id(5);
    bench.pass(10);
    let first = bench.take(ApiKey::Produce);
    bench.acknowledge(&first, Ok(0));
    bench.pass(30);
    let lost: Vec<_> = bench.sent.iter().map(|sent| (sent.numbers(), sent.batches()[0].1.base_sequence)).collect();
    assert!(lost.len() >= 2);
    bench.dies(1);
    assert!(matches!(bench.events[..], [ClientEvent::ConnectionLost { broker: BrokerId(1), waiting }] if waiting >= 3));
    // It has asked a moment ago: the next question waits for the backoff. The others do not know yet.
    bench.pass(110);
    let asked = bench.take(ApiKey::Metadata);
    assert!((asked.to, asked.routine) == (BrokerId(2), false), "it asks another, because of the death");
    bench.answer(&asked, super::fake::metadata(&[1], 0));
    bench.pass(120);
    bench.dies(1);
    bench.tell_leaders(&[2], 1);
    let mut again = Vec::new();
    for offset in 0..20 {
        if bench.count(ApiKey::Produce) == 0 {
            break;
        }
        let sent = bench.take(ApiKey::Produce);
        assert_eq!(sent.to, BrokerId(2));
        again.push((sent.numbers(), sent.batches()[0].1.base_sequence));
        bench.acknowledge(&sent, Ok(100 + offset));
    }
    assert_eq!(again[..lost.len()], lost[..], "the same batches in the same order");
    let sequences: Vec<_> = again.iter().map(|(_, sequence)| *sequence).collect();
    assert!(sequences.is_sorted(), "{sequences:?}");
    let count = |wanted: fn(&ClientEvent) -> bool| bench.events.iter().filter(|event| wanted(event)).count();
    assert_eq!(count(|event| matches!(event, ClientEvent::ConnectionLost { .. })), 1, "once, whatever is tried");
    assert!(count(|event| matches!(event, ClientEvent::RecordsSentAgain { leader: BrokerId(2), .. })) >= 1);
    assert!(producer(&bench).counts().retries >= 2);
}

#[test]
fn a_retriable_error_is_tried_again_after_a_while_and_a_final_one_is_not() {
    let mut bench = Bench::new(Role::Producer(ProducerSpec { idempotent: false, ..spec() }));
    bench.tell_leaders(&[1], 0);
    bench.pass(6);
    let sent = bench.take(ApiKey::Produce);
    bench.acknowledge(&sent, Err(ErrorCode::NOT_ENOUGH_REPLICAS));
    bench.pass(90);
    assert_eq!(bench.count(ApiKey::Produce), 0, "retry.backoff.ms");
    bench.pass(20);
    let again = bench.take(ApiKey::Produce);
    assert_eq!(again.numbers(), sent.numbers());
    assert_eq!(bench.count(ApiKey::Produce), 0, "nothing overtakes what is sent again");
    bench.acknowledge(&again, Err(ErrorCode::MESSAGE_TOO_LARGE));
    assert!(bench.events.contains(&ClientEvent::DeliveryFailed { records: 1, error: ErrorCode::MESSAGE_TOO_LARGE }));
    assert_eq!(producer(&bench).counts().failed, 1);
}

#[test]
fn what_is_not_delivered_in_time_is_given_up_and_a_gap_in_the_sequences_asks_for_a_new_id() {
    let spec = ProducerSpec { delivery_timeout_ms: 1_000, request_timeout_ms: 5_000, ..spec() };
    let mut bench = Bench::new(Role::Producer(spec));
    bench.tell_leaders(&[1], 0);
    bench.give_id(5);
    bench.pass(1_100);
    let counts = producer(&bench).counts();
    assert!(counts.failed >= 1 && counts.acked == 0, "{counts:?}");
    assert!(
        bench
            .events
            .iter()
            .all(|e| matches!(e, ClientEvent::DeliveryFailed { error: ErrorCode::REQUEST_TIMED_OUT, .. }))
    );
    bench.dies(1);
    bench.tell_leaders(&[2], 1);
    bench.give_id(6);
    let sent = bench.take(ApiKey::Produce);
    let (_, header, _) = &sent.batches()[0];
    assert_eq!((header.producer_id, header.base_sequence), (6, 0));
}

#[test]
fn acks_0_waits_for_nothing() {
    let mut bench = Bench::new(Role::Producer(ProducerSpec { acks: Acks::None, linger_ms: 0, ..spec() }));
    bench.tell_leaders(&[1], 0);
    bench.pass(500);
    assert!(bench.count(ApiKey::Produce) >= 45, "{}", bench.count(ApiKey::Produce));
    let counts = producer(&bench).counts();
    assert_eq!((counts.acked, producer(&bench).waiting()), (counts.made, 0));
    assert!(bench.sent.iter().all(|sent| sent.produce().acks == 0));
}

#[test]
fn a_full_buffer_stalls_the_workload() {
    let mut bench = Bench::new(Role::Producer(ProducerSpec { buffer_records: 20, ..spec() }));
    bench.tell_leaders(&[-1], 0);
    bench.pass(1_000);
    let counts = producer(&bench).counts();
    assert_eq!((counts.made, producer(&bench).waiting()), (20, 20));
    assert!(counts.stalled >= 70, "{counts:?}");
}

#[test]
fn partitioners_spread_as_they_promise() {
    let partitions = |partitioner, keys| {
        let workload = Workload::Plain { bytes: 60, per_sec: 100, keys };
        let spec = ProducerSpec { acks: Acks::None, linger_ms: 35, partitioner, workload, ..spec() };
        let mut bench = Bench::new(Role::Producer(spec));
        bench.tell_leaders(&[1, 1, 1], 0);
        bench.pass(1_000);
        bench.sent.iter().map(|sent| sent.batches().iter().map(|(p, ..)| *p).collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    assert!(partitions(Partitioner::RoundRobin, 5).iter().all(|request| request.len() == 3), "all in turn");
    let sticky = partitions(Partitioner::Sticky, 5);
    assert!(sticky.iter().all(|request| request.len() == 1), "one until its batch is sent: {sticky:?}");
    assert!(sticky.windows(2).all(|pair| pair[0] != pair[1]), "then another: {sticky:?}");
    assert_eq!(sticky.len(), partitions(Partitioner::Key, 0).len(), "without a key murmur2 has nothing to go by");
    let regions = partitions(Partitioner::Region, 5);
    assert!(regions.iter().flatten().all(|partition| (0..3).contains(partition)));
}
