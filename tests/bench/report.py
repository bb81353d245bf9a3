"""The measurements as Markdown."""

import os
import platform
import time
from statistics import median

from cases import CASES, REST_MEMORY_KIB, REST_WAKE_UPS

FOOTER = """Every server runs alone, on the loopback interface of the machine that makes the load,
with its limits off. superd writes no line per client (`log_on_success` and `log_on_failure` are
`{"none"}`), because the bare loops and the inetds write none, and neither does xinetd here, which
also leaves out libwrap. A rate is the median of the rounds, and so is a ratio; in a round every
server has its turn, in an order that moves on. CPU is what the server's processes use for one
answer (chargen: for a megabyte); where the load itself needs a whole CPU, as for daytime, it shows
more than the rate. Lost datagrams had no answer in 200 ms; xinetd reads one and drops what else
waits. inetutils-inetd may sleep for a second when a child ends."""


def machine():
    model = ""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    cpus = len(os.sched_getaffinity(0))
    return f"{cpus} CPUs ({model or platform.machine()}), Linux {platform.release()}"


def rates_of(results, case, server):
    return {run["round"]: run["rate"] for run in results.get((case, server), [])}


def ratio(results, case, server, other):
    """Compares within each round, because what else the machine does changes slowly."""
    ours, theirs = (rates_of(results, case, name) for name in (server, other))
    ratios = [ours[number] / theirs[number] for number in ours.keys() & theirs.keys()]
    return median(ratios) if ratios else None


def as_rate(value, unit):
    return f"{value / 1e6:,.0f} MB" if unit == "bytes" else f"{value:,.0f}"


def as_delay(runs, key):
    value = median(run[key] for run in runs)
    return f"{value:,.0f} µs" if value else ""


def as_cpu(runs):
    """What the server's processes used for one answer, or for a megabyte."""
    per = "bytes" if runs[0]["unit"] == "bytes" else "done"
    scale = 1e12 if per == "bytes" else 1e6
    value = median(run["cpu_seconds"] / run[per] for run in runs) * scale
    return f"{value:,.1f} µs"


def as_ratio(value):
    return f"{value:.2f}" if value is not None else ""


def as_count(runs, key):
    return f"{sum(run[key] for run in runs):,.0f}"


def table(head, rows):
    rule = ["---"] + ["---:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *rows))


def case_row(results, case, server):
    runs = results[case.name, server]
    rates = [run["rate"] for run in runs]
    unit = runs[0]["unit"]
    return [
        server,
        as_rate(median(rates), unit),
        f"{as_rate(min(rates), unit)} to {as_rate(max(rates), unit)}",
        as_delay(runs, "p50_us"),
        as_delay(runs, "p99_us"),
        as_cpu(runs),
        as_count(runs, "failed"),
        as_count(runs, "lost"),
        as_ratio(ratio(results, case.name, server, "bare")),
        as_ratio(ratio(results, case.name, "superd", server)),
    ]


def case_section(results, case, clients):
    head = ["server", "per second", "lowest to highest", "p50", "p99", "CPU", "failed", "lost"]
    head += ["of bare", "superd has"]
    servers = [server for server in case.servers if (case.name, server) in results]
    rows = [case_row(results, case, server) for server in servers]
    plural = "client" if clients == 1 else "clients"
    return f"### {case.name}\n\n{case.title}; {clients} {plural}\n\n{table(head, rows)}"


def rest_section(rest):
    rows = [
        ["processes", str(rest["processes"])],
        ["private memory", f"{rest['private_kib']:,} KiB"],
        [f"wake-ups in {rest['seconds']:g} s", str(rest["wake_ups"])],
    ]
    return f"### rest\n\nsuperd with the shipped configuration\n\n{table(['at rest', ''], rows)}"


def verdict(met):
    return "yes" if met else "**no**"


def target_rows(results, rest):
    for case in CASES.values():
        for other, least in case.at_least.items():
            value = ratio(results, case.name, "superd", other)
            if value is not None:
                name = f"{case.name}: superd of {other}"
                yield [name, f"at least {least:.2f}", f"{value:.2f}", verdict(value >= least)]
    if rest:
        memory, wakes = rest["private_kib"], rest["wake_ups"]
        small = memory < REST_MEMORY_KIB
        yield ["rest: private KiB", f"under {REST_MEMORY_KIB:,}", f"{memory:,}", verdict(small)]
        quiet = wakes <= REST_WAKE_UPS
        yield [f"rest: wake-ups in {rest['seconds']:g} s", "0", str(wakes), verdict(quiet)]


def markdown(results, rest, clients, rounds, seconds, notes):
    """@results maps (case, server) to the runs of all rounds, @clients a case to their number."""
    when = time.strftime("%Y-%m-%d")
    plural = "round" if rounds == 1 else "rounds"
    title = f"{machine()}, {when}; {rounds} {plural} of {seconds:g} s each"
    parts = [f"## Bench\n\n{title}"]
    for case in CASES.values():
        if any(name == case.name for name, _ in results):
            parts.append(case_section(results, case, clients[case.name]))
    if rest:
        parts.append(rest_section(rest))
    targets = list(target_rows(results, rest))
    if targets:
        head = ["target", "asked", "measured", "met"]
        parts.append(f"### Targets\n\n{table(head, targets)}")
    if notes:
        parts.append("\n".join(f"- {note}" for note in notes))
    parts.append(FOOTER)
    return "\n\n".join(parts) + "\n"
