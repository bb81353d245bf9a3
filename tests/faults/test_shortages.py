"""Out of descriptors, out of processes: superd is calm, loses nobody and is soon back."""

import os
import pathlib
import re
import shutil
import socket
import subprocess

import pytest

from daemon import KINDS, PATIENCE
from process import SANITIZED, children, content, eventually, status
from settings import ANY_PORT, ECHO, ROOT, service, shell
from shortage import (
    assert_answered,
    assert_calm,
    out_of_descriptors,
    out_of_processes,
    prlimit,
    soft_limit,
    soon,
)
from test_waiting import watching

CAT = service("cat", exec=["/bin/cat"], log_on_success=["none"])
# Limits of processes count all that a user has, so whoever runs tests beside us has another.
LONELY_ID = 100_000 + os.getpid()
LONELY = ["setpriv", f"--reuid={LONELY_ID}", f"--regid={LONELY_ID}", "--clear-groups"]


def queue(daemon, name, count=20):
    clients = [daemon.connect(name) for _ in range(count)]
    for client in clients:
        client.sendall(b"ping")
    return clients


def test_a_front_without_descriptors_is_calm_and_comes_back(superd):
    daemon = superd(ECHO)
    with daemon.connect("echo") as held:
        held.sendall(b"x")
        assert held.recv(1) == b"x"
        with out_of_descriptors(daemon.front):
            clients = queue(daemon, "echo")
            assert_calm(daemon)
            held.sendall(b"still served")
            assert held.recv(64) == b"still served"
        for client in clients:
            assert_answered(client, b"ping")


def test_a_keeper_without_descriptors_is_calm_and_comes_back(superd):
    daemon = superd(CAT + ECHO)
    assert daemon.ask("cat", b"x") == b"x"
    eventually(lambda: children(daemon.keeper) == daemon.fronts())  # It is done with that.
    with out_of_descriptors(daemon.keeper):
        clients = queue(daemon, "cat")
        assert_calm(daemon)
        assert daemon.ask("echo", b"others go on") == b"others go on"
    for client in clients:
        assert_answered(client, b"ping")


def test_with_debug_a_shortage_is_told_with_its_pauses(superd):
    daemon = superd(CAT + ECHO, args=["--debug"])
    assert daemon.ask("cat", b"x") == b"x"
    eventually(lambda: children(daemon.keeper) == daemon.fronts())  # It is done with that.
    with out_of_descriptors(daemon.front):
        (client,) = queue(daemon, "echo", 1)
        daemon.wait_log(r"accepting no clients for \d+ ms$")
        daemon.wait_log("service 'echo': holds clients of tcp:.*: descriptors or memory are short$")
    assert_answered(client, b"ping")
    with out_of_descriptors(daemon.keeper):
        (client,) = queue(daemon, "cat", 1)
        daemon.wait_log(r"shortage: next attempt in \d+ ms; requests that wait \d+$")
        daemon.wait_log("fronts: told to send no requests$")
        daemon.wait_log("the keeper says: no requests now$")
    assert_answered(client, b"ping")
    daemon.wait_log("fronts: told to send requests again$")


def test_a_keeper_that_may_hold_nothing_more_recovers(superd):
    """Not even what it keeps free for a client: then clients wait where they are."""
    daemon = superd(CAT)
    assert daemon.ask("cat", b"x") == b"x"
    eventually(lambda: children(daemon.keeper) == daemon.fronts())  # It is done with that.
    before = soft_limit(daemon.keeper, "Max open files")
    prlimit(daemon.keeper, "--nofile=3:")
    clients = queue(daemon, "cat")
    assert_calm(daemon)
    prlimit(daemon.keeper, f"--nofile={before}:")
    for client in clients:
        assert_answered(client, b"ping")


def test_descriptors_of_clients_that_leave_are_used_for_those_who_wait(superd):
    daemon = superd(ECHO)
    with daemon.connect("echo") as held:
        held.sendall(b"x")
        assert held.recv(1) == b"x"
        with out_of_descriptors(daemon.front):
            (client,) = queue(daemon, "echo", 1)
            held.close()
            assert_answered(client, b"ping")


def test_a_reload_without_descriptors_changes_nothing(superd):
    daemon = superd(ECHO)
    with out_of_descriptors(daemon.keeper):
        daemon.reload(ECHO + CAT)
        assert daemon.ask("echo", b"ping") == b"ping"
    daemon.reload()
    assert daemon.ask("cat", b"ping") == b"ping"


