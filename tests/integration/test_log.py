"""Where the log goes, and that a log that is stuck delays nobody."""

import contextlib
import fcntl
import os
import re
import shutil
import signal
import socket
import stat
import struct
import subprocess
import termios

import pytest

from daemon import PATIENCE
from process import alive, children, content, eventually, memory, name_of, status
from settings import ECHO, ROOT, service, shell

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}"


def test_a_log_file_has_the_time_and_the_process(superd, place):
    log = place / "log"
    superd(f'log = "{log}"\n' + ECHO)
    line = eventually(lambda: content(log)).splitlines()[0]
    assert re.match(rf"{TIME} superd\[\d+\]: ", line), line


def test_a_log_file_is_appended_to(superd, place):
    """Neither a start nor a reload, which opens it again, takes away what it holds."""
    log = place / "log"
    log.write_text("from before\n")
    daemon = superd(f'log = "{log}"\n' + ECHO)
    daemon.reload()
    daemon.stop()
    lines = log.read_text().splitlines()
    assert lines[0] == "from before"
    said = [line.split(": ", 1)[1] for line in lines[1:]]
    assert said[0].startswith("service 'echo': listening on")
    assert sum(line.startswith("configuration loaded") for line in said) == 2


def test_a_log_file_is_opened_again_on_hup(superd, place):
    """What logrotate does: move it away, send HUP."""
    log = place / "log"
    daemon = superd(f'log = "{log}"\n' + ECHO)
    eventually(lambda: "configuration loaded" in content(log))
    log.rename(place / "log.1")
    daemon.reload()
    eventually(lambda: "configuration loaded" in content(log))
    port = int(re.search(r"listening on tcp:127\.0\.0\.1:(\d+)", (place / "log.1").read_text())[1])
    daemon.port = lambda *_: port
    daemon.address = lambda *_: ("127.0.0.1", port)
    assert daemon.ask("echo", b"ping") == b"ping"
    eventually(lambda: "service 'echo': ended" in content(log))


def test_a_log_file_is_opened_again_even_if_the_configuration_is_bad(superd, place):
    log = place / "log"
    daemon = superd(f'log = "{log}"\n' + ECHO)
    log.rename(place / "log.1")
    daemon.reload("no configuration")
    eventually(lambda: "configuration not changed" in content(log))
    os.kill(daemon.front, signal.SIGKILL)
    eventually(lambda: "the new front serves" in content(log))


def test_a_session_of_an_old_front_ends_in_the_new_log_file(superd, place):
    log, path = place / "log", place / "x.sock"
    text = f'log = "{log}"\n' + service("x", listen=f"unix:{path}", builtin="echo")
    daemon = superd(text)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(b"x")
        assert client.recv(1) == b"x"
        daemon.reload()
        log.rename(place / "log.1")
        daemon.reload()
    eventually(lambda: "service 'x': ended unix" in content(log))


