"""Programs started per client (`dispatch = spawn`) and what goes wrong with them."""

import os
import socket

import pytest

from daemon import read_all
from process import PATIENCE, children, descriptors, eventually, settled
from settings import ECHO, ROOT, service, shell

LISTEN = {
    "tcp": "tcp:127.0.0.1:0",
    "tcp6": "tcp:[::1]:0",
    "unix": "unix:{place}/x.sock",
}


@pytest.mark.parametrize("kind", LISTEN)
def test_a_program_has_its_client_on_0_and_1(superd, place, kind):
    listen = LISTEN[kind].format(place=place)
    daemon = superd(service("upper", listen=listen, exec=["/usr/bin/tr", "a-z", "A-Z"]))
    assert daemon.ask("upper", b"some text", kind.replace("tcp6", "tcp")) == b"SOME TEXT"


def test_a_program_that_speaks_first_is_heard(superd):
    daemon = superd(service("hello", exec=["/bin/echo", "hello"]))
    with daemon.connect("hello") as client:
        assert read_all(client) == b"hello\n"


def test_many_clients_have_a_program_each(superd):
    daemon = superd(service("cat", exec=["/bin/cat"]))
    clients = [daemon.connect("cat") for _ in range(30)]
    for number, client in enumerate(clients):
        client.sendall(b"%d" % number)
    for number, client in enumerate(clients):
        assert client.recv(64) == b"%d" % number


def test_arguments_name_the_client(superd):
    words = ["remote_addr", "remote_port", "local_addr", "local_port", "service"]
    program = ["/bin/echo", *(f"%{{{word}}}" for word in words)]
    daemon = superd(service("x", listen="tcp4:0", exec=program))
    client, (_, port) = daemon.socket("x")
    with client:
        client.connect(("127.0.0.2", port))
        here, there = client.getsockname(), client.getpeername()
        expected = f"{here[0]} {here[1]} {there[0]} {there[1]} x\n"
        assert read_all(client).decode() == expected


def test_arguments_may_mix_text_and_variables_and_quote_them(superd):
    daemon = superd(service("x", exec=["/bin/echo", "a-%{service}-b", "%%{service}", "100%"]))
    assert daemon.ask("x") == b"a-x-b %{service} 100%\n"


def test_environment_is_tcpservers_systemds_and_xinetds(superd):
    daemon = superd(service("x", exec=["/usr/bin/env"], env=["GREETING=hello world"]))
    with daemon.connect("x") as client:
        port, local = client.getsockname()[1], client.getpeername()[1]
        said = set(read_all(client).decode().splitlines())
    assert said == {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "GREETING=hello world",
        "PROTO=TCP",
        "TCPREMOTEIP=127.0.0.1",
        f"TCPREMOTEPORT={port}",
        "TCPLOCALIP=127.0.0.1",
        f"TCPLOCALPORT={local}",
        "REMOTE_ADDR=127.0.0.1",
        f"REMOTE_PORT={port}",
        "REMOTE_HOST=127.0.0.1",
        "SERVER_ADDR=127.0.0.1",
        f"SERVER_PORT={local}",
        "SUPERD_SERVICE=x",
    }


def test_passenv_passes_what_it_names_and_no_more(superd):
    daemon = superd(
        service("x", exec=shell("echo $LANG $SECRET"), passenv=["LANG"]),
        env={"LANG": "C.UTF-8", "SECRET": "told"},
    )
    assert daemon.ask("x") == b"C.UTF-8\n"


def test_what_env_sets_is_not_passed_as_well(superd):
    text = service("x", exec=["/usr/bin/env"], env=["LANG=set"], passenv=["LANG", "MISSING"])
    said = superd(text, env={"LANG": "passed"}).ask("x").decode().splitlines()
    assert [line for line in said if line.startswith(("LANG", "MISSING"))] == ["LANG=set"]


def test_an_ipv4_client_of_a_dual_stack_listener_is_seen_as_ipv4(superd):
    daemon = superd(service("x", listen="tcp:0", exec=shell("echo $REMOTE_ADDR $SERVER_ADDR")))
    with socket.create_connection(("127.0.0.1", daemon.port("x"))) as client:
        assert read_all(client) == b"127.0.0.1 127.0.0.1\n"
    daemon.wait_log(r"service 'x': accepted 127\.0\.0\.1:\d+, pid \d+")


