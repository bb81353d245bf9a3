#!/usr/bin/env python3
"""Records a session in a terminal with superd, as an SVG that plays when it is shown.

Usage: record.py SUPERD            runs the session with that superd and prints the picture
       record.py SUPERD PICTURE    fails when superd prints something else today than PICTURE shows

What is typed stands in SESSION. All else is what the programs print, in the time that they take; the
time to type and to read is added. The folder is shown as /home/ann, and the port, which was free,
as 7777. A viewer that plays nothing shows all of it at once.
"""

import contextlib
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from html import escape
from pathlib import Path

SKIPPED = 77
HOME = "/home/ann"
PORT = "7777"
CONFIGURATION = """\
service "hello" {
    listen = {"tcp:127.0.0.1:PORT"}
    exec = "/bin/echo Hello"
    max_connections = 20
}
"""
SERVE = "superd --foreground --config superd.conf --pid-file superd.pid"
# What is typed, and what superd then prints in its own terminal, at last.
SESSION = [
    ("cat superd.conf", None),
    ("superd --check --config superd.conf", None),
    (
        r"""sed -i 's/max_connections/instances/; s|"/bin.*"|{"/bin/echo", "Hello"}|' superd.conf""",
        None,
    ),
    ("superd --check --config superd.conf", None),
    (None, "configuration loaded"),
    ("nc 127.0.0.1 PORT", "ended"),
    ("""sed -i 's/"Hello"/"Welcome, %{remote_addr}"/' superd.conf""", None),
    (
        "superd --reload --config superd.conf --pid-file superd.pid",
        "configuration loaded",
    ),
    ("nc 127.0.0.1 PORT", "ended"),
]
VARIES = [
    r"(?<=superd\[)\d+",
    r"(?<=pid )\d+",
    r"(?<=after )[\d.]+",
    r"(?<=127\.0\.0\.1:)\d+",
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?[+-]\d{4}",
]

PATIENCE = 60
TYPING = 0.025  # seconds a character
READING = 0.01
PAUSE = 0.5

COLUMNS = 100
WRAPPER = textwrap.TextWrapper(COLUMNS, break_long_words=False, break_on_hyphens=False)
WIDTH = 7.8
HEIGHT = 17
MARGIN = 20
STYLE = """
  text { font: 13px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #24292f; }
  .page { fill: #ffffff; stroke: #8c959f; }
  .title { fill: #57606a; font-family: sans-serif; }
  .rule { stroke: #8c959f; }
  .typed { font-weight: bold; fill: #0550ae; }
  .wrong { fill: #b3261e; }
  .shown { animation: show 1ms backwards; }
  .typed { animation: type 1s backwards; }
  @keyframes show { from { opacity: 0; } }
  @keyframes type { from { clip-path: inset(0 100% 0 0); } to { clip-path: inset(0); } }
  @media (prefers-reduced-motion: reduce) { text { animation: none !important; } }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .page { fill: #0d1117; stroke: #6e7681; }
    .title { fill: #9198a1; }
    .rule { stroke: #6e7681; }
    .typed { fill: #79c0ff; }
    .wrong { fill: #ff9d94; }
  }
"""


@dataclass
class Line:
    text: str
    at: float
    kind: str = "shown"


class PortTaken(Exception):
    """By somebody who was faster."""


