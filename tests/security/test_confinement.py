"""What code in the front can not do: the lines of the table in superd(8)."""

import errno
import mmap
import os
import pathlib
import re
import resource
import signal
import socket
import struct
import subprocess
import sys

import pytest

from daemon import SUPERD
from owned import Gone, inet, unix
from process import PATIENCE, threads
from settings import ECHO, FRONT_USER, service

VERSION = subprocess.run([SUPERD, "--version"], capture_output=True, text=True).stdout
pytestmark = pytest.mark.skipif("In this build" in VERSION, reason=VERSION)

# Where Python has no name.
CLONE_NEWUSER = 0x10000000
F_SETLEASE, F_SETOWN, F_SETFL, F_DUPFD = 1024, 8, 4, 0
MFD_HUGETLB = 4
PTRACE_ATTACH = 16
PTRACE_TRACEME = 0
PR_SET_DUMPABLE = 4
SO_ATTACH_FILTER = 26
TCP_REPAIR = 19
FIOASYNC = 0x5452
HIGH_BITS = 1 << 32
X32 = 0x40000000
AT_FDCWD = -100

ON = struct.pack("=i", 1)
LINGER = struct.pack("=ii", 1, 100000)
PAGE = mmap.PAGESIZE
PRIVATE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS


def keeper(front):
    return front.daemon.keeper


# By the line of the table: what an attacker would try for it.
DENIED = {
    "execute a program": [
        ("execve", b"/bin/sh\0", 0, 0),
        ("execveat", AT_FDCWD, b"/bin/sh\0", 0, 0, 0),
        ("mmap", 0, PAGE, mmap.PROT_READ | mmap.PROT_EXEC, PRIVATE, -1, 0),
        ("mprotect", lambda front: front.put(b"x") & -PAGE, PAGE, mmap.PROT_EXEC),
        ("personality", 0x0040000),
    ],
    "start a process or thread": [
        ("clone", signal.SIGCHLD, 0, 0, 0, 0),
        ("clone3", struct.pack("=11Q", 0, 0, 0, 0, signal.SIGCHLD, *[0] * 6), 88),
    ],
    "enter or make a namespace": [
        ("unshare", CLONE_NEWUSER),
        ("setns", lambda front: front.channel, 0),
        ("chroot", b".\0"),
        ("pivot_root", b".\0", b".\0"),
        ("mount", b"x\0", b"/\0", b"tmpfs\0", 0, 0),
        ("umount2", b"/\0", 0),
        ("fsopen", b"tmpfs\0", 0),
        ("open_tree", AT_FDCWD, b"/\0", 1),
        ("move_mount", AT_FDCWD, b"/\0", AT_FDCWD, b"/\0", 0),
    ],
    "make, remove or mark a file": [
        ("openat2", AT_FDCWD, b"/etc/passwd\0", bytes(24), 24),
        ("open_by_handle_at", AT_FDCWD, bytes(64), os.O_RDONLY),
        ("mkdirat", AT_FDCWD, b"x\0", 0o777),
        ("unlinkat", AT_FDCWD, b"/run\0", 0),
        ("chmod", b"/\0", 0o777),
        ("memfd_create", b"x\0", MFD_HUGETLB),
    ],
    "make, bind or connect a socket": [
        ("socket", socket.AF_INET, socket.SOCK_STREAM, 0),
        ("socket", socket.AF_NETLINK, socket.SOCK_RAW, 0),
        ("socketpair", socket.AF_UNIX, socket.SOCK_STREAM, 0, bytes(8)),
        ("bind", lambda front: front.listener(), inet("127.0.0.1", 0), 16),
        ("listen", lambda front: front.listener(), 1),
        ("connect", lambda front: front.listener(), inet("127.0.0.1", 9), 16),
        ("connect", lambda front: front.channel, unix("/run/x"), 10),
        ("sendto", lambda front: front.listener(), b"x", 1, socket.MSG_FASTOPEN, 0, 0),
        ("sendmsg", lambda front: front.listener(), bytes(56), socket.MSG_FASTOPEN),
    ],
    "make a close of the keeper wait": [
        ("setsockopt", lambda front: front.listener(), 1, socket.SO_LINGER, LINGER, 8),
        ("setsockopt", lambda front: front.listener(), 1, socket.SO_LINGER | HIGH_BITS, LINGER, 8),
        ("setsockopt", lambda front: front.listener(), 1 | HIGH_BITS, socket.SO_LINGER, LINGER, 8),
    ],
    "set other options of a socket or descriptor": [
        ("setsockopt", lambda front: front.listener(), 1, SO_ATTACH_FILTER, bytes(16), 16),
        ("setsockopt", lambda front: front.listener(), 1, socket.SO_REUSEPORT, ON, 4),
        ("setsockopt", lambda front: front.listener(), socket.IPPROTO_TCP, TCP_REPAIR, ON, 4),
        ("fcntl", lambda front: front.channel, F_SETFL, 0),
        ("fcntl", lambda front: front.channel, F_SETOWN, keeper),
        ("fcntl", lambda front: front.channel, F_SETLEASE, 0),
        ("fcntl", lambda front: front.channel, F_DUPFD, 0),
        ("ioctl", lambda front: front.channel, FIOASYNC, ON),
        ("dup3", lambda front: front.channel, 100, 0),
    ],
    "send a signal": [
        ("kill", keeper, signal.SIGSTOP),
        ("kill", -1, signal.SIGSTOP),
        ("tkill", keeper, signal.SIGSTOP),
        ("tgkill", keeper, keeper, signal.SIGABRT),
        ("tgkill", lambda front: front.pid, lambda front: front.pid, signal.SIGSTOP),
        ("pidfd_open", keeper, 0),
        ("pidfd_send_signal", lambda front: front.channel, signal.SIGSTOP, 0, 0),
    ],
    "trace or read a process": [
        ("ptrace", PTRACE_ATTACH, keeper, 0, 0),
        ("ptrace", PTRACE_TRACEME, 0, 0, 0),
        ("process_vm_readv", keeper, 0, 0, 0, 0, 0),
        ("process_vm_writev", keeper, 0, 0, 0, 0, 0),
        ("pidfd_getfd", lambda front: front.channel, 0, 0),
        ("prlimit64", keeper, resource.RLIMIT_NOFILE, 0, bytes(16)),
    ],
    "lift what confines it": [
        ("prctl", PR_SET_DUMPABLE, 1, 0, 0, 0),
        ("setresuid", 0, 0, 0),
        ("prlimit64", 0, resource.RLIMIT_NPROC, 0, bytes(16)),
    ],
    "reach rarely used parts of the kernel": [
        ("io_uring_setup", 1, bytes(120)),
        ("bpf", 0, bytes(64), 64),
        ("perf_event_open", bytes(128), 0, -1, -1, 0),
        ("userfaultfd", 0),
        ("keyctl", 0, -3, 0),
        ("add_key", b"user\0", b"x\0", b"x", 1, -3),
        ("request_key", b"user\0", b"x\0", 0, 0),
        ("init_module", 0, 0, b"\0"),
    ],
}


