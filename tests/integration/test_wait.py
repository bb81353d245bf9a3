"""Programs that are given the listener (`dispatch = wait`)."""

import select
import socket
import time

import pytest

from daemon import read_all
from process import eventually
from settings import ECHO, service, shell

UDP = "udp:127.0.0.1:0"
PYTHON = "/usr/bin/python3"

ACCEPT_ONE = """
import os, socket
listener = socket.socket(fileno=0)
client, _ = listener.accept()
client.sendall(b"%d" % os.getpid())
"""
ACCEPT_UNTIL_TOLD = """
import os, socket
listener = socket.socket(fileno=3)
while True:
    client, _ = listener.accept()
    client.sendall(b"%d" % os.getpid())
    if client.recv(64) == b"end":
        break
"""
ANSWER_ONE = """
import socket
listener = socket.socket(fileno=0)
data, peer = listener.recvfrom(4096)
listener.sendto(data.upper(), peer)
"""


def waiting(name, script, **options):
    return service(name, exec=[PYTHON, "-c", script], dispatch="wait", **options)


def test_a_waiting_program_accepts_its_client(superd):
    daemon = superd(waiting("x", ACCEPT_ONE))
    with daemon.connect("x") as client:
        assert read_all(client).isdigit()


def test_the_listener_is_watched_again_when_the_program_ends(superd):
    daemon = superd(waiting("x", ACCEPT_ONE))
    pids = []
    for _ in range(3):
        with daemon.connect("x") as client:
            pids.append(read_all(client))
    assert len(set(pids)) == 3


def test_superd_leaves_the_listener_alone_while_the_program_runs(superd):
    daemon = superd(waiting("x", ACCEPT_UNTIL_TOLD))
    pids = set()
    for word in (b"go on", b"go on", b"end"):
        with daemon.connect("x") as client:
            client.sendall(word)
            pids.add(client.recv(64))
    assert len(pids) == 1
    assert len(daemon.log.find("service 'x': .*pid")) <= 2


def test_a_waiting_program_keeps_its_listener_when_superd_stops(superd):
    daemon = superd(waiting("x", ACCEPT_UNTIL_TOLD, at_stop="leave"))
    address = daemon.address("x")
    with daemon.connect("x") as client:
        client.sendall(b"go on")
        pid = client.recv(64)
    assert daemon.stop() == 0
    with socket.create_connection(address, 10) as client:
        client.sendall(b"end")
        assert client.recv(64) == pid


def test_the_listener_of_a_waiting_program_may_become_a_built_ins(superd):
    """A program has it blocking; superd must never wait in accept()."""
    daemon = superd(waiting("x", ACCEPT_ONE) + ECHO)
    with daemon.connect("x") as client:
        assert read_all(client).isdigit()
    daemon.wait_log("service 'x': ended")
    daemon.reload(service("x", builtin="echo") + ECHO)
    for name in ("x", "echo"):
        assert daemon.ask(name, b"ping") == b"ping"


def test_a_waiting_program_gets_the_datagram(superd):
    daemon = superd(waiting("x", ANSWER_ONE, listen=UDP))
    with daemon.datagram("x") as client:
        for word in (b"one", b"two"):
            client.send(word)
            assert client.recv(64) == word.upper()


def test_equal_datagrams_are_each_given_to_a_program(superd):
    daemon = superd(waiting("x", ANSWER_ONE, listen=UDP))
    with daemon.datagram("x") as client:
        for _ in range(4):
            client.send(b"again")
        assert [client.recv(64) for _ in range(4)] == [b"AGAIN"] * 4


def test_a_waiting_program_finds_systemds_variables(superd):
    script = (
        "import os; from socket import socket; client = socket(fileno=3).accept()[0]\n"
        "names = 'LISTEN_FDS', 'LISTEN_FDNAMES', 'PROTO', 'SERVER_PORT', 'SUPERD_SERVICE'\n"
        "found = [os.environ.get(name, '-') for name in names]\n"
        "found.append('own' if os.environ['LISTEN_PID'] == str(os.getpid()) else 'wrong')\n"
        "client.sendall(' '.join(found).encode())\n"
    )
    daemon = superd(waiting("x", script))
    with daemon.connect("x") as client:
        assert read_all(client).decode() == f"1 x TCP {daemon.port('x')} x own"


def test_a_waiting_program_that_does_not_read_makes_no_loop(superd, place):
    """The datagram is dropped after the second try, and one that is read later is answered."""
    script = f"echo >> {place}/starts; test ! -e {place}/read || exec {PYTHON} -c '{ANSWER_ONE}'"
    daemon = superd(service("x", exec=shell(script), dispatch="wait", listen=UDP) + ECHO)
    with daemon.datagram("x") as client:
        client.send(b"poison")
        daemon.wait_log("service 'x': .*drop")
        assert (place / "starts").read_text() == "\n\n"
        assert daemon.ask("echo", b"ping") == b"ping"
        (place / "read").touch()
        client.send(b"one more")
        assert client.recv(64) == b"ONE MORE"


def test_a_waiting_program_that_fails_without_accepting_makes_no_loop(superd, place):
    script = f"echo >> {place}/starts; exit 1"
    daemon = superd(service("x", exec=shell(script), dispatch="wait") + ECHO)
    with daemon.connect("x"):
        daemon.wait_log("service 'x': its program makes no progress, pausing for 2 s")
        for _ in range(50):
            assert daemon.ask("echo", b"ping") == b"ping"
        assert len((place / "starts").read_text()) == 2


def test_a_waiting_program_that_never_accepts_is_not_started_without_end(superd, place):
    """It ends well each time, as one does that served a client: so many a second are enough."""
    script = f"echo >> {place}/starts"
    daemon = superd(service("x", exec=shell(script), dispatch="wait") + ECHO)
    with daemon.connect("x"):
        eventually(lambda: (place / "starts").exists() and len((place / "starts").read_text()) > 5)
        before = len((place / "starts").read_text())
        started = time.monotonic()
        select.select([], [], [], 1)
        starts = len((place / "starts").read_text()) - before
        assert starts < 60 * (time.monotonic() - started)


@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_a_waiting_program_that_is_gone_does_not_spin(superd, place, kind):
    program = place / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    listen = f"{kind}:127.0.0.1:0"
    daemon = superd(service("x", exec=[program], dispatch="wait", listen=listen) + ECHO)
    program.unlink()
    with daemon.connect("x", kind) as client:
        client.send(b"poison")
        daemon.wait_log(rf"service 'x': cannot start '{program}'.*: No such file or directory")
        daemon.wait_log("service 'x': its program makes no progress, pausing for 1 s")
        for _ in range(50):
            assert daemon.ask("echo", b"ping") == b"ping"
    assert len(daemon.log.find("cannot start")) < 10
