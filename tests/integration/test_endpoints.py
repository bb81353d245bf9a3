"""Where superd listens: ranges, both families, Unix paths, addresses that come later."""

import contextlib
import grp
import os
import pwd
import shutil
import socket
import stat
import subprocess

import pytest

from daemon import SUPERD, read_all
from process import descriptors, eventually, used_by
from settings import ECHO, HOST, PORT, ROOT, for_root, service

IN_A_NETWORK_OF_ITS_OWN = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]


def test_a_range_of_ports_is_listened_on_as_a_whole(superd):
    listen = f"tcp:{HOST}:{PORT}-{PORT + 9}"
    superd(service("x", listen=listen, exec=["/bin/echo", "%{local_port}"]))
    for port in range(PORT, PORT + 10):
        with socket.create_connection((HOST, port)) as client:
            assert read_all(client) == b"%d\n" % port


def test_port_base_is_added_to_every_port(superd):
    text = service("echo", listen=[f"tcp:{HOST}:{PORT}", f"udp:{HOST}:{PORT}"], builtin="echo")
    daemon = superd(f"port_base = 10000\n{text}")
    assert daemon.port("echo") == daemon.port("echo", "udp") == PORT + 10000
    assert daemon.ask("echo", b"ping") == b"ping"


def test_port_base_of_the_command_line_wins(superd):
    text = service("echo", listen=f"tcp:{HOST}:{PORT}", builtin="echo")
    assert superd(f"port_base = 7\n{text}", args=["-p", "10000"]).port("echo") == PORT + 10000


def test_a_listener_without_a_host_serves_both_families(superd):
    port = superd(service("echo", listen="tcp:0", builtin="echo")).port("echo")
    for host in ("127.0.0.1", "127.1.2.3", "::1"):
        assert echoes((host, port))


@pytest.mark.parametrize(
    "listen, options",
    [("tcp:[::]:0", {"v6only": True}), ("tcp6:0", {})],
    ids=["v6only", "tcp6"],
)
def test_ipv6_may_be_served_alone(superd, listen, options):
    daemon = superd(service("echo", listen=listen, builtin="echo", **options))
    port = daemon.port("echo")
    assert not serves(daemon, ("127.0.0.1", port), ("::1", port))


def test_ipv4_may_be_served_alone(superd):
    daemon = superd(service("echo", listen="tcp4:0", builtin="echo"))
    port = daemon.port("echo")
    assert not serves(daemon, ("::1", port), ("127.0.0.1", port))


def serves(daemon, address, other):
    """Somebody else may have that port in the other family, so who accepted us decides."""
    try:
        with socket.create_connection(address, 10) as client:
            ours = client.getsockname()[1]
            assert echoes(other)
            return bool(daemon.log.find(f"service 'echo': accepted .*:{ours}$"))
    except ConnectionRefusedError:
        return not echoes(other)


def echoes(address):
    with socket.create_connection(address, 10) as client:
        client.sendall(b"ping")
        return client.recv(64) == b"ping"


@pytest.mark.skipif(not ROOT, reason="needs root for a network of its own")
def test_ipv4_is_enough_where_the_system_has_no_ipv6(superd):
    script = 'ip link set lo up; echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6; exec "$@"'
    daemon = superd(
        service("echo", listen="tcp:7", builtin="echo"),
        wrapper=["unshare", "--net", "sh", "-c", script, "sh"],
    )
    assert ask_inside(daemon, "127.0.0.1", 7) == b"ping"


@pytest.mark.skipif(not ROOT, reason="needs root for a network of its own")
def test_datagrams_need_no_ipv6_either(superd):
    script = 'ip link set lo up; echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6; exec "$@"'
    daemon = superd(
        service("echo", listen="udp:7", builtin="echo")
        + service("upper", listen="udp:8", exec=["/usr/bin/tr", "a-z", "A-Z"]),
        wrapper=["unshare", "--net", "sh", "-c", script, "sh"],
    )
    assert ask_inside(daemon, "127.0.0.1", 7, "SOCK_DGRAM") == b"ping"
    assert ask_inside(daemon, "127.0.0.2", 8, "SOCK_DGRAM") == b"PING"


@pytest.mark.skipif(not ROOT, reason="needs root for a network of its own")
def test_both_families_are_served_though_no_interface_was_up_at_the_start(superd):
    daemon = superd(service("echo", listen="tcp:7", builtin="echo"), wrapper=["unshare", "--net"])
    inside(daemon, "ip", "link", "set", "lo", "up")
    assert ask_inside(daemon, "127.0.0.1", 7) == b"ping"
    assert ask_inside(daemon, "::1", 7) == b"ping"


