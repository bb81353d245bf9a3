"""What a front that was taken over says to the keeper. One that says what is forbidden is ended."""

import os
import socket

import pytest

from process import alive, eventually
from settings import ECHO, service

# By their numbers.
CAT, OTHER, BUILTIN, DATAGRAMS = range(4)
SERVICES = (
    service("cat", exec=["/bin/cat"])
    + service("other", exec=["/bin/cat"])
    + ECHO
    + service("datagrams", listen="udp:127.0.0.1:0", exec=["/bin/cat"])
)
FORBIDDEN = r"the front \(pid {}\) sent a forbidden message; ending it"


def assert_served(daemon):
    assert daemon.ask("cat", b"a program") == b"a program"
    assert daemon.ask("echo", b"a session") == b"a session"


def assert_ended(front):
    """The keeper has ended it, and another serves."""
    front.daemon.wait_log(FORBIDDEN.format(front.pid))
    eventually(lambda: not alive(front.pid))
    front.successor()
    assert_served(front.daemon)


def test_an_honest_request_is_served(owned):
    """So that the others fail for the reason that they name."""
    front = owned(SERVICES)
    front.hold()
    client = front.daemon.connect("cat")
    assert front.spawn(front.accept()) > 0
    front.release()
    client.sendall(b"hello")
    assert client.recv(64) == b"hello"
    assert alive(front.pid)


MESSAGES = {
    "no type": lambda front: front.message(0),
    "a type that does not exist": lambda front: front.message(1000),
    "a command": lambda front: front.message("DRAIN"),
    "half a message": lambda front: front.message("READY")[:-100],
    "READY for the second time": lambda front: front.message("READY"),
    "no descriptor": lambda front: front.request("SPAWN"),
    "GROW for what is no pool": lambda front: front.message("GROW", CAT),
    "GROW for no service": lambda front: front.message("GROW", 0xFFFFFFFF),
    "WAIT for a program per client": lambda front: front.request("WAIT"),
    "DISMISS for no service": lambda front: front.message("DISMISS", 0xFFFFFFFF),
}


@pytest.mark.parametrize("what", MESSAGES)
def test_a_bad_message_ends_the_front(owned, what):
    front = owned(SERVICES)
    front.send(MESSAGES[what](front))
    assert_ended(front)


def connection(front, name):
    """Accepted from the listener of a service, as the front itself would."""
    front.daemon.connect(name)
    return front.accept(["cat", "other", "echo"].index(name))


def pair(front):
    return front.take(socket.socketpair()[0])


def elsewhere(front):
    """A connection to somebody else's listener: both ends are no client of ours."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return front.take(socket.create_connection(server.getsockname()))


def connecting(front):
    """The client's own end."""
    return front.take(front.daemon.connect("cat"))


def unconnected(front):
    return front.take(socket.socket(socket.AF_INET, socket.SOCK_STREAM))


SPAWN = {
    "a pipe": (CAT, lambda front: front.take(os.pipe()[0])),
    "a file": (CAT, lambda front: front.take(os.open("/dev/null", os.O_RDWR))),
    "a memfd": (CAT, lambda front: front.take(os.memfd_create("x"))),
    "a directory": (CAT, lambda front: front.take(os.open("/", os.O_PATH))),
    "a process": (CAT, lambda front: front.take(os.pidfd_open(os.getpid()))),
    "a listener": (CAT, lambda front: front.listener()),
    "the channel": (CAT, lambda front: front.channel),
    "a pair": (CAT, pair),
    "a socket without a peer": (CAT, unconnected),
    "a connection elsewhere": (CAT, elsewhere),
    "the client's end": (CAT, connecting),
    "a connection of another service": (CAT, lambda front: connection(front, "other")),
    "a connection of a built-in": (CAT, lambda front: connection(front, "echo")),
    "a connection of a built-in, as such": (
        BUILTIN,
        lambda front: connection(front, "echo"),
    ),
    "a socket of datagrams": (CAT, lambda front: front.listener(DATAGRAMS)),
    "no such service": (0xFFFFFFFF, lambda front: connection(front, "cat")),
}


@pytest.mark.parametrize("what", SPAWN)
def test_what_is_no_connection_of_a_client_starts_nothing(owned, what):
    number, make = SPAWN[what]
    front = owned(SERVICES)
    front.hold()
    front.spawn(make(front), number, min(number, DATAGRAMS))
    front.daemon.wait_log(FORBIDDEN.format(front.pid))
    before, _, _ = front.daemon.log.text().partition("sent a forbidden message")
    assert "accepted" not in before
    assert_ended(front)


def test_two_descriptors_are_one_too_many(owned):
    front = owned(SERVICES)
    front.hold()
    fd = connection(front, "cat")
    front.send(front.request("SPAWN"), [fd, fd])
    assert_ended(front)
