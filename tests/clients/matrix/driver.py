"""Runs the clients: makes them ready, gives each a cluster, kills the leader in mid-stream, has the judge look.

Each client counts three tests: what it writes it reads back; it survives the death of a leader; the cluster heals when
the dead broker comes back. A test that was not reached has failed.
"""
import json
import os
import queue
import subprocess
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

from . import group, group_848, group_tool, judge, wire
from .clients import CLIENTS, CLIENTS_848, HERE, TARGET, TOOL, SetupError, set_up_kcat
from .cluster import ClusterError, Lines

sys.path.insert(0, str(HERE / "python"))
import kcat  # noqa: E402  (the client that reads for those that cannot)
from line import PARTITIONS, REPLICAS, SETTINGS  # noqa: E402

# The runs of many as one group: how each is run, and by which clients.
GROUPS = {run.name: (run, members) for run, members in (
    (group.Run, [client for client in CLIENTS if client.member]), (group_848.Run, CLIENTS_848),
    (group_tool.Run, [TOOL]))}
TESTS = ("reads back what it writes", "survives its leader's death", "its cluster heals")
# How much of a log is shown with a failure.
LOG_LINES = 40
TROUBLE = (ClusterError, group.MemberError, judge.Wrong, wire.WireError, OSError, RuntimeError, ValueError, KeyError,
           queue.Empty)


class ClientError(Exception):
    """A client ended early or said what it should not."""


