#!/usr/bin/env python3
"""Every option of the schema is in superd.conf(5), and the page has no other.

Usage: check-options.py MAN_PAGE SCHEMA

An option of the schema is a `[OPTION_...] = { "name"` entry; one of the page is an `.It Ic name`
item.
"""

import re
import sys
from pathlib import Path

ENTRY = re.compile(r'\[OPTION_\w+\] = \{\s*"([a-z0-9_]+)"')
ITEM = re.compile(r"^\.It Ic ([a-z0-9_]+)", re.MULTILINE)


def main() -> int:
    page, schema = map(Path, sys.argv[1:])
    described = set(ITEM.findall(page.read_text()))
    known = set(ENTRY.findall(schema.read_text()))

    for name in sorted(known - described):
        print(f"{page}: option '{name}' is not described")
    for name in sorted(described - known):
        print(f"{page}: there is no option '{name}'")
    if not known:
        print(f"{schema}: no options found")
    return 0 if known and known == described else 1


if __name__ == "__main__":
    sys.exit(main())
