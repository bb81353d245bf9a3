"""What is measured: each case is one load, put on every server that can take it."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Case:
    name: str
    title: str
    mode: str
    clients: int
    servers: tuple
    builtin: str = ""
    program: str = ""
    protocol: str = "tcp"
    options: tuple = ()
    bare: str = ""
    at_least: dict = field(default_factory=dict)


INETDS = ("xinetd", "openbsd-inetd", "inetutils-inetd")


def spawn_case(name, program, title):
    return Case(
        name=name,
        title=f"{title}: connect, read to the end, close",
        mode="connect",
        clients=16,
        servers=("bare", "superd", *INETDS, "tcpserver"),
        program=program,
        bare="spawn",
        at_least={"bare": 0.85, "xinetd": 1.4, "openbsd-inetd": 1.4, "tcpserver": 1.0},
    )


CASES = {
    case.name: case
    for case in (
        spawn_case("spawn", "hello", "an ordinary static program per client"),
        spawn_case("spawn-tiny", "hello-tiny", "a program that costs next to nothing per client"),
        Case(
            name="daytime",
            title="daytime: connect, read to the end, close",
            mode="connect",
            clients=16,
            servers=("bare", "superd", *INETDS),
            builtin="daytime",
            bare="daytime",
            at_least={"bare": 0.9},
        ),
        Case(
            name="echo",
            title="echo: 64 bytes there and back over kept connections",
            mode="pingpong",
            clients=200,
            servers=("bare", "superd", *INETDS),
            builtin="echo",
            bare="echo",
            at_least={"bare": 0.85},
        ),
        Case(
            name="chargen",
            title="chargen: the client takes all that comes",
            mode="sink",
            clients=1,
            servers=("bare", "superd", *INETDS),
            builtin="chargen",
            bare="chargen",
            at_least={"bare": 0.5},
        ),
        # openbsd-inetd drops what comes from 127/8.
        Case(
            name="udp",
            title="echo over UDP: 64 bytes, 8 datagrams in flight per client",
            mode="datagram",
            clients=16,
            servers=("bare", "superd", "xinetd", "inetutils-inetd"),
            builtin="echo",
            protocol="udp",
            options=("-w", "8"),
            bare="datagram",
            at_least={"bare": 0.8},
        ),
    )
}

# Of superd at rest: both processes together.
REST_MEMORY_KIB = 6 * 1024
REST_WAKE_UPS = 0
