"""give.py FD,... COMMAND...: executes COMMAND with sockets passed as systemd passes them."""

import fcntl
import os
import sys

given = [int(fd) for fd in sys.argv[1].split(",")]
# Moved out of the way first, because their numbers may be wanted for others of them.
moved = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100) for fd in given]
for fd in given:
    os.close(fd)
for number, fd in enumerate(moved, 3):
    os.dup2(fd, number, inheritable=True)
os.environ["LISTEN_FDS"] = str(len(moved))
os.environ["LISTEN_PID"] = os.environ.pop("GIVE_TO", str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
