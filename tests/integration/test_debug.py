"""What --debug and `debug = yes` add to the log: each decision, with its reason and its numbers."""

import pytest

from process import alive
from settings import ANY_PORT, service

UDP = "udp:127.0.0.1:0"
# For programs that do not end by themselves.
GRACE = "grace = 100ms\n"
NUMBERS = r"\(programs \d+, sessions \d+, of older fronts \d+\)"
POOL = r"ready \d+ of \d+\.\.\d+, starting \d+, ending \d+"
# Every line that is only for debugging.
DEBUG = (
    r"(admits|refuses|holds clients|looks at its clients|launch|reload|pool|clients wait|front \d+):? "
    r"|taking no more clients|finishing the last|does not look at|accepting no clients for|shortage: "
)


@pytest.fixture(params=["--debug", "debug = yes"])
def debugging(superd, request):
    """debugging(options) starts superd with the service `x` and with that kind of debugging."""

    def start(**options):
        if request.param == "--debug":
            return superd(GRACE + service("x", **options), args=["--debug"])
        return superd(GRACE + service("x", debug=True, **options))

    return start


def test_an_admitted_client_is_told_with_the_numbers(debugging):
    daemon = debugging(exec=["/bin/cat"], instances=7)
    daemon.ask("x")
    daemon.wait_log(rf"service 'x': admits 127\.0\.0\.1:\d+: 0 of 7 instances are in use {NUMBERS}$")


def test_an_admitted_datagram_is_told_with_the_numbers(debugging):
    daemon = debugging(listen=UDP, exec=["/bin/cat"], instances=7)
    with daemon.datagram("x") as client:
        client.send(b"ping")
        assert client.recv(64) == b"ping"
    daemon.wait_log(rf"service 'x': admits a datagram of 127.*: 0 of 7 instances .* {NUMBERS}$")


def test_a_client_that_is_held_is_told_with_the_numbers(debugging):
    daemon = debugging(builtin="echo", instances=1)
    with daemon.connect("x") as first:
        first.sendall(b"x")
        assert first.recv(1) == b"x"
        second = daemon.connect("x")
        daemon.wait_log(
            r"service 'x': holds clients of tcp:\S+: 1 of 1 instances are in use "
            r"\(programs 0, sessions 1, of older fronts 0\)"
        )
    daemon.wait_log("service 'x': looks at its clients again: 0 of 1 instances are in use")
    second.sendall(b"y")
    assert second.recv(1) == b"y"


def test_a_refused_client_is_told_with_the_numbers(debugging):
    daemon = debugging(exec=["/bin/cat"], instances=1, overflow="refuse")
    with daemon.connect("x"):
        daemon.wait_log("service 'x': accepted")
        assert daemon.ask("x") == b""
        daemon.wait_log(
            r"service 'x': refuses 127\.0\.0\.1:\d+: 1 of 1 instances are in use "
            r"\(programs 1, sessions 0, of older fronts 0\)"
        )


def test_no_line_names_a_client_whose_address_is_not_to_be_logged(debugging):
    daemon = debugging(exec=["/bin/cat"], log_on_success=["exit"], log_on_failure=["attempt"])
    daemon.ask("x")
    daemon.wait_log("service 'x': ended, exit status 0")
    assert daemon.log.find("service 'x': admits a client: ")
    assert not daemon.log.find(r"(admits|launch).* 127\.0\.0\.1:(?!0)")


def test_each_step_of_a_launch_is_told(debugging):
    daemon = debugging(exec=["/bin/cat"])
    daemon.ask("x")
    launch = r"service 'x': launch for 127\.0\.0\.1:\d+: "
    daemon.wait_log(r"service 'x': launch: asked for by a client of tcp:\S+$")
    daemon.wait_log(launch + "checked; programs of the service 1$")
    daemon.wait_log(launch + "queued; before it wait 0, under way 0$")
    pid = daemon.wait_log(launch + r"cloned as pid (\d+); under way 1$")[1]
    daemon.wait_log(launch + rf"executed '/bin/cat' as pid {pid} after \d+ us$")


def test_the_step_at_which_a_launch_fails_is_told(debugging, place):
    program = place / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    daemon = debugging(exec=[program])
    program.unlink()
    daemon.ask("x")
    daemon.wait_log(
        r"service 'x': launch for 127\.0\.0\.1:\d+: failed as pid \d+ after \d+ us: "
        "cannot execute: No such file or directory$"
    )


def test_a_pool_tells_how_it_grows_and_shrinks(debugging):
    options = {"dispatch": "pool", "processes": [1, 2], "idle_exit": "200ms"}
    daemon = debugging(exec=["/bin/sleep", "1000"], **options)
    daemon.wait_log("service 'x': launch of the pool: executed '/bin/sleep' as pid .* after .* us$")
    daemon.wait_log(rf"service 'x': pool: pid \d+ is ready; {POOL}$")
    with daemon.connect("x"):
        daemon.wait_log("service 'x': clients wait; asks for one process more than the 1 that are")
        daemon.wait_log(rf"service 'x': pool: starts pid \d+, because clients wait; {POOL}$")
        daemon.wait_log("service 'x': pool: .*; ready 2 of 1..2, starting 0, ending 0$")
    daemon.wait_log(rf"service 'x': pool: ends pid \d+, idle for \d+ ms; {POOL}$")


