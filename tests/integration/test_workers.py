"""Sessions that do not end at once are served by threads, and end by limits of time."""

import concurrent.futures
import contextlib
import os
import signal
import socket

import pytest

from process import alive, eventually, memory, threads
from settings import ECHO, service

MANY = 400
CHARGEN = service("chargen", builtin="chargen")
DISCARD = service("discard", builtin="discard")


def with_workers(n, text):
    return f"workers = {n}\n{text}"


@pytest.fixture(params=[0, 1, 4])
def workers(request):
    return request.param


def echo(client, data=b"ping"):
    client.sendall(data)
    return client.recv(len(data), socket.MSG_WAITALL)


def held(daemon, n, name="echo"):
    """Clients that have been answered and stay."""
    clients = [daemon.connect(name) for _ in range(n)]
    assert all(echo(client) == b"ping" for client in clients)
    return clients


def ended(daemon, name="echo"):
    return len(daemon.log.find(rf"service '{name}': ended"))


def signals(thread, which):
    """The numbers that programs may use; the C library has 32 and 33 for itself."""
    mask = int(thread[which], 16)
    return {number for number in range(1, 32) if mask >> (number - 1) & 1}


def test_the_workers_are_there_before_their_clients(superd):
    daemon = superd(with_workers(3, ECHO))
    eventually(lambda: len(threads(daemon.front)) == 4)  # each gives itself its name
    main, *workers = threads(daemon.front)
    assert [thread["Name"] for thread in workers] == ["superd-worker"] * 3
    for thread in workers:
        assert signals(thread, "SigBlk") == set(range(1, 32)) - {signal.SIGKILL, signal.SIGSTOP}
    held(daemon, 10)
    assert len(threads(daemon.front)) == 4


def fill(client):
    """Sends until nothing more is taken. Nobody reads the answers."""
    client.settimeout(0.2)
    with contextlib.suppress(TimeoutError):
        while True:
            client.sendall(bytes(65536))


def test_workers_give_back_the_memory_of_clients_that_do_not_read(superd):
    daemon = superd(with_workers(1, ECHO))
    front = daemon.front
    clients = held(daemon, 16)
    with concurrent.futures.ThreadPoolExecutor(len(clients)) as pool:
        list(pool.map(fill, clients))
    for client in clients:
        client.close()
    eventually(lambda: ended(daemon) == len(clients))
    assert echo(daemon.connect("echo")) == b"ping"
    assert daemon.front == front


def test_without_workers_there_is_one_thread(superd):
    daemon = superd(with_workers(0, ECHO))
    held(daemon, 10)
    assert len(threads(daemon.front)) == 1


