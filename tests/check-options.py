#!/usr/bin/env python3
"""Every option of the schema is in superd.conf(5), and the page has no other.

Usage: check-options.py MAN_PAGE DIRECTORY

The schema is every CFG_...("name" entry in the C files of DIRECTORY; an option of the page is
an `.It Ic name` item.
"""

import re
import sys
from collections.abc import Iterable
from pathlib import Path

ENTRY = re.compile(r'\bCFG_[A-Z_]+\(\s*"([a-z0-9_]+)"')
ITEM = re.compile(r"^\.It Ic ([a-z0-9_]+)", re.MULTILINE)


def names(pattern: re.Pattern, paths: Iterable[Path]) -> set[str]:
    return {name for path in paths for name in pattern.findall(path.read_text())}


def main() -> int:
    page, directory = map(Path, sys.argv[1:])
    described, known = names(ITEM, [page]), names(ENTRY, directory.glob("*.c"))

    for name in sorted(known - described):
        print(f"{page}: option '{name}' is not described")
    for name in sorted(described - known):
        print(f"{page}: there is no option '{name}'")
    if not known:
        print(f"no options found in {directory}")
    return 0 if known and known == described else 1


if __name__ == "__main__":
    sys.exit(main())
