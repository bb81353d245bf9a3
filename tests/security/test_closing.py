"""Descriptors whose close() lasts as long as somebody else likes: they never hold the keeper."""

import errno
import os
import signal
import socket
import struct
import threading

import pytest

import fuse
from process import children, eventually
from settings import ECHO, ROOT, service

pytestmark = pytest.mark.skipif(not ROOT, reason="needs root, as who takes over the front does not")

SERVICES = service("cat", exec=["/bin/cat"]) + ECHO
FORBIDDEN = r"the front \(pid {}\) sent a forbidden message; ending it"
SO_PASSRIGHTS = 83
FOREVER = struct.pack("=ii", 1, 100000)

# Of the FUSE protocol
LOOKUP, FORGET, GETATTR, OPEN, FLUSH, INIT, INTERRUPT, BATCH_FORGET = 1, 2, 3, 14, 25, 26, 36, 42
ATTRIBUTES = struct.pack("=6Q10I", 2, 0, 0, 0, 0, 0, 0, 0, 0, 0o100666, 1, 0, 0, 0, 4096, 0)
ANSWERS = {
    INIT: struct.pack("=4I2H10I", 7, 23, 4096, 0, 1, 1, 4096, 1, *[0] * 8),
    LOOKUP: struct.pack("=4Q2I", 2, 1, 3600, 3600, 0, 0) + ATTRIBUTES,
    GETATTR: struct.pack("=Q2I", 3600, 0, 0) + ATTRIBUTES,
    OPEN: struct.pack("=Q2I", 1, 0, 0),
    FLUSH: b"",
}


def name_of(pid):
    try:
        with open(f"/proc/{pid}/comm") as name:
            return name.read().rstrip("\n")
    except OSError:
        return None


class StuckFile:
    """A file of a file system that does not answer when the keeper, or whom it sends, closes it."""

    def __init__(self, path):
        self.path = str(path).encode()
        self.device = fuse.mount(path)
        self.keeper = None
        self.stuck = []
        self.server = threading.Thread(target=self.serve)
        self.server.start()

    def serve(self):
        while True:
            try:
                request = os.read(self.device, 1 << 17)
            except OSError as error:
                if error.errno == errno.ENODEV:
                    return
                continue
            _, call, number, _, _, _, pid, _ = struct.unpack("=IIQQIIII", request[:40])
            if call == FLUSH and (pid == self.keeper or name_of(pid) == "superd-close"):
                self.stuck.append(pid)
            elif call not in (FORGET, BATCH_FORGET, INTERRUPT):
                answer = ANSWERS.get(call)
                status = 0 if answer is not None else -errno.ENOSYS
                answer = answer or b""
                os.write(self.device, struct.pack("=IiQ", 16 + len(answer), status, number) + answer)

    def open(self):
        return os.open(self.path + b"/file", os.O_RDWR)

    def end(self):
        """Whoever waits for an answer goes on."""
        fuse.unmount(self.path, fuse.MNT_FORCE | fuse.MNT_DETACH)
        self.server.join()
        os.close(self.device)


@pytest.fixture
def stuck_file(place):
    found = StuckFile(fuse.folder(place, "stuck"))
    yield found
    found.end()


def closers(daemon):
    """The processes that close for the keeper, and have not been reaped."""
    return [pid for pid in children(daemon.keeper) if name_of(pid) == "superd-close"]


def assert_replaced(front):
    """The keeper has ended it, another serves, and the keeper acts on signals."""
    daemon = front.daemon
    daemon.wait_log(FORBIDDEN.format(front.pid))
    front.successor()
    assert daemon.ask("echo", b"a session") == b"a session"
    assert daemon.ask("cat", b"a program") == b"a program"


def test_a_file_that_cannot_be_closed_does_not_hold_the_keeper(owned, stuck_file):
    front = owned(SERVICES)
    stuck_file.keeper = front.daemon.keeper
    front.hold()
    fd = stuck_file.open()
    number = front.take(fd)
    os.close(fd)
    front.spawn(number)
    assert_replaced(front)
    eventually(lambda: stuck_file.stuck and stuck_file.stuck == closers(front.daemon))
    front.daemon.reload(SERVICES + service("more", exec=["/bin/cat"]))


def fill(connection):
    """Its last close() waits for its peer, which reads nothing."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, FOREVER)
    connection.setblocking(False)
    try:
        while connection.send(bytes(1 << 16)):
            pass
    except BlockingIOError:
        connection.setblocking(True)


def lingering(front, n):
    """Connections of the front whose peers read nothing, and who waits for them."""
    waiting, numbers = [], []
    for _ in range(n):
        client = front.daemon.connect("cat")
        number = front.accept()
        fd = front.give(number)
        with socket.socket(fileno=fd) as connection:
            fill(connection)
        waiting.append(client)
        numbers.append(number)
    return waiting, numbers


def test_connections_left_in_the_channel_do_not_hold_the_keeper(owned):
    front = owned(SERVICES)
    front.hold()
    clients, numbers = lingering(front, 4)
    os.kill(front.daemon.keeper, signal.SIGSTOP)
    front.send(front.message(0))
    for number in numbers:
        front.send(front.request("SPAWN"), [number])
    os.kill(front.daemon.keeper, signal.SIGCONT)
    assert_replaced(front)
    for client in clients:
        client.close()
    eventually(lambda: not closers(front.daemon))


def test_more_connections_than_a_message_may_have_do_not_hold_the_keeper(owned):
    front = owned(SERVICES)
    front.hold()
    clients, numbers = lingering(front, 4)
    front.send(front.request("SPAWN"), numbers)
    assert_replaced(front)
    for client in clients:
        client.close()
    eventually(lambda: not closers(front.daemon))


def send_lingering(to):
    """Sends a connection of ours that lingers, and keeps the peer of that one."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        connection = socket.create_connection(server.getsockname())
        peer, _ = server.accept()
    fill(connection)
    try:
        socket.send_fds(to, [b"x"], [connection.fileno()])
    except OSError:
        # Otherwise we would wait ourselves.
        peer.close()
        raise
    finally:
        connection.close()
    return peer


def connect_to(path, kind=socket.SOCK_STREAM):
    client = socket.socket(socket.AF_UNIX, kind)
    client.connect(path)
    return client


def test_clients_that_wait_do_not_hold_the_keeper_when_their_service_goes(superd, place):
    """Nobody has received what they have sent."""
    path = f"{place}/full.sock"
    full = service("full", listen=f"unix:{path}", exec=["/bin/cat"], instances=1)
    daemon = superd(SERVICES + full)
    with connect_to(path) as first, connect_to(path) as second:
        daemon.wait_log("service 'full': accepted")
        with send_lingering(second):
            second.close()
            daemon.reload(SERVICES)
            assert daemon.ask("cat", b"a program") == b"a program"
            daemon.reload(SERVICES + full)
            assert daemon.ask("cat", b"a program") == b"a program"
        first.close()


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_clients_of_a_builtin_send_no_descriptors(superd, place, kind):
    """Those would be closed by the front."""
    path = f"{place}/builtin.sock"
    protocol = "unix" if kind == socket.SOCK_STREAM else "unix-dgram"
    daemon = superd(SERVICES + service("builtin", listen=f"{protocol}:{path}", builtin="echo"))
    with connect_to(path, kind) as client:
        try:
            client.getsockopt(socket.SOL_SOCKET, SO_PASSRIGHTS)
        except OSError:
            pytest.skip("the kernel cannot refuse descriptors")
        with pytest.raises(PermissionError):
            send_lingering(client)
    assert daemon.ask("echo", b"a session") == b"a session"
