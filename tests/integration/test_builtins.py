"""The built-in services over streams, as RFC 862, 863, 864, 867 and 868 say."""

import calendar
import glob
import select
import socket
import struct
import subprocess
import threading
import time

import pytest

from daemon import SUPERD, read_all
from process import PATIENCE, SANITIZED, cpu_seconds, eventually, memory
from rfc864 import pattern
from settings import ECHO, SECONDS_1900_TO_1970, service

FAKETIME = "/usr/lib/*/faketime/libfaketime.so.1"
STREAMS = {
    "tcp": "tcp:127.0.0.1:0",
    "tcp6": "tcp:[::1]:0",
    "unix": "unix:{place}/x.sock",
    "unix-seqpacket": "unix-seqpacket:{place}/x.sock",
}


@pytest.fixture(params=STREAMS)
def kind(request):
    return request.param


@pytest.fixture
def stream(superd, place, kind):
    """Starts a built-in on each kind of stream; returns the daemon and the kind to connect with."""

    def start(builtin, **options):
        listen = STREAMS[kind].format(place=place)
        return superd(service(builtin, listen=listen, builtin=builtin, **options))

    return start


def short(kind):
    return "tcp" if kind == "tcp6" else kind


def test_echo_returns_what_it_was_sent(stream, kind):
    assert stream("echo").ask("echo", b"to be returned", short(kind)) == b"to be returned"


def test_discard_says_nothing_and_closes_after_its_client(stream, kind):
    assert stream("discard").ask("discard", b"x" * 50_000, short(kind)) == b""


def test_chargen_sends_the_pattern_of_the_rfc(stream, kind):
    """As far as no buffer reaches."""
    with stream("chargen").connect("chargen", short(kind)) as client:
        assert read_some(client, 10_000 * 74) == pattern(10_000)


def test_daytime_sends_one_line_of_26_bytes(stream, kind):
    answer = stream("daytime").ask("daytime", kind=short(kind))
    assert len(answer) == 26 and answer.endswith(b"\r\n")
    said = time.mktime(time.strptime(answer.decode().strip(), "%a %b %d %H:%M:%S %Y"))
    assert abs(said - time.time()) < 5


def test_time_sends_the_seconds_since_1900(stream, kind):
    (said,) = struct.unpack(">I", stream("time").ask("time", kind=short(kind)))
    assert abs(said - SECONDS_1900_TO_1970 - time.time()) < 5


def hangs(command, env):
    try:
        subprocess.run(command, env=env, timeout=10, capture_output=True)
    except subprocess.TimeoutExpired:
        return True
    return False


@pytest.mark.skipif(not glob.glob(FAKETIME), reason="faketime is not installed")
@pytest.mark.parametrize("year", [2030, 2036, 2040])
def test_time_wraps_in_2036_as_the_rfc_says(superd, year):
    pretended = calendar.timegm((year, 3, 1, 0, 0, 0))
    env = {
        "LD_PRELOAD": glob.glob(FAKETIME)[0],
        "FAKETIME": f"@{year}-03-01 00:00:00",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "TZ": "UTC",
        "ASAN_OPTIONS": "verify_asan_link_order=0",
    }
    if SANITIZED and hangs([SUPERD, "--version"], env):
        pytest.skip("faketime and this sanitizer wait for each other in every program")
    daemon = superd(service("time", builtin="time"), env=env)
    (said,) = struct.unpack(">I", daemon.ask("time"))
    assert 0 <= (said - SECONDS_1900_TO_1970 - pretended) % (1 << 32) < 60


def read_some(client, size):
    received = b""
    while len(received) < size and (piece := client.recv(65536)):
        received += piece
    return received[:size]


def test_echo_returns_all_bytes_to_a_client_that_has_closed_its_side(superd):
    daemon = superd(ECHO)
    sent = bytes(range(256)) * 20_000
    with daemon.connect("echo") as client:
        sender = threading.Thread(
            target=lambda: (client.sendall(sent), client.shutdown(socket.SHUT_WR))
        )
        sender.start()
        assert read_all(client) == sent
        sender.join()


def test_echo_returns_what_is_urgent(superd):
    with superd(ECHO).connect("echo") as client:
        client.send(b"first")
        client.send(b"!", socket.MSG_OOB)
        client.send(b"then")
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b"first!then"