@pytest.mark.skipif(not ROOT, reason="needs root for a network of its own")
def test_ports_may_be_given_by_name(superd):
    daemon = superd(
        service("echo", listen=["tcp:echo", "udp:echo"], builtin="echo"),
        wrapper=IN_A_NETWORK_OF_ITS_OWN,
    )
    assert daemon.port("echo") == 7 and daemon.port("echo", "udp") == 7
    assert ask_inside(daemon, "127.0.0.1", 7) == b"ping"


WITHOUT_NAME_SERVER = """
echo nameserver 127.0.0.9 > "$1"
mount --bind "$1" /etc/resolv.conf
mount -t tmpfs none /run
ip link set lo up
shift
exec "$@"
"""


@pytest.mark.skipif(not ROOT, reason="needs root for name servers of its own")
def test_a_name_server_that_is_away_is_not_a_name_that_does_not_exist(place):
    conf = place / "superd.conf"
    conf.write_text(for_root(service("echo", listen="tcp:www.example.com:7", builtin="echo")))
    hidden = ["unshare", "--mount", "--net", "sh", "-c", WITHOUT_NAME_SERVER, "sh", place / "r"]
    done = subprocess.run([*hidden, SUPERD, "-t", "-c", conf], capture_output=True, text=True)
    assert "'tcp:www.example.com:7': cannot use the host: no name server" in done.stderr
    assert done.returncode == 78


WITH_HOSTS = 'mount --bind "$1" /etc/hosts; shift; ip link set lo up; exec "$@"'


def with_hosts(place, *lines):
    """A network of its own where /etc/hosts has these lines."""
    (place / "hosts").write_text("".join(f"{line}\n" for line in lines))
    return ["unshare", "--mount", "--net", "sh", "-c", WITH_HOSTS, "sh", str(place / "hosts")]


@pytest.mark.skipif(not ROOT, reason="needs root for hosts of its own")
def test_a_name_with_several_addresses_is_served_on_all(superd, place):
    hosts = ["127.0.0.1 many", "127.0.0.2 many", "127.0.0.1 many", "::1 many"]
    daemon = superd(
        service("echo", listen="tcp:many:7", builtin="echo"), wrapper=with_hosts(place, *hosts)
    )
    # The log may be read later than the notification that superd is ready.
    daemon.wait_log("service 'echo': listening on tcp", count=3)
    assert len(daemon.endpoints("echo")) == 3
    for host in ("127.0.0.1", "127.0.0.2", "::1"):
        assert ask_inside(daemon, host, 7) == b"ping"


@pytest.mark.skipif(not ROOT, reason="needs root for hosts of its own")
def test_no_address_of_a_name_is_left_out_in_silence(place):
    conf = place / "superd.conf"
    conf.write_text(for_root(service("echo", listen="tcp:many:7", builtin="echo")))
    hosts = with_hosts(place, *(f"127.0.0.{n} many" for n in range(1, 18)))
    done = subprocess.run([*hosts, SUPERD, "-t", "-c", conf], capture_output=True, text=True)
    assert "'tcp:many:7': cannot use the host: it has too many addresses" in done.stderr
    assert done.returncode == 78


@pytest.mark.skipif(not ROOT, reason="needs root for a network of its own")
def test_an_address_that_comes_later_is_served_then(superd):
    daemon = superd(
        service("later", listen="tcp:192.0.2.1:7", builtin="echo")
        + service("echo", listen="tcp:127.0.0.1:7", builtin="echo"),
        wrapper=IN_A_NETWORK_OF_ITS_OWN,
    )
    daemon.wait_log(
        r"service 'later': cannot listen on tcp:192\.0\.2\.1:7: "
        r"Cannot assign requested address; trying again in 1 s"
    )
    assert ask_inside(daemon, "127.0.0.1", 7) == b"ping"
    inside(daemon, "ip", "address", "add", "192.0.2.1/32", "dev", "lo")
    daemon.wait_log(r"service 'later': listening on tcp:192\.0\.2\.1:7")
    assert ask_inside(daemon, "192.0.2.1", 7) == b"ping"


