//! What the codec costs for the messages that carry records. Figures to hold, release build: a Produce request with a
//! batch of 1 MiB is read in about 111 ns, and a Fetch response with one is written without copying it (a copy takes
//! about 18 us).

use bytes::Bytes;
use divan::{Bencher, black_box};
use kscope::protocol::fetch::{FetchPartition, FetchTopic, FetchableTopicResponse, PartitionData};
use kscope::protocol::metadata::{MetadataResponsePartition, MetadataResponseTopic};
use kscope::protocol::produce::{PartitionProduceData, TopicProduceData};
use kscope::protocol::{
    FetchRequest, FetchResponse, MetadataResponse, ProduceRequest, Records, Request, Response, decode_request,
    encode_request, encode_response,
};

const MIB: usize = 1 << 20;

fn main() {
    divan::main();
}

fn frame(version: i16, request: impl Into<Request>) -> Bytes {
    let client_id = "rdkafka".into();
    encode_request(version, 1, Some(&client_id), &request.into()).to_bytes().slice(4..)
}

/// One batch for one partition, as a producer with much to say sends it.
#[divan::bench(args = [1024, MIB])]
fn decode_produce(bencher: Bencher, size: usize) {
    let records = Some(Records::from(Bytes::from(vec![1; size])));
    let partition_data = vec![PartitionProduceData { index: 0, records }];
    let topic_data = vec![TopicProduceData { name: "trucks_gps".into(), partition_data }];
    let request = ProduceRequest { acks: 1, timeout_ms: 30_000, topic_data, ..Default::default() };
    let frame = frame(10, request);
    bencher.bench_local(|| decode_request(black_box(&frame)));
}

/// One partition's answer with one batch: its head written anew, its body shared.
#[divan::bench(args = [1024, MIB])]
fn encode_fetch(bencher: Bencher, size: usize) {
    let records: Records = [Bytes::from(vec![1; 61]), Bytes::from(vec![2; size])].into_iter().collect();
    let partitions = vec![PartitionData { records: Some(records), ..Default::default() }];
    let responses = vec![FetchableTopicResponse { partitions, ..Default::default() }];
    let response = Response::from(FetchResponse { responses, ..Default::default() });
    bencher.bench_local(|| encode_response(1, 16, black_box(&response)));
}

/// A consumer's first fetch of many partitions.
#[divan::bench(args = [10, 1000])]
fn decode_fetch(bencher: Bencher, partitions: i32) {
    let partition = |partition| FetchPartition { partition, partition_max_bytes: 1 << 20, ..Default::default() };
    let topic = FetchTopic { partitions: (0..partitions).map(partition).collect(), ..Default::default() };
    let frame = frame(16, FetchRequest { topics: vec![topic], ..Default::default() });
    bencher.bench_local(|| decode_request(black_box(&frame)));
}

/// The metadata of a topic with many partitions.
#[divan::bench(args = [10, 1000])]
fn encode_metadata(bencher: Bencher, partitions: i32) {
    let partition = |partition_index| MetadataResponsePartition {
        partition_index,
        replica_nodes: vec![1, 2, 3],
        isr_nodes: vec![1, 2, 3],
        ..Default::default()
    };
    let topic = MetadataResponseTopic {
        name: Some("trucks_gps".into()),
        partitions: (0..partitions).map(partition).collect(),
        ..Default::default()
    };
    let response = Response::from(MetadataResponse { topics: vec![topic], ..Default::default() });
    bencher.bench_local(|| encode_response(1, 12, black_box(&response)));
}
