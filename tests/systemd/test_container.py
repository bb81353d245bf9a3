"""What the image for containers has of its own: a service, and a check that asks it."""

import os
import pathlib
import shutil
import signal
import subprocess

import pytest

from machine import CONF, DROP_INS, call, main_pid

CONTAINER = pathlib.Path(__file__).parents[2] / "packaging/container"


def is_healthy():
    return subprocess.run([CONTAINER / "healthy"], timeout=20).returncode == 0


@pytest.fixture
def service(deb):
    shutil.copy(CONTAINER / "container.conf", DROP_INS)
    yield
    (DROP_INS / "container.conf").unlink()


def test_the_health_check_asks_superd(superd, service):
    superd(CONF.read_text())
    assert is_healthy()
    (front,) = call("pgrep", "--parent", str(main_pid())).split()
    os.kill(int(front), signal.SIGSTOP)
    assert not is_healthy()
    os.kill(int(front), signal.SIGCONT)
    assert is_healthy()
    call("systemctl", "stop", "superd")
    assert not is_healthy()


def test_without_the_service_the_health_check_is_content(superd):
    superd(CONF.read_text())
    assert is_healthy()


def test_the_image_serves_without_root(service):
    """As with --user 65534."""
    call("systemctl", "stop", "superd")
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    command += ["/usr/sbin/superd", "--foreground"]
    superd = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert any("configuration loaded" in line for line in superd.stderr)
        assert is_healthy()
    finally:
        superd.terminate()
        assert superd.wait(20) == 0
        superd.stderr.close()