@pytest.mark.skipif(not ROOT, reason="needs root for a network of its own")
def test_an_interface_that_comes_later_is_served_then(superd):
    daemon = superd(
        service("later", listen="tcp:[fe80::1%eth9]:7", builtin="echo")
        + service("echo", listen="tcp:127.0.0.1:7", builtin="echo"),
        wrapper=IN_A_NETWORK_OF_ITS_OWN,
    )
    daemon.wait_log(
        r"service 'later': cannot listen on tcp:\[fe80::1%eth9\]:7: No such device; trying again"
    )
    assert ask_inside(daemon, "127.0.0.1", 7) == b"ping"
    inside(daemon, "ip", "link", "add", "eth9", "type", "bridge")
    inside(daemon, "ip", "address", "add", "fe80::1/64", "dev", "eth9", "nodad")
    inside(daemon, "ip", "link", "set", "eth9", "up")
    daemon.wait_log(r"service 'later': listening on tcp:\[fe80::1%eth9\]:7")
    assert ask_inside(daemon, "fe80::1%eth9", 7) == b"ping"
    daemon.reload(expect="configuration loaded")
    assert ask_inside(daemon, "fe80::1%eth9", 7) == b"ping"
    assert not daemon.has_said("no longer listening")


@pytest.mark.skipif(not ROOT, reason="needs root for a network of its own")
def test_freebind_listens_before_the_address_is_there(superd):
    daemon = superd(
        service("later", listen="tcp:192.0.2.1:7", freebind=True, builtin="echo"),
        wrapper=IN_A_NETWORK_OF_ITS_OWN,
    )
    assert daemon.port("later") == 7
    inside(daemon, "ip", "address", "add", "192.0.2.1/32", "dev", "lo")
    assert ask_inside(daemon, "192.0.2.1", 7) == b"ping"


@pytest.mark.skipif(not ROOT, reason="needs root for a network of its own")
def test_an_interface_limits_who_is_heard(superd):
    daemon = superd(
        service("echo", listen="tcp:7", interface="lo", builtin="echo"),
        wrapper=IN_A_NETWORK_OF_ITS_OWN,
    )
    assert ask_inside(daemon, "127.0.0.1", 7) == b"ping"
    said = subprocess.run(
        [*into(daemon), "ss", "-ltn"], capture_output=True, text=True, check=True
    ).stdout
    assert "%lo:7" in said


TWO_INTERFACES = [
    *IN_A_NETWORK_OF_ITS_OWN[:-2],
    "ip link set lo up"
    " && ip link add one type veth peer name to-one && ip link add two type veth peer name to-two"
    " && ip address add 10.9.1.1/24 dev one && ip address add 10.9.2.1/24 dev two"
    ' && ip link set one up && ip link set two up && exec "$@"',
    "sh",
]


