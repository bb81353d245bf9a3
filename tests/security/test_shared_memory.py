"""The front shares memory with the keeper and with later fronts. What it writes there hurts neither."""

import struct

import pytest

from settings import ECHO, service

PASS = service("pass", exec=["/bin/cat"], dispatch="pass", processes=(0, 2))
PATTERNS = {
    "zeroes": struct.pack("=I", 0),
    "ones": b"\xff" * 4,
    "small numbers": struct.pack("=II", 1, 3),
    "the end of time": struct.pack("=q", (1 << 63) - 1),
    "sizes that fit the keeper's memory": struct.pack("=II", 0x100, 0x400),
}
RATED = service("rated", builtin="echo", cps="1000/s burst 1")
WRITTEN_MAX = 1 << 20


@pytest.mark.parametrize("what", PATTERNS)
def test_a_front_that_scribbles_hurts_nobody_but_itself(owned, what):
    front = owned(PASS + ECHO + RATED)
    daemon = front.daemon
    for start, end in front.mappings():
        size = min(end - start, WRITTEN_MAX)
        front.poke(start, PATTERNS[what] * (size // len(PATTERNS[what])))
    front.end()
    front.successor()
    assert daemon.ask("echo", b"after it") == b"after it"
    assert daemon.ask("rated", b"after it") == b"after it"
    daemon.reload(ECHO)
    assert daemon.ask("echo", b"after a reload") == b"after a reload"
