"""What TERM, INT and USR1 do, and what happens when a process of superd dies."""

import os
import signal
import socket
import time

import pytest

from daemon import read_all
from process import alive, children, descriptors, eventually, listening_inodes, name_of, status, title
from settings import ECHO, HOST, PORT, service, shell


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "INT"])
def test_superd_stops(superd, number):
    daemon = superd(ECHO)
    daemon.ask("echo", b"x")
    daemon.signal(number)
    assert daemon.process.wait(10) == 0
    daemon.notify.messages.wait("^STOPPING=1$")


def test_listeners_close_at_once_and_sessions_get_a_grace_time(superd):
    daemon = superd(ECHO)
    address = daemon.address("echo")
    with daemon.connect("echo") as client:
        client.sendall(b"before")
        assert client.recv(64) == b"before"
        daemon.signal(signal.SIGTERM)
        daemon.notify.messages.wait("^STOPPING=1$")
        eventually(lambda: refuses(address))
        client.sendall(b"after")
        assert client.recv(64) == b"after"
    assert daemon.process.wait(5) == 0


def refuses(address):
    with socket.socket() as client:
        return client.connect_ex(address) != 0


def test_the_grace_time_ends(superd):
    daemon = superd("grace = 500ms\n" + ECHO)
    with daemon.connect("echo") as client:
        client.sendall(b"x")
        assert client.recv(1) == b"x"
        daemon.signal(signal.SIGTERM)
        assert daemon.process.wait(5) == 0
        assert read_all(client) == b""


@pytest.mark.parametrize(
    "number, name", [(signal.SIGTERM, "SIGTERM"), (signal.SIGINT, "Ctrl-C")], ids=["TERM", "INT"]
)
def test_a_second_signal_does_not_wait(superd, number, name):
    daemon = superd("grace = 1h\n" + ECHO)
    with daemon.connect("echo") as client:
        client.sendall(b"x")
        assert client.recv(1) == b"x"
        daemon.signal(number)
        daemon.wait_log(f": waiting for 1 client; {name} again ends it at once$")
        daemon.signal(number)
        assert daemon.process.wait(5) == 0
    daemon.stop()
    assert daemon.log.find("again: not waiting for sessions")
    # The front ends as it was told to, with a line for the client.
    assert daemon.log.find("service 'echo': ended 127")
    assert not daemon.log.find("the front .* killed")


def test_a_second_signal_ends_a_front_that_is_stuck(superd):
    daemon = superd("grace = 1h\n" + ECHO)
    daemon.stop_process(daemon.front)
    daemon.signal(signal.SIGTERM)
    daemon.notify.messages.wait("^STOPPING=1$")
    daemon.signal(signal.SIGTERM)
    assert daemon.process.wait(5) == 0


def test_nobody_is_told_to_hurry_without_clients(superd):
    daemon = superd("grace = 1h\n" + ECHO)
    assert daemon.ask("echo", b"ping") == b"ping"
    daemon.wait_log("service 'echo': ended")
    daemon.stop()
    assert not daemon.log.find("waiting for .* client")


def test_a_front_that_is_stuck_does_not_hold_up_the_stop(superd):
    daemon = superd("grace = 100ms\n" + ECHO)
    daemon.stop_process(daemon.front)
    daemon.signal(signal.SIGTERM)
    assert daemon.process.wait(20) == 0


def test_children_go_on_when_superd_stops(superd):
    daemon = superd(service("cat", exec=["/bin/cat"]))
    with daemon.connect("cat") as client:
        client.sendall(b"before")
        assert client.recv(64) == b"before"
        daemon.signal(signal.SIGTERM)
        assert daemon.process.wait(5) == 0
        client.sendall(b"after")
        assert client.recv(64) == b"after"


