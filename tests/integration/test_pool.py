"""`dispatch = pool`: children that are there beforehand and accept by themselves."""

import concurrent.futures
import os
import signal
import socket
import threading
import time

import pytest

from daemon import read_all
from members import LOOP, NOTIFY, PYTHON, READY_WHEN_TOLD, pid_of, pool, report, serves, started
from process import alive, descriptors, eventually, settled
from settings import ANY_PORT, ECHO, HOST, PORT, service, shell
from shipped import BUILD, reachable

SYSTEMD = """
import os, select, socket
assert os.environ["LISTEN_PID"] == str(os.getpid())
assert os.environ["LISTEN_FDNAMES"] == "x:x"
count = int(os.environ["LISTEN_FDS"])
listeners = [socket.socket(fileno=3 + i) for i in range(count)]
assert listeners[0].getsockname() == socket.socket(fileno=0).getsockname()
while True:
    ready, _, _ = select.select(listeners, [], [])
    client, _ = ready[0].accept()
    client.sendall(b"%d of %d\\n" % (listeners.index(ready[0]), count))
    client.close()
"""
DATAGRAMS = """
import os, socket
server = socket.socket(fileno=3)
while True:
    data, peer = server.recvfrom(2048)
    server.sendto(b"%d " % os.getpid() + data, peer)
"""


def test_children_share_the_listener(superd):
    daemon = superd(pool("x", processes=[2, 2]))
    pids = started(daemon, "x", 2)
    with daemon.connect("x") as one, daemon.connect("x") as other:
        assert {pid_of(one), pid_of(other)} == set(pids)


def test_children_find_all_listeners_as_systemd_passes_them(superd):
    daemon = superd(pool("x", SYSTEMD, listen=[ANY_PORT, "tcp:127.0.0.1:0"]))
    daemon.wait_log("listening on tcp", count=2)
    for i, endpoint in enumerate(daemon.endpoints("x")):
        with socket.create_connection(("127.0.0.1", int(endpoint.split(":")[-1]))) as client:
            assert client.recv(64) == b"%d of 2\n" % i


def test_a_pool_of_datagrams(superd):
    daemon = superd(pool("x", DATAGRAMS, listen="udp:127.0.0.1:0", processes=[0, 1]))
    with daemon.datagram("x") as client:
        client.send(b"hello")
        assert client.recv(64).endswith(b" hello")


def test_a_child_that_dies_is_replaced(superd):
    daemon = superd(pool("x", processes=[2, 2]))
    first = set(started(daemon, "x", 2))
    victim = serves(daemon, "x")
    os.kill(victim, signal.SIGKILL)
    daemon.wait_log(rf"service 'x': ended, pid {victim}, .*killed by signal 9")
    assert set(started(daemon, "x", 3)) > first
    assert serves(daemon, "x") != victim


def test_a_pool_grows_on_demand_up_to_max(superd):
    daemon = superd(pool("x", processes=[1, 3]))
    held = [daemon.connect("x") for _ in range(3)]
    assert len({pid_of(client) for client in held}) == 3
    last = daemon.connect("x")
    assert report(daemon, "x") == "3 of 1..3 processes ready"
    held[1].close()
    assert pid_of(last) in started(daemon, "x", 3)
    assert len(started(daemon, "x", 3)) == 3


def test_a_pool_that_copes_does_not_grow(superd):
    daemon = superd(pool("x", processes=[1, 8]))
    late = 0
    for _ in range(50):
        began = time.monotonic()
        serves(daemon, "x")
        late += time.monotonic() - began > 0.005
    # On a busy machine some wait for so long that the pool grows; on any other, it could find
    # another client at its second look.
    assert len(started(daemon, "x")) <= 3 + late


def test_surplus_children_end_when_they_are_idle(superd):
    daemon = superd(pool("x", processes=[1, 3], idle_exit="200ms"))
    held = [daemon.connect("x") for _ in range(3)]
    for client in held:
        pid_of(client)
    for client in held:
        client.close()
    daemon.wait_log("service 'x': ended, pid .*, exit status 0", count=2)
    assert report(daemon, "x") == "1 of 1..3 processes ready"
    serves(daemon, "x")


