#!/usr/bin/env python3
"""Fills a template with the options of superd.conf, their words, and the options of the command line.

Usage: from-options.py SOURCE_DIRECTORY TEMPLATE OUTPUT

They are read from the tables that superd itself is compiled from. A template has these names between
two @: root_options, other_options, all_options, words, long_options, short_options.
"""

import re
import sys
from pathlib import Path

OPTION = re.compile(r'\[OPTION_\w+\] = \{\s*"(\w+)",\s*(\w+)')
TABLE = re.compile(r"^TABLE\(\w+, ([^;]*)\);", re.MULTILINE)
ALSO = re.compile(r'\.also = "(\w+)"')
ROW = re.compile(r'^\t\[\w+\] = \{ "(\w+)"', re.MULTILINE)
LONG = re.compile(r'\{ "([a-z-]+)", (\w+)_argument, NULL, (?:\'(\w)\'|[\w +]+) \}')


def read(source):
    schema = (source / "config/schema.c").read_text()
    options = OPTION.findall(schema)
    words = {"none", *ALSO.findall(schema)}
    for table in TABLE.findall(schema):
        words.update(re.findall(r'"(\w+)"', table))
    for name in "builtin", "dispatch":
        rows = ROW.findall((source / f"config/{name}.c").read_text())
        assert rows, name
        words.update(rows)
    command = LONG.findall((source / "main.c").read_text())
    assert options and command
    return options, words, command


def main():
    source, template, output = map(Path, sys.argv[1:])
    options, words, command = read(source)
    names = {
        "root_options": [name for name, where in options if where == "ROOT"],
        "other_options": [name for name, where in options if where != "ROOT"],
        "all_options": [name for name, _ in options],
        "words": sorted(words),
        "long_options": [f"--{name}" for name, _, _ in command],
        "short_options": [f"-{letter}" for _, _, letter in command if letter],
    }
    text = template.read_text()
    for key, values in names.items():
        text = text.replace(f"@{key}@", " ".join(values))
    left = re.search(r"@\w+@", text)
    if left:
        sys.exit(f"{template}: nothing is known of {left[0]}")
    output.write_text(text)


if __name__ == "__main__":
    main()