@contextlib.contextmanager
def neighbour(daemon, name, number):
    """A machine at the other end of the interface, for as long as its shell reads."""
    script = (
        "read moved && ip link set lo up"
        f" && ip address add 10.9.{number}.2/24 dev to-{name} && ip link set to-{name} up"
        f" && ip route add default via 10.9.{number}.1 && echo up && read end"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(["unshare", "--net", "sh", "-c", f"echo made; {script}"], **pipes) as shell:
        try:
            assert shell.stdout.readline() == "made\n"
            inside(daemon, "ip", "link", "set", f"to-{name}", "netns", str(shell.pid))
            shell.stdin.write("moved\n")
            shell.stdin.flush()
            assert shell.stdout.readline() == "up\n"
            yield ["nsenter", f"--net=/proc/{shell.pid}/ns/net"]
        finally:
            shell.stdin.close()


@pytest.mark.skipif(not ROOT, reason="needs root for networks of its own")
@pytest.mark.parametrize("scheme, kind", [("tcp", "SOCK_STREAM"), ("udp", "SOCK_DGRAM")])
def test_two_services_share_a_port_by_their_interfaces(superd, scheme, kind):
    """Which service answers depends on where a client comes from, not on the address it asks."""
    answer = {name: ["/bin/sh", "-c", f"read word; echo {name}"] for name in ("one", "two")}
    text = "".join(
        service(name, listen=f"{scheme}4:7", interface=name, exec=command)
        for name, command in answer.items()
    )
    daemon = superd(text, wrapper=TWO_INTERFACES)
    for name in answer:
        daemon.wait_log(rf"service '{name}': listening on {scheme}:0\.0\.0\.0:7%{name}$")
    with neighbour(daemon, "one", 1) as one, neighbour(daemon, "two", 2) as two:
        for host in ("10.9.1.1", "10.9.2.1"):
            for machine, said in ((one, b"one\n"), (two, b"two\n")):
                assert ask_from(machine, host, 7, kind, b"ping\n") == said
    # Neither serves the machine itself, which is neither of them.
    assert not daemon.log.find("cannot listen")


def into(daemon):
    return ["nsenter", "--target", str(daemon.keeper), "--net"]


def inside(daemon, *command):
    subprocess.run([*into(daemon), *command], check=True)


ASK = """
import socket, sys
host, port, kind = sys.argv[1:]
(family, *_, address), *_ = socket.getaddrinfo(host, port)
client = socket.socket(family, getattr(socket, kind))
client.settimeout(10)
client.connect(address)
client.sendall(sys.stdin.buffer.read())
sys.stdout.buffer.write(client.recv(64))
"""


def ask_inside(daemon, host, port, kind="SOCK_STREAM"):
    return ask_from(into(daemon), host, port, kind)


def ask_from(place, host, port, kind="SOCK_STREAM", said=b"ping"):
    command = [*place, "/usr/bin/python3", "-c", ASK, host, str(port), kind]
    return subprocess.run(command, input=said, capture_output=True, check=True).stdout


def test_a_port_is_served_at_once_when_superd_starts_again(superd):
    """Though connections that superd closed first linger in the kernel."""
    text = service("daytime", f"tcp:{HOST}:{PORT}", builtin="daytime")
    for _ in range(2):
        daemon = superd(text)
        with daemon.connect("daytime") as client:
            assert len(read_all(client)) == 26
        assert daemon.stop() == 0
        assert not daemon.log.find("cannot listen")


def test_a_busy_address_is_served_once_it_is_free(superd):
    with socket.create_server((HOST, PORT)):
        daemon = superd(service("late", listen=f"tcp:{HOST}:{PORT}", builtin="daytime") + ECHO)
        daemon.wait_log(
            rf"service 'late': cannot listen on tcp:{HOST}:{PORT}: "
            rf"Address already in use{used_by('.*', os.getpid())}; trying again in 1 s"
        )
        assert daemon.ask("echo", b"others serve") == b"others serve"
    assert len(daemon.ask("late")) == 26


def test_a_busy_address_of_a_reload_is_retried_too(superd):
    daemon = superd(ECHO)
    with socket.create_server((HOST, PORT)):
        daemon.reload(ECHO + service("late", listen=f"tcp:{HOST}:{PORT}", builtin="daytime"))
        daemon.wait_log("service 'late': cannot listen on .*; trying again in")
        assert daemon.ask("echo", b"ping") == b"ping"
    assert len(daemon.ask("late")) == 26


# Unix


@pytest.mark.parametrize("kind", ["unix", "unix-dgram", "unix-seqpacket"])
def test_a_unix_path_has_the_mode_it_was_given(superd, place, kind):
    text = service("echo", listen=f"{kind}:{place}/x.sock", builtin="echo")
    superd(text.replace("builtin", "socket_mode = 0640\n    builtin"))
    assert stat.S_IMODE((place / "x.sock").stat().st_mode) == 0o640


def test_a_unix_path_is_open_to_all_by_default(superd, place):
    superd(service("echo", listen=f"unix:{place}/x.sock", builtin="echo"))
    assert stat.S_IMODE((place / "x.sock").stat().st_mode) == 0o666


@pytest.mark.skipif(not ROOT, reason="needs root to give files away")
def test_a_unix_path_has_the_owner_it_was_given(superd, place):
    superd(
        service(
            "echo",
            listen=f"unix:{place}/x.sock",
            builtin="echo",
            socket_user="nobody",
            socket_group="daemon",
        )
    )
    found = (place / "x.sock").stat()
    assert pwd.getpwuid(found.st_uid).pw_name == "nobody"
    assert grp.getgrgid(found.st_gid).gr_name == "daemon"


def test_an_abstract_name_needs_no_file(superd, place):
    name = f"@superd-test-{os.getpid()}"
    daemon = superd(service("echo", listen=f"unix:{name}", builtin="echo"))
    assert daemon.ask("echo", b"ping", "unix") == b"ping"


def test_a_stale_unix_path_is_replaced(superd, place):
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(place / "x.sock"))
    daemon = superd(service("echo", listen=f"unix:{place}/x.sock", builtin="echo"))
    assert daemon.ask("echo", b"ping", "unix") == b"ping"


