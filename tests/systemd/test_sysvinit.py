"""The init script, on a machine without systemd, and what it does on one with systemd."""

import pathlib
import shutil
import struct
import subprocess

import pytest

from machine import CAT, CONF, ECHO, TIME, call, connect, echoes, eventually, says, show

SCRIPT = "/etc/init.d/superd"
PID_FILE = "/run/superd.pid"
POLICY = pathlib.Path("/usr/sbin/policy-rc.d")


def runlevel_2():
    """What sysvinit writes for runlevel(8), see utmp(5)."""
    record = struct.pack("hxxi32s4s32s256s", 1, ord("2") + 256 * ord("N"), b"~", b"~~", b"", b"")
    return record.ljust(384, b"\0")


class Machine:
    """Processes and a /run of its own. Its first process only reaps the others."""

    def __init__(self):
        reaper = "import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN); signal.pause()"
        first = f"mount -t tmpfs tmpfs /run && echo up && exec /usr/bin/python3 -c '{reaper}'"
        self.outer = subprocess.Popen(
            ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc"]
            + ["sh", "-c", first],
            stdout=subprocess.PIPE,
        )
        assert self.outer.stdout.readline() == b"up\n"
        pid = self.outer.pid
        first = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().strip()
        # The root is named too: in a chroot it is not that of the namespace.
        self.enter = ["nsenter", "--target", first, "--pid", "--mount", "--root", "env", "-C", "/"]
        pathlib.Path(f"/proc/{first}/root/run/utmp").write_bytes(runlevel_2())
        # Without runlevel(8) dpkg starts only what a policy allows.
        self.policy = None
        if not shutil.which("runlevel") and not POLICY.exists():
            self.policy = POLICY
            self.policy.write_text("#!/bin/sh\nexit 0\n")
            self.policy.chmod(0o755)

    def run(self, *command):
        return subprocess.run(
            [*self.enter, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=100,
        )

    def script(self, command, status=0):
        done = self.run(SCRIPT, command)
        assert done.returncode == status, f"{command}: {done.returncode} {done.stdout}"
        return done.stdout

    def superds(self):
        return self.run("pgrep", "--exact", "superd").stdout.split()

    def main_pid(self):
        return int(self.run("cat", PID_FILE).stdout)

    def end(self):
        if self.policy:
            self.policy.unlink()
        self.outer.kill()
        self.outer.wait()
        self.outer.stdout.close()


@pytest.fixture
def machine(deb):
    call("systemctl", "stop", "superd")
    saved = CONF.read_text()
    machine = Machine()
    yield machine
    machine.end()
    if CONF.exists():
        CONF.write_text(saved)


def test_the_script_starts_reloads_restarts_and_stops(machine):
    CONF.write_text(ECHO + CAT)
    assert "does not run" in machine.script("status", 3)
    machine.script("start")
    assert echoes(4007)
    pid = machine.main_pid()
    assert f"pid {pid}" in machine.script("status")
    assert "runs already" in machine.script("start")

    CONF.write_text(ECHO + CAT + TIME)
    machine.script("reload")
    eventually(lambda: is_open(4037))
    CONF.write_text(ECHO + CAT)
    machine.script("force-reload")
    eventually(lambda: not is_open(4037))
    assert machine.main_pid() == pid

    with connect(4001) as client:
        assert says(client, b"before")
        machine.script("restart")
        assert machine.main_pid() != pid
        assert echoes(4007) and says(client, b"after")
    pid = machine.main_pid()
    machine.script("try-restart")
    assert machine.main_pid() != pid

    machine.script("stop")
    assert not machine.superds() and not echoes(4007)
    assert "does not run" in machine.script("stop")
    machine.script("try-restart")
    assert not machine.superds()
    assert "usage:" in machine.script("begin", 2)


def is_open(port):
    try:
        connect(port).close()
        return True
    except ConnectionRefusedError:
        return False


def test_a_broken_file_neither_ends_nor_starts_anything(machine):
    CONF.write_text(ECHO)
    machine.script("start")
    pid = machine.main_pid()
    CONF.write_text("service {")
    for command in "reload", "restart":
        assert "superd.conf:1: " in machine.run(SCRIPT, command).stdout
        assert machine.main_pid() == pid and echoes(4007)
    machine.script("stop")
    assert "superd.conf:1: " in machine.script("start", 78)
    assert not machine.superds()


def test_a_pid_file_that_was_left_behind_is_not_believed(machine):
    """Another process has its number."""
    CONF.write_text(ECHO)
    machine.run("sh", "-c", f"echo 1 >{PID_FILE}")
    assert "left" in machine.script("status", 1)
    machine.script("stop")
    machine.script("start")
    assert machine.main_pid() != 1 and echoes(4007)
    machine.run("kill", "-KILL", *machine.superds())
    eventually(lambda: not is_open(4007))
    machine.script("status", 1)
    machine.script("start")
    assert echoes(4007)
    machine.script("stop")


def test_the_package_starts_and_stops_it(machine, deb):
    """dpkg finds no systemd there. Where to link the script is for the runlevels of sysvinit."""
    assert machine.run("dpkg", "--purge", "superd").returncode == 0
    done = machine.run("dpkg", "--install", deb)
    assert done.returncode == 0, done.stdout
    assert machine.superds()
    assert list(pathlib.Path("/etc").glob("rc2.d/S*superd"))
    machine.script("status")
    assert machine.run("test", "-d", "/run/superd").returncode == 0
    assert machine.run("dpkg", "--remove", "superd").returncode == 0
    assert not machine.superds()
    assert machine.run("dpkg", "--purge", "superd").returncode == 0
    assert not list(pathlib.Path("/etc").glob("rc?.d/*superd"))


def test_on_a_machine_with_systemd_the_script_calls_systemctl(superd):
    superd(ECHO)
    call(SCRIPT, "stop")
    assert show("ActiveState") == "inactive"
    call(SCRIPT, "start")
    assert show("ActiveState") == "active" and echoes(4007)
