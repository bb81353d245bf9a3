"""Takes things away from a running superd and measures what it does meanwhile."""

import os
import select
import subprocess

from process import SANITIZED, cpu_seconds, descriptors, settled, status

# Not where pauses that double end, so that one of a second or more is seen after the relief.
WATCHED_SECONDS = 4
# Of a processor. A loop without a pause takes all of it.
CALM = 0.05 if SANITIZED else 0.01


def prlimit(pid, limit):
    """As the user of that process: changing another user's limits needs more than being root."""
    uid, gid = status(pid)["Uid"].split()[0], status(pid)["Gid"].split()[0]
    become = ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups"]
    subprocess.run(
        [*(become if os.geteuid() == 0 else []), "prlimit", "--pid", str(pid), limit], check=True
    )


def soft_limit(pid, name):
    with open(f"/proc/{pid}/limits") as file:
        return next(line[len(name) :].split()[0] for line in file if line.startswith(name))


class out_of_descriptors:
    """Lets a process open nothing more, `but` a few."""

    def __init__(self, pid, but=0):
        self.pid = pid
        self.but = but
        self.before = soft_limit(pid, "Max open files")

    def __enter__(self):
        # At rest it holds what it keeps free for the next client.
        held = settled(lambda: descriptors(self.pid))
        free = [number for number in range(len(held) + self.but + 1) if number not in held]
        prlimit(self.pid, f"--nofile={free[self.but]}:")

    def __exit__(self, *_):
        prlimit(self.pid, f"--nofile={self.before}:")


class out_of_processes:
    """Lets the user of a process start no more of them."""

    def __init__(self, pid):
        self.pid = pid
        self.before = soft_limit(pid, "Max processes")

    def __enter__(self):
        prlimit(self.pid, "--nproc=1:")

    def __exit__(self, *_):
        prlimit(self.pid, f"--nproc={self.before}:")


def busy(daemon):
    """For some seconds: how much of a processor all of it needs."""
    processes = [daemon.keeper, *daemon.fronts()]
    spent = cpu_seconds(*processes)
    select.select([], [], [], WATCHED_SECONDS)
    return (cpu_seconds(*processes) - spent) / WATCHED_SECONDS


def assert_calm(daemon):
    """For some seconds: hardly anything of a processor, less than 2 kB of log."""
    said = len(daemon.log.text())
    assert busy(daemon) <= CALM
    assert len(daemon.log.text()) - said < 2000


def soon(look):
    """What `look` finds within ten tries of a tenth of a second, or None.

    Where the machine stands still for longer, that is one try: superd stood still as well.
    """
    for _ in range(10):
        if found := look():
            return found
    return None


def answer_of(client):
    """What comes from a client's service soon, as it must after a shortage."""

    def look():
        try:
            return client.recv(64)
        except TimeoutError:
            return None

    client.settimeout(0.1)
    return soon(look)


def assert_answered(client, answer):
    assert answer_of(client) == answer
