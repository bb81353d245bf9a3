"""The daemon, its clients and its surroundings are those of the integration tests."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "integration"))

pytest.register_assert_rewrite("shortage")

from fixtures import place, pytest_cmdline_main, superd  # noqa: E402, F401
