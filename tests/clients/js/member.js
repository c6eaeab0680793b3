// KafkaJS as a member of a group: `node member.js BOOTSTRAP TOPIC GROUP NAME`. The lines that it says: ../README.md.
"use strict";
const { Kafka, AssignerProtocol, logLevel } = require("kafkajs");

const say = (word, report) => process.stdout.write(report ? `${word} ${JSON.stringify(report)}\n` : `${word}\n`);
const numbers = (partitions) => [...partitions].sort((a, b) => a - b);
const number = (value) => (/^\d+$/.test(value) ? Number(value) : null);

// KafkaJS has no assignor but one of its own kind of round robin, which no other client knows; it takes others, though.
const range = ({ cluster }) => ({
  name: "range",
  version: 0,
  protocol: ({ topics }) => ({
    name: "range",
    metadata: AssignerProtocol.MemberMetadata.encode({ version: 0, topics, userData: Buffer.alloc(0) }),
  }),
  // All members read the same topics here.
  async assign({ members, topics }) {
    const ids = members.map(({ memberId }) => memberId).sort();
    const parts = new Map(ids.map((id) => [id, {}]));
    for (const topic of topics) {
      const partitions = numbers(cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId));
      const [share, more] = [Math.floor(partitions.length / ids.length), partitions.length % ids.length];
      ids.forEach((id, at) => (parts.get(id)[topic] = partitions.splice(0, share + (at < more ? 1 : 0))));
    }
    return ids.map((memberId) => ({
      memberId,
      memberAssignment: AssignerProtocol.MemberAssignment.encode({
        version: 0, assignment: parts.get(memberId), userData: Buffer.alloc(0),
      }),
    }));
  },
});

async function main(bootstrap, topic, groupId, clientId) {
  const kafka = new Kafka({ clientId, brokers: bootstrap.split(","), logLevel: logLevel.ERROR });
  const consumer = kafka.consumer({
    groupId, partitionAssigners: [range], sessionTimeout: 6000, heartbeatInterval: 500, rebalanceTimeout: 30000,
    maxWaitTimeInMs: 100,
  });
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) =>
    say("assigned", numbers(payload.memberAssignment[topic] ?? [])));
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    console.error(payload.error);
    if (!payload.restart) process.exit(1);
  });
  process.stdin.once("data", async () => {
    await consumer.disconnect();
    say("left");
    process.exit(0);
  });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch, resolveOffset, heartbeat, isStale, isRunning }) => {
      if (isStale() || !isRunning()) return;
      const { partition } = batch;
      say("read", batch.messages.map(({ offset, value }) => [partition, Number(offset), number(value.toString())]));
      resolveOffset(batch.lastOffset());
      const next = Number(batch.lastOffset()) + 1;
      await consumer.commitOffsets([{ topic, partition, offset: `${next}` }]);
      say("committed", [[partition, next]]);
      await heartbeat();
    },
  });
}

main(...process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
