"""kafka-python as a member of a group: `kafkapython_member.py BOOTSTRAP TOPIC GROUP NAME`."""
import sys

from kafka import ConsumerRebalanceListener, KafkaConsumer
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.errors import CommitFailedError, RebalanceInProgressError

from member import BATCH, HEARTBEAT_MS, POLL_SECONDS, SESSION_MS, Member


class Listener(ConsumerRebalanceListener):
    """Tells what it is given and what it gives up."""

    def __init__(self, member):
        self.member = member

    def on_partitions_assigned(self, assigned):
        self.member.assigned([place.partition for place in assigned])

    def on_partitions_revoked(self, revoked):
        self.member.assigned([])


def run(bootstrap, topic, group, name):
    member = Member()
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap, group_id=group, client_id=name, auto_offset_reset="earliest",
        enable_auto_commit=False, partition_assignment_strategy=[RangePartitionAssignor], max_poll_records=BATCH,
        session_timeout_ms=SESSION_MS, heartbeat_interval_ms=HEARTBEAT_MS)
    consumer.subscribe([topic], listener=Listener(member))
    while not member.leaving.is_set():
        batches = consumer.poll(timeout_ms=int(POLL_SECONDS * 1000))
        records = [record for batch in batches.values() for record in batch]
        if not records:
            continue
        member.read([(record.partition, record.offset, record.value) for record in records])
        try:
            consumer.commit()
        except (CommitFailedError, RebalanceInProgressError):
            continue  # A rebalance came first: whoever has the partition now reads the records again.
        member.committed([(place.partition, batch[-1].offset + 1) for place, batch in batches.items()])
    consumer.close()
    member.left()


if __name__ == "__main__":
    run(*sys.argv[1:])
