"""give.py FD COMMAND...: executes COMMAND with the socket FD passed as systemd passes sockets."""

import os
import sys

os.dup2(int(sys.argv[1]), 3, inheritable=True)
if sys.argv[1] != "3":
    os.close(int(sys.argv[1]))
os.environ["LISTEN_FDS"] = "1"
os.environ["LISTEN_PID"] = os.environ.pop("GIVE_TO", str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
