"""The daemon, its clients and its surroundings are those of the integration tests."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "integration"))

from fixtures import place, superd  # noqa: E402, F401
