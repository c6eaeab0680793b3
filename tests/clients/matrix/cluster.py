"""The clusters that the matrix can run against: kscope's lab, or any other that a command can break."""
import json
import queue
import shlex
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request

from . import wire

READY_SECONDS = 30
# How often a condition is looked at again while it is waited for.
LOOK_SECONDS = 0.05


class ClusterError(Exception):
    """The cluster did not do what it was told."""


def wait_for(what, condition, seconds):
    """Until `condition` gives something true, which is returned."""
    end = time.monotonic() + seconds
    while True:
        try:
            found, seen = condition()
        except wire.WireError as error:
            found, seen = None, error
        if found:
            return found
        if time.monotonic() > end:
            raise ClusterError(f"{what} not within {seconds} s; seen last: {seen}")
        time.sleep(LOOK_SECONDS)


class Lines:
    """A process' lines, read by a thread, so that waiting for one can end."""

    def __init__(self, stream):
        self.queue = queue.Queue()
        threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def _read(self, stream):
        for line in stream:
            self.queue.put(line.rstrip("\n"))
        self.queue.put(None)

    def next(self, seconds):
        """The next line; None at the end. Raises queue.Empty when there is none in time."""
        return self.queue.get(timeout=max(seconds, 0.01))


class Cluster:
    """What every cluster can be asked; the two kinds below say how it is broken and mended."""

    bootstrap = ""
    # Whether another broker coordinates a dead one's groups before its members' sessions end.
    keeps_sessions = False

    def addresses(self):
        return self.bootstrap.split(",")

    def leader(self, topic, partition):
        """The partition's leader, once there is one."""

        def look():
            seen = wire.metadata(self.addresses(), topic)[2].get(partition)
            return (seen["leader"], seen) if seen and seen["leader"] >= 0 else (None, seen)

        return wait_for(f"a leader of {topic}-{partition}", look, 30)

    def wait_without(self, broker, topic, seconds):
        """Until the metadata lists the broker neither among the living nor in sync."""

        def look():
            brokers, _, partitions = wire.metadata(self.addresses(), topic)
            gone = broker not in brokers and all(broker not in p["isr"] for p in partitions.values())
            return gone and bool(partitions), (sorted(brokers), partitions)

        wait_for(f"broker {broker} out of the metadata", look, seconds)

    def wait_healed(self, topic, seconds):
        """Until every replica of the topic is in sync again."""

        def look():
            seen = wire.metadata(self.addresses(), topic)[2]
            return seen and all(sorted(p["isr"]) == sorted(p["replicas"]) for p in seen.values()), seen

        wait_for(f"all replicas of {topic} in sync", look, seconds)

    def create_topic(self, topic, partitions, replicas, settings):
        """For clients that cannot."""
        wire.create_topic(self.addresses(), topic, partitions, replicas, settings)


class Lab(Cluster):
    """A `kscope serve` of its own: started here, broken by its control API, gone with `close`."""

    patience = 30
    keeps_sessions = True

    def __init__(self, binary, log, *options):
        self.log = log
        command = [binary, "serve", "--port", "0", "--zk-port", "0", "--control", "127.0.0.1:0", *options]
        with open(log, "wb") as errors:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            line = Lines(self.process.stdout).next(READY_SECONDS)
            ready = json.loads(line or "{}")
        except (queue.Empty, ValueError) as error:
            self.close()
            raise ClusterError(f"kscope serve gave no ready line: {error!r}") from error
        if not ready.get("ready"):
            self.close()
            raise ClusterError(f"kscope serve ended before it was ready (exit status {self.process.returncode})")
        self.bootstrap, self.control = ready["bootstrap"], ready["control"]

    def _post(self, path, body=None):
        data, kind = (b"", {}) if body is None else (json.dumps(body).encode(), {"Content-Type": "application/json"})
        request = urllib.request.Request(self.control + path, method="POST", data=data, headers=kind)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                answer.read()
        except urllib.error.HTTPError as error:
            raise ClusterError(f"POST {path}: {error.code} {error.read().decode(errors='replace')}") from error
        except OSError as error:
            raise ClusterError(f"POST {path}: {error}") from error

    def kill(self, broker):
        self._post(f"/v1/brokers/{broker}/kill")

    def start(self, broker):
        self._post(f"/v1/brokers/{broker}/start")

    def add_consumer(self, group, topic, **settings):
        """A built-in consumer more, that begins with the oldest records."""
        self._post("/v1/consumers", {"group": group, "topics": [topic], "from_earliest": True, **settings})

    def consumers(self):
        """The numbers of the built-in consumers."""
        with urllib.request.urlopen(self.control + "/v1/cluster", timeout=10) as answer:
            return list(json.load(answer)["consumers"])

    def remove_consumer(self, number):
        """It commits, leaves its group, and ends."""
        self._post(f"/v1/consumers/{number}/remove")

    def close(self):
        """Ends the lab; a lab that does not end on SIGTERM, or not with status 0, is an error of its own."""
        if self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(10)
        except subprocess.TimeoutExpired as error:
            self.process.kill()
            self.process.wait()
            raise ClusterError("kscope serve did not end within 10 s of SIGTERM") from error
        if status:
            raise ClusterError(f"kscope serve ended with status {status}")


class Other(Cluster):
    """A cluster that runs already; commands with `{id}` in them kill and start a broker."""

    patience = 120
    log = None

    def __init__(self, bootstrap, kill, start):
        self.bootstrap, self.commands = bootstrap, {"kill": kill, "start": start}

    def _run(self, what, broker):
        command = shlex.split(self.commands[what].replace("{id}", str(broker)))
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ClusterError(f"{' '.join(command)}: {done.stdout} {done.stderr}")

    def kill(self, broker):
        self._run("kill", broker)

    def start(self, broker):
        self._run("start", broker)

    def close(self):
        """It was there before, and stays."""
