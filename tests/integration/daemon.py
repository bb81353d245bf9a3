"""A superd under test, seen as an administrator sees it: its log, its notifications, its sockets.

Nothing here sleeps: two threads collect what the daemon says, and whoever waits is woken by them.
"""

import os
import re
import signal
import socket
import subprocess
import threading

from process import PATIENCE, children, eventually, status, title
from settings import ROOT, for_root, prefixed

SUPERD = os.path.abspath(os.environ.get("SUPERD", "build/src/superd"))
SANITIZER = re.compile(r"Sanitizer|runtime error:")
# A front that looks for a file fails a test, too: nothing of superd's own makes it do so.
SECCOMP = None if "libseccomp" in subprocess.getoutput(f"'{SUPERD}' --version") else "strict"
FRONTS = ("superd: front", "superd: front, draining")
KINDS = {
    "tcp": socket.SOCK_STREAM,
    "udp": socket.SOCK_DGRAM,
    "unix": socket.SOCK_STREAM,
    "unix-dgram": socket.SOCK_DGRAM,
    "unix-seqpacket": socket.SOCK_SEQPACKET,
}


class Lines:
    """What somebody said so far, in order; read() gives the next piece and b"" at the end."""

    def __init__(self, read, at_end=None):
        self.items = []
        self.found = {}
        self.closed = False
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self._collect, args=(read, at_end), daemon=True)
        self.thread.start()

    def _collect(self, read, at_end):
        while piece := read():
            with self.changed:
                self.items.append(piece.decode(errors="backslashreplace").rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.closed = True
            self.changed.notify_all()
        if at_end:
            at_end()

    def __len__(self):
        return len(self.items)

    def text(self):
        return "\n".join(self.items)

    def find(self, pattern, after=0):
        """Looks at each piece once, however often it is asked for the same."""
        seen, found = self.found.get((pattern, after), (after, []))
        items = self.items[seen:]
        found = found + [m for item in items if (m := re.search(pattern, item, re.M))]
        self.found[pattern, after] = seen + len(items), found
        return list(found)

    def wait(self, pattern, after=0, count=1, patience=PATIENCE):
        """Returns the first match once `count` pieces from number `after` on have matched."""
        with self.changed:
            self.changed.wait_for(
                lambda: self.closed or len(self.find(pattern, after)) >= count, patience
            )
        found = self.find(pattern, after)
        assert len(found) >= count, f"waited for {count} of {pattern!r} in:\n{self.text()}"
        return found[0]


class NotifySocket:
    """Stands in for systemd's end of NOTIFY_SOCKET."""

    def __init__(self, path):
        self.path = str(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        os.chmod(self.path, 0o666)
        self.messages = Lines(lambda: self.socket.recv(65536))

    def end(self):
        """Nobody is left who could say anything: wakes whoever waits for it."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(b"", self.path)

    def close(self):
        if not self.messages.closed:
            self.end()
        self.messages.thread.join(PATIENCE)
        self.socket.close()


class Daemon:
    """superd in the foreground. `wrapper` is a command that ends by executing its arguments."""

    def __init__(self, config, text, wrapper=(), args=(), env=None, **popen):
        self.config = config
        self.as_root = ROOT and not any(word.startswith("--reuid") for word in wrapper)
        self.sockets = []
        self.status = None
        self.expected_status = 0
        self.denials = 0  # of system calls
        self.write(text)
        self.notify = NotifySocket(f"{config}.notify")
        self.process = subprocess.Popen(
            [*wrapper, popen.pop("binary", SUPERD), "-f", "-c", str(config), *args],
            env={"PATH": os.environ["PATH"], "NOTIFY_SOCKET": self.notify.path, **(env or {})},
            **{"stdin": subprocess.DEVNULL, "stderr": subprocess.PIPE, **popen},
        )
        self.keeper = self.process.pid
        self.log = Lines(bytes)
        if self.process.stderr:
            self.log = Lines(self.process.stderr.readline, at_end=self.notify.end)

    def write(self, text):
        """The configuration, with what the environment chooses where the text does not."""
        chosen = {name: os.environ.get(f"SUPERD_{name.upper()}") for name in ("workers", "poller")}
        chosen["front_seccomp"] = SECCOMP
        chosen = {name: choice for name, choice in chosen.items() if choice}
        text = for_root(text) if self.as_root else text
        self.config.write_text(prefixed(text, **chosen))

    # What it says

    def wait_ready(self, after=0):
        self.notify.messages.wait("^READY=1$", after)

    def wait_log(self, pattern, **how):
        return self.log.wait(pattern, **how)

    def has_said(self, pattern):
        """Whether it has until now, as is known once it has said what USR1 asks for."""
        logged = len(self.log)
        self.signal(signal.SIGUSR1)
        self.wait_log("state: ", after=logged)
        return bool(self.log.find(pattern))

    def endpoints(self, service, kind="tcp"):
        """The endpoints of that kind that the log has announced, the newest last."""
        pattern = rf"service '{re.escape(service)}': listening on {kind}[46]?:(\S+)"
        self.wait_log(pattern)
        return [m[1] for m in self.log.find(pattern)]

    def address(self, service, kind="tcp"):
        text = self.endpoints(service, kind)[-1]
        if kind.startswith("unix"):
            return re.sub("^@", "\0", text)
        host, _, port = text.rpartition(":")
        return host.strip("[]") or "127.0.0.1", int(port)

    def port(self, service, kind="tcp"):
        return self.address(service, kind)[1]

    # What its clients do

    def socket(self, service, kind="tcp"):
        """A socket that fits the service, not connected yet, and the address to connect to."""
        address = self.address(service, kind)
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        if family == socket.AF_INET and ":" in address[0]:
            family = socket.AF_INET6
        client = socket.socket(family, KINDS[kind])
        client.settimeout(PATIENCE)
        self.sockets.append(client)
        return client, address

    def connect(self, service, kind="tcp"):
        client, address = self.socket(service, kind)
        client.connect(address)
        return client

    def datagram(self, service, kind="udp"):
        """Connected, so that only what comes from the service's own address is received."""
        client, address = self.socket(service, kind)
        if kind == "unix-dgram":
            client.bind(b"")
        client.connect(address)
        return client

    def ask(self, service, data=b"", kind="tcp"):
        """Sends, says that this was all, and returns everything that comes back."""
        with self.connect(service, kind) as client:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            return read_all(client)

    # What its administrator does

    def signal(self, number):
        os.kill(self.keeper, number)

    def reload(self, text=None, expect=None):
        """Replaces the file, sends HUP, waits until superd serves again and has said `expect`."""
        said, logged = len(self.notify.messages), len(self.log)
        if text is not None:
            self.write(text)
        self.signal(signal.SIGHUP)
        self.wait_ready(after=said)
        if expect:
            self.wait_log(re.escape(expect), after=logged)

    @property
    def front(self):
        """The newest one."""
        return eventually(self.fronts)[-1]

    def fronts(self):
        """Other children that are still superd, such as one that is to be a program, are none."""
        return [pid for pid in children(self.keeper) if title(pid) in FRONTS]

    def stop_process(self, pid):
        """Until continue_process(), so that everything that arrives meanwhile is found at once."""
        os.kill(pid, signal.SIGSTOP)
        eventually(lambda: status(pid)["State"].startswith("T"))

    def continue_process(self, pid):
        os.kill(pid, signal.SIGCONT)

    def kill(self):
        self.process.kill()
        self.expected_status = -signal.SIGKILL

    def stop(self):
        """Returns the exit status, once superd is gone."""
        for client in self.sockets:
            client.close()
        if self.status is None:
            if self.process.poll() is None:
                self.signal(signal.SIGCONT)
                self.signal(signal.SIGTERM)
            try:
                self.status = self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.status = self.process.wait() and "it did not stop"
            self.log.thread.join(PATIENCE)
            self.notify.close()
        return self.status


def read_all(client):
    pieces = []
    while piece := client.recv(1 << 16):
        pieces.append(piece)
    return b"".join(pieces)
