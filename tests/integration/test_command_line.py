"""What superd says and how it exits when it is called by hand."""

import errno
import os
import pathlib
import platform
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading

import pytest

from daemon import PATIENCE, SUPERD
from process import SANITIZED, children, content, eventually, status
from settings import ECHO, ROOT, USER, for_root, service
from shipped import reachable

TOP = pathlib.Path(__file__).parents[2]
GOLDEN = pathlib.Path(__file__).parent / "golden"
USAGE = 64
UNAVAILABLE = 69
OS_ERROR = 71
NO_PRIVILEGES = 77
CONFIG = 78


@pytest.fixture
def run(place):
    """run(text, *arguments) calls superd with that configuration and waits until it returns."""
    conf = place / "superd.conf"

    def run(text, *arguments, **how):
        conf.write_text(text if "user" in how else for_root(text))
        return call("-c", str(conf), *arguments, **how)

    return run


def call(*arguments, binary=SUPERD, **how):
    return subprocess.run(
        [binary, *arguments], capture_output=True, text=True, timeout=PATIENCE, **how
    )


@pytest.mark.parametrize("flag", ["-t", "--check"])
def test_check_counts_what_a_good_file_has(run, place, flag):
    done = run(ECHO + service("two", listen=["tcp:1234", "udp:1234"], builtin="time"), flag)
    assert done.returncode == 0
    assert done.stdout == f"{place}/superd.conf: ok: 2 services, 3 listeners\n"


def test_check_prints_every_mistake(run, place):
    done = run(
        service("x", builtin="echo", instances="0x10") + service("y", builtin="cat"), "--check"
    )
    assert done.returncode == CONFIG and done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) >= 2
    assert all(re.match(rf"{place}/superd\.conf:\d+: ", line) for line in lines)


def test_check_opens_nothing(run, place):
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        text = service(
            "x", listen=[f"tcp:127.0.0.1:{port}", f"unix:{place}/x.sock"], builtin="echo"
        )
        assert run(text, "--check").returncode == 0
    assert not (place / "x.sock").exists()


@pytest.mark.parametrize(
    "first, second",
    [
        ("tcp:13", "tcp:daytime"),
        ("tcp:13", "tcp:0.0.0.0:13"),
        ("tcp:13", "tcp:[::]:13"),
        ("tcp:8000-8009", "tcp:8005"),
        ("tcp:127.0.0.1:13", "tcp:localhost:13"),
        ("unix:/run/x.sock", "unix:/run/./x.sock"),
        ("unix:/run/x.sock", "unix-dgram:/run/x.sock"),
        ("unix:/run/x.sock", "unix:/run/../run/x.sock"),
        ("unix:@x", "unix:@x"),
    ],
)
def test_check_finds_an_endpoint_that_is_used_twice(run, first, second):
    done = run(
        service("one", listen=first, builtin="echo")
        + service("two", listen=second, builtin="echo"),
        "--check",
    )
    assert done.returncode == CONFIG
    assert "'one'" in done.stderr and "'two'" in done.stderr
    assert len(re.findall(r"superd\.conf:\d+", done.stderr)) >= 2, done.stderr


@pytest.mark.parametrize(
    "first, second",
    [
        ("tcp:13", "udp:13"),
        ("tcp4:13", "tcp6:13"),
        ("tcp:127.0.0.1:13", "tcp:127.0.0.2:13"),
        ("unix:@x", "unix-dgram:@x"),
    ],
)
def test_check_knows_endpoints_that_only_look_alike(run, first, second):
    done = run(
        service("one", listen=first, builtin="echo")
        + service("two", listen=second, builtin="echo"),
        "--check",
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not ROOT, reason="an ordinary user's programs run as that user")
def test_nobody_becomes_root_by_omission(run):
    done = run('service "x" { listen = {"tcp:127.0.0.1:0"} exec = {"/bin/cat"} }\n', "--check")
    assert done.returncode == CONFIG
    assert "service 'x'" in done.stderr and "'user'" in done.stderr


NOBODY = {"user": 65534, "group": 65534, "extra_groups": []}


