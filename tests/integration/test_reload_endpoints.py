"""A reload that changes where services listen: what stays, what is freed, what comes at once."""

import socket

import pytest

from process import descriptors, eventually
from settings import ECHO, OUR_PORT, service


PYTHON = "/usr/bin/python3"
OWNER = """
import socket
client, _ = socket.socket(fileno=0).accept()
client.sendall(b"mine")
client.recv(64)
"""


# Says in the log when 800 ms have passed since the reload that brings it.
CLOCK = service(
    "clock", exec=["/bin/sleep", "60"], dispatch="pool", ready="notify", ready_timeout="800ms"
)


def assert_listens_at_once(daemon, port, after):
    """By the keeper's own clock: whatever holds up the keeper holds up both."""
    daemon.wait_log(rf"service 'x': listening on \S+:{port}$", after=after)
    first = daemon.log.find("service 'x': listening on|was not ready", after)[0]
    assert first[0] != "was not ready"


def ask_v4(kind):
    with socket.socket(type=kind) as client:
        client.settimeout(0.1)
        try:
            client.connect(("127.0.0.1", OUR_PORT))
            client.send(b"ping")
            return client.recv(64) == b"ping"
        except OSError:
            return False


@pytest.mark.parametrize(
    "before, after",
    [
        ("tcp:{}", "tcp4:{}"),
        ("tcp4:{}", "tcp:{}"),
        ("tcp:{}", "tcp:127.0.0.1:{}"),
        ("udp:{}", "udp4:{}"),
        ("udp:127.0.0.1:{}", "udp:{}"),
    ],
)
def test_an_endpoint_that_takes_the_place_of_another_is_there_at_once(superd, before, after):
    """The address is free only when the old settings have gone."""
    kind = socket.SOCK_STREAM if before.startswith("tcp") else socket.SOCK_DGRAM
    daemon = superd(ECHO + service("x", listen=before.format(OUR_PORT), builtin="echo"))
    logged = len(daemon.log)
    daemon.reload(CLOCK + service("x", listen=after.format(OUR_PORT), builtin="echo"))
    assert_listens_at_once(daemon, OUR_PORT, logged)
    eventually(lambda: ask_v4(kind))


@pytest.mark.parametrize("of", [{"builtin": "echo"}, {"exec": ["/bin/cat"], "dispatch": "wait"}])
def test_a_removed_datagram_service_frees_its_port(superd, of):
    daemon = superd(ECHO + service("x", listen=f"udp:127.0.0.1:{OUR_PORT}", **of))
    daemon.reload(ECHO)

    def is_free():
        with socket.socket(type=socket.SOCK_DGRAM) as other:
            try:
                other.bind(("127.0.0.1", OUR_PORT))
                return True
            except OSError:
                return False

    eventually(is_free)


def test_a_front_has_no_socket_of_a_service_that_is_gone(superd, place):
    """One that keeps it open would keep its clients waiting for an answer that never comes."""
    gone = ["tcp:127.0.0.1:0", "udp:127.0.0.1:0", f"unix:{place}/s", f"unix-dgram:{place}/d"]
    daemon = superd(ECHO)
    before = n_sockets(daemon.front)
    daemon.reload(ECHO + service("x", listen=gone, builtin="discard"))
    eventually(lambda: n_sockets(daemon.front) == before + len(gone))
    daemon.reload(ECHO)
    eventually(lambda: len(daemon.fronts()) == 1 and n_sockets(daemon.front) == before)


def n_sockets(pid):
    return sum(what.startswith("socket:") for what in descriptors(pid).values())


def test_freebind_that_is_added_does_not_wait_for_the_next_try(superd):
    far = "tcp:192.0.2.1:4411"  # For documentation: nobody has it.
    daemon = superd(ECHO + service("x", listen=far, builtin="echo"))
    daemon.wait_log(f"cannot listen on {far}: .*trying again in 1 s")
    daemon.wait_log(f"cannot listen on {far}: .*trying again in 2 s")
    logged = len(daemon.log)
    daemon.reload(CLOCK + service("x", listen=far, builtin="echo", freebind=True))
    assert_listens_at_once(daemon, 4411, logged)


@pytest.mark.parametrize("name", ["x", "y"])
@pytest.mark.parametrize("of", [{"builtin": "echo"}, {"exec": ["/bin/cat"]}])
def test_what_a_program_owns_yet_is_served_by_the_new_service_when_it_ends(superd, name, of):
    """`dispatch = wait`: until then its clients come to the program."""
    at = f"tcp:127.0.0.1:{OUR_PORT}"
    owner = {"exec": [PYTHON, "-c", OWNER], "dispatch": "wait", "at_stop": "leave"}
    daemon = superd(ECHO + service("x", listen=at, **owner))
    with socket.create_connection(("127.0.0.1", OUR_PORT)) as client:
        assert client.recv(64) == b"mine"
        daemon.reload(ECHO + service(name, listen=at, **of))
        client.sendall(b"end")
        assert client.recv(64) == b""
    daemon.wait_log("service 'x': ended")
    eventually(lambda: ask_v4(socket.SOCK_STREAM))
