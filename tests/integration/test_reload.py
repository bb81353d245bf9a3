"""HUP: the new settings replace the old ones as a whole or not at all."""

import os
import shutil
import signal
import socket

import pytest

from daemon import SUPERD
from process import alive, children, descriptors, eventually, listening_inodes, settled, title
from settings import ECHO, HOST, PORT, ROOT, USER, service, shell

DAYTIME = service("daytime", builtin="daytime")


def test_reload_keeps_the_open_connection(superd):
    daemon = superd(ECHO)
    with daemon.connect("echo") as client:
        client.sendall(b"before")
        assert client.recv(64) == b"before"
        daemon.reload(service("echo", builtin="echo", instances=1))
        client.sendall(b"still here?")
        assert client.recv(64) == b"still here?"


def test_reload_without_a_change_keeps_the_listener(superd):
    daemon = superd(ECHO)
    before = listening_inodes(daemon.keeper)
    daemon.reload()
    assert listening_inodes(daemon.keeper) == before != {}
    assert daemon.ask("echo", b"ping") == b"ping"


def test_reload_adds_a_service_and_leaves_the_others_alone(superd):
    daemon = superd(ECHO)
    before = listening_inodes(daemon.keeper)
    daemon.reload(ECHO + DAYTIME)
    assert len(daemon.ask("daytime")) == 26
    assert daemon.ask("echo", b"ping") == b"ping"
    assert before.items() <= listening_inodes(daemon.keeper).items()


def test_reload_removes_a_service_and_leaves_the_others_alone(superd):
    daemon = superd(ECHO + DAYTIME)
    gone, kept = daemon.address("daytime"), daemon.port("echo")
    before = listening_inodes(daemon.keeper)
    daemon.reload(ECHO)
    eventually(lambda: refuses(gone))
    assert daemon.ask("echo", b"ping") == b"ping"
    assert listening_inodes(daemon.keeper) == {kept: before[kept]}


def refuses(address):
    with socket.socket() as client:
        return client.connect_ex(address) != 0


def test_reload_changes_a_program_but_not_its_listener(superd):
    daemon = superd(service("x", exec=["/bin/echo", "old"]))
    before = listening_inodes(daemon.keeper)
    assert daemon.ask("x") == b"old\n"
    daemon.reload(service("x", exec=["/bin/echo", "new"]))
    assert daemon.ask("x") == b"new\n"
    assert listening_inodes(daemon.keeper) == before


def test_reload_of_a_datagram_service_keeps_what_is_queued(superd):
    text = service("echo", listen="udp:127.0.0.1:0", builtin="echo")
    daemon = superd(text)
    with daemon.datagram("echo") as client:
        client.send(b"before")
        assert client.recv(64) == b"before"
        daemon.stop_process(daemon.front)
        client.send(b"queued")
        daemon.continue_process(daemon.front)
        daemon.reload(text + DAYTIME)
        assert client.recv(64) == b"queued"


def test_a_client_in_the_queue_is_served_after_the_reload(superd):
    daemon = superd(service("x", exec=["/bin/cat"], instances=1))
    with daemon.connect("x") as first, daemon.connect("x") as second:
        first.sendall(b"one")
        assert first.recv(64) == b"one"
        second.sendall(b"two")
        daemon.reload(service("x", exec=["/bin/cat"], instances=2))
        assert second.recv(64) == b"two"


def test_children_count_against_instances_after_a_reload(superd):
    daemon = superd(service("x", exec=["/bin/cat"], instances=1, overflow="refuse"))
    with daemon.connect("x") as first:
        first.sendall(b"one")
        assert first.recv(64) == b"one"
        daemon.reload()
        assert daemon.ask("x") == b""
        daemon.wait_log("service 'x': refused .*: 1 of 1 instances are in use")


