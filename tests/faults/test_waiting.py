"""Nothing outside makes the keeper wait: it does not touch what may never answer."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

from daemon import PATIENCE, Lines
from process import alive, children, content, eventually, name_of, status
from settings import ECHO, ROOT, service
from test_syscalls import traced

@contextlib.contextmanager
def watching(daemon, *arguments):
    """Attaches to the keeper alone, unless told otherwise. Yields what strace says."""
    strace = subprocess.Popen(
        ["strace", "-q", "-e", "signal=none", *arguments, "-p", str(daemon.keeper)],
        stderr=subprocess.PIPE,
    )
    said = Lines(strace.stderr.readline)
    try:
        eventually(lambda: traced(daemon.keeper))
        yield said
    finally:
        strace.terminate()
        strace.wait(PATIENCE)


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_the_keeper_touches_no_file_of_a_configuration(superd, place):
    """The process that tries the files has read them, and has asked who a user is."""
    (place / "included.conf").write_text(service("cat", exec=["/bin/cat"], directory="/tmp"))
    identity = {"user": "nobody", "groups": True} if ROOT else {}
    text = (
        "port_base = 20000\n"
        f'include = {{"{place}/included*"}}\n'
        + ECHO
        + service("script", exec=["/usr/bin/ldd"], **identity)
        + service("named", listen="udp:127.0.0.77:tftp", builtin="echo")
    )
    daemon = superd(text)
    with watching(daemon, "-e", "trace=%file,connect") as said:
        daemon.reload(expect="configuration loaded: 4 services")
    calls = [line for line in said.text().splitlines() if re.match(r"^\w+\(", line)]
    allowed = r"/proc/|/sys/|/dev/null|notify|AT_EMPTY_PATH|/etc/localtime"
    assert not [line for line in calls if not re.search(allowed, line)]


@pytest.fixture
def manager(place):
    """A service manager that has no room and reads nothing, as one that hangs."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"{place}/manager")
        manager.settimeout(PATIENCE)
        fill = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        fill.setblocking(False)
        with fill, contextlib.suppress(BlockingIOError):
            while True:
                fill.sendto(b"X", manager.getsockname())
        yield manager


def test_the_keeper_does_not_wait_for_the_service_manager(superd, manager):
    """What it has no room for is said later, and in order."""
    place = manager.getsockname()
    daemon = superd(ECHO, ready=False, env={"NOTIFY_SOCKET": place, "WATCHDOG_USEC": "300000"})
    daemon.wait_log("configuration loaded: 1 service")
    daemon.signal(signal.SIGHUP)
    daemon.wait_log("configuration loaded: 1 service", count=2)
    assert daemon.ask("echo", b"ping") == b"ping"
    said = b""
    while b"RELOADING" not in said:
        said = manager.recv(4096)
    assert b"READY=1" in manager.recv(4096)
    assert daemon.stop() == 0


def is_log_writer(pid):
    return alive(pid) and name_of(pid) == "superd-log"


def log_writers(daemon):
    return [pid for pid in children(daemon.keeper) if is_log_writer(pid)]


def log_writer(daemon):
    (pid,) = log_writers(daemon)
    return pid


def start_with_log(superd, place, services=1):
    log = place / "log"
    many = "".join(service(f"s{number}", builtin="echo") for number in range(services))
    daemon = superd(f'log = "{log}"\n' + many, ready=True)
    return daemon, log


def test_a_log_file_that_takes_nothing_makes_nobody_wait(superd, place):
    """Its file system is frozen, and with it the process that writes. What is lost is counted."""
    daemon, log = start_with_log(superd, place, services=1000)
    listening = r"'s0': listening on tcp:127.0.0.1:(\d+)"
    port = int(eventually(lambda: re.search(listening, content(log)))[1])
    os.kill(log_writer(daemon), signal.SIGSTOP)
    said = len(daemon.notify.messages)
    for _ in range(30):  # a thousand lines each, which is more than a pipe holds
        daemon.signal(signal.SIGUSR1)
        daemon.signal(signal.SIGHUP)
        daemon.wait_ready(after=said)
        said = len(daemon.notify.messages)
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"ping")
        assert client.recv(64) == b"ping"
    os.kill(log_writer(daemon), signal.SIGCONT)

    def says_what_was_dropped():
        daemon.signal(signal.SIGUSR1)
        return "lines of log were dropped" in log.read_text()

    eventually(says_what_was_dropped)


