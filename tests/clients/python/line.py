"""What every Python client of the matrix shares: the line protocol, and the bookkeeping of the failover run.

See ../README.md for the protocol. It judges nothing.
"""
import json
import sys
import threading

PARTITIONS = 3
REPLICAS = 3
SETTINGS = {"min.insync.replicas": "2"}
# Records acknowledged before the leader is killed, and produced after it.
BEFORE = AFTER = 1000
# Records under way at a time: enough that some are when the leader dies, few enough that the run stays short.
WINDOW = 50
# If nobody says `killed` by then, something is wrong with the driver.
LIMIT = 1_000_000


def say(word, report=None):
    print(word if report is None else f"{word} {json.dumps(report, separators=(',', ':'))}", flush=True)


def value_of(codec):
    return f"a value under {codec} " * 20


class Stream:
    """The values to produce, 0, 1, 2 ..., value i to partition i % PARTITIONS, and what became of them."""

    def __init__(self):
        self.acked = []
        self.produced = 0
        self.killed = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in sys.stdin:
            if line.strip() == "killed":
                self.killed.set()

    def values(self):
        """Goes on until the leader was killed, and AFTER more."""
        last = LIMIT
        while self.produced < last:
            if last == LIMIT and self.killed.is_set():
                last = self.produced + AFTER
            yield self.produced
            self.produced += 1
        if last == LIMIT:
            raise RuntimeError("nobody killed the leader")

    def acknowledged(self, partition, offset, value):
        self.acked.append([partition, offset, value])
        if len(self.acked) == BEFORE:
            say("half")

    def under_way(self):
        return self.produced - len(self.acked)
