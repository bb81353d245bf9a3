"""The socket over which a service says how it is: READY=1, RELOADING=1."""

import os
import socket
import time
from contextlib import contextmanager

from tools import NotStarted


class Notify:
    def __init__(self, receiver, path):
        self.receiver = receiver
        self.path = path

    def wait(self, word, process, seconds):
        """Returns when a message with @word comes."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if process.poll() is not None:
                raise NotStarted(f"ended with status {process.returncode}")
            try:
                if word in self.receiver.recv(4096).split(b"\n"):
                    return
            except TimeoutError:
                continue
        raise NotStarted(f"did not say {word.decode()} in {seconds:g} s")


@contextmanager
def notify_socket(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(path)
        os.chmod(path, 0o666)
        receiver.settimeout(0.1)
        try:
            yield Notify(receiver, path)
        finally:
            os.unlink(path)
