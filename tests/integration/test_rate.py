"""How often clients may come: cps, for every transport and way of dispatch."""

import signal
import socket
import time

import pytest

from daemon import PATIENCE, read_all
from process import eventually, settled
from settings import service
from test_access import way

# A token in a day, so that none comes while a test runs.
TWO = "1/d burst 2"


def ask(daemon, name="x"):
    """What a client gets; nothing if it is refused."""
    try:
        return daemon.ask(name, b"served")
    except OSError:
        return b""


def refused(daemon):
    logged = len(daemon.log)
    daemon.signal(signal.SIGUSR1)
    return int(daemon.wait_log(r"service 'x': .* (\d+) refused", after=logged)[1])


@pytest.mark.parametrize("name", ["built-in", "spawn", "pass"])
def test_more_clients_than_the_rate_are_refused(superd, name):
    daemon = superd(service("x", cps=TWO, overflow="refuse", **way(name, "tcp")))
    assert [ask(daemon) for _ in range(4)] == [b"served", b"served", b"", b""]
    daemon.wait_log(r"service 'x': refused 127.0.0.1:\d+: more clients than cps allows", count=2)
    assert refused(daemon) == 2


@pytest.mark.parametrize("name", ["built-in", "spawn", "pass", "wait"])
def test_more_clients_than_the_rate_wait_and_are_served(superd, name):
    """They wait in the queue of the kernel, and nobody is refused."""
    daemon = superd(service("x", cps="20/s burst 2", **way(name, "tcp")))
    before = time.monotonic()
    assert [ask(daemon) for _ in range(6)] == [b"served"] * 6
    # Two at once, and then one each 50 ms. It may take longer.
    assert time.monotonic() - before > 0.19
    assert refused(daemon) == 0


def test_a_service_that_waits_holds_nobody_else(superd):
    daemon = superd(service("x", builtin="echo", cps=TWO) + service("y", builtin="echo"))
    assert [ask(daemon), ask(daemon)] == [b"served"] * 2
    waiting = daemon.connect("x")
    waiting.sendall(b"served")
    assert [ask(daemon, "y") for _ in range(20)] == [b"served"] * 20
    waiting.setblocking(False)
    with pytest.raises(BlockingIOError):
        waiting.recv(10)


@pytest.mark.parametrize("name", ["built-in", "spawn", "wait"])
def test_datagrams_have_the_rate(superd, name):
    """Those of a built-in are dropped; the others wait."""
    daemon = superd(
        service("x", listen="udp:127.0.0.1:0", cps="1/d burst 2", **way(name, "udp"))
    )
    for _ in range(2):
        with daemon.datagram("x") as client:
            client.send(b"served")
            assert client.recv(100) == b"served"
    with daemon.datagram("x") as client:
        client.send(b"served")
        eventually(lambda: name != "built-in" or refused(daemon) == 1)
        client.setblocking(False)
        with pytest.raises(BlockingIOError):
            client.recv(100)
    # A datagram that waits is there when the rate lets it come.
    daemon.reload(service("x", listen="udp:127.0.0.1:0", cps="unlimited", **way(name, "udp")))
    if name != "built-in":
        daemon.wait_log("service 'x': (accepted|started)", count=3)


def test_a_reload_does_not_fill_the_bucket(superd):
    text = service("x", builtin="echo", cps=TWO, overflow="refuse")
    daemon = superd(text)
    assert [ask(daemon) for _ in range(3)] == [b"served", b"served", b""]
    daemon.reload(text + service("y", builtin="echo"))
    assert ask(daemon, "y") == b"served"
    assert ask(daemon) == b""
    daemon.reload(service("x", builtin="echo", cps="1/d burst 3", overflow="refuse"))
    eventually(lambda: ask(daemon) == b"served")


def test_those_who_may_not_come_use_up_no_rate(superd):
    daemon = superd(
        service("x", builtin="echo", cps=TWO, overflow="refuse", no_access=["127.0.0.2"])
    )
    for _ in range(20):
        client, address = daemon.socket("x")
        client.bind(("127.0.0.2", 0))
        client.connect(address)
        try:
            assert read_all(client) == b""
        except OSError:
            pass
    assert [ask(daemon) for _ in range(3)] == [b"served", b"served", b""]


def test_where_superd_does_not_see_clients_a_rate_is_refused(superd):
    daemon = superd(
        service("x", exec=["/bin/cat"], dispatch="pool", cps="5"), ready=False
    )
    daemon.expected_status = daemon.process.wait(PATIENCE)
    assert daemon.expected_status == 78
    daemon.wait_log("'cps' is not for 'dispatch = pool', where the programs accept clients")


def test_who_waits_for_the_rate_wakes_nobody(superd):
    """Until a token is there, a client that waits costs nothing."""
    daemon = superd(service("x", builtin="echo", cps="1/d burst 1", debug=True))
    assert ask(daemon) == b"served"
    waiting = daemon.connect("x")
    waiting.sendall(b"served")
    daemon.wait_log("service 'x': holds clients")

    def switches():
        with open(f"/proc/{daemon.front}/status") as status:
            return [line for line in status if line.startswith("voluntary_ctxt_switches")]

    before = settled(switches)
    with socket.socket() as nobody:
        nobody.settimeout(0.3)
        nobody.bind(("127.0.0.1", 0))
        nobody.listen()
        with pytest.raises(TimeoutError):
            nobody.accept()
    assert switches() == before