class Program:
    """A running client: its lines, its time limit, its end."""

    def __init__(self, client, cluster, topic, seconds):
        self.log = TARGET / "logs" / f"{client.name}.client.log"
        self.end = time.monotonic() + seconds
        with open(self.log, "wb") as errors:
            self.process = subprocess.Popen(
                [str(part) for part in client.argv] + [cluster.bootstrap, topic], cwd=HERE, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=errors, text=True)
        self.lines = Lines(self.process.stdout)

    def expect(self, word):
        """The report of the next line, which must begin with `word`."""
        try:
            line = self.lines.next(self.end - time.monotonic())
        except queue.Empty:
            raise ClientError(f"its time is up, and it never said {word!r}") from None
        if line is None:
            raise ClientError(f"ended with status {self.process.wait()} before it said {word!r}")
        said, _, report = line.partition(" ")
        if said != word:
            raise ClientError(f"said {line[:200]!r} instead of {word!r}")
        return json.loads(report) if report else None

    def tell(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Run:
    """One client against one cluster."""

    def __init__(self, client, cluster, topic):
        self.client, self.cluster, self.topic = client, cluster, topic
        self.passed, self.notes = [], {}
        self.logs = [TARGET / "logs" / f"{client.name}.client.log"]
        self.killed = None  # The broker that is dead now.

    def go(self):
        if not self.client.creates:
            self.cluster.create_topic(self.topic, PARTITIONS, REPLICAS, SETTINGS)
            self.cluster.create_topic(f"{self.topic}.basic", 1, REPLICAS, {})
        program = Program(self.client, self.cluster, self.topic, self.cluster.patience * 3)
        try:
            self.basic(program)
            self.failover(program)
            self.heal()
        finally:
            program.close()
            if self.killed is not None:
                self.cluster.start(self.killed)

    def done(self, note):
        self.notes[len(self.passed)] = note
        self.passed.append(TESTS[len(self.passed)])

    def basic(self, program):
        report = program.expect("basic")
        if not self.client.reads:
            report["read"] = kcat.read_basic(self.cluster.bootstrap, f"{self.topic}.basic")
        judge.basic(report, self.client.codecs)
        self.done(f"version {report['version']}, codecs {', '.join(self.client.codecs)}")

    def failover(self, program):
        program.expect("half")
        killed = self.cluster.leader(self.topic, 0)
        self.cluster.kill(killed)
        self.killed = killed
        begin = time.monotonic()
        program.tell("killed")
        report = program.expect("done")
        took = time.monotonic() - begin
        if not self.client.reads:
            report.update(kcat.read_failover(self.cluster.bootstrap, self.topic))
        leader = self.cluster.leader(self.topic, 0)
        judge.failover(report, self.client.idempotent, killed, leader, PARTITIONS)
        self.done(f"{len(report['acked'])} records, broker {killed} killed, led by {leader}; all read back {took:.1f} s "
                  f"after the kill, {judge.repeats(report)} of them twice")

    def heal(self):
        self.cluster.wait_without(self.killed, self.topic, self.cluster.patience)
        begin = time.monotonic()
        killed, self.killed = self.killed, None
        self.cluster.start(killed)
        self.cluster.wait_healed(self.topic, self.cluster.patience)
        self.done(f"broker {killed} back, all replicas in sync after {time.monotonic() - begin:.1f} s")


class Matrix:
    """All runs and what came of them."""

    def __init__(self, cluster_for, traffic_for, jobs):
        self.cluster_for, self.jobs = cluster_for, jobs
        # What gives a lab with built-in consumers; none on another cluster.
        self.traffic_for = traffic_for
        self.lock = threading.Lock()
        self.passed = self.failed = 0

    def say(self, text):
        with self.lock:
            print(text, flush=True)

    def count(self, passed, failed):
        with self.lock:
            self.passed, self.failed = self.passed + passed, self.failed + failed

    def leave_out(self, client, missing):
        """A client whose language is not here: a gap on a person's machine, a failure on CI's."""
        self.say(f"left out {client.name}: {', '.join(missing)} not on this machine")
        if os.environ.get("CI") == "true":
            self.count(0, len(TESTS))

    def run(self, clients, groups):
        """Each of the clients by itself, and then the groups of these names."""
        (TARGET / "logs").mkdir(parents=True, exist_ok=True)
        here = []
        members = [client for name in groups for client in GROUPS[name][1]]
        for client in dict.fromkeys([*clients, *members]):
            missing = client.missing()
            if missing:
                self.leave_out(client, missing)
            else:
                here.append(client)
        ready = self.set_up(here)
        with ThreadPoolExecutor(self.jobs) as pool:
            list(pool.map(self.one, [client for client in ready if client in clients]))
        for name in groups:
            run, its = GROUPS[name]
            self.group(run, [client for client in its if client in ready])

    def set_up(self, clients):
        """Those of the clients that could be made ready."""
        steps = list(dict.fromkeys(client.set_up for client in clients))
        if any(not client.reads for client in clients) and set_up_kcat not in steps:
            steps.append(set_up_kcat)
        broken = {}

        def do(step):
            begin = time.monotonic()
            try:
                step()
            except (SetupError, OSError) as error:
                broken[step] = error
            self.say(f"{step.__name__.replace('_', ' ')}: {time.monotonic() - begin:.0f} s")

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(do, steps))
        for client in clients:
            if client.set_up in broken:
                self.say(f"FAILED {client.name}: {broken[client.set_up]}")
                self.count(0, len(TESTS))
        return [client for client in clients if client.set_up not in broken]

    def one(self, client):
        def make(cluster):
            return Run(client, cluster, f"matrix-{client.name}-{int(time.time())}")

        self.judged(client.name, TESTS, make)

    def group(self, run, clients):
        if run is group_tool.Run:
            if self.traffic_for and clients:  # Its members are a lab's own.
                self.judged(run.name, group_tool.TESTS, run)
            return
        self.judged(run.name, group.TESTS if self.traffic_for else group.TESTS[:-1],
                    lambda cluster: run(clients, self.traffic_for, cluster))

    def judged(self, name, tests, make):
        """One run on a cluster of its own, what came of it counted and shown."""
        run = None
        trouble = []
        try:
            run = make(self.cluster_for(name))
            run.go()
        except (ClientError, *TROUBLE) as error:
            trouble += [f"{type(error).__name__}: {error}"]
        except Exception:  # pylint: disable=broad-except  (a fault of the driver is shown as a failure, too)
            trouble += [traceback.format_exc()]
        try:
            if run:
                run.cluster.close()
        except ClusterError as error:
            trouble += [f"at the end: {error}"]
        self.report(name, tests, run, trouble)

    def report(self, name, tests, run, trouble):
        passed = run.passed if run else []
        lines = [f"ok {name} {test}: {run.notes[at]}" for at, test in enumerate(passed)]
        lines += [f"FAILED {name} {test}" for test in tests[len(passed):]]
        lines += [f"  {line}" for line in trouble]
        if trouble and run:
            lines += [line for log in [*run.logs, run.cluster.log] if log for line in tail(log)]
        self.say("\n".join(lines))
        late = 1 if trouble and len(passed) == len(tests) else 0  # The cluster's own end went wrong.
        self.count(len(passed) - late, len(tests) - len(passed) + late)


def tail(log):
    """The end of a log, to be shown below a failure."""
    try:
        with open(log, encoding="utf-8", errors="replace") as lines:
            last = lines.read().splitlines()[-LOG_LINES:]
    except OSError as error:
        return [f"  no log: {error}"]
    return [f"  -- the end of {log}:"] + [f"  | {line}" for line in last]


def chosen(names):
    """The clients and the groups of these names, or all; raises KeyError with the first name that is none."""
    by_name = {client.name: client for client in CLIENTS}
    if not names:
        return list(CLIENTS), list(GROUPS)
    return [by_name[name] for name in names if name not in GROUPS], [name for name in GROUPS if name in names]
