"""The built-in services over datagrams, and the guards that keep them from being abused."""

import signal
import socket
import struct
import time

import pytest

from process import PATIENCE, eventually
from rfc864 import pattern
from settings import HOST, ROOT, SECONDS_1900_TO_1970, service

UDP = "udp:127.0.0.1:0"
DATAGRAMS = {
    "udp": UDP,
    "udp6": "udp:[::1]:0",
    "unix-dgram": "unix-dgram:{place}/x.sock",
}


@pytest.fixture(params=DATAGRAMS)
def ask(request, superd, place):
    """ask(builtin, data) sends one datagram to that built-in and returns the one it answers."""

    def ask(builtin, data, **options):
        listen = DATAGRAMS[request.param].format(place=place)
        daemon = superd(service(builtin, listen=listen, builtin=builtin, **options))
        with daemon.datagram(builtin, request.param.replace("udp6", "udp")) as client:
            client.send(data)
            return client.recv(70_000)

    return ask


def test_echo_returns_the_datagram(ask):
    assert ask("echo", b"to be returned") == b"to be returned"


def test_echo_returns_the_empty_datagram(ask):
    assert ask("echo", b"") == b""


@pytest.mark.parametrize("request_", [b"", b"x" * 100])
def test_daytime_answers_any_datagram_with_26_bytes(ask, request_):
    answer = ask("daytime", request_)
    assert len(answer) == 26 and answer.endswith(b"\r\n")


@pytest.mark.parametrize("request_", [b"", b"x" * 100])
def test_time_answers_any_datagram_with_4_bytes(ask, request_):
    (said,) = struct.unpack(">I", ask("time", request_))
    assert abs(said - SECONDS_1900_TO_1970 - time.time()) < 5


@pytest.mark.parametrize("size", [0, 1, 40, 512, 2000])
def test_chargen_sends_no_more_than_it_was_sent(superd, size):
    daemon = superd(service("chargen", listen=UDP, builtin="chargen"))
    with daemon.datagram("chargen") as client:
        client.send(b"x" * size)
        assert len(client.recv(4096)) <= min(size, 512)


def test_chargen_sends_up_to_512_characters_when_it_may_amplify(superd):
    daemon = superd(service("chargen", listen=UDP, builtin="chargen", amplify=True))
    with daemon.datagram("chargen") as client:
        sizes = []
        for _ in range(40):
            client.send(b"?")
            answer = client.recv(4096)
            assert answer == pattern(7)[: len(answer)]
            sizes.append(len(answer))
    assert max(sizes) <= 512 and max(sizes) > 1


@pytest.mark.parametrize("listen", [UDP, "udp:[::1]:0"])
def test_echo_returns_the_largest_datagram(superd, listen):
    daemon = superd(service("echo", listen=listen, builtin="echo"))
    sent = bytes(range(251)) * 261
    with daemon.datagram("echo") as client:
        client.send(sent[:65507])
        assert client.recv(70_000) == sent[:65507]


def test_a_unix_datagram_may_be_longer(superd, place):
    daemon = superd(service("echo", listen=f"unix-dgram:{place}/x.sock", builtin="echo"))
    with daemon.datagram("echo", "unix-dgram") as client:
        client.send(bytes(100_000))
        assert client.recv(200_000) == bytes(100_000)


def test_a_unix_datagram_that_is_too_long_is_not_answered_in_part(superd, place):
    daemon = superd(
        service("echo", listen=f"unix-dgram:{place}/x.sock", builtin="echo", sndbuf="1m")
    )
    with daemon.datagram("echo", "unix-dgram") as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 400_000)
        try:
            client.send(bytes(300_000))
        except OSError as error:
            pytest.skip(f"the kernel sends no such datagram: {error}")
        client.send(b"short")
        assert client.recv(400_000) == b"short"


def test_echo_answers_every_datagram_of_a_burst(superd):
    daemon = superd(service("echo", listen=UDP, builtin="echo"))
    daemon.stop_process(daemon.front)
    with daemon.datagram("echo") as client:
        for number in range(50):
            client.send(b"%d" % number)
        daemon.continue_process(daemon.front)
        assert {client.recv(64) for _ in range(50)} == {b"%d" % number for number in range(50)}


def test_a_sender_that_has_gone_costs_no_other_its_answer(superd, place):
    """They are answered with one call."""
    daemon = superd(service("echo", listen=f"unix-dgram:{place}/x.sock", builtin="echo"))
    with daemon.datagram("echo", "unix-dgram") as client:
        daemon.stop_process(daemon.front)
        for number in range(3):
            with daemon.datagram("echo", "unix-dgram") as gone:
                gone.send(b"nobody waits for this")
            client.send(b"%d" % number)
        daemon.continue_process(daemon.front)
        assert [client.recv(64) for _ in range(3)] == [b"0", b"1", b"2"]


def test_discard_never_answers(superd):
    daemon = superd(
        service("discard", listen=UDP, builtin="discard")
        + service("echo", listen=UDP, builtin="echo")
    )
    with daemon.datagram("discard") as client, daemon.datagram("echo") as other:
        client.send(b"anybody?")
        assert_unanswered(client, other)


