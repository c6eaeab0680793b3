"""The clients of the matrix: what each needs on the machine, how it is made ready, how it is run.

What is installed or built lies in .venv, node_modules and target below this folder, and is made anew only where
something is missing.
"""
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
TARGET = HERE / "target"
VENV_PYTHON = HERE / ".venv" / "bin" / "python"
JAVA_3, JAVA_4 = "3.9.2", "4.1.2"
SET_UP_SECONDS = 600
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


class SetupError(Exception):
    """A client could not be installed or built."""


def call(*argv, folder=HERE, **environment):
    """Runs a command of the set-up; what it printed is shown only if it fails."""
    command = " ".join(str(part) for part in argv)
    try:
        done = subprocess.run(argv, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.STDOUT, errors="replace", env={**os.environ, **environment},
                              timeout=SET_UP_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise SetupError(f"{command} was not done after {SET_UP_SECONDS} s") from error
    if done.returncode:
        raise SetupError(f"{command} ended with status {done.returncode}:\n{done.stdout[-4000:]}")


def apt(*packages):
    """Installs Debian packages, where that is possible."""
    if not shutil.which("apt-get"):
        raise SetupError(f"{', '.join(packages)}: not here, and there is no apt-get to install it with")
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    call(*root, "apt-get", "update", "-qq")
    call(*root, "apt-get", "install", "-y", "-qq", *packages, DEBIAN_FRONTEND="noninteractive")


def set_up_kcat():
    if not shutil.which("kcat"):
        apt("kcat")


def set_up_python():
    requirements = HERE / "python" / "requirements.txt"
    stamp = HERE / ".venv" / "installed.txt"
    if stamp.exists() and stamp.read_text() == requirements.read_text():
        return
    try:
        call(sys.executable, "-m", "venv", "--clear", ".venv")
    except SetupError:  # Debian keeps what venv needs in a package of its own.
        apt("python3-venv")
        call(sys.executable, "-m", "venv", "--clear", ".venv")
    call(VENV_PYTHON, "-m", "pip", "install", "-q", "-r", requirements)
    stamp.write_text(requirements.read_text())


def set_up_node():
    call("npm", "ci", "--no-audit", "--no-fund", folder=HERE / "js")


def set_up_java():
    for version in (JAVA_3, JAVA_4):
        home = TARGET / f"java-{version}"
        if not (home / "lib").exists():
            fetched = home / "fetched"
            call("mvn", "-q", "-B", "-f", "java/pom.xml", "dependency:copy-dependencies", f"-Dkafka.version={version}",
                 f"-DoutputDirectory={fetched}")
            fetched.rename(home / "lib")
        programs = ["Client", "Member"] if version == JAVA_3 else ["Client", "Member", "PatternMember"]
        call("javac", "-cp", f"{home}/lib/*", "-d", home / "classes", *(f"java/{program}.java" for program in programs))


def set_up_tools():
    """Kafka's own commands."""
    home = TARGET / f"tools-{JAVA_3}"
    if not (home / "lib").exists():
        fetched = home / "fetched"
        call("mvn", "-q", "-B", "-f", "java/tools.pom.xml", "dependency:copy-dependencies", f"-Dkafka.version={JAVA_3}",
             f"-DoutputDirectory={fetched}")
        fetched.rename(home / "lib")
    call("javac", "-cp", f"{home}/lib/*", "-d", home / "classes", "java/GroupTool.java")


def set_up_go():
    call("go", "build", "-o", TARGET / "franz-go", ".", folder=HERE / "go")


def set_up_rust():
    call("cargo", "build", "--locked", folder=HERE / "rust", CARGO_TARGET_DIR=str(HERE / "rust" / "target"))


@dataclass(frozen=True)
class Client:
    """One row of the matrix."""

    name: str
    # The programs that must be on the machine, and what gives them.
    needs: tuple
    set_up: object
    argv: tuple
    codecs: tuple = CODECS
    # The program that is a member of a group; none where it cannot, or where librdkafka is there already.
    member: tuple = ()
    # Whether nothing may be there twice.
    idempotent: bool = True
    # Whether it makes its topics itself; otherwise the driver does.
    creates: bool = True
    # Whether it reads by assignment; otherwise the driver reads with kcat.
    reads: bool = True

    def missing(self):
        return [need for need in self.needs if not shutil.which(need)]


def java(version, program):
    return java_in(TARGET / f"java-{version}", program)


def java_tool(version, program):
    return java_in(TARGET / f"tools-{version}", program)


def java_in(home, program):
    quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
    return ("java", "-Xmx256m", "-XX:TieredStopAtLevel=1", quiet, "-cp", f"{home}/classes:{home}/lib/*", program)


RUST = HERE / "rust" / "target" / "debug"
PYTHON = ("python3",)
# What writes the numbered stream that a group reads.
WRITER = (VENV_PYTHON, "python/writer.py")
JAVA = ("java", "javac", "mvn")

CLIENTS = (
    Client("kcat", PYTHON, set_up_kcat, (sys.executable, "python/kcat.py"), creates=False,
           member=(sys.executable, "python/kcat_member.py")),
    Client("rdkafka", ("cargo", "cc", "make"), set_up_rust, (RUST / "rdkafka",)),
    Client("confluent-kafka", PYTHON, set_up_python, (VENV_PYTHON, "python/confluent.py"),
           member=(VENV_PYTHON, "python/confluent_member.py")),
    Client("rskafka", ("cargo", "cc", "make"), set_up_rust, (RUST / "rskafka",), idempotent=False),
    Client("kafka-python", PYTHON, set_up_python, (VENV_PYTHON, "python/kafkapython.py"), codecs=("none", "gzip"),
           member=(VENV_PYTHON, "python/kafkapython_member.py")),
    Client("franz-go", ("go",), set_up_go, (TARGET / "franz-go",), member=(TARGET / "franz-go",)),
    Client("java-3", JAVA, set_up_java, java(JAVA_3, "Client"), member=java(JAVA_3, "Member")),
    Client("java-4", JAVA, set_up_java, java(JAVA_4, "Client"), member=java(JAVA_4, "Member")),
    Client("kafkajs", ("node", "npm"), set_up_node, ("node", "js/client.js"), codecs=("none", "gzip"), reads=False,
           member=("node", "js/member.js")),
)


def member_848(name, of, **other):
    """A client as a member of the group of KIP-848, where one may be twice."""
    return replace(next(client for client in CLIENTS if client.name == of), name=name, **other)


# Kafka's own kafka-consumer-groups. It neither writes nor reads by itself.
TOOL = Client("group-tool", JAVA, set_up_tools, ())

# Those that speak the protocol of KIP-848, and how many of them subscribe to a pattern.
CLIENTS_848 = (
    member_848("java-4", "java-4"),
    member_848("java-4-pattern", "java-4", member=java(JAVA_4, "PatternMember")),
    member_848("confluent-kafka-1", "confluent-kafka"), member_848("confluent-kafka-2", "confluent-kafka"),
    member_848("franz-go-1", "franz-go"), member_848("franz-go-2", "franz-go"),
)
PATTERNS = 1
