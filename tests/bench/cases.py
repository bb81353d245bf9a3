"""What is measured. A case has servers and columns, and measures one server at a time."""

from dataclasses import dataclass, replace

from flood import Flood
from hang import Hang
from held import Held
from load import load_argv, measured_load, run_load
from rest import Rest
from servers import COMMANDS, running
from services import Services

INETDS = ("xinetd", "openbsd-inetd", "inetutils-inetd")
LOGGED = (
    *("superd-to-file", "superd-to-syslog", "superd-to-journal"),
    *("xinetd-to-file", "xinetd-to-syslog"),
)
WARM_UP_CLIENTS = 64


@dataclass(frozen=True)
class LoadCase:
    """One load, put on every server that can take it."""

    name: str
    title: str
    mode: str
    clients: int
    servers: tuple
    builtin: str = ""
    program: str = ""
    loop: str = ""
    processes: int = 2
    protocol: str = "tcp"
    options: tuple = ()
    bare: str = ""
    logged: bool = False

    once = False
    columns = ()

    def command(self, server, tools):
        return COMMANDS[server](self, tools)

    def measure(self, server, bench):
        return self.measure_command(self.command(server, bench.tools), bench)

    def measure_command(self, command, bench):
        seconds = bench.seconds
        clients = bench.clients if bench.clients and self.clients > 1 else self.clients
        with running(command, bench.tools) as started:
            if self.mode == "connect":
                few = ("-c", WARM_UP_CLIENTS)
                run_load(load_argv(bench.tools, command, "connect", 1, 5, few), 5)
            argv = load_argv(bench.tools, command, self.mode, clients, seconds, self.options)
            before = command.log.count() if command.log else 0
            run = measured_load(argv, started.pid, seconds)
            if command.log:
                run["log_lines"] = command.log.count() - before
            return run


def spawn_case(name, program, title, servers):
    return LoadCase(
        name=name,
        title=f"{title}: connect, read to the end, close",
        mode="connect",
        clients=16,
        servers=servers,
        program=program,
        bare="spawn",
    )


def echo_case(clients, servers):
    return LoadCase(
        name=f"echo-{clients}",
        title="echo: 64 bytes there and back over kept connections",
        mode="pingpong",
        clients=clients,
        servers=("bare", "superd", "superd-workers-0", "superd-workers-1", *servers),
        builtin="echo",
        bare="echo",
    )


CASES = {
    case.name: case
    for case in (
        spawn_case(
            "spawn",
            "hello",
            "an ordinary static program per client",
            ("bare", "superd", "superd-1000-idle", "superd-256-mib", *INETDS, "tcpserver", "systemd"),
        ),
        spawn_case(
            "spawn-tiny",
            "hello-tiny",
            "a program that costs next to nothing per client",
            ("bare", "superd", "xinetd", "openbsd-inetd", "tcpserver"),
        ),
        LoadCase(
            name="loop",
            title="the same program as a loop, two processes: connect, read to the end, close",
            mode="connect",
            clients=16,
            servers=("alone", "superd", "superd-pool", "superd-pass"),
            program="hello",
            loop="hello-loop",
        ),
        LoadCase(
            name="daytime",
            title="daytime: connect, read to the end, close",
            mode="connect",
            clients=16,
            servers=("bare", "superd", *INETDS),
            builtin="daytime",
            bare="daytime",
        ),
        replace(
            spawn_case(
                "spawn-logged",
                "hello",
                "an ordinary static program per client, a line of log before and after",
                ("bare", "superd", *LOGGED, "tcpserver-to-file", "systemd-to-journal"),
            ),
            logged=True,
        ),
        LoadCase(
            name="daytime-logged",
            title="daytime, a line of log before and after: connect, read to the end, close",
            mode="connect",
            clients=16,
            servers=("bare", "superd", *LOGGED),
            builtin="daytime",
            bare="daytime",
            logged=True,
        ),
        echo_case(200, INETDS),
        echo_case(1000, ("xinetd",)),
        LoadCase(
            name="chargen",
            title="chargen: the client takes all that comes",
            mode="sink",
            clients=1,
            servers=("bare", "superd", *INETDS),
            builtin="chargen",
            bare="chargen",
        ),
        # openbsd-inetd drops what comes from 127/8.
        LoadCase(
            name="udp",
            title="echo over UDP: 64 bytes, 8 datagrams in flight per client",
            mode="datagram",
            clients=16,
            servers=("bare", "superd", "xinetd", "inetutils-inetd"),
            builtin="echo",
            protocol="udp",
            options=("-w", "8"),
            bare="datagram",
        ),
        Held(),
        Services(),
        Flood("daytime", "connect", "clients that ask daytime without end"),
        Flood("program", "connect", "clients that have a program started without end"),
        Flood("echo", "pump", "clients of echo that send without end"),
        Flood("chargen", "sink", "clients of chargen that take all that comes"),
        Hang(),
        Rest(),
    )
}