# These fail: the C library may make them by itself, and a client may make it do so.
FAIL = {
    "open a file": [
        ("openat", AT_FDCWD, b"/etc/passwd\0", os.O_RDONLY, 0),
        ("readlinkat", AT_FDCWD, b"/proc/self\0", bytes(64), 64),
        ("faccessat", AT_FDCWD, b"/\0", os.R_OK),
        ("newfstatat", AT_FDCWD, b"/\0", bytes(256), 0),
        ("fstat", 2, bytes(256)),
        ("statx", AT_FDCWD, b"/\0", 0, 0, bytes(256)),
    ],
}


def attempts(of):
    for line, calls in of.items():
        for number, call in enumerate(calls):
            yield pytest.param(call, id=f"{line}-{call[0]}-{number}")


def attempt(front, name, *arguments):
    return front.call(name, *(a(front) if callable(a) else a for a in arguments))


def test_the_manual_has_each_line():
    manual = (pathlib.Path(__file__).parents[2] / "man/superd.8").read_text()
    assert [line for line in [*DENIED, *FAIL] if f'\n.It "{line}" Ta ' not in manual] == []


@pytest.fixture
def confined(owned):
    def start(text, mode="kill", **how):
        front = owned(f"front_seccomp = {mode}\n" + text, **how)
        front.daemon.wait_ready()
        return front

    return start


@pytest.mark.parametrize("call", attempts(FAIL))
def test_a_call_that_a_library_may_make_fails(confined, call):
    """And the front serves on."""
    front = confined(ECHO)
    assert attempt(front, *call) == -errno.EACCES
    assert front.call("getpid") == front.pid
    assert front.daemon.ask("echo", b"ping") == b"ping"