@pytest.mark.skipif(not ROOT, reason="needs root to become nobody")
@pytest.mark.parametrize("option", ['user = "root"', 'chroot = "/usr"', "nice = -5"])
def test_an_ordinary_user_is_told_what_needs_root(place, option):
    """A check may be for root, and warns. A start would not do what the file says."""
    conf = place / "superd.conf"
    conf.write_text(
        'service "x" { listen = {"tcp:127.0.0.1:0"} exec = {"/bin/cat"} %s }\n' % option
    )
    binary = shutil.copy(SUPERD, place)
    for flag, status in (("-t", 0), ("-f", CONFIG)):
        done = call(flag, "-c", str(conf), binary=binary, **NOBODY)
        assert done.returncode == status
        assert "root" in done.stderr and option.split()[0] in done.stderr
        assert ("warning: " in done.stderr) == (flag == "-t")


@pytest.mark.skipif(not ROOT, reason="needs root to become nobody")
def test_an_ordinary_user_can_try_what_is_for_root(superd, place):
    """The program then runs as who tries it."""
    binary = shutil.copy(SUPERD, place)
    place.chmod(0o777)
    daemon = superd(
        service("who", exec=["/usr/bin/id", "-u"], user="root", group="root", nice=-5),
        wrapper=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--", binary],
        binary="-d",
        args=["--port-base", "1"],
    )
    assert daemon.ask("who", b"") == b"65534\n"
    daemon.wait_log("warning: service 'who': 'user' needs root")
    assert not daemon.has_said("never") and len(daemon.log.find("warning: ")) == 3


def test_ten_thousand_services_are_checked(run):
    text = "".join(
        service(f"service-{n}", listen=f"tcp:127.0.0.1:{1 + n}", builtin="echo")
        for n in range(10_000)
    )
    before = processor_seconds()
    done = run(text, "--check")
    assert done.returncode == 0
    assert "10000 services, 10000 listeners" in done.stdout
    assert processor_seconds() - before < (3 if SANITIZED else 1)


def processor_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["INT", "TERM"])
@pytest.mark.parametrize("flag", ["--check", "--foreground"])
def test_loading_can_be_interrupted(place, flag, number):
    conf = place / "superd.conf"
    slow = "".join(
        service(f"x{n}", listen=f"tcp:127.0.1.{n}:1-65535", builtin="echo") for n in range(1, 9)
    )
    conf.write_text(for_root(slow))
    with subprocess.Popen([SUPERD, flag, "-c", conf], stderr=subprocess.PIPE) as loading:
        eventually(lambda: children(loading.pid))
        loading.send_signal(number)
        assert loading.wait(PATIENCE) == -number


def test_a_link_is_the_file_it_points_to_and_stays_a_link(place):
    """What a relative include means does not depend on how the file was named."""
    (place / "elsewhere").mkdir()
    (place / "elsewhere/superd.conf").write_text(for_root('include = {"more.conf"}\n'))
    (place / "link.conf").symlink_to("elsewhere/superd.conf")
    (place / "more.conf").write_text(ECHO)
    for name in ("link.conf", "./link.conf", str(place / "link.conf")):
        done = call("-t", "-c", name, cwd=place)
        assert done.stdout == f"{place}/link.conf: ok: 1 service, 1 listener\n", done.stderr


@pytest.mark.parametrize("flag", ["-V", "--version"])
def test_version(flag):
    done = call(flag)
    assert done.returncode == 0 and re.match(r"superd \d+\.\d+", done.stdout)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="other machines have other calls")
def test_what_the_front_may_do_is_printed():
    """The table that makes the filter. What is added to the list is read twice."""
    done = call("--describe-front")
    assert done.returncode == 0
    if "built without libseccomp" in done.stdout:
        pytest.skip("without libseccomp it is not known which calls the machine has")
    text = re.sub(r"^In this build .*\n\n", "", done.stdout)
    assert text == (GOLDEN / "describe-front.txt").read_text()


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_names_every_option(flag):
    done = call(flag)
    assert done.returncode == 0
    options = "config foreground check port-base pid-file debug list explain reload stop"
    for option in (*options.split(), "version", "help"):
        assert f"--{option}" in done.stdout


@pytest.mark.parametrize(
    "arguments", [["--nonsense"], ["--explain"], ["-p"], ["-p", "x"], ["-p", "-1"], ["-p", "65536"], ["surplus"]]
)
def test_a_wrong_call_is_a_usage_error(arguments):
    done = call(*arguments)
    assert done.returncode == USAGE and done.stderr


@pytest.mark.parametrize("name", ["missing.conf", "."])
def test_a_file_that_cannot_be_read_is_named(place, name):
    done = call("-f", "-c", str(place / name))
    assert done.returncode == CONFIG
    assert f"{place / name}: " in done.stderr and not re.search(r":\d+:", done.stderr)


