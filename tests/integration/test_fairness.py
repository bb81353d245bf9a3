"""However many clients one service has, another has its turn before they are all served."""

import re
import socket

import pytest

from daemon import PATIENCE
from settings import service

POLLERS = ["select", "epoll"]
FLOOD = 1000
UDP = "udp:127.0.0.1:0"


@pytest.mark.parametrize("poller", POLLERS)
@pytest.mark.parametrize("shards", [None, 1])
def test_a_flood_of_datagrams_lets_others_have_their_turn(superd, poller, shards):
    """All answers meet in one queue, which keeps their order."""
    flooded = service("flooded", UDP, builtin="echo", rcvbuf="2m", shards=shards)
    others = [
        service(name, UDP, builtin="echo", shards=shards) for name in ("before", "after")
    ]
    daemon = superd(f"poller = {poller}\nworkers = 1\n" + others[0] + flooded + others[1])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2 << 20)
        client.bind(("127.0.0.1", 0))
        daemon.stop_process(daemon.front)
        for _ in range(FLOOD):
            client.sendto(b"flood", daemon.address("flooded", "udp"))
        for name in ("before", "after"):
            client.sendto(name.encode(), daemon.address(name, "udp"))
        daemon.continue_process(daemon.front)
        answers = [client.recv(64) for _ in range(FLOOD + 2)]
    assert max(answers.index(b"before"), answers.index(b"after")) < FLOOD / 2


@pytest.mark.parametrize("poller", POLLERS)
@pytest.mark.parametrize("how", [{"builtin": "daytime"}, {"exec": ["/bin/true"]}])
def test_a_flood_of_connections_lets_others_have_their_turn(superd, poller, how):
    names = ("before", "flooded", "after")
    daemon = superd(f"poller = {poller}\n" + "".join(service(name, **how) for name in names))
    addresses = {name: daemon.address(name) for name in names}
    daemon.stop_process(daemon.front)
    clients = [socket.create_connection(addresses["flooded"]) for _ in range(200)]
    clients += [socket.create_connection(addresses[name]) for name in ("before", "after")]
    daemon.continue_process(daemon.front)
    daemon.wait_log("accepted", count=len(clients))
    found = re.findall(r"service '(\w+)': accepted [^,\n]*(?:, pid (\d+))?", daemon.log.text())
    # The line of a program follows once it runs, which may take one longer than the next.
    order = [name for name, _ in sorted(found, key=lambda name_and_pid: int(name_and_pid[1] or 0))]
    assert max(order.index("before"), order.index("after")) < 100
    for client in clients:
        client.close()
