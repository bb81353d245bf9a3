"""The sizes of socket buffers, and what is said of datagrams that found no room in them."""

import os
import re
import signal
import socket

import pytest

from daemon import PATIENCE
from process import alive, eventually
from settings import service, shell

UDP = "udp:127.0.0.1:0"
BUFFERS = (
    "import socket; s = socket.socket(fileno=0); "
    "print(*(s.getsockopt(socket.SOL_SOCKET, o) for o in (socket.SO_RCVBUF, socket.SO_SNDBUF)))"
)
PYTHON = ["/usr/bin/python3", "-c", BUFFERS]


def limit(name):
    with open(f"/proc/sys/net/core/{name}") as file:
        return int(file.read())


def buffers(daemon, name="sizes"):
    """As a program sees them: the kernel sets aside twice what was asked for."""
    return [int(word) // 2 for word in daemon.ask(name).split()]


def test_connections_have_the_buffers_that_are_asked_for(superd):
    daemon = superd(service("sizes", exec=PYTHON, rcvbuf="96k", sndbuf="80k"))
    assert buffers(daemon) == [96 * 1024, 80 * 1024]


def test_a_program_that_owns_the_listener_finds_them_too(superd, place):
    script = shell(f"/usr/bin/python3 -c '{BUFFERS}' > {place}/sizes; exec cat >/dev/null")
    daemon = superd(
        service("sizes", listen=UDP, exec=script, dispatch="wait", rcvbuf="96k", stderr="null")
    )
    with daemon.datagram("sizes") as client:
        client.send(b"start")
        said = eventually(lambda: (place / "sizes").exists() and (place / "sizes").read_text())
    assert int(said.split()[0]) == 2 * 96 * 1024
    pid = int(daemon.wait_log(r"started.*pid (\d+)")[1])
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not alive(pid))


def test_a_reload_changes_them_and_takes_them_back(superd):
    before = service("sizes", exec=PYTHON)
    daemon = superd(before)
    own = buffers(daemon)
    daemon.reload(service("sizes", exec=PYTHON, rcvbuf="96k", sndbuf="80k"))
    assert buffers(daemon) == [96 * 1024, 80 * 1024]
    daemon.reload(service("sizes", exec=PYTHON, rcvbuf="64k"))
    assert buffers(daemon) == [64 * 1024, own[1]]
    daemon.reload(before)
    assert buffers(daemon) == own


def test_a_buffer_that_the_kernel_does_not_grant_is_said_once(superd):
    """Unless superd may overrule the limit, which it may as root with all capabilities."""
    limits = limit("rmem_max"), limit("wmem_max")
    text = service("sizes", exec=PYTHON, rcvbuf=limits[0] * 2, sndbuf=limits[1] * 2)
    daemon = superd(text)
    daemon.reload(text)
    said = [m[0] for m in daemon.log.find("'(rcv|snd)buf' is .*")]
    if buffers(daemon) == [size * 2 for size in limits]:
        assert said == []
        return
    asked = [("rcvbuf", "rmem_max", limits[0]), ("sndbuf", "wmem_max", limits[1])]
    assert said == [
        f"'{name}' is {size} bytes instead of {size * 2} for tcp:127.0.0.1:0; raise net.core.{of}"
        for name, of, size in asked
    ]


DROPPED = r"service '{}': the kernel dropped (\d+) datagrams?, its queue was full; see 'rcvbuf'"


def queues(port):
    """How many bytes wait in the sockets of that port, and how many datagrams were dropped."""
    # While others open and close sockets a look may pass over some that are there.
    return tuple(map(max, zip(*(look(port) for _ in range(3)))))


def look(port):
    waiting = drops = 0
    for table in ("udp", "udp6"):
        with open(f"/proc/net/{table}") as file:
            for field in (row.split() for row in list(file)[1:]):
                if int(field[1].rsplit(":", 1)[1], 16) == port:
                    waiting += int(field[4].split(":")[1], 16)
                    drops += int(field[12])
    return waiting, drops


