"""Who may come: only_from, no_access and named sets, for every transport and way of dispatch."""

import os
import pwd
import socket
import subprocess
import time

import pytest

from daemon import PATIENCE, read_all
from process import eventually
from settings import ROOT, USER, options, service, shell

PYTHON = "/usr/bin/python3"
ME = pwd.getpwuid(os.geteuid()).pw_name
FRIEND, STRANGER = "127.0.0.3", "127.0.0.2"

ACCEPTS_ONE = """if True:
    import socket
    client, peer = socket.socket(fileno=0).accept()
    client.sendall(client.recv(100))
"""
ANSWERS_ONE = """if True:
    import socket
    server = socket.socket(fileno=0)
    data, peer = server.recvfrom(100)
    server.sendto(b"served", peer)
"""
RECEIVES_CLIENTS = """if True:
    import socket
    superd = socket.socket(fileno=0)
    while True:
        text, fds, flags, address = socket.recv_fds(superd, 4096, 1)
        if not text:
            break
        for fd in fds:
            with socket.socket(fileno=fd) as client:
                client.sendall(client.recv(100))
        number = dict(line.split("=", 1) for line in text.decode().split("\\0")[:-1])["SUPERD_CLIENT"]
        superd.send(f"DONE={number}".encode())
"""


def way(name, kind):
    """The options of a service that answers "served" to that word."""
    if name == "built-in":
        return {"builtin": "echo"}
    if name == "spawn":
        return {"exec": ["/bin/cat"]}
    if name == "pass":
        return {"exec": [PYTHON, "-c", RECEIVES_CLIENTS], "dispatch": "pass"}
    script = ANSWERS_ONE if kind in ("udp", "unix-dgram") else ACCEPTS_ONE
    return {"exec": [PYTHON, "-c", script], "dispatch": "wait"}


def named(name, **of):
    return f'set "{name}" {{\n{options(**of)}}}\n'


def tcp(daemon, source, name="x"):
    """What a client from @source gets; nothing if it is refused."""
    client, address = daemon.socket(name)
    client.bind((source, 0))
    client.connect(address)
    try:
        client.sendall(b"served")
        client.shutdown(socket.SHUT_WR)
        return read_all(client)
    except (ConnectionResetError, BrokenPipeError, OSError):
        return b""


def udp(daemon, source, name="x"):
    client, address = daemon.socket(name, "udp")
    client.bind((source, 0))
    client.connect(address)
    client.send(b"served")
    return client


def unix(daemon, name="x", kind="unix"):
    try:
        return daemon.ask(name, b"served", kind=kind)
    except (ConnectionResetError, BrokenPipeError):
        return b""


@pytest.mark.parametrize("name", ["built-in", "spawn", "pass"])
def test_a_connection_is_accepted_from_those_who_may_come(superd, name):
    daemon = superd(service("x", only_from=[FRIEND], **way(name, "tcp")))
    assert tcp(daemon, STRANGER) == b""
    daemon.wait_log(rf"service 'x': refused {STRANGER}:\d+: not in only_from")
    assert tcp(daemon, FRIEND) == b"served"
    assert not daemon.log.find("accepted 127.0.0.2")


@pytest.mark.parametrize("name", ["built-in", "spawn", "wait"])
def test_a_datagram_is_answered_to_those_who_may_come(superd, name):
    """The stranger's comes first, and is not read by the program."""
    daemon = superd(
        service("x", listen="udp:127.0.0.1:0", no_access=[STRANGER], **way(name, "udp"))
    )
    stranger = udp(daemon, STRANGER)
    friend = udp(daemon, FRIEND)
    assert friend.recv(100) == b"served"
    daemon.signal(10)
    daemon.wait_log("service 'x': .* 1 refused")
    stranger.setblocking(False)
    with pytest.raises(BlockingIOError):
        stranger.recv(100)
    # A built-in only counts them: whoever sends datagrams could fill the log with lines.
    assert bool(daemon.log.find(f"refused {STRANGER}")) == (name != "built-in")


@pytest.mark.parametrize("name", ["spawn", "wait"])
def test_forged_datagrams_do_not_fill_the_log(superd, name):
    daemon = superd(
        service("x", listen="udp:127.0.0.1:0", no_access=[STRANGER], **way(name, "udp"))
    )
    started = time.monotonic()
    for _ in range(100):
        udp(daemon, STRANGER).close()
    friend = udp(daemon, FRIEND)
    assert friend.recv(100) == b"served"
    assert len(daemon.log.find(f"refused {STRANGER}")) <= time.monotonic() - started + 2

    def is_told():
        udp(daemon, STRANGER).close()
        return daemon.has_said(rf"refused {STRANGER}:\d+: in no_access .*; so with \d+ others before it")

    eventually(is_told)