class Daemon:
    """superd in a terminal of its own."""

    def __init__(self, run):
        self.lines = []
        self.has_ended = False
        self.printed = threading.Condition()
        self.process = run(SERVE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            with self.printed:
                self.lines.append((line.rstrip("\n"), time.monotonic()))
                self.printed.notify()
        with self.printed:
            self.has_ended = True
            self.printed.notify()

    def take(self, last):
        """The lines up to one that has this word."""
        with self.printed:
            self.printed.wait_for(lambda: self.has_ended or self.has_said(last), PATIENCE)
            if self.has_said("Address already in use"):
                raise PortTaken
            if not self.has_said(last):
                raise TimeoutError(f"superd does not say '{last}': {self.lines}")
            lines, self.lines = self.lines, []
        return lines

    def has_said(self, words):
        return any(words in text for text, _ in self.lines)

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        self.process.stdout.close()


def free_port():
    """Not one that the system gives to anybody who asks for none, of which superd would warn."""
    given = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    ports = {*range(10000, 65536)} - {*range(int(given[0]), int(given[1]) + 1)}
    for port in random.sample(sorted(ports), min(len(ports), 100)):
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    return None


class Recorder:
    def __init__(self, home, port):
        self.home = home
        self.port = port
        self.upper = []
        self.lower = []
        self.now = PAUSE

    def start(self, command, **options):
        """Root does it as an ordinary user, as whom it looks the same everywhere."""
        if os.geteuid() == 0:
            options.update(user=65534, group=65534, extra_groups=[])
        environment = {
            "PATH": f"{self.home}:/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
            "TZ": os.environ.get("TZ", "UTC"),
        }
        return subprocess.Popen(
            ["bash", "-c", "exec " + command],
            cwd=self.home,
            env=environment,
            stdin=subprocess.DEVNULL,
            text=True,
            **options,
        )

    def shown(self, text):
        return re.sub(rf"(?<=:){self.port}\b", PORT, text.replace(str(self.home), HOME))

    def type(self, terminal, command):
        terminal.append(Line(command.replace("PORT", PORT), self.now, "typed"))
        self.now += len(command) * TYPING + PAUSE / 2

    def print(self, terminal, lines, since, kind="shown"):
        for text, when in lines:
            terminal.append(Line(self.shown(text), self.now + when - since, kind))
        if lines:
            self.now += lines[-1][1] - since

    def read(self, lines):
        self.now += PAUSE + READING * sum(len(text) for text, _ in lines)

    def command(self, command):
        self.type(self.upper, command)
        since = time.monotonic()
        command = command.replace("PORT", str(self.port))
        process = self.start(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        lines = [(line.rstrip("\n"), time.monotonic()) for line in process.stdout]
        status = process.wait(PATIENCE)
        process.stdout.close()
        self.print(self.upper, lines, since, "wrong" if status else "shown")
        self.read(lines)

    def play(self):
        daemon = None
        try:
            for command, last in SESSION:
                since = time.monotonic()
                if command:
                    self.command(command)
                else:
                    self.type(self.lower, SERVE)
                    daemon = Daemon(self.start)
                if last:
                    lines = daemon.take(last)
                    self.print(self.lower, lines, since)
                    self.read(lines)
        finally:
            if daemon:
                daemon.stop()


def record(superd, port):
    with tempfile.TemporaryDirectory(prefix="superd.", dir="/tmp") as place:
        home = Path(place)
        shutil.copy(superd, home / "superd")
        (home / "superd.conf").write_text(CONFIGURATION.replace("PORT", str(port)))
        if os.geteuid() == 0:
            for path in (home, home / "superd.conf"):
                os.chown(path, 65534, 65534)
        recorder = Recorder(home, port)
        recorder.play()
    return recorder


def row(text, y, column=0):
    bare = text.lstrip(" ")
    x = MARGIN + (column + len(text) - len(bare)) * WIDTH
    size = f'textLength="{len(bare) * WIDTH:.1f}" lengthAdjust="spacingAndGlyphs"'
    return f'<tspan x="{x:.1f}" y="{y}" {size}>{escape(bare, quote=False)}</tspan>'


def element(kind, style, rows):
    return f'<text class="{kind}" style="{style}">{"".join(rows)}</text>'


def typed(line, y):
    n = len(line.text)
    delay = f"animation-delay: {line.at:.2f}s"
    steps = f"animation-duration: {n * TYPING:.2f}s; animation-timing-function: steps({n})"
    yield element("shown", delay, [row("$", y)])
    yield element("typed", f"{delay}; {steps}", [row(line.text, y, 2)])


def terminal(title, lines, y):
    """Returns where the next one begins, and the elements."""
    drawn = [f'<text class="title" x="{MARGIN}" y="{y + 20}">{title}</text>']
    y += 48
    for line in lines:
        if line.kind == "typed":
            drawn.extend(typed(line, y))
            y += HEIGHT
            continue
        rows = WRAPPER.wrap(line.text) or [""]
        kind = "shown wrong" if line.kind == "wrong" else "shown"
        drawn.append(
            element(
                kind,
                f"animation-delay: {line.at:.2f}s",
                [row(text, y + i * HEIGHT) for i, text in enumerate(rows)],
            )
        )
        y += len(rows) * HEIGHT
    return y, drawn


def draw(recorder):
    width = round(COLUMNS * WIDTH + 2 * MARGIN)
    middle, upper = terminal("a shell", recorder.upper, 4)
    end, lower = terminal("superd", recorder.lower, middle)
    height = end + 4
    words = "A configuration is checked, corrected, served and reloaded."
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"',
            f'  width="{width}" height="{height}" role="img" aria-label="{words}">',
            f"<style>{STYLE}</style>",
            f'<rect class="page" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="6"/>',
            *upper,
            f'<line class="rule" x1="0" y1="{middle - 4}" x2="{width}" y2="{middle - 4}"/>',
            *lower,
            "</svg>\n",
        ]
    )


def words(svg):
    """All that stands in a picture, without what differs from run to run."""
    root = ElementTree.fromstring(svg)
    lines = root.iter("{http://www.w3.org/2000/svg}text")
    # The number of digits decides where a line is broken.
    found = "\n".join(" ".join(" ".join(line.itertext()).split()) for line in lines)
    for pattern in VARIES:
        found = re.sub(pattern, "0", found)
    return found.splitlines()


def main() -> int:
    superd, *drawn = map(Path, sys.argv[1:])
    missing = [name for name in ("bash", "nc") if not shutil.which(name)]
    if missing:
        print(f"{missing[0]} is not installed")
        return SKIPPED
    recorder = None
    while not recorder:
        port = free_port()
        if not port:
            print("all free ports may be given to others")
            return SKIPPED
        with contextlib.suppress(PortTaken):
            recorder = record(superd, port)
    svg = draw(recorder)
    if not drawn:
        sys.stdout.write(svg)
        return 0
    today, then = words(svg), words(drawn[0].read_text())
    if today != then:
        print(*(f"now:  {line}" for line in today if line not in then), sep="\n")
        print(*(f"then: {line}" for line in then if line not in today), sep="\n")
        print(f"{drawn[0]} is not what superd prints; record it again:")
        print(f"    man/record.py {superd} >man/session.svg")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
