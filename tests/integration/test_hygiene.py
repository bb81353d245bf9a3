"""What a program finds, compared whole: nothing of superd's own surroundings may reach it."""

import os
import pathlib
import shutil
import sys

import pytest

from daemon import SUPERD, read_all
from process import descriptors, status, threads
from settings import ROOT, service

GOLDEN = pathlib.Path(__file__).parent / "golden"
STATE = os.environ.get("STATE", "build/tests/integration/state")
DIRTY = [sys.executable, str(pathlib.Path(__file__).parent / "dirty.py")]
NOBODY = 65534
ENVIRONMENT = {
    "SECRET": "told",
    "LD_BIND_NOW": "1",
    "CREDENTIALS_DIRECTORY": "/nonexistent",
    "INVOCATION_ID": "0123456789abcdef",
    "LISTEN_FDS": "2",
    "LISTEN_PID": "1",
    "LISTEN_FDNAMES": "a:b",
    "JOURNAL_STREAM": "1:2",
    "IFS": "x",
}
IDENTITIES = {
    "root for root": ([], "root", 0),
    "root for nobody": ([], "nobody", NOBODY),
    "nobody": (
        ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"],
        "nobody",
        NOBODY,
    ),
}
LISTEN = {
    "spawn": "tcp:127.0.0.1:0",
    "wait": "tcp:127.0.0.1:0",
    "datagram": "udp:127.0.0.1:0",
    "wait-datagram": "udp:127.0.0.1:0",
    "unix": "unix:{place}/x.sock",
    "pool": "tcp:127.0.0.1:0",
}
DISPATCH = {"wait": "wait", "wait-datagram": "wait", "pool": "pool"}


@pytest.mark.skipif(not ROOT, reason="needs root to be several users")
@pytest.mark.parametrize("how", LISTEN)
@pytest.mark.parametrize("identity", IDENTITIES)
def test_a_program_finds_exactly_this(superd, place, how, identity):
    become, user, uid = IDENTITIES[identity]
    program = shutil.copy(STATE, place)
    daemon = superd(
        service(
            "x",
            listen=LISTEN[how].format(place=place),
            dispatch=DISPATCH.get(how, "spawn"),
            exec=[program],
            user=user,
            env=["GREETING=hello"],
        ),
        wrapper=[*DIRTY, "/usr/bin/prlimit", "--nofile=777:", *become],
        env=ENVIRONMENT,
        binary=shutil.copy(SUPERD, place),
    )
    said, here = ask(daemon, how)
    expected = (GOLDEN / f"{how}.txt").read_text()
    assert said == expected.format(
        program=program,
        place=place,
        id=uid,
        nice=os.nice(0),
        capabilities=bounding_set() if uid == 0 else "0" * 16,
        remote_port=here,
        local_port=0 if how == "unix" else daemon.port("x", LISTEN[how][:3]),
    )


def ask(daemon, how):
    """What the program said and the port from which it was asked."""
    if LISTEN[how].startswith("udp"):
        with daemon.datagram("x") as client:
            client.send(b"who are you?")
            return client.recv(65536).decode(), client.getsockname()[1]
    with daemon.connect("x", "unix" if how == "unix" else "tcp") as client:
        here = client.getsockname()
        return read_all(client).decode(), here[1] if here else 0


def bounding_set():
    return status("self")["CapBnd"].strip()


def test_superd_itself_comes_out_clean(superd):
    """The listeners, the channel and the like: but nothing that was inherited."""
    daemon = superd(service("x", builtin="echo"), wrapper=DIRTY, env=ENVIRONMENT)
    for pid in (daemon.keeper, daemon.front):
        assert not any("inherited" in what for what in descriptors(pid).values())
        assert descriptors(pid)[0] == "/dev/null"
    assert daemon.ask("x", b"ping") == b"ping"


def test_superd_starts_with_descriptors_0_to_2_closed(superd, place):
    """A listener that landed on 0, 1 or 2 would be written to."""
    log = place / "log"
    text = f'log = "{log}"\n' + service(
        "x", listen=f"unix:{place}/x.sock", exec=["/bin/sh", "-c", "echo out; echo err >&2"]
    )
    daemon = superd(text, wrapper=["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"], stderr=None)
    for pid in (daemon.keeper, daemon.front):
        assert [descriptors(pid)[fd] for fd in range(3)] == ["/dev/null"] * 3
    daemon.address = lambda *_: str(place / "x.sock")
    assert daemon.ask("x", kind="unix") == b"out\nerr\n"


def test_children_are_reaped_when_sigchld_was_ignored(superd):
    daemon = superd(service("x", exec=["/bin/sh", "-c", "exit 7"]), wrapper=DIRTY)
    daemon.ask("x")
    daemon.wait_log("service 'x': ended .*exit status 7")


@pytest.mark.skipif(not ROOT, reason="needs root to give up privileges")
def test_the_front_has_no_privileges(superd):
    daemon = superd("workers = 2\n" + service("x", builtin="echo"), wrapper=DIRTY)
    for thread in threads(daemon.front):
        assert thread["Uid"].split()[0] != "0" and len(set(thread["Uid"].split())) == 1
        assert thread["Gid"].split()[0] != "0" and len(set(thread["Gid"].split())) == 1
        assert thread["Groups"].split() == []
        assert thread["NoNewPrivs"].strip() == "1"
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(thread[name], 16) == 0, name


@pytest.mark.skipif(not ROOT, reason="needs root to give privileges away")
def test_a_capability_of_an_ordinary_superd_is_its_own(superd):
    """It may have been given one for low ports; an ambient one survives execve()."""
    become = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"]
    bind_low_ports = ["--inh-caps=+net_bind_service", "--ambient-caps=+net_bind_service"]
    daemon = superd(
        service("x", exec=["/bin/grep", "Cap[PEA]", "/proc/self/status"], user=None),
        wrapper=[*become, *bind_low_ports],
    )
    assert int(status(daemon.keeper)["CapAmb"], 16) != 0
    said = dict(line.split(":\t") for line in daemon.ask("x").decode().splitlines())
    assert said == {name: "0" * 16 for name in ("CapPrm", "CapEff", "CapAmb")}
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(status(daemon.front)[name], 16) == 0