@pytest.mark.parametrize(
    "kind, name",
    [
        ("unix", "built-in"),
        ("unix", "spawn"),
        ("unix", "pass"),
        ("unix-seqpacket", "spawn"),
        ("unix-seqpacket", "pass"),
    ],
)
def test_a_client_of_a_unix_socket_is_known_by_its_user(superd, place, kind, name):
    others = "bin" if ME != "bin" else "daemon"
    text = ""
    for title, who in (("mine", [f"user:{ME}"]), ("other", [f"user:{others}"])):
        text += service(
            title, listen=f"{kind}:{place}/{title}.sock", only_from=who, **way(name, kind)
        )
    daemon = superd(text)
    assert unix(daemon, "mine", kind) == b"served"
    assert unix(daemon, "other", kind) == b""
    daemon.wait_log("service 'other': refused unix: not in only_from")


@pytest.mark.skipif(not ROOT, reason="needs root, to be other users")
@pytest.mark.parametrize(
    "ids, served",
    [
        (["--reuid=1", "--regid=1", "--clear-groups"], True),
        (["--reuid=2", "--regid=3", "--clear-groups"], True),
        (["--reuid=2", "--regid=2", "--groups=5,3,9"], True),
        (["--reuid=2", "--regid=2", "--clear-groups"], False),
        (["--reuid=4", "--regid=3", "--clear-groups"], False),
        (["--reuid=0", "--regid=0", "--clear-groups"], False),
    ],
)
def test_a_user_may_come_as_itself_or_as_one_of_a_group(superd, place, ids, served):
    """A user is more specific than a group."""
    daemon = superd(
        service(
            "x",
            listen=f"unix:{place}/x.sock",
            builtin="echo",
            only_from=["user:1", "group:3"],
            no_access=["user:4", "group:1"],
        )
    )
    ask = (
        "import socket; s = socket.socket(socket.AF_UNIX); s.connect(%r); s.sendall(b'served');"
        "s.shutdown(1); print(s.recv(9).decode())" % f"{place}/x.sock"
    )
    daemon.endpoints("x", "unix")
    done = subprocess.run(
        ["setpriv", *ids, "--", PYTHON, "-c", ask], capture_output=True, text=True, timeout=PATIENCE
    )
    assert (done.stdout == "served\n") == served


@pytest.mark.parametrize(
    "kind, name, says",
    [
        ("tcp", "pool", "where the programs accept clients themselves; see 'dispatch = pass'"),
        ("tcp", "wait", "which the program accepts itself; use 'dispatch = spawn'"),
        ("unix", "wait", "which the program accepts itself; use 'dispatch = spawn'"),
        ("udp", "pool", "where the programs accept clients themselves; see 'dispatch = pass'"),
    ],
)
def test_where_superd_does_not_see_who_comes_a_list_is_refused(superd, place, kind, name, says):
    listen = f"unix:{place}/x.sock" if kind == "unix" else f"{kind}:127.0.0.1:0"
    daemon = superd(
        service(
            "x", listen=listen, exec=["/bin/cat"], dispatch=name, no_access=["192.0.2.1"]
        ),
        ready=False,
    )
    daemon.expected_status = daemon.process.wait(PATIENCE)
    assert daemon.expected_status == 78
    daemon.wait_log(says)


def test_the_more_specific_entry_decides(superd):
    daemon = superd(
        named("all", addresses=["127.0.0.0/8"])
        + named("rooms", addresses=["@floor", "127.0.5.0/24"])
        + named("floor", addresses=["127.0.4.0/24"])
        + service(
            "x",
            builtin="echo",
            only_from=["@all", "127.0.4.7", "127.0.6.1-127.0.6.3"],
            no_access=["@rooms", "127.0.6.0/24", "127.0.7.7", "127.0.4.8"],
        )
        + service("tie", builtin="echo", only_from=["@floor"], no_access=["127.0.4.0/24"])
        + service("closed", builtin="echo", only_from=[])
    )
    served = {
        "127.0.0.1": b"served",
        "127.0.4.1": b"",
        "127.0.4.7": b"served",
        "127.0.5.1": b"",
        "127.0.6.2": b"served",
        "127.0.6.4": b"",
        "127.0.7.7": b"",
        "127.0.7.8": b"served",
    }
    assert {source: tcp(daemon, source) for source in served} == served
    assert tcp(daemon, "127.0.4.9", "tie") == b""
    assert tcp(daemon, "127.0.0.1", "closed") == b""
    daemon.wait_log(r"refused 127.0.4.1:\d+: in no_access, set 'rooms' \(.*superd.conf:\d+\)")
    daemon.wait_log(r"refused 127.0.6.4:\d+: in no_access \(.*superd.conf:\d+\)")


