"""Thousands of services at once, of which all but a few have nothing to do."""

import resource
import socket
import subprocess
import threading

import pytest

from daemon import SUPERD
from process import SANITIZED, descriptors, eventually
from settings import FRONT_USER, HOST, PORT, ROOT, service

SPARE_DESCRIPTORS = 200


@pytest.fixture
def many():
    """So many that no limit of this machine is reached; superd inherits the raised limit."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield min(1500 if SANITIZED else 10_000, before[1] - SPARE_DESCRIPTORS)
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def services(n, **changed):
    """The last one has the options that @changed gives."""
    quiet = {"builtin": "daytime", "log_on_success": ["none"]}
    ports = [f"tcp:{HOST}:{PORT + number}" for number in range(n)]
    all_but_one = (service(f"s{number}", port, **quiet) for number, port in enumerate(ports[:-1]))
    last = service(f"s{n - 1}", ports[-1], **{**quiet, **changed})
    return "poller = auto\n" + "".join(all_but_one) + last


def ask(number):
    with socket.create_connection((HOST, PORT + number), 20) as client:
        return client.recv(64)


def test_ten_thousand_services_are_served_and_reloaded(superd, many):
    daemon = superd(services(many))
    assert all(ask(number).endswith(b"\r\n") for number in range(many))

    done = threading.Event()
    refused = []
    served = [0, 0]

    def be_clients(mine):
        number = mine
        while not done.is_set():
            try:
                assert ask(number % (many - 1)).endswith(b"\r\n")
                served[mine] += 1
            except (OSError, AssertionError) as error:
                refused.append(error)
            number += 7

    threads = [threading.Thread(target=be_clients, args=(mine,)) for mine in range(2)]
    for thread in threads:
        thread.start()
    for builtin in ("time", "daytime"):
        before = list(served)
        daemon.reload(services(many, builtin=builtin))
        assert len(ask(many - 1)) == {"time": 4, "daytime": 26}[builtin]
        eventually(lambda: all(now > then for now, then in zip(served, before)))
    done.set()
    for thread in threads:
        thread.join()
    assert refused == []


def test_a_program_starts_with_few_descriptors_in_the_table(superd):
    """Or each start would copy, and close, the listeners of all the services."""
    idle = "".join(service(f"s{number}", builtin="daytime") for number in range(200))
    daemon = superd(idle + service("cat", exec=["/bin/cat"]))
    for _ in range(3):
        assert daemon.ask("cat", b"x") == b"x"
    eventually(lambda: spare_of(daemon) < 20)


def spare_of(daemon):
    """The number that the keeper holds free by a second descriptor of its signals."""
    held = [fd for fd, what in descriptors(daemon.keeper).items() if "signalfd" in what]
    return max(held)


def test_more_services_than_there_can_be_are_found_by_the_check(tmp_path):
    """As they were at the start alone, where no room was left for their statistics."""
    config = tmp_path / "superd.conf"
    lines = [f"front_user = {FRONT_USER}"] if ROOT else []
    lines += [f'service s{n} {{ builtin = echo listen = "unix:@many-{n}" }}' for n in range(32769)]
    config.write_text("\n".join(lines) + "\n")
    checked = subprocess.run([SUPERD, "--check", "-c", config], capture_output=True, text=True)
    assert checked.returncode == 78
    assert checked.stderr == (
        f"{config}:{len(lines)}: service 's32768': superd serves at most 32768 services, "
        "and there are 32769\n"
    )
