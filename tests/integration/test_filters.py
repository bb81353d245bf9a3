"""Datagrams given to filters (`dispatch = spawn`): a program for each, and its answer."""

import os
import signal
import socket
import struct

import pytest

from process import PATIENCE, eventually
from settings import ECHO, ROOT, service, shell

UDP = "udp:127.0.0.1:0"
PYTHON = "/usr/bin/python3"


def test_any_filter_becomes_a_datagram_service(superd):
    """The client is connected, so it hears only what comes from the service's own port."""
    daemon = superd(service("upper", listen=UDP, exec=["/usr/bin/tr", "a-z", "A-Z"]))
    with daemon.datagram("upper") as client:
        for word in (b"one", b"two", b"three"):
            client.send(word)
            assert client.recv(64) == word.upper()


def test_a_filter_answers_over_ipv6(superd):
    daemon = superd(service("x", listen="udp:[::1]:0", exec=["/usr/bin/tr", "a-z", "A-Z"]))
    with daemon.datagram("x") as client:
        client.send(b"six")
        assert client.recv(64) == b"SIX"


@pytest.mark.skipif(not ROOT, reason="needs root to send from port 0")
def test_a_sender_without_a_port_gets_no_program(superd):
    daemon = superd(service("x", listen=UDP, exec=["/bin/cat"]))
    header = struct.pack("!4H", 0, daemon.port("x", "udp"), 8 + 4, 0)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP) as raw:
        raw.sendto(header + b"ping", ("127.0.0.1", 0))
    daemon.wait_log("service 'x': lost 127.0.0.1:0: its address is not one that can be answered")


def test_a_filter_gets_the_empty_datagram(superd):
    daemon = superd(service("x", listen=UDP, exec=["/usr/bin/wc", "-c"]))
    with daemon.datagram("x") as client:
        client.send(b"")
        assert client.recv(64) == b"0\n"


def test_a_filter_gets_a_large_datagram_whole(superd):
    daemon = superd(service("x", listen=UDP, exec=["/usr/bin/wc", "-c"]))
    with daemon.datagram("x") as client:
        client.send(b"x" * 60_000)
        assert client.recv(64) == b"60000\n"


def test_a_filter_gets_a_local_datagram_longer_than_any_of_udp(superd, place):
    daemon = superd(
        service("x", listen=f"unix-dgram:{place}/x.sock", exec=["/usr/bin/wc", "-c"]) + ECHO
    )
    front = daemon.front
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE)
        client.bind(f"{place}/client.sock")
        (place / "client.sock").chmod(0o666)
        for size in (65_508, 65_537, 150_000):
            client.sendto(b"x" * size, f"{place}/x.sock")
            assert client.recv(64) == b"%d\n" % size
    assert daemon.front == front


def test_a_local_datagram_longer_than_a_program_may_get_is_refused_whole(superd, place):
    daemon = superd(
        service("x", listen=f"unix-dgram:{place}/x.sock", exec=["/usr/bin/wc", "-c"]) + ECHO
    )
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 400_000)
        client.bind(f"{place}/client.sock")
        (place / "client.sock").chmod(0o666)
        try:
            client.sendto(b"x" * 300_000, f"{place}/x.sock")
        except OSError as error:
            pytest.skip(f"the kernel sends no such datagram: {error}")
        daemon.wait_log("service 'x': .*its datagram is too long")
        client.sendto(b"x" * 262_144, f"{place}/x.sock")
        assert client.recv(64) == b"262144\n"
    daemon.wait_log("service 'x': ended")
    assert len(daemon.log.find("service 'x': accepted")) == 1


def test_a_filter_can_ask_for_its_client(superd):
    script = "import socket; s = socket.socket(fileno=1); s.send(repr(s.getpeername()).encode())"
    daemon = superd(service("x", listen=UDP, exec=[PYTHON, "-c", script]))
    with daemon.datagram("x") as client:
        client.send(b"who am I?")
        assert client.recv(64).decode() == repr(client.getsockname())


@pytest.mark.parametrize("listen", ["udp4:0", "udp:0"])
def test_the_answer_of_a_filter_comes_from_the_address_that_was_asked(superd, listen):
    daemon = superd(service("x", listen=listen, exec=["/usr/bin/tr", "a-z", "A-Z"]))
    port = daemon.port("x", "udp")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE)
        client.sendto(b"ping", ("127.0.0.2", port))
        assert client.recvfrom(64) == (b"PING", ("127.0.0.2", port))


def test_clients_of_a_filter_are_served_side_by_side(superd):
    daemon = superd(service("x", listen=UDP, exec=["/usr/bin/tr", "a-z", "A-Z"]))
    clients = [daemon.datagram("x") for _ in range(10)]
    for number, client in enumerate(clients):
        client.send(b"client %d" % number)
    for number, client in enumerate(clients):
        assert client.recv(64) == b"CLIENT %d" % number


