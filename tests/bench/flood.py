"""A service flooded by many clients, and how long one client of another service waits."""

import time

import superds
from load import background_load, load_argv, run_load, urgent
from servers import running
from tools import free_port

FLOOD_CLIENTS = 64
FLOOD_BEGINS_SECONDS = 0.2


class Flood:
    servers = ("superd",)
    once = False
    columns = (
        ("answers to the flood", "flood_rate", "{:,.0f}/s"),
        ("p99 of another service", "p99_us", "{:,.0f} µs"),
        ("with no flood", "idle_p99_us", "{:,.0f} µs"),
    )

    def __init__(self, builtin, mode, who):
        self.name = f"flood-{builtin}"
        self.title = f"{builtin} is flooded by {FLOOD_CLIENTS} {who}; one client at a time of another"
        self.title += " daytime service"
        self.builtin = builtin
        self.mode = mode

    def command(self, tools):
        flooded = superds.service("flooded", f"tcp:127.0.0.1:{self.port}", f"builtin = {self.builtin}")
        other = free_port()
        asked = superds.service("asked", f"tcp:127.0.0.1:{other}", "builtin = daytime")
        return superds.command(tools, superds.config(flooded + asked), other)

    def measure(self, server, bench):
        self.port = free_port()
        command = self.command(bench.tools)
        seconds = bench.seconds
        probe = urgent(load_argv(bench.tools, command, "connect", 1, seconds / 2))
        with running(command, bench.tools):
            idle = run_load(probe, seconds)
            command.port, asked = self.port, command.port
            flood = load_argv(bench.tools, command, self.mode, FLOOD_CLIENTS, seconds + 60)
            command.port = asked
            with background_load(flood) as load:
                time.sleep(FLOOD_BEGINS_SECONDS)
                busy = run_load(probe, seconds)
                rate = load.end()["rate"]
        return {"idle_p99_us": idle["p99_us"], "p99_us": busy["p99_us"], "flood_rate": rate}