def test_an_address_that_needs_privileges_ends_the_start_with_77(run, place):
    closed = place / "closed"
    closed.mkdir(mode=0o555)
    paths = [f"unix:{closed}/{name}.sock" for name in "xyz"]
    text = service("x", listen=paths[:2], builtin="echo") + service(
        "z", listen=[f"unix:{place}/file", paths[2]], builtin="echo"
    )
    (place / "file").touch()
    how = {"user": 65534, "group": 65534} if ROOT else {}
    done = run(text, "--foreground", binary=shutil.copy(SUPERD, place), **how)
    assert done.returncode == NO_PRIVILEGES
    # Every one is named, also one that would be tried again if superd served.
    for path in paths:
        assert re.search(f"cannot listen on {path}.*: Permission denied$", done.stderr, re.M)
    assert f"cannot listen on unix:{place}/file: File exists\n" in done.stderr
    assert f"service 'x': cannot listen on unix:{closed}/x.sock (" in done.stderr
    assert "need root): Permission denied" in done.stderr


def test_what_is_no_file_is_not_even_opened(place):
    """To open a tape rewinds it, to open a watchdog starts it; a FIFO tells who opened it."""
    fifo = place / "fifo"
    os.mkfifo(fifo)
    writer = threading.Thread(target=lambda: os.close(os.open(fifo, os.O_WRONLY)))
    writer.start()
    try:
        done = call("-t", "-c", str(fifo))
        assert done.returncode == CONFIG and "this is not a regular file" in done.stderr
        assert writer.is_alive()
    finally:
        os.close(os.open(fifo, os.O_RDONLY | os.O_NONBLOCK))
        writer.join()


def test_a_mistake_ends_the_start_with_78(run):
    done = run("service {", "--foreground")
    assert done.returncode == CONFIG and "superd.conf:1: " in done.stderr


@pytest.fixture
def background(place):
    """Ends what went to the background: its port is known, and so is the process that holds it."""
    yield own_daemons
    for pid in own_daemons():
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)


def own_daemons():
    """By what they were started as: from another mount namespace a file may have no name."""
    return [pid for pid in children(os.getpid()) if started_as(pid) in (SUPERD, "superd: keeper")]


def started_as(pid):
    with open(f"/proc/{pid}/cmdline") as file:
        return file.read().split("\0")[0]


def test_the_background_is_entered_only_once_it_serves(run, place, background):
    log, path = place / "log", place / "x.sock"
    done = run(f'log = "{log}"\n' + service("echo", listen=f"unix:{path}", builtin="echo"))
    assert done.returncode == 0, done.stderr
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(b"ping")
        assert client.recv(64) == b"ping"
    (keeper,) = background()
    assert os.getsid(keeper) != os.getsid(0)
    assert os.readlink(f"/proc/{keeper}/cwd") == "/"
    os.kill(keeper, signal.SIGTERM)
    assert os.waitstatus_to_exitcode(os.waitpid(keeper, 0)[1]) == 0


def test_the_pid_file_is_there_when_the_command_returns(run, place, background):
    path = place / "superd.pid"
    text = f'log = "{place}/log"\npid_file = "{path}"\n'
    assert run(text + service("echo", builtin="echo")).returncode == 0
    pid = int(path.read_text())
    assert [pid] == background()
    os.kill(pid, signal.SIGTERM)
    os.waitpid(pid, 0)
    assert not path.exists()


def test_a_program_of_the_background_has_its_environment(run, place, background):
    """Though its values are in no other process that superd forks."""
    log, path = place / "log", place / "x.sock"
    text = service("env", listen=f"unix:{path}", exec=["/usr/bin/env"], env=["PASSWORD=12345"])
    assert run(f'log = "{log}"\n' + text).returncode == 0
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        assert "PASSWORD=12345\n" in client.makefile().read()


def reading_end(fifo):
    """Of a FIFO that somebody reads, or waits to read. None: nobody does."""
    try:
        return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        assert error.errno == errno.ENXIO
        return None


