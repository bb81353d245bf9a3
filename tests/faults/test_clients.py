"""Clients that leave at once, come in masses, or never do what they came for."""

import os
import socket
import struct

import pytest

from process import PATIENCE, descriptors, eventually, memory, settled
from settings import ECHO, service, shell
from shortage import busy

SLACK = 64 * 1024


def reset(client):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def connect_and_reset(address, count):
    for _ in range(count):
        client = socket.create_connection(address)
        client.send(b"x")
        reset(client)


def footprint(daemon):
    return [len(descriptors(pid)) for pid in (daemon.keeper, daemon.front)]


@pytest.mark.parametrize(
    "what, count",
    [
        ({"builtin": "echo"}, 1000),
        ({"builtin": "chargen"}, 1000),
        ({"builtin": "daytime"}, 1000),
        ({"exec": ["/bin/cat"]}, 200),
    ],
    ids=["echo", "chargen", "daytime", "program"],
)
def test_clients_that_reset_their_connection_leave_nothing_behind(superd, what, count):
    """They are all gone already when superd accepts them."""
    daemon = superd(service("x", **what) + ECHO)
    before = settled(lambda: footprint(daemon))
    daemon.stop_process(daemon.front)
    connect_and_reset(daemon.address("x"), count)
    daemon.continue_process(daemon.front)
    assert daemon.ask("echo", b"ping") == b"ping"
    eventually(lambda: footprint(daemon) == before)


def test_refused_clients_cost_no_memory(superd):
    daemon = superd(service("x", builtin="echo", instances=1, overflow="refuse"))
    with daemon.connect("x") as held:
        held.sendall(b"x")
        assert held.recv(1) == b"x"
        for _ in range(200):
            daemon.ask("x")
        before = settled(lambda: footprint(daemon)), memory(daemon.front)
        for _ in range(2000):
            daemon.ask("x")
        eventually(lambda: footprint(daemon) == before[0])
        assert memory(daemon.front) <= before[1] + SLACK


def test_served_clients_cost_no_memory(superd):
    daemon = superd(ECHO + service("true", exec=["/bin/true"]))
    for _ in range(100):
        daemon.ask("echo", b"x")
        daemon.ask("true")
    before = (
        settled(lambda: footprint(daemon)),
        memory(daemon.front),
        memory(daemon.keeper),
    )
    for _ in range(1000):
        daemon.ask("echo", b"x")
        daemon.ask("true")
    eventually(lambda: footprint(daemon) == before[0])
    assert memory(daemon.front) <= before[1] + SLACK
    assert memory(daemon.keeper) <= before[2] + SLACK


def test_a_flooded_service_does_not_starve_another(superd):
    """A thousand clients wait at once; the one of another service is not behind all of them."""
    daemon = superd(service("flooded", exec=["/bin/sleep", "30"], instances=5) + ECHO)
    flood = [daemon.connect("flooded") for _ in range(1000)]
    assert daemon.ask("echo", b"ping") == b"ping"
    assert len(daemon.log.find("service 'flooded': accepted")) <= 5 < len(flood)


RIGHTS = (socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("3i", 0, 1, 2))


def send_descriptors(client, *where):
    """Newer kernels refuse them, where superd itself reads. Then without."""
    try:
        client.sendmsg([b"x"], [RIGHTS], 0, *where)
    except PermissionError:
        client.sendmsg([b"x"], [], 0, *where)


def test_a_seqpacket_client_that_sends_nothing_but_a_descriptor_is_no_trouble(superd, place):
    """Descriptors that clients pass are not kept."""
    daemon = superd(service("x", listen=f"unix:{place}/x.sock", builtin="echo"))
    before = settled(lambda: footprint(daemon))
    with daemon.connect("x", "unix") as client:
        send_descriptors(client)
        assert client.recv(1) == b"x"
        assert len(descriptors(daemon.front)) == before[1] + 1
    eventually(lambda: footprint(daemon) == before)


ANSWER_ONE = """
import socket
server = socket.socket(fileno=0)
server.sendto(*server.recvfrom(64))
"""


@pytest.mark.parametrize(
    "what",
    [
        {"builtin": "echo"},
        {"exec": ["/bin/cat"]},
        {"exec": ["/usr/bin/python3", "-c", ANSWER_ONE], "dispatch": "wait"},
    ],
    ids=["session", "spawn", "wait"],
)
def test_descriptors_that_come_with_datagrams_are_not_kept(superd, place, what):
    daemon = superd(service("x", listen=f"unix-dgram:{place}/x.sock", **what))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.bind(b"")
        client.settimeout(PATIENCE)
        for first in (True, False):
            for _ in range(20):
                send_descriptors(client, daemon.address("x", "unix-dgram"))
                assert client.recv(1) == b"x"
            if first:
                before = settled(lambda: footprint(daemon))
        eventually(lambda: footprint(daemon) == before)


def test_a_program_that_floods_the_log_waits(superd):
    """Nobody else pays for it, neither with time nor with lines that are dropped."""
    daemon = superd(service("loud", exec=shell("exec yes >&2"), stderr="log") + ECHO)
    with daemon.connect("loud"):
        daemon.wait_log("service 'loud': stderr: 'y'")
        assert busy(daemon) < 0.2
        assert daemon.ask("echo", b"ping") == b"ping"


REACHABLE = """
import os, socket
client, name = socket.socket(fileno=1), os.read(0, 64)
if name.startswith(b"superd"):
    client.bind(bytes(1) + name)
    client.send(name)
    client.recv(1, socket.MSG_PEEK)
else:
    client.send(name)
"""


def test_descriptors_that_a_program_left_unread_are_not_kept(superd, place):
    """It has given its socket a name, so that its client may answer, and the answer is next."""
    python = ["/usr/bin/python3", "-c", REACHABLE]
    daemon = superd(service("x", listen=f"unix-dgram:{place}/x.sock", exec=python))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.bind(b"")
        client.settimeout(PATIENCE)
        for number in range(5):
            name = b"superd %d %d" % (os.getpid(), number)
            client.sendto(name, daemon.address("x", "unix-dgram"))
            assert client.recv(64) == name
            client.sendmsg([b"next"], [RIGHTS], 0, b"\0" + name)
            assert client.recv(64) == b"next"
            if number == 0:
                before = settled(lambda: footprint(daemon))
        eventually(lambda: footprint(daemon) == before)
