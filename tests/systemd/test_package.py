"""The Debian packages: what they bring, what an upgrade leaves alone, what a purge leaves behind."""

import json
import os
import pathlib
import re

import pytest

from machine import CAT, CONF, DROP_INS, ECHO, UNITS, call, connect, echoes, eventually
from machine import main_pid, need, says, show

TOP = pathlib.Path(__file__).parents[2]
MANUAL = TOP / "man"
TESTS = TOP / "packaging/debian/tests"
FILES = TOP / "tests/systemd/files"


def test_the_package_is_installed_with_its_user_and_its_directory(deb):
    call("getent", "passwd", "superd")
    assert CONF.is_file() and DROP_INS.is_dir()
    assert pathlib.Path("/run/superd").is_dir()


def names_in(package):
    lines = call("dpkg-deb", "--contents", package).splitlines()
    names = [line.split()[5] for line in lines if not line.endswith("/")]
    return sorted(re.sub(r"^\.|(?<=/lib/)\w+-linux-gnu\w*", "", name) for name in names)


@pytest.mark.parametrize("name", ["superd", "libsuperd-pass0", "libsuperd-pass-dev"])
def test_the_package_brings_these_files(deb, name):
    (package,) = deb.parent.glob(f"{name}_*.deb")
    assert names_in(package) == (FILES / f"{name}.txt").read_text().splitlines()


@pytest.mark.parametrize("name", re.findall(r"(?m)^Tests: (.*)", (TESTS / "control").read_text()))
def test_the_tests_of_the_package_pass(deb, name):
    """As autopkgtest runs them, which a Debian archive does with the installed package."""
    call("systemctl", "reset-failed", "superd", check=False)
    call(TESTS / name)


def test_the_unit_is_what_systemd_expects(deb):
    call("systemd-analyze", "verify", "--man=no", "superd.service")


def test_the_configuration_that_is_shipped_is_good(deb):
    assert "0 services" in call("superd", "--check")


def test_the_configuration_that_is_shipped_starts(superd):
    superd(CONF.read_text())
    assert show("ActiveState") == "active"


@pytest.fixture
def newer(deb, tmp_path):
    """The same package with a higher version."""
    tree = tmp_path / "tree"
    call("dpkg-deb", "--raw-extract", deb, tree)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"(?m)^(Version: .*)$", r"\1+newer", control.read_text()))
    call("dpkg-deb", "--build", tree, tmp_path / "newer.deb")
    yield tmp_path / "newer.deb"
    call("dpkg", "--install", "--force-downgrade", deb)


def test_an_upgrade_keeps_clients_of_programs_and_what_was_edited(superd, newer):
    superd(CAT + ECHO)
    before = main_pid()
    with connect(4001) as client:
        assert says(client, b"before")
        call("dpkg", "--install", newer)
        assert says(client, b"after")
    eventually(lambda: main_pid() not in (0, before))
    assert CONF.read_text() == CAT + ECHO
    eventually(lambda: echoes(4007))


def test_an_upgrade_leaves_a_stopped_unit_disabled(deb, newer):
    call("systemctl", "disable", "--now", "superd")
    call("dpkg", "--install", newer)
    assert show("UnitFileState") == "disabled"
    call("systemctl", "enable", "superd")


def test_a_program_is_built_with_the_library_of_the_package(deb, tmp_path):
    """The example of the manual."""
    need("cc", "pkg-config")
    call("dpkg", "--install", *deb.parent.glob("libsuperd-pass0_*.deb"))
    call("dpkg", "--install", *deb.parent.glob("libsuperd-pass-dev_*.deb"))
    page = (MANUAL / "superd_pass.3").read_text()
    example = re.search(r"(#include.*?)^\.Ed", page, re.DOTALL | re.MULTILINE)[1]
    source = tmp_path / "hello.c"
    source.write_text(example.replace(r"\e", "\\"))
    flags = call("pkg-config", "--cflags", "--libs", "superd-pass").split()
    call("cc", "-Wall", "-Wextra", "-Werror", "-o", tmp_path / "hello", source, *flags)
    call("dpkg", "--purge", "libsuperd-pass-dev", "libsuperd-pass0")


def test_a_purge_leaves_nothing_but_the_user(deb):
    call("systemctl", "start", "superd")
    paths = [pathlib.Path(line) for line in call("dpkg", "--listfiles", "superd").splitlines()]
    ours = [path for path in paths if "superd" in path.name or path.is_file()]
    assert CONF in ours and DROP_INS in ours
    call("dpkg", "--purge", "superd")
    left = [path for path in [*ours, pathlib.Path("/run/superd")] if os.path.lexists(path)]
    assert not left
    assert not list(UNITS.rglob("superd*"))
    assert not call("ps", "-o", "pid=", "-C", "superd", check=False)


def test_an_administrators_files_survive_a_removal(deb):
    CONF.write_text(ECHO)
    call("dpkg", "--remove", "superd")
    assert CONF.read_text() == ECHO
    call("dpkg", "--purge", "superd")


@pytest.fixture
def no_dpkg_dev():
    path = pathlib.Path("/usr/bin/dpkg-architecture")
    away = path.with_suffix(".away")
    if path.exists():
        path.rename(away)
    yield
    if away.exists():
        away.rename(path)


def test_meson_installs_the_library_where_debian_looks_for_it(no_dpkg_dev, tmp_path):
    """Also without dpkg-dev, which Meson would ask."""
    need("cc", "meson", "pkg-config")
    call("meson", "setup", "--prefix=/usr", "-Dtests=disabled", tmp_path / "build", TOP)
    plan = json.loads(call("meson", "introspect", "--installed", tmp_path / "build"))
    triplet = call("cc", "-print-multiarch").strip()
    (library,) = {path for path in plan.values() if path.endswith("/libsuperd-pass.so.0.1.0")}
    assert library == f"/usr/lib/{triplet}/libsuperd-pass.so.0.1.0"
    assert f"/usr/lib/{triplet}/pkgconfig/superd-pass.pc" in plan.values()
