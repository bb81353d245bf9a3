"""How superd is configured for a case: each variant is one thing that is different."""

import os
from dataclasses import dataclass

import logs
from tools import ENVIRONMENT, Command, free_port

# Where services are that nobody asks, a port each.
IDLE_HOST = "127.99.0.1"
IDLE_PORT = 10000

# Enough for a program of dispatch `pass` never to wait for its next client.
CLIENTS_PER_PROCESS = 16


@dataclass(frozen=True)
class Variant:
    workers: str = ""
    dispatch: str = ""
    idle_services: int = 0
    ballast_mib: int = 0
    log: str = ""  # of logs.py; without one nothing is written for a client


VARIANTS = {
    "superd": Variant(),
    "superd-workers-0": Variant(workers="0"),
    "superd-workers-1": Variant(workers="1"),
    "superd-1000-idle": Variant(idle_services=1000),
    "superd-256-mib": Variant(ballast_mib=256),
    "superd-pool": Variant(dispatch="pool"),
    "superd-pass": Variant(dispatch="pass"),
    **{f"superd-to-{target}": Variant(log=target) for target in logs.TARGETS},
}

QUIET = 'log_on_success = {"none"} log_on_failure = {"none"}'


def service(name, endpoint, what, lines=QUIET):
    return f"""service "{name}" {{
    listen = {{"{endpoint}"}}
    {what}
    {lines}
}}
"""


def program(path, options=""):
    user = 'user = "root"' if os.geteuid() == 0 else ""
    return f'exec = {{"{path}"}} {user} {options}'


def idle_services(n):
    endpoints = (f"tcp:{IDLE_HOST}:{IDLE_PORT + i}" for i in range(n))
    texts = (service(f"idle-{i}", one, "builtin = daytime") for i, one in enumerate(endpoints))
    return "".join(texts)


def config(services, workers="", log="stderr"):
    root = 'front_user = 65533\n' if os.geteuid() == 0 else ""
    threads = f"workers = {workers}\n" if workers else ""
    return f'log = "{log}"\n{root}{threads}{services}'


def what_of(case, tools, variant):
    if case.builtin:
        return f"builtin = {case.builtin}"
    if not variant.dispatch:
        return program(tools.path(case.program))
    many = f"dispatch = {variant.dispatch} processes = {case.processes}"
    if variant.dispatch == "pass":
        many += f" clients_per_process = {CLIENTS_PER_PROCESS}"
    return program(tools.path(case.loop), many)


def command(tools, text, port, protocol="tcp", ballast_mib=0):
    env = dict(ENVIRONMENT)
    if ballast_mib:
        env["LD_PRELOAD"] = tools.path("libballast.so")
        env["BENCH_BALLAST_MIB"] = str(ballast_mib)
    argv = [tools.superd, "-f", "-c", tools.write("superd.conf", text)]
    return Command(argv, port, protocol=protocol, env=env, notifies=True)


def for_case(case, tools, variant):
    port = free_port()
    endpoint = f"{case.protocol}:127.0.0.1:{port}"
    log = logs.open_log(variant.log, tools) if variant.log else None
    to = (log.path if variant.log == "file" else variant.log) or "stderr"
    lines = "" if variant.log else QUIET
    services = service("bench", endpoint, what_of(case, tools, variant), lines)
    text = config(services + idle_services(variant.idle_services), variant.workers, to)
    made = command(tools, text, port, case.protocol, variant.ballast_mib)
    made.log = log
    return made
