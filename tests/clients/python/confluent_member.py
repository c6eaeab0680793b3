"""confluent-kafka as a member of a group: `confluent_member.py BOOTSTRAP TOPIC GROUP NAME [consumer]`."""
import sys

from confluent_kafka import Consumer, KafkaError, KafkaException

from confluent import NOTICES
from member import BATCH, HEARTBEAT_MS, POLL_SECONDS, SESSION_MS, Member

# A rebalance came first: whoever has the partition now reads the records again.
REFUSED = (KafkaError.REBALANCE_IN_PROGRESS, KafkaError.ILLEGAL_GENERATION, KafkaError.UNKNOWN_MEMBER_ID,
           KafkaError.STALE_MEMBER_EPOCH, KafkaError._NO_OFFSET)
# Of the classic protocol; in that of KIP-848 these are the group's settings.
CLASSIC = {"partition.assignment.strategy": "range", "session.timeout.ms": SESSION_MS,
           "heartbeat.interval.ms": HEARTBEAT_MS}


class Group:
    """The consumer, and what it has in hand."""

    def __init__(self, bootstrap, topic, group, name, protocol="classic"):
        self.member, self.batch = Member(), []
        self.consumer = Consumer({
            "bootstrap.servers": bootstrap, "group.id": group, "client.id": name, "group.protocol": protocol,
            "auto.offset.reset": "earliest", "enable.auto.commit": False, **(CLASSIC if protocol == "classic" else {})})
        self.consumer.subscribe([topic], on_assign=self.on_assign, on_revoke=self.on_revoke, on_lost=self.on_lost)

    def on_assign(self, _consumer, places):
        self.member.given([place.partition for place in places])

    def on_revoke(self, _consumer, places):
        self.settle()
        self.member.gave_up([place.partition for place in places])

    def on_lost(self, _consumer, places):
        self.batch = []
        self.member.gave_up([place.partition for place in places])

    def settle(self):
        """Processes what it has in hand, and commits it."""
        if not self.batch:
            return
        self.member.read([(m.partition(), m.offset(), m.value()) for m in self.batch])
        self.batch = []
        try:
            places = self.consumer.commit(asynchronous=False)
        except KafkaException as error:
            if error.args[0].code() not in REFUSED:
                raise
            return
        self.member.committed([(place.partition, place.offset) for place in places if not place.error])

    def run(self):
        while not self.member.leaving.is_set():
            message = self.consumer.poll(0 if self.batch else POLL_SECONDS)
            if message is not None and message.error() is None:
                self.batch.append(message)
            elif message is not None and message.error().code() not in NOTICES:
                raise KafkaException(message.error())
            if message is None or len(self.batch) >= BATCH:
                self.settle()
        self.settle()
        self.consumer.close()
        self.member.left()


if __name__ == "__main__":
    Group(*sys.argv[1:]).run()