def test_a_pool_tells_its_pauses(debugging):
    daemon = debugging(exec=["/bin/false"], dispatch="pool", processes=1)
    daemon.wait_log(rf"service 'x': pool: starts nothing for \d+ ms; {POOL}$")


def test_a_pool_that_passes_tells_that_all_are_busy(debugging):
    options = {"dispatch": "pass", "processes": [1, 2]}
    daemon = debugging(exec=["/bin/sleep", "1000"], **options)
    with daemon.connect("x"):
        daemon.wait_log("service 'x': accepted")
        with daemon.connect("x"):
            daemon.wait_log("service 'x': every process has all the clients that it may have; asks")
            daemon.wait_log("service 'x': leaves clients of tcp:.* in the queue: no process has room")


def test_a_pause_of_a_waiting_program_is_told(debugging):
    daemon = debugging(listen=UDP, exec=["/bin/true"], dispatch="wait")
    with daemon.datagram("x") as client:
        client.send(b"poison")
        daemon.wait_log("service 'x': a client of udp:.* came; asks for the program")
        daemon.wait_log(r"service 'x': does not look at udp:\S+ for \d+ ms")


def five(changed):
    """Services that a reload keeps, changes, and removes or adds."""
    return (
        service("same", builtin="echo")
        + service("other", builtin="echo", instances=1 if changed else 2)
        + service("program", exec=["/bin/cat"], nice=1 if changed else 2)
        + service("moved", listen="udp:127.0.0.1:0" if changed else ANY_PORT, builtin="echo")
        + service("added" if changed else "gone", builtin="echo")
    )


def test_what_a_reload_changes_and_keeps_is_told(superd):
    daemon = superd(five(False), args=["--debug"])
    daemon.reload(five(True))
    any_port = r"tcp:127\.0\.0\.1:0"
    for line in (
        "'same': reload: kept as it was",
        f"'same': reload: {any_port}: kept open",
        "'other': reload: changed",
        f"'other': reload: {any_port}: kept open",
        "'program': reload: changed, also for its programs",
        "'moved': reload: changed",
        r"'moved': reload: udp:127\.0\.0\.1:0: opened",
        f"'moved': reload: {any_port}: closed",
        "'added': reload: new",
        f"'added': reload: {any_port}: opened",
        "'gone': reload: removed; programs that run on 0",
        f"'gone': reload: {any_port}: closed",
    ):
        daemon.wait_log(f"service {line}$")


def test_fronts_that_come_and_go_are_told(superd):
    daemon = superd(service("x", builtin="echo"), args=["--debug"])
    old = daemon.front
    daemon.wait_log(rf"front {old}: started; services 1, endpoints 1$")
    daemon.wait_log(rf"front {old}: serves, \d+ ms after its start$")
    client = daemon.connect("x")
    client.sendall(b"x")
    assert client.recv(1) == b"x"
    daemon.reload()
    daemon.wait_log(f"front {old}: told to take no more clients$")
    daemon.wait_log(rf"superd\[{old}\]: taking no more clients: another front is about to take over$")
    daemon.wait_log(f"front {old}: told to finish its clients$")
    daemon.wait_log(rf"superd\[{old}\]: finishing the last clients: sessions 1, processes .* 0$")
    daemon.wait_log(f"front {daemon.front}: started; ")
    client.close()
    daemon.wait_log(rf"front {old}: ended with status 0 after \d+ s; sessions left 0$")


def test_only_the_service_that_is_debugged_tells(superd):
    daemon = superd(five(False).replace('"same" {', '"same" { debug = yes'))
    for name in "same", "other":
        daemon.ask(name)
    daemon.reload(five(True).replace('"same" {', '"same" { debug = yes'))
    daemon.stop()
    found = daemon.log.find(rf"({DEBUG}).*$")
    assert found and all("service 'same': " in match.string for match in found), found


def test_a_reload_switches_it_and_replaces_no_process(superd):
    options = {"exec": ["/bin/sleep", "1000"], "dispatch": "pool"}
    daemon = superd(service("x", **options))
    pid = daemon.wait_log(r"service 'x': started, pid (\d+)")[1]
    daemon.reload(service("x", debug=True, **options))
    daemon.wait_log("service 'x': reload: changed$")
    daemon.wait_log("service 'x': reload: tcp:.*: kept open$")
    logged = len(daemon.log)
    daemon.reload(service("x", **options))
    assert alive(int(pid))
    daemon.stop()
    found = daemon.log.find(rf"service 'x': ({DEBUG})", logged)
    assert not found, found
    assert len(daemon.log.find("service 'x': started")) == 1


def test_nothing_of_this_is_told_unless_it_is_asked_for(superd):
    options = {"instances": 1, "overflow": "refuse"}
    daemon = superd(five(False) + service("x", exec=["/bin/cat"], **options))
    with daemon.connect("x"):
        daemon.wait_log("service 'x': accepted")
        daemon.ask("x")
    daemon.reload(five(True))
    daemon.stop()
    assert daemon.log.find("service 'x': refused")
    assert not daemon.log.find(DEBUG)