def test_sessions_of_an_old_front_count_against_instances(superd):
    daemon = superd(service("x", builtin="echo", instances=1, overflow="refuse"))
    with daemon.connect("x") as first:
        first.sendall(b"one")
        assert first.recv(64) == b"one"
        daemon.reload()
        assert daemon.ask("x") == b""
        daemon.wait_log("service 'x': refused .*: 1 of 1 instances are in use")
    daemon.wait_log("service 'x': ended .* 3 bytes in, 3 bytes out")
    assert eventually(lambda: daemon.ask("x", b"free again")) == b"free again"


def test_the_old_front_ends_when_its_last_client_has_gone(superd):
    daemon = superd(ECHO)
    client = daemon.connect("echo")
    client.sendall(b"x")
    assert client.recv(1) == b"x"
    old = daemon.front
    daemon.reload()
    assert set(daemon.fronts()) > {old}
    client.close()
    eventually(lambda: old not in daemon.fronts())


def test_sessions_have_as_much_time_after_a_reload_as_before(superd):
    """`grace` is for the stop. The session that has a lifetime tells when the others had theirs."""
    brief = service("brief", builtin="discard", max_lifetime="1500ms")
    daemon = superd("grace = 100ms\n" + ECHO + service("chargen", builtin="chargen") + brief)
    echo, chargen, clock = (daemon.connect(name) for name in ("echo", "chargen", "brief"))
    echo.sendall(b"before")
    assert echo.recv(64) == b"before"
    assert chargen.recv(64)
    daemon.wait_log("service 'brief': accepted")
    daemon.reload()
    daemon.wait_log(r"service 'brief': ended .*, its 1\.500 s were over$")
    assert clock.recv(64) == b""
    echo.sendall(b"after")
    assert echo.recv(64) == b"after"
    left = 32 << 20  # More than can have been on its way.
    while left > 0:
        left -= len(chargen.recv(1 << 20)) or pytest.fail("chargen has ended")
    assert not daemon.has_said("time is up")


def test_broken_reload_changes_nothing(superd):
    daemon = superd(ECHO)
    before = listening_inodes(daemon.keeper)
    daemon.reload('service "echo" {', expect="superd.conf:1: this '{' is never closed")
    daemon.wait_log("configuration not changed: '.*superd.conf' ")
    assert daemon.ask("echo", b"ping") == b"ping"
    assert listening_inodes(daemon.keeper) == before


def test_every_mistake_of_a_reload_is_in_the_log(superd):
    daemon = superd(ECHO)
    daemon.reload(
        ECHO + service("x", builtin="echo", instances="0x10") + service("y", instance=1),
        expect="service 'x': 'instances' takes a whole number of at least 1 or 'unlimited'",
    )
    daemon.wait_log(
        r"superd\.conf:\d+: unknown option 'instance' in service 'y'; "
        "did you mean 'instances'\\?"
    )


def test_very_many_mistakes_do_not_fill_the_log(superd):
    daemon = superd(ECHO)
    daemon.reload("".join(f"option{n} = 1\n" for n in range(120)), expect="20 more errors")
    assert daemon.log.text().count("unknown option") == 100


def test_a_reload_after_a_broken_one_is_applied(superd):
    daemon = superd(ECHO)
    daemon.reload("}", expect="superd.conf:1: this '}' closes nothing")
    daemon.reload(ECHO + DAYTIME)
    assert len(daemon.ask("daytime")) == 26


def test_a_reload_reads_the_included_files_again(superd, place):
    (place / "d").mkdir()
    text = 'include = {"d/*.conf"}\n'
    daemon = superd(text + ECHO)
    (place / "d/1.conf").write_text(DAYTIME)
    daemon.reload()
    assert len(daemon.ask("daytime")) == 26
    (place / "d/1.conf").write_text("service {")
    daemon.reload(expect="d/1.conf:1: ")
    assert len(daemon.ask("daytime")) == 26