def test_a_child_with_a_silent_client_is_not_idle(superd):
    daemon = superd(pool("x", processes=[1, 2], idle_exit="1s"))
    with daemon.connect("x") as one, daemon.connect("x") as other:
        pids = [pid_of(one), pid_of(other)]
        other.close()
        daemon.wait_log(rf"service 'x': ended, pid {pids[1]}")
        one.sendall(b"still here?")
        assert one.recv(64) == b"still here?"


def test_with_min_0_a_service_starts_on_its_first_client_and_stops(superd):
    daemon = superd(pool("x", processes=[0, 1], idle_exit="200ms") + ECHO)
    assert daemon.ask("echo", b"x") == b"x"
    assert report(daemon, "x") == "0 of 0..1 processes ready"
    for n in (1, 2):
        pid = serves(daemon, "x")
        daemon.wait_log(rf"service 'x': ended, pid {pid}, .*exit status 0")
        assert started(daemon, "x", n)[-1] == pid


def test_clients_wait_until_a_child_is_ready(superd, place):
    told = place / "told"
    os.mkfifo(told)
    told.chmod(0o666)
    daemon = superd(pool("x", READY_WHEN_TOLD, [told], processes=[0, 1], ready="notify"))
    with daemon.connect("x") as client:
        started(daemon, "x")
        assert report(daemon, "x") == "0 of 0..1 processes ready, 1 starting"
        told.write_text("")
        pid_of(client)
        # A child may accept before superd has read that it is ready.
        eventually(lambda: report(daemon, "x") == "1 of 0..1 processes ready")


def test_only_the_child_itself_says_that_it_is_ready(superd):
    script = NOTIFY + "if os.fork() == 0: notify(b'READY=1'); os._exit(0)\nos.wait()\n" + LOOP
    daemon = superd(pool("x", script, ready="notify"))
    serves(daemon, "x")
    assert report(daemon, "x") == "0 of 1..1 processes ready, 1 starting"


def test_a_child_that_is_not_ready_in_time_is_ended(superd):
    deaf = "import signal; signal.signal(15, signal.SIG_IGN)\nwhile True: signal.pause()"
    daemon = superd(pool("x", deaf, ready="notify", ready_timeout="1s"))
    (pid,) = started(daemon, "x")
    daemon.wait_log(
        rf"service 'x': '{PYTHON}' \(pid {pid}\) has not sent READY=1 after 0.333 s; "
        "it has 0.667 s more"
    )
    daemon.wait_log(rf"service 'x': '{PYTHON}' \(pid {pid}\) was not ready after 1 s; ending it")
    daemon.wait_log(rf"service 'x': ended, pid {pid}, .*killed by signal 9")
    daemon.wait_log("service 'x': its program ended at once; next start in 1 s")
    started(daemon, "x", 2)


def test_a_program_that_crashes_is_started_with_growing_pauses(superd):
    daemon = superd(service("x", exec=["/bin/false"], dispatch="pool"))
    daemon.wait_log("service 'x': its program ended at once; next start in 1 s")
    assert report(daemon, "x") == "0 of 1..1 processes ready, next start in 1 s"
    daemon.wait_log("service 'x': its program ended 2 times in a row at once; next start in 2 s")
    assert len(started(daemon, "x")) == 2


def test_a_program_that_cannot_be_executed_is_said_and_tried_again(superd, place):
    program = place / "later"
    program.write_text(f"#!{PYTHON}\n{LOOP}")
    program.chmod(0o755)
    daemon = superd(service("x", exec=[program], dispatch="pool", processes=[0, 1]))
    program.write_text("#!/nonexistent\n")
    with daemon.connect("x") as client:
        daemon.wait_log(rf"service 'x': cannot start '{program}': .*: No such file")
        program.write_text(f"#!{PYTHON}\n{LOOP}")
        pid_of(client)


def test_a_service_without_a_change_keeps_its_children(superd):
    daemon = superd(pool("x", processes=[1, 2]) + ECHO)
    with daemon.connect("x") as client:
        assert pid_of(client) in started(daemon, "x")
        daemon.reload(ECHO + pool("x", processes=[2, 2], backlog=9))
        assert len(started(daemon, "x", 2)) == 2
        client.sendall(b"still here?")
        assert client.recv(64) == b"still here?"
    assert report(daemon, "x") == "2 of 2..2 processes ready"
    assert not daemon.log.find("service 'x': ended")


