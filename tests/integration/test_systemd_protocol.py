"""What superd says on NOTIFY_SOCKET, and sockets that it is given by LISTEN_FDS."""

import errno
import os
import signal
import socket
import sys
import time

import pytest

from process import descriptors, eventually, listening_inodes
from settings import ECHO, HOST, PORT, service

GIVE = [sys.executable, os.path.join(os.path.dirname(__file__), "give.py")]


def test_ready_is_said_with_a_status(superd):
    daemon = superd(
        ECHO + service("two", listen=["tcp:127.0.0.1:0", "udp:127.0.0.1:0"], builtin="time")
    )
    daemon.notify.messages.wait("^STATUS=Serving 2 services on 3 listeners$")


def test_ready_is_said_once_every_listener_is_bound(superd):
    """Once, in both meanings."""
    daemon = superd("".join(service(f"echo-{n}", builtin="echo") for n in range(50)))
    assert daemon.ask("echo-49", b"ping") == b"ping"
    daemon.stop()
    assert len(daemon.notify.messages.find("^READY=1$")) == 1


def test_reloading_carries_the_monotonic_time(superd):
    daemon = superd(ECHO)
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    daemon.reload()
    after = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    said = next(m for m in daemon.notify.messages.items if "RELOADING=1" in m.splitlines())
    fields = dict(line.split("=", 1) for line in said.splitlines())
    assert before <= int(fields["MONOTONIC_USEC"]) <= after


def test_ready_follows_a_reload_that_was_refused(superd):
    daemon = superd(ECHO)
    said = len(daemon.notify.messages)
    daemon.reload("broken {")
    messages = "\n".join(daemon.notify.messages.items[said:]).splitlines()
    assert messages.index("RELOADING=1") < messages.index("READY=1")
    assert f"ERRNO={errno.EINVAL}" in messages
    served = "STATUS=Serving 1 service on 1 listener"
    assert f"{served}; the last reload failed, see the log" in messages
    said = len(daemon.notify.messages)
    daemon.reload(ECHO)
    daemon.notify.messages.wait(f"^{served}$", after=said)


def test_the_status_tells_of_a_listener_that_waits_for_its_address(superd):
    late = service("late", listen=f"tcp:{HOST}:{PORT}", builtin="echo")
    with socket.create_server((HOST, PORT)):
        daemon = superd(ECHO + late)
        daemon.notify.messages.wait(
            "^STATUS=Serving 2 services on 1 listener; 1 waits for its address$"
        )
    daemon.notify.messages.wait("^STATUS=Serving 2 services on 2 listeners$")


def test_stopping_is_said(superd):
    daemon = superd(ECHO)
    daemon.stop()
    daemon.notify.messages.wait("^STOPPING=1$")


def test_a_long_grace_is_said_and_the_watchdog_content_meanwhile(superd):
    """Else the manager would kill superd, whose sessions have time yet."""
    daemon = superd("grace = 300s\n" + ECHO, env={"WATCHDOG_USEC": "400000"})
    with daemon.connect("echo") as client:
        client.sendall(b"x")
        assert client.recv(1) == b"x"
        daemon.signal(signal.SIGTERM)
        daemon.notify.messages.wait("^EXTEND_TIMEOUT_USEC=3[0-9]{8}$")
        fed = daemon.notify.messages.text().count("WATCHDOG=1")
        daemon.notify.messages.wait("^WATCHDOG=1$", count=fed + 5)


def test_the_watchdog_is_fed_while_the_loop_turns(superd):
    """A third of the time that it has, by the clock by which the keeper waits for a program."""
    never_ready = {"dispatch": "pool", "ready": "notify", "ready_timeout": "1s"}
    program = service("late", exec=["/bin/sleep", "60"], **never_ready)
    daemon = superd(ECHO + program, env={"WATCHDOG_USEC": "400000"})
    daemon.wait_log("service 'late': .* was not ready after 1 s")
    assert 3 <= len(daemon.notify.messages.find("^WATCHDOG=1$")) <= 9
    daemon.reload()
    daemon.notify.messages.wait("^WATCHDOG=1$", after=len(daemon.notify.messages))


def test_the_watchdog_of_another_process_is_not_fed(superd):
    daemon = superd(ECHO, env={"WATCHDOG_USEC": "200000", "WATCHDOG_PID": "1"})
    daemon.reload()
    assert not daemon.notify.messages.find("WATCHDOG=1")


def test_the_watchdog_replaces_a_front_that_is_stuck(superd):
    """Progress is that of the loop that serves clients, not only of the keeper's."""
    daemon = superd(ECHO, env={"WATCHDOG_USEC": "600000"})
    stuck = daemon.front
    os.kill(stuck, signal.SIGSTOP)
    assert daemon.ask("echo", b"ping") == b"ping"
    eventually(lambda: daemon.fronts() == [daemon.front] != [stuck])
    daemon.notify.messages.wait("^WATCHDOG=1$", after=len(daemon.notify.messages))


def test_superd_serves_without_systemd(superd, place):
    daemon = superd(ECHO, env={"NOTIFY_SOCKET": ""}, ready=False)
    daemon.wait_log("service 'echo': listening on")
    assert daemon.ask("echo", b"ping") == b"ping"


