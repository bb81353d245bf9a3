"""Out of descriptors, once for each way of dispatch: calm meanwhile, and soon back."""

import pytest

from members import LOOP, PYTHON
from settings import service
from shipped import BUILD, reachable
from shortage import answer_of, assert_calm, out_of_descriptors

UDP = "udp:127.0.0.1:0"
NAMES = "session datagrams spawn datagram-spawn wait datagram-wait pool pass".split()


def services(place):
    """What none of them has running before its first client comes."""
    counter, myip = (reachable(place, BUILD / name) for name in ("counter", "myip"))
    later = {"processes": [0, 1], "stderr": "null"}
    return {
        "session": {"builtin": "echo"},
        "datagrams": {"builtin": "echo", "listen": UDP},
        "spawn": {"exec": ["/bin/cat"]},
        "datagram-spawn": {"exec": ["/bin/cat"], "listen": UDP},
        "wait": {"exec": [counter, "1"], "dispatch": "wait"},
        "datagram-wait": {"exec": [counter, "1"], "dispatch": "wait", "listen": UDP},
        "pool": {"exec": [PYTHON, "-c", LOOP], "dispatch": "pool", **later},
        "pass": {"exec": [myip], "dispatch": "pass", **later},
    }


@pytest.mark.parametrize("short", ["front", "keeper"])
@pytest.mark.parametrize("name", NAMES)
def test_a_client_that_comes_without_descriptors_is_served_soon_after(superd, place, name, short):
    daemon = superd(service(name, **services(place)[name]))
    with out_of_descriptors(getattr(daemon, short)):
        kind = "udp" if name.startswith("datagram") else "tcp"
        client = daemon.connect(name, kind)
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert_calm(daemon)
    assert answer_of(client)