def test_a_changed_program_starts_before_the_old_one_ends(superd):
    daemon = superd(pool("x"))
    (old,) = started(daemon, "x")
    with daemon.connect("x") as client:
        assert pid_of(client) == old
        daemon.reload(pool("x", args=["changed"]))
        new = started(daemon, "x", 2)[1]
        assert serves(daemon, "x") == new
        client.sendall(b"to the end")
        assert client.recv(64) == b"to the end"
    daemon.wait_log(rf"service 'x': ended, pid {old}, .*exit status 0")
    assert alive(new)


def test_the_old_program_serves_until_the_new_one_is_ready(superd, place):
    told = place / "told"
    os.mkfifo(told)
    told.chmod(0o666)
    daemon = superd(pool("x"))
    (old,) = started(daemon, "x")
    daemon.reload(pool("x", READY_WHEN_TOLD, [told], ready="notify"))
    new = started(daemon, "x", 2)[1]
    assert serves(daemon, "x") == old
    told.write_text("")
    daemon.wait_log(rf"service 'x': ended, pid {old}, .*exit status 0")
    assert serves(daemon, "x") == new


def test_a_new_program_that_never_comes_up_takes_no_service_down(superd):
    daemon = superd(pool("x"))
    (old,) = started(daemon, "x")
    daemon.reload(pool("x", "raise SystemExit(1)", ready="notify"))
    daemon.wait_log("service 'x': its program ended at once")
    assert serves(daemon, "x") == old
    daemon.reload(pool("x"))
    new = started(daemon, "x", 3)[-1]
    daemon.wait_log(rf"service 'x': ended, pid {old}, .*exit status 0")
    assert serves(daemon, "x") == new


def test_a_reload_that_fails_changes_nothing(superd):
    daemon = superd(pool("x"))
    (pid,) = started(daemon, "x")
    daemon.reload(pool("x", args=["changed"]) + "}", expect="configuration not changed")
    assert serves(daemon, "x") == pid
    assert len(started(daemon, "x")) == 1


def test_a_removed_service_lets_its_children_finish(superd):
    daemon = superd(pool("x") + ECHO)
    with daemon.connect("x") as client:
        pid = pid_of(client)
        daemon.reload(ECHO)
        client.sendall(b"to the end")
        assert client.recv(64) == b"to the end"
    daemon.wait_log(rf"service 'x': ended, pid {pid}, .*exit status 0")


def test_a_service_with_other_listeners_has_other_children(superd):
    daemon = superd(pool("x"))
    (old,) = started(daemon, "x")
    daemon.reload(pool("x", listen=[ANY_PORT, "tcp:127.0.0.2:0"]))
    new = started(daemon, "x", 2)[1]
    daemon.wait_log(rf"service 'x': ended, pid {old}")
    assert os.readlink(f"/proc/{new}/fd/4").startswith("socket:")


@pytest.mark.parametrize("other", ["spawn", "wait"])
def test_a_service_changes_its_way_of_dispatch_and_back(superd, other):
    script = "import socket; c = socket.socket(fileno=0)\n"
    script += "if c.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN): c = c.accept()[0]\n"
    script += "c.sendall(b'1\\n')"
    daemon = superd(pool("x"))
    (pool_pid,) = started(daemon, "x")
    daemon.reload(service("x", exec=[PYTHON, "-c", script], dispatch=other))
    daemon.wait_log(rf"service 'x': ended, pid {pool_pid}")
    assert serves(daemon, "x") == 1
    daemon.reload(pool("x"))
    assert serves(daemon, "x") > 1


def test_a_crash_of_the_front_leaves_the_pool_alone(superd):
    daemon = superd(pool("x", processes=[1, 2]))
    (pid,) = started(daemon, "x")
    with daemon.connect("x") as client:
        assert pid_of(client) == pid
        os.kill(daemon.front, signal.SIGKILL)
        daemon.wait_log("the new front serves")
        with daemon.connect("x") as other:
            assert pid_of(other) != pid


def test_superd_stops_and_so_does_the_pool(superd):
    daemon = superd(pool("x", processes=[2, 2]))
    pids = started(daemon, "x", 2)
    with socket.create_connection(daemon.address("x")) as client:
        busy = pid_of(client)
        assert daemon.stop() == 0
        client.sendall(b"to the end")
        assert client.recv(64) == b"to the end"
        eventually(lambda: [pid for pid in pids if alive(pid)] == [busy])
    eventually(lambda: not alive(busy))


