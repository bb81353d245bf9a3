"""What /proc knows about a process."""

import glob
import os
import re
import select
import time


# Sanitizers make everything slower, and keep memory for longer.
SANITIZED = "SUPERD_SANITIZED" in os.environ
# For what comes at once, where nothing else runs.
PATIENCE = 100 if SANITIZED else 60


def eventually(check, patience=PATIENCE):
    """Polls where nothing tells of the event; returns what `check` finds, once it is true."""
    until = time.monotonic() + patience
    while not (found := check()):
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)
    return found


def used_by(name, pid):
    """How the log says who has an address. superd looks for a second, which a sanitizer makes short."""
    text = rf" by '{name}' \(process {pid}\)"
    return f"({text})?" if SANITIZED else text


def content(path):
    """The text of a file, and nothing while it is not there: the log is written by another process."""
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


def settled(measure):
    """What `measure` finds once it has found the same twice."""
    before = None
    while before != (before := measure()):
        select.select([], [], [], 0.2)
    return before


def children(pid):
    """Oldest first."""
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(word) for word in file.read().split()]


def executable(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return None


def title(pid):
    """How the process calls itself; one that shares the memory of another has its title."""
    try:
        with open(f"/proc/{pid}/cmdline") as file:
            return file.read().rstrip("\0")
    except OSError:
        return ""


def name_of(pid):
    """What the kernel calls it; nothing once it has been reaped."""
    try:
        return status(pid)["Name"]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def status(pid):
    with open(f"/proc/{pid}/status") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def threads(pid):
    """The status of each thread, the main one first, without those of a sanitizer."""
    tids = [pid, *(tid for tid in os.listdir(f"/proc/{pid}/task") if tid != str(pid))]
    found = [status(f"{pid}/task/{tid}") for tid in tids]
    return found[:1] + [thread for thread in found[1:] if thread["Name"] == "superd-worker"]


def alive(pid):
    try:
        return not status(pid)["State"].startswith("Z")
    except OSError:
        return False


def descriptors(pid):
    """What each descriptor is, such as {0: '/dev/null', 3: 'socket:[8]'}."""
    found = {}
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            found[int(name)] = os.readlink(f"/proc/{pid}/fd/{name}")
        except FileNotFoundError:
            continue
    return found


def listening_inodes(pid):
    """The TCP sockets of this process that listen, as port -> 'socket:[INODE]'."""
    held = set(descriptors(pid).values())
    found = {}
    # While others open and close sockets a look may pass over some that are there.
    for table in 3 * ("tcp", "tcp6"):
        with open(f"/proc/{pid}/net/{table}") as file:
            next(file)
            for row in file:
                field = row.split()
                # They come first, before the many that wait for the last packets to die.
                if field[3] != "0A":
                    break
                inode = f"socket:[{field[9]}]"
                if inode in held:
                    found[int(field[1].rsplit(":", 1)[1], 16)] = inode
    return found


def memory(pid):
    """Its own, resident, whoever it shares it with after a fork. Always 0 under a sanitizer."""
    if SANITIZED:
        return 0
    return int(status(pid)["RssAnon"].split()[0]) * 1024


def private_bytes(pid):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return sum(
            int(kib) * 1024 for kib in re.findall(r"^Private_\w+:\s+(\d+) kB", file.read(), re.M)
        )


def cpu_seconds(*pids):
    """Of all their threads, exact to the nanosecond."""
    total = 0
    for path in (path for pid in pids for path in glob.glob(f"/proc/{pid}/task/*/schedstat")):
        with open(path) as file:
            total += int(file.read().split()[0])
    return total / 1e9
