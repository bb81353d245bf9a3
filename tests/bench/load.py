"""Runs the load generator."""

import os
import subprocess
from contextlib import contextmanager

from processes import cpu_seconds
from tools import NotStarted

SPARE_SECONDS = 30


def load_argv(tools, command, mode, clients, seconds, options=()):
    address = ["-a", command.host, "-p", str(command.port)]
    amount = ["-n", str(clients), "-t", str(round(seconds * 1000))]
    return [tools.path("load"), mode, *address, *amount, *map(str, options)]


def parse_line(line):
    words = dict(word.split("=", 1) for word in line.split())
    text = {key: words.pop(key) for key in ("mode", "unit")}
    return {**text, **{key: float(value) for key, value in words.items()}}


def run_load(argv, seconds):
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=seconds + SPARE_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise NotStarted("the load did not end") from error
    if done.returncode:
        raise NotStarted((done.stderr or done.stdout).strip())
    return parse_line(done.stdout)


def measured_load(argv, pid, seconds):
    """With the CPU time that @pid and its descendants use meanwhile."""
    try:
        before = cpu_seconds(pid)
        run = run_load(argv, seconds)
        return {**run, "cpu_seconds": cpu_seconds(pid) - before}
    except (FileNotFoundError, ProcessLookupError) as error:
        raise NotStarted("it ended under the load") from error


class Background:
    def __init__(self, process):
        self.process = process

    def wait_until_held(self):
        if self.process.stdout.readline() != "held\n":
            self.process.wait()
            raise NotStarted(self.process.stderr.read().strip() or "not all clients were answered")

    def end(self):
        """Returns what it has measured."""
        self.process.terminate()
        out, problem = self.process.communicate(timeout=SPARE_SECONDS)
        if self.process.returncode:
            raise NotStarted(problem.strip())
        return parse_line(out)


@contextmanager
def background_load(argv):
    """A load that goes on inside; it ends by itself when its time is over."""
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield Background(process)
        finally:
            process.kill()


def urgent(argv):
    """Goes before the others, so that what waits for a CPU is the server and not its client."""
    return ["nice", "-n", "-15", *argv] if os.geteuid() == 0 else argv
