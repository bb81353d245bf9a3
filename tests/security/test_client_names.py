"""What a client chooses for its own name is no option of a program."""

import os
import socket

import pytest

from daemon import read_all
from settings import service, shell


@pytest.mark.parametrize("name, text", [("-n", "./-n"), ("@x", "./@x"), ("--help", "./--help")])
def test_the_name_of_a_client_is_never_an_option(superd, place, monkeypatch, name, text):
    place.chmod(0o777)
    daemon = superd(
        service("argument", f"unix:{place}/argument", exec=["/bin/echo", "%{remote_addr}"])
        + service("variable", f"unix:{place}/variable", exec=shell('echo "$REMOTE_ADDR"'))
    )
    monkeypatch.chdir(place)
    for asked in "argument", "variable":
        with socket.socket(socket.AF_UNIX) as client:
            client.bind(name)
            client.connect(str(place / asked))
            assert read_all(client).decode() == text + "\n"
        os.unlink(name)
