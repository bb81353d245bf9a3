"""What the manual, the README and the installed files tell people to type works."""

import os
import pathlib
import re
import shutil
import socket
import subprocess

import pytest

from daemon import PATIENCE, SUPERD
from settings import USER, for_root, service

TOP = pathlib.Path(__file__).parents[2]
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


def configurations():
    """All but the one that is not for root."""
    for path in [TOP / "README.md", *sorted((TOP / "man").iterdir())]:
        for number, text in enumerate(examples_of(path), 1):
            if re.search(r'^service "', text, re.MULTILINE) and "port_base" not in text:
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
    n = len(re.findall("^service", text, re.MULTILINE))
    assert f": {n} service{'' if n == 1 else 's'}, " in done.stdout


@pytest.mark.parametrize("text", [*configurations()])
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


def test_what_an_ordinary_user_can_run_can_be_run(superd, place):
    """The last example of superd.conf(5)."""
    text = examples_of(TOP / "man/superd.conf.5")[-1]
    assert "port_base" in text
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
