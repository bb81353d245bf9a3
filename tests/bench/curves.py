"""How the figures change with one number: of clients, of services, of sessions, of MiB."""

import os
import sys
from dataclasses import dataclass, replace
from functools import partial
from statistics import median

import gnuplot
import superds
from cases import CASES
from held import cost_of_clients
from servers import COMMANDS
from tools import ENVIRONMENT, NotStarted

ROUNDS = 3
SECONDS = 1
ROUNDS_QUICK = 1
SECONDS_QUICK = 0.1

CLIENTS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
IDLE_SERVICES = (1, 10, 100, 1000, 10000)
SESSIONS = (100, 200, 500, 1000, 2000, 5000, 10000)
SESSIONS_OF_PEERS = tuple(n for n in SESSIONS if n <= 500)
MIB = (0, 32, 64, 128, 256, 512)

# With their names in the legend.
ECHO_SERVERS = {"superd": "superd", "bare": "bare epoll loop", "xinetd": "xinetd"}
SPAWN_SERVERS = {
    "superd": "superd",
    "bare": "bare vfork loop",
    "xinetd": "xinetd",
    "tcpserver": "tcpserver",
}


@dataclass(frozen=True)
class Line:
    """@measure(bench, x) returns the metrics at one point."""

    title: str
    server: str
    points: tuple
    measure: object


@dataclass(frozen=True)
class Curve:
    """@pictures maps a metric to how it is drawn; @lines have the points."""

    lines: tuple
    pictures: dict


def with_clients(case, server, bench, n):
    sized = replace(CASES[case], clients=n)
    return sized.measure_command(sized.command(server, bench.tools), replace(bench, clients=None))


def with_idle_services(case, bench, n):
    variant = superds.Variant(idle_services=n)
    command = superds.for_case(CASES[case], bench.tools, variant)
    return CASES[case].measure_command(command, replace(bench, clients=None))


def with_ballast(server, bench, mib):
    case = CASES["spawn"]
    command = COMMANDS[server](case, bench.tools)
    preload = {"LD_PRELOAD": bench.tools.path("libballast.so"), "BENCH_BALLAST_MIB": str(mib)}
    command.env = {**ENVIRONMENT, **(preload if mib else {})}
    return case.measure_command(command, replace(bench, clients=None))


def with_sessions(server, bench, n):
    run = cost_of_clients(server, bench, n)
    return {"memory_mib": max(run["memory_kib"], 1) / 1024}


def client_lines(case, servers):
    return tuple(
        Line(title, server, CLIENTS, partial(with_clients, case, server))
        for server, title in servers.items()
    )


def idle_line(title, case):
    return Line(title, "superd", IDLE_SERVICES, partial(with_idle_services, case))


def session_line(server, points):
    return Line(server, server, points, partial(with_sessions, server))


def delay_picture(name, title):
    return gnuplot.Picture(name, title, "clients", "p99 of the delay (µs)", "xy")


CURVES = {
    "echo": Curve(
        client_lines("echo-200", ECHO_SERVERS),
        {
            "rate": gnuplot.Picture(
                "echo-rate", "Echo: 64 bytes there and back", "clients", "answers per second", "x"
            ),
            "p99_us": delay_picture("echo-p99", "Echo: 64 bytes there and back"),
        },
    ),
    "spawn": Curve(
        client_lines("spawn", SPAWN_SERVERS),
        {
            "rate": gnuplot.Picture(
                "spawn-rate", "A static program per client", "clients", "clients per second", "x"
            ),
            "p99_us": delay_picture("spawn-p99", "A static program per client"),
        },
    ),
    "idle-services": Curve(
        (
            idle_line("daytime", "daytime"),
            idle_line("a program per client", "spawn"),
        ),
        {
            "rate": gnuplot.Picture(
                "idle-services",
                "superd: one busy service beside many that nobody asks",
                "idle services",
                "clients per second",
                "xy",
            ),
        },
    ),
    "sessions": Curve(
        (
            session_line("superd", SESSIONS),
            session_line("xinetd", SESSIONS_OF_PEERS),
            session_line("openbsd-inetd", SESSIONS_OF_PEERS),
        ),
        {
            "memory_mib": gnuplot.Picture(
                "held-memory",
                "Echo clients that stay",
                "clients held",
                "private memory added (MiB)",
                "xy",
            ),
        },
    ),
    "memory": Curve(
        (
            Line("superd", "superd", MIB, partial(with_ballast, "superd")),
            Line("bare fork loop", "bare", MIB, partial(with_ballast, "fork")),
        ),
        {
            "rate": gnuplot.Picture(
                "spawn-memory",
                "A static program per client, from a process with much memory",
                "memory of the process that starts it (MiB)",
                "clients per second",
                "",
            ),
        },
    ),
}


def measure(bench, line, x, runs):
    print(f"curve: {line.title}, {x}", file=sys.stderr)
    try:
        runs.append(line.measure(bench, x))
    except NotStarted as error:
        print(f"curve: {line.title}, {x} not measured: {error}", file=sys.stderr)


def measure_curve(curve, bench):
    """Returns by line, and in it by x, the runs of all rounds; the lines take turns."""
    lines = [line for line in curve.lines if bench.has(line.server)]
    runs = {line.title: {x: [] for x in line.points} for line in lines}
    for _ in range(ROUNDS_QUICK if bench.quick else ROUNDS):
        for x in sorted({x for line in lines for x in line.points}):
            for line in (line for line in lines if x in line.points):
                measure(bench, line, x, runs[line.title][x])
    return runs


def medians(by_x, metric):
    return [(x, median(run[metric] for run in runs)) for x, runs in by_x.items() if runs]


def quick(curve):
    """Only the ends, and not too far."""
    lines = (replace(line, points=(line.points[0], line.points[2])) for line in curve.lines)
    return replace(curve, lines=tuple(lines))


def draw(folder, names, bench):
    os.makedirs(folder, exist_ok=True)
    bench = replace(bench, seconds=SECONDS_QUICK if bench.quick else SECONDS)
    for name in names:
        curve = quick(CURVES[name]) if bench.quick else CURVES[name]
        runs = measure_curve(curve, bench)
        for metric, picture in curve.pictures.items():
            data = {title: medians(by_x, metric) for title, by_x in runs.items()}
            gnuplot.draw(picture, data, folder)
