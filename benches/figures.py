#!/usr/bin/env python3
"""What starting, drawing and standing still cost: kscope as a whole process, seen from outside.

    cargo build --release && benches/figures.py [path/to/kscope]

Prints each figure with the bound that it is to keep (docs/figures.md), and ends with 1 if one is not kept. Timings are
medians over RUNS starts; other load on the machine spoils them. Needs Python 3.9 on Linux, nothing else.
"""
import fcntl, json, os, pty, select, signal, statistics, struct, subprocess, sys, termios, time

KSCOPE = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..", "target", "release", "kscope")
QUIET = ["--port", "0", "--zk-port", "0", "--control", "off"]
RUNS, SETTLE_S, WATCH_S = 7, 3, 10
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_s(pid):
    """The processor time that a process has taken, in seconds."""
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def serve_ready_ms():
    """From the start of `serve` to its ready line."""
    begin = time.monotonic()
    lab = subprocess.Popen([KSCOPE, "serve", *QUIET], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert json.loads(lab.stdout.readline())["ready"]
    took = (time.monotonic() - begin) * 1000
    lab.terminate()
    lab.wait()
    return took


class Screen:
    """kscope on a terminal of 160x48."""

    def __init__(self, *options):
        self.begin = time.monotonic()
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 48, 160, 0, 0))
            os.environ["TERM"] = "xterm-256color"
            os.execv(KSCOPE, [KSCOPE, *QUIET, *options])

    def read(self, seconds, until=None):
        """Reads what is drawn for so long, or until a text is in it; how many bytes that was."""
        end, seen = time.monotonic() + seconds, b""
        while (left := end - time.monotonic()) > 0:
            if select.select([self.terminal], [], [], left)[0]:
                try:
                    seen += os.read(self.terminal, 65536)
                except OSError:  # Its other end was closed: the process has ended.
                    break
                if until and until in seen:
                    break
        return len(seen)

    def first_frame_ms(self):
        self.read(5, until=b"bootstrap")
        return (time.monotonic() - self.begin) * 1000

    def cpu_percent(self):
        self.read(SETTLE_S)
        begin, cpu = time.monotonic(), cpu_s(self.pid)
        self.read(WATCH_S)
        return (cpu_s(self.pid) - cpu) / (time.monotonic() - begin) * 100

    def paused_bytes(self):
        self.read(SETTLE_S)
        os.write(self.terminal, b" ")
        self.read(SETTLE_S)
        return self.read(WATCH_S)

    def close(self):
        os.kill(self.pid, signal.SIGTERM)
        self.read(SETTLE_S)
        os.close(self.terminal)
        os.waitpid(self.pid, 0)


def on_screen(measure, *options):
    screen = Screen(*options)
    try:
        return measure(screen)
    finally:
        screen.close()


def median(measure):
    return statistics.median(measure() for _ in range(RUNS))


FIGURES = [
    ("first frame", "ms", 50, lambda: median(lambda: on_screen(Screen.first_frame_ms))),
    ("serve ready", "ms", 300, lambda: median(serve_ready_ms)),
    ("screen with traffic", "% of a core", 5, lambda: on_screen(Screen.cpu_percent)),
    ("screen without traffic", "% of a core", 2, lambda: on_screen(Screen.cpu_percent, "--no-traffic")),
    ("drawn while paused", "bytes", 0, lambda: on_screen(Screen.paused_bytes)),
]


def main():
    kept = True
    for name, unit, bound, measure in FIGURES:
        found = measure()
        kept &= found <= bound
        print(f"{name:24} {found:8.1f} {unit:12} bound {bound:4}  {'kept' if found <= bound else 'NOT KEPT'}", flush=True)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
