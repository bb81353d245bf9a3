"""Programs that run beforehand: a client that makes them end takes no service down, and they do not
outlive superd with its port."""

import os
import socket
import struct
import subprocess
import time

import pytest

from process import alive, cpu_seconds, eventually
from settings import HOST, PORT, service

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
# Is ready when somebody has opened the other end of the pipe that is its argument.
TOLD = SHARED.replace("listener =", "import sys; open(sys.argv[1]).close()\nlistener =", 1)
# One that waits for room in the queue, and two that do not.
FLOODER = """
import socket, sys
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
    while True:
        try:
            out.sendto(b"READY=1", int(sys.argv[2]), sys.argv[1].replace("@", "\\0"))
        except BlockingIOError:
            pass
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


def readiness_names():
    """As everybody can read them."""
    with open("/proc/net/unix") as table:
        return {row.split()[-1] for row in table if " @superd-" in row}


def environment(pid):
    with open(f"/proc/{pid}/environ") as file:
        return dict(line.split("=", 1) for line in file.read().split("\0")[:-1])


@pytest.fixture
def flood():
    flooders = []

    def start(name):
        for flags in 0, socket.MSG_DONTWAIT, socket.MSG_DONTWAIT:
            command = [PYTHON, "-c", FLOODER, name, str(int(flags))]
            flooders.append(subprocess.Popen(command, user="nobody", stderr=subprocess.DEVNULL))
        return [flooder.pid for flooder in flooders]

    yield start
    for flooder in flooders:
        flooder.kill()
        flooder.wait()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, as the flooders are somebody else")
def test_who_floods_the_readiness_socket_costs_the_keeper_little(superd, flood, place):
    told = place / "told"
    os.mkfifo(told)
    told.chmod(0o666)
    daemon = superd(service("x", exec=[PYTHON, "-c", TOLD, told], dispatch="pool", ready="notify"))
    pid = int(daemon.wait_log(r"service 'x': started, pid (\d+)")[1])
    name = eventually(lambda: environment(pid).get("NOTIFY_SOCKET"))
    assert name in readiness_names()
    flooders = flood(name)
    daemon.wait_log("service 'x': pid .* floods the socket on which pid .* is ready")
    used, began = cpu_seconds(daemon.keeper), time.monotonic()
    eventually(lambda: cpu_seconds(*flooders) > 1)
    part = (cpu_seconds(daemon.keeper) - used) / (time.monotonic() - began)
    assert part < 0.05
    told.write_text("")
    assert daemon.ask("x", b"served") == b"served"
    # It may serve before superd has read that it is ready.
    eventually(lambda: name not in readiness_names())


@pytest.mark.parametrize("dispatch", ["pool", "pass"])
def test_a_keeper_that_is_killed_takes_its_programs_along(superd, dispatch):
    """So that the next one finds the port free."""
    config = by(dispatch, DEAF, listen=f"tcp:{HOST}:{PORT}")
    daemon = superd(config)
    pid = int(daemon.wait_log(r"service 'x': started, pid (\d+)")[1])
    daemon.kill()
    eventually(lambda: not alive(pid))
    assert not superd(config).log.find("cannot listen")
