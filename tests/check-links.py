#!/usr/bin/env python3
"""Usage: check-links.py FILE...

Fails where a text in Markdown has a link to a file that is not there, or to a heading that its file has not.
"""

import re
import sys
from pathlib import Path

LINK = re.compile(r"\]\(([^)#:\s]*)(?:#([^)]*))?\)")


def headings(path):
    """As GitHub names them in links."""
    for title in re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE):
        yield re.sub(r"[^\w -]", "", title).lower().replace(" ", "-")


def complaints(path):
    for name, heading in LINK.findall(path.read_text()):
        target = path.parent / name if name else path
        if not target.exists():
            yield f"{path}: there is no file {name}"
        elif heading and heading not in headings(target):
            yield f"{path}: {name} has no heading {heading}"


def main() -> int:
    found = [complaint for name in sys.argv[1:] for complaint in complaints(Path(name))]
    print(*found, sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
