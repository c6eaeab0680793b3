//! rskafka, a client in Rust alone: `rskafka BOOTSTRAP TOPIC`.
//!
//! It has no idempotence, so a retry may write a record twice; it sends one request at a time, so order holds. Its
//! metadata is its own affair: that it goes on writing to partition 0 shows that it knows the new leader.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use chrono::DateTime;
use kscope_test_clients::{Failure, PARTITIONS, REPLICAS, Read, Stream, partition_of, say, value_of};
use rskafka::client::partition::{Compression, OffsetAt, PartitionClient, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder};
use rskafka::record::{Record, RecordAndOffset};
use serde_json::json;

const CODECS: [(&str, Compression); 5] = [
    ("none", Compression::NoCompression),
    ("gzip", Compression::Gzip),
    ("snappy", Compression::Snappy),
    ("lz4", Compression::Lz4),
    ("zstd", Compression::Zstd),
];
/// Records in one request.
const BATCH: usize = 10;

fn record(key: Option<&str>, value: &str, headers: BTreeMap<String, Vec<u8>>) -> Record {
    // Not a fixed time: retention would take records that are older than a week.
    let timestamp = DateTime::from(SystemTime::now());
    Record { key: key.map(Into::into), value: Some(value.into()), headers, timestamp }
}

fn text(bytes: Option<&Vec<u8>>) -> String {
    bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default()
}

async fn partition(client: &Client, topic: &str, number: i32) -> Result<PartitionClient, Failure> {
    Ok(client.partition_client(topic, number, UnknownTopicHandling::Retry).await?)
}

/// All records of a partition, and where it starts and ends.
async fn read(client: &PartitionClient) -> Result<(Vec<RecordAndOffset>, i64, i64), Failure> {
    let start = client.get_offset(OffsetAt::Earliest).await?;
    let end = client.get_offset(OffsetAt::Latest).await?;
    let mut records: Vec<RecordAndOffset> = Vec::new();
    let mut next = start;
    while next < end {
        let (more, _high_watermark) = client.fetch_records(next, 1..1_000_000, 30_000).await?;
        next = more.last().ok_or("no more records for 30 s")?.offset + 1;
        records.extend(more);
    }
    Ok((records, start, end))
}

async fn basic(client: &Client, topic: &str) -> Result<(), Failure> {
    let partition = partition(client, topic, 0).await?;
    for (name, codec) in CODECS {
        let headers = BTreeMap::from([("codec".to_owned(), name.as_bytes().to_vec())]);
        partition.produce(vec![record(Some(name), &value_of(name), headers)], codec).await?;
    }
    let mut seen = Vec::new();
    for RecordAndOffset { record, offset } in read(&partition).await?.0 {
        let header = text(record.headers.get("codec"));
        seen.push(json!([offset, text(record.key.as_ref()), text(record.value.as_ref()), header]));
    }
    say("basic", &json!({ "version": "0.6.0", "read": seen }));
    Ok(())
}

/// Writes what falls to one partition, batch by batch, until the stream ends.
async fn produce(stream: &Stream, partitions: &[PartitionClient]) -> Result<(), Failure> {
    let mut waiting: BTreeMap<i32, Vec<i64>> = BTreeMap::new();
    loop {
        let next = stream.next();
        if let Some(value) = next {
            waiting.entry(partition_of(value)).or_default().push(value);
        }
        for client in partitions {
            let values = waiting.entry(client.partition()).or_default();
            if values.len() >= BATCH || (next.is_none() && !values.is_empty()) {
                let values = std::mem::take(values);
                let records = values.iter().map(|value| record(None, &value.to_string(), BTreeMap::new())).collect();
                let offsets = client.produce(records, Compression::NoCompression).await?;
                for (value, offset) in values.into_iter().zip(offsets) {
                    stream.acknowledged(client.partition(), offset, value);
                }
            }
        }
        if next.is_none() {
            return Ok(());
        }
    }
}

async fn failover(client: &Client, topic: &str) -> Result<(), Failure> {
    let mut partitions = Vec::new();
    for number in 0..PARTITIONS {
        partitions.push(partition(client, topic, number).await?);
    }
    let stream: Arc<Stream> = Stream::start();
    produce(&stream, &partitions).await?;
    let mut back = Read::default();
    for partition in &partitions {
        let (records, start, end) = read(partition).await?;
        let mut seen = Vec::new();
        for RecordAndOffset { record, offset } in records {
            seen.push((offset, text(record.value.as_ref()).parse()?));
        }
        back.records.insert(partition.partition(), seen);
        back.starts.push(start);
        back.ends.push(end);
    }
    stream.done(None, &back);
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let (Some(bootstrap), Some(topic)) = (arguments.next(), arguments.next()) else {
        return Err("usage: rskafka BOOTSTRAP TOPIC".into());
    };
    let client = ClientBuilder::new(bootstrap.split(',').map(str::to_owned).collect()).build().await?;
    let aside = format!("{topic}.basic");
    let controller = client.controller_client()?;
    controller.create_topic(&topic, PARTITIONS, REPLICAS, 30_000).await?;
    controller.create_topic(&aside, 1, REPLICAS, 30_000).await?;
    basic(&client, &aside).await?;
    failover(&client, &topic).await
}