def assert_unanswered(client, other):
    """Once another client of the same loop was answered twice, this one's turn has passed."""
    for _ in range(2):
        other.send(b"ping")
        assert other.recv(64) == b"ping"
    client.setblocking(False)
    with pytest.raises(BlockingIOError):
        client.recv(64)


@pytest.mark.skipif(not ROOT, reason="needs root to send from a low port")
@pytest.mark.parametrize("builtin", ["echo", "chargen", "daytime", "time"])
def test_a_source_port_below_1024_is_not_answered(superd, builtin):
    daemon = superd(
        service("x", listen=UDP, builtin=builtin) + service("echo", listen=UDP, builtin="echo")
    )
    client, address = daemon.socket("x", "udp")
    bind_low(client)
    client.connect(address)
    client.send(b"do not answer")
    with daemon.datagram("echo") as other:
        assert_unanswered(client, other)


def bind_low(client):
    for port in range(1023, 900, -1):
        try:
            return client.bind(("127.0.0.1", port))
        except OSError:
            continue
    raise AssertionError("every low port is taken")


@pytest.mark.parametrize("other", [{"builtin": "echo"}, {"exec": ["/bin/cat"]}], ids=str)
def test_a_source_port_that_superd_serves_itself_is_not_answered(superd, other):
    """Or two services could be made to answer each other for ever."""
    daemon = superd(
        service("x", listen=UDP, builtin="echo")
        + service("other", listen=UDP, **other)
        + service("echo", listen=UDP, builtin="echo")
    )
    client, address = daemon.socket("x", "udp")
    client.bind((HOST, daemon.port("other", "udp")))
    client.connect(address)
    client.send(b"do not answer")
    with daemon.datagram("echo") as other:
        assert_unanswered(client, other)


@pytest.mark.parametrize("path", ["unix-dgram:{place}/x.sock", "unix-dgram:@{place}/x"])
def test_a_sender_whose_name_leads_back_to_superd_starts_no_loop(superd, place, path):
    """Anybody may give his socket a name, and let a link take its place."""
    services = [f"unix-dgram:{place}/a.sock", f"unix-dgram:{place}/b.sock", path]
    daemon = superd(
        "".join(
            service(name, listen=listen.format(place=place), builtin="echo")
            for name, listen in zip("abc", services)
        )
    )
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.bind(str(place / "client"))
        (place / "client").rename(place / "gone")
        (place / "client").symlink_to(place / "b.sock")
        for name in "abc":
            client.sendto(b"round and round", daemon.address(name, "unix-dgram"))
        eventually(lambda: counted(daemon, "b") == (4, 3))


def counted(daemon, name):
    """How many datagrams came, and how many of them were not answered."""
    before = len(daemon.log)
    daemon.signal(signal.SIGUSR1)
    pattern = rf"service '{name}': .* (\d+) datagrams, (\d+) of them without answer"
    return tuple(map(int, daemon.wait_log(pattern, after=before).groups()))


def test_port_1024_is_answered(superd):
    daemon = superd(service("echo", listen=UDP, builtin="echo"))
    client, address = daemon.socket("echo", "udp")
    client.bind((HOST, 1024))
    client.connect(address)
    client.send(b"ping")
    assert client.recv(64) == b"ping"


@pytest.mark.parametrize("listen", ["udp4:0", "udp:0"])
def test_the_answer_comes_from_the_address_that_was_asked(superd, listen):
    daemon = superd(service("echo", listen=listen, builtin="echo"))
    port = daemon.port("echo", "udp")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE)
        client.sendto(b"ping", ("127.0.0.2", port))
        assert client.recvfrom(64) == (b"ping", ("127.0.0.2", port))


@pytest.mark.parametrize("listen", ["udp4:0", "udp:0"])
def test_what_was_sent_to_all_is_answered_from_one_address(superd, listen):
    daemon = superd(service("echo", listen=listen, builtin="echo"))
    port = daemon.port("echo", "udp")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        client.sendto(b"everybody", ("127.255.255.255", port))
        assert client.recvfrom(64) == (b"everybody", ("127.0.0.1", port))


def test_one_socket_answers_both_families(superd):
    daemon = superd(service("echo", listen="udp:0", builtin="echo"))
    port = daemon.port("echo", "udp")
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE)
        client.sendto(b"six", ("::1", port))
        assert client.recvfrom(64)[1][:2] == ("::1", port)
        client.sendto(b"four", ("::ffff:127.0.0.3", port))
        assert client.recvfrom(64)[1][:2] == ("::ffff:127.0.0.3", port)


def test_a_client_without_an_address_is_no_trouble(superd, place):
    """A Unix socket that is not bound cannot be answered."""
    daemon = superd(service("echo", listen=f"unix-dgram:{place}/x.sock", builtin="echo"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as nobody:
        nobody.sendto(b"x", str(place / "x.sock"))
    with daemon.datagram("echo", "unix-dgram") as client:
        client.send(b"ping")
        assert client.recv(64) == b"ping"