@pytest.mark.parametrize(
    "options, script, said",
    [
        ({"umask": "027"}, "umask", "0027"),
        ({"nice": 5}, "nice", "5"),
        ({"directory": "/usr"}, "pwd", "/usr"),
        ({}, "pwd; umask; nice", f"/\n0022\n{os.nice(0)}"),
    ],
)
def test_a_program_runs_as_its_options_say(superd, options, script, said):
    assert superd(service("x", exec=shell(script), **options)).ask("x").decode() == said + "\n"


@pytest.mark.parametrize("dispatch", ["spawn", "wait"])
def test_a_program_is_called_what_argv0_says(superd, dispatch):
    script = "echo \"$0\" $(head -c 8 /proc/$$/cmdline) $(readlink /proc/$$/exe) >&2; exit 3"
    exec = [*shell(script), "argument 0 of the script"]
    daemon = superd(service("x", exec=exec, argv0="-a shell", dispatch=dispatch, stderr="log"))
    daemon.connect("x")
    daemon.wait_log(f"'argument 0 of the script -a shell {os.path.realpath('/bin/sh')}'")


@pytest.mark.parametrize(
    "options, of_service, is_set",
    [
        ("", {"keepalive": True}, (True, True)),
        ("", {"nodelay": False}, (False, False)),
        ("", {}, (False, True)),
        ("defaults { nodelay = no  keepalive = yes }", {}, (True, False)),
        ("defaults { nodelay = no }", {"nodelay": True}, (False, True)),
    ],
)
def test_a_connection_has_the_options_of_its_service(superd, options, of_service, is_set):
    """Programs write small pieces, so `nodelay` is on unless it is set."""
    script = (
        "import socket as s; get = s.socket(fileno=0).getsockopt\n"
        "print(get(s.SOL_SOCKET, s.SO_KEEPALIVE), get(s.IPPROTO_TCP, s.TCP_NODELAY))"
    )
    daemon = superd(options + service("x", exec=["/usr/bin/python3", "-c", script], **of_service))
    assert tuple(word != b"0" for word in daemon.ask("x").split()) == is_set


@pytest.mark.parametrize("dispatch", ["wait", "pool"])
@pytest.mark.parametrize("chosen", [(True, False), (False, True)])
def test_a_connection_that_a_program_accepts_has_them_too(superd, dispatch, chosen):
    """It inherits them from the listener, also after a reload that changes them."""
    script = (
        "import socket as s; get = (c := s.socket(fileno=0).accept()[0]).getsockopt\n"
        "said = get(s.SOL_SOCKET, s.SO_KEEPALIVE), get(s.IPPROTO_TCP, s.TCP_NODELAY)\n"
        "c.sendall(bytes(word != 0 for word in said))"
    )
    exec = ["/usr/bin/python3", "-c", script]
    text = service("x", exec=exec, dispatch=dispatch, keepalive=chosen[0], nodelay=chosen[1])
    daemon = superd(service("x", exec=exec, dispatch=dispatch))
    assert daemon.ask("x") == bytes((False, True))
    daemon.reload(text)
    assert daemon.ask("x") == bytes(chosen)


@pytest.mark.skipif(not ROOT, reason="needs root to become somebody else")
@pytest.mark.parametrize(
    "options, script, said",
    [
        ({"user": "root"}, "id -u; id -g; id -G", "0\n0\n0\n"),
        ({"user": "nobody"}, "id -u; id -g; id -G", "65534\n65534\n65534\n"),
        ({"user": "nobody", "group": "daemon"}, "id -u; id -g; id -G", "65534\n1\n1\n"),
        ({"user": "nobody", "nice": -5}, "nice", "-5\n"),
        ({"user": "nobody", "chroot": "/", "directory": "/tmp"}, "pwd", "/tmp\n"),
    ],
)
def test_a_program_runs_as_somebody_else(superd, options, script, said):
    assert superd(service("x", exec=shell(script), **options)).ask("x").decode() == said


@pytest.mark.skipif(not ROOT, reason="needs root to change the root directory")
def test_chroot_holds_a_program(superd):
    daemon = superd(service("x", exec=["/bin/ls", "/"], chroot="/usr"))
    names = daemon.ask("x").split()
    assert b"share" in names and b"proc" not in names