def test_who_stops_superd_before_it_serves_has_not_started_it(place, background):
    """The start waits in the background as long as its time zone is being read."""
    log, conf, zone = place / "log", place / "superd.conf", place / "zone"
    conf.write_text(for_root(f'log = "{log}"\n' + ECHO))
    os.mkfifo(zone)
    with subprocess.Popen(
        [SUPERD, "-c", str(conf)],
        env={**os.environ, "TZ": f":{zone}"},
        stderr=subprocess.DEVNULL,
    ) as starter:
        held = eventually(lambda: reading_end(zone), PATIENCE)
        keeper = next(pid for pid in children(starter.pid) if os.getsid(pid) == pid)
        os.kill(keeper, signal.SIGTERM)
        zone.unlink()  # whoever comes next does not wait
        os.close(held)
        assert starter.wait(PATIENCE) == OS_ERROR
    eventually(lambda: "terminated: stopping" in content(log))
    assert background() == []


def test_a_reload_finds_a_file_that_was_named_from_where_superd_started(place, background):
    log, conf = place / "log", place / "superd.conf"
    text = f'log = "{log}"\n' + service("x", listen=f"unix:{place}/x.sock", builtin="echo")
    text = for_root(text)
    conf.write_text(text)
    assert call("-c", conf.name, cwd=place).returncode == 0
    conf.write_text(text + service("new", listen=f"unix:{place}/new.sock", builtin="echo"))
    os.kill(background()[0], signal.SIGHUP)
    eventually((place / "new.sock").exists)


def test_the_background_is_not_entered_with_a_mistake(run, background):
    done = run("service {")
    assert done.returncode == CONFIG and "superd.conf:1: " in done.stderr
    assert background() == []


def test_the_terminal_sees_what_goes_wrong_on_the_way_to_the_background(run, place, background):
    """As well as the log, and no longer than that."""
    log = place / "log"
    with socket.create_server(("127.0.0.1", 0)) as busy:
        text = service("x", listen=f"tcp:127.0.0.1:{busy.getsockname()[1]}", builtin="echo")
        other = service("y", listen=f"unix:{place}/y.sock", builtin="echo")
        done = run(f'log = "{log}"\n' + text + other)
        assert done.returncode == 0
        assert re.search("^service 'x': cannot listen on .* in use.*; trying", done.stderr, re.M)
        assert "configuration loaded" not in done.stderr
    eventually(lambda: "2 services; 1 of 2 listeners are open" in content(log))
    assert "service 'x': cannot listen on " in content(log)


def test_the_foreground_shows_why_nothing_starts_though_a_file_is_the_log(run, place):
    log = place / "log"
    with socket.create_server(("127.0.0.1", 0)) as busy:
        text = service("x", listen=f"tcp:127.0.0.1:{busy.getsockname()[1]}", builtin="echo")
        done = run(f'log = "{log}"\n' + text, "-f")
    assert done.returncode == OS_ERROR
    assert re.search("^service 'x': cannot listen on .* in use", done.stderr, re.M)
    assert "not started: its listener cannot be opened\n" in done.stderr


@pytest.mark.parametrize("mode", ["background", "foreground"])
def test_a_second_superd_does_not_start_and_says_who_has_the_ports(
    run, superd, place, mode
):
    kinds = ("tcp", "udp", "unix")
    names = {kind: f"unix:@{place}/x" if kind == "unix" else f"{kind}:127.0.0.1:0" for kind in kinds}
    first = superd("".join(service(k, listen=e, builtin="echo") for k, e in names.items()))
    for kind in ("tcp", "udp"):
        names[kind] = f"{kind}:127.0.0.1:{first.port(kind, kind)}"
    text = "".join(service(kind, listen=endpoint, builtin="echo") for kind, endpoint in names.items())
    lines = [
        f"service '{kind}': cannot listen on {endpoint}: Address already in use "
        f"by 'superd' (process {first.keeper})\n"
        for kind, endpoint in names.items()
    ]

    def names_all():
        """The search has little time, which a busy machine may need for other things."""
        done = run(text, *(["-f"] if mode == "foreground" else []))
        assert done.returncode == OS_ERROR
        return all(line in done.stderr for line in lines) and done

    done = eventually(names_all)
    assert "not started: none of 3 listeners can be opened\n" in done.stderr
    assert "trying again" not in done.stderr
    assert own_daemons() == [first.keeper]
    assert first.ask("tcp", b"ping") == b"ping"


def test_the_name_of_who_has_a_port_cannot_forge_a_line(run, place):
    """It is chosen by whoever runs the program."""
    script = """import os, socket, sys
with open("/proc/self/comm", "wb") as comm:
    comm.write(b"a\\nb\\x1b\\xff")
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
sys.stdin.read()
"""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", script], **pipes) as other:
        port = int(other.stdout.readline())
        done = run(service("x", listen=f"tcp:127.0.0.1:{port}", builtin="echo"), "-f")
        other.stdin.close()
    assert done.returncode == OS_ERROR
    assert rf" in use by 'a\x0ab\x1b\xff' (process {other.pid})" in done.stderr
    assert "not started: its listener cannot be opened\n" in done.stderr


