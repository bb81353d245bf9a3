"""Clients that stay: what each costs in memory, and what they cost a new one."""

from contextlib import suppress
from statistics import median
from types import SimpleNamespace

from load import background_load, load_argv, run_load
from processes import family_of, private_kib
from servers import COMMANDS, running

# Clients of superd, and of peers.
FULL = (10000, 500)
QUICK = (1000, 50)

# Probes of one daemon and the other take turns.
PROBES = 4
HOLD_SECONDS = 120

ECHO = SimpleNamespace(builtin="echo", protocol="tcp", program="", bare="echo")


def probe(tools, command, seconds):
    argv = load_argv(tools, command, "visit", 1, seconds)
    return run_load(argv, seconds)


def memory_of(pid):
    """Returns KiB of private memory and the number of processes."""
    sizes = []
    for one in family_of(pid):
        with suppress(FileNotFoundError, ProcessLookupError):
            sizes.append(private_kib(one))
    return sum(sizes), len(sizes)


def hold_argv(tools, command, clients):
    return load_argv(tools, command, "hold", clients, HOLD_SECONDS)


def cost_of_clients(server, bench, clients):
    """What was used before the first client is not theirs, so a few come and go first."""
    command = COMMANDS[server](ECHO, bench.tools)
    with running(command, bench.tools) as started:
        run_load(load_argv(bench.tools, command, "pingpong", 8, 0.1), 1)
        before, idle = memory_of(started.pid)
        with background_load(hold_argv(bench.tools, command, clients)) as load:
            load.wait_until_held()
            after, busy = memory_of(started.pid)
            load.end()
    return {
        "clients": clients,
        "memory_kib": after - before,
        "bytes_per_client": (after - before) * 1024 / clients,
        "more_processes": busy - idle,
    }


def delay_of_new_ones(server, bench, clients):
    """Beside an empty daemon, in turns, so that both see the same machine."""
    tools = bench.tools
    empty, full = (COMMANDS[server](ECHO, tools) for _ in range(2))
    seconds = bench.seconds / PROBES
    with running(empty, tools), running(full, tools):
        with background_load(hold_argv(tools, full, clients)) as load:
            load.wait_until_held()
            alone, beside = [], []
            for _ in range(PROBES):
                alone.append(probe(tools, empty, seconds)["p99_us"])
                beside.append(probe(tools, full, seconds)["p99_us"])
            load.end()
    return {"empty_p99_us": median(alone), "p99_us": median(beside)}


class Held:
    name = "held"
    title = "echo clients that stay, and one at a time that comes, has 64 bytes echoed and goes"
    servers = ("superd", "xinetd", "openbsd-inetd")
    once = False
    columns = (
        ("clients held", "clients", "{:,.0f}"),
        ("memory", "memory_kib", "{:,.0f} KiB"),
        ("each", "bytes_per_client", "{:,.0f} bytes"),
        ("more processes", "more_processes", "{:,.0f}"),
        ("p99 of a new one", "p99_us", "{:,.0f} µs"),
        ("with none held", "empty_p99_us", "{:,.0f} µs"),
    )

    def measure(self, server, bench):
        ours, theirs = QUICK if bench.quick else FULL
        clients = ours if server == "superd" else theirs
        run = cost_of_clients(server, bench, clients)
        if server == "superd":
            run.update(delay_of_new_ones(server, bench, clients))
        return run
