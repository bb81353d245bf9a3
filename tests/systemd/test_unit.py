"""superd as a unit of systemd: started, asked, reloaded, stopped, watched."""

import json
import os
import re
import signal
import subprocess

import pytest

from machine import CAT, CONF, ECHO, TIME, UNITS, call, connect, echoes, eventually
from machine import has_logged, main_pid, says, show


def test_status_tells_what_is_served(superd):
    superd(ECHO + TIME)
    assert show("StatusText") == "Serving 2 services on 2 listeners"
    assert "Serving 2 services" in call("systemctl", "status", "superd")


def test_the_front_is_the_user_of_the_package(superd):
    superd(ECHO)
    users = call("ps", "-o", "user=", "-C", "superd").split()
    assert sorted(users) == ["root", "superd"]


def test_the_front_confines_itself_and_no_program(superd):
    """What the unit does not do, for the sake of programs."""
    superd(ECHO + CAT)
    (front,) = call("pgrep", "--parent", str(main_pid())).split()
    with connect(4001) as client:
        assert says(client, b"ping")
        programs = set(call("pgrep", "--parent", str(main_pid())).split()) - {front}
        for pid, seccomp in (main_pid(), "0"), (front, "2"), *((pid, "0") for pid in programs):
            with open(f"/proc/{pid}/status") as status:
                assert f"\nSeccomp:\t{seccomp}\n" in status.read()
    assert len(programs) == 1
    assert os.readlink(f"/proc/{front}/root").endswith(" (deleted)")


def test_reload_serves_what_was_added(superd):
    superd(ECHO)
    pid = main_pid()
    with connect(4007) as client:
        assert says(client, b"before")
        CONF.write_text(ECHO + TIME)
        call("systemctl", "reload", "superd")
        eventually(lambda: show("StatusText") == "Serving 2 services on 2 listeners")
        assert says(client, b"after")
    with connect(4037) as client:
        assert len(client.recv(64)) == 4
    assert main_pid() == pid


def test_a_broken_edit_fails_the_reload_and_changes_nothing(superd):
    superd(ECHO)
    CONF.write_text("service {")
    assert subprocess.run(["systemctl", "reload", "superd"], timeout=120).returncode != 0
    eventually(lambda: "superd.conf:1: " in call("systemctl", "status", "superd"))
    assert has_logged("superd.conf:1: ", which=["--priority", "err", "--lines", "20"])
    assert show("ActiveState") == "active"
    assert echoes(4007)


def test_a_reload_that_fails_after_the_check_fails_for_systemctl_too(superd):
    superd(ECHO)
    CONF.write_text('pid_file = "/nonexistent/superd.pid"\n' + ECHO)
    assert subprocess.run(["systemctl", "reload", "superd"], timeout=120).returncode != 0
    assert has_logged(
        "cannot write the pid file",
        "superd: not reloaded: ",
        which=["--priority", "err", "--lines", "20"],
    )
    assert show("ActiveState") == "active"
    assert echoes(4007)


def test_a_reload_is_over_when_systemctl_says_so(superd):
    superd(ECHO)
    for text in (ECHO + TIME, ECHO) * 3:
        CONF.write_text(text)
        call("systemctl", "reload", "superd")
        assert show("StatusText").startswith(f"Serving {2 if TIME in text else 1} service")


def test_status_tells_that_a_signal_found_a_broken_file(superd):
    superd(ECHO)
    CONF.write_text("service {")
    os.kill(main_pid(), signal.SIGHUP)
    eventually(lambda: show("StatusText").endswith("; the last reload failed, see the log"))
    CONF.write_text(ECHO)
    call("systemctl", "reload", "superd")
    eventually(lambda: show("StatusText") == "Serving 1 service on 1 listener")


def test_a_mistake_at_the_start_is_said_and_the_unit_fails(superd):
    CONF.write_text("service {")
    call("systemctl", "start", "superd", check=False)
    assert show("ExecMainStatus") == "78"
    assert has_logged("superd.conf:1: ")


def test_stop_lets_a_child_go_on(superd):
    superd(CAT)
    with connect(4001) as client:
        assert says(client, b"before")
        call("systemctl", "stop", "superd")
        assert show("ActiveState") == "inactive"
        assert says(client, b"after")


def test_a_restart_lets_a_child_go_on(superd):
    superd(CAT)
    with connect(4001) as client:
        assert says(client, b"before")
        call("systemctl", "restart", "superd")
        assert says(client, b"after")
        with connect(4001) as other:
            assert says(other, b"new")


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
    # A front may answer for a moment longer than its keeper is there.
    eventually(lambda: show("ActiveState") == "active" and echoes(4007))


def test_a_keeper_that_dies_is_started_again(impatient, superd):
    """However often."""
    superd(ECHO)
    for _ in range(7):
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


def test_the_journal_tells_a_program_for_many_clients_from_a_client(superd):
    superd(CAT.replace('"/bin/cat"', '"/usr/libexec/superd/counter"} dispatch = wait env = {'))
    with connect(4001) as client:
        answer = client.makefile().readline()
    # It would keep the port for the seconds to come.
    os.kill(int(re.fullmatch(r"You are client 1 of process (\d+)\.\s*", answer)[1]), signal.SIGKILL)
    which = ["SUPERD_SERVICE=cat", "--output=cat"]
    eventually(lambda: "started, pid" in call("journalctl", *which, "SUPERD_EVENT=started"))
    assert "started, pid" not in call("journalctl", *which, "SUPERD_EVENT=accepted")


@pytest.fixture
def socket_unit():
    """socket_unit(text) starts superd-test.socket."""
    unit = UNITS / "superd-test.socket"

    def start(text):
        unit.write_text(f"[Socket]\nService=superd.service\n{text}")
        call("systemctl", "daemon-reload")
        call("systemctl", "start", unit.name)

    yield start
    call("systemctl", "stop", unit.name, "superd")
    unit.unlink()
    call("systemctl", "daemon-reload")


def test_a_socket_unit_may_listen_for_a_service(superd, socket_unit):
    """It is named for its service; where the service says it listens does not matter."""
    socket_unit("ListenStream=127.0.0.1:4017\nFileDescriptorName=echo\n")
    superd(ECHO)
    assert echoes(4017) and not echoes(4007)


def test_a_socket_unit_may_listen_at_an_address_of_a_service(superd, socket_unit):
    socket_unit(
        "ListenStream=127.0.0.1:4007\nListenStream=[::1]:4007\nListenDatagram=127.0.0.1:4007\n"
        "ListenStream=/run/superd/echo\nListenSequentialPacket=@echo\n"
    )
    endpoints = [
        "tcp:127.0.0.1:4007",
        "tcp:[::1]:4007",
        "udp:127.0.0.1:4007",
        "unix:/run/superd/echo",
        "unix-seqpacket:@echo",
    ]
    superd(ECHO.replace('"tcp:127.0.0.1:4007"', json.dumps(endpoints)[1:-1]))
    passed = "(passed by the service manager)"
    assert has_logged(*(f"listening on {endpoint} {passed}" for endpoint in endpoints))
    assert echoes(4007)


def test_a_client_that_comes_while_superd_is_stopped_is_served(superd, socket_unit):
    """systemd holds the socket, and starts superd for it."""
    socket_unit("ListenStream=127.0.0.1:4007\n")
    superd(ECHO)
    call("systemctl", "stop", "superd")
    assert echoes(4007)
    assert show("ActiveState") == "active"


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