def test_a_configuration_without_services_starts(run, background):
    assert run('service "x" { enabled = no  listen = {"tcp:0"}  builtin = echo }').returncode == 0
    assert len(background()) == 1



WITHOUT_A_LOG = """
mount -t tmpfs none /run
[ ! -e /dev/log ] || mount --bind /dev/null /dev/log
exec "$@"
"""


@pytest.mark.skipif(not ROOT, reason="needs root to hide the journal and syslog")
def test_the_background_needs_neither_a_journal_nor_syslog(place, background):
    conf, path = place / "superd.conf", place / "x.sock"
    conf.write_text(for_root(service("echo", listen=f"unix:{path}", builtin="echo")))
    done = call(
        "--mount", "sh", "-c", WITHOUT_A_LOG, "sh", SUPERD, "-c", str(conf), binary="unshare"
    )
    assert done.returncode == 0, done.stderr
    assert "neither a journal nor syslog" in done.stderr
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(b"ping")
        assert client.recv(64) == b"ping"


def test_the_background_is_not_entered_without_a_log(run, background):
    done = run('log = "/nonexistent/directory/log"\n' + ECHO)
    assert done.returncode in (OS_ERROR, CONFIG) and "/nonexistent/directory/log" in done.stderr
    assert background() == []


def test_a_list_has_every_service_as_it_is_written(run):
    text = (
        service("echo", listen=["tcp:localhost:echo", "udp:7"], builtin="echo")
        + service("off", listen="tcp:7777", exec=["/no/such"], dispatch="wait", enabled=False)
        + service("on", listen="unix:/run/x.sock", exec=["/bin/cat", "-u"])
    )
    done = run(for_root(text), "--list")
    assert done.returncode == 0, done.stderr
    assert [line.split("  ") for line in re.sub("  +", "  ", done.stdout).splitlines()] == [
        ["SERVICE", "ENABLED", "ANSWERS", "LISTEN"],
        ["echo", "yes", "built-in echo", "tcp:localhost:echo udp:7"],
        ["off", "no", f"/no/such (wait as {USER})", "tcp:7777"],
        ["on", "yes", f"/bin/cat (spawn as {USER})", "unix:/run/x.sock"],
    ]


def test_every_option_is_explained():
    schema = (TOP / "src/config/schema.c").read_text()
    options = re.findall(r'\[OPTION_\w+\] = \{\s*"([a-z0-9_]+)"', schema)
    assert len(options) > 50
    for option in options:
        done = call("--explain", option)
        assert done.returncode == 0 and done.stdout.startswith(f"{option} = "), done.stderr
        heading, _, text = done.stdout.partition("\n\n")
        assert len(text) > 20 and not re.search(r"^\.|\\|\b(Ic|Ar|Cm|Ns)\b", text, re.M), text
        assert all(len(line) <= 80 for line in done.stdout.splitlines())


@pytest.mark.parametrize(
    "word, said",
    [("per_source", "superd has no limit for one address"), ("lisen", "'listen'?"), ("xyzzy", "conf(5)")],
)
def test_what_is_no_option_is_answered(word, said):
    done = call("--explain", word)
    assert done.returncode == USAGE and said in done.stderr and word in done.stderr


def test_superd_is_reloaded_and_stopped_by_its_pid_file(superd, place):
    text = f'pid_file = "{place}/superd.pid"\n' + ECHO
    daemon = superd(text)
    daemon.write(text + service("new", builtin="daytime"))
    conf = ["-c", str(daemon.config)]
    assert call("--reload", *conf).returncode == 0
    assert len(daemon.ask("new")) == 26
    daemon.write("service {")
    for options in ([], ["-P", str(place / "superd.pid")]):
        broken = call("--reload", *conf, *options)
        assert broken.returncode == CONFIG and "superd.conf:1: " in broken.stderr
        assert "not reloaded" in broken.stderr and "--pid-file" not in broken.stderr
    assert "--pid-file" in call("--stop", *conf).stderr
    assert call("--stop", *conf, "-P", str(place / "superd.pid")).returncode == 0
    assert daemon.process.wait(0) == 0