def test_a_removed_service_lets_its_children_go_on(superd):
    daemon = superd(service("cat", exec=["/bin/cat"]) + ECHO)
    with daemon.connect("cat") as client:
        client.sendall(b"before")
        assert client.recv(64) == b"before"
        daemon.reload(ECHO)
        client.sendall(b"after")
        assert client.recv(64) == b"after"


@pytest.mark.parametrize("then", ["", service("loud", exec=["/bin/cat"], stderr="null")])
def test_what_a_child_of_old_settings_says_is_still_logged(superd, then):
    """Nor is the child held up by a pipe that nobody reads."""
    script = "read x; head -c 200000 /dev/zero | tr '\\0' '\\n' >&2; echo said >&2; echo over"
    daemon = superd(service("loud", exec=shell(script), stderr="log") + ECHO)
    with daemon.connect("loud") as client:
        daemon.wait_log("service 'loud': accepted")
        daemon.reload(then + ECHO)
        client.sendall(b"go\n")
        assert client.recv(64) == b"over\n"
        daemon.wait_log("service 'loud': stderr: 'said'")


def test_a_storm_of_hups_is_folded(superd):
    """A thousand of them, and superd is neither busy for long nor deaf to the last one."""
    daemon = superd(ECHO)
    said = len(daemon.notify.messages)
    for _ in range(1000):
        daemon.signal(signal.SIGHUP)
    daemon.write(ECHO + DAYTIME)
    daemon.signal(signal.SIGHUP)
    daemon.wait_log("service 'daytime': listening on", after=0)
    assert len(daemon.ask("daytime")) == 26
    daemon.wait_log("configuration loaded")
    assert len(daemon.notify.messages.find("^RELOADING=1$", said)) < 500


def test_a_front_that_is_stuck_does_not_hold_up_a_reload(superd):
    daemon = superd(ECHO)
    front = daemon.front
    daemon.stop_process(front)
    daemon.reload(
        ECHO + DAYTIME,
        expect=f"the old front (pid {front}) does not stop accepting clients; ending it",
    )
    assert len(daemon.ask("daytime")) == 26
    assert daemon.fronts() == [daemon.front] != [front]
    assert daemon.ask("echo", b"ping") == b"ping"


def test_a_front_has_nothing_of_one_that_died_as_a_reload_waited_for_it(superd):
    daemon = superd(ECHO)
    daemon.reload()
    eventually(lambda: len(daemon.fronts()) == 1)
    dead, before = daemon.front, settled(lambda: len(descriptors(daemon.front)))
    daemon.stop_process(dead)
    daemon.signal(signal.SIGHUP)
    eventually(lambda: halting(daemon))
    said = len(daemon.notify.messages)
    os.kill(dead, signal.SIGKILL)
    daemon.wait_ready(after=said)
    assert daemon.ask("echo", b"ping") == b"ping"
    assert settled(lambda: len(descriptors(daemon.front))) == before


def halting(daemon):
    logged = len(daemon.log)
    daemon.signal(signal.SIGUSR1)
    daemon.wait_log(r"front \d+: ", after=logged)
    return daemon.log.find(r"front \d+: about to stop accepting", after=logged)


def test_a_hup_during_a_reload_is_not_lost(superd):
    """It asks for what the file holds then, which the reload has read already."""
    daemon = superd(ECHO)
    front = daemon.front
    daemon.stop_process(front)  # The reload waits for it.
    daemon.write(ECHO + service("first", builtin="echo"))
    daemon.signal(signal.SIGHUP)
    daemon.wait_log("service 'first': listening on")
    daemon.write(ECHO + DAYTIME)
    daemon.signal(signal.SIGHUP)
    daemon.continue_process(front)
    assert len(daemon.ask("daytime")) == 26


