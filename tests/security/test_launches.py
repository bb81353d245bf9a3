"""Between its process and its program: who can make a launch last, and what that costs others.

A launch is held up by what its program's user, or the owner of a file, can do: a signal, a lease, a
file system that does not answer. Nobody else has to wait for it, and it ends.
"""

import contextlib
import errno
import os
import pwd
import select
import shutil
import signal
import struct
import subprocess
import threading
import time

import pytest

import fuse
from process import PATIENCE, children, eventually, status
from settings import ECHO, ROOT, service

pytestmark = pytest.mark.skipif(not ROOT, reason="needs root, as programs have several users")

PYTHON = "/usr/bin/python3"
USER = pwd.getpwnam("daemon")
BECOME = ["setpriv", f"--reuid={USER.pw_uid}", f"--regid={USER.pw_gid}", "--clear-groups"]
OTHERS = ECHO + service("other", exec=["/bin/cat"], user="nobody")
FUSE_LOOKUP, FUSE_INIT = 1, 26
# No client of others waits for as long, even where the machine is busy.
MOMENT = 5

# Stops everybody whom its user may stop, again and again.
STOPPER = """
import os, signal, time
end = time.monotonic() + 4
while time.monotonic() < end:
    try:
        os.kill(-1, signal.SIGSTOP)
    except ProcessLookupError:
        pass
"""
# Sends to everybody whom its user may send to what ends, stops or disturbs them.
KILLER = """
import os, random, time
end = time.monotonic() + 4
while time.monotonic() < end:
    try:
        os.kill(-1, random.choice((3, 6, 9, 12, 14, 15, 18, 19, 26)))
    except ProcessLookupError:
        pass
    time.sleep(random.random() / 500)
"""
# Holds a lease on its argument, and does not answer who wants to have it back.
LESSEE = """
import fcntl, os, signal, sys
signal.signal(signal.SIGIO, signal.SIG_IGN)
file = os.open(sys.argv[1], os.O_RDWR)
fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print(flush=True)
sys.stdin.read()
"""
# As the user of a process that has the keeper's memory: what it can read of it.
READER = """
import ctypes, os, sys
pid = int(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
for name in "mem", "environ", "auxv", "maps", "fd", "cwd", "exe", "root":
    path = f"/proc/{pid}/{name}"
    try:
        if name in ("cwd", "exe", "root"):
            os.readlink(path)
        elif name == "fd":
            os.listdir(path)
        else:
            with open(path, "rb") as file:
                file.read(1)
        print("read", name)
    except OSError:
        pass
for request, name in (16, "attach"), (0x4206, "seize"):
    if libc.ptrace(request, pid, 0, 0) == 0:
        print("traced by", name)
        libc.ptrace(17, pid, 0, 0)
class Piece(ctypes.Structure):
    _fields_ = [("at", ctypes.c_void_p), ("size", ctypes.c_size_t)]
own, theirs = ctypes.create_string_buffer(8), Piece(int(sys.argv[2], 16), 8)
if libc.process_vm_readv(pid, ctypes.byref(Piece(ctypes.addressof(own), 8)), 1,
                         ctypes.byref(theirs), 1, 0) > 0:
    print("copied memory")
print("looked")
"""


def took(ask, *args):
    """How long that lasts."""
    begun = time.monotonic()
    ask(*args)
    return time.monotonic() - begun


def assert_others_served(daemon):
    for name in ("echo", "other"):
        assert took(lambda: daemon.ask(name, b"ping")) < MOMENT


def knock(daemon, name):
    """A client that does not wait for its answer."""
    client = daemon.connect(name)
    client.settimeout(0.2)
    return client


