"""A topic that a group of one static member reads while the lab runs: what it committed outlives every end of the lab."""
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from topics import PATIENCE_SECONDS, Topic

GROUP = "followers"
# Records between two commits.
COMMIT_EVERY = 40
# A rebalance or the lab's end came first.
PASSING = (KafkaError._NO_OFFSET, KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._WAIT_COORD,
           KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_LOAD_IN_PROGRESS, KafkaError.COORDINATOR_NOT_AVAILABLE)


class Followed(Topic):
    """Each round has a new consumer, which takes its predecessor's place in the group, and goes on where that had
    committed: no sooner than what was acknowledged, no later than what was asked for."""

    name, partitions, settings = "followed", 3, {"min.insync.replicas": "2"}

    def begin(self):
        super().begin()
        self.consumer, self.uncommitted, self.answerless = None, 0, False
        self.position = {}
        self.kept, self.asked = ({partition: 0 for partition in range(self.partitions)} for _ in range(2))
        self.wrong = []

    def change(self, admin, draw):
        """The next consumer: a static member leaves nobody behind who would have to be waited for."""
        self.leave()
        self.consumer = Consumer({
            "bootstrap.servers": self.bootstrap, "group.id": GROUP, "group.instance.id": "follower",
            "enable.auto.commit": False, "auto.offset.reset": "earliest", "partition.assignment.strategy": "range",
            "session.timeout.ms": 30_000, "heartbeat.interval.ms": 500, "log_level": 2, "on_commit": self.on_commit})
        assigned = []
        self.consumer.subscribe([self.name], on_assign=lambda _consumer, places: assigned.extend(places))
        give_up = time.monotonic() + PATIENCE_SECONDS
        while not assigned and time.monotonic() < give_up:
            self.follow(0.1)
        if not assigned:
            self.wrong.append(f"{self.name}: its consumer was assigned nothing in {PATIENCE_SECONDS} s")

    def leave(self):
        if self.consumer:
            self.consumer.close()
        self.consumer, self.position, self.uncommitted, self.answerless = None, {}, 0, False

    def follow(self, seconds=0):
        """Takes the next record, if there is one. Returns whether there was."""
        message = self.consumer.poll(seconds)
        if message is None or message.error() is not None:
            return False
        partition, offset = message.partition(), message.offset()
        if partition in self.position:
            if offset != self.position[partition]:
                self.wrong.append(f"{self.name}-{partition}: {offset} was read, and {self.position[partition]} is next")
        elif not self.kept[partition] <= offset <= self.asked[partition]:
            self.wrong.append(f"{self.name}-{partition}: its group goes on at {offset};"
                              f" {self.kept[partition]} was acknowledged, {self.asked[partition]} asked for")
        self.position[partition] = offset + 1
        self.uncommitted += 1
        return True

    def on_commit(self, error, places):
        """What a commit came to that was not waited for: called by poll."""
        self.answerless = False
        self.keep(error, places)

    def keep(self, error, places):
        for place in places:
            if not error and not place.error:
                self.kept[place.partition] = max(self.kept[place.partition], place.offset)

    def commit(self, waits):
        """One at a time: the client asks again for those that a dead lab did not answer, and in any order. The last one
        to be kept need not be the last one then."""
        if self.answerless:
            return
        for partition, offset in self.position.items():
            self.asked[partition] = max(self.asked[partition], offset)
        places = [TopicPartition(self.name, partition, offset) for partition, offset in self.position.items()]
        self.uncommitted, self.answerless = 0, not waits
        try:
            self.keep(None, self.consumer.commit(offsets=places, asynchronous=not waits) or [])
        except KafkaException as error:
            self.answerless = False
            if error.args[0].code() not in PASSING:
                raise

    def send(self, draw):
        super().send(draw)
        self.follow()
        if self.uncommitted >= COMMIT_EVERY:
            self.commit(waits=draw.random() < 0.5)

    def change_at_last(self, admin, draw):
        if self.position:
            self.commit(waits=False)

    def faults(self):
        yield from super().faults()
        yield from self.wrong[:5]
        self.wrong.clear()
        for place in self.committed():
            kept, asked = self.kept[place.partition], self.asked[place.partition]
            offset = max(place.offset, 0)
            if not kept <= offset <= asked:
                yield (f"{self.name}-{place.partition}: {offset} is committed; {kept} was acknowledged,"
                       f" {asked} asked for")

    def committed(self):
        """What the coordinator says, once there is one."""
        asker = Consumer({"bootstrap.servers": self.bootstrap, "group.id": GROUP, "log_level": 2})
        places = [TopicPartition(self.name, partition) for partition in range(self.partitions)]
        give_up = time.monotonic() + PATIENCE_SECONDS
        try:
            while True:
                try:
                    return asker.committed(places, timeout=5)
                except KafkaException as error:
                    if error.args[0].code() not in PASSING or time.monotonic() > give_up:
                        raise
        finally:
            asker.close()

    def faults_at_the_end(self):
        """All is read, and committed."""
        ends = {partition: len(records) for partition, (_, records) in self.read().items()}
        give_up = time.monotonic() + PATIENCE_SECONDS
        while (self.answerless or {**self.kept, **self.position} != ends) and time.monotonic() < give_up:
            self.follow(0.1)
        self.commit(waits=True)
        yield from self.faults()
        if self.kept != ends:
            yield f"{self.name}: {self.kept} is committed, and it ends at {ends}"
        self.leave()