def test_usr1_writes_the_state_of_services_and_children_to_the_log(superd):
    late = service("late", listen=f"tcp:{HOST}:{PORT}", builtin="echo")
    owner = service("owner", exec=["/bin/sleep", "60"], dispatch="wait")
    with socket.create_server((HOST, PORT)):
        daemon = superd(service("cat", exec=["/bin/cat"]) + ECHO + late + owner)
        with daemon.connect("cat") as client, daemon.connect("owner"):
            client.sendall(b"x")
            assert client.recv(1) == b"x"
            pid = daemon.wait_log(r"service 'cat': accepted .*, pid (\d+)")[1]
            owner_pid = daemon.wait_log(r"service 'owner': started, pid (\d+)")[1]
            logged = len(daemon.log)
            daemon.signal(signal.SIGUSR1)
            for line in (
                r"state: Serving 4 services on 3 listeners; 1 waits for its address; "
                "2 children, 0 requests wait$",
                rf"front {daemon.front}: serving, since \d+ s$",
                "service 'cat': 1 program and 0 sessions now; 1 accepted, 0 refused",
                r"  tcp:127\.0\.0\.1:\d+: listening$",
                "service 'echo': 0 programs and 0 sessions now",
                rf"  tcp:{HOST}:{PORT}: not bound: Address already in use$",
                r"  tcp:127\.0\.0\.1:\d+: with its program$",
                rf"child {pid}: service 'cat', for 127\.0\.0\.1:\d+, since \d+ s$",
                rf"child {owner_pid}: service 'owner', for any client, since \d+ s$",
            ):
                daemon.wait_log(line, after=logged)


def test_a_hup_before_superd_serves_is_done_once_it_does(superd):
    daemon = superd("workers = 64\n" + ECHO, ready=False)
    daemon.wait_log("service 'echo': listening on")
    daemon.signal(signal.SIGHUP)
    daemon.wait_ready()
    daemon.wait_log("configuration loaded", count=2)
    os.kill(daemon.front, signal.SIGKILL)
    daemon.wait_log("the new front serves")
    assert daemon.ask("echo", b"ping") == b"ping"


def kill_fronts(daemon, count):
    """One after the other, each once it serves, but for the one that would follow the last."""
    for number in range(count):
        killed = time.monotonic()
        os.kill(daemon.front, signal.SIGKILL)
        daemon.wait_log("the front .* was killed by signal 9", count=number + 1)
        if number < count - 1:
            daemon.wait_log("the new front serves", count=number + 1)
            yield time.monotonic() - killed


def test_a_front_that_dies_again_and_again_comes_back_ever_later(superd):
    """However slow the machine is, a pause is never shorter."""
    daemon = superd(ECHO)
    pauses = list(kill_fronts(daemon, 6))
    assert all(took >= pause for took, pause in zip(pauses, (0, 0.05, 0.1, 0.2, 0.4))), pauses
    assert daemon.ask("echo", b"ping") == b"ping"


def test_a_reload_brings_the_front_that_was_to_come_later(superd):
    """The watchdog counts the time in the keeper: by then the pause would be over."""
    daemon = superd(ECHO, env={"WATCHDOG_USEC": "300000"})
    list(kill_fronts(daemon, 4))  # The next is to come after 0.2 s.
    daemon.reload(expect="configuration loaded")
    fronts = daemon.fronts()
    daemon.notify.messages.wait("^WATCHDOG=1$", after=len(daemon.notify.messages), count=4)
    assert len(fronts) == 1 and daemon.fronts() == fronts
    assert daemon.ask("echo", b"ping") == b"ping"


def test_a_front_that_dies_comes_back_with_its_listeners(superd):
    daemon = superd(ECHO + service("cat", exec=["/bin/cat"]))
    before = listening_inodes(daemon.keeper)
    for _ in range(3):
        front = daemon.front
        os.kill(front, signal.SIGKILL)
        assert daemon.ask("echo", b"ping") == b"ping"
        assert daemon.ask("cat", b"ping") == b"ping"
        eventually(lambda: not alive(front))
    assert listening_inodes(daemon.keeper) == before


def test_children_survive_the_front_and_still_count(superd):
    daemon = superd(service("cat", exec=["/bin/cat"], instances=1, overflow="refuse"))
    with daemon.connect("cat") as client:
        client.sendall(b"before")
        assert client.recv(64) == b"before"
        os.kill(daemon.front, signal.SIGKILL)
        assert daemon.ask("cat") == b""
        client.sendall(b"after")
        assert client.recv(64) == b"after"


def test_sessions_of_a_front_that_died_count_no_more(superd):
    daemon = superd(service("echo", builtin="echo", instances=1))
    with daemon.connect("echo") as client:
        client.sendall(b"x")
        assert client.recv(1) == b"x"
        os.kill(daemon.front, signal.SIGKILL)
        assert daemon.ask("echo", b"ping") == b"ping"


