"""superd at rest: the memory that is its own, and how often it wakes up."""

import os
import time

from processes import family_of, private_kib, switches
from servers import running
from tools import Command, NotStarted

SETTLE_SECONDS = 1
PORT_BASE = 20000


def watch(pid, seconds):
    time.sleep(SETTLE_SECONDS)
    family = family_of(pid)
    before = {one: switches(one) for one in family}
    time.sleep(seconds)
    if family_of(pid) != family:
        raise NotStarted("its processes changed while it was watched")
    return {
        "processes": len(family),
        "private_kib": sum(private_kib(one) for one in family),
        "wake_ups": sum(switches(one) - before[one] for one in family),
        "seconds": seconds,
    }


class Rest:
    name = "rest"
    title = "superd with the shipped configuration, and nobody comes"
    servers = ("superd",)
    once = True
    columns = (
        ("processes", "processes", "{:,.0f}"),
        ("private memory", "private_kib", "{:,.0f} KiB"),
        ("seconds", "seconds", "{:g}"),
        ("wake-ups", "wake_ups", "{:,.0f}"),
    )

    def measure(self, server, bench):
        argv = [bench.tools.superd, "-f", "-c", bench.config, "-p", str(PORT_BASE)]
        command = Command(argv, 0, env=dict(os.environ), notifies=True)
        try:
            with running(command, bench.tools) as started:
                return watch(started.pid, bench.rest_seconds)
        except (FileNotFoundError, ProcessLookupError) as error:
            raise NotStarted("ended while it was watched") from error
