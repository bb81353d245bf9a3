"""`pid_file`: which process superd is, for init scripts, and that only one superd has the file."""

import os
import signal
import stat
import subprocess

import pytest

from daemon import PATIENCE, SUPERD
from process import descriptors
from settings import ECHO, ROOT, for_root, service, shell

CANNOT_CREATE = 73
NO_PRIVILEGES = 77
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
# Locks its argument as well as somebody can who may not write it.
READER = """
import fcntl, sys
with open(sys.argv[1]) as file:
    print("waits", flush=True)
    fcntl.lockf(file, fcntl.LOCK_SH)
    print("has it", flush=True)
    sys.stdin.read()
"""
SLEEP = service("sleep", exec=shell("echo $$; exec sleep 60"))


@pytest.fixture
def path(place):
    """In a directory where nothing else is left."""
    (place / "run").mkdir(mode=0o777)
    (place / "run").chmod(0o777)
    path = place / "run/superd.pid"
    yield path
    assert os.listdir(place / "run") in ([], [path.name])


def text_with(path):
    return f'pid_file = "{path}"\n{ECHO}'


def refused(place, text, *arguments):
    """What a superd says that does not start because of its pid file."""
    conf = place / "refused.conf"
    conf.write_text(for_root(text))
    done = subprocess.run(
        [SUPERD, "-f", "-c", conf, *arguments], capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == CANNOT_CREATE
    assert "listening" not in done.stderr
    return done.stderr


def test_it_is_there_when_superd_serves_and_gone_when_it_has_ended(superd, path):
    daemon = superd(text_with(path))
    assert path.read_text() == f"{daemon.keeper}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644 and path.stat().st_uid == os.getuid()
    assert str(path) not in descriptors(daemon.front).values()
    assert daemon.stop() == 0
    assert not path.exists()


@pytest.mark.skipif(not ROOT, reason="needs root to become somebody else")
def test_a_superd_that_does_not_serve_leaves_nothing(superd, place, path):
    low = service("low", listen="tcp:127.0.0.1:1", builtin="echo")
    conf = place / "low.conf"
    conf.write_text(text_with(path) + low)
    (place / "run").chmod(0o777)
    done = subprocess.run([*NOBODY, SUPERD, "-f", "-c", conf], timeout=PATIENCE)
    assert done.returncode == NO_PRIVILEGES
    assert os.listdir(place / "run") == []


def test_the_command_line_goes_before_the_configuration(superd, place, path):
    """A name there is relative to where superd was started."""
    daemon = superd(
        text_with(place / "other.pid"), args=["--pid-file", "superd.pid"], cwd=path.parent
    )
    assert path.read_text() == f"{daemon.keeper}\n"
    daemon.reload(text_with(place / "another.pid"), expect="configuration loaded")
    assert path.read_text() == f"{daemon.keeper}\n"
    assert not (place / "other.pid").exists() and not (place / "another.pid").exists()


def test_one_that_is_tried_with_other_ports_leaves_the_file_alone(superd, path):
    superd(text_with(path), args=["--port-base", "1"])
    assert not path.exists()


def test_another_superd_is_refused_while_one_lives(superd, place, path):
    daemon = superd(text_with(path))
    said = refused(place, text_with(path))
    assert f"the pid file '{path}' is that of a superd that runs (pid {daemon.keeper})" in said
    assert path.read_text() == f"{daemon.keeper}\n"


@pytest.mark.parametrize("reloaded", [False, True])
def test_one_that_was_killed_leaves_a_stale_file_that_is_replaced(superd, path, reloaded):
    """Neither its front nor a program that goes on holds the lock."""
    daemon = superd(text_with(path) + SLEEP)
    program = int(daemon.connect("sleep").makefile().readline())
    if reloaded:
        daemon.reload()
    daemon.kill()
    daemon.process.wait()
    assert path.read_text() == f"{daemon.keeper}\n"
    other = superd(text_with(path))
    assert path.read_text() == f"{other.keeper}\n"
    os.kill(program, signal.SIGKILL)


@pytest.mark.skipif(not ROOT, reason="needs root to become somebody else")
def test_who_can_only_read_it_does_not_keep_the_next_superd_from_it(superd, place, path):
    """Somebody who waits for its lock gets that when the first superd is killed."""
    place.chmod(0o755)
    daemon = superd(text_with(path))
    reader = subprocess.Popen(
        [*NOBODY, "/usr/bin/python3", "-c", READER, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert reader.stdout.readline() == "waits\n"
        daemon.kill()
        daemon.process.wait()
        assert reader.stdout.readline() == "has it\n"
        other = superd(text_with(path))
        assert path.read_text() == f"{other.keeper}\n"
    finally:
        reader.communicate()


@pytest.mark.parametrize("content", ["1\n", "", "   12 "])
def test_a_file_that_nobody_has_locked_is_stale(superd, path, content):
    """Whatever process has that number now."""
    path.write_text(content)
    daemon = superd(text_with(path))
    assert path.read_text() == f"{daemon.keeper}\n"


@pytest.mark.parametrize(
    "make, why",
    [
        (lambda path: path.write_text("root:x:0:0:\n"), "is no pid file and is not replaced"),
        (lambda path: path.write_text("1" * 100), "is no pid file and is not replaced"),
        (lambda path: path.mkdir(), "is no pid file and is not replaced"),
        (lambda path: path.symlink_to("/etc/passwd"), "is no pid file and is not replaced"),
        (lambda path: os.mkfifo(path), "is no pid file and is not replaced"),
        (lambda path: path.parent.rmdir() or path.parent.touch(), "Not a directory"),
    ],
    ids=["text", "long", "directory", "link", "pipe", "no-directory"],
)
def test_what_is_no_pid_file_is_never_replaced(place, make, why):
    path = place / "run/superd.pid"
    path.parent.mkdir()
    make(path)
    before = os.lstat(path.parent if path.parent.is_file() else path)
    assert f"'{path}'" in (said := refused(place, text_with(path))) and why in said
    after = os.lstat(path.parent if path.parent.is_file() else path)
    assert (before.st_ino, before.st_size) == (after.st_ino, after.st_size)


def test_a_reload_moves_it(superd, place, path):
    daemon = superd(text_with(place / "first.pid"))
    daemon.reload(text_with(path))
    assert path.read_text() == f"{daemon.keeper}\n" and not (place / "first.pid").exists()
    daemon.reload()
    assert path.read_text() == f"{daemon.keeper}\n"
    daemon.reload(ECHO)
    assert not path.exists()
    daemon.reload(text_with(path))
    assert path.read_text() == f"{daemon.keeper}\n"


def test_a_reload_that_cannot_write_it_changes_nothing(superd, place, path):
    daemon = superd(text_with(path))
    other = superd(text_with(place / "other.pid"))
    for wrong in ("/nonexistent/superd.pid", place / "other.pid"):
        daemon.reload(text_with(wrong), expect="configuration not changed")
        assert path.read_text() == f"{daemon.keeper}\n"
    assert (place / "other.pid").read_text() == f"{other.keeper}\n"
    refused(place, text_with(path))


def test_a_reload_that_fails_later_leaves_it_as_it_was(superd, place, path):
    daemon = superd(text_with(path))
    daemon.reload(
        f'log = "/nonexistent/log"\n{text_with(place / "new.pid")}', expect="could not be applied"
    )
    assert path.read_text() == f"{daemon.keeper}\n"
    assert not [name for name in os.listdir(place) if name.startswith("new.pid")]


def test_a_file_that_was_removed_is_written_again_by_a_reload(superd, path):
    daemon = superd(text_with(path))
    path.unlink()
    daemon.reload()
    assert path.read_text() == f"{daemon.keeper}\n"


def test_what_somebody_else_has_put_there_stays_when_superd_ends(superd, path):
    daemon = superd(text_with(path))
    path.unlink()
    path.write_text("1\n")
    assert daemon.stop() == 0
    assert path.read_text() == "1\n"


@pytest.mark.skipif(not ROOT, reason="needs root to become somebody else")
def test_an_ordinary_user_has_one_too(superd, path):
    daemon = superd("port_base = 1\n" + text_with(path), wrapper=NOBODY)
    assert path.read_text() == f"{daemon.keeper}\n" and path.stat().st_uid == 65534
