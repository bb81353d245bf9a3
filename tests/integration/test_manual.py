"""What the manual, the README and the installed files tell people to type works."""

import os
import pathlib
import re
import shutil
import socket
import subprocess

import pytest

from daemon import PATIENCE, SUPERD
from settings import ECHO, USER, for_root, options, service

TOP = pathlib.Path(__file__).parents[2]
OTHERS_FILE = re.compile(r"^(.*)# /etc/superd.d/.*$", re.MULTILINE)
LITERAL = re.compile(r"^\.Bd -literal.*?\n(.*?)^\.Ed", re.DOTALL | re.MULTILINE)
FENCED = re.compile(r"^```\n(.*?)^```", re.DOTALL | re.MULTILINE)


def plain(mdoc):
    """As a reader sees it."""
    return mdoc.replace(r"\e", "\\")


def examples_of(path):
    text = path.read_text()
    if path.suffix == ".md":
        return FENCED.findall(text)
    return [plain(block) for block in LITERAL.findall(text)]


def own_column(text):
    """What stands beside the file of another super-server, or all of it."""
    beside = OTHERS_FILE.search(text)
    if not beside:
        return text
    return "".join(line[len(beside[1]) :] + "\n" for line in text.splitlines())


def configurations(whole=True):
    """All but the one that is not for root. A whole configuration has global options."""
    for path in [TOP / "README.md", *sorted((TOP / "man").iterdir())]:
        for number, text in enumerate(map(own_column, examples_of(path)), 1):
            if re.search(r'^service "', text, re.MULTILINE) and "port_base" not in text:
                if not whole and re.search("^(include|defaults) ", text, re.MULTILINE):
                    continue
                yield pytest.param(text, id=f"{path.name}-{number}")


def drop_ins():
    for path in sorted((TOP / "conf/superd.d").iterdir()):
        yield pytest.param(path.read_text().replace("enabled = no", "enabled = yes"), id=path.name)


def here(text):
    """With a program and a user that this machine has for sure."""
    text = re.sub(r'exec = \{"[^"]*"', 'exec = {"/bin/true"', text)
    return re.sub(r'user = "[^"]*"', f'user = "{USER}"', text)