def test_stderr_goes_to_the_client_by_default(superd):
    daemon = superd(service("x", exec=shell("echo out; echo err >&2")))
    assert daemon.ask("x") == b"out\nerr\n"


def test_stderr_may_go_to_the_log_line_by_line(superd):
    script = "echo out; echo first >&2; printf 'tab\\there\\n' >&2"
    daemon = superd(service("x", exec=shell(script), stderr="log"))
    assert daemon.ask("x") == b"out\n"
    daemon.wait_log("service 'x': stderr: 'first'")
    daemon.wait_log(r"service 'x': stderr: 'tab\\x09here'")


def test_a_last_line_of_stderr_need_not_end(superd):
    daemon = superd(service("x", exec=shell("printf unended >&2"), stderr="log"))
    assert daemon.ask("x") == b""
    daemon.wait_log("service 'x': stderr: 'unended'")


def test_stderr_may_go_nowhere(superd):
    daemon = superd(service("x", exec=shell("echo out; echo err >&2"), stderr="null"))
    assert daemon.ask("x") == b"out\n"
    daemon.stop()
    assert not daemon.log.find("stderr")


def test_the_soft_limit_of_descriptors_is_given_back(superd):
    daemon = superd(service("x", exec=shell("ulimit -Sn")), wrapper=["prlimit", "--nofile=321:"])
    assert daemon.ask("x") == b"321\n"


def test_the_end_of_a_program_is_logged_with_its_status(superd):
    daemon = superd(service("x", exec=shell("exit 3")))
    daemon.ask("x")
    pid = daemon.wait_log(r"service 'x': accepted 127\.0\.0\.1:\d+, pid (\d+)")[1]
    daemon.wait_log(
        rf"service 'x': ended 127\.0\.0\.1:\d+, pid {pid}, after \d+\.\d+ s, exit status 3"
    )


def test_the_end_of_a_program_is_logged_with_its_signal(superd):
    daemon = superd(service("x", exec=shell("kill -KILL $$")))
    daemon.ask("x")
    daemon.wait_log(r"service 'x': ended .*, killed by signal 9 \(SIGKILL\)")


def test_a_program_that_is_gone_is_logged_and_the_service_stays(superd, place):
    program = place / "program"
    install(program)
    daemon = superd(service("x", exec=[program]) + ECHO)
    assert daemon.ask("x") == b"here\n"
    program.unlink()
    assert daemon.ask("x") == b""
    daemon.wait_log(
        rf"service 'x': cannot start '{program}' for 127\.0\.0\.1:\d+: "
        "cannot execute: No such file or directory"
    )
    install(program)
    assert daemon.ask("x") == b"here\n"
    assert daemon.ask("echo", b"ping") == b"ping"


@pytest.mark.parametrize(
    "text, why",
    [
        ("#!/nonexistent\n", "cannot execute its interpreter: No such file or directory"),
        ("echo here\n", "not for this machine, and has no '#!': Exec format error"),
    ],
)
def test_a_script_that_cannot_run_is_told_from_one_that_is_gone(superd, place, text, why):
    program = place / "program"
    install(program)
    daemon = superd(service("x", exec=[program]))
    program.write_text(text)
    assert daemon.ask("x") == b""
    daemon.wait_log(rf"service 'x': cannot start '{program}' for .*: .*{why}")


@pytest.mark.skipif(not ROOT, reason="needs root to become somebody else")
def test_a_directory_that_its_user_may_not_enter_is_named(superd, place):
    private = place / "private"
    private.mkdir(0o700)
    daemon = superd(service("x", exec=["/bin/pwd"], directory=private))
    assert daemon.ask("x") == b""
    daemon.wait_log(f"cannot enter the directory '{private}': Permission denied")


def test_a_program_that_cannot_be_started_takes_no_instance(superd, place):
    program = place / "program"
    install(program)
    text = service("x", exec=[program], instances=1)
    daemon = superd(ECHO + text)
    program.unlink()
    for _ in range(3):
        assert daemon.ask("x") == b""
    install(program)
    daemon.reload(text)
    assert daemon.ask("x") == b"here\n"


def install(program):
    program.write_text("#!/bin/sh\necho here\n")
    program.chmod(0o755)


