"""Kafka's own DumpLogSegments on a directory that kscope wrote: every line that it says must be one that it says of a good
file. Its classes come from Maven's registry, as those of the Java clients do.
"""
import re
import shutil
import subprocess
from pathlib import Path

from matrix import clients

HERE = Path(__file__).resolve().parent
HOME = clients.TARGET / f"dump-log-{clients.JAVA_3}"
NEEDS = ("java", "mvn")
KINDS = ("log", "index", "timeindex", "snapshot")
# A command takes a line of arguments that is not longer than this.
AT_ONCE = 500
DUMP_SECONDS = 300

GOOD = re.compile("|".join((
    r"Dumping .*",
    r"Log starting offset: \d+",
    r"baseOffset: .* isvalid: true",
    r"\| offset: .*",
    r"offset: \d+ position: \d+",
    r".*\.index is empty\.",
    r"timestamp: \d+ offset: \d+",
    r"producerId: .*",
)))
# What compaction leaves: said at the end, with the name of the file and the gaps below it.
GAPS = re.compile(r"Non-consecutive offsets in .*")
GAP = re.compile(r" +\d+ is followed by \d+")


def missing():
    """The programs that it needs and that are not here."""
    return [need for need in NEEDS if not shutil.which(need)]


def set_up():
    if not (HOME / "lib").exists():
        clients.call("mvn", "-q", "-B", "-f", HERE / "dump" / "pom.xml", "dependency:copy-dependencies",
                     f"-Dkafka.version={clients.JAVA_3}", f"-DoutputDirectory={HOME / 'fetched'}")
        (HOME / "fetched").rename(HOME / "lib")


def files_of(data_dir):
    """All files of all logs that Kafka's tool can read."""
    return [path for kind in KINDS for path in sorted(data_dir.glob(f"broker-*/*/*.{kind}"))]


def faults(data_dir, compacted):
    """What it complains of, in its own words; gaps are none in logs of the topics `compacted`."""
    files = files_of(data_dir)
    if {path.suffix[1:] for path in files} != set(KINDS):
        yield f"there is no file of each kind in {data_dir}: the load was too short to show anything"
    for at in range(0, len(files), AT_ONCE):
        yield from complaints(dump(files[at:at + AT_ONCE]), compacted)


def dump(files):
    names = ",".join(str(path) for path in files)
    command = ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp",
               f"{HOME}/lib/*", "kafka.tools.DumpLogSegments", "--deep-iteration", "--files", names]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", timeout=DUMP_SECONDS, check=False)
    lines = done.stdout.splitlines()
    return lines if done.returncode == 0 else [*lines, f"DumpLogSegments ended with status {done.returncode}"]


def complaints(lines, compacted):
    may_have_gaps = False
    for line in lines:
        if GAPS.fullmatch(line):
            may_have_gaps = any(f"/{topic}-" in line for topic in compacted)
        allowed = may_have_gaps and (GAPS.fullmatch(line) or GAP.fullmatch(line))
        if not allowed and not GOOD.fullmatch(line):
            yield f"dump-log: {line[:300]}"
