"""The examples that the package brings, as they are."""

import pathlib
import re
import shutil
import socket

import pytest

from machine import CAT, CONF, ECHO, UNITS, call, connect, echoes, eventually, has_logged, journal
from machine import main_pid, need, says, show

EXAMPLES = pathlib.Path("/usr/share/doc/superd/examples")
MANUAL = pathlib.Path(__file__).parents[2] / "man"
HELLO = """service "hello" {
    listen = {"tcp:7777"}
    exec = {"/bin/echo", "Hello, %{remote_addr}"}
    user = "nobody"
}
"""


def hello(host="127.0.0.1"):
    with connect(7777, host) as client:
        return client.makefile().read()


@pytest.fixture
def socket_unit(deb):
    """The commands that the example names, after its file is there."""
    unit = UNITS / "superd.socket"
    text = (EXAMPLES / unit.name).read_text()
    commands = re.findall(r"^#     (systemctl .*)$", text, re.MULTILINE)
    shutil.copy(EXAMPLES / unit.name, unit)
    yield lambda: [call(*command.split()) for command in commands]
    call("systemctl", "disable", "--now", unit.name, check=False)
    call("systemctl", "stop", "superd")
    unit.unlink()
    call("systemctl", "daemon-reload")


def test_the_socket_unit_is_off(deb):
    assert "superd.socket" not in call("systemctl", "list-unit-files", "--no-legend")


def test_with_the_socket_unit_no_client_is_refused(superd, socket_unit):
    superd(HELLO)
    socket_unit()
    assert has_logged("listening on tcp:[::]:7777 (passed by the service manager)")
    assert hello() == "Hello, 127.0.0.1\n" and hello("::1") == "Hello, ::1\n"

    call("systemctl", "stop", "superd.service")
    with connect(7777) as client:
        eventually(lambda: show("ActiveState") == "active")
        assert client.makefile().read() == "Hello, 127.0.0.1\n"
    pid = main_pid()
    call("systemctl", "restart", "superd.service", "--no-block")
    # A client that was refused would end this with an error.
    eventually(lambda: hello() == "Hello, 127.0.0.1\n" and main_pid() not in (0, pid))
    assert hello() == "Hello, 127.0.0.1\n"


@pytest.fixture
def strict(deb):
    directory = UNITS / "superd.service.d"
    directory.mkdir(parents=True)
    shutil.copy(EXAMPLES / "strict.conf", directory)
    call("systemctl", "stop", "superd")
    call("systemctl", "daemon-reload")
    yield
    call("systemctl", "stop", "superd")
    (directory / "strict.conf").unlink()
    directory.rmdir()
    shutil.rmtree("/run/superd", ignore_errors=True)
    call("systemctl", "daemon-reload")
    call("systemd-tmpfiles", "--create", "superd.conf")


PROGRAM = CAT.replace(' user = "nobody"', "")


def test_a_built_in_service_and_a_program_work_without_root(strict, superd):
    path = "/run/superd/echo"
    low = ECHO.replace("echo", "low", 1).replace("4007", "7")
    file = ECHO.replace("echo", "file", 1).replace("tcp:127.0.0.1:4007", f"unix:{path}")
    superd(ECHO + PROGRAM + low + file)
    assert "cannot listen" not in journal("--lines", "20")
    assert echoes(4007) and echoes(7)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        assert says(client, b"ping")
    users = call("ps", "-o", "user=", "-C", "superd").split()
    assert users == ["superd", "superd"]

    CONF.write_text(ECHO + PROGRAM)
    call("systemctl", "reload", "superd")
    with connect(4001) as client:
        assert says(client, b"ping")
        (program,) = call("pgrep", "--exact", "cat").split()
        state = dict(
            line.split(":\t", 1)
            for line in pathlib.Path(f"/proc/{program}/status").read_text().splitlines()
        )
        assert state["Uid"].split()[0] == call("id", "-u", "superd").strip()
        assert int(state["CapEff"], 16) == int(state["CapAmb"], 16) == 0
        assert state["NoNewPrivs"] == "1" and state["Seccomp"] == "2"
    assert show("StatusText") == "Serving 2 services on 2 listeners"


def test_the_manual_knows_how_strict_that_is(strict):
    """Each version of systemd counts a little differently; the manual names its one."""
    (line,) = re.findall(r"→ .*", call("systemd-analyze", "security", "superd", check=False))
    level = float(re.search(r": (\d+\.\d)", line)[1])
    page = " ".join((MANUAL / "superd.8").read_text().split())
    said, version = re.search(
        r"strict\.conf .*?is rated (\d+\.\d) by systemd (\d+)", page, re.DOTALL
    ).groups()
    assert level <= float(said) + 0.5
    if f"systemd {version} " in call("systemd-analyze", "--version"):
        assert level == float(said)


def test_logrotate_moves_the_log_away_and_superd_opens_another(superd, tmp_path):
    need("logrotate")
    log = pathlib.Path("/var/log/superd.log")
    superd(f'log = "{log}"\n' + ECHO)
    eventually(lambda: log.exists() and "listening on" in log.read_text())
    rules = tmp_path / "superd"
    shutil.copy(EXAMPLES / "superd.logrotate", rules)
    rules.chmod(0o644)
    call("logrotate", "--force", "--state", tmp_path / "state", rules)
    eventually(lambda: log.exists() and "configuration loaded" in log.read_text())
    assert "listening on" in log.with_suffix(".log.1").read_text()
    assert echoes(4007)