def stuck_rehearsal(daemon):
    """Begins a reload whose trial of the files, in a process of its own, is stopped on the way."""
    # So many that it takes a while, and is seen before it ends.
    daemon.write(ECHO + "".join(service(f"s{n}", builtin="echo") for n in range(30000)))
    daemon.signal(signal.SIGHUP)
    name = "superd: trying the configuration"
    (rehearsal,) = eventually(
        lambda: [pid for pid in children(daemon.keeper) if title(pid) == name]
    )
    daemon.stop_process(rehearsal)
    assert not daemon.log.find("configuration loaded: 30001")
    return rehearsal


def test_a_rehearsal_that_hangs_or_dies_holds_up_nobody(superd):
    daemon = superd(ECHO)
    rehearsal = stuck_rehearsal(daemon)
    assert daemon.ask("echo", b"ping") == b"ping"
    daemon.write(ECHO + DAYTIME)
    daemon.signal(signal.SIGHUP)
    os.kill(rehearsal, signal.SIGKILL)
    daemon.wait_log(r"the process that tries the configuration was killed by signal 9 \(SIGKILL\)")
    daemon.wait_log("configuration not changed")
    assert len(daemon.ask("daytime")) == 26


def test_superd_stops_while_a_rehearsal_hangs(superd):
    daemon = superd(ECHO)
    rehearsal = stuck_rehearsal(daemon)
    assert daemon.stop() == 0
    eventually(lambda: not alive(rehearsal))


def test_an_endpoint_that_moves_to_another_service_stays_open(superd):
    """The queue of the port is what matters, and who waits in it."""
    listen = f"tcp:{HOST}:{PORT}"
    daemon = superd(service("a", listen, exec=["/bin/cat"], instances=1))
    before = listening_inodes(daemon.keeper)
    with daemon.connect("a") as first, daemon.connect("a") as second:
        first.sendall(b"a")
        assert first.recv(64) == b"a"
        daemon.reload(service("b", listen, exec=["/bin/echo", "b"]))
        assert second.recv(64) == b"b\n"
    assert listening_inodes(daemon.keeper) == before != {}


def test_an_endpoint_that_moved_is_said_to_close_by_its_last_service(superd):
    listen = f"tcp:{HOST}:{PORT}"
    daemon = superd(service("a", listen, builtin="echo"))
    daemon.reload(service("b", listen, builtin="echo"))
    daemon.reload(service("c", builtin="echo"), expect="service 'b': no longer listening on")


def test_port_base_is_not_added_to_a_free_port(superd):
    daemon = superd("port_base = 10000\n" + ECHO)
    assert daemon.port("echo") != 10000
    assert daemon.ask("echo", b"ping") == b"ping"


# Files that are no configuration: what was served is served on


def replace_by_directory(path):
    path.unlink()
    path.mkdir()


def replace_by_fifo(path):
    path.unlink()
    os.mkfifo(path)


def replace_by_device(path):
    path.unlink()
    path.symlink_to("/dev/zero")


def replace_by_large_file(path):
    with path.open("ab") as file:
        file.truncate(100 << 20)


def replace_by_large_comment(path):
    with path.open("ab") as file:
        file.write((b"# " + b"x" * 1022 + b"\n") * (100 << 10))


def add_nul(path):
    path.write_bytes(path.read_bytes() + b"\0" * 100)


def put_nul_first(path):
    path.write_bytes(b"\0" + path.read_bytes())


def dangle(path):
    path.unlink()
    path.symlink_to("/nonexistent/file")


def point_at_itself(path):
    path.unlink()
    path.symlink_to(path)


