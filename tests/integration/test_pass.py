"""Clients that superd accepts and gives to programs that already run (`dispatch = pass`)."""

import ast
import os
import pathlib
import re
import signal
import socket

import pytest

from daemon import read_all
from process import alive, cpu_seconds, eventually, settled
from settings import ECHO, service
from shipped import BUILD, SOURCE, reachable

PYTHON = "/usr/bin/python3"
# Either by TERM or, if that comes first, because its socket is at its end.
QUIETLY = r".*(SIGTERM|exit status 0)"
MEMBER = (pathlib.Path(__file__).parent / "member.py").read_text()


def passing(name="x", args=(), **options):
    return service(name, exec=[PYTHON, "-c", MEMBER, *args], dispatch="pass", **options)


class Client:
    """Says a line to the program and reads one."""

    def __init__(self, daemon, name="x", kind="tcp"):
        self.daemon = daemon
        self.name = name
        self.socket = daemon.connect(name, kind)
        self.lines = self.socket.makefile("r")

    def say(self, line):
        self.socket.sendall(f"{line}\n".encode())

    def ask(self, line):
        self.say(line)
        return self.lines.readline().rstrip("\n")

    def pid(self):
        return int(self.ask("who").split()[0])

    def finish(self):
        """Until the program has closed the connection."""
        self.say("done")
        assert self.lines.readline() == ""

    def waits(self):
        """Whether no process has it, though the front has served those who came later."""
        self.say("who")
        for _ in range(2):
            assert self.daemon.ask("echo", b"ping") == b"ping"
        port = self.socket.getsockname()[1]
        return not self.daemon.has_said(rf"service '{self.name}': accepted 127\.0\.0\.1:{port}\b")


def test_a_member_has_the_connection_as_if_it_had_accepted_it(superd):
    daemon = superd(passing())
    client = Client(daemon)
    pid, _, peer = client.ask("who").split(" ", 2)
    assert ast.literal_eval(peer) == client.socket.getsockname()
    assert alive(int(pid))
    client.finish()
    port = client.socket.getsockname()[1]
    daemon.wait_log(rf"service 'x': accepted 127\.0\.0\.1:{port}, pid {pid}$")
    daemon.wait_log(rf"service 'x': ended 127\.0\.0\.1:{port}, pid {pid}, after \d\.\d{{3}} s$")


def test_the_variables_are_those_of_a_program_per_client(superd):
    daemon = superd(passing())
    client = Client(daemon)
    here, there = client.socket.getsockname(), client.socket.getpeername()
    found = ast.literal_eval(client.ask("variables_of"))
    assert found == {
        "SUPERD_CLIENT": found["SUPERD_CLIENT"],
        "PROTO": "TCP",
        "TCPREMOTEIP": "127.0.0.1",
        "TCPREMOTEPORT": str(here[1]),
        "TCPLOCALIP": "127.0.0.1",
        "TCPLOCALPORT": str(there[1]),
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_PORT": str(here[1]),
        "REMOTE_HOST": "127.0.0.1",
        "SERVER_ADDR": "127.0.0.1",
        "SERVER_PORT": str(there[1]),
        "SUPERD_SERVICE": "x",
    }


@pytest.mark.parametrize("listen", ["tcp4:0", "tcp:0"])
def test_a_listener_for_all_addresses_tells_which_one_a_client_came_to(superd, listen):
    daemon = superd(passing(listen=listen))
    with socket.create_connection(("127.0.0.2", daemon.port("x")), 20) as client:
        client.sendall(b"variables_of\n")
        found = ast.literal_eval(client.recv(4096).decode())
    assert (found["TCPLOCALIP"], found["TCPREMOTEIP"]) == ("127.0.0.2", "127.0.0.1")


@pytest.mark.parametrize("kind", ["unix", "unix-seqpacket"])
def test_unix_clients_are_passed_too(superd, place, kind):
    daemon = superd(passing(listen=f"{kind}:{place}/x.sock"))
    with daemon.connect("x", kind) as client:
        client.send(b"variables_of\n")
        found = ast.literal_eval(client.recv(4096).decode())
    del found["SUPERD_CLIENT"]
    assert found == {
        "PROTO": "UNIX",
        "REMOTE_ADDR": "",
        "SERVER_ADDR": f"{place}/x.sock",
        "SUPERD_SERVICE": "x",
    }