# Sockets from outside


@pytest.fixture
def given():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def start_with(superd, text, listener, names=None, env=None):
    """LISTEN_PID can only be set by the process that becomes superd."""
    listener.set_inheritable(True)
    return superd(
        text,
        wrapper=[*GIVE, str(listener.fileno())],
        env={**({"LISTEN_FDNAMES": names} if names else {}), **(env or {})},
        pass_fds=[listener.fileno()],
    )


def test_a_socket_is_adopted_by_its_address(superd, given):
    port = given.getsockname()[1]
    text = service("echo", listen=f"tcp:127.0.0.1:{port}", builtin="echo")
    daemon = start_with(superd, text + service("other", builtin="echo"), given)
    assert inode(given) in inodes(daemon.keeper)
    for name in ("echo", "other"):  # It came blocking, and must not hold up the others.
        assert daemon.ask(name, b"ping") == b"ping"


def test_an_adopted_socket_is_left_open_when_superd_stops(superd, given):
    """It is the service manager's, who may start superd again for those who come."""
    port = given.getsockname()[1]
    daemon = start_with(
        superd, service("echo", listen=f"tcp:127.0.0.1:{port}", builtin="echo"), given
    )
    assert daemon.stop() == 0
    with socket.create_connection(given.getsockname()) as client:
        assert given.accept()[1] == client.getsockname()


def test_a_socket_is_adopted_by_its_name(superd, given):
    daemon = start_with(
        superd, service("echo", listen="tcp:127.0.0.1:1", builtin="echo"), given, "echo"
    )
    assert inode(given) in inodes(daemon.keeper)
    with socket.create_connection(given.getsockname()) as client:
        client.sendall(b"ping")
        assert client.recv(64) == b"ping"


def test_an_adopted_socket_survives_a_reload(superd, given):
    port = given.getsockname()[1]
    text = service("echo", listen=f"tcp:127.0.0.1:{port}", builtin="echo")
    daemon = start_with(superd, text, given)
    daemon.reload(text + service("time", builtin="time"))
    assert inode(given) in inodes(daemon.keeper)
    assert daemon.ask("echo", b"ping") == b"ping"


def test_a_socket_that_no_service_wants_is_said_and_kept_from_the_front(superd, given):
    daemon = start_with(superd, ECHO, given)
    port = given.getsockname()[1]
    unused = f"no service uses the passed socket .* on tcp:127.0.0.1:{port}, ignoring"
    daemon.wait_log(unused)
    assert inode(given) not in inodes(daemon.front)
    said = len(daemon.log)
    for _ in range(2):  # what the first has said is there before the words of the second
        daemon.reload(expect="configuration loaded")
    assert not daemon.log.find(unused, after=said)


def test_a_socket_waits_for_a_service_that_comes_with_a_reload(superd, given):
    """Nobody else could bind its address: systemd has it open all the time."""
    port = given.getsockname()[1]
    passed = service("x", listen=f"tcp:127.0.0.1:{port}", builtin="echo")
    daemon = start_with(superd, ECHO, given)
    daemon.reload(ECHO + passed)
    assert daemon.ask("x", b"ping") == b"ping"
    daemon.reload(ECHO)
    daemon.wait_log("service 'x': no longer listening")
    daemon.reload(ECHO + passed)
    assert daemon.ask("x", b"ping") == b"ping"
    assert not daemon.has_said("cannot listen")


def test_a_socket_serves_one_endpoint_of_the_service_that_has_its_name(superd, given):
    listen = ["tcp:127.0.0.1:1", f"tcp:{HOST}:{PORT}"]
    daemon = start_with(superd, service("echo", listen=listen, builtin="echo"), given, "echo")
    assert len(set(listening_inodes(daemon.keeper).values())) == 2
    for address in (given.getsockname(), (HOST, PORT)):
        with socket.create_connection(address) as client:
            client.sendall(b"ping")
            assert client.recv(64) == b"ping"


@pytest.mark.parametrize("kind", ["udp", "unix"])
def test_a_name_is_not_enough_for_a_socket_of_another_kind(superd, given, place, kind):
    listen = {"udp": "udp:127.0.0.1:0", "unix": f"unix:{place}/echo"}[kind]
    daemon = start_with(superd, service("echo", listen=listen, builtin="echo"), given, "echo")
    daemon.wait_log("no service uses the passed socket 'echo' on tcp:")
    assert inode(given) not in inodes(daemon.front)


def test_sockets_meant_for_another_process_are_not_touched(superd, given):
    port = given.getsockname()[1]
    text = service("echo", listen=f"tcp:127.0.0.1:{port}", builtin="echo") + ECHO.replace(
        "echo", "time"
    )
    daemon = start_with(superd, text, given, env={"GIVE_TO": "1"})
    daemon.wait_log("service 'echo': cannot listen on .*Address already in use")


def inode(of):
    return f"socket:[{os.fstat(of.fileno()).st_ino}]"


def inodes(pid):
    return set(descriptors(pid).values())