@pytest.mark.parametrize("text", [*configurations(), *drop_ins()])
def test_every_example_is_a_good_configuration(place, text):
    conf = place / "superd.conf"
    conf.write_text(for_root(here(text)))
    done = subprocess.run(
        [SUPERD, "--check", "--config", conf], capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    n = len(re.findall("^service", text, re.MULTILINE)) - text.count("enabled = no")
    assert f": {n} service{'' if n == 1 else 's'}, " in done.stdout


def enabling():
    """How to enable what is shipped."""
    for text in examples_of(TOP / "README.md"):
        if text.startswith("enable = "):
            yield pytest.param(text, id="README.md-enable")


@pytest.mark.parametrize("text", [*configurations(whole=False), *enabling()])
def test_every_example_can_be_pasted_into_the_installed_file(place, text):
    """What is shipped has services of the same names and ports, which are not enabled."""
    installed = (TOP / "conf/superd.conf").read_text()
    (place / "superd.conf").write_text(for_root(installed))
    shutil.copytree(TOP / "conf/superd.d", place / "superd.d")
    (place / "superd.d/programs.conf.in").rename(place / "superd.d/programs.conf")
    with open(place / "superd.conf", "a") as conf:
        conf.write(here(text))
    done = subprocess.run(
        [SUPERD, "--check", "--config", place / "superd.conf"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0 and done.stderr == "", done.stderr


def described_options():
    """What superd.conf(5) says of each option: its example, and what that applies to."""
    page = (TOP / "man/superd.conf.5").read_text()
    for part in re.split(r"^\.It Ic (?=\w+ No = )", page, flags=re.MULTILINE)[1:]:
        name = part.split()[0]
        example = re.search(r"^\.It Example:\n(.*)", part, re.MULTILINE)[1]
        applies = re.search(r"^\.It Applies to:\n(.*?)^\.It", part, re.MULTILINE | re.DOTALL)[1]
        applies = re.sub(r"^\.\w\w | No | Ns ", " ", applies, flags=re.MULTILINE)
        yield name, plain(example), " ".join(applies.split())


GLOBAL = [option for option in described_options() if re.search(r"(main|any) file", option[2])]
OF_SETS = [option for option in described_options() if option[2] == "sets"]
OF_SERVICES = [option for option in described_options() if option not in GLOBAL + OF_SETS]
STREAMS = ["tcp:127.0.0.1:0", "tcp:[::1]:0", "unix:/tmp/x"]
DATAGRAMS = ["udp:127.0.0.1:0"]
PROGRAM = {"exec": ["/bin/true"], "user": USER}
KINDS = {
    "built-in": {"builtin": "chargen", "listen": STREAMS + DATAGRAMS},
    "spawn": {**PROGRAM, "listen": STREAMS + DATAGRAMS},
    "wait": {**PROGRAM, "dispatch": "wait", "listen": STREAMS + DATAGRAMS},
    "pool": {**PROGRAM, "dispatch": "pool", "listen": STREAMS + DATAGRAMS},
    "pass": {**PROGRAM, "dispatch": "pass", "listen": STREAMS},
}
# Which other options an option needs.
NEEDED = {"ready_timeout": {"ready": "notify"}, "overflow": {"instances": 5}}
# Lists of addresses: no client of a Unix socket would match, and wait has them for datagrams.
LISTS = {kind: {"listen": DATAGRAMS if kind == "wait" else STREAMS[:1]} for kind in KINDS}
PROGRAMS = set(KINDS) - {"built-in"}


def kinds_named(applies):
    """The kinds of services that the manual says an option applies to."""
    applies, _, but = applies.partition(" except ")
    kinds = set(re.findall(r"dispatch = (\w+)", applies))
    if re.search(r"\ball services|^services with ", applies):
        kinds |= set(KINDS)
    if applies.startswith("programs"):
        kinds |= PROGRAMS
    if applies.startswith(("built-in", "builtin")):
        kinds |= {"built-in"}
    return kinds - set(re.findall(r"dispatch = (\w+)", but))


def on_this_machine(example):
    """With what every machine has."""
    if not example.startswith("front_user"):
        example = re.sub(r"^(\w*user|\w*group) = .*", rf"\1 = {os.getuid()}", example)
    example = re.sub(r"^(directory|chroot) = .*", r'\1 = "/"', example)
    example = re.sub(r"^interface = .*", "interface = lo", example)
    return re.sub(r'^exec = \{"[^"]*"', 'exec = {"/bin/true"', example)


def accepted(place, text):
    """Whether the configuration is good, without a warning."""
    (place / "superd.d").mkdir(exist_ok=True)
    (place / "superd.conf").write_text(for_root(text))
    done = subprocess.run(
        [SUPERD, "--check", "--config", place / "superd.conf"],
        capture_output=True,
        timeout=PATIENCE,
    )
    return done.returncode == 0 and not done.stderr


@pytest.mark.parametrize("name, example, applies", OF_SERVICES, ids=[o[0] for o in OF_SERVICES])
def test_option_applies_to_what_the_manual_says(place, name, example, applies):
    if "needs root" in applies and os.geteuid() != 0:
        pytest.skip("needs root")
    line = on_this_machine(example)
    takes = set()
    for kind, of in KINDS.items():
        of = of | NEEDED.get(name, {}) | (LISTS[kind] if name in ("only_from", "no_access", "access_times") else {})
        others = {key: what for key, what in of.items() if key != name}
        if accepted(place, f'service "a" {{\n{options(**others)}{line}\n}}\n'):
            takes.add(kind)
    if name in ("builtin", "exec", "dispatch"):
        assert takes
    else:
        assert takes == kinds_named(applies)
    assert accepted(place, f"defaults {{ {line} }}\n" + ECHO) == ("not in defaults" not in applies)


@pytest.mark.parametrize("name, example, applies", OF_SETS, ids=[o[0] for o in OF_SETS])
def test_option_of_a_set_stands_in_a_set_alone(place, name, example, applies):
    (place / "some.list").write_text("192.0.2.7\n")
    line = re.sub(r'^files = .*', 'files = {"some.list"}', example)
    user = service("x", builtin="echo", only_from=["@some"])
    assert accepted(place, f'set "some" {{\n{line}\n}}\n{user}')
    assert not accepted(place, f"{line}\n{ECHO}")
    assert not accepted(place, f"defaults {{ {line} }}\n{ECHO}")


@pytest.mark.parametrize("name, example, applies", GLOBAL, ids=[o[0] for o in GLOBAL])
def test_global_option_stands_where_the_manual_says(place, name, example, applies):
    named = re.findall('"([^"]*)"', example) if name == "enable" else []
    services = ECHO + "".join(service(of, enabled=False, builtin="echo") for of in named)
    assert accepted(place, f"{example}\n{services}")
    (place / "other.conf").write_text(example + "\n")
    included = accepted(place, 'include = {"other.conf"}\n' + services)
    assert included == ("any file" in applies)


def settings_of(text):
    """The settings of each section, without quotes: {name: {"listen = {tcp:finger}", ...}}."""
    sections = re.findall(r'^service "(\w+)" \{(.*?)(?:\n\}| \}$)', text, re.MULTILINE | re.DOTALL)
    return {
        name: set(re.findall(r"\w+ = (?:\{[^}]*\}|[^\s}]+)", body.replace('"', "")))
        for name, body in sections
    }


def test_lines_of_inetd_are_written_as_superd_says(place):
    page = (TOP / "man/superd.conf.5").read_text().partition("\n.Ss From inetd\n")[2]
    lines, sections = LITERAL.findall(page)[:2]
    (place / "superd.conf").write_text(lines.replace("#", ""))
    done = subprocess.run(
        [SUPERD, "--check", "--config", place / "superd.conf"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    said = settings_of(re.sub("^.* here it is a section: ", "", done.stderr, flags=re.MULTILINE))
    assert len(said) == len(lines.splitlines())
    assert said == settings_of(sections.replace("    enabled = no\n", ""))


def example(name):
    """The section of that name under EXAMPLES, on a port of its own and as a user that is there."""
    page = (TOP / "man/superd.conf.5").read_text().partition("\n.Sh EXAMPLES\n")[2]
    text = next(text for text in map(plain, LITERAL.findall(page)) if f'service "{name}"' in text)
    text = re.sub(r'"(tcp|udp):\w+"', r'"\1:127.0.0.1:0"', text)
    return re.sub(r'user = "[^"]*"', f'user = "{USER}"', text)


@pytest.mark.parametrize(
    "name, kind, question, answer",
    [
        ("uptime", "tcp", b"", b"load average"),
        ("daytime", "tcp", b"", b"\r\n"),
        ("daytime", "udp", b"?", b"\r\n"),
        ("upper", "udp", b"shout", b"SHOUT"),
    ],
)
def test_what_the_examples_promise_is_answered(superd, name, kind, question, answer):
    text = example(name)
    for program in re.findall(r'exec = \{"([^"]*)"', text):
        if not os.access(program, os.X_OK):
            pytest.skip(f"needs {program}")
    daemon = superd(text)
    if kind == "tcp":
        assert answer in daemon.ask(name, question)
        return
    with daemon.datagram(name) as client:
        client.settimeout(PATIENCE)
        client.send(question)
        assert answer in client.recv(100)


def test_what_an_ordinary_user_can_run_can_be_run(superd, place):
    """The example of superd.conf(5) with a port_base."""
    examples = examples_of(TOP / "man/superd.conf.5")
    [text] = [text for text in examples if "port_base" in text and "service" in text]
    path = place / "hello.sock"
    text = text.replace("/tmp/hello.sock", str(path))
    if os.geteuid() == 0:
        text = text.replace("    exec =", f'    user = "{USER}"\n    exec =')
    superd(text)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        assert client.makefile().read() == "This is hello.\n"


def test_the_example_of_the_library_greets_its_client(superd, place):
    compiler = shutil.which("cc")
    if not compiler:
        pytest.skip("cc is not installed")
    source = next(text for text in examples_of(TOP / "man/superd_pass.3") if "#include" in text)
    (place / "hello.c").write_text(source)
    library = TOP / "src/libsuperd-pass/superd-pass.c"
    arguments = [
        "-D_GNU_SOURCE",
        "-Wall",
        "-Wextra",
        "-Werror",
        f"-I{TOP}/src",
        f"-I{TOP}/src/libsuperd-pass",
    ]
    subprocess.run(
        [compiler, *arguments, "-o", place / "hello", place / "hello.c", library], check=True
    )
    daemon = superd(service("hello", exec=[place / "hello"], dispatch="pass"))
    assert daemon.ask("hello", b"") == b"Hello, 127.0.0.1\n"


def python_example(place, number):
    """A complete program of superd_pass(3), as an executable file."""
    programs = [text for text in examples_of(TOP / "man/superd_pass.3") if text.startswith("#!")]
    path = place / f"example-{number}"
    path.write_text(programs[number])
    path.chmod(0o755)
    return path


def test_the_example_in_python_greets_its_clients(superd, place):
    daemon = superd(service("hello", exec=[python_example(place, 0)], dispatch="pass"))
    for _ in range(3):
        assert daemon.ask("hello") == b"Hello, 127.0.0.1\n"
    assert "Traceback" not in daemon.log.text()


def test_the_example_with_asyncio_has_many_clients_at_once(superd, place):
    program = python_example(place, 1)
    daemon = superd(
        service(
            "greeter",
            exec=[program],
            dispatch="pass",
            processes=[1, 1],
            clients_per_process=10,
        )
    )
    clients = [daemon.connect("greeter").makefile("rwb", 0) for _ in range(10)]
    for client in clients:
        assert client.readline() == b"Who are you?\n"
    for number, client in enumerate(reversed(clients)):
        client.write(b"client %d\n" % number)
        assert client.readline() == b"Hello, client %d\n" % number
    with daemon.connect("greeter"):  # waits until one of them has gone
        daemon.sockets[0].shutdown(socket.SHUT_WR)
        assert clients[0].read() == b""
        daemon.wait_log("service 'greeter': accepted ", count=11)
    assert "Traceback" not in daemon.log.text()


def test_the_table_of_programs_is_right():
    """superd-services(7) has a row and a section for each, with its way of dispatch."""
    page = (TOP / "man/superd-services.7").read_text()
    conf = (TOP / "conf/superd.d/programs.conf.in").read_text()
    sections = re.findall(r'^service "[^"]*" \{\n(.*?)^\}', conf, re.DOTALL | re.MULTILINE)
    programs = {}
    for section in sections:
        dispatch = re.search(r"dispatch = (\w+)", section)
        program = re.search(r"@program_dir@/(\w+)", section)[1]
        programs[program.upper()] = dispatch[1] if dispatch else "spawn"
    rows = re.findall(r"^\.It Sx (\w+) Ta Cm (\w+) Ta", page, re.MULTILINE)
    assert len(programs) == 7 and dict(rows) == programs
    for name in programs:
        assert f"\n.Sh {name}\n" in page
