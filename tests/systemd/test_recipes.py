"""The examples and recipes of superd(8), typed as they stand there."""

import pathlib
import re
import shutil
import subprocess

import pytest

from machine import CONF, call, eventually, need

PAGE = pathlib.Path(__file__).parents[2] / "man/superd.8"
RECIPE = re.compile(r"^\.Ss (.*)\n((?:(?!\.Ss ).*\n)*)", re.MULTILINE)
LITERAL = re.compile(r"^\.Bd -literal.*\n((?:(?!\.Ed).*\n)*)", re.MULTILINE)
COMMAND = re.compile(r"^([#$]) ((?:.*\\\n)*.*)\n((?:(?![#$] ).*\n)*)", re.MULTILINE)
ANYBODY = {"user": "nobody", "group": "nogroup", "env": {"PATH": "/usr/bin:/bin"}}
FIRST = "My service does not answer"
# What the commands of a recipe are in, where the system need not have it.
PROGRAMS = {
    FIRST: ["nc", "ss"],
    "Questions to the journal": [],
    "Who is connected": ["ss"],
    "One service off for a moment": ["nc"],
    "TLS with stunnel": ["openssl", "stunnel4"],
    "Behind a proxy": ["nc"],
    "Forwarding to another server": ["nc", "socat"],
    "Limits of memory, processor time and files": ["nc"],
    "Access by hosts.allow": ["nc", "tcpd"],
    "A firewall by source and rate": ["nc", "nft"],
    "Sockets of systemd": ["nc"],
    "Restart and upgrade": [],
    "A busy machine": ["ps"],
}


def section(name):
    return PAGE.read_text().partition(f"\n.Sh {name}\n")[2].partition("\n.Sh ")[0] + "\n"


def literal(text):
    return [block.replace(r"\e", "\\") for block in LITERAL.findall(text)]


def blocks():
    return {title: literal(text) for title, text in RECIPE.findall(section("RECIPES"))}


def is_file(block):
    return block.startswith("# /")


def file_of(block):
    name, _, text = block.partition("\n")
    return pathlib.Path(name[2:]), text


def stripped(text):
    return [line.strip() for line in text.splitlines()]


def type_in(prompt, command, printed):
    """A client may come before a reload is in force, so the output may need a moment."""

    def run():
        who = {} if prompt == "#" else ANYBODY
        done = subprocess.run(
            ["sh", "-c", command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            **who,
        )
        if printed:
            return stripped(done.stdout) == stripped(printed)
        assert done.returncode == 0, f"{command}: {done.stdout}"
        return True

    eventually(run)


@pytest.fixture
def follow(superd):
    """follow(blocks) writes the files and types the commands. All files are put back."""
    saved = {}
    made = []

    def write(block):
        path, text = file_of(block)
        saved.setdefault(path, path.read_text() if path.exists() else None)
        if not path.parent.exists():
            made.append(path.parent)
            path.parent.mkdir(parents=True)
        path.write_text(text)

    def start(chosen, unit=True):
        write(blocks()[FIRST][0])
        if unit:
            superd(CONF.read_text())
        for block in chosen:
            if is_file(block):
                write(block)
            else:
                assert COMMAND.match(block), block
                for command in COMMAND.findall(block):
                    type_in(*command)

    yield start
    call("systemctl", "disable", "--now", "superd.socket", check=False)
    call("nft", "delete", "table", "inet", "superd", check=False) if "nft" in str(saved) else None
    for path, text in saved.items():
        path.unlink() if text is None else path.write_text(text)
    for directory in made:
        shutil.rmtree(directory)
    call("systemctl", "daemon-reload")


@pytest.mark.parametrize("title", PROGRAMS)
def test_recipe(follow, title):
    need(*PROGRAMS[title])
    follow(blocks()[title])


def test_examples(follow):
    need("nc")
    follow(literal(section("EXAMPLES")))


def test_without_systemd(follow):
    follow(blocks()["Without systemd"], unit=False)
    scripts = [file_of(block)[0] for block in blocks()["Without systemd"] if is_file(block)]
    assert len(scripts) == 2
    for script in scripts:
        call("sh", "-n", script)


def test_runit_starts_reloads_and_stops(follow):
    need("runsv", "sv")
    follow(blocks()["Without systemd"], unit=False)
    directory = pathlib.Path("/etc/sv/superd")
    said = directory / "said"
    (directory / "run").chmod(0o755)
    with open(said, "a") as log:
        supervisor = subprocess.Popen(["runsv", directory], stdout=log, stderr=log)
    try:
        eventually(lambda: said.read_text().count("configuration loaded") == 1)
        call("sv", "hup", directory)
        eventually(lambda: said.read_text().count("configuration loaded") == 2)
        call("sv", "down", directory)
    finally:
        supervisor.terminate()
        supervisor.wait(60)
    eventually(lambda: "stopping" in said.read_text())
