"""superd at rest: the memory that is its own, and how often it wakes up."""

import os
import socket
import subprocess
import time

from processes import family_of, private_kib, switches
from servers import NotStarted, end_process

READY_SECONDS = 5
SETTLE_SECONDS = 1


def wait_until_ready(receiver, process):
    """A superd that does not notify gets the whole time to start."""
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise NotStarted(f"ended with status {process.returncode}")
        try:
            if b"READY=1" in receiver.recv(4096):
                return
        except TimeoutError:
            continue


def watch(pid, seconds):
    time.sleep(SETTLE_SECONDS)
    family = family_of(pid)
    before = {one: switches(one) for one in family}
    time.sleep(seconds)
    if family_of(pid) != family:
        raise NotStarted("its processes changed while it was watched")
    return {
        "processes": len(family),
        "private_kib": sum(private_kib(one) for one in family),
        "wake_ups": sum(switches(one) - before[one] for one in family),
        "seconds": seconds,
    }


def measure(superd, config, folder, seconds):
    path = os.path.join(folder, "notify")
    argv = [superd, "-f", "-c", config, "-p", "20000"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(path)
        os.chmod(path, 0o666)
        receiver.settimeout(0.2)
        process = subprocess.Popen(
            argv,
            env={**os.environ, "NOTIFY_SOCKET": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            wait_until_ready(receiver, process)
            return watch(process.pid, seconds)
        except (FileNotFoundError, ProcessLookupError) as error:
            raise NotStarted("ended while it was watched") from error
        finally:
            end_process(process)
            os.unlink(path)