def test_a_member_is_told_how_it_gets_its_clients(superd):
    daemon = superd(passing(clients_per_process=7))
    client = Client(daemon)
    assert client.ask("env LISTEN_FDS") == "1"
    assert client.ask("env LISTEN_FDNAMES") == "superd-pass"
    assert client.ask("env LISTEN_PID") == str(client.pid())
    assert client.ask("env SUPERD_PASS_CLIENTS") == "7"
    assert client.ask("env REMOTE_ADDR") == "None"


def test_one_process_serves_one_client_after_the_other(superd):
    daemon = superd(passing())
    pids = set()
    for _ in range(20):
        client = Client(daemon)
        pids.add(client.pid())
        client.finish()
    assert len(pids) == 1


def test_a_client_waits_until_a_process_is_free(superd):
    daemon = superd(passing() + ECHO)
    first, second = Client(daemon), Client(daemon)
    pid = first.pid()
    assert second.waits()
    first.finish()
    assert second.lines.readline().split()[0] == str(pid)


def pids_of_two(daemon):
    """Of the processes that two clients at the same time find; superd knows the answers after."""
    logged = len(daemon.log)
    clients = [Client(daemon), Client(daemon)]
    pids = {client.pid() for client in clients}
    for client in clients:
        client.finish()
    daemon.wait_log("service 'x': ended 127", after=logged, count=2)
    return pids


def test_the_least_loaded_process_gets_the_next_client(superd):
    daemon = superd(passing(processes=2, clients_per_process=3))
    eventually(lambda: len(pids_of_two(daemon)) == 2)
    clients = [Client(daemon) for _ in range(4)]
    pids = [client.pid() for client in clients]
    assert sorted(pids.count(pid) for pid in set(pids)) == [2, 2]
    logged = len(daemon.log)
    for client, pid in zip(clients, pids):
        if pid == pids[0]:
            client.finish()
    daemon.wait_log("service 'x': ended 127", after=logged, count=2)
    assert {Client(daemon).pid(), Client(daemon).pid()} == {pids[0]}


def test_processes_are_added_while_clients_wait_and_ended_when_idle(superd):
    daemon = superd(passing(processes=[1, 3], idle_exit="300ms"))
    clients = [Client(daemon) for _ in range(3)]
    pids = {client.pid() for client in clients}
    assert len(pids) == 3
    for client in clients:
        client.finish()
    daemon.wait_log(r"service 'x': ended, pid \d+, " + QUIETLY, count=2)
    assert len([pid for pid in pids if alive(pid)]) == 1


def test_with_min_0_the_first_client_starts_the_program_and_quiet_ends_it(superd):
    daemon = superd(passing(processes=[0, 1], idle_exit="200ms"))
    assert not daemon.has_said("service 'x': started")
    for round_ in (1, 2):
        client = Client(daemon)
        client.pid()
        client.finish()
        daemon.wait_log(r"service 'x': ended, pid \d+, " + QUIETLY, count=round_)


def test_instances_and_overflow_count_clients(superd):
    daemon = superd(passing(processes=3, instances=2, overflow="refuse"))
    clients = [Client(daemon), Client(daemon)]
    assert all(client.pid() for client in clients)
    assert Client(daemon).lines.readline() == ""
    daemon.wait_log(r"service 'x': refused 127\.0\.0\.1:\d+: 2 of 2 instances are in use")
    clients[0].finish()
    daemon.wait_log("service 'x': ended 127")
    assert Client(daemon).pid()


def test_instances_hold_clients_in_the_queue(superd):
    daemon = superd(passing(processes=3, instances=1) + ECHO)
    first, second = Client(daemon), Client(daemon)
    assert first.pid() and second.waits()
    first.finish()
    assert second.lines.readline()


def test_a_killed_process_ends_its_clients_and_is_replaced(superd):
    daemon = superd(passing(clients_per_process=2))
    clients = [Client(daemon), Client(daemon)]
    pid = {client.pid() for client in clients}.pop()
    os.kill(pid, signal.SIGKILL)
    assert [client.lines.readline() for client in clients] == ["", ""]
    daemon.wait_log(
        rf"service 'x': ended 127\.0\.0\.1:\d+, pid {pid}, .*, killed by signal 9 \(SIGKILL\)",
        count=2,
    )
    assert Client(daemon).pid() != pid


