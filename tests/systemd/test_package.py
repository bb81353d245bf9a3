"""The Debian package on a machine with systemd; see `run`, which starts this inside of `box`."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import time

import pytest

CONF = pathlib.Path("/etc/superd.conf")
DROP_INS = pathlib.Path("/etc/superd.d")
UNITS = pathlib.Path("/etc/systemd/system")
DEB = os.environ.get("DEB")
ECHO = 'service "echo" { listen = {"tcp:127.0.0.1:4007"} builtin = echo }\n'
TIME = 'service "time" { listen = {"tcp:127.0.0.1:4037"} builtin = time }\n'
CAT = 'service "cat" { listen = {"tcp:127.0.0.1:4001"} exec = {"/bin/cat"} user = "nobody" }\n'

pytestmark = pytest.mark.skipif(
    not DEB or pathlib.Path("/proc/1/comm").read_text() != "systemd\n",
    reason="to be started by `run`, beside a systemd that may be spoilt",
)


def call(*command, check=True):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def eventually(check, patience=20):
    until = time.monotonic() + patience
    while not (found := check()):
        assert time.monotonic() < until, call("systemctl", "status", "superd", check=False)
        time.sleep(0.02)
    return found


def show(name):
    return call("systemctl", "show", "--value", "--property", name, "superd").strip()


def main_pid():
    return int(show("MainPID"))


def connect(port):
    return socket.create_connection(("127.0.0.1", port), 10)


def echoes(port):
    try:
        with connect(port) as client:
            client.sendall(b"ping")
            return client.recv(64) == b"ping"
    except OSError:
        return False


@pytest.fixture(scope="module", autouse=True)
def package():
    call("dpkg", "--install", DEB)


@pytest.fixture
def superd():
    """superd(text) starts the unit with that configuration."""

    def start(text):
        CONF.write_text(text)
        call("systemctl", "start", "superd")

    call("systemctl", "stop", "superd", check=False)
    call("systemctl", "reset-failed", "superd", check=False)
    saved = CONF.read_text()
    yield start
    call("systemctl", "stop", "superd", check=False)
    CONF.write_text(saved)


def test_the_package_is_installed_with_its_user():
    assert call("dpkg-query", "--show", "--showformat", "${Status}", "superd").endswith(
        " installed"
    )
    call("getent", "passwd", "superd")
    assert CONF.is_file() and DROP_INS.is_dir()


def test_the_configuration_that_is_shipped_is_good():
    assert "services" in call("superd", "--check")


def test_the_configuration_that_is_shipped_starts(superd):
    call("systemctl", "start", "superd")
    assert show("ActiveState") == "active"


def test_every_built_in_can_be_enabled(superd):
    """As the comments of the drop-ins tell."""
    text = 'include = {"superd.d/*.conf"}\n'
    superd(text)
    assert show("ActiveState") == "active"


def test_status_tells_what_is_served(superd):
    superd(ECHO + TIME)
    assert show("StatusText") == "Serving 2 services on 2 listeners"
    assert "Serving 2 services" in call("systemctl", "status", "superd")


def test_the_front_is_the_user_of_the_package(superd):
    superd(ECHO)
    users = call("ps", "-o", "user=", "-C", "superd").split()
    assert sorted(users) == ["root", "superd"]


def test_reload_serves_what_was_added(superd):
    superd(ECHO)
    pid = main_pid()
    with connect(4007) as client:
        client.sendall(b"before")
        assert client.recv(64) == b"before"
        CONF.write_text(ECHO + TIME)
        call("systemctl", "reload", "superd")
        eventually(lambda: show("StatusText") == "Serving 2 services on 2 listeners")
        client.sendall(b"after")
        assert client.recv(64) == b"after"
    with connect(4037) as client:
        assert len(client.recv(64)) == 4
    assert main_pid() == pid


def test_a_broken_edit_changes_nothing(superd):
    superd(ECHO)
    CONF.write_text("service {")
    call("systemctl", "reload", "superd", check=False)
    eventually(lambda: "superd.conf:1: " in call("journalctl", "-u", "superd"))
    assert show("ActiveState") == "active"
    assert echoes(4007)


def test_a_mistake_at_the_start_is_said_and_the_unit_fails(superd):
    CONF.write_text("service {")
    call("systemctl", "start", "superd", check=False)
    assert show("ExecMainStatus") == "78"
    assert "superd.conf:1: " in call("journalctl", "-u", "superd")


def test_stop_lets_a_child_go_on(superd):
    superd(CAT)
    with connect(4001) as client:
        client.sendall(b"before")
        assert client.recv(64) == b"before"
        call("systemctl", "stop", "superd")
        assert show("ActiveState") == "inactive"
        client.sendall(b"after")
        assert client.recv(64) == b"after"


def test_a_restart_lets_a_child_go_on(superd):
    superd(CAT)
    with connect(4001) as client:
        client.sendall(b"before")
        assert client.recv(64) == b"before"
        call("systemctl", "restart", "superd")
        client.sendall(b"after")
        assert client.recv(64) == b"after"
        with connect(4001) as other:
            other.sendall(b"new")
            assert other.recv(64) == b"new"


@pytest.fixture
def impatient():
    """A watchdog that waits two seconds instead of what the unit says."""
    directory = UNITS / "superd.service.d"
    directory.mkdir(parents=True)
    (directory / "watchdog.conf").write_text("[Service]\nWatchdogSec=2\nRestartSec=100ms\n")
    call("systemctl", "daemon-reload")
    yield
    (directory / "watchdog.conf").unlink()
    directory.rmdir()
    call("systemctl", "daemon-reload")


def test_the_unit_has_a_watchdog(superd):
    superd(ECHO)
    assert show("WatchdogUSec") not in ("", "0", "infinity")


@pytest.mark.parametrize("which", ["keeper", "front"])
def test_the_watchdog_restarts_a_superd_that_is_stuck(impatient, superd, which):
    superd(ECHO)
    keeper = main_pid()
    stuck = keeper if which == "keeper" else int(call("pgrep", "--parent", str(keeper)))
    os.kill(stuck, signal.SIGSTOP)
    eventually(lambda: main_pid() not in (0, keeper) or not os.path.exists(f"/proc/{stuck}"))
    eventually(lambda: echoes(4007))
    assert show("ActiveState") == "active"


def test_a_keeper_that_dies_is_started_again(superd):
    superd(ECHO)
    before = main_pid()
    os.kill(before, signal.SIGKILL)
    eventually(lambda: main_pid() not in (0, before))
    eventually(lambda: echoes(4007))


def test_the_journal_has_fields(superd):
    superd(ECHO)
    assert echoes(4007)
    line = eventually(
        lambda: call("journalctl", "--output=json", "SUPERD_SERVICE=echo", "SUPERD_EVENT=accepted")
    ).splitlines()[-1]
    fields = json.loads(line)
    assert fields["REMOTE_ADDR"] == "127.0.0.1" and fields["REMOTE_PORT"].isdigit()
    assert fields["SYSLOG_IDENTIFIER"] == "superd"


def test_a_socket_unit_may_listen_for_a_service(superd):
    """It is named for its service, and is still open while superd is stopped."""
    unit = UNITS / "superd-echo.socket"
    unit.write_text(
        "[Socket]\nListenStream=127.0.0.1:4017\nFileDescriptorName=echo\nService=superd.service\n"
    )
    call("systemctl", "daemon-reload")
    CONF.write_text(ECHO)
    try:
        call("systemctl", "start", "superd-echo.socket")
        call("systemctl", "start", "superd")
        assert echoes(4017)
    finally:
        call("systemctl", "stop", "superd", "superd-echo.socket")
        unit.unlink()
        call("systemctl", "daemon-reload")


def test_programs_get_nothing_of_systemds(superd):
    """What the service manager tells superd is not for programs."""
    superd(CAT.replace('"/bin/cat"', '"/usr/bin/env"').replace("cat", "env"))
    with connect(4001) as client:
        names = {line.split(b"=")[0] for line in client.makefile("rb").read().splitlines()}
    for name in (
        b"NOTIFY_SOCKET",
        b"INVOCATION_ID",
        b"JOURNAL_STREAM",
        b"WATCHDOG_USEC",
        b"LISTEN_FDS",
    ):
        assert name not in names


@pytest.mark.parametrize(
    "wanted, groups", [("yes", {"tester", "games", "daemon"}), ("no", {"tester"})]
)
def test_a_program_has_the_groups_of_its_user_when_it_is_told_so(superd, wanted, groups):
    call("useradd", "--groups", "games,daemon", "tester", check=False)
    text = CAT.replace('"/bin/cat"', '"/usr/bin/id", "-Gn"').replace("nobody", "tester")
    superd(text.replace("exec", f"groups = {wanted} exec"))
    with connect(4001) as client:
        assert set(client.makefile().read().split()) == groups


def test_the_log_may_go_to_syslog(superd):
    superd("log = syslog\n" + ECHO)
    assert echoes(4007)
    eventually(lambda: "service 'echo': accepted" in call("journalctl", "_TRANSPORT=syslog"))


def test_the_package_can_be_removed_and_purged():
    """The last test here: nothing of it runs or listens any more."""
    CONF.write_text(ECHO)
    call("systemctl", "start", "superd")
    call("dpkg", "--purge", "superd")
    assert not echoes(4007)
    assert not CONF.exists() and not pathlib.Path("/usr/sbin/superd").exists()
    call("dpkg", "--install", DEB)
