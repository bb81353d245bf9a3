"""Programs for `dispatch = pool`: accept loops that tell their process id and echo until told."""

import signal

from settings import service

PYTHON = "/usr/bin/python3"

# TERM ends it at once, or after the client that it has. A client has a descriptor as soon as it is
# accepted, which may be just before the signal.
LOOP = """
import os, signal, socket, sys
told = False
def descriptors():
    return len(os.listdir("/proc/self/fd"))
def end(*_):
    global told
    told = True
    if descriptors() == idle:
        os._exit(0)
listener = socket.socket(fileno=0)
idle = descriptors()
signal.signal(signal.SIGTERM, end)
while not told:
    client, _ = listener.accept()
    client.sendall(b"%d\\n" % os.getpid())
    while data := client.recv(64):
        client.sendall(data)
    client.close()
"""

NOTIFY = """
import os, socket
def notify(text):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.sendto(text, os.environ["NOTIFY_SOCKET"].replace("@", "\\0"))
"""

# Is ready when somebody has opened the other end of the pipe that is its argument.
READY_WHEN_TOLD = NOTIFY + "import sys; open(sys.argv[1]).close(); notify(b'READY=1')\n" + LOOP


def pool(name, script=LOOP, args=(), **options):
    return service(name, exec=[PYTHON, "-c", script, *map(str, args)], dispatch="pool", **options)


def pid_of(client):
    """Which process accepted; the client is held by it until it closes."""
    said = b""
    while not said.endswith(b"\n"):
        piece = client.recv(64)
        assert piece, "nobody serves"
        said += piece
    return int(said)


def serves(daemon, name, **how):
    with daemon.connect(name, **how) as client:
        return pid_of(client)


def started(daemon, name, count=1, after=0):
    """The process ids that the log has told, once there are so many."""
    pattern = rf"service '{name}': started, pid (\d+)"
    daemon.wait_log(pattern, count=count, after=after)
    return [int(found[1]) for found in daemon.log.find(pattern, after)]


def report(daemon, name):
    """What USR1 says of the pool."""
    said = len(daemon.log)
    daemon.signal(signal.SIGUSR1)
    return daemon.wait_log(rf"service '{name}': (?:pool|pass), (.*)", after=said)[1]
