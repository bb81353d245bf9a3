"""The process that writes the log file has no privileges, and no front keeps it from the keeper."""

import os
import signal
import subprocess
import sys

import pytest

from process import children, content, eventually, name_of, settled, status
from settings import ECHO, FRONT_USER, ROOT

pytestmark = pytest.mark.skipif(not ROOT, reason="needs root to have something to give up")
EAGAIN = 11
READS = "import sys; open(f'/proc/{sys.argv[1]}/mem', 'rb')"


def writer_of(daemon):
    (pid,) = [pid for pid in children(daemon.keeper) if name_of(pid) == "superd-log"]
    return pid


@pytest.fixture
def log(place):
    """In a folder where only root may make files."""
    folder = place / "log"
    folder.mkdir(mode=0o700)
    return folder / "superd.log"


def to_file(log):
    return f'log = "{log}"\n' + ECHO


def test_it_has_no_privileges(superd, log):
    daemon = superd(to_file(log))
    found = status(writer_of(daemon))
    assert set(found["Uid"].split()) == set(found["Gid"].split()) == {str(FRONT_USER)}
    assert found["Groups"].split() == [] and found["NoNewPrivs"].strip() == "1"
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(found[name], 16) == 0, name
    with open(f"/proc/{writer_of(daemon)}/limits") as limits:
        limits = {line[:25].strip(): line[25:].split()[:2] for line in limits}
    assert limits["Max processes"] == limits["Max core file size"] == ["0", "0"]


def test_no_process_of_its_user_can_read_it(superd, log):
    daemon = superd(to_file(log))
    done = subprocess.run(
        ["setpriv", f"--reuid={FRONT_USER}", f"--regid={FRONT_USER}", "--clear-groups"]
        + [sys.executable, "-c", READS, str(writer_of(daemon))],
        capture_output=True,
        text=True,
    )
    assert "PermissionError" in done.stderr


def test_it_writes_a_new_file_that_it_could_not_open(superd, log):
    daemon = superd(to_file(log))
    writer = writer_of(daemon)
    for number in 1, 2:
        eventually(lambda: "configuration loaded" in content(log))
        settled(lambda: content(log))
        log.rename(f"{log}.{number}")
        daemon.reload()
        eventually(lambda: "configuration loaded" in content(log))
        assert "loading " in log.read_text().splitlines()[0]
    assert writer_of(daemon) == writer


def test_it_goes_on_with_the_old_file_where_no_other_can_be_opened(superd, log):
    daemon = superd(to_file(log))
    log.rename(f"{log}.1")
    log.mkdir()
    daemon.reload()
    old = log.with_name(log.name + ".1")
    eventually(lambda: f"cannot open the log {log} again: Is a directory" in old.read_text())
    eventually(lambda: old.read_text().count("configuration loaded") == 2)
    log.rmdir()
    daemon.reload()
    eventually(lambda: "configuration loaded" in content(log))


def pipe_to(writer, pid):
    """The descriptors of the process that are one of the writer's pipes."""
    pipes = {os.readlink(f"/proc/{writer}/fd/{fd}") for fd in (3, 4)}
    numbers = [int(name) for name in os.listdir(f"/proc/{pid}/fd")]
    return [fd for fd in numbers if os.readlink(f"/proc/{pid}/fd/{fd}") in pipes]


def test_a_front_that_fills_the_log_costs_no_line_of_the_keeper(owned, log):
    front = owned(to_file(log))
    daemon = front.daemon
    writer = writer_of(daemon)
    os.kill(writer, signal.SIGSTOP)
    (fd,) = pipe_to(writer, front.pid)
    line = b"x" * 4095 + b"\n"
    while (r := front.call("write", fd, line, len(line))) > 0:
        pass
    assert r == -EAGAIN

    said = len(daemon.notify.messages)
    daemon.signal(signal.SIGHUP)
    daemon.wait_ready(after=said)
    os.kill(writer, signal.SIGCONT)
    eventually(lambda: log.read_text().count("configuration loaded") == 2)
    assert "loading " in log.read_text()


def test_a_part_of_a_line_of_a_front_is_in_no_line_of_the_keeper(owned, log):
    front = owned(to_file(log))
    (fd,) = pipe_to(writer_of(front.daemon), front.pid)
    assert front.call("write", fd, b"a part", 6) == 6
    front.daemon.signal(signal.SIGUSR1)
    eventually(lambda: "state: " in log.read_text())
    assert "a part" not in log.read_text()
    assert front.call("write", fd, b" of a line\n", 11) == 11
    eventually(lambda: "a part of a line" in log.read_text().splitlines())
