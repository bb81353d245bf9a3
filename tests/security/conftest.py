"""The daemon, its clients and its surroundings are those of the integration tests."""

import os
import pathlib
import socket
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "integration"))

from fixtures import place, pytest_cmdline_main, superd  # noqa: E402, F401
from owned import OWNED, Front  # noqa: E402
from process import PATIENCE, children, eventually  # noqa: E402
from settings import prefixed  # noqa: E402

# Whoever sends a signal to everybody there, sends it to nobody else. The keeper is not process 1,
# which few signals reach.
BOX = [
    *("unshare", "--pid", "--fork", "--kill-child", "--mount-proc"),
    *("sh", "-c", '"$@"; exit $?', "sh"),
]


@pytest.fixture
def boxed(superd):  # noqa: F811
    """superd(text) in a process id namespace of its own, for programs that stop or kill others."""

    def start(text, **how):
        daemon = superd(text, wrapper=BOX, **how)
        for _ in "unshare", "sh":
            daemon.keeper = eventually(lambda: children(daemon.keeper))[0]
        return daemon

    return start


@pytest.fixture
def owned(superd, place):  # noqa: F811
    """Starts a superd whose fronts do what they are told. Returns its first front."""
    if os.geteuid() != 0:
        pytest.skip("needs root, as who takes over the front is somebody else")
    servers = []

    def start(text, start=superd, **how):
        server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        servers.append(server)
        path = f"{place}/owned{len(servers)}"
        server.bind(path)
        server.listen()
        server.settimeout(PATIENCE)
        env = {"SUPERD_OWNED": path, **how.pop("env", {})}
        # The keeper trusts no front, whether or not it is confined. What confines it has own tests.
        daemon = start(prefixed(text, front_seccomp="off"), binary=OWNED, env=env, **how)
        front = Front(server)
        front.daemon = daemon
        return front

    yield start
    for server in servers:
        server.close()
