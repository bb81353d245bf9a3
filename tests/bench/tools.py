"""What every measurement needs: where programs are, free ports, a command to be started."""

import itertools
import os
import random
import socket
from dataclasses import dataclass, field

# What a program inherits costs time at its start: the same little for everybody.
ENVIRONMENT = {"PATH": os.defpath}


class NotStarted(Exception):
    """A server cannot be measured; the rest goes on."""


@dataclass
class Command:
    argv: list
    port: int
    host: str = "127.0.0.1"
    protocol: str = "tcp"
    env: dict = field(default_factory=lambda: ENVIRONMENT)
    pid_file: str = ""
    notifies: bool = False
    log: object = None  # of logs.py
    pid: int = 0  # of the server, if it is not the process that is started


@dataclass
class Tools:
    build: str
    superd: str
    peers: dict
    folder: str
    numbers: itertools.count = field(default_factory=itertools.count)

    def path(self, name):
        return os.path.join(self.build, name)

    def new_path(self, name):
        return os.path.join(self.folder, f"{next(self.numbers)}-{name}")

    def write(self, name, text):
        path = self.new_path(name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path


def socket_kind(protocol):
    return socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM


def free_port():
    """A port above those that the kernel gives to clients."""
    while True:
        port = random.randrange(61000, 65500)
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            try:
                tcp.bind(("127.0.0.1", port))
                udp.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
