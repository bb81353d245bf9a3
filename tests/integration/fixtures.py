"""`superd(text)` starts the binary that SUPERD names and stops it after the test."""

import ctypes
import os
import pathlib
import shutil
import signal
import tempfile

import pytest

from daemon import SANITIZER, SUPERD, Daemon
from process import children, eventually, executable

PR_SET_CHILD_SUBREAPER = 36
AT_A_TIME = 4
# What the log says of a front that made a system call that it does not need.
DENIED = "was killed, because it made a system call"

# Whatever outlives superd becomes our child, so that it can be found and ended.
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """Most tests wait most of the time, so where xdist is installed some run side by side."""
    # Its workers come here, too.
    if hasattr(config, "workerinput") or not config.pluginmanager.hasplugin("xdist"):
        return
    if config.option.numprocesses is None and not config.option.usepdb:
        config.option.numprocesses = AT_A_TIME


@pytest.fixture
def place():
    """A directory that programs may read and write, whoever they run as."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="superd-"))
    path.chmod(0o1777)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def superd(place):
    daemons = []
    before = set(children(os.getpid()))

    def start(text, ready=True, **how):
        daemon = Daemon(place / f"superd{len(daemons) or ''}.conf", text, **how)
        daemons.append(daemon)
        if ready:
            daemon.wait_ready()
        return daemon

    try:
        yield start
        for daemon in daemons:
            assert daemon.stop() == daemon.expected_status, daemon.log.text()
            assert not SANITIZER.search(daemon.log.text()), daemon.log.text()
            assert len(daemon.log.find(DENIED)) == daemon.denials, daemon.log.text()
        assert SUPERD not in [executable(pid) for pid in left_behind(before)]
    finally:
        for daemon in daemons:
            daemon.stop()
            print(daemon.log.text())
        left = left_behind(before)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        # In whatever order they end: the first process of a namespace does so after all others.
        eventually(lambda: all(is_reaped(pid) for pid in left))


def is_reaped(pid):
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def left_behind(before):
    return set(children(os.getpid())) - before
