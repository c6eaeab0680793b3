"""All clients that can in one group: who has what while they come, die and go, and what they read. See ../README.md."""
import json
import subprocess
import threading
import time

from . import group_judge, group_wire
from .clients import HERE, TARGET, WRITER
from .cluster import ClusterError, wait_for

PARTITIONS, REPLICAS, SETTINGS = 12, 3, {"min.insync.replicas": "2"}
# The group that the lab's built-in consumers are, and what it reads.
LAB_GROUP, LAB_TOPIC, LAB_PARTITIONS = "dashboard", "trucks_gps", 10
TESTS = ("share a topic", "go on when one is killed", "go on when one leaves", "go on when their coordinator dies",
         "read every record", "share with the lab's own consumers")


class MemberError(Exception):
    """A member ended early, or said what it should not."""


class RebalancedError(ClusterError):
    """A stable group did not stay so."""


class Process:
    """A program that is told a word at most, and whose lines are kept."""

    def __init__(self, name, argv, cluster, *arguments):
        self.name, self.log = name, TARGET / "logs" / f"{name}.member.log"
        # What it said, in order: a word and a report. Appended to by one thread, read by others.
        self.said = []
        with open(self.log, "wb") as errors:
            self.process = subprocess.Popen(
                [str(part) for part in (*argv, cluster.bootstrap, *arguments)], cwd=HERE, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=errors, text=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            word, _, report = line.strip().partition(" ")
            self.said.append((word, json.loads(report) if report else None))

    def tell(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def end(self, seconds):
        """Until it has ended by itself, well; what it said last."""
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise MemberError(f"{self.name} did not end within {seconds} s") from None
        self.reader.join(seconds)
        if status or not self.said:
            raise MemberError(f"{self.name} ended with status {status}")
        return self.said[-1]

    def check_alive(self):
        if self.process.poll() is not None:
            raise MemberError(f"{self.name} ended with status {self.process.returncode} before it was to")

    def assigned(self):
        """What it takes itself to have."""
        return next((report for word, report in reversed(list(self.said)) if word == "assigned"), None)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Group:
    """A group on a cluster, with the members that were started here and those that were there before."""

    # What its members are told besides the topic, the group and their name.
    speaks = ()

    def __init__(self, cluster, group, topic, partitions):
        self.cluster, self.group, self.topic, self.partitions = cluster, group, topic, partitions
        self.members, self.built_in, self.gone = {}, set(), {}
        self.seen = None  # How it was described when it was stable last.

    def start(self, clients):
        for client in clients:
            told = (self.topic, self.group, client.name, *self.speaks)
            self.members[client.name] = Process(client.name, client.member, self.cluster, *told)

    def everybody(self):
        """Those that were started here, those that are gone as well."""
        return [*self.gone.values(), *self.members.values()]

    def reports(self):
        """What each has said so far."""
        return {member.name: list(member.said) for member in self.everybody()}

    def take_out(self, name):
        self.gone[name] = self.members.pop(name)
        return self.gone[name]

    def described(self):
        """Its state, what it assigns by, and who has what: as its coordinator says, while all its members live."""
        for member in self.members.values():
            member.check_alive()
        return group_wire.describe(self.cluster.addresses(), self.group, self.topic)

    def told(self, what, ask):
        """An answer, once a broker gives one."""
        return wait_for(f"{self.group}: {what}", lambda: (ask(), None), self.cluster.patience)

    def coordinator(self):
        return self.told("its coordinator", lambda: group_wire.coordinator(self.cluster.addresses(), self.group)[0])

    def stable(self):
        """Who has what, once exactly the living are in a stable group and each knows what it has."""
        expected = self.built_in | set(self.members)

        def look():
            state, _, members = self.seen = self.described()
            known = all(member.assigned() == members.get(name) for name, member in self.members.items())
            return (members if state == "Stable" and set(members) == expected and known else None), self.seen

        shares = wait_for(f"{self.group} stable with {sorted(expected)}", look, self.cluster.patience)
        group_judge.shares(shares, self.partitions)
        return shares

    def positions(self):
        """What is committed, and where the logs end, by partition."""
        addresses = self.cluster.addresses()
        ends = group_wire.ends(addresses, self.topic)
        return group_wire.committed(addresses, self.group, self.topic, self.partitions), ends

    def go_on(self):
        """Until something more is committed of every partition that grows."""
        before, grown = self.told("where they are", self.positions)

        def look():
            self.described()
            now, ends = self.positions()
            stays = [one for one in before if now[one] <= before[one]]
            waiting = [one for one in stays if now[one] < ends[one] or ends[one] > grown[one]]
            return not waiting, (waiting, now, ends)

        wait_for(f"commits of every partition of {self.topic}", look, self.cluster.patience)

    def settle(self):
        """Who has what; that all go on with it; and that nothing is read again. Returns the shares."""
        shares = self.stable()
        self.go_on()
        reports = self.reports()
        again = self.told("who has what", self.described)
        if again != self.seen:
            raise RebalancedError(f"{self.group} was rebalanced for no reason: it was {self.seen}, and is {again}")
        group_judge.repeats(shares, reports)
        return shares

    def settle_at_last(self):
        """The same, however often they are rebalanced before."""
        end = time.monotonic() + self.cluster.patience
        while True:
            try:
                return self.settle()
            except RebalancedError:
                if time.monotonic() > end:
                    raise

    def at_end(self):
        """Until what is committed is where the logs end. Returns that."""

        def look():
            now, ends = self.positions()
            return (now if now == ends else None), (now, ends)

        return wait_for(f"{self.group} at the end of {self.topic}", look, self.cluster.patience)

    def leave(self, names):
        """These leave, as it is proper."""
        leaving = [self.take_out(name) for name in names]
        for member in leaving:
            member.tell("leave")
        for member in leaving:
            word, _ = member.end(self.cluster.patience)
            if word != "left":
                raise MemberError(f"{member.name} said {word!r} at its end, not 'left'")

    def empty(self):
        """Until nobody is in it."""

        def look():
            state, _, members = seen = self.described()
            return state == "Empty" and not members, seen

        wait_for(f"{self.group} empty", look, self.cluster.patience)

    def close(self):
        for member in self.everybody():
            member.close()


class Run:
    """The tests, one after the other, each on what the one before left."""

    name = "group"
    kind = Group
    lab_group = LAB_GROUP

    def __init__(self, clients, lab_for, cluster):
        self.clients, self.lab_for, self.cluster = clients, lab_for, cluster
        self.passed, self.notes, self.logs = [], [], []

    def done(self, note):
        self.passed.append(TESTS[len(self.passed)])
        self.notes.append(note)

    def go(self):
        self.churn()
        if self.lab_for:
            self.with_built_in()

    def churn(self):
        """The group's own topic, with a numbered stream."""
        topic = f"matrix-{self.name}-{int(time.time())}"
        self.cluster.create_topic(topic, PARTITIONS, REPLICAS, SETTINGS)
        self.cluster.wait_healed(topic, self.cluster.patience)
        group = self.kind(self.cluster, topic, topic, PARTITIONS)
        writer = Process("writer", WRITER, self.cluster, topic, str(PARTITIONS))
        try:
            self.generations(group)
            self.failover(group)
            writer.check_alive()
            self.end(group, writer)
        finally:
            self.logs += [member.log for member in (*group.everybody(), writer)]
            group.close()
            writer.close()

    def generations(self, group):
        """All; all but one that is killed; and all but another one that leaves."""
        names = [client.name for client in self.clients]
        # KafkaJS is the last: it takes its coordinator's death for a reason to join anew, so it does not stay for that.
        killed, left = names[len(names) // 2], names[-1]
        begin = time.monotonic()
        group.start(self.clients)
        shares = group.settle()
        self.done(f"{brief(shares)} after {time.monotonic() - begin:.1f} s")
        begin = time.monotonic()
        group.take_out(killed).close()
        shares = group.settle()
        self.done(f"{killed} killed; {brief(shares)} after {time.monotonic() - begin:.1f} s")
        begin = time.monotonic()
        group.leave([left])
        shares = group.settle()
        self.done(f"{left} left; {brief(shares)} after {time.monotonic() - begin:.1f} s")

    def failover(self, group):
        """The group's coordinator is killed: the next one reads who they are, and nobody has to join again."""
        killed = group.coordinator()
        reports = group.reports()
        begin = time.monotonic()
        self.cluster.kill(killed)
        try:
            group.settle_at_last()
            took = time.monotonic() - begin
            now = group.coordinator()
        finally:
            self.cluster.start(killed)
        if now == killed:
            raise ClusterError(f"broker {killed} is dead, and coordinates {group.group}")
        self.cluster.wait_healed(group.topic, self.cluster.patience)
        called = [name for name, report in group.reports().items() if "assigned" in words(report[len(reports[name]):])]
        if called and self.cluster.keeps_sessions:
            raise ClusterError(f"broker {killed} was killed, and {called} were assigned their partitions anew")
        how = f"{', '.join(called)} assigned anew" if called else "without a rebalance"
        self.done(f"broker {killed} killed; coordinated by {now}, {how}, after {took:.1f} s")

    def end(self, group, writer):
        """The stream ends: all of it was read, and the offsets stay when everybody has left."""
        writer.tell("stop")
        _, acked = writer.end(self.cluster.patience)
        ends = group.at_end()
        group_judge.repeats(group.stable(), group.reports())
        group.leave(list(group.members))
        group.empty()
        kept = group.at_end()
        twice = group_judge.stream(acked, group.reports())
        if kept != ends:
            raise ClusterError(f"committed was {ends}, and is {kept} in the empty group")
        self.done(f"{len(acked)} records, {twice} of them more than once; committed to the end of all partitions")

    def with_built_in(self):
        """The lab's own group: outside clients come to its built-in members, and go."""
        self.cluster.close()
        self.cluster = self.lab_for(self.name)
        group = self.kind(self.cluster, self.lab_group, LAB_TOPIC, LAB_PARTITIONS)
        try:
            self.built_in(group)
            group.settle()
            begin = time.monotonic()
            group.start(self.clients)
            together = group.settle()
            took = time.monotonic() - begin
            group.leave(list(group.members))
            group.settle()
        finally:
            self.logs += [member.log for member in group.everybody()]
            group.close()
        self.done(f"{brief(together)} after {took:.1f} s")

    def built_in(self, group):
        """The lab's consumers have formed their group."""

        def look():
            state, _, members = seen = group.described()
            return (members if state == "Stable" and members else None), seen

        group.built_in = set(wait_for(f"the group {group.group}", look, self.cluster.patience))


def words(report):
    return [word for word, _ in report]


def brief(shares):
    """Who has how many."""
    return ", ".join(f"{name} {len(its)}" for name, its in sorted(shares.items()))
