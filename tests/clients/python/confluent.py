"""confluent-kafka, librdkafka's Python binding: `confluent.py BOOTSTRAP TOPIC`."""
import sys

import confluent_kafka
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from line import PARTITIONS, REPLICAS, SETTINGS, WINDOW, Stream, say, value_of

# librdkafka tells that it cannot reach a broker (the dead one), and goes on by itself.
NOTICES = (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN)
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]


def create(bootstrap, topic):
    admin = AdminClient({"bootstrap.servers": bootstrap})
    topics = [NewTopic(topic, PARTITIONS, REPLICAS, config=SETTINGS), NewTopic(f"{topic}.basic", 1, REPLICAS)]
    for future in admin.create_topics(topics).values():
        future.result(30)


def producer(bootstrap, **more):
    return Producer({"bootstrap.servers": bootstrap, "acks": "all", "enable.idempotence": True, **more})


def raise_error(error, _message):
    if error:
        raise KafkaException(error)


def read(bootstrap, topic, partitions):
    """Every message of the partitions by assignment, with where they start and end."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "unused", "enable.auto.commit": False})
    places = [TopicPartition(topic, number) for number in range(partitions)]
    starts, ends = zip(*[consumer.get_watermark_offsets(place, timeout=30) for place in places])
    consumer.assign([TopicPartition(topic, number, starts[number]) for number in range(partitions)])
    messages = []
    while len(messages) < sum(ends) - sum(starts):
        message = consumer.poll(30)
        if message is None:
            raise TimeoutError(f"{len(messages)} messages, and no more for 30 s")
        if message.error() is None:
            messages.append(message)
        elif message.error().code() not in NOTICES:
            raise KafkaException(message.error())
    consumer.close()
    return messages, starts, ends


def basic(bootstrap, topic):
    for codec in CODECS:
        one = producer(bootstrap, **{"compression.type": codec})
        one.produce(topic, value_of(codec), key=codec, headers={"codec": codec}, on_delivery=raise_error)
        one.flush(30)
    messages, _, _ = read(bootstrap, topic, 1)
    say("basic", {
        "version": f"{confluent_kafka.version()} on librdkafka {confluent_kafka.libversion()[0]}",
        "read": [[m.offset(), m.key().decode(), m.value().decode(), dict(m.headers())["codec"].decode()]
                 for m in messages],
    })


def failover(bootstrap, topic):
    stream, one = Stream(), producer(bootstrap)

    def delivered(error, message):
        raise_error(error, message)
        stream.acknowledged(message.partition(), message.offset(), int(message.value()))

    for value in stream.values():
        one.produce(topic, str(value), partition=value % PARTITIONS, on_delivery=delivered)
        one.poll(0)
        while stream.under_way() >= WINDOW:
            one.poll(1)
    one.flush(60)
    leader = one.list_topics(topic, 30).topics[topic].partitions[0].leader
    messages, starts, ends = read(bootstrap, topic, PARTITIONS)
    records = {number: [] for number in range(PARTITIONS)}
    for message in messages:
        records[message.partition()].append([message.offset(), int(message.value())])
    say("done", {"acked": stream.acked, "leader": leader, "read": records, "starts": starts, "ends": ends})


if __name__ == "__main__":
    create(*sys.argv[1:])
    basic(sys.argv[1], f"{sys.argv[2]}.basic")
    failover(*sys.argv[1:])