def test_failures_to_start_are_logged_at_a_bounded_rate(superd, place):
    program = place / "program"
    install(program)
    daemon = superd(service("x", exec=[program]))
    program.unlink()
    for _ in range(300):
        assert daemon.ask("x") == b""
    eventually(lambda: said_not_started(daemon) == 300)
    assert len(daemon.log.find("cannot start")) < 100


def said_not_started(daemon):
    """How many clients the log accounts for."""
    more = daemon.log.find(r"service 'x': its program could not be started for (\d+) more clients")
    return len(daemon.log.find("cannot start")) + sum(int(found[1]) for found in more)


def test_a_service_without_a_free_instance_queues_its_clients(superd):
    daemon = superd(ECHO + service("cat", exec=["/bin/cat"], instances=2))
    assert_queues_at_two(daemon, "cat")


def test_a_built_in_without_a_free_instance_queues_its_clients(superd):
    daemon = superd(service("busy", builtin="echo", instances=2) + ECHO)
    assert_queues_at_two(daemon, "busy")


def assert_queues_at_two(daemon, name):
    first, second, third = (daemon.connect(name) for _ in range(3))
    for client in (first, second):
        client.sendall(b"ping")
        assert client.recv(64) == b"ping"
    third.sendall(b"still waiting")
    for _ in range(2):
        assert daemon.ask("echo", b"others go on") == b"others go on"
    third.setblocking(False)
    with pytest.raises(BlockingIOError):
        third.recv(64)
    third.settimeout(PATIENCE)
    first.close()
    assert third.recv(64) == b"still waiting"


def test_a_service_without_a_free_instance_refuses_clients_when_told_to(superd):
    daemon = superd(service("cat", exec=["/bin/cat"], instances=2, overflow="refuse"))
    assert_refuses_at_two(daemon, "cat")


def test_a_built_in_without_a_free_instance_refuses_clients_when_told_to(superd):
    daemon = superd(service("busy", builtin="echo", instances=2, overflow="refuse"))
    assert_refuses_at_two(daemon, "busy")


def assert_refuses_at_two(daemon, name):
    clients = [daemon.connect(name) for _ in range(2)]
    for client in clients:
        client.sendall(b"ping")
        assert client.recv(64) == b"ping"
    with daemon.connect(name) as third:
        assert read_all(third) == b""
    daemon.wait_log(rf"service '{name}': refused 127\.0\.0\.1:\d+: 2 of 2 instances are in use")
    clients[0].close()
    eventually(lambda: is_served(daemon, name))


def is_served(daemon, name):
    try:
        return daemon.ask(name, b"a slot is free") == b"a slot is free"
    except OSError:
        return False


def test_never_more_children_than_instances(superd, place):
    """Each child counts those that run beside it; 40 clients come as fast as they can."""
    script = f"mkdir {place}/$$.run; ls -d {place}/*.run 2>&- | wc -l; rmdir {place}/$$.run"
    daemon = superd(service("x", exec=shell(script), instances=3))
    clients = [daemon.connect("x") for _ in range(40)]
    assert max(int(read_all(client)) for client in clients) <= 3


def test_children_are_reaped(superd):
    daemon = superd(service("x", exec=["/bin/true"]))
    for _ in range(50):
        daemon.ask("x")
    daemon.wait_log("service 'x': ended", count=50)
    assert children(daemon.keeper) == [daemon.front]


def test_a_child_that_keeps_the_connection_in_the_background_keeps_its_client(superd):
    daemon = superd(service("x", exec=shell("exec 3<&0; cat <&3 & exit 0")))
    with daemon.connect("x") as client:
        daemon.wait_log("service 'x': ended")
        client.sendall(b"still there?")
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b"still there?"


def test_a_front_that_is_refused_a_program_serves_on(superd, place):
    """The client's descriptor is closed on both sides, so that it sees the end."""
    program = place / "program"
    install(program)
    daemon = superd(service("x", exec=[program]) + ECHO)
    program.write_text("#!/nonexistent/interpreter\n")
    before = settled(lambda: len(descriptors(daemon.keeper)))
    for _ in range(20):
        assert daemon.ask("x") == b""
    assert daemon.ask("echo", b"ping") == b"ping"
    eventually(lambda: len(descriptors(daemon.keeper)) == before)
