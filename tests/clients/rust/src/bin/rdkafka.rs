//! librdkafka by the rdkafka crate, built from its own sources: `rdkafka BOOTSTRAP TOPIC`.

use std::sync::Arc;
use std::time::Duration;

use kscope_test_clients::{Failure, PARTITIONS, REPLICAS, Read, Stream, WINDOW, partition_of, say, value_of};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, DeliveryResult, Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, NoCustomPartitioner, Producer, ProducerContext};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientContext, Offset, TopicPartitionList};
use serde_json::json;

const CODECS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];
const PATIENCE: Duration = Duration::from_secs(30);

/// Notes every acknowledged record; one that was given up ends the client.
struct Acks(Arc<Stream>);

impl ClientContext for Acks {}

impl ProducerContext<NoCustomPartitioner> for Acks {
    type DeliveryOpaque = Box<i64>;

    fn delivery(&self, result: &DeliveryResult<'_>, value: Box<i64>) {
        match result {
            Ok(message) => self.0.acknowledged(message.partition(), message.offset(), *value),
            Err((error, _)) => fail(error),
        }
    }
}

fn fail(error: &KafkaError) {
    eprintln!("a record was given up: {error}");
    std::process::exit(1);
}

fn config(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap);
    config
}

async fn create(bootstrap: &str, topic: &str, basic: &str) -> Result<(), Failure> {
    let admin: AdminClient<DefaultClientContext> = config(bootstrap).create()?;
    let replicas = || TopicReplication::Fixed(i32::from(REPLICAS));
    let topics = [
        NewTopic::new(topic, PARTITIONS, replicas()).set("min.insync.replicas", "2"),
        NewTopic::new(basic, 1, replicas()),
    ];
    for created in admin.create_topics(&topics, &AdminOptions::new()).await? {
        created.map_err(|(topic, code)| format!("creating {topic}: {code}"))?;
    }
    Ok(())
}

/// Gives every message of the topic's partitions to `take`, by assignment; tells where they start and end.
fn read(
    bootstrap: &str,
    topic: &str,
    partitions: i32,
    mut take: impl FnMut(&BorrowedMessage<'_>) -> Result<(), Failure>,
) -> Result<(Vec<i64>, Vec<i64>), Failure> {
    let consumer: BaseConsumer =
        config(bootstrap).set("group.id", "unused").set("enable.auto.commit", "false").create()?;
    let mut places = TopicPartitionList::new();
    let (mut starts, mut ends) = (Vec::new(), Vec::new());
    for number in 0..partitions {
        let (start, end) = consumer.fetch_watermarks(topic, number, PATIENCE)?;
        places.add_partition_offset(topic, number, Offset::Offset(start))?;
        starts.push(start);
        ends.push(end);
    }
    consumer.assign(&places)?;
    let mut left = ends.iter().sum::<i64>() - starts.iter().sum::<i64>();
    while left > 0 {
        match consumer.poll(PATIENCE).ok_or("no more messages for 30 s")? {
            Ok(message) => {
                take(&message)?;
                left -= 1;
            }
            Err(error) if is_notice(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok((starts, ends))
}

/// Whether librdkafka only tells that it cannot reach a broker (the dead one); it goes on by itself.
fn is_notice(error: &KafkaError) -> bool {
    let code = error.rdkafka_error_code();
    matches!(code, Some(RDKafkaErrorCode::BrokerTransportFailure | RDKafkaErrorCode::AllBrokersDown))
}

fn text(bytes: Option<&[u8]>) -> String {
    String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned()
}

fn basic(bootstrap: &str, topic: &str) -> Result<(), Failure> {
    for codec in CODECS {
        let producer: BaseProducer =
            config(bootstrap).set("compression.type", codec).set("enable.idempotence", "true").create()?;
        let value = value_of(codec);
        let headers = OwnedHeaders::new().insert(Header { key: "codec", value: Some(codec) });
        let record = BaseRecord::to(topic).key(codec).payload(&value).headers(headers);
        producer.send(record).map_err(|(error, _)| error)?;
        producer.flush(PATIENCE)?;
    }
    let mut seen = Vec::new();
    read(bootstrap, topic, 1, |message| {
        let header = message.headers().and_then(|headers| headers.iter().next().and_then(|one| one.value));
        seen.push(json!([message.offset(), text(message.key()), text(message.payload()), text(header)]));
        Ok(())
    })?;
    let version = format!("0.39.0 on librdkafka {}", rdkafka::util::get_rdkafka_version().1);
    say("basic", &json!({ "version": version, "read": seen }));
    Ok(())
}

fn failover(bootstrap: &str, topic: &str) -> Result<(), Failure> {
    let stream = Stream::start();
    let settings = config(bootstrap).set("enable.idempotence", "true").set("acks", "all").clone();
    let producer: BaseProducer<Acks> = settings.create_with_context(Acks(Arc::clone(&stream)))?;
    while let Some(value) = stream.next() {
        let body = value.to_string();
        let record = BaseRecord::with_opaque_to(topic, Box::new(value)).partition(partition_of(value));
        producer.send(record.key("").payload(&body)).map_err(|(error, _)| error)?;
        producer.poll(Duration::ZERO);
        while stream.under_way() >= WINDOW {
            producer.poll(Duration::from_millis(5)); // It stays that long even when there was something.
        }
    }
    producer.flush(2 * PATIENCE)?;
    let metadata = producer.client().fetch_metadata(Some(topic), PATIENCE)?;
    let partitions = metadata.topics().first().ok_or("no such topic")?.partitions();
    let leader = partitions.iter().find(|partition| partition.id() == 0).map(|partition| partition.leader());
    let mut back = Read::default();
    (back.starts, back.ends) = read(bootstrap, topic, PARTITIONS, |message| {
        let value = text(message.payload()).parse()?;
        back.records.entry(message.partition()).or_default().push((message.offset(), value));
        Ok(())
    })?;
    stream.done(leader, &back);
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let (Some(bootstrap), Some(topic)) = (arguments.next(), arguments.next()) else {
        return Err("usage: rdkafka BOOTSTRAP TOPIC".into());
    };
    let aside = format!("{topic}.basic");
    create(&bootstrap, &topic, &aside).await?;
    basic(&bootstrap, &aside)?;
    failover(&bootstrap, &topic)
}
