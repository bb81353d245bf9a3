#!/usr/bin/env python3
"""The pages for users are plain: no sentence is long, and no forbidden phrase occurs.

Usage: check-english.py PAGE...

A PAGE is a manual page or a Markdown file. It is looked at as it is rendered, without NAME, the
synopsis, tables, headings, tags and code. Without mandoc manual pages are skipped.
"""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

SKIPPED = 77
WORDS_MAX = 30
FORBIDDEN = re.compile(r"\b(mistakes?|of which|so long|so many|mostly|a none)\b", re.IGNORECASE)
END = re.compile(r"(?<=[.?!])[\"'”’)]*\s+")
# What has no sentences, and what begins or ends a block of text.
OMITTED = {"pre", "table", "h1", "h2", "dt"}
BLOCKS = {"p", "div", "dl", "dd", "ul", "ol", "li", "section", "br"}
WITHOUT_END = {"br", "hr", "img"}
UNREAD = re.compile(
    r'<section class="Sh">\s*<h1[^>]*><a[^>]*>(NAME|SYNOPSIS)<.*?</section>', re.DOTALL
)


class Blocks(HTMLParser):
    """Collects the text between the tags of blocks."""

    def __init__(self):
        super().__init__()
        self.blocks, self.text, self.omitted = [], "", []

    def flush(self):
        self.blocks.append(" ".join(self.text.split()))
        self.text = ""

    def handle_starttag(self, tag, attributes):
        if (self.omitted or tag in OMITTED) and tag not in WITHOUT_END:
            self.omitted.append(tag)
        if tag in BLOCKS:
            self.flush()

    def handle_endtag(self, tag):
        if self.omitted and tag not in WITHOUT_END:
            self.omitted.pop()
        if tag in BLOCKS | OMITTED:
            self.flush()

    def handle_data(self, data):
        self.text += "" if self.omitted else data


def blocks_of_manual(path):
    """HTML tells text from tables, lists and examples."""
    command = ["mandoc", "-T", "html", "-O", "fragment", path]
    html = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    parser = Blocks()
    parser.feed(UNREAD.sub("", html))
    parser.flush()
    return parser.blocks


def blocks_of_markdown(path):
    text = re.sub(r"^```.*?^```", "\n", path.read_text(), flags=re.M | re.S)
    text = re.sub(r"<!--.*?-->|<[^>]+>", "", text, flags=re.S)
    text = re.sub(r"^(\||#|    ).*$", "", text, flags=re.M)
    text = re.sub(r"^\s*([-*]|\d+\.) ", "\n", text, flags=re.M)
    text = re.sub(r"!?\[([^]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"`([^`]*)`", lambda code: code[1].replace(" ", "\u00a0"), text)
    return [" ".join(block.split()) for block in re.split(r"\n\s*\n", text)]


def complaints_about(path):
    is_manual = path.suffix != ".md"
    blocks = blocks_of_manual(path) if is_manual else blocks_of_markdown(path)
    if not any(blocks):
        yield f"{path}: there is no text"
    for block in blocks:
        for phrase in FORBIDDEN.findall(block):
            yield f"{path}: '{phrase}' in: {block}"
        for sentence in END.split(block):
            words = [word for word in sentence.split(" ") if re.search(r"\w", word)]
            if len(words) > WORDS_MAX:
                yield f"{path}: {len(words)} words: {sentence}"


def main() -> int:
    pages = [Path(name) for name in sys.argv[1:]]
    if not shutil.which("mandoc"):
        print("mandoc is not installed")
        return SKIPPED
    complaints = [complaint for page in pages for complaint in complaints_about(page)]
    print("\n".join(complaints))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
