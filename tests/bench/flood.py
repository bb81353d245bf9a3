"""A service flooded by many clients, and how long one client of another service waits."""

import time
from dataclasses import replace

import superds
from load import background_load, load_argv, run_load, urgent
from servers import running
from tools import free_port

FLOOD_CLIENTS = 64
FLOOD_BEGINS_SECONDS = 0.2
FLOOD_SPARE_SECONDS = 30


class Flood:
    servers = ("superd",)
    once = False
    columns = (
        ("answers to the flood, or MB, per second", "flood_rate", "{:,.0f}"),
        ("p99 of another service", "p99_us", "{:,.0f} µs"),
        ("with no flood", "idle_p99_us", "{:,.0f} µs"),
    )

    def __init__(self, what, mode, who):
        self.name = f"flood-{what}"
        self.title = f"{FLOOD_CLIENTS} {who}, and one at a time of another daytime service"
        self.what = what
        self.mode = mode

    def service(self, tools, port):
        program = superds.program(tools.path("hello"))
        what = program if self.what == "program" else f"builtin = {self.what}"
        return superds.service("flooded", f"tcp:127.0.0.1:{port}", what)

    def measure(self, server, bench):
        tools, seconds = bench.tools, bench.seconds / 2
        flooded, asked = free_port(), free_port()
        calm = superds.service("asked", f"tcp:127.0.0.1:{asked}", "builtin = daytime")
        text = superds.config(self.service(tools, flooded) + calm)
        command = superds.command(tools, text, asked)
        probe = urgent(load_argv(tools, command, "connect", 1, seconds))
        aim = replace(command, port=flooded)
        flood = load_argv(tools, aim, self.mode, FLOOD_CLIENTS, seconds + FLOOD_SPARE_SECONDS)
        with running(command, tools):
            idle = run_load(probe, seconds)
            with background_load(flood) as load:
                time.sleep(FLOOD_BEGINS_SECONDS)
                busy = run_load(probe, seconds)
                run = load.end()
        return {
            "idle_p99_us": idle["p99_us"],
            "p99_us": busy["p99_us"],
            "flood_rate": run["rate"] / (1e6 if run["unit"] == "bytes" else 1),
        }
