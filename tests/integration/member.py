"""A program of dispatch = pass that does what its clients tell it, line by line."""

import os
import selectors
import socket
import sys

superd = socket.socket(fileno=0)
selector = selectors.DefaultSelector()


class Client:
    def __init__(self, text, descriptor):
        self.variables = dict(line.split("=", 1) for line in text.decode().split("\0")[:-1])
        self.number = self.variables["SUPERD_CLIENT"]
        self.socket = socket.socket(fileno=descriptor)
        self.lines = self.socket.makefile("r")
        selector.register(self.socket, selectors.EVENT_READ, self)

    def obey(self):
        word, _, rest = self.lines.readline().rstrip("\n").partition(" ")
        getattr(self, word or "done")(rest)

    def answer(self, what):
        self.socket.sendall(f"{what}\n".encode())

    def who(self, rest):
        self.answer(f"{os.getpid()} {self.number} {self.socket.getpeername()}")

    def variables_of(self, rest):
        self.answer(self.variables)

    def env(self, name):
        self.answer(os.environ.get(name))

    def descriptors(self, rest):
        self.answer(sorted(int(fd) for fd in os.listdir("/proc/self/fd"))[:-1])

    def say(self, rest):
        superd.send(rest.encode())
        self.answer("said")

    def deaf(self, rest):
        selector.unregister(superd)
        self.answer("deaf")

    def hear(self, rest):
        selector.register(superd, selectors.EVENT_READ)
        self.answer("hearing")

    def exit(self, status):
        os._exit(int(status))

    def forget(self, rest):
        selector.unregister(self.socket)
        self.lines.close()
        self.socket.close()

    def done(self, rest):
        self.forget(rest)
        superd.send(f"DONE={self.number}".encode())


def receive():
    text, descriptors, _, _ = socket.recv_fds(superd, 4096, 1)
    if text:
        Client(text, descriptors[0])
    else:
        selector.unregister(superd)


def say_ready(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.connect(path.replace("@", "\0", 1))
        notify.send(b"READY=1")


if sys.argv[1:] == ["notify"]:
    say_ready(os.environ["NOTIFY_SOCKET"])
selector.register(superd, selectors.EVENT_READ)
while selector.get_map():
    for key, _ in selector.select():
        if key.fileobj is superd:
            receive()
        elif key.data.socket.fileno() >= 0:
            key.data.obey()
