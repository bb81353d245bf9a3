"""`shards` of a datagram service: several sockets share its endpoint, and threads read them."""

import os
import resource
import signal
import socket
import threading

import pytest

from process import PATIENCE, descriptors, eventually, used_by
from settings import HOST, PORT, service

OTHER = service("other", builtin="echo")
UDP = "udp:127.0.0.1:0"
FRONTS = ["workers = 0\n", "workers = 1\n", "workers = 3\n"]


def sockets(pid, port):
    """The inodes of the datagram sockets of that port that the process holds."""
    held = set(descriptors(pid).values())
    found = set()
    # While others open and close sockets a look may pass over some that are there.
    for table in 3 * ("udp", "udp6"):
        with open("/proc/net/" + table) as file:
            for field in (row.split() for row in list(file)[1:]):
                inode = f"socket:[{field[9]}]"
                if int(field[1].rsplit(":", 1)[1], 16) == port and inode in held:
                    found.add(inode)
    return found


def ask_all(daemon, n=64, name="echo"):
    """From many ports, so that every socket receives something."""
    clients = [daemon.datagram(name) for _ in range(n)]
    for number, client in enumerate(clients):
        client.send(b"%d" % number)
    for number, client in enumerate(clients):
        assert client.recv(64) == b"%d" % number
    for client in clients:
        client.close()


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize("listen", [UDP, "udp:0", "udp:[::1]:0"])
def test_every_socket_is_read(superd, front, listen):
    daemon = superd(front + service("echo", listen, builtin="echo", shards=4))
    port = daemon.port("echo", "udp")
    assert len(sockets(daemon.keeper, port)) == 4
    assert sockets(daemon.front, port) == sockets(daemon.keeper, port)
    ask_all(daemon)


@pytest.mark.parametrize("builtin", ["echo", "daytime", "time", "chargen"])
def test_every_builtin_answers_from_workers(superd, builtin):
    daemon = superd("workers = 2\n" + service("x", UDP, builtin=builtin, shards=2))
    clients = [daemon.datagram("x") for _ in range(32)]
    for client in clients:
        client.send(b"sixteen letters.")
    assert {len(client.recv(64)) for client in clients} == {
        {"echo": 16, "chargen": 16, "daytime": 26, "time": 4}[builtin]
    }


def test_auto_is_as_many_as_the_front_has(superd):
    daemon = superd("workers = 3\n" + service("echo", UDP, builtin="echo", shards="auto"))
    assert len(sockets(daemon.keeper, daemon.port("echo", "udp"))) == 3
    ask_all(daemon)


@pytest.mark.parametrize("front", FRONTS)
def test_a_reload_adds_sockets_and_closes_none(superd, front):
    """What one has received would be lost with it."""
    daemon = superd(front + service("echo", UDP, builtin="echo"))
    port = daemon.port("echo", "udp")
    (first,) = sockets(daemon.keeper, port)
    for shards, n in ((3, 3), (1, 3), (None, 3), (4, 4)):
        daemon.reload(front + service("echo", UDP, builtin="echo", shards=shards))
        assert len(sockets(daemon.keeper, port)) == n
        assert first in sockets(daemon.front, port)
        ask_all(daemon)


def test_a_program_finds_all_datagrams_in_one_socket(superd):
    daemon = superd(service("echo", UDP, builtin="echo", shards=4))
    port = daemon.port("echo", "udp")
    daemon.reload(service("echo", UDP, exec=["/bin/cat"]))
    eventually(lambda: len(daemon.fronts()) == 1)
    assert len(sockets(daemon.keeper, port)) == 1
    assert len(sockets(daemon.front, port)) == 1
    ask_all(daemon, 16)


