"""Very many services: start, reload with one of them changed, and a client of each."""

import os
import signal
import time

import superds
from load import background_load, load_argv, run_load
from servers import running
from tools import NotStarted

SERVICES = 10000
SERVICES_QUICK = 300
RELOAD_SECONDS = 30
CLIENTS = 16

# Of undisturbed service before the reload and after it.
AROUND_SECONDS = 0.2


def reload(started, text):
    """Returns the seconds until the changed configuration is in force."""
    with open(started.command.argv[-1], "w", encoding="utf-8") as file:
        file.write(text)
    began = time.monotonic()
    os.kill(started.pid, signal.SIGHUP)
    started.notify.wait(b"RELOADING=1", started.process, RELOAD_SECONDS)
    started.notify.wait(b"READY=1", started.process, RELOAD_SECONDS)
    return time.monotonic() - began


def reload_under_load(started, text, tools):
    """Returns the seconds, and what a client saw who connected all the time."""
    argv = load_argv(tools, started.command, "connect", 1, RELOAD_SECONDS * 3)
    with background_load(argv) as load:
        time.sleep(AROUND_SECONDS)
        seconds = reload(started, text)
        time.sleep(AROUND_SECONDS)
        return seconds, load.end()


class Services:
    name = "services"
    title = "daytime services; a reload changes one, while a client asks another all the time"
    servers = ("superd",)
    once = False
    columns = (
        ("services", "services", "{:,.0f}"),
        ("start", "start_seconds", "{:.2f} s"),
        ("reload", "reload_seconds", "{:.2f} s"),
        ("clients meanwhile", "meanwhile", "{:,.0f}"),
        ("refused", "refused", "{:,.0f}"),
        ("slowest", "slowest_ms", "{:,.0f} ms"),
        ("clients of each", "served", "{:,.0f}"),
        ("not served", "unserved", "{:,.0f}"),
    )

    def measure(self, server, bench):
        n = SERVICES_QUICK if bench.quick else SERVICES
        text = superds.config(superds.idle_services(n))
        changed = f'service "idle-{n // 2}" {{\n'
        if changed not in text:
            raise NotStarted("no service to change")
        command = superds.command(bench.tools, text, superds.IDLE_PORT)
        command.host = superds.IDLE_HOST
        with running(command, bench.tools) as started:
            new_text = text.replace(changed, changed + "    nodelay = yes\n")
            seconds, client = reload_under_load(started, new_text, bench.tools)
            options = ("-P", n, "-c", n)
            each = load_argv(bench.tools, command, "connect", CLIENTS, RELOAD_SECONDS, options)
            visits = run_load(each, RELOAD_SECONDS)
            return {
                "services": n,
                "start_seconds": started.ready_seconds,
                "reload_seconds": seconds,
                "meanwhile": client["done"],
                "refused": client["failed"],
                "slowest_ms": client["max_us"] / 1000,
                "served": visits["done"],
                "unserved": n - visits["done"],
            }