@pytest.mark.parametrize("call", attempts(FAIL))
def test_a_test_notices_even_such_a_call(confined, call):
    front = confined(ECHO, mode="strict")
    front.daemon.denials = 1
    with pytest.raises(Gone):
        attempt(front, *call)


@pytest.mark.parametrize("call", attempts(DENIED))
def test_a_front_that_tries_to_is_ended(confined, call):
    """And superd serves on."""
    front = confined(ECHO)
    assert front.call("getpid") == front.pid
    front.daemon.denials = 1
    with pytest.raises(Gone):
        attempt(front, *call)
    front.daemon.wait_log(rf"the front \(pid {front.pid}\) was killed, because it made a system")
    assert front.daemon.ask("echo", b"ping") == b"ping"


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="other machines have one table of calls")
def test_the_other_table_of_calls_is_no_way_round(confined):
    front = confined(ECHO)
    front.daemon.denials = 1
    with pytest.raises(Gone):
        front.call(X32 | front.numbers["getpid"])


def test_the_filter_holds_every_thread(confined):
    front = confined("workers = 4\n" + ECHO)
    found = [thread["Seccomp"] for thread in threads(front.pid)]
    assert len(found) == 5 and set(found) == {"2"}


def test_a_call_is_only_logged_where_that_is_wanted(confined):
    front = confined(ECHO, mode="log")
    assert front.call("socket", socket.AF_UNIX, socket.SOCK_STREAM, 0) > 0


# What holds where the calls are not filtered.


def test_the_root_is_an_empty_directory_in_which_nothing_can_be_made(owned):
    front = owned(ECHO)
    assert front.call("openat", AT_FDCWD, b"/etc/passwd\0", os.O_RDONLY, 0) < 0
    assert front.call("openat", AT_FDCWD, b"..\0", os.O_RDONLY, 0) < 0
    assert front.call("mkdirat", AT_FDCWD, b"/x\0", 0o777) < 0
    assert front.call("mkdirat", AT_FDCWD, b"x\0", 0o777) < 0
    assert os.readlink(f"/proc/{front.pid}/root").endswith(" (deleted)")
    assert os.readlink(f"/proc/{front.pid}/cwd").endswith(" (deleted)")


def test_a_client_of_a_unix_socket_is_answered_by_its_path(owned, place):
    """So the front keeps the root of superd."""
    front = owned(service("x", listen=f"unix-dgram:{place}/x.sock", builtin="echo"))
    assert os.readlink(f"/proc/{front.pid}/root") == "/"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.bind(f"{place}/client.sock")
        os.chmod(f"{place}/client.sock", 0o777)
        client.settimeout(PATIENCE)
        client.sendto(b"ping", f"{place}/x.sock")
        assert client.recv(64) == b"ping"


def test_the_time_of_day_is_that_of_the_zone(superd):
    """Of which the front finds no file."""
    said = []
    for zone in ("Pacific/Auckland", "America/Los_Angeles"):
        daemon = superd(service("x", builtin="daytime"), env={"TZ": zone})
        said.append(daemon.ask("x").decode()[11:13])
        daemon.reload()
        assert daemon.ask("x").decode()[11:13] == said[-1]
    assert said[0] != said[1]


def test_a_process_cannot_be_started_without_the_filter_either(owned):
    front = owned(ECHO)
    assert front.call("clone", signal.SIGCHLD, 0, 0, 0, 0) == -11  # EAGAIN
    with open(f"/proc/{front.pid}/limits") as limits:
        text = limits.read()
    assert re.search(r"^Max core file size +0 +0 ", text, re.M)
    assert re.search(r"^Max file size +262144 +262144 ", text, re.M)


def test_a_log_that_is_a_file_may_grow(superd, place):
    """Which standard error may be."""
    with open(place / "log", "w") as log:
        daemon = superd(ECHO, stderr=log)
    with open(f"/proc/{daemon.front}/limits") as limits:
        assert re.search(r"^Max file size +unlimited ", limits.read(), re.M)


READS = "import sys; open(f'/proc/{sys.argv[1]}/mem', 'rb')"


def test_no_process_of_its_user_can_read_the_front(owned):
    """Were there one."""
    front = owned(ECHO)
    done = subprocess.run(
        ["setpriv", f"--reuid={FRONT_USER}", f"--regid={FRONT_USER}", "--clear-groups"]
        + [sys.executable, "-c", READS, str(front.pid)],
        capture_output=True,
        text=True,
    )
    assert "PermissionError" in done.stderr
