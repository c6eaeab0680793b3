//! What a consumer asks for, and what the auditor proves by reading.

use std::sync::Arc;

use super::fake::{Bench, Sent, TOPIC, TOPIC_ID, metadata};
use crate::engine::client::{Consumer, ConsumerSpec, OffsetReset, ProducerSpec, Role, Score, Workload, scoreboard};
use crate::engine::context::Id;
use crate::engine::event::ClientEvent;
use crate::engine::node::BrokerId;
use crate::protocol::fetch::{EpochEndOffset, FetchableTopicResponse, PartitionData};
use crate::protocol::list_offsets::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse};
use crate::protocol::records::{BatchReader, HEAD_BYTES};
use crate::protocol::{ApiKey, ErrorCode, FetchRequest, FetchResponse, ListOffsetsResponse, Records, Request};

fn spec(audit: bool) -> ConsumerSpec {
    ConsumerSpec {
        topics: vec![TOPIC.into()],
        from: OffsetReset::Earliest,
        audit,
        poll_ms: 0,
        ..ConsumerSpec::default()
    }
}

fn consumer(bench: &Bench) -> &Consumer {
    bench.client.as_consumer().unwrap()
}

fn fetch(sent: &Sent) -> &FetchRequest {
    match &sent.request.request {
        Request::Fetch(fetch) => fetch,
        other => panic!("a Fetch, not {other:?}"),
    }
}

fn wanted(sent: &Sent) -> Vec<(i32, i64)> {
    let topics = &fetch(sent).topics;
    topics.iter().flat_map(|topic| &topic.partitions).map(|part| (part.partition, part.fetch_offset)).collect()
}

fn tell_offset(bench: &mut Bench, partitions: &[i32], offset: i64) {
    let sent = bench.take(ApiKey::ListOffsets);
    let told = |partition_index: &i32| ListOffsetsPartitionResponse {
        partition_index: *partition_index,
        offset,
        ..ListOffsetsPartitionResponse::default()
    };
    let topics =
        vec![ListOffsetsTopicResponse { name: TOPIC.into(), partitions: partitions.iter().map(told).collect() }];
    bench.answer(&sent, ListOffsetsResponse { topics, ..ListOffsetsResponse::default() });
}

fn data(partition: i32, records: Records, high_watermark: i64) -> PartitionData {
    PartitionData { partition_index: partition, high_watermark, records: Some(records), ..PartitionData::default() }
}

fn answer(session_id: i32, partitions: Vec<PartitionData>) -> FetchResponse {
    let topic = FetchableTopicResponse { topic: Arc::from(""), topic_id: TOPIC_ID, partitions };
    FetchResponse { session_id, responses: vec![topic], ..FetchResponse::default() }
}

/// The batches as a leader stores them: from `offset` on, in `epoch`.
fn stored(batches: &[Records], mut offset: i64, epoch: i32) -> Records {
    let mut all = Records::new();
    for batch in batches {
        let (mut header, body) = BatchReader::new(batch).next().unwrap().unwrap();
        header.base_offset = offset;
        header.leader_epoch = epoch;
        offset = header.next_offset();
        let head: [u8; HEAD_BYTES] = header.encode();
        all.push(bytes::Bytes::copy_from_slice(&head));
        all.push(body);
    }
    all
}

/// A producer whose batches of one record each were acknowledged at offset 0 and on; the batches.
fn written(count: usize) -> (Bench, Vec<Records>) {
    let workload = Workload::Plain { bytes: 60, per_sec: 100, keys: 0 };
    let spec = ProducerSpec { topic: TOPIC.into(), linger_ms: 0, workload, ..ProducerSpec::default() };
    let mut bench = Bench::new(Role::Producer(spec));
    bench.tell_leaders(&[1], 0);
    bench.give_id(1);
    let mut batches = Vec::new();
    for offset in 0..i64::try_from(count).unwrap() {
        bench.pass(10);
        let sent = bench.take(ApiKey::Produce);
        batches.push(sent.produce().topic_data[0].partition_data[0].records.clone().unwrap());
        bench.acknowledge(&sent, Ok(offset));
    }
    (bench, batches)
}