def test_another_process_writes_the_log_when_one_has_died(superd, place):
    daemon, log = start_with_log(superd, place)
    first = log_writer(daemon)
    os.kill(first, signal.SIGKILL)
    eventually(lambda: not alive(first) and log_writers(daemon))
    before = log.read_text()
    daemon.signal(signal.SIGUSR1)
    eventually(lambda: len(log.read_text()) > len(before))


def test_the_last_line_is_in_the_log_when_superd_has_ended(superd, place):
    for _ in range(3):
        daemon, log = start_with_log(superd, place, services=300)
        daemon.signal(signal.SIGUSR1)
        assert daemon.stop() == 0
        assert "terminated: stopping" in log.read_text()
        log.unlink()


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
@pytest.mark.parametrize("call", ["unlink", "bind"])
def test_the_keeper_does_not_wait_for_the_folder_of_a_socket(superd, place, call):
    """Whose file system does not answer: all that is tried there takes 30 s."""
    unix = service("unix", listen=f"unix:{place}/x.sock", builtin="echo")
    daemon = superd(ECHO + (unix if call == "unlink" else ""))
    delay = ("-f", "-e", f"trace={call}", "-e", f"inject={call}:delay_enter=30s")
    with watching(daemon, *delay):
        began = time.monotonic()
        said = len(daemon.notify.messages)
        daemon.write(ECHO + (unix if call == "bind" else ""))
        daemon.signal(signal.SIGHUP)
        daemon.wait_ready(after=said)
        assert daemon.ask("echo", b"ping") == b"ping"
        assert time.monotonic() - began < 10
    if call == "bind":
        daemon.wait_log("cannot listen on unix:.*: Connection timed out; trying again in 1 s")
        daemon.wait_log("service 'unix': listening on unix:")


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_many_sockets_in_such_a_folder_make_the_keeper_wait_no_longer(superd, place):
    many = "".join(
        service(f"s{number}", listen=f"unix:{place}/{number}.sock", builtin="echo")
        for number in range(20)
    )
    daemon = superd(ECHO)
    with watching(daemon, "-f", "-e", "trace=bind", "-e", "inject=bind:delay_enter=30s"):
        began = time.monotonic()
        said = len(daemon.notify.messages)
        daemon.write(ECHO + many)
        daemon.signal(signal.SIGHUP)
        daemon.wait_ready(after=said)
        assert daemon.ask("echo", b"ping") == b"ping"
        assert time.monotonic() - began < 10
    daemon.wait_log("service 's.*': cannot listen on unix:.*: Connection timed out", count=20)
    daemon.wait_log("service 's.*': listening on unix:", count=20)


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
@pytest.mark.parametrize("call", ["openat", "rename", "unlink"])
def test_the_keeper_does_not_wait_for_the_folder_of_the_pid_file(superd, place, call):
    old, new = place / "old.pid", place / "new.pid"
    daemon = superd(f'pid_file = "{old}"\n' + ECHO)
    delay = ["-f", "-P", str(old), "-P", str(new), "-P", f"{new}.{daemon.keeper}"]
    with watching(daemon, *delay, "-e", f"trace={call}", "-e", f"inject={call}:delay_enter=30s"):
        began = time.monotonic()
        daemon.write(f'pid_file = "{new}"\n' + ECHO)
        logged = len(daemon.log)
        daemon.signal(signal.SIGHUP)
        daemon.wait_log("configuration (loaded|not changed)", after=logged)
        assert daemon.ask("echo", b"ping") == b"ping"
        assert daemon.has_said("the pid file '.*new.pid': Connection timed out") == (
            call != "unlink"
        )
        assert time.monotonic() - began < 10
    daemon.reload()
    assert int(new.read_text()) == daemon.keeper