@pytest.fixture
def gate(place):
    """A pipe at which programs wait until something is written to it."""
    path = place / "gate"
    os.mkfifo(path)
    path.chmod(0o666)
    with open(os.open(path, os.O_RDWR), "wb", buffering=0) as file:
        file.path = path
        yield file


@pytest.mark.parametrize("overflow", ["queue", "refuse"])
def test_no_more_filters_run_than_instances(superd, gate, overflow):
    script = shell(f"tr a-z A-Z; read go < {gate.path}")
    options = {"instances": 1, "overflow": overflow}
    daemon = superd(service("x", UDP, exec=script, **options) + service("cat", exec=["/bin/cat"]))
    with daemon.datagram("x") as first, daemon.datagram("x") as second:
        first.send(b"one")
        assert first.recv(64) == b"ONE"
        second.send(b"two")
        if overflow == "refuse":
            daemon.wait_log(r"service 'x': refused .*:\d+: 1 of 1 instances are in use")
        for _ in range(2):
            assert daemon.ask("cat", b"others go on") == b"others go on"
        assert len(daemon.log.find("service 'x': accepted")) == 1
        gate.write(b"go\n")
        daemon.wait_log("service 'x': ended")
        if overflow == "queue":
            assert second.recv(64) == b"TWO"
            gate.write(b"go\n")
            daemon.wait_log("service 'x': ended", count=2)


def upper(gate, **options):
    """Waits at the gate after its answer, while there is one."""
    script = f"tr a-z A-Z; test ! -p {gate.path} || read go < {gate.path}"
    return service("x", listen=UDP, exec=shell(script), **options)


def open_for_good(gate):
    gate.path.unlink()
    gate.write(b"go\n")


@pytest.mark.parametrize("instances", [None, 1])
def test_what_a_client_sends_meanwhile_is_served_next(superd, gate, instances):
    """As much as the kernel keeps, if need be by one program after the other."""
    daemon = superd(upper(gate, instances=instances))
    with daemon.datagram("x") as client:
        client.send(b"first")
        assert client.recv(64) == b"FIRST"
        words = {b"WORD %d" % number for number in range(200)}
        for word in words:
            client.send(word.lower())
        open_for_good(gate)
        assert {client.recv(64) for _ in words} == words


def test_what_a_client_sends_meanwhile_is_served_by_the_next_front(superd, gate):
    """The program ends while a reload waits for the old front, which reads nothing any more."""
    daemon = superd(upper(gate))
    with daemon.datagram("x") as client:
        client.send(b"one")
        assert client.recv(64) == b"ONE"
        client.send(b"two")
        old = daemon.front
        daemon.stop_process(old)
        loaded = len(daemon.log)
        daemon.write(upper(gate) + service("new", builtin="time"))
        daemon.signal(signal.SIGHUP)
        daemon.wait_log("service 'new': listening")
        open_for_good(gate)
        daemon.wait_log("service 'x': ended")
        daemon.continue_process(old)
        daemon.wait_log("configuration loaded", after=loaded)
        assert client.recv(64) == b"TWO"


def test_what_a_client_sends_meanwhile_outlives_a_crash(superd, gate):
    """The pause before the next front is the longer the more of them have died."""
    daemon = superd(upper(gate))
    with daemon.datagram("x") as client:
        client.send(b"one")
        assert client.recv(64) == b"ONE"
        client.send(b"two")
        for died in range(4):
            eventually(daemon.fronts)
            os.kill(daemon.front, signal.SIGKILL)
            daemon.wait_log("was killed by signal 9", count=died + 1)
        open_for_good(gate)
        assert client.recv(64) == b"TWO"


def test_what_a_client_sends_while_its_program_cannot_start_is_not_forgotten(superd, place):
    """Each datagram is tried, and each failure is counted, though sockets come and go."""
    program = place / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    daemon = superd(service("x", listen=UDP, exec=[program]))
    program.unlink()
    with daemon.datagram("x") as client:
        for number in range(200):
            client.send(b"%d" % number)
        eventually(lambda: failures(daemon) == 200)


def failures(daemon):
    said = len(daemon.log)
    daemon.signal(signal.SIGUSR1)
    return int(daemon.wait_log(r"service 'x': .* (\d+) not started", after=said)[1])


def test_a_datagram_that_was_accepted_before_the_stop_is_answered(superd):
    """Superd closes its sockets at once, and the program needs one with the same address."""
    daemon = superd(service("x", listen=UDP, exec=["/usr/bin/tr", "a-z", "A-Z"]) + ECHO)
    with daemon.datagram("x") as client:
        daemon.stop_process(daemon.keeper)
        daemon.signal(signal.SIGTERM)
        client.send(b"late")
        # The front has served those who came later.
        for _ in range(2):
            assert daemon.ask("echo", b"ping") == b"ping"
        daemon.continue_process(daemon.keeper)
        assert client.recv(64) == b"LATE"
    assert daemon.stop() == 0
    assert not daemon.log.find("cannot")
