"""What is asked of superd, in one table, and whether it was so."""

import operator
from dataclasses import dataclass

COMPARE = {"<": operator.lt, "<=": operator.le, ">=": operator.ge}
WORDS = {"<": "under", "<=": "at most", ">=": "at least"}


@dataclass(frozen=True)
class Bound:
    """@metric of @server, or its ratio to that of @of, which may be another metric of its own."""

    case: str
    server: str
    metric: str
    compare: str
    limit: float
    of: str = ""
    of_metric: str = ""

    def measured(self, results):
        if not self.of:
            return results.median(self.case, self.server, self.metric)
        theirs = (self.of, self.of_metric or self.metric)
        return results.ratio(self.case, (self.server, self.metric), theirs)

    def met(self, value):
        return COMPARE[self.compare](value, self.limit)

    def name(self):
        ours = f"{self.case}: {self.server} {self.metric}"
        if not self.of:
            return ours
        return f"{ours} of {self.of_metric if self.of == self.server else self.of}"

    def asked(self):
        return f"{WORDS[self.compare]} {self.text(self.limit)}"

    def text(self, value):
        return f"{value:.2f}" if self.of else f"{value:,.4g}"


def rate(case, server, of, least):
    return Bound(case, server, "rate", ">=", least, of)


def delay(case, server, of, most, of_metric=""):
    return Bound(case, server, "p99_us", "<=", most, of, of_metric)


def absolute(case, metric, compare, limit):
    return Bound(case, "superd", metric, compare, limit)


BOUNDS = (
    rate("echo-200", "superd", "bare", 0.95),
    delay("echo-200", "superd", "bare", 1.25),
    rate("echo-200", "superd", "xinetd", 1.7),
    rate("echo-200", "superd", "openbsd-inetd", 2.3),
    rate("echo-1000", "superd", "bare", 0.95),
    delay("echo-1000", "superd", "bare", 1.25),
    rate("echo-1000", "superd", "xinetd", 1.7),
    absolute("held", "bytes_per_client", "<", 400),
    delay("held", "superd", "superd", 2, "empty_p99_us"),
    rate("daytime", "superd", "bare", 0.95),
    rate("chargen", "superd", "bare", 0.8),
    rate("udp", "superd", "bare", 0.9),
    rate("loop", "superd-pool", "superd", 5),
    rate("loop", "superd-pass", "superd", 5),
    rate("loop", "superd-pool", "alone", 0.95),
    rate("spawn", "superd", "bare", 0.9),
    delay("spawn", "superd", "tcpserver", 1),
    rate("spawn", "superd-1000-idle", "superd", 0.97),
    rate("spawn", "superd-256-mib", "superd", 0.97),
    rate("spawn", "superd", "xinetd", 1.4),
    rate("spawn", "superd", "openbsd-inetd", 1.4),
    rate("spawn", "superd", "tcpserver", 1),
    absolute("services", "start_seconds", "<", 2),
    absolute("services", "reload_seconds", "<", 1),
    absolute("services", "refused", "<=", 0),
    absolute("services", "unserved", "<=", 0),
    delay("flood-daytime", "superd", "superd", 5, "idle_p99_us"),
    delay("flood-echo", "superd", "superd", 5, "idle_p99_us"),
    delay("flood-chargen", "superd", "superd", 5, "idle_p99_us"),
    delay("hang", "superd", "superd", 1.2, "idle_p99_us"),
    rate("spawn-logged", "superd-to-file", "superd", 0.9),
    rate("spawn-logged", "superd-to-file", "xinetd-to-file", 1.1),
    rate("spawn-logged", "superd-to-file", "tcpserver-to-file", 1),
    rate("spawn-logged", "superd-to-journal", "systemd-to-journal", 4),
    rate("daytime-logged", "superd-to-file", "superd", 0.9),
    absolute("rest", "private_kib", "<", 6144),
    absolute("rest", "wake_ups", "<=", 0),
)


def judged(results):
    """Yields each bound that was measured, with the value and whether it is met."""
    for bound in BOUNDS:
        value = bound.measured(results)
        if value is not None:
            yield bound, value, bound.met(value)


def check(results, cases):
    """Returns a line per bound of @cases, and whether all of them were measured and met."""
    lines, fine = [], True
    for bound in (one for one in BOUNDS if one.case in cases):
        value = bound.measured(results)
        met = value is not None and bound.met(value)
        fine = fine and met
        found = bound.text(value) if value is not None else "not measured"
        lines.append(f"{'ok  ' if met else 'MISS'}  {bound.name()}: {bound.asked()}, {found}")
    return lines, fine