def test_an_ipv4_client_of_an_ipv6_socket_is_known_by_its_ipv4_address(superd):
    daemon = superd(service("x", listen="tcp:0", builtin="echo", only_from=["127.0.0.3"]))
    port = daemon.port("x")
    for source, answer in ((STRANGER, b""), (FRIEND, b"served")):
        with socket.create_connection(("127.0.0.1", port), PATIENCE, (source, 0)) as client:
            try:
                client.sendall(b"served")
                client.shutdown(socket.SHUT_WR)
                assert read_all(client) == answer
            except OSError:
                assert answer == b""
    with socket.create_connection(("::1", port), PATIENCE) as client:
        assert client.recv(1) == b""


def test_a_file_of_a_set_is_read_again_at_a_reload(superd, place):
    """Whoever is being served stays, and a file with an error changes nothing."""
    list_file = place / "office.list"
    list_file.write_text(f"# those on the third floor\n{FRIEND}  # a printer\n")
    text = named("office", files=["office.list"]) + service(
        "x", builtin="echo", only_from=["@office"]
    )
    daemon = superd(text)
    client, address = daemon.socket("x")
    client.bind((FRIEND, 0))
    client.connect(address)
    client.sendall(b"hello")
    assert client.recv(100) == b"hello"
    list_file.write_text(f"{STRANGER}/33\n")
    daemon.reload(expect=rf"office.list:1: set 'office': '{STRANGER}/33' cannot be understood")
    assert tcp(daemon, FRIEND) == b"served"
    list_file.write_text(f"{STRANGER}\n")
    daemon.reload()
    eventually(lambda: tcp(daemon, STRANGER) == b"served")
    assert tcp(daemon, FRIEND) == b""
    client.sendall(b"still here")
    assert client.recv(100) == b"still here"


@pytest.mark.parametrize(
    "content, times, says",
    [
        (f"{FRIEND}\n\0\n{STRANGER}\n", 1, "it holds a zero byte, so it is not text"),
        (f"{STRANGER} #" + "x" * (13 << 20), 4, "the files of all sets together are larger than 48 MiB"),
    ],
    ids=["zero byte", "large"],
)
def test_a_file_that_cannot_be_seen_to_its_end_is_refused(superd, place, content, times, says):
    """Or else those who stand at its end would come although no_access names them."""
    list_file = place / "bad.list"
    list_file.write_text(f"{STRANGER}\n")
    text = service("x", builtin="echo", no_access=["@bad"])
    daemon = superd(named("bad", files=["bad.list"]) + text)
    list_file.write_text(content)
    daemon.write(named("bad", files=["bad.list"] * times) + text)
    daemon.reload(expect=f"set 'bad': 'bad.list': {says}")
    assert tcp(daemon, STRANGER) == b""
    assert tcp(daemon, FRIEND) == b"served"


def test_those_who_are_refused_take_no_place(superd):
    """A stranger who comes again and again keeps nobody out."""
    daemon = superd(
        service("x", exec=shell("read line; echo -n $line"), instances=1, only_from=[FRIEND])
    )
    for _ in range(50):
        assert tcp(daemon, STRANGER) == b""
    assert tcp(daemon, FRIEND) == b"served"
    daemon.signal(10)
    daemon.wait_log("service 'x': .* 1 accepted, 50 refused")


def test_a_hundred_thousand_prefixes_are_a_set(superd, place):
    lines = [f"10.{n >> 8 & 255}.{n & 255}.{n >> 16 << 6}/26" for n in range(100_000)]
    (place / "many.list").write_text("\n".join([*lines, FRIEND, ""]))
    daemon = superd(
        named("many", files=[f"{place}/many.list"])
        + service("x", builtin="echo", only_from=["@many"])
    )
    assert tcp(daemon, FRIEND) == b"served"
    assert tcp(daemon, STRANGER) == b""


def hours(first, last):
    """A time from @first to @last hours from now."""
    now = time.time()
    return "-".join(time.strftime("%H:%M", time.localtime(now + 3600 * h)) for h in (first, last))


@pytest.mark.parametrize("name", ["built-in", "spawn", "pass"])
def test_clients_come_at_their_times_only(superd, name):
    daemon = superd(
        service("now", access_times=[hours(2, 3), hours(-1, 1)], **way(name, "tcp"))
        + service("later", access_times=[hours(2, 3)], **way(name, "tcp"))
    )
    assert tcp(daemon, FRIEND, "now") == b"served"
    assert tcp(daemon, FRIEND, "later") == b""
    daemon.wait_log(rf"service 'later': refused {FRIEND}:\d+: not in access_times")


@pytest.mark.parametrize("name", ["built-in", "spawn", "wait"])
def test_datagrams_come_at_their_times_only(superd, name):
    text = service(
        "x", listen="udp:127.0.0.1:0", access_times=[hours(2, 3)], **way(name, "udp")
    )
    daemon = superd(text)
    with daemon.datagram("x") as client:
        client.send(b"served")
        eventually(lambda: daemon.has_said("service 'x': .* 1 refused"))
        daemon.reload(text.replace(hours(2, 3), hours(-1, 1)))
        client.send(b"served")
        assert client.recv(100) == b"served"
