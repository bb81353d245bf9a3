"""The values of `env` and `passenv` are for programs. A front never has them in its memory."""

import secrets

import pytest

from process import SANITIZED
from settings import ECHO, service

# A sanitizer keeps what was freed.
pytestmark = pytest.mark.skipif(SANITIZED, reason="a sanitizer keeps what was freed")


def secret():
    return secrets.token_hex(8)


def program(name, value, **of):
    return service(
        name,
        exec=["/usr/bin/env"],
        env=[f"PASSWORD={value}", "OTHER=x"],
        passenv=["TOKEN", "LANG"],
        **of,
    )


def assert_forgotten(front, *values):
    assert front.remembers(b"what-a-front-knows")
    found = [value for value in values if front.remembers(value.encode())]
    assert not found, [(found, front.where(value.encode())) for value in found]


def test_no_secret_is_in_a_front(owned):
    password, token = secret(), secret()
    front = owned(program("what-a-front-knows", password), env={"TOKEN": token})
    assert_forgotten(front, password, token)
    said = front.daemon.ask("what-a-front-knows").decode()
    assert f"PASSWORD={password}\n" in said and f"TOKEN={token}\n" in said
    assert_forgotten(front, password, token)


@pytest.mark.parametrize("kind", ["wait", "pool", "pass"])
def test_no_secret_of_a_process_that_runs_beforehand_is_in_a_front(owned, kind):
    password = secret()
    text = service(
        "what-a-front-knows",
        exec=["/bin/sleep", "1000"],
        dispatch=kind,
        env=[f"PASSWORD={password}"],
    )
    assert_forgotten(owned(text), password)


def test_no_secret_of_another_configuration_is_in_a_front(owned):
    """Neither an old one nor the new one, nor one of a file with errors."""
    old, new, bad = secret(), secret(), secret()
    first = owned(program("what-a-front-knows", old))
    first.daemon.reload(program("what-a-front-knows", new))
    second = first.successor()
    assert_forgotten(second, old, new)
    first.daemon.reload(program("what-a-front-knows", bad) + "service {")
    assert f"PASSWORD={new}\n" in first.daemon.ask("what-a-front-knows").decode()
    second.end()
    assert_forgotten(second.successor(), old, new, bad)


def test_no_secret_among_many_is_in_a_front(owned):
    """The memory of a large configuration is freed and used again in many pieces."""
    values = [secret() for _ in range(500)]
    text = "".join(program(f"s{n}", value) for n, value in enumerate(values))
    front = owned(ECHO.replace("echo", "what-a-front-knows", 1) + text)
    assert_forgotten(front, *values[::25])
    front.daemon.reload()
    assert_forgotten(front.successor(), *values[::25])


def test_a_secret_with_quotes_is_in_no_front(owned):
    value = secret()
    text = program("what-a-front-knows", f'"\\{value}$\\"' * 40)
    front = owned(text)
    assert_forgotten(front, value)
    said = front.daemon.ask("what-a-front-knows").decode()
    assert said.count(f'"\\{value}$\\"') == 40
