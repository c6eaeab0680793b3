"""kcat, the command-line client on librdkafka: `kcat.py BOOTSTRAP TOPIC`, or as a module to read a topic with.

kcat makes no topics and takes one partition for all that it writes, so the driver makes the topic, and all goes to
partition 0.
"""
import json
import re
import subprocess
import sys
import threading

from line import PARTITIONS, WINDOW, Stream, say, value_of

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
SAFE = ["-X", "acks=all", "-X", "enable.idempotence=true"]
# kcat reads its input in blocks, and looks at what was delivered only between two of them. So lines are long, and when
# nothing has been delivered for a while, another line goes in.
WIDTH = 999
NUDGE_SECONDS = 0.02
DELIVERED = re.compile(r"% Message delivered to partition (\d+) \(offset (-?\d+)\)")


def kcat(bootstrap, *arguments, text=None):
    done = subprocess.run(["kcat", "-b", bootstrap, *arguments], input=text, capture_output=True, text=True, timeout=60,
                          check=False)
    if done.returncode:
        raise RuntimeError(f"kcat {' '.join(arguments)}: {done.stderr}")
    return done.stdout


def read(bootstrap, topic):
    """The records of the whole topic as kcat prints them in JSON."""
    lines = kcat(bootstrap, "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-J").splitlines()
    return [json.loads(line) for line in lines]


def read_basic(bootstrap, topic):
    return [[r["offset"], r["key"], r["payload"], dict(zip(r["headers"][::2], r["headers"][1::2]))["codec"]]
            for r in read(bootstrap, topic)]


def read_failover(bootstrap, topic):
    """As the report wants it: records by partition, starts, ends, and the leader of partition 0."""
    records = {number: [] for number in range(PARTITIONS)}
    for record in read(bootstrap, topic):
        records[record["partition"]].append([record["offset"], int(record["payload"])])
    starts, ends = ([offset_at(bootstrap, topic, number, at) for number in range(PARTITIONS)] for at in (-2, -1))
    return {"read": records, "starts": starts, "ends": ends}


def offset_at(bootstrap, topic, partition, timestamp):
    """The offset at a timestamp; -2 asks for the first and -1 for the one behind the last."""
    answer = kcat(bootstrap, "-Q", "-t", f"{topic}:{partition}:{timestamp}")
    return int(re.search(r"offset (\d+)", answer)[1])


def leader_of(bootstrap, topic):
    listing = json.loads(kcat(bootstrap, "-L", "-J", "-t", topic))
    return next(one["leader"] for one in listing["topics"][0]["partitions"] if one["partition"] == 0)


def basic(bootstrap, topic):
    for codec in CODECS:
        kcat(bootstrap, "-P", "-t", topic, "-p", "0", "-z", codec, "-k", codec, "-H", f"codec={codec}", "-D", "\n", *SAFE,
             text=value_of(codec))
    version = subprocess.run(["kcat", "-V"], capture_output=True, text=True, check=True).stdout
    say("basic", {"version": re.search(r"Version (\S+)", version)[1] + " on librdkafka "
                  + re.search(r"librdkafka (\S+)", version)[1], "read": read_basic(bootstrap, topic)})


def failover(bootstrap, topic):
    stream, room = Stream(), threading.Semaphore(WINDOW)
    process = subprocess.Popen(["kcat", "-b", bootstrap, "-P", "-t", topic, "-p", "0", "-vvv", *SAFE],
                               stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1)

    def listen():
        for line in process.stderr:
            delivered = DELIVERED.match(line)
            if delivered:  # Of one partition, so in the order in which they were written.
                stream.acknowledged(int(delivered[1]), int(delivered[2]), len(stream.acked))
                room.release()
            else:
                print(line, end="", file=sys.stderr)

    listener = threading.Thread(target=listen)
    listener.start()
    for value in stream.values():
        room.acquire(timeout=NUDGE_SECONDS)
        process.stdin.write(f"{value:0{WIDTH}}\n")
    process.stdin.close()
    listener.join()
    if process.wait():
        raise RuntimeError(f"kcat ended with status {process.returncode}")
    say("done", {"acked": stream.acked, "leader": leader_of(bootstrap, topic), **read_failover(bootstrap, topic)})


if __name__ == "__main__":
    basic(sys.argv[1], f"{sys.argv[2]}.basic")
    failover(*sys.argv[1:])
