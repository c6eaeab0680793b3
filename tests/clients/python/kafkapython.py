"""kafka-python, a client in Python alone: `kafkapython.py BOOTSTRAP TOPIC`."""
import sys

import kafka
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from line import PARTITIONS, REPLICAS, SETTINGS, WINDOW, Stream, say, value_of

CODECS = ["none", "gzip"]


def create(bootstrap, topic):
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics({
        topic: {"num_partitions": PARTITIONS, "replication_factor": REPLICAS, "configs": SETTINGS},
        f"{topic}.basic": {"num_partitions": 1, "replication_factor": REPLICAS},
    }, wait_for_metadata=True)
    admin.close()


def producer(bootstrap, **more):
    return KafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, **more)


def read(bootstrap, topic, partitions):
    """Every record of the partitions by assignment, with where they start and end."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    places = [TopicPartition(topic, number) for number in range(partitions)]
    starts, ends = consumer.beginning_offsets(places), consumer.end_offsets(places)
    consumer.assign(places)
    consumer.seek_to_beginning()
    records = []
    while len(records) < sum(ends.values()) - sum(starts.values()):
        more = consumer.poll(timeout_ms=30_000)
        if not more:
            raise TimeoutError(f"{len(records)} records, and no more for 30 s")
        records += [record for batch in more.values() for record in batch]
    consumer.close()
    return records, [starts[place] for place in places], [ends[place] for place in places]


def basic(bootstrap, topic):
    for codec in CODECS:
        one = producer(bootstrap, compression_type=None if codec == "none" else codec)
        headers = [("codec", codec.encode())]
        one.send(topic, value_of(codec).encode(), key=codec.encode(), headers=headers).get(30)
        one.close()
    records, _, _ = read(bootstrap, topic, 1)
    say("basic", {
        "version": kafka.__version__,
        "read": [[r.offset, r.key.decode(), r.value.decode(), dict(r.headers)["codec"].decode()] for r in records],
    })


def leader_of(bootstrap, topic):
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    partitions = admin.describe_topics([topic])[0]["partitions"]
    admin.close()
    return next(one["leader_id"] for one in partitions if one["partition_index"] == 0)


def failover(bootstrap, topic):
    stream, one, waiting = Stream(), producer(bootstrap), []

    def settle(left):
        """Takes the oldest answers until only `left` are under way."""
        while len(waiting) > left:
            value, future = waiting.pop(0)
            place = future.get(60)
            stream.acknowledged(place.partition, place.offset, value)

    for value in stream.values():
        waiting.append((value, one.send(topic, str(value).encode(), partition=value % PARTITIONS)))
        settle(WINDOW)
    settle(0)
    one.close()
    records, starts, ends = read(bootstrap, topic, PARTITIONS)
    seen = {number: [] for number in range(PARTITIONS)}
    for record in records:
        seen[record.partition].append([record.offset, int(record.value)])
    leader = leader_of(bootstrap, topic)
    say("done", {"acked": stream.acked, "leader": leader, "read": seen, "starts": starts, "ends": ends})


if __name__ == "__main__":
    create(*sys.argv[1:])
    basic(sys.argv[1], f"{sys.argv[2]}.basic")
    failover(*sys.argv[1:])