def test_a_reload_that_fails_after_the_check_is_told(superd, place):
    daemon = superd(ECHO)
    daemon.write(f'pid_file = "{place}/folder/superd.pid"\n' + ECHO)
    done = call(f"--reload={daemon.keeper}", "-c", str(daemon.config))
    assert done.returncode == OS_ERROR and "superd: not reloaded: " in done.stderr
    daemon.wait_log("cannot write the pid file")
    daemon.write(ECHO)
    assert call(f"--reload={daemon.keeper}", "-c", str(daemon.config)).returncode == 0


def test_who_asks_for_a_reload_during_another_is_told_of_its_own(superd):
    """The first one waits for the end of a front that does not stop accepting."""
    daemon = superd(ECHO)
    front = daemon.front
    ask = [SUPERD, f"--reload={daemon.keeper}", "-c", str(daemon.config)]
    daemon.stop_process(front)
    first = subprocess.Popen(ask)
    daemon.wait_log("loading ")
    second = subprocess.Popen(ask)
    assert first.wait(PATIENCE) == 0
    assert front not in daemon.fronts()
    assert second.wait(PATIENCE) == 0
    daemon.wait_log("configuration loaded", count=3)


def test_all_who_ask_for_a_reload_at_once_are_told(superd):
    """The kernel keeps one SIGHUP until superd reads it, with one sender."""
    daemon = superd(ECHO)
    daemon.stop_process(daemon.keeper)
    ask = [SUPERD, f"--reload={daemon.keeper}", "-c", str(daemon.config)]
    asking = [subprocess.Popen(ask) for _ in range(4)]
    for process in asking:
        eventually(lambda: waits_for_answer(process.pid))
    eventually(lambda: pending(daemon.keeper) & 1 << signal.SIGHUP - 1)
    daemon.continue_process(daemon.keeper)
    assert [process.wait(PATIENCE) for process in asking] == [0] * 4


def test_who_waits_for_a_superd_that_ends_is_told(superd):
    daemon = superd(ECHO)
    daemon.stop_process(daemon.keeper)
    ask = [SUPERD, f"--reload={daemon.keeper}", "-c", str(daemon.config)]
    with subprocess.Popen(ask, stderr=subprocess.PIPE, text=True) as asking:
        eventually(lambda: pending(daemon.keeper) & 1 << signal.SIGHUP - 1)
        daemon.kill()
        assert "it is not known what became of the reload" in asking.communicate()[1]
        assert asking.returncode == UNAVAILABLE


def waits_for_answer(pid):
    found = status(pid)
    return found["State"].startswith("S") and int(found["SigBlk"], 16) & 1 << signal.SIGURG - 1


def pending(pid):
    return int(status(pid)["ShdPnd"], 16)


@pytest.mark.parametrize("number", ["", "1", "-5", "x", "99999999999"])
def test_a_reload_takes_a_process_id(number):
    done = call(f"--reload={number}")
    assert done.returncode == USAGE and "takes a process id" in done.stderr


def test_a_reload_of_nobody_is_told(run):
    done = run(for_root(ECHO), "--reload=2147483647")
    assert done.returncode == UNAVAILABLE and "no process has the id 2147483647" in done.stderr


@pytest.mark.skipif(not ROOT, reason="needs root, for a superd of somebody else")
def test_only_root_stops_the_superd_of_root(superd, place):
    pid_file = place / "superd.pid"
    daemon = superd(f'pid_file = "{pid_file}"\n' + ECHO)
    place.chmod(0o755)
    program = reachable(place, pathlib.Path(SUPERD))
    done = call("--stop", "-P", str(pid_file), binary=program, **NOBODY)
    assert done.returncode == NO_PRIVILEGES and "try it as root" in done.stderr
    assert daemon.ask("echo", b"ping") == b"ping"


@pytest.mark.parametrize("action", ["--reload", "--stop"])
def test_who_is_not_there_is_not_told(run, place, action):
    path = place / "superd.pid"
    done = run(for_root(ECHO), action)
    assert done.returncode == CONFIG and "'pid_file' is not set" in done.stderr
    done = run(for_root(ECHO), action, "-P", str(path))
    assert done.returncode == UNAVAILABLE and "cannot read the pid file" in done.stderr
    path.write_text(f"{os.getpid()}\n")
    done = run(for_root(ECHO), action, "-P", str(path))
    assert done.returncode == UNAVAILABLE and "no superd runs" in done.stderr