def test_sessions_of_a_draining_front_that_died_count_no_more(superd):
    daemon = superd(service("echo", builtin="echo", instances=1))
    with daemon.connect("echo") as client:
        client.sendall(b"x")
        assert client.recv(1) == b"x"
        old = daemon.front
        daemon.reload()
        os.kill(old, signal.SIGKILL)
        assert daemon.ask("echo", b"ping") == b"ping"


def test_a_front_has_nothing_that_is_the_keepers_alone(superd, place):
    """Nor of the front before it, which would not see the end of the keeper."""
    gate = place / "gate"
    os.mkfifo(gate)
    gate.chmod(0o666)
    waits = service("waits", "udp:127.0.0.1:0", exec=shell(f"echo here; read go < {gate}"))
    daemon = superd(ECHO + waits + service("logs", exec=["/bin/cat"], stderr="log"))
    listeners = sockets(daemon.keeper) & sockets(daemon.front)
    with daemon.connect("echo") as client, daemon.datagram("waits") as other:
        client.sendall(b"x")
        other.send(b"x")
        assert client.recv(1) == b"x" and other.recv(64) == b"here\n"
        daemon.reload()
        assert len(daemon.fronts()) == 2
        assert len(sockets(daemon.keeper)) > len(listeners) == 3
        assert sockets(daemon.keeper) & sockets(daemon.front) == listeners
        assert not any("signalfd" in what for what in descriptors(daemon.front).values())
        assert not any(writes_to_a_pipe(daemon.front, fd) for fd in descriptors(daemon.front))
        gate.write_text("go\n")


def sockets(pid):
    return {what for what in descriptors(pid).values() if what.startswith("socket:")}


def writes_to_a_pipe(pid, fd):
    """But for the test's own, of the log."""
    if fd < 3 or not descriptors(pid)[fd].startswith("pipe:"):
        return False
    with open(f"/proc/{pid}/fdinfo/{fd}") as file:
        flags = int(file.read().split("flags:")[1].split()[0], 8)
    return flags & os.O_ACCMODE == os.O_WRONLY and descriptors(pid)[fd] != descriptors(pid)[2]


def test_the_front_ends_when_the_keeper_is_killed(superd):
    daemon = superd(ECHO)
    front = daemon.front
    daemon.kill()
    eventually(lambda: not alive(front))


def test_a_signal_nobody_asked_for_changes_nothing(superd):
    daemon = superd(ECHO)
    for number in (signal.SIGPIPE, signal.SIGCHLD, signal.SIGWINCH, signal.SIGURG):
        daemon.signal(number)
    assert daemon.ask("echo", b"ping") == b"ping"


def test_programs_are_not_disturbed_by_a_reload(superd):
    daemon = superd(service("slow", exec=shell("read word; echo $word")))
    with daemon.connect("slow") as client:
        daemon.wait_log("service 'slow': accepted")
        daemon.reload()
        client.sendall(b"word\n")
        assert read_all(client) == b"word\n"


def test_processes_are_named(superd, place):
    text = f'log = "{place}/log"\n' + service("x", listen=f"unix:{place}/x.sock", builtin="echo")
    daemon = superd(text)
    daemon.address = lambda *_: f"{place}/x.sock"
    assert title(daemon.keeper) == "superd: keeper"
    old = daemon.front
    assert title(old) == "superd: front"
    with daemon.connect("x", "unix") as client:
        client.sendall(b"x")
        assert client.recv(1) == b"x"
        daemon.reload()
        eventually(lambda: title(old) == "superd: front, draining")
        assert title(daemon.front) == "superd: front"
    eventually(lambda: old not in children(daemon.keeper))
    # Who looks for superd by its name finds it.
    names = {"superd: front": "superd", "superd: log": "superd-log"}
    eventually(lambda: {title(pid): name_of(pid) for pid in children(daemon.keeper)} == names)
    assert status(daemon.keeper)["Name"] == "superd"


def test_names_of_processes_take_no_variable_away(superd):
    """The titles stand where the environment was."""
    program = service("x", exec=shell('echo "$FIRST $LAST"'), passenv=["FIRST", "LAST"])
    daemon = superd(program, env={"FIRST": "1 2", "LAST": "3" * 1000})
    said = f"1 2 {'3' * 1000}\n".encode()
    assert daemon.ask("x") == said
    daemon.reload()
    assert daemon.ask("x") == said
    assert title(daemon.keeper) == "superd: keeper"
