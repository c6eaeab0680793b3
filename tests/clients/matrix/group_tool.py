"""Kafka's own kafka-consumer-groups against a lab whose consumers are built in: every way to list, describe, reset, delete.

What it prints is looked at as a person would: by the rows of its tables. See ../README.md.
"""
import subprocess
import tempfile
import time
from pathlib import Path

from .clients import HERE, JAVA_3, TARGET, java_tool
from .cluster import ClusterError, Lines, wait_for
from .judge import Wrong

TOPIC, RECORDS, GROUP = "orders", 10, "app"
# The timestamp of record n is that many seconds after this one: 2020-09-13T12:26:40.
FIRST = "2020-09-13T12:26:4"
TESTS = ("lists and describes a group", "is refused while it has members", "resets its offsets in every way",
         "deletes its offsets, and it")
SECONDS = 60


class Tool:
    """The command, one process for all that is asked of it."""

    def __init__(self, cluster):
        self.log = TARGET / "logs" / "group-tool.client.log"
        with open(self.log, "wb") as errors:
            self.process = subprocess.Popen(
                [str(part) for part in (*java_tool(JAVA_3, "GroupTool"), cluster.bootstrap)], cwd=HERE,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True)
        self.lines = Lines(self.process.stdout)

    def say(self, *arguments):
        """What it prints, without what the logging library says of itself."""
        self.process.stdin.write("\t".join(arguments) + "\n")
        self.process.stdin.flush()
        said = []
        end = time.monotonic() + SECONDS
        while True:
            line = self.lines.next(end - time.monotonic())
            if line is None:
                raise ClusterError(f"the tool ended at {' '.join(arguments)}")
            if line.startswith("== "):
                return "\n".join(said).strip()
            if not line.startswith(("SLF4J:", "log4j:")):
                said.append(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait(SECONDS)


def rows(said):
    """The rows of a table, as they fall into words, without its head."""
    return [line.split() for line in said.splitlines() if line.strip() and not line.startswith(("GROUP", "TOPIC"))]


def new_offsets(said):
    """What a reset says that it sets, by partition. Its table is one line: 3.9 forgets to end the others."""
    words = said.partition("NEW-OFFSET")[2].split()
    return {int(words[at + 2]): words[at + 3] for at in range(0, len(words), 4)}


def demand(what, said, holds):
    if not holds:
        raise Wrong(f"{what}:\n{said}")


class Run:
    """The tests, one after the other, each on what the one before left."""

    name = "group-tool"

    def __init__(self, cluster):
        self.cluster, self.passed, self.notes = cluster, [], {}
        self.logs = [TARGET / "logs" / "group-tool.client.log"]

    def done(self, note):
        self.notes[len(self.passed)] = note
        self.passed.append(TESTS[len(self.passed)])

    def go(self):
        # Records of 2020 are to stay: one is looked for by its time.
        self.cluster.create_topic(TOPIC, 2, 3, {"retention.ms": "-1"})
        self.tool = Tool(self.cluster)
        try:
            for partition in range(2):
                self.tool.say("produce", TOPIC, str(partition), str(RECORDS))
            for _ in range(2):
                self.cluster.add_consumer(GROUP, TOPIC, commit="after", protocol="classic")
            self.describes()
            self.refused()
            for consumer in self.cluster.consumers():
                self.cluster.remove_consumer(consumer)
            self.resets()
            self.deletes()
        finally:
            self.tool.close()

    def offsets(self):
        """What is committed, by partition, as the tool describes it."""
        described = self.tool.say("--describe", "--group", GROUP)
        of = [row for row in rows(described) if row[:2] == [GROUP, TOPIC]]
        return {int(row[2]): row[3] for row in of}, described

    def describes(self):
        def read():
            offsets, seen = self.offsets()
            return offsets == {0: "10", 1: "10"}, seen

        wait_for("both partitions are read and committed", read, self.cluster.patience)
        said = self.tool.say("--list", "--state")
        demand("the list with states", said, rows(said) == [[GROUP, "Stable"]])
        said = self.tool.say("--list", "--type")
        demand("the list with types", said, rows(said) == [[GROUP, "Classic"]])
        said = self.tool.say("--describe", "--group", GROUP, "--state")
        demand("the state", said, [row[-3:] for row in rows(said)] == [["range", "Stable", "2"]])
        said = self.tool.say("--describe", "--group", GROUP, "--members", "--verbose")
        shares = sorted((row[-3], row[-2], row[-1]) for row in rows(said))
        demand("the members", said, shares == [("app-1", "1", f"{TOPIC}(0)"), ("app-2", "1", f"{TOPIC}(1)")]
               or shares == [("app-1", "1", "(0)"), ("app-2", "1", "(1)")])
        _, said = self.offsets()
        demand("the offsets", said, sorted(row[3:6] + row[7:9] for row in rows(said)) == [
            ["10", "10", "0", "/lab", "app-1"], ["10", "10", "0", "/lab", "app-2"]])
        self.done("by state, type, members, offsets")

    def refused(self):
        said = self.tool.say("--reset-offsets", "--group", GROUP, "--topic", TOPIC, "--to-earliest", "--execute")
        demand("a reset of a stable group", said, "inactive, but the current state is Stable" in said)
        said = self.tool.say("--delete", "--group", GROUP)
        demand("a deletion of a group with members", said, "GroupNotEmptyException" in said)
        said = self.tool.say("--delete-offsets", "--group", GROUP, "--topic", TOPIC)
        demand("a deletion of offsets that are read on", said, said.count("GroupSubscribedToTopicException") >= 1)
        demand("nothing changed", self.offsets()[1], self.offsets()[0] == {0: "10", 1: "10"})
        self.done("reset, deletion, deletion of offsets")

    def reset(self, *how, expected, scope=("--topic", TOPIC)):
        """A reset as it would be, then as it is, then what is committed."""
        asked = ("--reset-offsets", "--group", GROUP, *scope, *how)
        planned = self.tool.say(*asked, "--dry-run")
        before = self.offsets()[0]
        said = self.tool.say(*asked, "--execute")
        for word in (planned, said):
            demand(" ".join(asked), word, new_offsets(word) == {key: str(value) for key, value in expected.items()})
        after, described = self.offsets()
        demand(" ".join(asked), described, after == {**before, **{key: str(value) for key, value in expected.items()}})

    def resets(self):
        def empty():
            said = self.tool.say("--describe", "--group", GROUP, "--state")
            return rows(said)[-1:] and rows(said)[-1][-2:] == ["Empty", "0"], said

        wait_for("the group is empty", empty, self.cluster.patience)
        both = lambda offset: {0: offset, 1: offset}  # noqa: E731
        self.reset("--to-earliest", expected=both(0))
        self.reset("--to-latest", expected=both(10))
        self.reset("--to-offset", "5", expected=both(5))
        self.reset("--shift-by", "-2", expected=both(3))
        self.reset("--shift-by", "4", expected={1: 7}, scope=("--topic", f"{TOPIC}:1"))
        self.reset("--to-current", expected={0: 3, 1: 7}, scope=("--all-topics",))
        self.reset("--to-datetime", f"{FIRST}4.000", expected=both(4))
        self.reset("--by-duration", "PT1H", expected=both(10))
        self.reset("--to-offset", "99", expected=both(10))
        self.reset("--shift-by", "-99", expected=both(0))
        with tempfile.TemporaryDirectory() as folder:
            plan = Path(folder) / "plan.csv"
            plan.write_text(f"{TOPIC},0,4\n{TOPIC},1,6\n", encoding="utf-8")
            self.reset("--from-file", str(plan), expected={0: 4, 1: 6}, scope=())
        said = self.tool.say("--reset-offsets", "--all-groups", "--topic", TOPIC, "--to-current", "--export", "--dry-run")
        exported = sorted(line.split(",")[-3:] for line in said.splitlines() if "," in line)
        demand("the export", said, exported == [[TOPIC, "0", "4"], [TOPIC, "1", "6"]])
        self.done("earliest, latest, offset, shift, current, datetime, duration, file, export; beyond both ends")

    def deletes(self):
        said = self.tool.say("--delete-offsets", "--group", GROUP, "--topic", f"{TOPIC}:0")
        demand("a deletion of one offset", said, "Successful" in said)
        demand("the other stays", self.offsets()[1], self.offsets()[0] == {1: "6"})
        said = self.tool.say("--delete", "--group", GROUP)
        demand("the deletion", said, "was successful" in said)
        demand("it is not listed", self.tool.say("--list"), self.tool.say("--list") == "")
        said = self.tool.say("--describe", "--group", GROUP)
        demand("a group that is not there", said, "does not exist" in said)
        said = self.tool.say("--delete", "--group", GROUP)
        demand("it is not there to be deleted", said, "GroupIdNotFoundException" in said)
        self.done("one offset, then the group")