def test_hundreds_of_clients_are_served_and_counted(superd, workers):
    daemon = superd(with_workers(workers, ECHO))
    clients = held(daemon, MANY)
    for client in clients[::2]:
        client.close()
    daemon.wait_log("service 'echo': ended .* 4 bytes in, 4 bytes out", count=MANY // 2)
    assert all(echo(client, b"still here") == b"still here" for client in clients[1::2])
    for client in clients:
        client.close()
    daemon.wait_log("service 'echo': ended .* 14 bytes in, 14 bytes out", count=MANY // 2)


def test_a_held_client_costs_little(superd, workers):
    daemon = superd(with_workers(workers, ECHO))
    held(daemon, MANY)
    before = memory(daemon.front)
    held(daemon, MANY)
    assert memory(daemon.front) - before < MANY * 400


def test_the_slot_of_a_client_returns(superd, workers):
    daemon = superd(with_workers(workers, service("echo", builtin="echo", instances=3)))
    for _ in range(20):
        clients = held(daemon, 3)
        late = daemon.connect("echo")
        for client in clients:
            client.close()
        assert echo(late) == b"ping"
        late.close()


def test_clients_that_never_read_hinder_nobody(superd, workers):
    daemon = superd(with_workers(workers, ECHO + CHARGEN + DISCARD))
    for name in ["chargen"] * 10 + ["echo"] * 10:
        client = daemon.connect(name)
        client.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                client.send(b"x" * 65536)
    assert daemon.ask("echo", b"y" * 1_000_000) == b"y" * 1_000_000
    assert daemon.ask("discard", b"y" * 1_000_000) == b""


def test_a_reload_leaves_clients_with_their_worker(superd, workers):
    daemon = superd(with_workers(workers, ECHO))
    clients = held(daemon, 50)
    old = daemon.front
    daemon.reload(with_workers(2, ECHO + DISCARD))
    assert daemon.front != old
    assert all(echo(client, b"as before") == b"as before" for client in clients)
    new = held(daemon, 50)
    for client in clients:
        client.close()
    daemon.wait_log("service 'echo': ended", count=50)
    eventually(lambda: not alive(old))
    assert all(echo(client) == b"ping" for client in new)


def test_the_time_of_grace_ends_clients_of_workers(superd, workers):
    daemon = superd("grace = 300ms\n" + with_workers(workers, ECHO + CHARGEN))
    held(daemon, 50)
    stuck = daemon.connect("chargen")
    assert stuck.recv(1)
    daemon.signal(signal.SIGTERM)
    assert daemon.process.wait(20) == 0
    daemon.wait_log("time is up, ending 51 sessions")
    daemon.wait_log("service 'echo': ended .*, cut off at the end of the grace time$", count=50)
    daemon.wait_log("service 'chargen': ended .*, cut off at the end of the grace time$")


def test_the_last_client_of_a_worker_ends_the_time_of_grace(superd, workers):
    daemon = superd("grace = 1h\n" + with_workers(workers, ECHO))
    clients = held(daemon, 5)
    daemon.signal(signal.SIGTERM)
    for client in clients:
        assert echo(client, b"to the end") == b"to the end"
        client.close()
    assert daemon.process.wait(20) == 0
    eventually(lambda: ended(daemon) == 5)


def test_an_idle_client_is_ended(superd, workers):
    daemon = superd(with_workers(workers, service("echo", builtin="echo", idle_timeout="200ms")))
    client = daemon.connect("echo")
    assert echo(client) == b"ping"
    assert client.recv(1) == b""
    daemon.wait_log(
        r"service 'echo': ended 127.0.0.1:\d+ after 0\.[2-9]\d\d s, "
        r"4 bytes in, 4 bytes out, idle for 0\.200 s$"
    )


def test_a_client_that_does_not_read_is_idle(superd, workers):
    chargen = service("chargen", builtin="chargen", idle_timeout="200ms")
    daemon = superd(with_workers(workers, chargen))
    daemon.connect("chargen")
    daemon.wait_log(r"service 'chargen': ended .* bytes out, idle for 0\.200 s$")


def test_a_client_that_goes_on_is_not_idle(superd, workers):
    daemon = superd(with_workers(workers, service("echo", builtin="echo", idle_timeout="1s")))
    busy, idle = held(daemon, 2)
    idle.setblocking(False)
    while not daemon.log.find("ended .*, idle for 1 s$"):
        assert echo(busy) == b"ping"
    assert idle.recv(1) == b""
    assert ended(daemon) == 1


def test_even_a_busy_client_has_a_lifetime(superd, workers):
    limits = {"idle_timeout": "10s", "max_lifetime": "1s"}
    daemon = superd(with_workers(workers, service("chargen", builtin="chargen", **limits)))
    client = daemon.connect("chargen")
    while client.recv(1 << 16):
        pass
    daemon.wait_log(r"service 'chargen': ended .* after 1\.\d\d\d s, .*, its 1 s were over$")


def test_whoever_floods_has_a_lifetime_too(superd, workers):
    discard = service("discard", builtin="discard", max_lifetime="300ms")
    daemon = superd(with_workers(workers, discard))
    client = daemon.connect("discard")
    with pytest.raises(ConnectionError):
        while True:
            client.send(b"x" * 65536)
    daemon.wait_log(r"service 'discard': ended .*, its 0\.300 s were over$")


def test_a_front_that_is_killed_is_followed_by_one_with_workers(superd):
    daemon = superd(with_workers(2, ECHO))
    held(daemon, 5)
    os.kill(daemon.front, signal.SIGKILL)
    daemon.wait_log("the front .* was killed by signal 9 .*; 5 sessions were lost")
    assert daemon.ask("echo", b"again") == b"again"