@pytest.mark.parametrize("front", FRONTS)
def test_no_datagram_is_lost_over_reloads(superd, front):
    text = front + service("echo", UDP, builtin="echo", shards=3)
    daemon = superd(text)
    done = threading.Event()
    lost = []

    def ask():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.connect(daemon.address("echo", "udp"))
            client.settimeout(PATIENCE)
            while not done.is_set():
                client.send(b"ping")
                try:
                    client.recv(64)
                except OSError as error:
                    lost.append(error)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for number in range(5):
        daemon.reload(text.replace("shards = 3\n}", f"shards = {3 - number % 2}\n}}"))
    done.set()
    for thread in threads:
        thread.join()
    assert lost == []


def test_a_reload_that_fails_leaves_no_socket_that_nobody_reads(superd):
    """The keeper has descriptors for four more sockets, but not for the channel to a new front."""
    daemon = superd(service("echo", UDP, builtin="echo", shards=2))
    port = daemon.port("echo", "udp")
    room = len(descriptors(daemon.keeper)) + 5
    before = resource.prlimit(daemon.keeper, resource.RLIMIT_NOFILE)
    resource.prlimit(daemon.keeper, resource.RLIMIT_NOFILE, (room, before[1]))
    daemon.reload(
        service("echo", UDP, builtin="echo", shards=6), expect="cannot start a new front"
    )
    resource.prlimit(daemon.keeper, resource.RLIMIT_NOFILE, before)
    assert not daemon.log.find("cannot share")
    assert len(sockets(daemon.keeper, port)) == 2
    ask_all(daemon)


def test_a_crash_of_the_front_changes_nothing(superd):
    daemon = superd("workers = 2\n" + service("echo", UDP, builtin="echo", shards=3))
    port = daemon.port("echo", "udp")
    before = sockets(daemon.keeper, port)
    os.kill(daemon.front, signal.SIGKILL)
    ask_all(daemon)
    assert sockets(daemon.keeper, port) == before


@pytest.mark.parametrize("front", FRONTS)
def test_a_port_that_is_free_late_is_shared_too(superd, front):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((HOST, PORT))
        daemon = superd(front + service("echo", f"udp:{HOST}:{PORT}", builtin="echo", shards=3) + OTHER)
        daemon.wait_log("cannot listen on .*; trying again")
    daemon.wait_log("listening on udp")
    eventually(lambda: len(sockets(daemon.front, PORT)) == 3)
    ask_all(daemon)


def test_another_superd_does_not_share_them(superd):
    daemon = superd(service("echo", UDP, builtin="echo", shards=2))
    port = daemon.port("echo", "udp")
    other = superd(service("echo", f"udp:127.0.0.1:{port}", builtin="echo", shards=2) + OTHER)
    other.wait_log(
        rf"cannot listen on .*: Address already in use{used_by('superd', daemon.keeper)}; trying"
    )
    ask_all(daemon)


@pytest.mark.parametrize("listen", ["udp4:0", "udp:0"])
def test_a_broadcast_is_answered_once(superd, listen):
    """Every socket receives a copy."""
    daemon = superd("workers = 2\n" + service("echo", listen, builtin="echo", shards=4))
    port = daemon.port("echo", "udp")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        client.sendto(b"everybody", ("127.255.255.255", port))
        assert client.recv(64) == b"everybody"
        ask_all(daemon)  # every socket has been read after it
        client.setblocking(False)
        with pytest.raises(BlockingIOError):
            client.recv(64)


def test_a_unix_socket_is_read_by_one_worker(superd, place):
    listen = [f"unix-dgram:{place}/x", UDP]
    daemon = superd("workers = 2\n" + service("echo", listen, builtin="echo", shards=4))
    with daemon.datagram("echo", "unix-dgram") as client:
        client.send(b"ping")
        assert client.recv(64) == b"ping"


def test_a_port_that_superd_serves_itself_is_not_answered_by_workers(superd):
    daemon = superd(
        service("x", UDP, builtin="echo", shards=2) + service("echo", UDP, builtin="echo")
    )
    client, address = daemon.socket("x", "udp")
    client.bind((HOST, daemon.port("echo", "udp")))
    client.connect(address)
    client.send(b"do not answer")
    ask_all(daemon, name="x")
    client.setblocking(False)
    with pytest.raises(BlockingIOError):
        client.recv(64)
