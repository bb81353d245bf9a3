#!/usr/bin/env python3
"""What superd.conf(5) tells those who come from xinetd and systemd is what superd says itself.

Usage: check-coming-from.py FOREIGN_WORDS SCHEMA SUPERD_CONF_PAGE

A row of the manual is an `.It Cm word , ...` item under `From xinetd` or `From systemd`. It names every
option that the message about one of its words names, and says "not yet" if the message does. All
words of FOREIGN_WORDS under the comments xinetd and systemd have a row; a row has no other words but
those that are options of superd, or known to it from elsewhere.
"""

import re
import sys
from pathlib import Path

OPTION = re.compile(r'\[OPTION_\w+\] = \{\s*"([a-z0-9_]+)"')
DEFINE = re.compile(r"^#define (\w+)(?:\(\w+\))?((?:.*\\\n)*.*\n)", re.MULTILINE)
WORD = re.compile(r'^\t\{ "(\w+)",(.*?)\},$', re.MULTILINE | re.DOTALL)
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
ROW = re.compile(r"^\.It Cm (.*)\n((?:(?!\.It|\.El).*\n)*)", re.MULTILINE)
ORIGINS = ("xinetd", "systemd")


def messages(source):
    """What superd says to each word of an origin: {origin: {word: message}}."""
    defines = {name: "".join(STRING.findall(body)) for name, body in DEFINE.findall(source)}
    words = {}
    for origin in ORIGINS:
        part = source.partition(f"/* {origin} */")[2].partition("\t/* ")[0]
        words[origin] = {
            word: "".join(STRING.findall(text))
            + "".join(defines.get(name, "") for name in re.findall(r"\b[A-Z_]+\b", text))
            for word, text in WORD.findall(part)
        }
    return words


def rows(page, origin):
    """The text of the row of each word: {word: text}."""
    section = page.partition(f".Ss From {origin}\n")[2].partition("\n.S")[0]
    return {word: text for words, text in ROW.findall(section) for word in words.split(" , ")}


def plain(name):
    return name.lower().replace("_", "")


def complaints_about(origin, words, described, known):
    options, others = known
    for word in words.keys() - described.keys():
        yield f"'{word}' of {origin} is not in the manual"
    for word in described.keys() - words.keys():
        if plain(word) not in {plain(name) for name in options | others}:
            yield f"superd does not know the word '{word}' of {origin}"
    for word in words.keys() & described.keys():
        row, message = described[word], words[word]
        named = set(re.findall(r"'([a-z0-9_]+)(?= = |')", message)) & options
        for option in sorted(named - set(re.findall(r"\w+", row))):
            yield f"'{word}' of {origin}: superd names '{option}', the manual does not"
        if (" yet" in message) != ("ot yet" in row):
            yield f"'{word}' of {origin}: only one of manual and superd says 'not yet'"


def main() -> int:
    foreign, schema, page = (Path(name).read_text() for name in sys.argv[1:])
    options = set(OPTION.findall(schema))
    others = {word for word, _ in WORD.findall(foreign)}
    complaints = []
    for origin, words in messages(foreign).items():
        described = rows(page, origin)
        if not words or not described or not options:
            complaints.append(f"no words of {origin} found")
        complaints += complaints_about(origin, words, described, (options, others))
    for complaint in sorted(complaints):
        print(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
