"""The README says what superd has and what it does not have yet."""

import pathlib
import re
import subprocess

import pytest

from daemon import PATIENCE, SUPERD

README = (pathlib.Path(__file__).parents[2] / "README.md").read_text()
OPTION = re.compile(r"`(\w+)`")


def part(title):
    return re.search(rf"^## {title}$(.*?)^## ", README, re.MULTILINE | re.DOTALL)[1]


def not_yet():
    """The first column of the table."""
    for row in re.findall(r"^\|(.*?)\|", part("What it does not do yet"), re.MULTILINE):
        yield from OPTION.findall(row)


def kept():
    """Words of xinetd."""
    line = re.search(r"^.*keep their names\.$", part("Coming from xinetd"), re.MULTILINE)[0]
    yield from OPTION.findall(line)


def is_option(name):
    done = subprocess.run(
        [SUPERD, "--explain", name], capture_output=True, text=True, timeout=PATIENCE
    )
    return done.returncode == 0


@pytest.mark.parametrize("name", not_yet())
def test_what_is_not_there_yet_is_not_there(name):
    assert not is_option(name), "move it from 'not yet' to 'yes' in the README"


@pytest.mark.parametrize("name", kept())
def test_the_words_of_xinetd_that_are_kept_are_options(name):
    assert is_option(name)
