"""How a front that was taken over ends, and what it leaves behind."""

import os
import signal
import socket
import struct
import time

import pytest

from owned import OWNED, Gone, inet
from process import PATIENCE, alive, eventually, status
from settings import ECHO, service

SO_ATTACH_FILTER, SO_LOCK_FILTER = 26, 44

CAT = service("cat", exec=["/bin/cat"])
UDP = service("udp", listen="udp:127.0.0.1:0", builtin="echo")
SHARDS = service("shards", listen="udp:127.0.0.1:0", builtin="echo", shards=2)


def fork(front):
    """Returns whether the front has a process more, which has all that the front has."""
    try:
        front.call("clone", signal.SIGCHLD)
    except Gone:
        return False
    return True


def test_superd_is_ready_when_its_front_serves_and_not_before(superd, place):
    """Its listeners are bound long before, so a client cannot tell."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        server.bind(f"{place}/owned")
        server.listen(0)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as first:
            first.connect(server.getsockname())  # The front waits until there is room for it.
            env = {"SUPERD_OWNED": f"{place}/owned"}
            daemon = superd(ECHO, binary=OWNED, env=env, ready=False)
            daemon.wait_log("service 'echo': listening on")
            eventually(lambda: daemon.fronts() and status(daemon.front)["State"].startswith("S"))
            assert not daemon.notify.messages.find("READY=1")
            server.accept()
        control, _ = server.accept()
        with control:
            daemon.wait_ready()
            assert len(daemon.notify.messages.find("^READY=1$")) == 1


def test_a_front_is_replaced_though_a_fork_of_it_lives(owned):
    front = owned(ECHO + CAT)
    fork(front)
    if alive(front.pid):
        os.kill(front.pid, signal.SIGKILL)
    front.successor()
    assert front.daemon.ask("echo", b"ping") == b"ping"
    assert front.daemon.ask("cat", b"ping") == b"ping"


def test_a_front_that_ignores_halt_is_evicted_by_a_reload(owned):
    """Else it could go on to ask for programs of services that are removed."""
    front = owned(ECHO + CAT)
    front.be_deaf()
    began = time.monotonic()
    front.daemon.reload(ECHO)
    assert not alive(front.pid)
    assert time.monotonic() - began < 5
    front.daemon.wait_log(r"the old front \(pid {}\) does not stop accepting".format(front.pid))
    assert front.daemon.ask("echo", b"ping") == b"ping"


def shut(front, listener):
    front.call("shutdown", listener, socket.SHUT_RDWR)


def mute(front, listener):
    front.call("shutdown", listener, socket.SHUT_WR)


def connect(front, listener):
    front.call("connect", listener, inet("127.0.0.1", 9), 16)


def lock_a_filter(front, listener):
    """It takes nothing from anybody."""
    refuse = front.put(struct.pack("=HBBI", 0x06, 0, 0, 0))
    front.call(
        "setsockopt",
        listener,
        socket.SOL_SOCKET,
        SO_ATTACH_FILTER,
        struct.pack("=HxxxxxxQ", 1, refuse),
        16,
    )
    front.call(
        "setsockopt", listener, socket.SOL_SOCKET, SO_LOCK_FILTER, struct.pack("=i", 1), 4
    )


def assert_serves(daemon, path):
    assert daemon.ask("echo", b"ping") == b"ping"
    assert daemon.ask("cat", b"ping") == b"ping"
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        client.sendall(b"ping")
        assert client.recv(64) == b"ping"
    for name in "udp", "shards":
        for _ in range(8):  # for each of several sockets
            with daemon.datagram(name) as client:
                client.send(b"ping")
                assert client.recv(64) == b"ping"


@pytest.mark.parametrize("harm", [shut, mute, connect, lock_a_filter])
def test_what_a_front_has_done_to_its_listeners_ends_with_it(owned, place, harm):
    path = f"{place}/echo"
    unix = service("unix", listen=f"unix:{path}", builtin="echo")
    front = owned(ECHO + CAT + unix + UDP + SHARDS)
    try:
        for number in range(5):
            harm(front, front.listener(number))
        front.end(1)
    except Gone:
        pass  # To do so was denied, and was its end.
    front.successor()
    assert_serves(front.daemon, path)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("workers", [0, 2])
def test_a_listener_that_is_shut_down_is_opened_anew_and_costs_nothing(owned, place, workers):
    """The thread shuts them down, while the front goes on as always. It must not spin."""
    path = f"{place}/echo"
    unix = service("unix", listen=f"unix:{path}", builtin="echo")
    asks = service("asks", listen="udp:127.0.0.1:0", exec=["/bin/cat"])
    front = owned(f"workers = {workers}\n" + ECHO + CAT + unix + UDP + SHARDS + asks)
    before = cpu_seconds(front.pid)
    try:
        for number in range(6):
            shut(front, front.listener(number))
    except Gone:
        front.successor()  # To do so was denied, and was its end.
        assert_serves(front.daemon, path)
        return
    front.daemon.wait_log("a process has ruined its socket", count=5)
    daemon = front.daemon
    # What a worker reads is found when the front is asked whether it turns.
    shards = [] if workers else ["shards"]
    for name in ["echo", "cat"]:
        assert daemon.ask(name, b"ping") == b"ping"
    for name in ["udp", "asks"] + shards:
        with daemon.datagram(name) as client:
            client.send(b"ping")
            assert client.recv(64) == b"ping"
    assert alive(front.pid)
    assert cpu_seconds(front.pid) - before < 0.5


BREAKER = """
import os, socket
listener = socket.socket(fileno=os.dup(3))
client, _ = listener.accept()
client.sendall(b"mine")
listener.shutdown(socket.SHUT_RDWR)
"""


def test_what_a_process_of_a_pool_has_done_to_its_listener_ends_with_it(superd, place):
    (place / "breaker").write_text(BREAKER)
    command = ["/usr/bin/python3", f"{place}/breaker"]
    pool = {"dispatch": "pool", "processes": [1, 1]}
    for listen in "tcp:127.0.0.1:0", f"unix:{place}/breaker.sock":
        daemon = superd(service("breaker", listen=listen, exec=command, **pool))
        for ruined in 1, 2:
            with connect_to(daemon, listen) as client:
                assert client.recv(64) == b"mine"
            daemon.wait_log("service 'breaker': a process has ruined its socket", count=ruined)
        daemon.stop()


def connect_to(daemon, listen):
    if not listen.startswith("unix:"):
        return daemon.connect("breaker")
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(PATIENCE)
    client.connect(listen.removeprefix("unix:"))
    return client
