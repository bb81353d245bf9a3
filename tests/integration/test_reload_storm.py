"""Two hundred reloads while clients connect without pause: nobody notices, and nothing is left."""

import itertools
import socket
import threading

from process import descriptors, eventually, memory, settled, status
from settings import service

RELOADS = 200
CLIENTS = 4
# Less than a leak of 1 KiB by each reload, and more than malloc() may keep in pieces.
SLACK = 128 * 1024


class Client(threading.Thread):
    """Asks the same services in turn until it is told to stop, and remembers what went wrong."""

    def __init__(self, expected, done):
        super().__init__(daemon=True)
        self.expected = expected
        self.done = done
        self.served = 0
        self.failures = []

    def run(self):
        for port, (question, answer) in itertools.cycle(self.expected.items()):
            if self.done.is_set():
                return
            try:
                with socket.create_connection(("127.0.0.1", port), 10) as client:
                    client.sendall(question)
                    client.shutdown(socket.SHUT_WR)
                    said = client.makefile("rb").read()
            except OSError as error:
                said = error
            if said == answer:
                self.served += 1
            else:
                self.failures.append((port, said))


def configuration(number):
    """Two services stay as they are, one changes its program and one comes under a new name."""
    return (
        'defaults { log_on_success = {"none"} }\n'
        + service("fixed", exec=["/bin/echo", "fixed"])
        + service("echo", builtin="echo")
        + service("changing", exec=["/bin/echo", str(number)], instances=10 + number % 5)
        + service(f"passing-{number}", builtin="daytime")
    )


def served(clients):
    return sum(client.served for client in clients)


def footprint(daemon):
    return len(descriptors(daemon.keeper)), memory(daemon.keeper)


def test_two_hundred_reloads_lose_no_client_and_leak_nothing(superd):
    daemon = superd(configuration(0))
    for number in range(1, 6):
        daemon.reload(configuration(number))
    daemon.reload(configuration(0))
    expected = {
        daemon.port("fixed"): (b"", b"fixed\n"),
        daemon.port("echo"): (b"ping", b"ping"),
    }
    eventually(lambda: daemon.fronts() == [daemon.front])
    held, private = settled(lambda: footprint(daemon))

    done = threading.Event()
    clients = [Client(expected, done) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    for number in range(1, RELOADS + 1):
        daemon.reload(configuration(number % RELOADS))
        before = served(clients)
        eventually(lambda: served(clients) >= before + CLIENTS)
    done.set()
    for client in clients:
        client.join(30)

    assert [client.failures for client in clients] == [[]] * CLIENTS
    assert all(client.served > RELOADS / 4 for client in clients)
    eventually(lambda: daemon.fronts() == [daemon.front])
    now_held, now_private = settled(lambda: footprint(daemon))
    assert now_held == held
    assert now_private <= private + SLACK
    assert daemon.ask("changing") == b"0\n"
    assert int(status(daemon.keeper)["Threads"]) == 1
