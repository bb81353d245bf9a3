"""The programs that come with superd."""

import os
import pathlib

BUILD = pathlib.Path(os.environ.get("SERVICES", "build/services"))
SOURCE = pathlib.Path(__file__).parents[2] / "services"


def reachable(place, path):
    """A copy that every user may read, wherever the original lies."""
    copy = place / path.name
    copy.write_bytes(path.read_bytes())
    copy.chmod(0o755)
    return str(copy)
