"""How the peers are configured for a case, with their limits off, and their log unless asked for."""

import os
import pwd

import logs
from tools import ENVIRONMENT, Command, NotStarted, free_port

# Of starts a minute. openbsd-inetd takes 0 for its default.
UNLIMITED_RATE = "1000000000"

# Built-ins of the inetds are named after their port, so they get an address of their own.
NAMED_HOST = "127.77.77.7"
NAMED_PORTS = {"echo": 7, "daytime": 13, "chargen": 19}


def user_name():
    return pwd.getpwuid(os.geteuid()).pw_name


def xinetd_log(log, target):
    if not target:
        return "log_type = FILE /dev/null\n    log_on_success =\n    log_on_failure ="
    where = f"FILE {log.path}" if target == "file" else "SYSLOG daemon info"
    return f"log_type = {where}\n    log_on_success = PID HOST EXIT DURATION"


def xinetd(case, tools, target=""):
    peer = tools.peers["xinetd"]
    log = logs.open_log(target, tools) if target else None
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
    {xinetd_log(log, target)}
}}
""",
    )
    pid_file = tools.new_path("xinetd.pid")
    argv = [peer.program, "-dontfork", "-f", path, "-pidfile", pid_file]
    return Command(argv, port, protocol=case.protocol, env={**ENVIRONMENT, **peer.env}, log=log)


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
    return Command(argv, port, host, case.protocol, {**ENVIRONMENT, **peer.env})


def inetutils_inetd(case, tools):
    peer = tools.peers["inetutils-inetd"]
    line, host, port = inetd_line(case, tools)
    path = tools.write("inetutils-inetd.conf", line)
    pid_file = tools.new_path("inetutils-inetd.pid")
    argv = [peer.program, "-R", UNLIMITED_RATE, f"--pidfile={pid_file}", path]
    return Command(argv, port, host, case.protocol, {**ENVIRONMENT, **peer.env}, pid_file)


def tcpserver(case, tools, target=""):
    """Its log is its standard error."""
    peer = tools.peers["tcpserver"]
    port = free_port()
    log = logs.open_log(target, tools) if target else None
    limits = ["-c", "1000", "-b", "4096"]
    names = ["-H", "-R", "-l", "0"]
    address = ["127.0.0.1", str(port)]
    argv = [peer.program, "-v" if log else "-q", *names, *limits, *address]
    argv.append(tools.path(case.program))
    if log:
        argv = ["sh", "-c", 'exec "$@" 2>>"$0"', log.path, *argv]
    return Command(argv, port, env={**ENVIRONMENT, **peer.env}, log=log)