def test_a_program_gets_what_is_left_of_a_limit_that_was_lowered(superd):
    """Only root may raise one again, so superd runs as somebody else."""
    program = service("x", exec=shell("ulimit -Sn; ulimit -Hn"), user=None)
    limits = ["prlimit", "--nofile=300:1000"]
    daemon = superd(program, wrapper=[*limits, *(LONELY if ROOT else [])])
    prlimit(daemon.keeper, "--nofile=900:900")
    assert daemon.ask("x") == b"300\n900\n"
    prlimit(daemon.keeper, "--nofile=200:200")
    assert daemon.ask("x") == b"200\n200\n"


@pytest.mark.skipif(not ROOT, reason="needs root to become a user without other processes")
def test_a_keeper_without_processes_is_calm_and_comes_back(superd):
    daemon = superd(service("cat", exec=["/bin/cat"], user=None) + ECHO, wrapper=LONELY)
    assert daemon.ask("cat", b"x") == b"x"
    with out_of_processes(daemon.keeper):
        clients = queue(daemon, "cat")
        assert_calm(daemon)
        assert daemon.ask("echo", b"others go on") == b"others go on"
    for client in clients:
        assert_answered(client, b"ping")


@pytest.mark.skipif(not ROOT, reason="needs root to become a user without other processes")
def test_a_client_that_waits_for_a_process_at_the_stop_is_named(superd):
    cat = service("cat", exec=["/bin/cat"], user=None)
    # A sanitizer would look for leaks with a process of its own.
    without = {"ASAN_OPTIONS": "detect_leaks=0"}
    daemon = superd("grace = 100ms\n" + cat, wrapper=LONELY, env=without)
    prlimit(daemon.keeper, "--nproc=1:")
    with daemon.connect("cat") as client:
        port = client.getsockname()[1]
        daemon.wait_log("programs cannot be started for now")
        assert daemon.stop() == 0
    assert daemon.log.find(rf"service 'cat': cannot start '/bin/cat' for 127\.0\.0\.1:{port}: ")


@pytest.mark.skipif(not ROOT, reason="needs root to become a user without other processes")
def test_a_reload_without_processes_changes_nothing(superd):
    daemon = superd(ECHO, wrapper=LONELY)
    with out_of_processes(daemon.keeper):
        daemon.reload(ECHO + service("time", builtin="time"))
        assert daemon.ask("echo", b"ping") == b"ping"
    daemon.reload()
    assert len(daemon.ask("time")) == 4


@pytest.fixture
def no_processes(place):
    """no_processes(pids) limits them by a control group; set its `allowed` to "max" for relief."""
    group = pathlib.Path(f"/sys/fs/cgroup/pids/{place.name}")
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no control group for processes: {error}")

    def allow(how_many, *pids):
        for pid in pids:
            (group / "cgroup.procs").write_text(str(pid))
        (group / "pids.max").write_text(how_many)

    yield allow
    for pid in (group / "cgroup.procs").read_text().split():
        (group.parent / "cgroup.procs").write_text(pid)
    group.rmdir()


@pytest.mark.skipif(not ROOT, reason="needs root to make a control group")
def test_a_full_control_group_is_waited_out(superd, no_processes):
    daemon = superd(CAT + ECHO)
    assert daemon.ask("cat", b"x") == b"x"
    no_processes("1", daemon.keeper, daemon.front)
    clients = queue(daemon, "cat")
    assert_calm(daemon)
    assert daemon.ask("echo", b"others go on") == b"others go on"
    no_processes("max")
    for client in clients:
        assert_answered(client, b"ping")


@pytest.mark.skipif(not ROOT, reason="needs root to make a control group")
def test_a_front_that_dies_while_no_process_can_start_comes_back(superd, no_processes):
    daemon = superd(ECHO)
    front = daemon.front
    no_processes("1", daemon.keeper, front)
    os.kill(front, 9)
    client = daemon.connect("echo")
    client.sendall(b"ping")
    daemon.wait_log("(?i)cannot start.*: Resource temporarily unavailable|cannot fork")
    assert_calm(daemon)
    no_processes("max")
    assert_answered(client, b"ping")


@pytest.mark.skipif(not ROOT, reason="needs root to make a control group")
def test_a_front_that_gets_no_threads_serves_without(superd, no_processes):
    daemon = superd("workers = 2\n" + ECHO)
    no_processes("2", daemon.keeper)
    os.kill(daemon.front, 9)
    daemon.wait_log("cannot start more than 0 of 2 workers: Resource temporarily unavailable")
    with daemon.connect("echo") as client:
        for word in (b"first", b"second"):
            client.sendall(word)
            assert client.recv(64) == word


