"""Programs that people run under an inetd, asked by their own clients."""

import os
import pwd
import shutil
import socket
import struct
import subprocess

import pytest

from daemon import PATIENCE
from settings import ROOT, USER, service

UDP = "udp:127.0.0.1:0"


@pytest.fixture
def tree(place):
    """Files that a client fetches: a small one, an empty one and some megabytes."""
    tree = place / "tree"
    (tree / "deep/er").mkdir(parents=True)
    (tree / "small").write_text("small\n")
    (tree / "deep/empty").touch()
    (tree / "deep/er/large").write_bytes(os.urandom(4 << 20))
    return tree


def need(*programs):
    """Returns their paths, or skips the test."""
    paths = [shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin") for name in programs]
    for name, path in zip(programs, paths):
        if not path:
            pytest.skip(f"{name} is not installed")
    return paths


def run(*command, **how):
    done = subprocess.run(command, capture_output=True, timeout=60, **how)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def same(one, other):
    return not run("diff", "-r", one, other)


def test_rsync_fetches_a_tree(superd, place, tree):
    (rsync,) = need("rsync")
    conf = place / "rsyncd.conf"
    conf.write_text(f"use chroot = no\n[tree]\npath = {tree}\nread only = yes\n")
    daemon = superd(service("rsync", exec=[rsync, "--daemon", f"--config={conf}"]))
    port = daemon.port("rsync")
    for copy in ("first", "second"):
        run(rsync, "-a", f"rsync://127.0.0.1:{port}/tree/", place / copy)
        assert same(tree, place / copy)
    assert b"tree" in run(rsync, f"rsync://127.0.0.1:{port}/")


def test_git_clones_a_repository(superd, place, tree):
    (git,) = need("git")
    identity = {"GIT_CONFIG_GLOBAL": "/dev/null", "HOME": str(place), "PATH": os.environ["PATH"]}
    who = ["-c", "user.name=x", "-c", "user.email=x@localhost"]
    run(git, "init", "--quiet", tree, env=identity)
    run(git, "-C", tree, "add", ".", env=identity)
    run(git, *who, "-C", tree, "commit", "--quiet", "-m", "tree", env=identity)
    options = ["--inetd", "--export-all", f"--base-path={place}", "--log-destination=none"]
    safe = ["-c", "safe.directory=*"]
    daemon = superd(
        service("git", exec=[git, *safe, "daemon", *options], env=safe_for_children(), stderr="log")
    )
    run(
        git,
        "clone",
        "--quiet",
        f"git://127.0.0.1:{daemon.port('git')}/tree",
        place / "clone",
        env=identity,
    )
    assert (place / "clone/deep/er/large").read_bytes() == (tree / "deep/er/large").read_bytes()


def safe_for_children():
    """git refuses a repository of another owner unless its configuration says otherwise."""
    return ["GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"]


def mounted(*pairs):
    """A file system of its own, in which each of these paths shows another."""
    script = "while [ $1 != -- ]; do mount --bind $1 $2; shift 2; done; shift; exec \"$@\""
    paths = [str(path) for pair in pairs for path in pair]
    return ["unshare", "--mount", "sh", "-ec", script, "sh", *paths, "--"]


def ssh_keys(home, keygen):
    home.mkdir(mode=0o700)
    for key in ("client", "host"):
        run(keygen, "-q", "-t", "ed25519", "-N", "", "-f", home / key)
    shutil.copy(home / "client.pub", home / "authorized_keys")


def check_ssh(ssh, home, name, port):
    """A command runs, and megabytes come back whole."""
    options = ["-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR"]
    known = ["-o", f"UserKnownHostsFile={home}/known", "-i", home / "client"]
    client = [ssh, *options, *known, "-p", str(port), f"{name}@127.0.0.1"]
    assert run(*client, "echo served by sshd") == b"served by sshd\n"
    assert len(run(*client, "head -c 5000000 /dev/zero")) == 5_000_000


def who_may_log_in():
    me = pwd.getpwuid(os.getuid())
    if me.pw_shell.endswith("nologin"):
        pytest.skip(f"{me.pw_name} may not log in")
    return me


def test_ssh_runs_a_command(superd, place):
    me = who_may_log_in()
    ssh, sshd, keygen = need("ssh", "sshd", "ssh-keygen")
    home = place / "ssh"
    ssh_keys(home, keygen)
    conf = home / "sshd_config"
    conf.write_text(
        f"HostKey {home}/host\nAuthorizedKeysFile {home}/authorized_keys\n"
        "StrictModes no\nUsePAM no\nPidFile none\nPasswordAuthentication no\n"
    )
    if ROOT:
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
    user = "root" if ROOT else USER
    daemon = superd(service("ssh", exec=[sshd, "-i", "-f", conf], user=user, stderr="log"))
    check_ssh(ssh, home, me.pw_name, daemon.port("ssh"))


@pytest.mark.skipif(not ROOT, reason="needs root for a home directory of its own")
def test_dropbear_runs_a_command(superd, place):
    me = who_may_log_in()
    ssh, dropbear, dropbearkey, keygen = need("ssh", "dropbear", "dropbearkey", "ssh-keygen")
    home = place / "home"
    home.mkdir(mode=0o700)
    ssh_keys(home / ".ssh", keygen)
    run(dropbearkey, "-t", "ed25519", "-f", home / "host")
    daemon = superd(
        service("ssh", exec=[dropbear, "-i", "-r", home / "host"], user="root", stderr="log"),
        wrapper=mounted((home, me.pw_dir)),
    )
    check_ssh(ssh, home / ".ssh", me.pw_name, daemon.port("ssh"))


@pytest.mark.skipif(not ROOT, reason="needs root for hosts.allow and hosts.deny of its own")
def test_tcpd_lets_in_whom_hosts_allow_says(superd, place):
    """It executes the program of its name, `argv0`."""
    tcpd, cat, tac = need("tcpd", "cat", "tac")
    for name, text in {"allow": "tac: 127.0.0.1\n", "deny": "ALL: ALL: twist echo not you\n"}.items():
        (place / name).write_text(text)
        if not os.path.exists(f"/etc/hosts.{name}"):
            pytest.skip(f"there is no /etc/hosts.{name}")
    daemon = superd(
        service("welcome", exec=[tcpd], argv0=tac, stderr="log")
        + service("stranger", exec=[tcpd], argv0=cat, stderr="log"),
        wrapper=mounted(*((place / name, f"/etc/hosts.{name}") for name in ("allow", "deny"))),
    )
    assert daemon.ask("welcome", b"one\ntwo\n") == b"two\none\n"
    assert daemon.ask("stranger") == b"not you\n"


@pytest.mark.skipif(not ROOT, reason="in.tftpd changes its root directory")
def test_tftp_fetches_a_file(superd, place, tree):
    """in.tftpd is given the socket (`wait`) and lingers for the next client."""
    curl, tftpd = need("curl", "in.tftpd")
    daemon = superd(
        service("tftp", listen=UDP, dispatch="wait", exec=[tftpd, "-s", tree], user="root")
    )
    url = f"tftp://127.0.0.1:{daemon.port('tftp', 'udp')}"
    for _ in range(3):
        assert run(curl, "--silent", "--show-error", f"{url}/small") == b"small\n"
    large = run(curl, "--silent", "--show-error", f"{url}/deep/er/large")
    assert large == (tree / "deep/er/large").read_bytes()


def test_busybox_is_the_program_that_argv0_names(superd, tree):
    """Its httpd finds no word of the kind in its arguments."""
    curl, busybox = need("curl", "busybox")
    if "httpd" not in run(busybox, "--list").decode().split():
        pytest.skip("this busybox has no httpd")
    daemon = superd(
        service("web", exec=[busybox, "-i", "-h", tree], argv0="httpd", stderr="log")
        + service("shell", exec=[busybox, "-s"], argv0="-sh", stderr="log")
    )
    url = f"http://127.0.0.1:{daemon.port('web')}"
    assert run(curl, "--silent", "--show-error", f"{url}/small") == b"small\n"
    large = run(curl, "--silent", "--show-error", f"{url}/deep/er/large")
    assert large == (tree / "deep/er/large").read_bytes()
    assert daemon.ask("shell", b"echo I am $0\n") == b"I am -sh\n"


def test_ident2_says_who_has_a_connection(superd):
    """It finds the owner of connections with IPv4 addresses only."""
    (ident2,) = need("ident2")
    daemon = superd(
        service("ident", listen="tcp:0", exec=[ident2, "-i"], user="root" if ROOT else USER)
    )
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname()) as client:
            question = f"{client.getsockname()[1]} , {server.getsockname()[1]}"
            with socket.create_connection(("127.0.0.1", daemon.port("ident"))) as asker:
                asker.sendall(f"{question}\r\n".encode())
                said = asker.makefile().readline()
    assert said == f"{question} : USERID : UNIX : {pwd.getpwuid(os.getuid()).pw_name}\n"


def talk_request(host, port):
    """LOOK_UP, whether anybody waits for root, of the protocol that in.ntalkd speaks."""
    address = struct.pack("!HH4s8x", socket.AF_INET, port, socket.inet_aton(host))
    names = [b"root".ljust(12, b"\0"), b"root".ljust(12, b"\0"), bytes(16)]
    return struct.pack("!BBBxI", 1, 1, 0, 1) + address * 2 + struct.pack("!I", 1) + b"".join(names)


@pytest.mark.skipif(not ROOT, reason="in.ntalkd looks at who is logged in")
def test_talkd_answers_a_caller(superd):
    """It refuses requests that come to a socket for both families."""
    (talkd,) = need("in.ntalkd")
    daemon = superd(service("ntalk", listen="udp:0", dispatch="wait", exec=[talkd], user="root"))
    with socket.socket(type=socket.SOCK_DGRAM) as caller:
        caller.settimeout(PATIENCE)
        caller.connect(("127.0.0.1", daemon.port("ntalk", "udp")))
        caller.send(talk_request(*caller.getsockname()))
        version, kind = caller.recv(100)[:2]
    assert (version, kind) == (1, 1)
