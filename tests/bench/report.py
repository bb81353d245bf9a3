"""The measurements as Markdown."""

import os
import platform
import time
from statistics import median

import logs
from bounds import judged
from cases import CASES

PEERS = ("bare", "alone", "xinetd", "openbsd-inetd", "inetutils-inetd", "tcpserver", "systemd")
OURS = ("superd", "superd-pool", "superd-pass", *(f"superd-to-{one}" for one in logs.TARGETS))

FOOTER = """Every server runs alone, on the loopback interface of the machine that makes the load,
with its limits off. Where its name does not end in `-to-` and where its log goes, superd writes no
line per client (`log_on_success` and `log_on_failure` are `{"none"}`), because the bare loops and
the inetds write none, and neither does xinetd here, which also leaves out libwrap, nor systemd. A
rate is the median of the rounds, and so is a ratio; in a round every server has its turn, in an
order that moves on. CPU is what the server's processes use for one answer (chargen: for a
megabyte); where the load itself needs a whole CPU, as for daytime, it shows more than the rate.
Lost datagrams had no answer in 200 ms; xinetd reads one and drops what else waits. inetutils-inetd
may sleep for a second when a child ends."""


def machine():
    model = ""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    cpus = len(os.sched_getaffinity(0))
    return f"{cpus} CPUs ({model or platform.machine()}), Linux {platform.release()}"


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


def rate_ratio(results, case, server, other):
    return results.ratio(case, (server, "rate"), (other, "rate"))


def beside(ours, other):
    """The other with its log where ours goes; the loops have none."""
    _, target = logs.split(ours)
    return f"{other}-to-{target}" if target and other not in ("bare", "alone") else other


def as_lines(runs):
    """Of log, for one answer."""
    if "log_lines" not in runs[0]:
        return ""
    return f"{median(run['log_lines'] / run['done'] for run in runs):.2f}"


def load_row(results, case, server):
    runs = results.of(case.name, server)
    rates = [run["rate"] for run in runs]
    unit = runs[0]["unit"]
    base = "alone" if "alone" in case.servers else "bare"
    row = [
        server,
        as_rate(median(rates), unit),
        f"{as_rate(min(rates), unit)} to {as_rate(max(rates), unit)}",
        as_delay(runs, "p50_us"),
        as_delay(runs, "p99_us"),
        as_cpu(runs),
        as_count(runs, "failed"),
        as_count(runs, "lost"),
        as_ratio(rate_ratio(results, case.name, server, base)),
        as_ratio(rate_ratio(results, case.name, beside(server, "superd"), server)),
    ]
    return row + [as_lines(runs)] if case.logged else row


def load_table(results, case, servers):
    base = "alone" if "alone" in case.servers else "bare"
    head = ["server", "per second", "lowest to highest", "p50", "p99", "CPU", "failed", "lost"]
    head += [f"of {base}", "superd has"] + (["lines of log"] if case.logged else [])
    return table(head, [load_row(results, case, server) for server in servers])


def other_table(results, case, servers):
    head = ["server"] + [title for title, _, _ in case.columns]
    rows = []
    for server in servers:
        values = [results.median(case.name, server, key) for _, key, _ in case.columns]
        forms = [form for _, _, form in case.columns]
        cells = ["" if v is None else form.format(v) for form, v in zip(forms, values)]
        rows.append([server, *cells])
    return table(head, rows)


def clients_of(results, case, servers):
    n = results.of(case.name, servers[0])[0].get("clients")
    if case.columns or not n:
        return ""
    return f"; {n:,.0f} {'client' if n == 1 else 'clients'}"


def case_section(results, case):
    servers = [server for server in case.servers if results.of(case.name, server)]
    make = other_table if case.columns else load_table
    title = f"{case.title}{clients_of(results, case, servers)}"
    return f"### {case.name}\n\n{title}\n\n{make(results, case, servers)}"


def summary_row(results, case, ours, others):
    unit = results.of(case.name, ours)[0]["unit"]
    cells = [as_rate(results.median(case.name, ours, "rate"), unit) + "/s"]
    for other in others:
        other = beside(ours, other)
        rate = results.median(case.name, other, "rate")
        share = as_ratio(rate_ratio(results, case.name, ours, other))
        cells.append("" if rate is None else f"{as_rate(rate, unit)}/s ({share})")
    return [case.name if ours == "superd" else f"{case.name}, {ours}", *cells]


def summary(results):
    """A row per case: superd, and each of the others with what superd has of it."""
    pairs = [
        (case, ours)
        for case in CASES.values()
        for ours in OURS
        if not case.columns and results.of(case.name, ours)
    ]
    if not pairs:
        return ""
    others = [
        one
        for one in PEERS
        if any(results.of(case.name, beside(ours, one)) for case, ours in pairs)
    ]
    rows = [summary_row(results, case, ours, others) for case, ours in pairs]
    note = "In brackets: what superd has of it."
    return f"### Summary\n\n{table(['case', 'superd', *others], rows)}\n\n{note}"


def bounds_section(results):
    rows = [
        [bound.name(), bound.asked(), bound.text(value), "yes" if met else "**no**"]
        for bound, value, met in judged(results)
    ]
    return f"### Bounds\n\n{table(['bound', 'asked', 'measured', 'met'], rows)}" if rows else ""


def markdown(results, rounds, seconds, notes):
    when = time.strftime("%Y-%m-%d")
    plural = "round" if rounds == 1 else "rounds"
    parts = ["## Bench", f"{machine()}, {when}; {rounds} {plural} of {seconds:g} s each"]
    parts.append(summary(results))
    parts += [case_section(results, case) for case in CASES.values() if results.has_case(case.name)]
    parts.append(bounds_section(results))
    parts.append("\n".join(f"- {note}" for note in notes))
    parts.append(FOOTER)
    return "\n\n".join(part for part in parts if part) + "\n"
