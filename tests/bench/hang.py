"""A service whose program does not start, and how long one client of another service waits."""

import fcntl
import os
import shutil
import signal
import time
from contextlib import contextmanager
from dataclasses import replace

import superds
from load import background_load, load_argv, run_load, urgent
from servers import running
from tools import NotStarted, free_port

CLIENTS = 4
BEGINS_SECONDS = 5
SPARE_SECONDS = 30


@contextmanager
def leased(path):
    """Whoever executes the file waits until the lease ends. Yields a wait for the first who does."""
    tried = []
    before = signal.signal(signal.SIGIO, lambda *_: tried.append(True))
    file = os.open(path, os.O_RDONLY)

    def wait():
        end = time.monotonic() + BEGINS_SECONDS
        while not tried:
            if time.monotonic() > end:
                raise NotStarted("nobody executes the program that hangs")
            time.sleep(0.005)

    try:
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        yield wait
    finally:
        os.close(file)
        signal.signal(signal.SIGIO, before)


class Hang:
    name = "hang"
    title = f"{CLIENTS} clients of a program that hangs, and one at a time of another program"
    servers = ("superd",)
    once = False
    columns = (
        ("another service per second", "rate", "{:,.0f}"),
        ("p99 of it", "p99_us", "{:,.0f} µs"),
        ("with none that hangs", "idle_p99_us", "{:,.0f} µs"),
    )

    def measure(self, server, bench):
        tools, seconds = bench.tools, bench.seconds / 2
        hangs, asked = free_port(), free_port()
        program = shutil.copy(tools.path("hello"), tools.new_path("hangs"))
        text = superds.config(
            superds.service("hangs", f"tcp:127.0.0.1:{hangs}", superds.program(program))
            + superds.service("asked", f"tcp:127.0.0.1:{asked}", superds.program(tools.path("hello")))
        )
        command = superds.command(tools, text, asked)
        probe = urgent(load_argv(tools, command, "connect", 1, seconds))
        aim = replace(command, port=hangs)
        clients = load_argv(tools, aim, "connect", CLIENTS, seconds + SPARE_SECONDS)
        with running(command, tools):
            idle = run_load(probe, seconds)
            with leased(program) as wait, background_load(clients):
                wait()
                run = run_load(probe, seconds)
        return {"idle_p99_us": idle["p99_us"], "p99_us": run["p99_us"], "rate": run["rate"]}
