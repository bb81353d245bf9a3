"""What is made from the table of options: completion for bash, colours for vim."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).parents[2]
SUPERD = pathlib.Path(os.environ["SUPERD"])
MADE = SUPERD.parents[1] / "packaging"
ITEM = re.compile(r"^\.It Ic ([a-z0-9_]+)", re.MULTILINE)
OPTIONS = set(ITEM.findall((TOP / "man/superd.conf.5").read_text()))


def complete(*words, at="."):
    """What bash has for the last of the words."""
    script = (
        'source "$0"; COMP_WORDS=(superd "$@"); COMP_CWORD=$#; _superd; '
        'for word in "${COMPREPLY[@]}"; do echo "$word"; done'
    )
    command = ["bash", "--norc", "-c", script, MADE / "superd", *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=at)
    assert not done.stderr
    return set(done.stdout.splitlines())


def test_bash_completes_the_options_of_the_command_line():
    usage = subprocess.run([SUPERD, "--help"], check=True, capture_output=True, text=True).stdout
    options = set(re.findall(r"(?<=[ ,])--?[a-zA-Z-]+", usage))
    assert complete("") == complete("-") == options
    assert complete("--pi") == {"--pid-file"}
    assert complete("--check", "--li") == {"--list"}


def test_bash_completes_the_names_of_options_to_explain():
    assert complete("--explain", "") == OPTIONS
    assert complete("--explain", "inst") == {"instances"}
    assert complete("--explain", "=") == OPTIONS
    assert complete("--explain", "=", "i") == {name for name in OPTIONS if name.startswith("i")}


def test_bash_completes_files(place):
    (place / "a file.conf").touch()
    (place / "other").touch()
    for option in "-c", "--config", "-P", "--pid-file":
        assert complete(option, "a", at=place) == {"a file.conf"}
    assert complete("--config", "=", "o", at=place) == {"other"}
    assert complete("--port-base", "", at=place) == set()


EXAMPLE = """# a comment
port_base = 10000
include = {"superd.d/*.conf"}
defaults { instances = unlimited port_base }
set "office" { addresses = {"192.0.2.0/24"} }
service "x" {
    listen = {"tcp:7"} // and so on
    builtin = echo
    idle_timeout = 10s
    exec = {"/bin/echo", "from %{remote_addr}"}
    socket_type = stream
}
"""
GROUPS = {
    "a comment": "Comment",
    "port_base = 1": "RootOption",
    "10000": "Number",
    "superd.d": "String",
    "defaults": "Section",
    "instances": "Option",
    "unlimited": "Word",
    "port_base }": "Block",
    'set "': "Section",
    "addresses": "Option",
    'service "': "Section",
    "tcp:7": "String",
    "and so on": "Comment",
    "builtin": "Option",
    "echo\n": "Word",
    "10s": "Number",
    "from %": "String",
    "%{remote": "Variable",
    "socket_type": "Block",
}


def vim(place, file, commands):
    """Runs the commands after the file was opened. Returns what they have echoed."""
    if not shutil.which("vim"):
        pytest.skip("vim is not installed")
    runtime = place / "runtime"
    for kind in "ftdetect", "ftplugin", "syntax":
        (runtime / kind).mkdir(parents=True)
        made = MADE / "superd.vim" if kind == "syntax" else TOP / f"packaging/editors/{kind}.vim"
        shutil.copy(made, runtime / kind / "superd.vim")
    (place / "commands").write_text(commands)
    command = ["vim", "-e", "-s", "-N", "-u", "NONE", "-i", "NONE", "-n"]
    command += ["--cmd", f"set runtimepath^={runtime}", "--cmd", "filetype plugin on"]
    command += ["--cmd", "syntax on", "-S", place / "commands", "-c", "quitall!", file]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if "E319" in done.stderr or "E484" in done.stderr:
        pytest.skip("this vim has no colours")
    return done.stderr


def test_vim_knows_what_each_word_is(place):
    file = place / "superd.conf"
    file.write_text(EXAMPLE)
    commands = "verbose echo &filetype &commentstring\n"
    for text in GROUPS:
        before = EXAMPLE[: EXAMPLE.index(text)]
        line, column = before.count("\n") + 1, len(before.rsplit("\n", 1)[-1]) + 1
        commands += f'verbose echo "is" synIDattr(synID({line}, {column}, 0), "name")\n'
    said = vim(place, file, commands)
    assert "superd # %s" in said
    groups = re.findall(r"^is ?(?:superd)?(\w*)", said.replace("\r", ""), re.MULTILINE)
    assert dict(zip(GROUPS, groups, strict=True)) == GROUPS


def test_vim_finds_the_files_of_services(place):
    (place / "superd.d").mkdir()
    file = place / "superd.d/mine.conf"
    file.touch()
    assert "superd" in vim(place, file, "verbose echo &filetype\n").split()


def test_vim_knows_every_option():
    known = set()
    for line in (MADE / "superd.vim").read_text().splitlines():
        if "Option " in line and line.startswith("syntax keyword"):
            known |= set(line.removesuffix(" contained").split()[3:])
    assert known == OPTIONS
