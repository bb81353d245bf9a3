"""A forged sender makes no program answer a server, and no two of them each other."""

import os
import socket
import struct

import pytest

from settings import OUR_PORT, service

CAT = ["/bin/cat"]
ROOT = os.geteuid() == 0
raw = pytest.mark.skipif(not ROOT, reason="needs root, as only root can forge a sender")


def forge(source, target, data=b"forged"):
    """A datagram from wherever one likes. Without a checksum, which IPv4 allows."""
    datagram = struct.pack("!4H", source[1], target[1], 8 + len(data), 0) + data
    header = struct.pack(
        *("!BBHHHBBH4s4s", 0x45, 0, 20 + len(datagram), 0, 0, 64, socket.IPPROTO_UDP, 0),
        *(socket.inet_aton(host) for host, _ in (source, target)),
    )
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as out:
        out.sendto(header + datagram, target)


def cat(name, listen="udp:127.0.0.1:0", **options):
    return service(name, listen=listen, exec=CAT, **options)


def answers(daemon, name):
    with daemon.datagram(name) as client:
        client.send(b"honest")
        return client.recv(64)


def started(daemon, name):
    daemon.wait_log(rf"service '{name}': ended")  # the honest one comes last
    return len(daemon.log.find(rf"service '{name}': accepted"))


@raw
def test_two_services_do_not_answer_each_other(superd):
    """One packet made them start more than a thousand programs a second, for ever."""
    daemon = superd(cat("a") + cat("b"))
    forge(daemon.address("a", "udp"), daemon.address("b", "udp"))
    daemon.wait_log(
        r"service 'b': lost 127\.0\.0\.1:\d+: superd itself receives there, and would answer"
    )
    assert answers(daemon, "a") == answers(daemon, "b") == b"honest"
    assert started(daemon, "a") == started(daemon, "b") == 1


def test_a_service_does_not_answer_itself_on_another_address(superd):
    daemon = superd(cat("a", listen=f"udp:0.0.0.0:{OUR_PORT}"))
    # As the listeners of the same user do. Whoever does this may be gone when the answer comes.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as forger:
        forger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        forger.bind(("127.0.0.2", OUR_PORT))
        forger.sendto(b"forged", ("127.0.0.1", OUR_PORT))
    daemon.wait_log(r"service 'a': lost 127\.0\.0\.2:\d+: superd itself receives there")
    assert answers(daemon, "a") == b"honest"
    assert started(daemon, "a") == 1


@raw
@pytest.mark.parametrize("source", [("127.0.0.1", 19), ("127.0.0.1", 2049)])
def test_servers_are_answered_only_if_the_service_says_so(superd, source):
    daemon = superd(cat("strict") + cat("own", reflection_guard="own"))
    for name in "strict", "own":
        forge(source, daemon.address(name, "udp"))
    daemon.wait_log(r"service 'strict': lost .*; see 'reflection_guard'")
    daemon.wait_log(rf"service 'own': accepted 127\.0\.0\.1:{source[1]}\b")
    assert answers(daemon, "strict") == b"honest"
    assert started(daemon, "strict") == 1


@raw
@pytest.mark.parametrize("source", [("224.0.0.1", 7000), ("127.0.0.1", 0)])
def test_what_is_no_host_is_never_answered(superd, source):
    daemon = superd(cat("x", reflection_guard="own"))
    # The kernel itself takes no datagram of a multicast sender where it checks the way back.
    forge(source, daemon.address("x", "udp"))
    assert answers(daemon, "x") == b"honest"
    assert started(daemon, "x") == 1


@raw
def test_many_forged_senders_do_not_fill_the_log(superd):
    daemon = superd(cat("x"))
    # No more than fit in the queue of the socket, with the honest one.
    for port in range(1, 101):
        forge(("127.0.0.1", port), daemon.address("x", "udp"))
    assert answers(daemon, "x") == b"honest"
    assert 1 <= len(daemon.log.find("service 'x': lost")) < 20
    assert started(daemon, "x") == 1
