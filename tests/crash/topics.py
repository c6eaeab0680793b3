"""The topics that the loop writes to, each with what is done to it while the lab runs and what must hold after a kill.

Every topic keeps its own books of what it sent and what was acknowledged: nothing that kscope says of itself is believed.
"""
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import NewTopic

PATIENCE_SECONDS = 60


def patiently(ask, *passing):
    """What `ask` gives; asked again while it fails with an error that passes."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return ask().result(timeout=30)
        except KafkaException as error:
            if error.args[0].code() not in passing or time.monotonic() > give_up:
                raise


class Topic:
    """One topic: its producer and its books."""

    name, partitions, settings = "", 1, {}

    def __init__(self, bootstrap):
        self.bootstrap = bootstrap
        self.begin()

    def begin(self):
        """A new producer, and empty books."""
        self.producer = Producer({"bootstrap.servers": self.bootstrap, "enable.idempotence": True, "acks": "all",
                                  "linger.ms": 1, "batch.size": 32 * 1024, "queue.buffering.max.messages": 2_000,
                                  "delivery.timeout.ms": 120_000, "reconnect.backoff.max.ms": 500, "log_level": 2})
        self.sent = {partition: 0 for partition in range(self.partitions)}
        self.acked = {partition: {} for partition in range(self.partitions)}
        self.refused = []

    def make(self, admin):
        """Creates it; where one of its name is still being deleted, once that is done."""
        topic = NewTopic(self.name, self.partitions, 3, config=self.settings)
        patiently(lambda: admin.create_topics([topic])[self.name], KafkaError.TOPIC_ALREADY_EXISTS,
                  KafkaError.INVALID_REPLICATION_FACTOR)

    def count(self):
        return sum(len(offsets) for offsets in self.acked.values())

    def told(self, error, message):
        number = int(message.value().split(b" ")[0])
        if error:
            self.refused.append(f"{self.name}-{message.partition()}/{number}: {error}")
        else:
            self.acked[message.partition()][number] = message.offset()

    def key(self, number, draw):
        """The key of a record."""

    def send(self, draw):
        """Sends one record, its number in its partition in front."""
        partition = draw.randrange(self.partitions)
        number = self.sent[partition]
        value = f"{number} ".encode() + b"x" * draw.randrange(400)
        try:
            self.producer.produce(self.name, value, key=self.key(number, draw), partition=partition,
                                  on_delivery=self.told)
            self.sent[partition] += 1
        except BufferError:
            self.producer.poll(0.1)
        self.producer.poll(0)

    def change(self, admin, draw):
        """What is done to it before a round's load."""

    def change_at_last(self, admin, draw):
        """What is asked for right before the kill, its answer not waited for."""

    def read(self):
        """What stands in each partition: where it begins, and (offset, key, number) of its records."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": "none", "enable.auto.commit": False,
                             "auto.offset.reset": "error", "enable.partition.eof": False, "check.crcs": True})
        try:
            return {partition: self.read_partition(consumer, partition) for partition in range(self.partitions)}
        finally:
            consumer.close()

    def read_partition(self, consumer, partition):
        low, high = self.bounds(consumer, partition)
        consumer.assign([TopicPartition(self.name, partition, low)])
        found, reached = [], low
        give_up = time.monotonic() + PATIENCE_SECONDS
        while reached < high and time.monotonic() < give_up:
            for message in consumer.consume(10_000, 0.1):
                if message.error() is None:
                    found.append((message.offset(), message.key(), int(message.value().split(b" ")[0])))
                    reached = message.offset() + 1
        return low, found

    def bounds(self, consumer, partition):
        """Where a partition begins and ends: once a leader has told, and no sooner than what was acknowledged."""
        least = max(self.acked[partition].values(), default=-1) + 1
        give_up = time.monotonic() + PATIENCE_SECONDS
        low, high = 0, -1
        while time.monotonic() < give_up:
            try:
                low, high = consumer.get_watermark_offsets(TopicPartition(self.name, partition), timeout=5)
            except KafkaException:
                continue
            if high >= least:
                break
        return low, high

    def faults(self):
        """What does not hold, in words."""
        for partition, (low, records) in self.read().items():
            for fault in self.faults_of(partition, low, records):
                yield f"{self.name}-{partition}: {fault}"
        yield from self.refused[:5]
        self.refused.clear()

    def faults_at_the_end(self):
        """The same, once everything is delivered."""
        return self.faults()

    def faults_of(self, partition, low, records):
        offsets, numbers = [offset for offset, _, _ in records], [number for _, _, number in records]
        if offsets != list(range(low, low + len(offsets))):
            yield "its offsets are not dense"
        if len(set(numbers)) != len(numbers):
            yield f"written twice: {sorted(number for number in set(numbers) if numbers.count(number) > 1)[:5]}"
        if numbers != sorted(numbers):
            yield "not in the order in which they were sent"
        yield from self.missing(partition, low, records)

    def missing(self, partition, low, records):
        """What was acknowledged, is not below the beginning, and is not where it must be."""
        at = {number: offset for offset, _, number in records}
        for number, offset in self.acked[partition].items():
            if offset >= low and at.get(number) != offset:
                yield f"record {number} was acknowledged at {offset}, and is at {at.get(number)}"
                return


class Shortened(Topic):
    """Records are deleted from its front (DeleteRecords): never more than was asked for. What comes back after a kill, since
    the new beginning was not written down yet, does so in Kafka too."""

    name, partitions, settings = "shortened", 3, {"min.insync.replicas": "2", "segment.bytes": str(256 * 1024)}

    def begin(self):
        super().begin()
        self.deleted_below = {partition: 0 for partition in range(self.partitions)}

    def change(self, admin, draw):
        partition = draw.randrange(self.partitions)
        acked = sorted(self.acked[partition].values())
        if acked:
            offset = acked[draw.randrange(len(acked))]
            self.deleted_below[partition] = max(offset, self.deleted_below[partition])
            where = TopicPartition(self.name, partition, offset)
            # After a kill it may not know of a leader yet.
            patiently(lambda: admin.delete_records([where])[where], KafkaError._NOENT,
                      KafkaError.NOT_LEADER_FOR_PARTITION)

    def faults_of(self, partition, low, records):
        if low > self.deleted_below[partition]:
            yield f"begins at {low}, and was deleted below {self.deleted_below[partition]} only"
        yield from super().faults_of(partition, low, records)


class MadeAnew(Topic):
    """Deleted and made anew by the same name, again and again: it holds what the last one was told, and nothing older."""

    name, partitions, settings = "made-anew", 2, {"min.insync.replicas": "2", "segment.bytes": str(64 * 1024)}

    def begin(self):
        super().begin()
        self.is_doubtful = False

    def change(self, admin, draw):
        if not self.is_doubtful:
            self.producer.flush(PATIENCE_SECONDS)
        self.producer.purge()
        self.producer.flush(1)
        try:
            admin.delete_topics([self.name], operation_timeout=30)[self.name].result(timeout=35)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise
        self.make(admin)
        self.begin()

    def change_at_last(self, admin, draw):
        if draw.random() < 0.3:
            self.is_doubtful = True
            deleted = admin.delete_topics([self.name])[self.name]
            try:
                deleted.result(timeout=draw.uniform(0.001, 0.05))
            except (KafkaException, TimeoutError):
                pass

    def faults(self):
        """Nothing can be said of one whose deletion was asked for and not answered."""
        if not self.is_doubtful:
            self.producer.flush(PATIENCE_SECONDS)
            yield from super().faults()


class Compacted(Topic):
    """Compacted all the while: of every key the newest acknowledged value is there, or a newer one."""

    name, partitions = "compacted", 2
    settings = {"min.insync.replicas": "2", "cleanup.policy": "compact", "segment.bytes": str(64 * 1024),
                "min.cleanable.dirty.ratio": "0.01"}
    keys = 40

    def begin(self):
        super().begin()
        self.key_of = {}

    def key(self, number, draw):
        return f"key {draw.randrange(self.keys)}".encode()

    def told(self, error, message):
        super().told(error, message)
        self.key_of[message.partition(), int(message.value().split(b" ")[0])] = message.key()

    def faults_of(self, partition, low, records):
        offsets = [offset for offset, _, _ in records]
        if offsets != sorted(set(offsets)):
            yield "its offsets do not rise"
        newest = {}
        for _, key, number in records:
            if number <= newest.get(key, -1):
                yield f"record {number} of {key} stands behind record {newest[key]}"
            newest[key] = number
        for number in self.acked[partition]:
            key = self.key_of[partition, number]
            if newest.get(key, -1) < number:
                yield f"record {number} of {key} was acknowledged, and the newest there is {newest.get(key)}"
                break
        where = {offset: number for offset, _, number in records}
        for number, offset in self.acked[partition].items():
            if where.get(offset, number) != number:
                yield f"record {number} was acknowledged at {offset}, where record {where[offset]} is"
                break

    def faults_at_the_end(self):
        yield from self.faults()
        if all(len(records) == self.sent[partition] for partition, (_, records) in self.read().items()):
            yield f"{self.name}: nothing was compacted, so nothing of it was shown"
