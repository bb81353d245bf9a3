"""A program that has the listening socket can neither ruin it nor keep it."""

import os
import signal
import socket

import pytest

from process import alive, eventually
from settings import ECHO, HOST, PORT, service

PYTHON = "/usr/bin/python3"
ANY, FIXED = "127.0.0.1:0", f"{HOST}:{PORT}"

# Each serves one client, does harm, and ends.
DATAGRAM = """
import ctypes, socket, struct
listener = socket.socket(fileno=0)
data, peer = listener.recvfrom(64)
listener.sendto(data.upper(), peer)
"""
STREAM = """
import socket
listener = socket.socket(fileno=0)
client, _ = listener.accept()
client.sendall(client.recv(64).upper())
client.close()
"""
CONNECT = "listener.connect(('127.0.0.9', 9))"
CONNECT_TO_ITS_CLIENT = "listener.connect(peer)"
SHUT_ALL = "listener.shutdown(socket.SHUT_RDWR)"
SHUT_READING = "listener.shutdown(socket.SHUT_RD)"
# An instruction that takes no packet. SO_ATTACH_FILTER, SO_LOCK_FILTER
FILTER = """
instruction = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))
program = struct.pack("HP", 1, ctypes.addressof(instruction))
listener.setsockopt(socket.SOL_SOCKET, 26, program)
"""
LOCK = FILTER + "listener.setsockopt(socket.SOL_SOCKET, 44, 1)"
HARMS = {
    "connected": ("udp", DATAGRAM + CONNECT),
    "connected to its client": ("udp", DATAGRAM + CONNECT_TO_ITS_CLIENT),
    "a filter": ("udp", DATAGRAM + FILTER),
    "a locked filter": ("udp", DATAGRAM + LOCK),
    "shut down for reading": ("udp", DATAGRAM + "listener.connect(peer)\n" + SHUT_READING),
    "shut down": ("tcp", STREAM + SHUT_ALL),
}
# Says what its client has from the listener, and changes that for those who come later.
LINGERS = """
import socket, struct
listener = socket.socket(fileno=0)
client, _ = listener.accept()
client.sendall(client.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 4))
listener.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("=ii", 1, 10000))
"""

ACCEPTS = """
import os, socket
listener = socket.socket(fileno=0)
while True:
    with listener.accept()[0] as client:
        client.sendall(b"%d" % os.getpid())
"""


def waiting(script, listen="tcp:127.0.0.1:0", **options):
    options.setdefault("stderr", "log")
    return service("x", listen=listen, exec=[PYTHON, "-c", script], dispatch="wait", **options)


def ask(daemon, kind):
    if kind == "tcp":
        return daemon.ask("x", b"client")
    with daemon.datagram("x", kind) as client:
        client.send(b"client")
        return client.recv(64)


@pytest.mark.parametrize("place_", [ANY, FIXED], ids=["any port", "fixed port"])
@pytest.mark.parametrize("harm", HARMS)
def test_harm_to_the_socket_ends_with_the_program(superd, harm, place_):
    kind, script = HARMS[harm]
    daemon = superd(waiting(script, f"{kind}:{place_}") + ECHO)
    for times in 1, 2, 3:
        assert ask(daemon, kind) == b"CLIENT"
        daemon.wait_log("service 'x': ended", count=times)
        # What follows from its end is done when this is answered.
        daemon.has_said("nothing")
    daemon.reload()
    assert ask(daemon, kind) == b"CLIENT"


def test_no_close_waits_because_a_program_made_its_clients_linger(superd):
    """Each connection has the option of its listener, for whoever accepts it later."""
    daemon = superd(waiting(LINGERS))
    for times in 1, 2:
        assert daemon.ask("x") == bytes(4)
        daemon.wait_log("service 'x': ended", count=times)
        daemon.has_said("nothing")


def test_harm_to_a_unix_socket_ends_with_the_program(superd, place):
    place.chmod(0o777)
    path = f"unix:{place}/socket"
    daemon = superd(waiting(STREAM + SHUT_ALL, path))
    for times in 1, 2:
        assert daemon.ask("x", b"client", "unix") == b"CLIENT"
        daemon.wait_log("ruined its socket .*: it was shut down; opened another", count=times)


