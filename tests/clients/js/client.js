// KafkaJS: `node client.js BOOTSTRAP TOPIC`. It reads by groups alone, which member.js does: here the driver reads.
// The line protocol and the runs: ../README.md.
"use strict";
const { Kafka, CompressionTypes, logLevel } = require("kafkajs");
const { version } = require("kafkajs/package.json");

const PARTITIONS = 3;
const REPLICAS = 3;
const BEFORE = 1000;
const AFTER = 1000;
// Records in one send, all to one partition: a send over several brokers that is retried leaves out the partitions whose
// new leader has answered already (sendMessages.js of 2.2.4), and says that all went well.
const BATCH = 10;
const LIMIT = 1_000_000;

const say = (word, report) => process.stdout.write(report ? `${word} ${JSON.stringify(report)}\n` : `${word}\n`);
const valueOf = (codec) => `a value under ${codec} `.repeat(20);

async function create(kafka, topic) {
  const admin = kafka.admin();
  await admin.connect();
  const settings = [{ name: "min.insync.replicas", value: "2" }];
  await admin.createTopics({
    waitForLeaders: true,
    topics: [
      { topic, numPartitions: PARTITIONS, replicationFactor: REPLICAS, configEntries: settings },
      { topic: `${topic}.basic`, numPartitions: 1, replicationFactor: REPLICAS },
    ],
  });
  await admin.disconnect();
}

const producerOf = (kafka) =>
  kafka.producer({ idempotent: true, maxInFlightRequests: 1, retry: { retries: 100, maxRetryTime: 1000 } });

async function basic(kafka, topic) {
  const producer = producerOf(kafka);
  await producer.connect();
  for (const [codec, compression] of [["none", CompressionTypes.None], ["gzip", CompressionTypes.GZIP]]) {
    const messages = [{ key: codec, value: valueOf(codec), headers: { codec }, partition: 0 }];
    await producer.send({ topic, acks: -1, compression, messages });
  }
  await producer.disconnect();
  say("basic", { version, read: null });
}

// The values go on until the leader was killed, and AFTER more; each is acknowledged before the next is sent.
async function stream(producer, topic) {
  const acked = [];
  let last = LIMIT;
  process.stdin.once("data", () => (last = acked.length + BATCH + AFTER));
  for (let value = 0; value < last; value += BATCH) {
    const values = Array.from({ length: BATCH }, (_, at) => value + at);
    const partition = (value / BATCH) % PARTITIONS;
    const messages = values.map((each) => ({ value: `${each}`, partition }));
    const [{ baseOffset }] = await producer.send({ topic, acks: -1, messages });
    values.forEach((each, at) => acked.push([partition, Number(baseOffset) + at, each]));
    if (acked.length === BEFORE) say("half");
  }
  if (last === LIMIT) throw new Error("nobody killed the leader");
  process.stdin.destroy();
  return acked;
}

async function leaderOf(kafka, topic) {
  const admin = kafka.admin();
  await admin.connect();
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  await admin.disconnect();
  return topics[0].partitions.find((one) => one.partitionId === 0).leader;
}

async function main(bootstrap, topic) {
  const kafka = new Kafka({ clientId: "matrix", brokers: bootstrap.split(","), logLevel: logLevel.ERROR });
  await create(kafka, topic);
  await basic(kafka, `${topic}.basic`);
  const producer = producerOf(kafka);
  await producer.connect();
  const acked = await stream(producer, topic);
  await producer.disconnect();
  say("done", { acked, leader: await leaderOf(kafka, topic), read: null });
}

main(...process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
