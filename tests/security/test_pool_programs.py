"""Programs that run beforehand: a client that makes them end takes no service down, and they do not
outlive superd with its port."""

import os
import signal
import socket
import struct

import pytest

from process import alive, eventually
from settings import service

PYTHON = "/usr/bin/python3"
NEVER = struct.pack("ii", 1, 0)

# Ends by an exception if its client resets the connection.
PASSED = """
import socket
superd = socket.socket(fileno=0)
while True:
    text, descriptors, _, _ = socket.recv_fds(superd, 4096, 1)
    if not text:
        break
    number = text.split(b"\\0")[0].partition(b"=")[2]
    with socket.socket(fileno=descriptors[0]) as client:
        client.sendall(client.recv(64))
    superd.send(b"DONE=" + number)
"""
SHARED = """
import os, socket
listener = socket.socket(fileno=0)
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
    out.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"].replace("@", "\\0"))
while True:
    client, _ = listener.accept()
    with client:
        client.sendall(client.recv(64))
"""
DEAF = "import signal\nwhile True: signal.pause()"


def reset(daemon):
    client = daemon.connect("x")
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NEVER)
    client.close()


def by(dispatch, script, **options):
    return service("x", exec=[PYTHON, "-c", script], dispatch=dispatch, **options)


@pytest.mark.parametrize(
    "config",
    [by("pass", PASSED), by("pass", PASSED, processes=(0, 1)), by("pool", SHARED, ready="notify")],
    ids=["pass", "pass on demand", "pool"],
)
def test_a_client_that_makes_its_program_end_costs_nobody_else(superd, config):
    """The pauses after a program that does not come up would be two minutes in all."""
    daemon = superd(config)
    for _ in range(10):
        reset(daemon)
        assert daemon.ask("x", b"honest") == b"honest"
    assert not daemon.log.find("ended.* at once")


@pytest.mark.parametrize("dispatch", ["pool", "pass"])
def test_a_keeper_that_is_killed_takes_its_programs_along(superd, dispatch):
    daemon = superd(by(dispatch, DEAF))
    pid = int(daemon.wait_log(r"service 'x': started, pid (\d+)")[1])
    daemon.expected_status = -signal.SIGKILL
    os.kill(daemon.keeper, signal.SIGKILL)
    eventually(lambda: not alive(pid))
