"""Nothing outside makes the keeper wait: it does not touch what may never answer."""

import contextlib
import re
import shutil
import subprocess

import pytest

from daemon import PATIENCE, Lines
from process import eventually
from settings import ECHO, ROOT, service
from test_syscalls import traced

pytestmark = pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")


@contextlib.contextmanager
def watching(daemon, *arguments):
    """Attaches to the keeper alone. Yields what strace says."""
    strace = subprocess.Popen(
        ["strace", "-q", "-e", "signal=none", *arguments, "-p", str(daemon.keeper)],
        stderr=subprocess.PIPE,
    )
    said = Lines(strace.stderr.readline)
    try:
        eventually(lambda: traced(daemon.keeper))
        yield said
    finally:
        strace.terminate()
        strace.wait(PATIENCE)


def test_the_keeper_touches_no_file_of_a_configuration(superd, place):
    """The process that tries the files has read them, and has asked who a user is."""
    (place / "included.conf").write_text(service("cat", exec=["/bin/cat"], directory="/tmp"))
    identity = {"user": "nobody", "groups": True} if ROOT else {}
    text = (
        "port_base = 20000\n"
        f'include = {{"{place}/included*"}}\n'
        + ECHO
        + service("script", exec=["/usr/bin/ldd"], **identity)
        + service("named", listen="udp:127.0.0.77:tftp", builtin="echo")
    )
    daemon = superd(text)
    with watching(daemon, "-e", "trace=%file,connect") as said:
        daemon.reload(expect="configuration loaded: 4 services")
    calls = [line for line in said.text().splitlines() if re.match(r"^\w+\(", line)]
    allowed = r"/proc/|/sys/|/dev/null|notify|AT_EMPTY_PATH|/etc/localtime"
    assert not [line for line in calls if not re.search(allowed, line)]
