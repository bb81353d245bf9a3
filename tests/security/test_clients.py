"""What the keeper believes of a client that a front sends: what the kernel says of its socket."""

import fcntl
import os
import socket
import struct

import pytest

from daemon import read_all
from owned import inet, unix
from process import alive, children, eventually, settled
from settings import ECHO, service, shell

FORBIDDEN = r"the front \(pid {}\) sent a forbidden message; ending it"
RESET = struct.pack("=ii", 1, 0)
SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
SAYS_WHO = shell("echo $REMOTE_ADDR $REMOTE_PORT $TCPREMOTEIP; cat")


def listen_on(address):
    server = socket.socket(socket.AF_UNIX)
    server.bind(address)
    server.listen()
    return server


def connect_to(address):
    client = socket.socket(socket.AF_UNIX)
    client.connect(address)
    return client


def own_end(front, path):
    """Of the connection to the listener of superd: the kernel says that root is its peer."""
    return connect_to(path)


def elsewhere(front, path):
    with listen_on(path + ".other"):
        return connect_to(path + ".other")


def accepted_elsewhere(front, path):
    with listen_on(path + ".other") as server:
        with connect_to(path + ".other"):
            return server.accept()[0]


def pair(front, path):
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)[0]


def without_peer(front, path):
    return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)


def of_packets(front, path):
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)[0]


@pytest.mark.parametrize(
    "make", [own_end, elsewhere, accepted_elsewhere, pair, without_peer, of_packets]
)
def test_no_other_unix_socket_is_a_client(owned, place, make):
    """The program would take whoever has the other end for root, or for whom the front likes."""
    path = f"{place}/who"
    front = owned(service("who", listen=f"unix:{path}", exec=SAYS_WHO) + ECHO)
    front.hold()
    front.spawn(front.take(make(front, path)), peer=unix("/peer"))
    front.daemon.wait_log(FORBIDDEN.format(front.pid))
    before, _, _ = front.daemon.log.text().partition("sent a forbidden message")
    assert "accepted" not in before
    front.successor()
    assert front.daemon.ask("echo", b"ping") == b"ping"


def on_another_address(front):
    """Of the same port, which the front itself might listen on."""
    with socket.create_server(("127.0.0.5", front.daemon.port("who"))) as server:
        with socket.create_connection(server.getsockname()):
            return server.accept()[0]


def of_the_same_port_with_datagrams(front):
    other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    other.bind(front.daemon.address("who"))
    other.connect(("127.0.0.1", 9))
    return other


@pytest.mark.parametrize("make", [on_another_address, of_the_same_port_with_datagrams])
def test_no_other_socket_of_the_port_is_a_client(owned, make):
    front = owned(service("who", exec=SAYS_WHO) + ECHO)
    front.hold()
    front.spawn(front.take(make(front)))
    front.daemon.wait_log(FORBIDDEN.format(front.pid))
    assert "accepted" not in front.daemon.log.text()
    front.successor()


def test_a_client_has_the_address_that_the_kernel_knows(owned):
    front = owned(service("who", exec=SAYS_WHO))
    front.hold()
    client = front.daemon.connect("who")
    front.spawn(front.accept(), peer=inet("10.20.30.40", 22), local=inet("10.20.30.41", 23))
    client.shutdown(socket.SHUT_WR)
    host, port = client.getsockname()
    assert read_all(client).split() == [host.encode(), b"%d" % port, host.encode()]
    front.release()


def test_a_unix_client_has_the_name_that_the_kernel_knows(owned, place):
    path = f"{place}/who"
    front = owned(service("who", listen=f"unix:{path}", exec=SAYS_WHO))
    front.hold()
    client = socket.socket(socket.AF_UNIX)
    client.bind(path + ".client")
    client.connect(path)
    front.spawn(front.accept(), peer=unix("/run/somebody-else"))
    client.shutdown(socket.SHUT_WR)
    assert read_all(client).split()[0] == (path + ".client").encode()
    front.release()


def test_no_program_is_started_for_a_client_that_has_gone(owned, place):
    """What it has sent could still be read, and the front alone would say from whom."""
    marks = place / "marks"
    front = owned(service("who", exec=shell(f"cat >>{marks}"), instances=5))
    front.hold()
    client = front.daemon.connect("who")
    client.sendall(b"command of the attacker")
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    client.close()
    front.spawn(front.accept(), peer=inet("10.20.30.40", 22))
    # Whatever the keeper does with that, it has done before it serves the next one.
    other = front.daemon.connect("who")
    front.spawn(front.accept())
    other.sendall(b"honest")
    other.close()
    eventually(lambda: marks.exists() and marks.read_text())
    eventually(lambda: marks.read_text() == "honest")
    assert "10.20.30.40" not in front.daemon.log.text()
    assert alive(front.pid)
    front.release()


def programs(daemon, front):
    return [pid for pid in children(daemon.keeper) if pid != front.pid]


@pytest.mark.parametrize("limit", [1, 3])
def test_the_keeper_holds_the_number_of_instances(owned, limit):
    front = owned(service("sleep", exec=["/bin/sleep", "1000"], instances=limit, backlog=100))
    front.hold()
    for _ in range(20):
        front.daemon.connect("sleep")
        if front.spawn(front.accept()) is None:
            break
    # All of that is read before the answer to USR1.
    front.daemon.has_said("anything")
    assert settled(lambda: len(programs(front.daemon, front))) <= limit
    if alive(front.pid):
        front.release()


def test_the_keeper_holds_the_number_of_instances_for_datagrams(owned):
    sleep = service(
        "sleep", listen="udp:127.0.0.1:0", exec=["/bin/sleep", "1000"], instances=2
    )
    front = owned(sleep)
    front.hold()
    for port in range(20000, 20020):
        fd = os.memfd_create("datagram", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.write(fd, b"x")
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, SEALS)
        message = front.request("DATAGRAM", peer=inet("127.0.0.1", port))
        if front.send(message, [front.take(fd)]) is None:
            break
        os.close(fd)
    front.daemon.has_said("anything")
    assert settled(lambda: len(programs(front.daemon, front))) <= 2
    if alive(front.pid):
        front.release()
