"""Programs that are given the listener (`dispatch = wait`), and datagrams given to filters."""

import os
import select
import signal
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
    daemon = superd(waiting("x", ACCEPT_UNTIL_TOLD))
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
        daemon.wait_log("service 'x': its program makes no headway, pausing for 2 s")
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
        daemon.wait_log("service 'x': its program makes no headway, pausing for 1 s")
        for _ in range(50):
            assert daemon.ask("echo", b"ping") == b"ping"
    assert len(daemon.log.find("cannot start")) < 10


# Datagrams for a filter: `dispatch = spawn`


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
        client.settimeout(10)
        client.bind(f"{place}/client.sock")
        (place / "client.sock").chmod(0o666)
        for size in (65_508, 65_537, 150_000):
            client.sendto(b"x" * size, f"{place}/x.sock")
            assert client.recv(64) == b"%d\n" % size
    assert daemon.front == front


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
        client.settimeout(10)
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


def test_what_a_client_sends_meanwhile_is_served_next(superd, gate):
    """Each program waits at a gate after its answer, so two datagrams find it still running."""
    daemon = superd(service("x", listen=UDP, exec=shell(f"tr a-z A-Z; read go < {gate.path}")))
    with daemon.datagram("x") as client:
        client.send(b"one")
        assert client.recv(64) == b"ONE"
        client.send(b"two")
        client.send(b"three")
        gate.write(b"go\n")
        assert {client.recv(64), client.recv(64)} == {b"TWO", b"THREE"}


def test_all_that_a_client_sends_meanwhile_is_served_next(superd, place):
    """As many as the kernel kept, by one program after the other."""
    path = place / "gate"
    os.mkfifo(path)
    path.chmod(0o666)
    gate = os.open(path, os.O_RDWR)
    script = f"cat; test ! -p {path} || read go < {path}"
    daemon = superd(service("x", listen=UDP, exec=shell(script), instances=1))
    with daemon.datagram("x") as client:
        client.send(b"first")
        assert client.recv(64) == b"first"
        words = {b"word %d" % number for number in range(200)}
        for word in words:
            client.send(word)
        path.unlink()
        os.write(gate, b"go\n")
        assert {client.recv(64) for _ in words} == words
    os.close(gate)


def test_what_a_client_sends_meanwhile_is_served_by_the_next_front(superd, place):
    """The program ends while a reload waits for the old front, which reads nothing any more."""
    path = place / "gate"
    os.mkfifo(path)
    path.chmod(0o666)
    gate = os.open(path, os.O_RDWR)
    script = f"tr a-z A-Z; test ! -p {path} || read go < {path}"
    filter_x = service("x", listen=UDP, exec=shell(script))
    daemon = superd(filter_x)
    with daemon.datagram("x") as client:
        client.send(b"one")
        assert client.recv(64) == b"ONE"
        client.send(b"two")
        path.unlink()
        old = daemon.front
        daemon.stop_process(old)
        loaded = len(daemon.log)
        daemon.write(filter_x + service("new", builtin="time"))
        daemon.signal(signal.SIGHUP)
        daemon.wait_log("service 'new': listening")
        os.write(gate, b"go\n")
        daemon.wait_log("service 'x': ended")
        daemon.continue_process(old)
        daemon.wait_log("configuration loaded", after=loaded)
        assert client.recv(64) == b"TWO"
    os.close(gate)


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