@pytest.mark.skipif(not ROOT, reason="needs root to have another /dev")
def test_superd_serves_before_there_is_a_syslog_and_finds_it_then(superd, place):
    (place / "dev").mkdir()
    os.mknod(place / "dev/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    elsewhere = ["unshare", "--mount", "sh", "-c", f'mount --bind {place}/dev /dev && exec "$@"']
    path = place / "x.sock"
    text = "log = syslog\n" + service("x", listen=f"unix:{path}", builtin="echo")
    daemon = superd(text, wrapper=[*elsewhere, "sh"])
    daemon.wait_log("there is no syslog to write to: lines of log are dropped until there is")
    daemon.address = lambda *_: str(path)
    assert daemon.ask("x", b"ping", "unix") == b"ping"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as syslog:
        syslog.bind(str(place / "dev/log"))
        os.chmod(place / "dev/log", 0o666)
        syslog.settimeout(PATIENCE)
        assert daemon.ask("x", b"ping", "unix") == b"ping"
        assert re.search(rb"superd\[\d+\]: \d+ lines of log were dropped", syslog.recv(4096))


DAEMONS = {"syslog": ("/dev", "log"), "journal": ("/run", "systemd/journal/socket")}


@pytest.mark.skipif(not ROOT, reason="needs root for a log daemon of its own")
@pytest.mark.parametrize("target", DAEMONS)
def test_a_log_daemon_that_was_started_anew_gets_the_lines_of_the_front(superd, place, target):
    """Which may not connect to it. The keeper does, though it has nothing to log itself."""
    folder, name = DAEMONS[target]
    address = place / folder.strip("/") / name
    address.parent.mkdir(parents=True)
    os.mknod(place / folder.strip("/") / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    hide = f'mount --bind {place}{folder} {folder} && exec "$@"'
    text = f"log = {target}\n" + service("x", listen=f"unix:{place}/x.sock", builtin="echo")
    with listening_at(address) as first:
        daemon = superd(text, wrapper=["unshare", "--mount", "sh", "-c", hide, "sh"])
        assert b"listening" in first.recv(4096)
    daemon.address = lambda *_: f"{place}/x.sock"
    assert daemon.ask("x", b"ping", "unix") == b"ping"
    address.unlink()
    with listening_at(address) as second:
        second.setblocking(False)
        said = []

        def has_said(text):
            assert daemon.ask("x", b"ping", "unix") == b"ping"
            with contextlib.suppress(BlockingIOError):
                while True:
                    said.append(second.recv(4096))
            return any(text in line for line in said)

        eventually(lambda: has_said(b"lines of log were dropped"))
        said.clear()
        eventually(lambda: has_said(b"service 'x': accepted unix"))


def listening_at(path):
    daemon = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    daemon.bind(str(path))
    os.chmod(path, 0o666)
    daemon.settimeout(PATIENCE)
    return daemon


def test_a_file_as_standard_error_is_shared_with_who_gave_it(superd, place):
    """As a script does whose output goes to a file without >>."""
    with open(place / "out", "w+b", buffering=0) as out:
        out.write(b"before\n")
        daemon = superd(service("x", listen=f"unix:{place}/x.sock", builtin="echo"), stderr=out)
        daemon.address = lambda *_: f"{place}/x.sock"
        out.write(b"between\n")
        assert daemon.ask("x", b"ping", "unix") == b"ping"
        eventually(lambda: b"ended" in (place / "out").read_bytes())
        out.write(b"after\n")
        daemon.stop()
    lines = (place / "out").read_text().splitlines()
    assert [line for line in lines if not re.match(TIME, line)] == ["before", "between", "after"]
    assert lines[0] == "before" and lines[-1] != "after"


def test_lines_name_the_process(superd):
    daemon = superd(ECHO)
    daemon.wait_log(rf"^{TIME} superd\[{daemon.keeper}\]: service 'echo': listening on")
    daemon.ask("echo", b"x")
    daemon.wait_log(rf"^{TIME} superd\[{daemon.front}\]: service 'echo': accepted")


HOST_AND_PORT = r"127\.0\.0\.1:\d+"
SECONDS = r"\d+\.\d{3} s"


def lines_of(daemon, name):
    """What its log says of the clients of a service."""
    pattern = f"service '{name}': ((accepted|refused|ended).*)"
    return [found[1] for found in daemon.log.find(pattern)]


def assert_lines(found, expected):
    assert len(found) == len(expected), found
    assert all(map(re.fullmatch, expected, found)), found


@pytest.mark.parametrize(
    "words, expected",
    [
        (["none"], []),
        (["host"], [f"accepted {HOST_AND_PORT}"]),
        (["pid"], [r"accepted, pid \d+"]),
        (["duration"], [f"ended, after {SECONDS}"]),
        (["exit"], ["ended, exit status 3"]),
        (["HOST", "Exit"], [f"accepted {HOST_AND_PORT}", f"ended {HOST_AND_PORT}, exit status 3"]),
    ],
    ids=str,
)
def test_what_is_logged_of_programs_is_chosen(superd, words, expected):
    daemon = superd(service("x", exec=shell("exit 3"), log_on_success=words))
    daemon.ask("x")
    eventually(lambda: children(daemon.keeper) == daemon.fronts())
    daemon.stop()
    assert_lines(lines_of(daemon, "x"), expected)


@pytest.mark.parametrize(
    "words, expected",
    [
        (["none"], []),
        (["host"], [f"accepted {HOST_AND_PORT}"]),
        (["pid"], ["accepted a client"]),
        (["duration"], [f"ended a client after {SECONDS}"]),
        (["traffic"], ["ended a client, 4 bytes in, 4 bytes out"]),
    ],
    ids=str,
)
def test_what_is_logged_of_sessions_is_chosen(superd, words, expected):
    daemon = superd(service("x", builtin="echo", log_on_success=words))
    daemon.ask("x", b"ping")
    daemon.stop()
    assert_lines(lines_of(daemon, "x"), expected)


@pytest.mark.parametrize(
    "words, who", [(["none"], None), (["host"], HOST_AND_PORT), (["attempt"], "a client")], ids=str
)
def test_what_is_logged_of_refused_clients_is_chosen(superd, words, who):
    options = {"instances": 1, "overflow": "refuse", "log_on_success": ["none"]}
    daemon = superd(service("x", builtin="echo", **options, log_on_failure=words))
    with daemon.connect("x") as client:
        client.sendall(b"x")
        assert client.recv(1) == b"x"
        assert daemon.ask("x") == b""
    daemon.stop()
    assert_lines(lines_of(daemon, "x"), [f"refused {who}: 1 of 1 instances are in use"] if who else [])


def test_text_from_outside_is_escaped(superd, place):
    """The bytes of a file are looked at: what reads the log for the tests escapes as well."""
    log, path = place / "log", place / "x.sock"
    (place / "said").write_bytes(
        b'a\033[31mb\377c\xe2\x80\xaed\xc2\x85e File "f\xc3\xbcr", line 1\\\n'
    )
    script = shell(f"cat '{place}/said' >&2")
    said = service("x", listen=f"unix:{path}", exec=script, stderr="log")
    daemon = superd(f'log = "{log}"\n' + said)
    daemon.address = lambda *_: str(path)
    daemon.ask("x", kind="unix")
    eventually(lambda: b"stderr: " in log.read_bytes())
    line = r"""'a\x1b[31mb\xffc\xe2\x80\xaed\xc2\x85e File "für", line 1\'"""
    assert f": service 'x': stderr: {line}\n".encode() in log.read_bytes()


def test_a_long_line_is_not_cut_within_a_character(superd, place):
    log, path = place / "log", place / "x.sock"
    script = shell("printf x >&2; for i in $(seq 600); do printf ü; done >&2; echo >&2")
    said = service("x", listen=f"unix:{path}", exec=script, stderr="log")
    daemon = superd(f'log = "{log}"\n' + said)
    daemon.address = lambda *_: str(path)
    daemon.ask("x", kind="unix")
    # The program may write slowly, and half a second without a line end makes a line.
    eventually(lambda: log.read_bytes().count("ü".encode()) == 600)
    assert b"\\x" not in log.read_bytes()


def test_a_line_of_a_program_without_end_costs_no_memory(superd):
    script = "head -c 400000 /dev/zero | tr '\\0' x >&2"
    daemon = superd(ECHO + service("x", exec=shell(script), stderr="log"))
    daemon.ask("echo")
    before = memory(daemon.front)
    daemon.ask("x")
    # Any line may be dropped while there are so many, so the end is when one is not.
    eventually(lambda: daemon.ask("echo") == b"" and daemon.log.find("service 'echo': ended"))
    assert memory(daemon.front) <= before + 64 * 1024
    pieces = [len(found[1]) for found in daemon.log.find("service 'x': stderr: '(x*)'$")]
    assert max(pieces) == 1024


@pytest.fixture
def pipe():
    """A pipe that nobody reads yet."""
    ends = os.pipe()
    fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, 4096)
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            pass


def test_a_log_that_blocks_delays_no_client(superd, place, pipe):
    reader, writer = pipe
    path = place / "x.sock"
    daemon = superd(service("echo", listen=f"unix:{path}", builtin="echo"), stderr=writer)
    daemon.address = lambda *_: str(path)
    for number in range(500):
        assert daemon.ask("echo", b"%d" % number, "unix") == b"%d" % number
    said = []
    os.set_blocking(reader, False)

    def dropped():
        try:
            said.append(os.read(reader, 65536))
        except BlockingIOError:
            daemon.ask("echo", b"x", "unix")
        return re.search(rb"\d+ lines of log were dropped", b"".join(said))

    eventually(dropped)


def test_a_log_whose_reader_is_gone_kills_nobody(superd, place, pipe):
    reader, writer = pipe
    path = place / "x.sock"
    daemon = superd(service("echo", listen=f"unix:{path}", builtin="echo"), stderr=writer)
    daemon.address = lambda *_: str(path)
    os.close(reader)
    for _ in range(20):
        assert daemon.ask("echo", b"ping", "unix") == b"ping"


def test_a_full_disk_stops_nobody(superd, place):
    path = place / "x.sock"
    text = service("echo", listen=f"unix:{path}", builtin="echo")
    daemon = superd('log = "/dev/full"\n' + text)
    daemon.address = lambda *_: str(path)
    assert daemon.ask("echo", b"ping", "unix") == b"ping"
    daemon.reload("log = stderr\n" + text)
    daemon.wait_log(r"superd\[\d+\]: \d+ lines of log were dropped")
    assert daemon.ask("echo", b"ping", "unix") == b"ping"


def test_a_stopped_reader_of_a_program_that_talks_much_is_no_trouble(superd, place, pipe):
    """A program may write to its log without end: others are served."""
    reader, writer = pipe
    loud = service("loud", f"unix:{place}/loud", exec=shell("exec yes >&2"), stderr="log")
    echo = service("echo", f"unix:{place}/echo", builtin="echo")
    daemon = superd(loud + echo, stderr=writer)
    daemon.address = lambda name, *_: str(place / name)
    with daemon.connect("loud", "unix"):
        eventually(lambda: n_waiting(reader) > 3500)
        for _ in range(20):
            assert daemon.ask("echo", b"ping", "unix") == b"ping"
    assert b"service 'loud': stderr: 'y'\n" in os.read(reader, 65536)


def n_waiting(pipe):
    """How many of the bytes for which it has room."""
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_another_log_is_opened_once(superd, place):
    """Not once more when the process that wrote the file has ended."""
    log = place / "log"
    daemon = superd(f'log = "{log}"\n' + ECHO)
    (writer,) = [pid for pid in children(daemon.keeper) if name_of(pid) == "superd-log"]
    trace = place / "trace"
    strace = subprocess.Popen(
        ["strace", "-q", "-e", "signal=none", "-e", "trace=openat", "-P", "/proc/self/fd/2"]
        + ["-o", str(trace), "-p", str(daemon.keeper)]
    )
    eventually(lambda: status(daemon.keeper)["TracerPid"].strip() != "0")
    daemon.reload('log = "stderr"\n' + ECHO)
    eventually(lambda: not alive(writer))
    daemon.has_said("nothing")
    strace.terminate()
    strace.wait(PATIENCE)
    assert trace.read_text().count("openat(") == 1