#[test]
fn a_consumer_fetches_in_a_session_and_names_only_what_changed() {
    let (_, batches) = written(3);
    let mut bench = Bench::new(Role::Consumer(spec(false)));
    bench.tell_leaders(&[1, 1], 0);
    tell_offset(&mut bench, &[0, 1], 0);
    let first = bench.take(ApiKey::Fetch);
    assert_eq!((fetch(&first).session_id, fetch(&first).session_epoch), (0, 0));
    assert_eq!(wanted(&first), [(0, 0), (1, 0)]);
    bench.answer(&first, answer(77, vec![data(0, stored(&batches, 0, 0), 5), data(1, Records::new(), 0)]));
    bench.pass(5);
    let second = bench.take(ApiKey::Fetch);
    assert_eq!((fetch(&second).session_id, fetch(&second).session_epoch), (77, 1));
    assert_eq!(wanted(&second), [(0, 3)], "partition 1 stays where it was");
    assert_eq!((consumer(&bench).read(), consumer(&bench).lag()), (3, 2));
    bench.answer(
        &second,
        FetchResponse { error_code: ErrorCode::FETCH_SESSION_ID_NOT_FOUND, ..FetchResponse::default() },
    );
    bench.pass(5);
    let third = bench.take(ApiKey::Fetch);
    assert_eq!((fetch(&third).session_id, wanted(&third)), (0, vec![(0, 3), (1, 0)]), "a new session names all");
    assert!(third.routine || bench.events.is_empty());
}

#[test]
fn a_consumer_follows_the_leader_and_goes_on_where_it_was() {
    let (_, batches) = written(3);
    let mut bench = Bench::new(Role::Consumer(spec(false)));
    bench.tell_leaders(&[1], 0);
    tell_offset(&mut bench, &[0], 0);
    let sent = bench.take(ApiKey::Fetch);
    bench.answer(&sent, answer(1, vec![data(0, stored(&batches, 0, 0), 3)]));
    bench.pass(5);
    let lost = bench.take(ApiKey::Fetch);
    assert_eq!((lost.to, wanted(&lost)), (BrokerId(1), vec![(0, 3)]), "on its way when the leader dies");
    bench.dies(1);
    bench.pass(110);
    bench.tell_leaders(&[2], 1);
    bench.pass(5);
    // Until the metadata names another, it may have tried the dead one again.
    let sent = loop {
        let sent = bench.take(ApiKey::Fetch);
        if sent.to != BrokerId(1) {
            break sent;
        }
    };
    assert_eq!((sent.to, wanted(&sent)), (BrokerId(2), vec![(0, 3)]));
    assert!(!sent.routine, "the death is the cause: {:?} {:?}", story(&sent), bench.reasons);
    let found = ClientEvent::LeaderFound { leader: BrokerId(2), partitions: 1 };
    assert_eq!(bench.events, [ClientEvent::ConnectionLost { broker: BrokerId(1), waiting: 0 }, found]);
    bench.answer(&sent, answer(2, vec![data(0, Records::new(), 3)]));
    bench.pass(5);
    assert!(bench.take(ApiKey::Fetch).routine, "then all is routine again");
}

/// The event that a request goes back to, and the messages between.
fn story(sent: &Sent) -> (Option<Id>, Vec<&'static str>) {
    (sent.cause.event, sent.cause.hops().iter().map(|hop| hop.name).collect())
}

#[test]
fn the_refetch_tells_the_whole_way_from_the_lost_connection_through_every_retry() {
    let mut bench = Bench::new(Role::Consumer(spec(false)));
    bench.tell_leaders(&[1], 0);
    tell_offset(&mut bench, &[0], 0);
    bench.dies(1);
    let (lost, _) = bench.reasons[0];
    // The first answer knows no leader yet, the second one does.
    bench.pass(110);
    bench.tell_leaders(&[-1], 1);
    bench.pass(250);
    bench.tell_leaders(&[2], 2);
    let sent =
        bench.sent.iter().find(|sent| sent.to == BrokerId(2) && matches!(sent.request.request, Request::Fetch(_)));
    assert_eq!(story(sent.unwrap()), (Some(lost), vec!["Metadata"; 4]), "asked, told, asked again, told");
    let (_, found) = &bench.reasons[1];
    assert_eq!((found.event, found.hops().len()), (Some(lost), 4), "and so does the news of the leader");
}