@pytest.fixture
def leased(place):
    """A program of the user `daemon`, and the process of its owner that has a lease on it."""
    os.chmod(place, 0o755)
    program = place / "leased"
    shutil.copy("/bin/cat", program)
    os.chown(program, USER.pw_uid, USER.pw_gid)
    holder = subprocess.Popen(
        [*BECOME, PYTHON, "-c", LESSEE, str(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    holder.stdout.readline()
    yield program, holder
    holder.kill()
    holder.wait()
    holder.stdin.close()
    holder.stdout.close()


class Hanging:
    """A directory, and after hang() one whose file system never answers."""

    def __init__(self, path):
        self.path = str(path)
        self.device = None
        self.answers = None
        self.askers = set()  # users
        self.ended = False

    def hang(self):
        self.device = fuse.mount(self.path)

    def deny(self):
        """From now on the first question of each process for a file has an answer: no."""
        self.answers = threading.Thread(target=self._deny, daemon=True)
        self.answers.start()

    def _deny(self):
        known = set()  # processes
        os.set_blocking(self.device, False)
        while not self.ended:
            if not select.select([self.device], [], [], 0.05)[0]:
                continue
            request = os.read(self.device, 1 << 17)
            _, kind, number, _, user, _, pid = struct.unpack_from("=IIQQIII", request)
            if kind == FUSE_INIT:
                answer = struct.pack("=II56x", 7, 31)
                os.write(self.device, struct.pack("=IiQ", 16 + len(answer), 0, number) + answer)
            elif kind == FUSE_LOOKUP:
                self.askers.add(user)
                if pid not in known:
                    known.add(pid)
                    os.write(self.device, struct.pack("=IiQ", 16, -errno.ENOENT, number))

    def end(self):
        self.ended = True
        if self.answers:
            self.answers.join()
        if self.device is not None:
            fuse.unmount(self.path)
            os.close(self.device)


@pytest.fixture
def hanging(place):
    found = Hanging(fuse.folder(place, "hanging"))
    yield found
    found.end()


def child_of(daemon):
    """The process of a launch that is under way."""
    fronts = daemon.fronts()
    return eventually(lambda: [pid for pid in children(daemon.keeper) if pid not in fronts])[0]


def is_user(pid):
    return int(status(pid)["Uid"].split()[0]) == USER.pw_uid


def test_who_stops_programs_of_its_user_stops_no_others(boxed):
    daemon = boxed(
        service("evil", exec=[PYTHON, "-c", STOPPER], user="daemon")
        + service("same", exec=["/bin/true"], user="daemon", launch_timeout="1s")
        + OTHERS
    )
    evil = daemon.connect("evil")
    pattern = "service 'same': cannot start '/bin/true' .* within 1 s; see whether"
    deadline = time.monotonic() + PATIENCE
    while not daemon.log.find(pattern):
        assert time.monotonic() < deadline
        knock(daemon, "same").close()
        assert_others_served(daemon)
    daemon.reload()
    evil.settimeout(PATIENCE)
    assert evil.recv(1) == b""
    # Those of the user go on at the latest after the time limit, and a pause.
    daemon.ask("same")
    assert daemon.stop() == 0


def test_who_kills_programs_of_its_user_leaves_nothing_behind(boxed):
    """At any moment of their launches, while the configuration is reloaded."""
    own = {"exec": ["/bin/cat"], "user": "daemon", "launch_timeout": "300ms"}
    daemon = boxed(
        service("evil", exec=[PYTHON, "-c", KILLER], user="daemon")
        + service("spawn", **own)
        + service("wait", dispatch="wait", **own)
        + service("pool", dispatch="pool", processes=[1, 3], **own)
        + service("datagrams", listen="udp:127.0.0.1:0", **own)
        + OTHERS
    )
    evil = daemon.connect("evil")
    evil.settimeout(0)
    ended = False
    while not ended:
        clients = [knock(daemon, name) for name in ("spawn", "spawn", "wait", "pool")]
        clients.append(daemon.datagram("datagrams"))
        clients[-1].send(b"ping")
        daemon.reload()
        assert_others_served(daemon)
        for client in clients:
            client.close()
        with contextlib.suppress(BlockingIOError):
            ended = evil.recv(1) == b""
    # It may have stopped some, which run then.
    for pid in children(daemon.keeper):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    eventually(lambda: counts_nothing(daemon))
    eventually(lambda: is_served(daemon, "spawn"))
    assert daemon.stop() == 0


def is_served(daemon, name):
    """Not at once where the machine is busy: its programs have little time to be executed."""
    try:
        return daemon.ask(name, b"ping") == b"ping"
    except ConnectionResetError:
        return False


def counts_nothing(daemon):
    """But the processes of the pool."""
    logged = len(daemon.log)
    daemon.signal(signal.SIGUSR1)
    daemon.wait_log("service 'other': .* now;", after=logged)
    return all(
        daemon.log.find(f"service '{name}': 0 programs and 0 sessions now", after=logged)
        for name in ("evil", "spawn", "wait", "datagrams")
    )


def test_a_lease_on_a_program_holds_up_that_program_alone(superd, leased):
    program, holder = leased
    daemon = superd(
        service("leased", exec=[program], user="daemon", launch_timeout="1s") + OTHERS
    )
    with daemon.connect("leased") as client:
        assert_others_served(daemon)
        daemon.wait_log("service 'leased': cannot start .*: cannot execute within 1 s")
        assert client.recv(1) == b""
    holder.kill()
    holder.wait()
    assert daemon.ask("leased", b"ping") == b"ping"


def test_a_directory_that_hangs_holds_up_its_service_alone(superd, hanging):
    slow = {"directory": hanging.path, "user": "daemon", "launch_timeout": "1s"}
    daemon = superd(
        service("slow", exec=["/bin/cat"], debug=True, **slow)
        + service("waits", exec=["/bin/cat"], dispatch="wait", **slow)
        + service("pool", exec=["/bin/cat"], dispatch="pool", processes=[0, 1], debug=True, **slow)
        + service("datagrams", listen="udp:127.0.0.1:0", exec=["/bin/cat"], **slow)
        + OTHERS
    )
    hanging.hang()
    clients = [daemon.connect("slow") for _ in range(40)]
    clients += [daemon.connect(name) for name in ("waits", "pool")]
    clients += [daemon.datagram("datagrams")]
    clients[-1].send(b"ping")
    for _ in range(20):
        assert_others_served(daemon)
    daemon.signal(signal.SIGUSR1)
    daemon.wait_log("child .*: service 'slow', for .*, program not executed yet")
    for name in "slow", "waits", "pool", "datagrams":
        step = f"cannot enter the directory '{hanging.path}' within 1 s"
        daemon.wait_log(f"service '{name}': cannot start .*: {step}")
    daemon.wait_log(r"'slow': launch for .*: took too long as pid .*; pause .* [1-9]\d* ms$")
    daemon.wait_log(r"'pool': launch of the pool: took too long as pid .*; pause .* \d+ ms$")
    # Few of them are tried at once, and more rarely after that.
    assert len(daemon.log.find("service 'slow': cannot start")) < 10


def test_why_a_program_cannot_be_executed_is_not_asked_by_the_keeper(superd, hanging):
    """Who owns its file system may answer that there is no such program, and nothing after that."""
    program = shutil.copy("/bin/cat", hanging.path)
    slow = {"user": "daemon", "launch_timeout": "1s"}
    daemon = superd("grace = 100ms\n" + service("missing", exec=[program], **slow) + OTHERS)
    hanging.hang()
    hanging.deny()
    client = knock(daemon, "missing")
    assert_others_served(daemon)
    daemon.wait_log("service 'missing': cannot start .*: cannot execute.*: No such file")
    assert hanging.askers == {USER.pw_uid}
    client.close()


def test_further_clients_of_a_service_that_hangs_are_turned_away(superd, hanging):
    daemon = superd(
        service("slow", exec=["/bin/cat"], directory=hanging.path, instances="unlimited",
                backlog=1000)
        + OTHERS
    )
    hanging.hang()
    clients = [daemon.connect("slow") for _ in range(400)]
    daemon.wait_log("service 'slow': cannot start .*: its programs do not come to run, and too many"
                    " clients wait")
    assert_others_served(daemon)
    assert len(clients) == 400


def test_a_reload_lets_a_service_out_of_a_directory_that_hangs(superd, hanging):
    def configuration(directory):
        return service("slow", exec=["/bin/cat"], directory=directory) + OTHERS

    daemon = superd(configuration(hanging.path))
    hanging.hang()
    first = daemon.connect("slow")
    child_of(daemon)
    daemon.reload(configuration("/"))
    assert daemon.ask("slow", b"ping") == b"ping"
    first.close()


def test_a_rehearsal_does_not_hold_the_connections_of_clients(superd, hanging):
    """It was forked while the launch was under way, and meets the same directory."""
    daemon = superd(
        service("slow", exec=["/bin/cat"], directory=hanging.path, launch_timeout="1s") + OTHERS
    )
    hanging.hang()
    client = daemon.connect("slow")
    child = child_of(daemon)
    daemon.signal(signal.SIGHUP)
    known = {child, *daemon.fronts()}
    eventually(lambda: set(children(daemon.keeper)) - known)
    daemon.wait_log("service 'slow': cannot start")
    client.settimeout(MOMENT)
    assert client.recv(1) == b""


@pytest.mark.parametrize("dispatch", ["spawn", "wait", "pool", "pass"])
def test_superd_stops_while_a_launch_hangs(superd, hanging, dispatch):
    processes = {"processes": [0, 1]} if dispatch in ("pool", "pass") else {}
    daemon = superd(
        "grace = 100ms\n"
        + service("slow", exec=["/bin/cat"], directory=hanging.path, dispatch=dispatch, **processes)
        + OTHERS
    )
    hanging.hang()
    client = daemon.connect("slow")
    child = child_of(daemon)
    assert took(daemon.stop) < 10
    assert not os.path.exists(f"/proc/{child}")
    client.close()


def test_nobody_reads_the_memory_of_the_keeper_during_a_launch(superd, leased, place):
    program, _ = leased
    os.chmod(place, 0o777)
    daemon = superd(
        service("leased", exec=[program], user="daemon", directory=str(place)) + OTHERS,
        wrapper=["prlimit", "--core=unlimited"],
    )
    client = daemon.connect("leased")
    child = child_of(daemon)
    eventually(lambda: is_user(child))
    with open(f"/proc/{child}/maps") as maps:
        start = maps.read().split("-")[0]
    found = subprocess.run(
        [*BECOME, PYTHON, "-c", READER, str(child), start],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert found == "looked\n"
    # It may end the launch, and leaves nothing of its memory.
    before = set(os.listdir(place))
    subprocess.run([*BECOME, "kill", "-ABRT", str(child)], check=True)
    daemon.wait_log("service 'leased': ended .* killed by signal 6")
    assert set(os.listdir(place)) == before
    assert_others_served(daemon)
    client.close()