# Serves one client whose answer is what the listener is like, and makes it worse for the next.
SETS = """
import socket, struct
S, I, T = socket.SOL_SOCKET, socket.IPPROTO_IP, socket.IPPROTO_TCP
OPTIONS = {OPTIONS}
listener = socket.socket(fileno=0)
client, _ = listener.accept()
client.sendall(repr([listener.getsockopt(*option, 40) for option, _ in OPTIONS]).encode())
client.close()
for option, value in OPTIONS:
    listener.setsockopt(*option, value)
"""
# SO_MAX_PACING_RATE is 47.
HARMLESS = """[
    ((I, socket.IP_TTL), 1),
    ((I, socket.IP_OPTIONS), bytes([131, 7, 4, 127, 0, 0, 1, 0])),
    ((S, 47), 1),
    ((S, socket.SO_SNDBUF), 5000),
    ((S, socket.SO_RCVTIMEO), struct.pack("=qq", 1, 0)),
    ((T, socket.TCP_USER_TIMEOUT), 1),
]"""


def test_options_that_a_program_sets_end_with_it(superd):
    daemon = superd(waiting(SETS.replace("{OPTIONS}", HARMLESS)))
    found = daemon.ask("x")
    for times in 1, 2:
        daemon.wait_log("service 'x': ended", count=times)
        assert daemon.ask("x") == found
    assert not daemon.has_said("ruined its socket")


def test_an_option_that_cannot_be_set_back_is_named(superd):
    clamp = "[((T, socket.TCP_WINDOW_CLAMP), 3000)]"
    daemon = superd(waiting(SETS.replace("{OPTIONS}", clamp)))
    found = daemon.ask("x")
    daemon.wait_log(
        r"service 'x': a process has ruined its socket tcp:[\d.:]+: "
        "its option TCP_WINDOW_CLAMP was changed; opened another"
    )
    assert daemon.ask("x") == found


def test_a_reload_while_the_program_runs_sets_options_for_good(superd):
    script = SETS.replace("{OPTIONS}", "[((S, socket.SO_KEEPALIVE), 1), ((S, socket.SO_RCVBUF), 5)]")
    script += "\nlistener.accept()[0].close()"
    text = waiting(script, rcvbuf="100k", keepalive=False)
    daemon = superd(text)
    first = daemon.ask("x")
    daemon.write(text.replace("100k", "200k"))
    daemon.reload()
    daemon.connect("x").close()
    daemon.wait_log("service 'x': ended")
    second = daemon.ask("x")
    daemon.connect("x").close()
    daemon.wait_log("service 'x': ended", count=2)
    assert second != first
    assert daemon.ask("x") == second
    daemon.connect("x").close()


def program_of(daemon):
    return int(daemon.ask("x"))


def test_stop_ends_the_program(superd):
    daemon = superd(waiting(ACCEPTS))
    pid = program_of(daemon)
    daemon.stop()
    daemon.wait_log(f"service 'x': ending pid {pid}, which has its socket")
    eventually(lambda: not alive(pid))


def test_a_keeper_that_is_killed_takes_the_program_along(superd):
    daemon = superd(waiting(ACCEPTS, f"tcp:{FIXED}"))
    pid = program_of(daemon)
    daemon.kill()
    eventually(lambda: not alive(pid))
    assert program_of(superd(waiting(ACCEPTS, f"tcp:{FIXED}"))) != pid


@pytest.mark.parametrize(
    "instead",
    [ECHO, waiting(ACCEPTS, f"tcp:{HOST}:{PORT}"), service("x", exec=["/bin/cat"])],
    ids=["removed", "other listener", "other dispatch"],
)
def test_a_reload_ends_the_program_of_what_is_gone(superd, instead):
    daemon = superd(waiting(ACCEPTS))
    address, pid = daemon.address("x"), program_of(daemon)
    daemon.reload(instead)
    eventually(lambda: not alive(pid))
    if instead == ECHO:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)


def test_a_reload_leaves_the_program_of_what_stays(superd):
    daemon = superd(waiting(ACCEPTS))
    pid = program_of(daemon)
    daemon.reload(waiting(ACCEPTS, nice=5) + ECHO)
    assert program_of(daemon) == pid
    assert not daemon.log.find("ending pid")


def test_a_program_may_outlive_superd_and_its_service(superd):
    leaving = waiting(ACCEPTS, at_stop="leave")
    daemon = superd(leaving + ECHO)
    address, pid = daemon.address("x"), program_of(daemon)
    try:
        daemon.reload(ECHO)
        daemon.kill()
        daemon.process.wait()
        with socket.create_connection(address, 10) as client:
            assert int(client.recv(64)) == pid
    finally:
        os.kill(pid, signal.SIGKILL)
