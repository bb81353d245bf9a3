"""The keeper sends no signal to a process id that is somebody else's by now."""

import os
import signal
import socket
import subprocess
from contextlib import suppress

from process import alive, children, eventually, status
from settings import ECHO, service

CAT = service("cat", exec=["/bin/cat"])

# The next process gets the number. It says which it has got, and stays.
TAKE = "echo {} >/proc/sys/kernel/ns_last_pid; sh -c 'echo $$; exec sleep 1000' & wait"


def take_number(keeper, number):
    """Has root start a process with this number, in the keeper's namespace, in a shell there."""
    command = ["nsenter", f"--target={keeper}", "--pid", "--mount", "sh", "-c"]
    for _ in range(50):
        shell = subprocess.Popen(
            [*command, TAKE.format(number - 1)], stdout=subprocess.PIPE, start_new_session=True
        )
        if int(shell.stdout.readline()) == number:
            return shell
        end(shell)
    raise AssertionError(f"nobody gets the number {number}")


def end(shell):
    os.killpg(shell.pid, signal.SIGKILL)
    shell.wait()
    # What nsenter has started is ours now, and its namespace ends once it has been waited for.
    with suppress(ChildProcessError):
        while True:
            os.waitpid(-shell.pid, 0)
    shell.stdout.close()


def test_who_got_the_number_of_a_dead_front_lives(owned, boxed):
    front = owned(ECHO + CAT, start=boxed)
    daemon = front.daemon
    number = int(status(front.pid)["NSpid"].split()[-1])
    # As a fork of the front has it, and uses it when the front itself is gone.
    channel = socket.socket(fileno=front.give(front.channel))
    bad = front.message(0)
    front.end(1)
    eventually(lambda: not alive(front.pid))
    shell = take_number(daemon.keeper, number)
    try:
        # nsenter, the shell, and who has the number
        victim = eventually(lambda: children(children(shell.pid)[0]))[0]
        with suppress(BrokenPipeError):
            channel.send(bad)
        front.successor()
        assert daemon.ask("echo", b"ping") == b"ping"
        daemon.reload(ECHO)
        assert daemon.ask("echo", b"ping") == b"ping"
        assert alive(victim)
    finally:
        end(shell)
        channel.close()
