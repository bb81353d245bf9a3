"""These run only where `run` has started them: beside a systemd that may be spoilt."""

import os
import pathlib

import pytest

from machine import CONF, call, journal, show


def pytest_collection_modifyitems(items):
    if "DEB" in os.environ and pathlib.Path("/proc/1/comm").read_text() == "systemd\n":
        return
    for item in items:
        item.add_marker(pytest.mark.skip(reason="to be started by `run`"))


@pytest.fixture
def deb():
    """The package, which is installed."""
    path = os.environ["DEB"]
    if (
        call("dpkg-query", "--show", "--showformat", "${db:Status-Status}", "superd", check=False)
        != "installed"
    ):
        call("dpkg", "--install", path)
    return pathlib.Path(path)


@pytest.fixture
def superd(deb):
    """superd(text) starts the unit with that configuration."""

    def start(text):
        CONF.write_text(text)
        call("systemctl", "start", "superd", check=False)
        assert show("ActiveState") == "active", journal("--lines", "100")

    call("systemctl", "stop", "superd", check=False)
    call("systemctl", "reset-failed", "superd", check=False)
    saved = CONF.read_text()
    yield start
    call("systemctl", "stop", "superd", check=False)
    CONF.write_text(saved)