def test_a_process_that_exits_says_with_which_status_its_client_ended(superd):
    daemon = superd(passing())
    Client(daemon).say("exit 3")
    daemon.wait_log(r"service 'x': ended 127\.0\.0\.1:\d+, pid \d+, after .* s, exit status 3")


def test_a_client_that_was_answered_for_has_not_ended_with_its_process(superd):
    daemon = superd(passing(clients_per_process=2))
    first, second = Client(daemon), Client(daemon)
    pid = first.pid()
    daemon.stop_process(daemon.front)
    first.finish()
    second.say("exit 5")
    assert second.lines.readline() == ""
    daemon.wait_log(f"service 'x': ended, pid {pid}, .*, exit status 5")
    daemon.continue_process(daemon.front)
    daemon.wait_log(rf"service 'x': ended 127\.0\.0\.1:\d+, pid {pid}, after \d+\.\d+ s$")
    daemon.wait_log(rf"service 'x': ended 127\.0\.0\.1:\d+, pid {pid}, .*, exit status 5$")


def test_a_process_that_never_answers_gets_no_more_clients(superd):
    daemon = superd(passing() + ECHO)
    first = Client(daemon)
    pid = first.pid()
    first.say("forget")
    second = Client(daemon)
    assert second.waits()
    os.kill(pid, signal.SIGKILL)
    assert int(second.lines.readline().split()[0]) != pid


def test_nonsense_from_a_process_is_said_once_and_ignored(superd):
    daemon = superd(passing())
    client = Client(daemon)
    for line in ("DONE=", "DONE=1", "DONE=-1", "DONE=99999", "READY", "x" * 5000):
        assert client.ask(f"say {line}") == "said"
    pid = client.pid()
    client.finish()
    assert Client(daemon).pid() == pid
    daemon.wait_log("sent an invalid answer")
    daemon.wait_log("accepted", count=2)  # Lines are read in order: no other came before this one.
    assert len(daemon.log.find("sent an invalid answer")) == 1


def test_a_process_that_does_not_read_makes_nobody_spin(superd):
    daemon = superd(passing(clients_per_process=2000))
    first = Client(daemon)
    assert first.ask("deaf") == "deaf"
    others = [Client(daemon) for _ in range(500)]
    eventually(lambda: len(daemon.log.find("service 'x': accepted")) > 50)
    settled(lambda: len(daemon.log))
    before = cpu_seconds(daemon.front)
    settled(lambda: first.pid())
    assert cpu_seconds(daemon.front) - before < 0.1
    assert first.ask("hear") == "hearing"
    assert {client.pid() for client in others} == {first.pid()}


def test_another_service_goes_on_while_all_processes_are_busy(superd):
    daemon = superd(passing() + ECHO)
    Client(daemon).pid()
    waiting = Client(daemon)
    assert daemon.ask("echo", b"ping") == b"ping"
    assert waiting.waits()


# Reload


def test_a_reload_without_a_change_keeps_the_process_and_its_client(superd):
    daemon = superd(passing())
    client = Client(daemon)
    pid = client.pid()
    daemon.reload()
    assert client.pid() == pid
    waiting = Client(daemon)
    client.finish()
    assert waiting.pid() == pid
    assert len(daemon.log.find("service 'x': started")) == 1


def test_clients_count_over_reloads(superd):
    daemon = superd(passing(processes=3, instances=2) + ECHO)
    clients = [Client(daemon), Client(daemon)]
    assert all(client.pid() for client in clients)
    for _ in range(3):
        daemon.reload()
    third = Client(daemon)
    assert third.waits()
    clients[0].finish()
    assert third.lines.readline()


def test_a_changed_program_is_started_before_the_old_one_ends(superd):
    daemon = superd(passing())
    old = Client(daemon)
    pid = old.pid()
    daemon.reload(passing(env=["CHANGED=yes"]))
    new = Client(daemon)
    assert new.ask("env CHANGED") == "yes"
    assert old.ask("env CHANGED") == "None"
    started = [i for i, line in enumerate(daemon.log.items) if "service 'x': started" in line]
    old.finish()
    daemon.wait_log(f"service 'x': ended, pid {pid}, {QUIETLY}")
    ended = [i for i, line in enumerate(daemon.log.items) if re.search("ended,? pid", line)]
    assert started[1] < ended[0]
    assert new.ask("env CHANGED") == "yes"


