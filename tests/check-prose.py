#!/usr/bin/env python3
"""Usage: check-prose.py FILE...

Fails where a text in Markdown has a sentence of more than 30 words, a word that reads badly, or a link to
a file that is not there.
"""

import re
import sys
from pathlib import Path

LONGEST = 30
BAD = ["mistake", "of which", "so long", "so many", "mostly", "a none"]
CODE = re.compile(r"^```.*?^```|^    .*?$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)#:]+)(#[^)]*)?\)")


def pieces(text):
    """Paragraphs, items of lists and cells of tables."""
    text = CODE.sub("\n", text)
    text = re.sub(r"^\|.*$", lambda row: row[0].replace("|", "\n\n"), text, flags=re.MULTILINE)
    return re.split(r"\n\s*\n|\n(?=(?:\d+\.|-) )", text)


def complaints(path):
    text = path.read_text()
    for piece in pieces(text):
        piece = " ".join(piece.split())
        for sentence in re.split(r"(?<=[.!?:])[\"')]* ", piece):
            if len(sentence.split()) > LONGEST:
                yield f"more than {LONGEST} words: {sentence}"
        for word in BAD:
            if re.search(rf"\b{word}", piece, re.IGNORECASE):
                yield f"'{word}' reads badly: {piece}"
    for name, _ in LINK.findall(text):
        if not (path.parent / name).exists():
            yield f"there is no file {name}"


def main() -> int:
    found = [f"{name}: {said}" for name in sys.argv[1:] for said in complaints(Path(name))]
    print(*found, sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
