"""What /proc says about a process and its descendants."""

import os
import re


def read(*path):
    with open(os.path.join("/proc", *map(str, path)), encoding="utf-8", errors="replace") as file:
        return file.read()


def tasks_of(pid):
    return os.listdir(f"/proc/{pid}/task")


def family_of(pid):
    """@pid and all below it, parents first."""
    family = [pid]
    for task in tasks_of(pid):
        for child in read(pid, "task", task, "children").split():
            try:
                family += family_of(int(child))
            except (FileNotFoundError, ProcessLookupError):
                continue
    return family


def private_kib(pid):
    rollup = read(pid, "smaps_rollup")
    return sum(int(n) for n in re.findall(r"^Private_(?:Clean|Dirty): +(\d+)", rollup, re.M))


def switches(pid):
    """How often its threads stopped running, which is how often they began to."""
    texts = [read(pid, "task", task, "status") for task in tasks_of(pid)]
    return sum(int(n) for text in texts for n in re.findall(r"ctxt_switches:\s+(\d+)", text))


def cpu_seconds_of(pid):
    running = sum(int(read(pid, "task", task, "schedstat").split()[0]) for task in tasks_of(pid))
    of_reaped = read(pid, "stat").rpartition(")")[2].split()[13:15]
    return running / 1e9 + sum(map(int, of_reaped)) / os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """What @pid, its descendants and those that were reaped have used."""
    total = 0
    for one in family_of(pid):
        try:
            total += cpu_seconds_of(one)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total
