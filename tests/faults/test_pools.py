"""Processes are short while a pool wants one: its clients wait, and are served afterwards."""

import os
import shutil
import signal

import pytest

from members import pid_of, pool, report, serves, started
from settings import ECHO
from shortage import assert_calm, out_of_descriptors
from test_syscalls import failing


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
@pytest.mark.parametrize(
    "call, error", [("clone", "EAGAIN"), ("clone", "ENOMEM"), ("execve", "ENOMEM")]
)
def test_a_pool_that_cannot_have_a_process_tries_until_it_can(superd, call, error):
    daemon = superd("poller = epoll\n" + ECHO + pool("x", processes=[0, 1]))
    with failing(daemon, call, error) as said:
        client = daemon.connect("x")
        said.wait("INJECTED", count=2)
        daemon.wait_log("service 'x': no process can be started for now")
        assert daemon.ask("echo", b"others go on") == b"others go on"
    assert pid_of(client) in started(daemon, "x")
    daemon.wait_log("service 'x': processes can be started again")
    assert not daemon.log.find("at once")


def test_a_keeper_without_descriptors_is_calm_and_starts_the_pool_afterwards(superd):
    daemon = superd(ECHO + pool("x", stderr="null"))
    victim = serves(daemon, "x")
    with out_of_descriptors(daemon.keeper):
        os.kill(victim, signal.SIGKILL)
        daemon.wait_log("service 'x': no process can be started for now")
        assert report(daemon, "x").startswith("0 of 1..1 processes ready")
        assert_calm(daemon)
    assert serves(daemon, "x") != victim
    daemon.wait_log("service 'x': processes can be started again")