FAULTS = {
    replace_by_directory: "this is a directory, not a file",
    replace_by_fifo: "this is not a regular file",
    replace_by_device: "this is not a regular file",
    replace_by_large_file: "the file is larger than 16 MiB",
    replace_by_large_comment: "the file is larger than 16 MiB",
    add_nul: "a zero byte: this is not text",
    put_nul_first: "a zero byte: this is not text",
    dangle: "cannot open: No such file or directory",
    point_at_itself: "cannot open: Too many levels of symbolic links",
    os.unlink: "cannot open: No such file or directory",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_file_that_is_no_configuration_changes_nothing(superd, fault):
    daemon = superd(ECHO)
    before = listening_inodes(daemon.keeper)
    fault(daemon.config)
    logged = len(daemon.log)
    daemon.reload()
    daemon.wait_log(rf"superd\.conf:(\d+:)? {FAULTS[fault]}", after=logged)
    assert daemon.ask("echo", b"ping") == b"ping"
    assert listening_inodes(daemon.keeper) == before
    discard(daemon.config)
    daemon.reload(ECHO + DAYTIME)
    assert len(daemon.ask("daytime")) == 26


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("fault", [*list(FAULTS)[:-1], empty], ids=lambda fault: fault.__name__)
def test_an_included_file_that_is_no_configuration_changes_nothing(superd, place, fault):
    (place / "d").mkdir()
    included = place / "d/1.conf"
    included.write_text(DAYTIME)
    daemon = superd('include = {"d/*.conf"}\n' + ECHO)
    before = listening_inodes(daemon.keeper)
    fault(included)
    daemon.reload(expect="d/1.conf")
    assert listening_inodes(daemon.keeper) == before
    assert len(daemon.ask("daytime")) == 26


def test_a_folder_that_cannot_be_read_changes_nothing(superd, place):
    """What cannot be seen is not what has been removed."""
    become_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    (place / "d").mkdir()
    (place / "d/1.conf").write_text(DAYTIME)
    binary = shutil.copy(SUPERD, place)
    daemon = superd(
        'include = {"d/*.conf"}\n' + ECHO, wrapper=become_nobody if ROOT else [], binary=binary
    )
    (place / "d").chmod(0)
    daemon.reload(expect="superd.conf:1: cannot look for 'd/*.conf': Permission denied")
    assert len(daemon.ask("daytime")) == 26
    (place / "d").chmod(0o755)


def discard(path):
    if path.is_dir():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def test_an_unreadable_file_changes_nothing(superd, place):
    """To root every file is readable, so it becomes somebody else."""
    become_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    binary = shutil.copy(SUPERD, place)
    daemon = superd(ECHO, wrapper=become_nobody if ROOT else [], binary=binary)
    daemon.config.chmod(0)
    daemon.reload(expect="superd.conf: cannot open: Permission denied")
    assert daemon.ask("echo", b"ping") == b"ping"


def test_an_empty_file_is_no_configuration(superd):
    daemon = superd(ECHO)
    daemon.reload("")
    assert daemon.ask("echo", b"ping") == b"ping"


SWEPT = f"""# what is served here
defaults {{
    instances = 20
}}
service "one" {{
    listen = {{"tcp:127.0.0.1:0"}}
    builtin = daytime
}}
/* the second
   one */
service "two" {{
    listen = {{"tcp:127.0.0.1:0",
              "tcp:[::1]:0"}}
    exec = {{"/bin/echo", "a b"}}
    user = "{USER}"
    backlog = 10
}}
"""


def test_a_file_cut_at_any_byte_is_all_or_nothing(superd):
    daemon = superd(SWEPT)
    listeners = {*listening_inodes(daemon.keeper).values()}
    applied = set()
    for length in range(len(SWEPT)):
        daemon.reload(SWEPT[:length])
        assert len(daemon.ask("one")) == 26
        if listeners <= {*descriptors(daemon.keeper).values()}:
            assert daemon.ask("two") == b"a b\n", length
        else:
            applied.add(length)
            daemon.reload(SWEPT)
            listeners = {*listening_inodes(daemon.keeper).values()}
    assert applied == complete_without_two()


def complete_without_two():
    """Cuts behind service one that hit neither the comment nor service two."""
    end_of_one = SWEPT.index("}\n/*") + 1
    end_of_comment = SWEPT.index("*/") + 2
    return {
        *range(end_of_one, SWEPT.index("/*") + 1),
        *range(end_of_comment, SWEPT.index('service "two"') + 1),
    }
