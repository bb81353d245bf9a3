"""What the journal stores of a line, as fields and as a priority."""

import os
import re
import signal
import socket
import stat

import pytest

from daemon import PATIENCE
from settings import ROOT, service, shell

pytestmark = pytest.mark.skipif(not ROOT, reason="needs root for a journal of its own")

WARNING, INFO = "4", "6"


class Journal:
    """Stands in for journald, at the place where superd looks for it."""

    def __init__(self, place):
        self.path = place / "run/systemd/journal/socket"
        self.path.parent.mkdir(parents=True)
        os.mknod(place / "run/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        hide = f'mount --bind {place}/run /run && exec "$@"'
        self.wrapper = ["unshare", "--mount", "sh", "-c", hide, "sh"]
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.path.chmod(0o666)
        self.socket.settimeout(PATIENCE)

    def line(self, event, name="x"):
        """The fields of the next line of that event."""
        while True:
            lines = self.socket.recv(1 << 16).decode().splitlines()
            fields = dict(line.split("=", 1) for line in lines if "=" in line)
            if (fields.get("SUPERD_EVENT"), fields.get("SUPERD_SERVICE")) == (event, name):
                return fields


@pytest.fixture
def journal(place):
    journal = Journal(place)
    with journal.socket:
        yield journal


@pytest.fixture
def logging(superd, journal):
    """logging(text) starts superd with that journal as its log, and returns the port of `x`."""

    def start(text):
        daemon = superd("log = journal\n" + text, wrapper=journal.wrapper)
        text = journal.line("listening")["MESSAGE"]
        port = int(re.search(r":(\d+)$", text)[1])
        daemon.address = lambda *_: ("127.0.0.1", port)
        return daemon, port

    return start


def test_the_end_of_a_session_is_told_in_fields(logging, journal):
    daemon, port = logging(service("x", builtin="echo"))
    with daemon.connect("x") as client:
        client.sendall(b"ping")
        client.shutdown(socket.SHUT_WR)
        assert client.recv(64) == b"ping"
        assert client.recv(64) == b""
        own = str(client.getsockname()[1])
    ended = journal.line("ended")
    assert (ended["REMOTE_ADDR"], ended["REMOTE_PORT"]) == ("127.0.0.1", own)
    assert (ended["SERVER_ADDR"], ended["SERVER_PORT"]) == ("127.0.0.1", str(port))
    assert (ended["SUPERD_BYTES_IN"], ended["SUPERD_BYTES_OUT"]) == ("4", "4")
    assert (ended["SUPERD_REASON"], ended["PRIORITY"]) == ("closed", INFO)
    assert 0 <= int(ended["SUPERD_DURATION_USEC"]) < PATIENCE * 1000000
    assert "SUPERD_PID" not in ended and "OBJECT_PID" not in ended


@pytest.mark.parametrize("limit, reason", [("idle_timeout", "idle"), ("max_lifetime", "lifetime")])
def test_the_limit_that_ends_a_session_is_the_reason(logging, journal, limit, reason):
    daemon, _ = logging(service("x", builtin="echo", **{limit: "10ms"}))
    with daemon.connect("x") as client:
        assert client.recv(1) == b""
        assert journal.line("ended")["SUPERD_REASON"] == reason


def test_the_end_of_a_program_is_told_in_fields(logging, journal):
    daemon, port = logging(service("x", exec=shell("echo $$; exit 3")))
    pid = daemon.ask("x").decode().strip()
    accepted, ended = journal.line("accepted"), journal.line("ended")
    assert accepted["SUPERD_PID"] == ended["SUPERD_PID"] == pid
    assert (ended["SUPERD_EXIT_STATUS"], ended["SUPERD_REASON"]) == ("3", "exit")
    assert (ended["SERVER_ADDR"], ended["SERVER_PORT"]) == ("127.0.0.1", str(port))
    assert ended["REMOTE_ADDR"] == "127.0.0.1" and ended["PRIORITY"] == INFO
    assert int(ended["SUPERD_DURATION_USEC"]) > 0
    assert not {"SUPERD_SIGNAL", "SUPERD_BYTES_IN", "OBJECT_PID"} & set(ended)


def test_fields_say_no_more_than_was_chosen(logging, journal):
    daemon, _ = logging(service("x", exec=shell("exit 3"), log_on_success=["duration"]))
    daemon.ask("x")
    ended = journal.line("ended")
    assert "SUPERD_DURATION_USEC" in ended
    assert not {"SUPERD_PID", "SUPERD_EXIT_STATUS", "REMOTE_ADDR"} & set(ended)


BAD_ENDS = {
    "kill -SEGV $$": "killed by signal 11 (SIGSEGV): '/bin/sh' has crashed",
    "kill -KILL $$": "killed by signal 9 (SIGKILL): '/bin/sh' was killed by somebody, or by the "
    "kernel for want of memory",
    "exit 127": "exit status 127: '/bin/sh' did not find a command or a library",
    "exit 126": "exit status 126: '/bin/sh' could not execute a command",
}


@pytest.mark.parametrize("words", [["exit"], ["duration"]], ids=str)
@pytest.mark.parametrize("script", BAD_ENDS)
def test_a_bad_end_is_a_warning_that_names_the_program(logging, journal, script, words):
    """Even where the status is not asked for, as a warning must say what it is about."""
    daemon, _ = logging(service("x", exec=shell(script), log_on_success=words))
    daemon.ask("x")
    ended = journal.line("ended")
    assert ended["PRIORITY"] == WARNING
    assert ended["MESSAGE"].endswith(f", {BAD_ENDS[script]}"), ended["MESSAGE"]
    assert "SUPERD_SIGNAL" in ended or "SUPERD_EXIT_STATUS" in ended


def test_a_signal_of_somebody_is_no_warning_and_names_the_program(logging, journal):
    daemon, _ = logging(service("x", exec=shell("kill -TERM $$")))
    daemon.ask("x")
    ended = journal.line("ended")
    assert (ended["PRIORITY"], ended["SUPERD_SIGNAL"]) == (INFO, "SIGTERM")
    assert ended["MESSAGE"].endswith("(SIGTERM): '/bin/sh' was ended by somebody")


def test_a_program_that_superd_ends_is_no_warning(logging, journal):
    """Here by KILL, because it ignores TERM while it is not ready in time."""
    options = {"dispatch": "pass", "ready": "notify", "ready_timeout": "100ms"}
    logging(service("x", exec=shell("trap '' TERM; while :; do sleep 1; done"), **options))
    ended = journal.line("ended")
    assert (ended["PRIORITY"], ended["SUPERD_SIGNAL"]) == (INFO, "SIGKILL")
    assert ended["MESSAGE"].endswith("killed by signal 9 (SIGKILL)")


def test_a_refused_client_has_fields(logging, journal):
    daemon, _ = logging(service("x", exec=["/bin/cat"], instances=1, overflow="refuse"))
    with daemon.connect("x"):
        journal.line("accepted")
        assert daemon.ask("x") == b""
        refused = journal.line("refused")
    assert (refused["SUPERD_REASON"], refused["REMOTE_ADDR"]) == ("instances", "127.0.0.1")


@pytest.mark.parametrize("words", [["host", "attempt"], ["attempt"]], ids=str)
def test_a_client_whose_program_is_gone_is_named_where_that_is_chosen(
    logging, journal, place, words
):
    program = place / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    daemon, _ = logging(service("x", exec=[program], log_on_failure=words))
    program.unlink()
    daemon.ask("x")
    failed = journal.line("failed")
    assert failed["SUPERD_REASON"].startswith("cannot execute")
    assert ("REMOTE_ADDR" in failed) == ("host" in words) == ("127.0.0.1" in failed["MESSAGE"])


@pytest.mark.parametrize("words", [["host", "attempt"], ["attempt"]], ids=str)
def test_the_sender_of_a_dropped_datagram_is_named_where_that_is_chosen(logging, journal, words):
    options = {"listen": "udp:127.0.0.1:0", "dispatch": "wait", "log_on_failure": words}
    daemon, port = logging(service("x", exec=["/bin/true"], **options))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(b"poison", ("127.0.0.1", port))
        lost = journal.line("lost")
    assert lost["PRIORITY"] == WARNING and "a datagram" in lost["MESSAGE"]
    assert ("REMOTE_PORT" in lost) == ("host" in words) == ("127.0.0.1" in lost["MESSAGE"])


def test_a_program_that_runs_is_told_in_fields(logging, journal):
    daemon, port = logging(service("x", exec=shell("echo $$; exec cat")))
    with daemon.connect("x") as client:
        pid = client.recv(64).decode().strip()
        own = str(client.getsockname()[1])
        journal.line("accepted")
        daemon.signal(signal.SIGUSR1)
        running = journal.line("running")
    assert (running["SUPERD_PID"], running["REMOTE_PORT"]) == (pid, own)
    assert running["SERVER_PORT"] == str(port)


def test_the_errors_of_a_reload_are_errors(logging, journal):
    daemon, _ = logging(service("x", builtin="echo"))
    daemon.reload("service {")
    found = []
    while not any("configuration not changed" in line for line in found):
        fields = journal.socket.recv(1 << 16).decode()
        found += [fields] if "\nPRIORITY=3\n" in fields else []
    assert any("superd.conf:1: " in line for line in found), found