#[test]
fn metadata_that_was_asked_in_routine_does_not_tear_the_chain() {
    let mut bench = Bench::new(Role::Consumer(ConsumerSpec { metadata_max_age_ms: 1_000, ..spec(false) }));
    bench.tell_leaders(&[1], 0);
    tell_offset(&mut bench, &[0], 0);
    // Its questions go to the brokers in turn: one that the dead one cannot take with it is wanted.
    let asked = loop {
        bench.pass(1_000);
        let asked = bench.take(ApiKey::Metadata);
        if asked.to != BrokerId(1) {
            break asked;
        }
        bench.answer(&asked, metadata(&[1], 0));
    };
    assert!(asked.routine);
    bench.dies(1);
    let (lost, _) = bench.reasons[0];
    bench.answer(&asked, metadata(&[2], 1));
    let sent =
        bench.sent.iter().find(|sent| sent.to == BrokerId(2) && matches!(sent.request.request, Request::Fetch(_)));
    assert_eq!(story(sent.unwrap()), (Some(lost), vec![]));
    let (_, found) = &bench.reasons[1];
    assert_eq!(found.event, Some(lost));
}

#[test]
fn out_of_range_begins_again_by_the_reset_policy() {
    let mut bench = Bench::new(Role::Consumer(spec(false)));
    bench.tell_leaders(&[1], 0);
    tell_offset(&mut bench, &[0], 10);
    let sent = bench.take(ApiKey::Fetch);
    let gone = PartitionData { error_code: ErrorCode::OFFSET_OUT_OF_RANGE, ..data(0, Records::new(), -1) };
    bench.answer(&sent, answer(1, vec![gone]));
    bench.pass(5);
    tell_offset(&mut bench, &[0], 50);
    bench.pass(5);
    assert_eq!(wanted(&bench.take(ApiKey::Fetch)), [(0, 50)]);
    assert_eq!(bench.events, [ClientEvent::OffsetsReset { partitions: 1, skipped: 40 }]);
}

/// An auditor that has read `records` of partition 0.
fn auditor(records: Records, high_watermark: i64) -> Bench {
    let mut bench = Bench::new(Role::Consumer(spec(true)));
    bench.tell_leaders(&[1], 0);
    tell_offset(&mut bench, &[0], 0);
    let sent = bench.take(ApiKey::Fetch);
    bench.answer(&sent, answer(1, vec![data(0, records, high_watermark)]));
    bench
}

fn score(producer: &Bench, auditor: &Bench) -> Score {
    scoreboard(producer.client.as_producer().unwrap(), consumer(auditor).audit().unwrap())
}

#[test]
fn what_was_acknowledged_and_is_read_is_readable_and_what_is_not_read_yet_is_not_lost() {
    let (producer, batches) = written(5);
    let auditor = auditor(stored(&batches[..3], 0, 0), 3);
    assert_eq!(score(&producer, &auditor), Score { readable: 3, lost: 0, duplicated: 0, unread: 2 });
}

#[test]
fn an_acknowledged_record_that_reading_passes_without_finding_it_is_lost() {
    let (producer, batches) = written(5);
    // The new leader never had numbers 2 and 3; what came after stands at their offsets.
    let log = [&batches[..2], &batches[4..], &batches[4..]].concat();
    let mut auditor = auditor(stored(&log, 0, 0), 4);
    assert_eq!(score(&producer, &auditor), Score { readable: 3, lost: 2, duplicated: 1, unread: 0 });
    for _ in 0..2 {
        auditor.report_losses(&producer);
    }
    let lost = ClientEvent::RecordsLost {
        producer: crate::engine::node::ClientId(1),
        topic: TOPIC.into(),
        partition: 0,
        records: 2,
        from: 2,
        to: 3,
    };
    assert_eq!(auditor.events, [lost], "told once");
}

#[test]
fn what_is_cut_from_the_log_after_it_was_read_is_lost() {
    let (producer, batches) = written(5);
    let mut auditor = auditor(stored(&batches, 0, 0), 5);
    assert_eq!(score(&producer, &auditor).readable, 5);
    auditor.pass(5);
    let sent = auditor.take(ApiKey::Fetch);
    let diverging_epoch = EpochEndOffset { epoch: 0, end_offset: 3 };
    auditor.answer(&sent, answer(1, vec![PartitionData { diverging_epoch, ..data(0, Records::new(), 3) }]));
    assert_eq!(score(&producer, &auditor), Score { readable: 3, lost: 2, duplicated: 0, unread: 0 });
    auditor.pass(5);
    assert_eq!(wanted(&auditor.take(ApiKey::Fetch)), [(0, 3)], "it reads on where the logs part");
}