def send(client, n):
    """Until the last one is in a queue or dropped: on one processor the kernel keeps their order."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        for _ in range(n):
            client.send(bytes(1000))
        with socket.socket(type=socket.SOCK_DGRAM) as own:
            own.settimeout(PATIENCE)
            own.bind(("127.0.0.1", 0))
            own.connect(own.getsockname())
            own.send(b"after them")
            own.recv(64)
    finally:
        os.sched_setaffinity(0, allowed)


def overrun(daemon, client, name="echo", n=200):
    """Sends more than the queue holds while nobody reads. Returns how many were dropped."""
    port = daemon.port(name, "udp")
    before = queues(port)[1]
    daemon.stop_process(daemon.front)
    send(client, n)
    dropped = eventually(lambda: max(0, queues(port)[1] - before))
    daemon.continue_process(daemon.front)
    for _ in range(n - dropped):
        assert client.recv(2000) == bytes(1000)
    assert 0 < dropped < n
    return dropped


def report(daemon):
    """How many drops each service counts."""
    before = len(daemon.log)
    daemon.signal(signal.SIGUSR1)
    daemon.wait_log("superd.*front .* serving", after=before)
    found = daemon.wait_log(r"service '(\w+)':.* (\d+) dropped by the kernel", after=before)
    return int(found[2])


@pytest.mark.parametrize("shards", [None, 1, 2])
@pytest.mark.parametrize("listen", [UDP, "udp4:0"])
def test_what_the_kernel_drops_is_counted_and_said(superd, shards, listen):
    daemon = superd(service("echo", listen, builtin="echo", rcvbuf="1k", shards=shards))
    with daemon.datagram("echo") as client:
        dropped = overrun(daemon, client)
        assert not daemon.log.find(DROPPED.format("echo"))
        client.send(b"after it")  # the kernel tells with what came after the gap
        said = daemon.wait_log(DROPPED.format("echo"))
        assert client.recv(64) == b"after it"
    assert int(said[1]) == dropped == report(daemon)


def test_drops_of_datagrams_for_programs_are_said(superd):
    daemon = superd(service("cat", UDP, exec=["/bin/cat"], rcvbuf="1k"))
    with daemon.datagram("cat") as client, daemon.datagram("cat") as other:
        overrun(daemon, client, "cat")
        other.send(b"after it")
        assert other.recv(64) == b"after it"
        daemon.wait_log(DROPPED.format("cat"))


def test_a_new_front_says_no_old_drops_and_its_own_at_once(superd):
    text = service("echo", UDP, builtin="echo", rcvbuf="1k")
    daemon = superd(text)
    with daemon.datagram("echo") as client:
        first = overrun(daemon, client)
        client.send(b"after it")
        daemon.wait_log(DROPPED.format("echo"))
        assert client.recv(64) == b"after it"

        daemon.reload(text)
        client.send(b"to the new one")
        assert client.recv(64) == b"to the new one"
        assert report(daemon) == first

        second = overrun(daemon, client)
        client.send(b"after it")
        daemon.wait_log(DROPPED.format("echo"), count=2)
        assert client.recv(64) == b"after it"
    said = [int(m[1]) for m in daemon.log.find(DROPPED.format("echo"))]
    assert said == [first, second]
    assert report(daemon) == first + second


def test_a_second_line_waits_and_the_end_says_the_rest(superd):
    daemon = superd(service("echo", UDP, builtin="echo", rcvbuf="1k"))
    dropped = []
    with daemon.datagram("echo") as client:
        for _ in range(2):
            dropped.append(overrun(daemon, client))
            client.send(b"after it")
            assert client.recv(64) == b"after it"
            daemon.wait_log(DROPPED.format("echo"))
    assert len(daemon.log.find(DROPPED.format("echo"))) == 1
    assert daemon.stop() == 0
    said = [int(m[1]) for m in daemon.log.find(DROPPED.format("echo"))]
    assert said == dropped


def test_unix_datagrams_are_never_dropped(superd, place):
    """Their sender waits; and nothing is said."""
    daemon = superd(service("echo", f"unix-dgram:{place}/x", builtin="echo", rcvbuf="1k"))
    with daemon.datagram("echo", "unix-dgram") as client:
        client.send(b"ping")
        assert client.recv(64) == b"ping"
    assert not re.search("dropped", daemon.log.text())
