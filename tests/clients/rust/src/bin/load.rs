//! One librdkafka producer that writes as fast as it can: `load BOOTSTRAP TOPIC REPLICAS ACKS RECORD_BYTES MEGABYTES`.
//! It creates the topic with six partitions and prints one line of JSON: megabytes a second, its own seconds of CPU.
//! Driven by `benches/throughput.py`.

use std::time::{Duration, Instant};

use kscope_test_clients::Failure;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::types::RDKafkaErrorCode;
use serde_json::json;

const PARTITIONS: i32 = 6;

/// How long to serve acknowledgements when the queue is full, before the next attempt.
const BREATH: Duration = Duration::from_micros(500);

async fn create(config: &ClientConfig, topic: &str, replicas: i32) -> Result<(), Failure> {
    let admin: AdminClient<DefaultClientContext> = config.create()?;
    let topics = [NewTopic::new(topic, PARTITIONS, TopicReplication::Fixed(replicas))];
    for created in admin.create_topics(&topics, &AdminOptions::new()).await? {
        created.map_err(|(topic, code)| format!("creating {topic}: {code}"))?;
    }
    Ok(())
}

fn write(
    producer: &ThreadedProducer<DefaultProducerContext>,
    topic: &str,
    value: &[u8],
    count: u64,
) -> Result<(), Failure> {
    for _ in 0..count {
        let mut record = BaseRecord::<(), [u8]>::to(topic).payload(value);
        while let Err((error, same)) = producer.send(record) {
            if error != KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) {
                return Err(error.into());
            }
            record = same;
            producer.poll(BREATH);
        }
    }
    Ok(producer.flush(Duration::from_secs(60))?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [bootstrap, topic, replicas, acks, record_bytes, megabytes] = &args[..] else {
        return Err("usage: load BOOTSTRAP TOPIC REPLICAS ACKS RECORD_BYTES MEGABYTES".into());
    };
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set("acks", acks).set("linger.ms", "5");
    create(&config, topic, replicas.parse()?).await?;
    let value = vec![b'x'; record_bytes.parse()?];
    let count = megabytes.parse::<u64>()? * 1_000_000 / value.len() as u64;
    let producer: ThreadedProducer<DefaultProducerContext> = config.create()?;
    // Connections and metadata are not what is measured.
    write(&producer, topic, &value, 1)?;
    let begin = Instant::now();
    write(&producer, topic, &value, count)?;
    let seconds = begin.elapsed().as_secs_f64();
    let written = producer.in_flight_count() == 0;
    println!("{}", json!({ "mb_s": megabytes.parse::<f64>()? / seconds, "written": written }));
    Ok(())
}
