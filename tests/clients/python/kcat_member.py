"""kcat as a member of a group: `kcat_member.py BOOTSTRAP TOPIC GROUP NAME`.

It commits by itself and does not say so: nothing is `committed` here.
"""
import re
import signal
import subprocess
import sys
import threading

from member import HEARTBEAT_MS, SESSION_MS, Member

REBALANCED = re.compile(r"% Group \S+ rebalanced \(memberid [^)]*\): (assigned|revoked)(.*)")
SETTINGS = {"partition.assignment.strategy": "range", "auto.offset.reset": "earliest",
            "auto.commit.interval.ms": 100, "session.timeout.ms": SESSION_MS, "heartbeat.interval.ms": HEARTBEAT_MS}


def command(bootstrap, topic, group, name):
    settings = [part for key, value in {**SETTINGS, "client.id": name}.items() for part in ("-X", f"{key}={value}")]
    return ["kcat", "-b", bootstrap, "-u", "-f", "%p %o %s\n", *settings, "-G", group, topic]


def run(bootstrap, topic, group, name):
    member = Member()
    # What it says of the group comes on standard error: into the same pipe, to keep the order.
    process = subprocess.Popen(command(bootstrap, topic, group, name), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True)

    def leave():
        member.leaving.wait()
        process.send_signal(signal.SIGTERM)

    threading.Thread(target=leave, daemon=True).start()
    for line in process.stdout:
        rebalanced = REBALANCED.match(line)
        if rebalanced:
            given = rebalanced[2] if rebalanced[1] == "assigned" else ""
            member.assigned([int(found) for found in re.findall(r"\[(\d+)\]", given)])
        elif line.startswith("%"):
            print(line, end="", file=sys.stderr)
        else:
            partition, offset, value = line.rstrip("\n").split(" ", 2)
            member.read([(int(partition), int(offset), value)])
    if process.wait():
        raise RuntimeError(f"kcat ended with status {process.returncode}")
    member.left()


if __name__ == "__main__":
    run(*sys.argv[1:])
