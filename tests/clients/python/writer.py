"""Writes the numbered stream that a group reads: `writer.py BOOTSTRAP TOPIC PARTITIONS`, until it is told `stop`.

Then it says `wrote [[partition, offset, value], ...]`: what was acknowledged.
"""
import sys
import threading

from confluent import producer, raise_error
from line import say

# 20 records in every 20 ms: enough that some are on their way at every moment, few enough for two cores.
BURST, PAUSE_SECONDS = 20, 0.02


def run(bootstrap, topic, partitions):
    stopped, acked, value = threading.Event(), [], 0
    threading.Thread(target=lambda: (sys.stdin.readline(), stopped.set()), daemon=True).start()
    one = producer(bootstrap)

    def delivered(error, message):
        raise_error(error, message)
        acked.append([message.partition(), message.offset(), int(message.value())])

    while not stopped.is_set():
        for _ in range(BURST):
            one.produce(topic, str(value), partition=value % partitions, on_delivery=delivered)
            value += 1
        one.poll(0)
        stopped.wait(PAUSE_SECONDS)
    one.flush(60)
    say("wrote", acked)


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], int(sys.argv[3]))
