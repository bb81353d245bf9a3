"""The services that are installed, each enabled as it is and asked by its own client."""

import pathlib
import re
import shutil
import socket

import pytest

from machine import DROP_INS, call, connect, journal, need, show

SRV = pathlib.Path("/srv")
TEXT = "fetched\n"
# For daemons that would like the same ports.
RIVALS = ["ssh", "rsync", "tftpd-hpa"]


@pytest.fixture
def enabled(superd):
    """enabled("git") starts superd with that file, and all that is in it enabled."""
    path = None

    def start(name):
        nonlocal path
        path = DROP_INS / f"{name}.conf"
        path.with_suffix(".saved").write_text(path.read_text())
        path.write_text(
            path.read_text().replace("enabled = no", "enabled = yes").replace("# env", "env")
        )
        superd('include = {"superd.d/*.conf"}\n')
        assert "cannot listen" not in journal("--lines", "100"), journal("--lines", "100")

    call("systemctl", "stop", *RIVALS, check=False)
    yield start
    if path:
        path.with_suffix(".saved").rename(path)


@pytest.fixture
def files():
    """What rsync, git and tftp have to offer."""
    tree = SRV / "tftp"
    tree.mkdir(parents=True, exist_ok=True)
    (tree / "file").write_text(TEXT)
    tree.chmod(0o755)
    return tree


def answer(port, question=b""):
    with connect(port) as client:
        client.sendall(question)
        if question:
            client.shutdown(socket.SHUT_WR)
        return client.makefile("rb").read()


def datagram(port, question=b""):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        client.connect(("127.0.0.1", port))
        client.send(question)
        return client.recv(65536)


def test_the_built_in_services(enabled):
    enabled("builtin")
    assert show("StatusText") == "Serving 10 services on 10 listeners"
    assert answer(7, b"ping") == datagram(7, b"ping") == b"ping"
    assert answer(9, b"ping") == b""
    assert len(answer(13)) == len(datagram(13)) == 26
    assert len(answer(37)) == len(datagram(37)) == 4
    with connect(19) as client:
        assert client.makefile("rb").readline() == datagram(19, b"." * 74)


def test_the_programs_that_come_with_superd(enabled):
    enabled("programs")
    assert answer(10098).startswith(b"family IPv4, stream\n")
    assert datagram(10098, b"?").startswith(b"family IPv4, datagram\n")
    assert answer(17) == datagram(17)
    assert answer(11) == datagram(11) == b"Nobody is logged in.\r\n"
    assert answer(10099).startswith(b"You are client 1 ")
    assert b"Location: https://here/x" in answer(80, b"GET /x HTTP/1.1\r\nHost: here\r\n\r\n")
    assert answer(10080, b"GET / HTTP/1.1\r\nHost: here\r\n\r\n").endswith(b"127.0.0.1\n")
    with connect(10097) as one, connect(10097) as other:
        heard = other.makefile("rb")
        assert heard.readline().endswith(b" here\n")
        one.sendall(b"hello\n")
        assert any(b"hello" in line for line in heard)


def test_rsync(enabled, files):
    need("rsync")
    pathlib.Path("/etc/rsyncd.conf").write_text(
        f"[files]\npath = {files}\nuse chroot = no\nread only = yes\n"
    )
    enabled("rsync")
    assert "files" in call("rsync", "rsync://127.0.0.1/")
    call("rsync", "rsync://127.0.0.1/files/file", "/root/by-rsync")
    assert pathlib.Path("/root/by-rsync").read_text() == TEXT


def test_git(enabled, tmp_path):
    need("git")
    bare = SRV / "git/tree"
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@localhost", "-C", tmp_path]
    call("git", "init", "--quiet", "--bare", bare)
    call(*git, "init", "--quiet")
    (tmp_path / "file").write_text(TEXT)
    call(*git, "add", "file")
    call(*git, "commit", "--quiet", "--message", "file")
    call(*git, "push", "--quiet", bare, "HEAD:master")
    (bare / "git-daemon-export-ok").touch()
    enabled("git")
    call("git", "clone", "--quiet", "--branch", "master", "git://127.0.0.1/tree", "/root/by-git")
    assert pathlib.Path("/root/by-git/file").read_text() == TEXT


def test_ssh(enabled):
    need("sshd", "ssh", "ssh-keygen")
    home = pathlib.Path("/root/.ssh")
    home.mkdir(mode=0o700, exist_ok=True)
    call("ssh-keygen", "-A")
    call("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", home / "of-test")
    shutil.copy(home / "of-test.pub", home / "authorized_keys")
    line = re.search(r'"(d /run/sshd .*)"', (DROP_INS / "ssh.conf").read_text())[1]
    pathlib.Path("/etc/tmpfiles.d/sshd.conf").write_text(line + "\n")
    call("systemd-tmpfiles", "--create", "sshd.conf")
    enabled("ssh")
    options = ["-F", "none", "-i", home / "of-test", "-o", "StrictHostKeyChecking=no"]
    assert call("ssh", *options, "root@127.0.0.1", "id -un") == "root\n"


def test_tftp(enabled, files):
    need("in.tftpd", "curl")
    enabled("tftp")
    assert call("curl", "--silent", "--show-error", "tftp://127.0.0.1/file") == TEXT
