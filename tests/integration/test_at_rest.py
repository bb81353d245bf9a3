"""What superd costs while nobody comes."""

import pathlib
import select
import shutil

import pytest

from members import pid_of, pool, serves
from process import SANITIZED, private_bytes, settled, threads
from settings import ECHO, service

SHIPPED = pathlib.Path(__file__).parents[2] / "conf"
WATCHED_SECONDS = 3


def wake_ups(daemon):
    found = [threads(pid) for pid in (daemon.keeper, daemon.front)]
    return [thread["voluntary_ctxt_switches"] for process in found for thread in process]


def assert_asleep(daemon):
    """Going to sleep counts as well, so that has to be over."""
    before = settled(lambda: wake_ups(daemon))
    select.select([], [], [], WATCHED_SECONDS)
    assert wake_ups(daemon) == before


@pytest.mark.parametrize("poller", ["select", "epoll"])
def test_idle_means_no_wake_ups(superd, poller):
    daemon = superd(f"poller = {poller}\n" + ECHO + service("cat", exec=["/bin/cat"]))
    daemon.ask("echo", b"x")
    daemon.ask("cat", b"x")
    daemon.wait_log("service 'cat': ended")
    assert_asleep(daemon)


def test_a_pool_that_waits_costs_no_wake_ups(superd):
    """Neither where one more may be started, nor where all that may are busy and somebody waits."""
    daemon = superd(pool("x", processes=[1, 2]) + pool("full") + pool("none", processes=[0, 1]))
    with daemon.connect("full") as held, daemon.connect("full"):
        pid_of(held)
        serves(daemon, "x")
        assert_asleep(daemon)


def test_an_idle_client_costs_no_wake_ups(superd):
    daemon = superd(ECHO)
    with daemon.connect("echo") as client:
        client.sendall(b"x")
        assert client.recv(1) == b"x"
        assert_asleep(daemon)


def test_the_shipped_configuration_is_small_and_sleeps(superd, place):
    if (SHIPPED / "superd.d").is_dir():
        shutil.copytree(SHIPPED / "superd.d", place / "superd.d")
    daemon = superd((SHIPPED / "superd.conf").read_text(), args=["--port-base", "10000"])
    assert_asleep(daemon)
    if not SANITIZED:
        assert private_bytes(daemon.keeper) + private_bytes(daemon.front) < 6 << 20
