#!/usr/bin/env python3
"""How fast one librdkafka producer writes to a lab, what that costs the lab, and what the lab holds afterwards.

    cargo build --release && benches/throughput.py [path/to/kscope]

The lab runs on CPU 0, the producer on CPU 1. Each row is the median of RUNS rounds, in which the rows take turns, and
says how it stands to the first row of its record size. Other load on the machine spoils it. Needs Python 3.9 on Linux
with two CPUs or more; the producer is built from tests/clients/rust (librdkafka from its own sources: a C compiler).
"""
import json, os, statistics, subprocess, sys

HERE = os.path.dirname(os.path.abspath(__file__))
KSCOPE = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "..", "target", "release", "kscope")
CLIENT = os.path.join(HERE, "..", "tests", "clients", "rust")
RUNS, MEMORY = 5, "256M"
TICKS_PER_S = os.sysconf("SC_CLK_TCK")

# What: brokers, replicas, acks, bytes of a record, megabytes.
ROWS = {
    "1 broker,  acks=1,   1 KiB": (1, 1, "1", 1024, 1000),
    "3 brokers, acks=all, 1 KiB": (3, 3, "all", 1024, 1000),
    "1 broker,  acks=1,   100 B": (1, 1, "1", 100, 400),
    "3 brokers, acks=all, 100 B": (3, 3, "all", 100, 400),
}


def build():
    build = ["cargo", "build", "--release", "--quiet", "--bin", "load", "--manifest-path", f"{CLIENT}/Cargo.toml"]
    subprocess.run(build, check=True)
    return f"{CLIENT}/target/release/load"


def cpu_s(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def highest_rss_mb(pid):
    return next(int(line.split()[1]) for line in open(f"/proc/{pid}/status") if line.startswith("VmHWM")) / 1024


def measure(load, brokers, replicas, acks, record_bytes, megabytes):
    options = ["--brokers", str(brokers), "--memory", MEMORY, "--port", "0", "--zk-port", "0", "--control", "off"]
    command = ["taskset", "-c", "0", KSCOPE, "serve", "--no-traffic", *options]
    lab = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        bootstrap = json.loads(lab.stdout.readline())["bootstrap"]
        before = cpu_s(lab.pid)
        work = [bootstrap, "load", replicas, acks, record_bytes, megabytes]
        done = subprocess.run(["taskset", "-c", "1", load, *map(str, work)], check=True, capture_output=True)
        report = json.loads(done.stdout)
        assert report["written"], "records were given up"
        return report["mb_s"], (cpu_s(lab.pid) - before) / megabytes * 1000, highest_rss_mb(lab.pid)
    finally:
        lab.terminate()
        lab.wait()


def main():
    load, found = build(), {name: [] for name in ROWS}
    for _ in range(RUNS):
        for name, row in ROWS.items():
            found[name].append(measure(load, *row))
    first = {}
    for name, row in ROWS.items():
        mb_s, cpu, rss = (statistics.median(run[at] for run in found[name]) for at in range(3))
        of_first = mb_s / first.setdefault(row[3], mb_s)
        print(f"{name}   {mb_s:6.0f} MB/s   {of_first:4.0%}   {cpu:4.2f} CPU-s/GB   {rss:4.0f} MB resident at most (--memory {MEMORY})")


if __name__ == "__main__":
    main()
