"""How each server is started for a case, with its limits and its log off."""

import os
import pwd
import random
import signal
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

READY_SECONDS = 5
STOP_SECONDS = 5

# What a program inherits costs time at its start: the same little for everybody.
ENVIRONMENT = {"PATH": os.defpath}

# Of starts a minute. openbsd-inetd takes 0 for its default.
UNLIMITED_RATE = "1000000000"

# Built-ins of the inetds are named after their port, so they get an address of their own.
NAMED_HOST = "127.77.77.7"
NAMED_PORTS = {"echo": 7, "daytime": 13, "chargen": 19}


class NotStarted(Exception):
    pass


@dataclass
class Command:
    argv: list
    port: int
    host: str = "127.0.0.1"
    env: dict = field(default_factory=lambda: ENVIRONMENT)
    pid_file: str = ""
    pid: int = 0


@dataclass
class Tools:
    build: str
    superd: str
    peers: dict
    folder: str

    def path(self, name):
        return os.path.join(self.build, name)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path


def user_name():
    return pwd.getpwuid(os.geteuid()).pw_name


def free_port():
    """A port above those that the kernel gives to clients."""
    while True:
        port = random.randrange(61000, 65500)
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            try:
                tcp.bind(("127.0.0.1", port))
                udp.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def bare(case, tools):
    port = free_port()
    program = [tools.path(case.program)] if case.program else []
    return Command([tools.path("bare"), case.bare, str(port), *program], port)


def superd(case, tools):
    port = free_port()
    root = os.geteuid() == 0
    front = 'front_user = "nobody"' if root else ""
    user = 'user = "root"' if root else ""
    program = f'exec = {{"{tools.path(case.program)}"}} {user}'
    what = f"builtin = {case.builtin}" if case.builtin else program
    path = tools.write(
        "superd.conf",
        f"""log = stderr
{front}
service "bench" {{
    listen = {{"{case.protocol}:127.0.0.1:{port}"}}
    {what}
    log_on_success = {{"none"}}
    log_on_failure = {{"none"}}
}}
""",
    )
    return Command([tools.superd, "-f", "-c", path], port)


def xinetd(case, tools):
    peer = tools.peers["xinetd"]
    port = free_port()
    datagram = case.protocol == "udp"
    path = tools.write(
        "xinetd.conf",
        f"""service {case.builtin or "bench"}
{{
    type = {"INTERNAL UNLISTED" if case.builtin else "UNLISTED"}
    {"" if case.builtin else "server = " + tools.path(case.program)}
    socket_type = {"dgram" if datagram else "stream"}
    protocol = {case.protocol}
    wait = {"yes" if datagram else "no"}
    user = {user_name()}
    bind = 127.0.0.1
    port = {port}
    flags = NOLIBWRAP
    instances = UNLIMITED
    per_source = UNLIMITED
    cps = 100000000 1
    log_type = FILE /dev/null
    log_on_success =
    log_on_failure =
}}
""",
    )
    pid_file = os.path.join(tools.folder, "xinetd.pid")
    argv = [peer.program, "-dontfork", "-f", path, "-pidfile", pid_file]
    return Command(argv, port, env={**ENVIRONMENT, **peer.env})


def inetd_line(case, tools):
    """Returns the classic entry with the host and port that it serves."""
    if not case.builtin:
        port = free_port()
        program = f"{tools.path(case.program)} {case.program}"
        return f"127.0.0.1:{port} stream tcp nowait {user_name()} {program}\n", "127.0.0.1", port

    if os.geteuid() != 0:
        raise NotStarted("its built-ins have ports that need root")
    kind = "dgram udp wait" if case.protocol == "udp" else "stream tcp nowait"
    line = f"{NAMED_HOST}:{case.builtin} {kind} root internal\n"
    return line, NAMED_HOST, NAMED_PORTS[case.builtin]


