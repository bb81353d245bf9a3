"""What is accepted but probably not meant is said, once, and stops nothing unless it is asked to."""

import os
import shutil
import subprocess

import pytest

from daemon import PATIENCE, SUPERD
from settings import ECHO, FRONT_USER, ROOT, service

NEEDS_ROOT = pytest.mark.skipif(not ROOT, reason="needs root to ask for other users")


@pytest.fixture
def warnings(place):
    """warnings(text) gives what a check warns of, without the name of the file."""
    place.chmod(0o755)

    def check(text, *arguments, name="superd.conf"):
        conf = place / name
        conf.write_text((f"front_user = {FRONT_USER} " if ROOT else "") + text)
        done = subprocess.run(
            [SUPERD, "--check", "-c", conf, *arguments],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stderr
        lines = done.stderr.splitlines()
        assert all(": warning: " in line for line in lines), done.stderr
        return [line.split(": warning: ", 1)[1] for line in lines]

    return check


def program(place, mode=0o755, text="#!/bin/sh\n", folder_mode=0o755):
    folder = place / "folder"
    folder.mkdir()
    path = folder / "program"
    path.write_text(text)
    path.chmod(mode)
    folder.chmod(folder_mode)
    return path


@NEEDS_ROOT
@pytest.mark.parametrize(
    "how, said",
    [
        ({"folder_mode": 0o700}, "'nobody' cannot reach the program '"),
        ({"mode": 0o744}, "'nobody' may not execute the program '"),
        ({"mode": 0o711}, "'nobody' may not read the script '"),
        ({"mode": 0o757}, "others than root may write the program '"),
        ({"text": "echo hello\n"}, "is a script without '#!' in its first line"),
    ],
)
def test_a_program_that_cannot_serve_its_user_is_said(warnings, place, how, said):
    text = service("x", exec=[program(place, **how)], user="nobody")
    (warning,) = warnings(text)
    assert warning.startswith("service 'x': ") and said in warning


@NEEDS_ROOT
@pytest.mark.parametrize(
    "how, options",
    [
        ({}, {"user": "nobody"}),
        ({"folder_mode": 0o700, "mode": 0o700}, {"user": "root"}),
        ({"mode": 0o750}, {"user": "nobody", "group": "root"}),
    ],
)
def test_a_program_that_its_user_can_execute_is_no_matter(warnings, place, how, options):
    assert warnings(service("x", exec=[program(place, **how)], **options)) == []


@NEEDS_ROOT
def test_a_program_is_looked_for_in_its_root_directory(warnings, place):
    """Nobody has to reach the root directory itself: superd goes there before."""
    closed = place / "closed"
    (closed / "bin").mkdir(parents=True)
    shutil.copy("/bin/true", closed / "bin/true")
    closed.chmod(0o700)
    text = service("x", exec=["/bin/true"], user="nobody", chroot=closed)
    assert warnings(text) == ["service 'x': 'nobody' cannot reach the program '/bin/true': a folder "
                              "on the way is closed (see namei -l /bin/true)"]
    closed.chmod(0o711)
    assert warnings(text) == []


@NEEDS_ROOT
def test_a_directory_that_the_user_cannot_enter_is_said(warnings, place):
    directory = place / "home"
    directory.mkdir(mode=0o700)
    text = service("x", exec=["/bin/cat"], user="nobody", directory=directory)
    assert warnings(text) == [f"service 'x': 'nobody' may not enter the directory '{directory}' "
                              "(chmod +x)"]
    directory.chmod(0o711)
    assert warnings(text) == []


@NEEDS_ROOT
def test_a_configuration_that_others_may_write_is_said(warnings, place):
    (place / "more").mkdir()
    (place / "more/echo.conf").write_text(ECHO)
    text = 'include = {"more/*.conf"}\n'
    assert warnings(text) == []
    (place / "more").chmod(0o777)
    assert warnings(text) == [f"others than root may make files in '{place}/more/' (chown root, "
                              "chmod go-w)"]
    (place / "more").chmod(0o755)
    (place / "more/echo.conf").chmod(0o666)
    assert warnings(text) == ["others than root may write this file (chown root, chmod go-w)"]
    os.chown(place / "more/echo.conf", 65534, 0)
    (place / "more/echo.conf").chmod(0o644)
    assert warnings(text) == ["others than root may write this file (chown root, chmod go-w)"]


@NEEDS_ROOT
def test_a_file_of_a_set_that_others_may_write_is_named(place):
    (place / "office.list").write_text("192.0.2.1\n")
    (place / "office.list").chmod(0o666)
    (place / "superd.conf").write_text(
        f'front_user = {FRONT_USER} set "office" {{ files = {{"office.list"}} }}\n'
        + service("x", builtin="echo", only_from=["@office"])
    )
    done = subprocess.run(
        [SUPERD, "--check", "-c", place / "superd.conf"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.stderr == (f"{place}/office.list: warning: others than root may write this file "
                           "(chown root, chmod go-w)\n")


def test_a_port_of_outgoing_connections_is_said(warnings):
    with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
        first, last = map(int, file.read().split())
    if last - first < 100 or first < 2000:
        pytest.skip("the range of ports is unusual")
    text = service("x", listen=[f"tcp:127.0.0.1:{first - 2}-{first + 9}"], builtin="echo")
    (warning,) = warnings(text)
    assert f"port {first} to outgoing connections too ({first} to {last})" in warning
    assert warnings(text, "--port-base", "1") == []
    assert warnings(service("x", listen=f"tcp:127.0.0.1:{first - 1}", builtin="echo")) == []


def test_a_warning_comes_once_and_stops_nothing(superd, place):
    text = service("x", builtin="echo", overflow="refuse")
    text += service("off", builtin="ecko", enabled=False)
    daemon = superd(text)
    assert daemon.ask("x", b"hello") == b"hello"
    kinds = ["service 'x': 'overflow' has no effect", "service 'off': 'builtin' takes"]
    assert [len(daemon.log.find(f"warning: {kind}")) for kind in kinds] == [1, 1]
    daemon.reload(text)
    assert [len(daemon.log.find(f"warning: {kind}")) for kind in kinds] == [2, 2]
    daemon.write("strict = yes\n" + text)
    daemon.signal(1)
    daemon.wait_log(r"superd.conf:\d+: service 'x': 'overflow' has no effect")
    assert daemon.ask("x", b"hello") == b"hello"
