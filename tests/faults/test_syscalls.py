"""System calls that fail while superd serves: once they work again, so does all of superd."""

import contextlib
import shutil
import subprocess

import pytest

from daemon import PATIENCE, Lines
from process import children, descriptors, eventually, settled, status
from settings import ECHO, ROOT, service

UDP = service("datagrams", listen="udp:127.0.0.1:0", builtin="echo")
CAT = service("cat", exec=["/bin/cat"])
FILTER = service("filter", listen="udp:127.0.0.1:0", exec=["/usr/bin/tr", "a-z", "A-Z"])

# Which clients reach the call, the call, and how it fails.
FAULTS = [
    *(
        ("echo", "accept4", error)
        for error in "ECONNABORTED EPROTO ENETDOWN EPERM EMFILE ENFILE ENOBUFS ENOMEM EINTR".split()
    ),
    ("echo", "epoll_ctl", "ENOMEM"),
    ("echo", "epoll_ctl", "ENOSPC"),
    ("echo", "recvfrom", "ECONNRESET"),
    ("echo", "sendto", "EPIPE"),
    ("datagrams", "recvmmsg", "ENOMEM"),
    ("datagrams", "sendmmsg", "ENOBUFS"),
    ("datagrams", "sendmmsg", "EPERM"),
    ("cat", "sendmsg", "ENOBUFS"),
    ("cat", "recvmsg", "ENOMEM"),
    ("cat", "recvmsg", "ENOSYS"),
    ("cat", "clone", "EAGAIN"),
    ("cat", "clone", "ENOMEM"),
    ("cat", "execve", "ENOMEM"),
    ("cat", "execve", "EIO"),
    ("cat", "dup2", "EMFILE"),
    ("cat", "close_range", "ENOMEM"),
    ("cat", "setsid", "EPERM"),
    ("filter", "socket", "EMFILE"),
    ("filter", "bind", "EADDRINUSE"),
]


@contextlib.contextmanager
def failing(daemon, call, error):
    """Attaches to superd; yields what strace says, and lets go of superd at the end."""
    strace = subprocess.Popen(
        ["strace", "-f", "-q", "-e", f"trace={call}", "-e", f"inject={call}:error={error}"]
        + ["-e", "signal=none", "-p", str(daemon.keeper), "-p", str(daemon.front)],
        stderr=subprocess.PIPE,
    )
    said = Lines(strace.stderr.readline)
    try:
        for pid in (daemon.keeper, daemon.front):
            eventually(lambda: traced(pid))
        yield said
        eventually(lambda: starts_nobody(daemon))
    finally:
        strace.terminate()
        strace.wait(PATIENCE)


def starts_nobody(daemon):
    """To be let go of between vfork() and execve() is too much for strace."""
    waits = status(daemon.keeper)["State"].startswith("D")
    return not waits and children(daemon.keeper) == [daemon.front]


def let_go(strace):
    """During vfork(), strace may wait for a parent that waits for a child that strace holds."""
    strace.terminate()
    try:
        strace.wait(3)
    except subprocess.TimeoutExpired:
        strace.kill()
        strace.wait()


def traced(pid):
    with open(f"/proc/{pid}/status") as file:
        return "TracerPid:\t0\n" not in file.readlines()


def knock(daemon, name):
    """A client that does not mind what becomes of it."""
    if name in ("datagrams", "filter"):
        client = daemon.datagram(name)
    else:
        client = daemon.connect(name)
    client.send(b"ping")
    return client


def assert_well(daemon):
    assert daemon.ask("echo", b"ping") == b"ping"
    assert daemon.ask("cat", b"ping") == b"ping"
    for name, answer in (("datagrams", b"ping"), ("filter", b"PING")):
        with daemon.datagram(name) as client:
            client.send(b"ping")
            assert client.recv(64) == answer


@pytest.fixture
def daemon(superd):
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    return superd("poller = epoll\n" + ECHO + CAT + UDP + FILTER)


def footprint(daemon):
    """Of files for datagrams the front may or may not hold the next one ready."""
    held = [*descriptors(daemon.keeper).values(), *descriptors(daemon.front).values()]
    spare = [what for what in held if "memfd:datagram" in what]
    return len(held) - len(spare), len(spare) <= 1


@pytest.mark.parametrize("name, call, error", FAULTS)
def test_superd_survives(daemon, name, call, error):
    assert_well(daemon)
    before, front = settled(lambda: footprint(daemon)), daemon.front
    with failing(daemon, call, error) as said:
        with knock(daemon, name):
            said.wait("INJECTED")
    assert daemon.process.poll() is None
    # A program that is about to be executed looks like another front.
    eventually(lambda: daemon.fronts() == [front])
    assert_well(daemon)
    eventually(lambda: footprint(daemon) == before)


@pytest.mark.skipif(not ROOT, reason="needs root to become somebody else")
@pytest.mark.parametrize("call", ["setgroups", "setresgid", "setresuid"])
@pytest.mark.parametrize("error", ["EPERM", "EAGAIN"])
def test_a_program_that_cannot_become_its_user_is_not_run(superd, place, call, error):
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    daemon = superd(service("x", exec=["/usr/bin/touch", place / "canary"], user="nobody"))
    with failing(daemon, call, error) as said, daemon.connect("x"):
        said.wait("INJECTED")
        assert not (place / "canary").exists()
    daemon.ask("x")
    eventually((place / "canary").exists)
    assert (place / "canary").owner() == "nobody"
