"""The machine that the package is tried on: its service manager, its files and its network."""

import pathlib
import shutil
import socket
import subprocess
import time

import pytest

CONF = pathlib.Path("/etc/superd.conf")
DROP_INS = pathlib.Path("/etc/superd.d")
UNITS = pathlib.Path("/etc/systemd/system")
ECHO = 'service "echo" { listen = {"tcp:127.0.0.1:4007"} builtin = echo }\n'
TIME = 'service "time" { listen = {"tcp:127.0.0.1:4037"} builtin = time }\n'
CAT = 'service "cat" { listen = {"tcp:127.0.0.1:4001"} exec = {"/bin/cat"} user = "nobody" }\n'


def call(*command, check=True, **how):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, **how)
    assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def need(*programs):
    for name in programs:
        if not shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin"):
            pytest.skip(f"{name} is not installed")


def eventually(check, patience=60):
    until = time.monotonic() + patience
    while not (found := check()):
        assert time.monotonic() < until, call("systemctl", "status", "superd", check=False)
        time.sleep(0.02)
    return found


def show(name):
    return call("systemctl", "show", "--value", "--property", name, "superd").strip()


def main_pid():
    return int(show("MainPID"))


def journal(*which):
    return call("journalctl", "--unit", "superd", *which)


def has_logged(*texts, which=()):
    """Waits for them: the journal has what a process said a moment after its end."""

    def all_there():
        lines = journal(*which)
        return all(text in lines for text in texts)

    return eventually(all_there)


def connect(port, host="127.0.0.1"):
    return socket.create_connection((host, port), 60)


def says(client, text):
    """Whether a client of echo or cat is answered."""
    client.sendall(text)
    return client.recv(64) == text


def echoes(port):
    try:
        with connect(port) as client:
            return says(client, b"ping")
    except OSError:
        return False
