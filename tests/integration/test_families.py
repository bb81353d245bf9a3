"""`tcp:PORT` of a program: a socket for IPv4 and one for IPv6, so that no address is mapped."""

import pathlib
import socket
import subprocess
import sys

import pytest

from daemon import KINDS, PATIENCE
from process import eventually
from settings import ECHO, OUR_PORT, ROOT, service, shell

PYTHON = "/usr/bin/python3"
GIVE = [sys.executable, str(pathlib.Path(__file__).with_name("give.py"))]
HOSTS = {"AF_INET": "127.0.0.1", "AF_INET6": "::1"}

# What each says: the family of its socket, the address of its client, and what superd says of it.
CONNECTION = """if True:
    import os, socket
    connection = socket.socket(fileno=0)
    print(connection.family.name, connection.getpeername()[0], os.environ["REMOTE_ADDR"])
"""
LISTENER = """if True:
    import socket
    listener = socket.socket(fileno=0)
    for i in range(CLIENTS):
        client, peer = listener.accept()
        client.sendall(f"{listener.family.name} {peer[0]} {peer[0]}\\n".encode())
        client.close()
"""
DATAGRAM = """if True:
    import os, socket
    reply = socket.socket(fileno=1)
    peer = reply.getpeername()[0]
    reply.send(f"{reply.family.name} {peer} {os.environ['REMOTE_ADDR']}\\n".encode())
"""
DATAGRAMS = """if True:
    import socket
    server = socket.socket(fileno=0)
    data, peer = server.recvfrom(100)
    server.sendto(f"{server.family.name} {peer[0]} {peer[0]}\\n".encode(), peer)
"""


def python(script):
    return [PYTHON, "-c", script]


def ask(family, port, kind="tcp", data=b""):
    with socket.socket(getattr(socket, family), KINDS[kind]) as client:
        client.settimeout(PATIENCE)
        client.connect((HOSTS[family], port))
        if data or kind == "udp":
            client.send(data)
        return client.recv(200).decode().split()


@pytest.mark.parametrize("family", HOSTS)
@pytest.mark.parametrize(
    "kind, dispatch, script",
    [
        ("tcp", "spawn", CONNECTION),
        ("tcp", "wait", LISTENER.replace("CLIENTS", "1")),
        ("udp", "spawn", DATAGRAM),
        ("udp", "wait", DATAGRAMS),
    ],
    ids=["tcp-spawn", "tcp-wait", "udp-spawn", "udp-wait"],
)
def test_a_program_finds_a_socket_of_its_clients_family(superd, family, kind, dispatch, script):
    daemon = superd(service("x", listen=f"{kind}:0", dispatch=dispatch, exec=python(script)))
    assert daemon.port("x", kind)
    assert ask(family, daemon.port("x", kind), kind) == [family, HOSTS[family], HOSTS[family]]


@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_with_port_0_both_families_have_the_same_port(superd, kind):
    """And each word has its own."""
    daemon = superd(service("x", listen=[f"{kind}:0"] * 3, exec=["/bin/cat"]))
    daemon.wait_log("service 'x': listening on", count=6)
    hosts, ports = zip(*(text.rsplit(":", 1) for text in daemon.endpoints("x", kind)))
    assert hosts == ("[::]", "0.0.0.0") * 3
    assert ports[::2] == ports[1::2] and len(set(ports)) == 3


def test_a_program_of_wait_serves_one_family_and_does_not_hold_up_the_other(superd):
    daemon = superd(
        service("x", listen="tcp:0", dispatch="wait", exec=python(LISTENER.replace("CLIENTS", "2")))
    )
    for family in [*HOSTS, *HOSTS]:
        assert ask(family, daemon.port("x"))[0] == family
    daemon.wait_log("service 'x': .*exit status 0", count=2)


@pytest.mark.parametrize(
    "top, options",
    [
        ("", {"exec": ["/bin/cat"], "v6only": False}),
        ("defaults { v6only = no }", {"exec": ["/bin/cat"]}),
        ("", {"exec": python(LISTENER.replace("CLIENTS", "9")), "dispatch": "pool"}),
        ("", {"builtin": "echo"}),
    ],
)
def test_one_socket_serves_both_families_where_no_pair_is_wanted(superd, top, options):
    """A program of `pool` may know of its first socket only."""
    daemon = superd(top + service("x", listen="tcp:0", **options))
    assert [host for host in daemon.endpoints("x")] == [f"[::]:{daemon.port('x')}"]
    for family in HOSTS:
        assert ask(family, daemon.port("x"), data=b"" if "dispatch" in options else b"ping")
    assert len(daemon.endpoints("x")) == 1


def test_ipv6_alone_is_not_paired(superd):
    daemon = superd(service("x", listen="tcp:0", v6only=True, exec=python(CONNECTION)))
    assert ask("AF_INET6", daemon.port("x"))[0] == "AF_INET6"
    with pytest.raises(ConnectionRefusedError):
        ask("AF_INET", daemon.port("x"))