@pytest.mark.parametrize("builtin", ["echo", "chargen"])
def test_a_client_that_never_reads_costs_one_buffer(superd, builtin):
    daemon = superd(service("x", builtin=builtin))
    with daemon.connect("x") as client:
        client.sendall(b"warm up")
        assert client.recv(1)
    before = memory(daemon.front)
    with daemon.connect("x") as client:
        if builtin == "echo":
            fill(client)
        eventually(lambda: is_idle(daemon.front))
        assert memory(daemon.front) - before < 256 * 1024


def test_a_client_that_has_said_its_last_and_never_reads_is_no_work(superd):
    daemon = superd(service("chargen", builtin="chargen"))
    with daemon.connect("chargen") as client:
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b" "
        eventually(lambda: is_idle(daemon.front))


def fill(client):
    """Sends until the other side takes no more for half a second; returns how much that was."""
    sent = 0
    client.setblocking(False)
    while select.select([], [client], [], 0.5)[1]:
        sent += client.send(b"x" * 65536)
        assert sent < 64 << 20
    return sent


def is_idle(pid):
    spent = cpu_seconds(pid)
    select.select([], [], [], 0.5)
    return cpu_seconds(pid) - spent < 0.001


def test_echo_goes_on_when_a_slow_client_reads_at_last(superd):
    daemon = superd(ECHO)
    with daemon.connect("echo") as client:
        sent = fill(client)
        client.settimeout(PATIENCE)
        client.shutdown(socket.SHUT_WR)
        assert len(read_all(client)) == sent


@pytest.mark.parametrize("builtin, size", [("daytime", 26), ("time", 4)])
def test_a_client_that_sent_first_still_gets_its_answer(superd, builtin, size):
    daemon = superd(service("x", builtin=builtin))
    front = daemon.front
    for _ in range(20):
        daemon.stop_process(front)
        with daemon.connect("x") as client:
            client.sendall(b"x" * 1024)
            daemon.continue_process(front)
            client.sendall(b"x" * 1024)
            assert len(read_all(client)) == size


def test_a_client_that_goes_on_sending_does_not_keep_daytime_for_ever(superd):
    daemon = superd(service("daytime", builtin="daytime", instances=1, overflow="queue"))
    with daemon.connect("daytime") as client:
        daemon.wait_log("service 'daytime': ended", patience=30)
        with pytest.raises(OSError):
            for _ in range(1000):
                client.sendall(b"x" * 65536)
                time.sleep(0)
    assert len(daemon.ask("daytime")) == 26


def test_a_session_is_logged_with_its_bytes(superd):
    daemon = superd(ECHO)
    daemon.ask("echo", b"0123456789")
    accepted = daemon.wait_log(r"service 'echo': accepted 127\.0\.0\.1:(\d+)$")
    daemon.wait_log(
        rf"service 'echo': ended 127\.0\.0\.1:{accepted[1]} after \d+\.\d+ s, "
        r"10 bytes in, 10 bytes out$"
    )


@pytest.mark.parametrize("poller", ["select", "epoll", "auto"])
def test_each_poller_serves_many_clients_at_once(superd, poller):
    daemon = superd(f"poller = {poller}\n" + ECHO)
    clients = [daemon.connect("echo") for _ in range(200)]
    for number, client in enumerate(clients):
        client.sendall(b"%d" % number)
    for number, client in enumerate(clients):
        assert client.recv(64) == b"%d" % number


def test_auto_moves_from_select_to_epoll_when_descriptors_run_past_fd_setsize(superd):
    daemon = superd("poller = auto\n" + ECHO)
    clients = [daemon.connect("echo") for _ in range(1100)]
    for client in (clients[0], clients[-1]):
        client.sendall(b"here")
        assert client.recv(64) == b"here"


@pytest.mark.parametrize("workers", [0, 1])
def test_clients_that_select_cannot_watch_wait_until_it_can(superd, workers):
    daemon = superd(f"poller = select workers = {workers}\n" + ECHO)
    clients = [daemon.connect("echo") for _ in range(1100)]
    for client in clients:
        client.sendall(b"here")
    daemon.wait_log("cannot accept clients, trying again until it works: Too many open files")
    for client in clients[:200]:
        assert client.recv(4) == b"here"
        client.close()
    for client in clients[200:]:
        assert client.recv(4) == b"here"
    assert not daemon.has_said("lost")


def test_a_stopped_front_loses_no_client(superd):
    daemon = superd(ECHO)
    daemon.stop_process(daemon.front)
    with daemon.connect("echo") as client:
        client.sendall(b"x")
        daemon.continue_process(daemon.front)
        assert client.recv(1) == b"x"
