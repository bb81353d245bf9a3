"""The servers that are measured: how each is made for a case, started and ended."""

import os
import signal
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager, suppress
from functools import partial

import inetds
import superds
import systemds
from notify import notify_socket
from tools import Command, NotStarted, free_port, socket_kind

READY_SECONDS = 10
STOP_SECONDS = 5


def bare(mode, case, tools):
    port = free_port()
    argv = [tools.path("bare"), mode or case.bare, str(port)]
    if mode == "alone":
        argv += [tools.path(case.loop), str(case.processes)]
    elif case.program:
        argv.append(tools.path(case.program))
    return Command(argv, port, protocol=case.protocol)


def superd(variant):
    return partial(superds.for_case, variant=variant)


COMMANDS = {
    "bare": partial(bare, ""),
    "alone": partial(bare, "alone"),
    "fork": partial(bare, "fork"),
    **{name: superd(variant) for name, variant in superds.VARIANTS.items()},
    "xinetd": inetds.xinetd,
    "openbsd-inetd": inetds.openbsd_inetd,
    "inetutils-inetd": inetds.inetutils_inetd,
    "xinetd-to-file": partial(inetds.xinetd, target="file"),
    "xinetd-to-syslog": partial(inetds.xinetd, target="syslog"),
    "tcpserver": inetds.tcpserver,
    "tcpserver-to-file": partial(inetds.tcpserver, target="file"),
    "systemd": partial(systemds.systemd, log_level="warning"),
    "systemd-to-journal": partial(systemds.systemd, log_level="info", target="journal"),
}


def answers(command):
    with socket.socket(type=socket_kind(command.protocol)) as client:
        client.settimeout(0.1)
        try:
            client.connect((command.host, command.port))
            if command.protocol == "udp":
                client.send(b"ready?")
                client.recv(64)
            return True
        except OSError:
            return False


def wait_until_answered(command, process):
    end = time.monotonic() + READY_SECONDS
    while not (not command.pid_file or daemon_pid(command.pid_file)) or not answers(command):
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


def wait_until_free(command):
    """Children that still serve may hold the listener of a server that has gone."""
    end = time.monotonic() + STOP_SECONDS
    while time.monotonic() < end:
        with socket.socket(type=socket_kind(command.protocol)) as other:
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


class Running:
    """A server that answers. @notify is there for those that notify."""

    def __init__(self, command, process, notify, ready_seconds):
        self.command = command
        self.process = process
        self.notify = notify
        self.ready_seconds = ready_seconds
        self.pid = command.pid or daemon_pid(command.pid_file) or process.pid


def start_log(command, stack):
    """What stands in for a syslog daemon is there before the server."""
    if not command.log or not command.log.helper:
        return
    helper = subprocess.Popen(command.log.helper)
    stack.callback(end_process, helper)
    while not os.path.exists(command.log.helper[1]):
        if helper.poll() is not None:
            raise NotStarted("there is no log to write to")
        time.sleep(0.01)


def start(command, log, stack, tools):
    notify = None
    start_log(command, stack)
    if command.notifies:
        notify = stack.enter_context(notify_socket(tools.new_path("notify")))
        command.env = {**command.env, "NOTIFY_SOCKET": notify.path}
    began = time.monotonic()
    process = subprocess.Popen(
        command.log.wrap(command.argv) if command.log else command.argv,
        env=command.env,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    stack.callback(wait_until_free, command)
    stack.callback(end_daemon, command.pid_file)
    stack.callback(end_process, process)
    if notify:
        notify.wait(b"READY=1", process, READY_SECONDS)
    else:
        wait_until_answered(command, process)
    return Running(command, process, notify, time.monotonic() - began)


@contextmanager
def running(command, tools):
    """The server answers inside and is gone afterwards."""
    log_path = tools.new_path("log")
    with ExitStack() as stack:
        log = stack.enter_context(open(log_path, "wb"))
        try:
            server = start(command, log, stack, tools)
            yield server
        except NotStarted as error:
            raise NotStarted(f"{error}{last_words(log_path)}") from error
