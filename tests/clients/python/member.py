"""What the Python members of a group share: the lines that they say, and when they are to leave. See ../README.md.

It judges nothing.
"""
import sys
import threading

from line import say

# Records that are processed together, and committed together.
BATCH = 200
POLL_SECONDS = 0.1
# The least that Kafka allows with its defaults, and often enough that a rebalance is heard of at once.
SESSION_MS, HEARTBEAT_MS = 6000, 500


class Member:
    """What one member tells."""

    def __init__(self):
        self.leaving, self.has = threading.Event(), set()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        sys.stdin.readline()  # It says `leave`, or the driver is gone.
        self.leaving.set()

    def assigned(self, partitions):
        """All that it has from now on."""
        self.has = set(partitions)
        say("assigned", sorted(self.has))

    def given(self, partitions):
        """These more, beside what it has."""
        self.assigned(self.has | set(partitions))

    def gave_up(self, partitions):
        """All but these."""
        self.assigned(self.has - set(partitions))

    def read(self, records):
        """Records that it has processed: partition, offset, value."""
        say("read", [[partition, offset, number(value)] for partition, offset, value in records])

    def committed(self, places):
        """The coordinator has said that these count: partition and next offset."""
        say("committed", [list(place) for place in places])

    def left(self):
        say("left")


def number(value):
    """Which record it is; none where records are not numbered."""
    return int(value) if value.isdigit() else None
