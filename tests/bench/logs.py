"""Logs as people have them: a file, a syslog daemon, the journal. Each counts its lines.

A server whose name ends in -to-file, -to-syslog or -to-journal writes a line when a client comes and
another when it has gone.
"""

import os
import stat
import subprocess

from tools import NotStarted

TARGETS = ("file", "syslog", "journal")

# Of the real machine nothing is hidden, only what a server sees of /dev.
WITH_DEV = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /dev && exec "$@"']


def in_box():
    """Whether systemd is process 1 of a machine that is made up for us."""
    return "BENCH_BOX" in os.environ


def split(server):
    """A server's name without its log, and where the log goes, or an empty text."""
    name, _, target = server.partition("-to-")
    return name, target


class FileLog:
    def __init__(self, tools):
        self.path = tools.new_path("file.log")
        self.helper = []

    def wrap(self, argv):
        return argv

    def count(self):
        try:
            with open(self.path, "rb") as file:
                return sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b""))
        except FileNotFoundError:
            return 0


class SyslogLog(FileLog):
    """/dev/log is ours, and what comes there goes to a file."""

    def __init__(self, tools):
        super().__init__(tools)
        if os.geteuid() != 0:
            raise NotStarted("a /dev/log of its own needs root")
        self.dev = tools.new_path("dev")
        os.mkdir(self.dev)
        os.mknod(f"{self.dev}/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        os.chmod(f"{self.dev}/null", 0o666)
        self.helper = [tools.path("log-sink"), f"{self.dev}/log", self.path]

    def wrap(self, argv):
        return [*WITH_DEV, self.dev, *argv]


class JournalLog:
    """That of the box: nobody else's is filled."""

    def __init__(self, tools):
        if not in_box():
            raise NotStarted("the journal is filled only in the box (--box)")
        self.helper = []

    def wrap(self, argv):
        return argv

    def count(self):
        subprocess.run(["journalctl", "--sync"], check=True)
        with subprocess.Popen(
            ["journalctl", "--quiet", "--output=cat"], stdout=subprocess.PIPE
        ) as journal:
            return sum(1 for _ in journal.stdout)


def open_log(target, tools):
    return {"file": FileLog, "syslog": SyslogLog, "journal": JournalLog}[target](tools)