@pytest.mark.parametrize("before, after", [(None, False), (False, None)])
def test_a_reload_changes_between_one_socket_and_two(superd, before, after):
    def text(v6only):
        return ECHO + service("x", listen=f"tcp:{OUR_PORT}", v6only=v6only, exec=python(CONNECTION))

    def served(family):
        try:
            return ask(family, OUR_PORT)
        except ConnectionRefusedError:
            return None

    daemon = superd(text(before))
    for v6only in (before, after):
        daemon.reload(text(v6only))
        seen = ["AF_INET6", "::ffff:127.0.0.1"] if v6only is False else ["AF_INET", "127.0.0.1"]
        eventually(lambda: served("AF_INET") == [*seen, "127.0.0.1"])
        eventually(lambda: served("AF_INET6") == ["AF_INET6", "::1", "::1"])


def test_ports_are_added_to_for_both_families(superd):
    daemon = superd(
        service("x", listen="tcp:1-2", exec=["/bin/cat"]), args=["--port-base", str(OUR_PORT)]
    )
    daemon.wait_log("service 'x': listening on", count=4)
    assert daemon.endpoints("x") == [
        f"{host}:{OUR_PORT + n}" for n in (1, 2) for host in ("[::]", "0.0.0.0")
    ]


@pytest.mark.skipif(not ROOT, reason="needs root for a network of its own")
def test_without_ipv6_a_program_serves_ipv4_without_a_word(superd):
    script = 'ip link set lo up; echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6; exec "$@"'
    daemon = superd(
        service("x", listen=["tcp:7", "udp:7"], exec=shell("echo $REMOTE_ADDR")),
        wrapper=["unshare", "--net", "sh", "-c", script, "sh"],
    )
    ask = "import socket as s; print(s.create_connection(('127.0.0.1', 7), 20).recv(99).decode())"
    enter = ["nsenter", "--net", f"--target={daemon.keeper}"]
    assert subprocess.check_output([*enter, *python(ask)], text=True).strip() == "127.0.0.1"
    assert not daemon.has_said("cannot listen")


# What systemd passes


def listening(family, host, port=0, v6only=False):
    listener = socket.socket(getattr(socket, family))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == "AF_INET6":
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
    listener.bind((host, port))
    listener.listen()
    listener.set_inheritable(True)
    return listener


def start_with(superd, text, listeners, names):
    fds = [listener.fileno() for listener in listeners]
    return superd(
        text,
        wrapper=[*GIVE, ",".join(map(str, fds))],
        env={"LISTEN_FDNAMES": ":".join(names)},
        pass_fds=fds,
    )


def is_served(daemon, listener):
    """By superd, and not by the process that has made it."""
    family = listener.family.name
    if listener.getsockname()[0] == "::" and not listener.getsockopt(
        socket.IPPROTO_IPV6, socket.IPV6_V6ONLY
    ):
        assert ask("AF_INET", listener.getsockname()[1])[1:] == ["::ffff:127.0.0.1", "127.0.0.1"]
    return ask(family, listener.getsockname()[1])[0] == family


@pytest.mark.parametrize("name", ["x", "other"])
def test_a_passed_socket_for_both_families_serves_both(superd, name):
    """By its address, or by its name with another one."""
    with listening("AF_INET6", "::") as listener:
        port = 1 if name == "x" else listener.getsockname()[1]
        text = service("x", listen=f"tcp:{port}", exec=python(CONNECTION))
        daemon = start_with(superd, text, [listener], [name])
        daemon.wait_log(rf"listening on tcp:\[::\]:\d+ \(passed")
        for _ in range(2):
            assert is_served(daemon, listener)
            assert not daemon.has_said("cannot listen|no service uses")
            assert len(daemon.endpoints("x")) == 1
            daemon.reload()
        assert not daemon.notify.messages.find("waits for")


def test_a_passed_socket_for_each_family_serves_its_own(superd):
    with listening("AF_INET6", "::", v6only=True) as six:
        port = six.getsockname()[1]
        with listening("AF_INET", "0.0.0.0", port) as four:
            text = service("x", listen=f"tcp:{port}", exec=python(CONNECTION))
            daemon = start_with(superd, text, [four, six], ["a", "b"])
            daemon.wait_log(rf"listening on tcp6:\[::\]:{port} \(passed")
            daemon.wait_log(rf"listening on tcp:0.0.0.0:{port} \(passed")
            assert is_served(daemon, four) and is_served(daemon, six)


@pytest.mark.parametrize("family, host", [("AF_INET", "127.0.0.1"), ("AF_INET6", "::1")])
def test_a_service_listens_nowhere_but_where_a_socket_was_passed(superd, family, host):
    """A socket of one family does not open the other to the world."""
    with listening(family, host) as listener:
        text = service("x", listen=f"tcp:{OUR_PORT}", exec=python(CONNECTION))
        daemon = start_with(superd, text, [listener], ["x"])
        assert is_served(daemon, listener)
        assert len(daemon.endpoints("x")) == 1
        for family in HOSTS:
            with pytest.raises(ConnectionRefusedError):
                ask(family, OUR_PORT)
