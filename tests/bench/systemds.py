"""systemd with a socket of Accept=yes, as it is in the box: a unit per client."""

import os

import logs
from tools import Command, NotStarted, free_port

UNITS = "/run/systemd/system"
SERVER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "systemd-server")

# All limits are off. What is left is what an administrator writes.
SOCKET = """[Socket]
ListenStream=127.0.0.1:{port}
Accept=yes
Backlog=4096
MaxConnections=100000
TriggerLimitIntervalSec=0
"""
SERVICE = """[Unit]
CollectMode=inactive-or-failed
[Service]
ExecStart=-{program}
StandardInput=socket
"""
JOURNAL = """[Journal]
Storage=volatile
RateLimitBurst=0
"""


def write(name, text):
    path = os.path.join(UNITS, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def systemd(case, tools, log_level, target=""):
    """Of level info it writes when a unit starts and when it has ended; of warning neither."""
    if not logs.in_box():
        raise NotStarted("systemd is measured only in the box (--box)")
    port = free_port()
    write("bench.socket", SOCKET.format(port=port))
    write("bench@.service", SERVICE.format(program=tools.path(case.program)))
    write("../journald.conf.d/bench.conf", JOURNAL)
    log = logs.open_log(target, tools) if target else None
    return Command(["/bin/sh", SERVER, log_level], port, log=log, pid=1)
