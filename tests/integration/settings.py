"""Writes configurations: service("echo", builtin="echo") is the text of one section."""

import os
import pwd
import re

ROOT = os.geteuid() == 0
USER = "nobody" if ROOT else pwd.getpwuid(os.geteuid()).pw_name
# Root's superd needs a user for its front, and the machine may not have the user superd.
FRONT_USER = 65533
ANY_PORT = "tcp:127.0.0.1:0"
# On this address every port is ours, so that a test may name one and others run beside it.
HOST = f"127.77.{os.getpid() // 250 % 250}.{os.getpid() % 250 + 1}"
PORT = 12000
# On all addresses this one is: whoever runs tests beside us has another.
OUR_PORT = 23000 + os.getpid() % 9000
SECONDS_1900_TO_1970 = 2208988800


def value(of):
    if isinstance(of, bool):
        return "yes" if of else "no"
    if isinstance(of, (list, tuple)):
        return "{" + ", ".join(value(item) for item in of) + "}"
    if isinstance(of, int):
        return str(of)
    return '"' + str(of).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def options(**of):
    return "".join(f"    {name} = {value(what)}\n" for name, what in of.items() if what is not None)


def prefixed(text, **chosen):
    """The configuration with what is chosen, where it does not choose itself. Keeps the lines."""
    missing = [name for name in chosen if not re.search(rf"^[^#\n]*\b{name}\s*=", text, re.M)]
    return "".join(f"{name} = {chosen[name]} " for name in missing if text) + text


def for_root(text):
    return prefixed(text, front_user=FRONT_USER) if ROOT else text


def service(name, listen=ANY_PORT, **of):
    """A program runs as USER unless said otherwise, because root must be asked for by name."""
    listen = [listen] if isinstance(listen, str) else listen
    if "exec" in of:
        of.setdefault("user", USER)
    return f'service "{name}" {{\n{options(listen=listen, **of)}}}\n'


def shell(script):
    """The `exec` of a program that is a line of shell."""
    return ["/bin/sh", "-c", script]


ECHO = service("echo", builtin="echo")