def test_the_name_of_a_replaced_path_is_the_configured_one(superd, place):
    """However it was put in place: clients and programs ask for it."""
    path = place / "x.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    daemon = superd(
        service("x", listen=f"unix:{path}", exec=["/bin/sh", "-c", "echo $SERVER_ADDR"])
    )
    assert daemon.ask("x", kind="unix").decode() == f"{path}\n"
    with daemon.connect("x", "unix") as client:
        assert client.getpeername() == str(path)
    assert sorted(os.listdir(place)) == sorted(
        [daemon.config.name, f"{daemon.config.name}.notify", path.name]
    )


def test_a_unix_path_that_somebody_serves_is_left_to_them(superd, place):
    path = place / "x.sock"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        before = path.stat().st_ino
        daemon = superd(service("x", listen=f"unix:{path}", builtin="echo") + ECHO)
        daemon.wait_log(f"service 'x': cannot listen on unix:.*Address already in use{used_by('.*', '.*')}; trying again")
        assert path.stat().st_ino == before
        assert daemon.ask("echo", b"ping") == b"ping"
    assert daemon.ask("x", b"now it is ours", "unix") == b"now it is ours"


@pytest.mark.parametrize("make", ["file", "directory", "link"])
def test_what_is_no_socket_is_never_replaced(superd, place, make):
    path = place / "x.sock"
    (place / "target").write_text("precious")
    if make == "file":
        path.write_text("precious")
    elif make == "directory":
        path.mkdir()
    else:
        path.symlink_to(place / "target")
    before = path.lstat().st_ino
    daemon = superd(service("x", listen=f"unix:{path}", builtin="echo") + ECHO)
    daemon.wait_log("service 'x': cannot listen on unix:.*: File exists; trying again")
    assert path.lstat().st_ino == before
    assert daemon.ask("echo", b"ping") == b"ping"


def test_a_unix_path_is_removed_when_superd_stops(superd, place):
    daemon = superd(service("echo", listen=f"unix:{place}/x.sock", builtin="echo"))
    daemon.stop()
    assert not (place / "x.sock").exists()


def test_a_unix_path_that_is_not_ours_any_more_stays(superd, place):
    path = place / "x.sock"
    daemon = superd(service("echo", listen=f"unix:{path}", builtin="echo"))
    path.unlink()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        daemon.stop()
        assert path.exists()


def test_a_unix_path_is_removed_with_its_service(superd, place):
    path = place / "x.sock"
    daemon = superd(ECHO + service("x", listen=f"unix:{path}", builtin="echo"))
    daemon.reload(ECHO)
    eventually(lambda: not path.exists())


def test_a_unix_path_keeps_its_file_over_a_reload(superd, place):
    path = place / "x.sock"
    text = service("x", listen=f"unix:{path}", builtin="echo")
    daemon = superd(text)
    before = path.stat().st_ino
    daemon.reload(text + ECHO)
    assert path.stat().st_ino == before
    assert daemon.ask("x", b"ping", "unix") == b"ping"


@pytest.mark.skipif(not shutil.which("ss"), reason="ss is not installed")
@pytest.mark.parametrize("backlog", [1, 77])
def test_the_backlog_is_what_was_asked_for(superd, backlog):
    daemon = superd(service("echo", builtin="echo", backlog=backlog))
    filter_ = ["sport", "=", f":{daemon.port('echo')}"]
    said = subprocess.run(["ss", "-Hltn", *filter_], capture_output=True, text=True).stdout
    assert int(said.split()[2]) == backlog


def test_a_disabled_service_does_not_listen(superd):
    daemon = superd(ECHO + service("off", listen="tcp:127.0.0.1:0", builtin="time", enabled=False))
    daemon.stop()
    assert not daemon.log.find("service 'off'")


def alone(found):
    return found if len(found) == 1 else None


def test_listeners_are_held_by_the_keeper_and_the_front_alone(superd):
    daemon = superd(ECHO + service("sleep", exec=["/bin/sleep", "60"]))
    with daemon.connect("sleep"):
        pid = int(daemon.wait_log(r"service 'sleep': accepted .*, pid (\d+)")[1])
        eventually(lambda: "sleep" in os.readlink(f"/proc/{pid}/exe"))
        # Its loader has a library open for a moment.
        held = eventually(lambda: alone(set(descriptors(pid).values())))
    eventually(lambda: held.isdisjoint(descriptors(daemon.keeper).values()))