def test_a_pool_ends_at_once_while_sessions_have_their_time(superd):
    daemon = superd(pool("x") + ECHO)
    (pid,) = started(daemon, "x")
    with daemon.connect("echo") as client:
        client.sendall(b"x")
        assert client.recv(1) == b"x"
        daemon.signal(signal.SIGTERM)
        daemon.wait_log(rf"service 'x': ended, pid {pid}")
        assert daemon.process.poll() is None


def test_a_pool_starts_when_all_its_listeners_are_bound(superd):
    with socket.create_server((HOST, PORT)):
        endpoints = [ANY_PORT, f"tcp:{HOST}:{PORT}"]
        daemon = superd(pool("x", SYSTEMD, listen=endpoints) + ECHO)
        daemon.wait_log("cannot listen on .*trying again")
        assert daemon.ask("echo", b"x") == b"x"
        assert report(daemon, "x") == "0 of 1..1 processes ready"
    with daemon.connect("x") as client:
        assert client.recv(64).endswith(b" of 2\n")


def test_what_a_pool_writes_is_logged(superd):
    daemon = superd(service("x", exec=shell("echo out; echo err >&2; exec cat"), dispatch="pool"))
    daemon.wait_log("service 'x': stderr: 'out'")
    daemon.wait_log("service 'x': stderr: 'err'")


@pytest.mark.parametrize(
    "request_, location",
    [
        (
            b"GET /a?b HTTP/1.1\r\nHost: www.example.net\r\n\r\n",
            b"https://www.example.net:8443/a?b",
        ),
        (b"GET / HTTP/1.1\r\nA: b\r\nhost: [::1]:80\r\n\r\n", b"https://[::1]:8443/"),
        (b"GET / HTTP/1.0\r\n\r\n", None),
        (b'GET / HTTP/1.1\r\nHost: a"b\r\n\r\n', None),
        (b"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", None),
        (b"nonsense\r\n\r\n", None),
    ],
)
def test_tohttps_sends_web_clients_elsewhere(superd, place, request_, location):
    program = [reachable(place, BUILD / "tohttps"), "8443"]
    daemon = superd(service("web", exec=program, dispatch="pool"))
    answer = daemon.ask("web", request_)
    if location:
        assert answer.startswith(b"HTTP/1.0 301 ") and b"\r\nLocation: %s\r\n" % location in answer
    else:
        assert answer.startswith(b"HTTP/1.0 400 ") and b"Location" not in answer


def test_tohttps_finishes_its_client_and_ends(superd, place):
    program = [reachable(place, BUILD / "tohttps")]
    daemon = superd(service("web", exec=program, dispatch="pool") + ECHO)
    (pid,) = started(daemon, "web")
    assert b"https://a/" in daemon.ask("web", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    idle = settled(lambda: len(descriptors(pid)))
    with daemon.connect("web") as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n")
        eventually(lambda: len(descriptors(pid)) > idle)  # It has been accepted.
        daemon.reload(ECHO)
        client.sendall(b"\r\n")
        assert b"https://a/" in read_all(client)
    daemon.wait_log("service 'web': ended, pid .*, exit status 0")


def test_reloads_that_change_the_program_lose_no_client(superd, place):
    program = reachable(place, BUILD / "tohttps")

    def text(port):
        return service("web", exec=[program, port], dispatch="pool", processes=[1, 3])

    daemon = superd(text("1"))
    over, lost = threading.Event(), []

    def browse():
        while not over.is_set():
            answer = daemon.ask("web", b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
            if b"Location: https://a:" not in answer:
                lost.append(answer)

    with concurrent.futures.ThreadPoolExecutor(3) as pool_of_clients:
        clients = [pool_of_clients.submit(browse) for _ in range(3)]
        try:
            for port in range(2, 10):
                daemon.reload(text(str(port)))
        finally:
            over.set()
    assert not lost and not any(client.exception() for client in clients)
    eventually(lambda: b"https://a:9/" in daemon.ask("web", b"GET / HTTP/1.0\r\nHost: a\r\n\r\n"))
