"""A superd whose front somebody has taken over, and the orders of that one: see owned.c."""

import array
import os
import re
import socket
import struct
from contextlib import suppress

from daemon import PATIENCE
from process import eventually

OWNED = os.path.abspath(os.environ.get("OWNED", "build/tests/security/superd-owned"))
ADDRESS_SIZE = 116  # of struct address
SCRATCH_SIZE = 256 * 1024


class Gone(Exception):
    """The front has ended, perhaps because of the order."""


class Front:
    """One front. Orders return what the system call does, or a negative errno."""

    def __init__(self, server):
        self.server = server
        self.control, _ = server.accept()
        self.control.settimeout(PATIENCE)
        lines = self.control.recv(1 << 16).decode().splitlines()
        self.numbers = {name: int(number) for name, number in map(str.split, lines)}
        credentials = self.control.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        self.pid = struct.unpack("=iII", credentials)[0]  # as we know it
        self.channel = self.numbers["channel"]
        self.used = 0

    def listener(self, endpoint=0):
        return self.numbers[f"listener-{endpoint}"]

    def successor(self):
        """The front that comes next, or has come already."""
        return Front(self.server)

    # Memory

    def peek(self, address, size):
        with open(f"/proc/{self.pid}/mem", "rb", buffering=0) as memory:
            return os.pread(memory.fileno(), size, address)

    def poke(self, address, data):
        with open(f"/proc/{self.pid}/mem", "r+b", buffering=0) as memory:
            assert os.pwrite(memory.fileno(), data, address) == len(data)

    def put(self, data):
        """Somewhere in the front's memory, until a few more have been put. Returns the address."""
        size = -len(data) % 16 + len(data)
        if self.used + size > SCRATCH_SIZE:
            self.used = 0
        address = self.numbers["scratch"] + self.used
        self.used += size
        self.poke(address, data)
        return address

    def mappings(self, flags="rw.s"):
        """The address ranges whose flags match: those that are shared with the keeper."""
        with open(f"/proc/{self.pid}/maps") as maps:
            found = re.findall(rf"^(\w+)-(\w+) {flags} ", maps.read(), re.M)
        return [(int(start, 16), int(end, 16)) for start, end in found]

    def remembers(self, text):
        """Whether the text is anywhere in its memory."""
        for start, end in self.mappings("r..."):
            try:
                if text in self.peek(start, end - start):
                    return True
            except OSError:
                continue
        return False

    def where(self, text):
        """The mappings that have the text, for a message."""
        with open(f"/proc/{self.pid}/maps") as maps:
            lines = maps.read().splitlines()
        return [line for line in lines if self._has(line, text)]

    def _has(self, line, text):
        start, end = (int(word, 16) for word in line.split()[0].split("-"))
        try:
            return text in self.peek(start, end - start)
        except (OSError, OverflowError):
            return False

    # System calls

    def order(self, call, *arguments):
        """Like call(), but its answer is to be fetched."""
        number = self.numbers[call] if isinstance(call, str) else call
        words = [self.put(a) if isinstance(a, bytes) else a for a in arguments]
        try:
            self.control.send(struct.pack("=7q", number, *words, *[0] * (6 - len(words))))
        except (BrokenPipeError, ConnectionResetError):
            raise Gone from None

    def answer(self):
        try:
            answer = self.control.recv(8)
        except ConnectionResetError:
            answer = b""
        if not answer:
            raise Gone
        return struct.unpack("=q", answer)[0]

    def call(self, call, *arguments):
        """For bytes, the call gets their address in the front's memory."""
        self.order(call, *arguments)
        return self.answer()

    def end(self, status=0):
        self.order("exit_group", status)
        assert not self.control.recv(8)

    def be_deaf(self):
        self.poke(self.numbers["deaf"], b"\1")

    def hold(self):
        """From now on the thread alone accepts, and reads what the keeper says."""
        self.call("write", self.numbers["hold"], struct.pack("=Q", 1), 8)
        eventually(lambda: self.peek(self.numbers["held"], 1) == b"\1")

    def release(self):
        self.call("write", self.numbers["hold"], struct.pack("=Q", 1), 8)

    # Descriptors and messages

    def header(self, data, fds=(), room=0):
        """A struct msghdr in its memory; with `room` for descriptors that are to come."""
        part = struct.pack("=QQ", self.put(data), len(data))
        rights = array.array("i", fds).tobytes()
        control = struct.pack("=Qii", 16 + len(rights), socket.SOL_SOCKET, socket.SCM_RIGHTS)
        control = (control + rights if fds else b"") + bytes(room and 16 + 4 * room)
        control += bytes(-len(control) % 8)
        at = self.put(control) if control else 0
        return self.put(
            struct.pack("=QIxxxxQQQQixxxx", 0, 0, self.put(part), 1, at, len(control), 0)
        ), at

    def send(self, data, fds=(), to=None):
        """One message with these descriptors of the front's, to the keeper if not told otherwise.

        None means that the front was ended, perhaps for this message.
        """
        header, _ = self.header(data, fds)
        try:
            return self.call("sendmsg", to or self.channel, header, socket.MSG_NOSIGNAL)
        except Gone:
            return None

    def take(self, fd):
        """Gives the front a copy of a descriptor of ours. Returns its number there."""
        header, at = self.header(b"x", room=1)
        self.order("recvmsg", self.numbers["control"], header, 0)
        socket.send_fds(self.control, [b"x"], [fd.fileno() if hasattr(fd, "fileno") else fd])
        assert self.answer() == 1
        return struct.unpack("=i", self.peek(at + 16, 4))[0]

    def give(self, number):
        """A copy, for us, of a descriptor of the front."""
        header, _ = self.header(b"x", [number])
        self.order("sendmsg", self.numbers["control"], header, 0)
        _, fds, _, _ = socket.recv_fds(self.control, 1, 1)
        assert self.answer() == 1
        return fds[0]

    def message(self, kind, *words):
        """A message to the keeper: its type, by name or number, and the numbers that follow."""
        kind = self.numbers[kind] if isinstance(kind, str) else kind
        return struct.pack(f"=I{len(words)}I", kind, *words).ljust(self.numbers["message"], b"\0")

    def request(self, kind, service=0, endpoint=0, peer=b"", local=b""):
        """A message with a request; for the addresses see inet() and unix()."""
        message = bytearray(self.message(kind, service, endpoint))
        for name, address in ("peer", peer), ("local", local):
            at = self.numbers[name]
            message[at : at + 4] = struct.pack("=I", len(address))
            message[at + 4 : at + ADDRESS_SIZE] = address.ljust(ADDRESS_SIZE - 4, b"\0")
        return bytes(message)

    def spawn(self, fd, service=0, endpoint=0, **addresses):
        """Asks for a program for a descriptor, and closes it."""
        sent = self.send(self.request("SPAWN", service, endpoint, **addresses), [fd])
        if sent is not None:
            with suppress(Gone):
                self.call("close", fd)
        return sent

    def accept(self, endpoint=0):
        return self.call("accept4", self.listener(endpoint), 0, 0, socket.SOCK_CLOEXEC)


def inet(host, port):
    """A struct sockaddr_in."""
    return struct.pack("=HH4s8x", socket.AF_INET, socket.htons(port), socket.inet_aton(host))


def unix(path):
    """A struct sockaddr_un."""
    return struct.pack("=H", socket.AF_UNIX) + path.encode() + b"\0"