def test_a_reload_that_fails_while_there_is_no_front_leaves_none_missing(superd):
    daemon = superd(ECHO)
    with out_of_descriptors(daemon.keeper):
        os.kill(daemon.front, 9)
        daemon.wait_log("cannot start the front: Too many open files")
        daemon.reload(expect="cannot start a new front: Too many open files")
        client = daemon.connect("echo")
        client.sendall(b"ping")
    assert_answered(client, b"ping")


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_a_reload_that_fails_late_goes_back_to_the_old_log(superd, place):
    """The last process that a reload starts is the front."""
    first, old, new = place / "first", place / "old", place / "new"
    daemon = superd(f'log = "{first}"\n' + ECHO)
    with watching(daemon, "-e", "trace=clone") as said:
        daemon.reload(f'log = "{old}"\n' + ECHO)
    said.thread.join(PATIENCE)
    last = len(said.find("^clone"))
    with watching(daemon, "-e", "trace=clone", "-e", f"inject=clone:error=EAGAIN:when={last}"):
        daemon.reload(f'log = "{new}"\n' + ECHO)
    eventually(lambda: "cannot start a new front" in content(new))
    eventually(lambda: "configuration not changed" in old.read_text())


def test_a_reload_needs_no_descriptor_for_the_log_file_that_it_has(superd, place):
    """Not even the one that is kept in reserve: the process that writes opens it again."""
    log = place / "log"
    daemon = superd(f'log = "{log}"\n' + ECHO)
    log.rename(place / "log.1")
    with out_of_descriptors(daemon.keeper, but=1):
        daemon.reload()
    eventually(lambda: "configuration not changed" in content(log))


@pytest.mark.skipif(not shutil.which("ss"), reason="ss is not installed")
def test_a_reload_that_fails_late_leaves_sockets_as_they_were(superd, place):
    """What the new settings ask of them is done before the new front is started."""
    path = place / "x.sock"

    def text(**options):
        return service("x", [ANY_PORT, f"unix:{path}"], builtin="echo", **options)

    def found():
        filter_ = ["sport", "=", f":{daemon.port('x')}"]
        said = subprocess.run(["ss", "-Hltnm", *filter_], capture_output=True, text=True).stdout
        backlog, receive_buffer = said.split()[2], re.search(r"rb(\d+)", said)[1]
        return int(backlog), int(receive_buffer), path.stat().st_mode & 0o777

    daemon = superd(text(backlog=11, rcvbuf="64k", socket_mode="0600"))
    before = found()
    assert before == (11, 2 * 64 * 1024, 0o600)
    with out_of_descriptors(daemon.keeper, but=1):
        changed = text(backlog=22, rcvbuf="96k", socket_mode="0666")
        daemon.reload(changed, expect="cannot start a new front: Too many open files")
    assert found() == before


@pytest.mark.parametrize("kind, shards", [("tcp", None), ("udp", None), ("udp", 4)])
def test_a_front_without_descriptors_gets_a_late_listener_afterwards(superd, kind, shards):
    """Bound while the front has no number free for clients: the socket comes all the same."""
    with socket.socket(type=KINDS[kind]) as taken:
        taken.bind(("127.0.0.1", 0))
        at = f"{kind}:127.0.0.1:{taken.getsockname()[1]}"
        late = service("late", listen=at, builtin="echo", shards=shards)
        daemon = superd("workers = 2\n" + ECHO + late)
        with out_of_descriptors(daemon.front):
            taken.close()
            daemon.wait_log("service 'late': listening on")
            assert_calm(daemon)
        assert soon(lambda: answers(daemon, kind))


def answers(daemon, kind):
    """From every port: each of the sockets that share the address has some of them."""
    for _ in range(20):
        with daemon.connect("late", kind) as client:
            client.settimeout(0.1)
            try:
                client.sendall(b"ping")
                if client.recv(64) != b"ping":
                    return False
            except OSError:
                return False
    return True


@pytest.mark.skipif(SANITIZED, reason="a sanitizer needs memory of its own")
def test_a_front_without_memory_lets_clients_wait(superd):
    """Of many that come it loses the few with which it sees that there is none."""
    daemon = superd("workers = 0\n" + service("echo", builtin="echo", log_on_success=["none"]))
    size = int(status(daemon.front)["VmSize"].split()[0]) * 1024
    prlimit(daemon.front, f"--as={size}:")
    clients = [daemon.connect("echo") for _ in range(2000)]
    daemon.wait_log("cannot accept clients, trying again until it works: Cannot allocate memory")
    assert_calm(daemon)
    lost = {int(m[1]) for m in daemon.log.find(r"lost 127\.0\.0\.1:(\d+): no session")}
    assert 0 < len(lost) < 20
    waiting = [client for client in clients if client.getsockname()[1] not in lost]
    waiting[-1].sendall(b"ping")
    prlimit(daemon.front, "--as=unlimited:")
    assert_answered(waiting[-1], b"ping")
