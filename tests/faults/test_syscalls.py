"""System calls that fail while superd serves: once they work again, so does all of superd."""

import contextlib
import os
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
    ("cat", "dup3", "EMFILE"),
    ("cat", "close_range", "ENOMEM"),
    ("cat", "setsid", "EPERM"),
    ("filter", "socket", "EMFILE"),
    ("filter", "bind", "EADDRINUSE"),
]


@contextlib.contextmanager
def failing(daemon, call, error):
    """Attaches to superd; yields what strace says, and lets go of superd at the end."""
    with injecting(daemon, call, f"error={error}") as said:
        yield said


@contextlib.contextmanager
def injecting(daemon, call, what):
    strace = subprocess.Popen(
        ["strace", "-f", "-q", "-e", f"trace={call}", "-e", f"inject={call}:{what}"]
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


def need_strace():
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")


@pytest.fixture
def daemon(superd):
    need_strace()
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
    assert daemon.fronts() == [front]
    assert_well(daemon)
    eventually(lambda: footprint(daemon) == before)


@pytest.mark.parametrize("arguments", [[], ["--debug"]], ids=["quiet", "debug"])
def test_debug_lines_are_asked_for(superd, arguments):
    need_strace()
    daemon = superd("poller = epoll\n" + UDP, args=arguments)
    with failing(daemon, "recvmmsg", "ENOMEM") as said, knock(daemon, "datagrams"):
        said.wait("INJECTED", count=2)
    daemon.stop()
    assert bool(arguments) == bool(daemon.log.find("cannot receive a datagram"))


@pytest.mark.parametrize(
    "call, error",
    [
        ("clone", "EAGAIN"),
        ("execve", "EAGAIN"),
        ("execve", "ENOMEM"),
        ("sendmsg", "ENOBUFS"),
        ("sendmsg", "ETOOMANYREFS"),
    ],
)
def test_a_client_waits_until_its_program_can_be_started(daemon, call, error):
    with failing(daemon, call, error) as said:
        client = daemon.connect("cat")
        said.wait("INJECTED", count=2)
        assert daemon.ask("echo", b"others go on") == b"others go on"
    client.sendall(b"ping")
    assert client.recv(64) == b"ping"


@pytest.mark.skipif(not ROOT, reason="needs root to become somebody else")
@pytest.mark.parametrize(
    "call, step",
    [
        ("setgroups", "cannot set the groups"),
        ("setresgid", "cannot set the groups"),
        ("setresuid", "cannot change the user"),
    ],
)
@pytest.mark.parametrize(
    "error, words",
    [("EPERM", "Operation not permitted"), ("EAGAIN", "Resource temporarily unavailable")],
)
def test_a_program_that_cannot_become_its_user_is_not_run(superd, place, call, step, error, words):
    need_strace()
    daemon = superd(service("x", exec=["/usr/bin/touch", place / "canary"], user="nobody"))
    with failing(daemon, call, error), daemon.connect("x"):
        daemon.wait_log(f"service 'x': cannot start '/usr/bin/touch' .*: {step}: {words}")
        assert not (place / "canary").exists()
    daemon.ask("x")
    eventually((place / "canary").exists)
    assert (place / "canary").owner() == "nobody"


@pytest.mark.skipif(not ROOT, reason="needs root to become somebody else")
def test_a_program_whose_user_only_seems_to_change_is_not_run(superd, place):
    """As under a security module, or in a sandbox, that says yes and does nothing."""
    need_strace()
    daemon = superd(service("x", exec=["/usr/bin/touch", place / "canary"], user="nobody"))
    with injecting(daemon, "setresuid", "retval=0"), daemon.connect("x"):
        daemon.wait_log("service 'x': cannot start .*: cannot change the user: Operation not")
    assert not (place / "canary").exists()


@pytest.mark.skipif(not ROOT, reason="needs root to give up privileges")
def test_superd_is_not_ready_when_its_first_front_cannot_serve(superd):
    """The listeners are bound by then, and the front is a process."""
    need_strace()
    strace = ["strace", "-f", "-q", "-o", "/dev/null", "-e", "signal=none"]
    fails = ["-e", "trace=setresuid", "-e", "inject=setresuid:error=EPERM"]
    # A sanitizer cannot look for leaks under strace.
    without = {"ASAN_OPTIONS": "detect_leaks=0"}
    daemon = superd(ECHO, ready=False, wrapper=[*strace, *fails], env=without)
    daemon.expected_status = os.EX_OSERR
    daemon.wait_log("service 'echo': listening on")
    daemon.wait_log("the front did not start; see the lines before")
    daemon.stop()
    assert not daemon.notify.messages.find("^READY=1$")


@pytest.mark.skipif(not ROOT, reason="needs root to give up privileges")
@pytest.mark.parametrize("call", ["setgroups", "setresgid", "setresuid"])
def test_a_front_that_only_seems_to_give_up_privileges_does_not_serve(superd, call):
    need_strace()
    daemon = superd(ECHO, wrapper=["setpriv", "--groups=1,2"])
    with injecting(daemon, call, "retval=0"):
        daemon.reload(ECHO + CAT, expect="privileges are still there after they were dropped")
    assert daemon.ask("echo", b"ping") == b"ping"
    daemon.wait_log("configuration not changed: ")
