"""Executes its arguments from surroundings that no program should see: see test_hygiene.py."""

import os
import signal
import sys
import tempfile

for number in (7, 9, 10, 251):
    file, path = tempfile.mkstemp(prefix="inherited-")
    os.unlink(path)
    os.dup2(file, number, inheritable=True)
    if file not in (7, 9, 10, 251):
        os.close(file)
for number in (signal.SIGUSR2, signal.SIGPIPE, signal.SIGCHLD):
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGHUP, signal.SIGTERM})
os.umask(0)
if os.geteuid() == 0:
    os.setgroups([1, 2, 4242])
os.execv(sys.argv[1], sys.argv[1:])