def test_a_removed_service_finishes_its_clients(superd):
    daemon = superd(passing() + ECHO)
    client = Client(daemon)
    pid = client.pid()
    daemon.reload(ECHO)
    assert client.pid() == pid
    client.finish()
    daemon.wait_log(f"service 'x': ended, pid {pid}, {QUIETLY}")


def test_many_reloads_under_load_lose_no_client(superd):
    daemon = superd(passing(processes=2))
    for number in range(10):
        clients = [Client(daemon) for _ in range(5)]
        daemon.reload(passing(processes=2, env=[f"ROUND={number // 3}"]))
        for client in clients:
            assert client.pid()
            client.finish()
    assert not daemon.has_said("lost")


# Crash and stop


def test_a_front_that_is_killed_costs_no_passed_client_and_no_count(superd):
    daemon = superd(passing(processes=2, instances=2) + ECHO)
    clients = [Client(daemon), Client(daemon)]
    pids = [client.pid() for client in clients]
    front, said = daemon.front, len(daemon.log)
    os.kill(front, signal.SIGKILL)
    daemon.wait_log("the front .* was killed .*; 0 sessions were lost", after=said)
    eventually(lambda: daemon.fronts() and daemon.front != front)
    assert [client.pid() for client in clients] == pids
    third = Client(daemon)
    assert third.waits()
    clients[0].finish()
    assert third.lines.readline().split()[0] == str(pids[0])
    clients[1].finish()
    daemon.wait_log("service 'x': ended 127", count=2)


def test_stop_lets_clients_finish(superd):
    daemon = superd("grace = 20s\n" + passing())
    client = Client(daemon)
    pid = client.pid()
    daemon.signal(signal.SIGTERM)
    daemon.notify.messages.wait("STOPPING=1")
    assert client.pid() == pid
    client.finish()
    assert daemon.process.wait(20) == 0
    eventually(lambda: not alive(pid))


def test_stop_ends_what_is_left_after_grace(superd):
    daemon = superd("grace = 300ms\n" + passing())
    client = Client(daemon)
    pid = client.pid()
    daemon.signal(signal.SIGTERM)
    assert client.lines.readline() == ""
    assert daemon.process.wait(20) == 0
    daemon.wait_log(rf"service 'x': ended 127\.0\.0\.1:\d+, pid {pid}, after")
    eventually(lambda: not alive(pid))


# Ready


def test_a_process_gets_no_client_before_it_is_ready(superd):
    daemon = superd(passing(args=["notify"], ready="notify") + ECHO)
    client = Client(daemon)
    assert client.ask("env NOTIFY_SOCKET").startswith("@")
    never = superd(passing(ready="notify", ready_timeout="500ms") + ECHO)
    waiting = Client(never)
    never.wait_log(r"service 'x': '.*' \(pid \d+\) was not ready after")
    assert waiting.waits()


# The programs that come with superd


def test_myip_tells_web_clients_their_address(superd, place):
    daemon = superd(service("web", exec=[reachable(place, BUILD / "myip")], dispatch="pass"))
    for _ in range(3):
        with daemon.connect("web") as client:
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            head, _, body = read_all(client).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.0 200 ") and body == b"127.0.0.1\n"
    daemon.wait_log("service 'web': ended 127", count=3)
    assert len(daemon.log.find("service 'web': started")) == 1


def test_chat_sends_what_one_says_to_the_others(superd, place):
    program = reachable(place, SOURCE / "chat")
    daemon = superd(service("room", exec=[program], dispatch="pass", clients_per_process=100))
    one, two = (Client(daemon, "room") for _ in range(2))
    assert one.lines.readline() == "* 1 here\n"
    assert two.lines.readline() == "* 2 here\n"
    assert one.lines.readline().endswith("comes\n")
    two.say("hello")
    assert one.lines.readline() == f"127.0.0.1:{two.socket.getsockname()[1]}: hello\n"
    two.lines.close()
    two.socket.close()
    assert one.lines.readline().endswith("goes\n")
    daemon.wait_log("service 'room': ended 127")