def openbsd_inetd(case, tools):
    peer = tools.peers["openbsd-inetd"]
    line, host, port = inetd_line(case, tools)
    path = tools.write("openbsd-inetd.conf", line)
    argv = [peer.program, "-i", "-R", UNLIMITED_RATE, "-q", "4096", path]
    return Command(argv, port, host, env={**ENVIRONMENT, **peer.env})


def inetutils_inetd(case, tools):
    peer = tools.peers["inetutils-inetd"]
    line, host, port = inetd_line(case, tools)
    path = tools.write("inetutils-inetd.conf", line)
    pid_file = os.path.join(tools.folder, "inetutils-inetd.pid")
    argv = [peer.program, "-R", UNLIMITED_RATE, f"--pidfile={pid_file}", path]
    return Command(argv, port, host, env={**ENVIRONMENT, **peer.env}, pid_file=pid_file)


def tcpserver(case, tools):
    peer = tools.peers["tcpserver"]
    port = free_port()
    limits = ["-c", "1000", "-b", "4096"]
    quiet = ["-q", "-H", "-R", "-l", "0"]
    address = ["127.0.0.1", str(port)]
    argv = [peer.program, *quiet, *limits, *address, tools.path(case.program)]
    return Command(argv, port, env={**ENVIRONMENT, **peer.env})


COMMANDS = {
    "bare": bare,
    "superd": superd,
    "xinetd": xinetd,
    "openbsd-inetd": openbsd_inetd,
    "inetutils-inetd": inetutils_inetd,
    "tcpserver": tcpserver,
}


def socket_kind(protocol):
    return socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM


def answers(command, protocol):
    kind = socket_kind(protocol)
    with socket.socket(type=kind) as client:
        client.settimeout(0.1)
        try:
            client.connect((command.host, command.port))
            if protocol == "udp":
                client.send(b"ready?")
                client.recv(64)
            return True
        except OSError:
            return False


def is_ready(command, protocol):
    known = not command.pid_file or daemon_pid(command.pid_file)
    return known and answers(command, protocol)


def wait_until_ready(command, protocol, process):
    end = time.monotonic() + READY_SECONDS
    while not is_ready(command, protocol):
        if process.poll() not in (None, 0):
            raise NotStarted(f"ended with status {process.returncode}")
        if time.monotonic() > end:
            raise NotStarted(f"does not answer on {command.host}:{command.port}")
        time.sleep(0.02)


def end_process(process):
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def daemon_pid(pid_file):
    """For a server that cannot stay in the foreground. Returns None without one."""
    try:
        with open(pid_file, encoding="utf-8") as file:
            return int(file.read())
    except (FileNotFoundError, ValueError):
        return None


def end_daemon(pid_file):
    pid = daemon_pid(pid_file)
    if not pid:
        return

    os.unlink(pid_file)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + STOP_SECONDS
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < end:
        time.sleep(0.01)


def wait_until_free(command, kind):
    """Children that still serve may hold the listener of a server that has gone."""
    end = time.monotonic() + STOP_SECONDS
    while time.monotonic() < end:
        with socket.socket(type=kind) as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                other.bind((command.host, command.port))
                return
            except OSError:
                time.sleep(0.02)


def last_words(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = file.read().strip().splitlines()
    return f": {lines[-1]}" if lines else ""


@contextmanager
def running(name, case, tools):
    """The server answers inside and is gone afterwards."""
    command = COMMANDS[name](case, tools)
    log_path = os.path.join(tools.folder, "log")
    with open(log_path, "wb") as log:
        process = subprocess.Popen(
            command.argv,
            env=command.env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait_until_ready(command, case.protocol, process)
        command.pid = daemon_pid(command.pid_file) or process.pid
        yield command
    except NotStarted as error:
        raise NotStarted(f"{error}{last_words(log_path)}") from error
    finally:
        end_process(process)
        end_daemon(command.pid_file)
        wait_until_free(command, socket_kind(case.protocol))
