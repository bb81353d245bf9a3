#!/usr/bin/env python3
"""Every option of the schema is in superd.conf(5), in one shape, and the manual names no other.

Usage: check-options.py SCHEMA SUPERD_CONF_PAGE OTHER_PAGE...

An option of the schema is a `[OPTION_...] = { "name"` entry; one that superd.conf(5) describes is
an `.It Ic name` item; one that a page names follows the macro Ic. The item has one paragraph that says
what the option does, and then the items of FACTS. The values are those of the schema: its limits and
its words. An item of the index has ` Ta`; the index has every option once, in the order of the page.
"""

import re
import sys
from pathlib import Path

ENTRY = re.compile(r'\[OPTION_\w+\] = \{\s*"([a-z0-9_]+)"')
ITEM = re.compile(r"^\.It Ic ([a-z0-9_]+)(?![^\n]* Ta\b)", re.MULTILINE)
PART = re.compile(ITEM.pattern + r"[^\n]*\n(.*?)(?=^\.It Ic|^\.S[hs])", re.MULTILINE | re.DOTALL)
INDEXED = re.compile(r"^\.It Ic ([a-z0-9_]+) Ta\b", re.MULTILINE)
BODY = re.compile(ENTRY.pattern + r"(.*?)\},\n(?=\t\[|\t/|\n|\};)", re.DOTALL)
TABLE = re.compile(r"^TABLE\((\w+), ([^;]*)\);", re.MULTILINE)
MACRO = re.compile(r'^#define ([A-Z_]+) (".*")$', re.MULTILINE)
FACTS = ["Values:", "Default:", "Applies to:", "Example:"]
NAMED = re.compile(r"^\..*?\bIc ((?:[a-z0-9_]+(?: , |\b))+)", re.MULTILINE)
SECTIONS = {"defaults", "service", "set"}


def index_complaints(page: Path):
    indexed = INDEXED.findall(page.read_text())
    described = ITEM.findall(page.read_text())
    for name in sorted(set(described) ^ set(indexed)):
        yield f"{page}: '{name}' is not both in the index and below"
    for name, other in zip(indexed, described):
        if name != other and set(indexed) == set(described):
            yield f"{page}: the index has '{name}' where '{other}' is described"
            return


def values_of(schema: str):
    """Which limits and words the schema has for each option: {name: {value, ...}}."""
    tables = {name: re.findall(r'"(\w+)"', words) for name, words in TABLE.findall(schema)}
    macros = dict(MACRO.findall(schema))
    for name, body in BODY.findall(schema):
        for macro, text in macros.items():
            body = re.sub(rf"\b{macro}\b", text, body)
        takes = " ".join(re.findall(r'"([^"]*)"', body)).partition(", such as")[0]
        words = re.search(r"\.words = &(\w+)", body)
        values = set(re.findall(r"-?\b\d+[a-z]*\b", takes.partition("as '")[0]))
        values |= set(re.findall(r"'([a-z]+)'", takes))
        yield name, values | set(tables.get(words[1], []) if words else [])


def value_complaints(schema: Path, page: Path):
    parts = dict(PART.findall(page.read_text()))
    headings = dict(re.findall(r"^\.It Ic (\w+) (No = .*)", page.read_text(), re.MULTILINE))
    for name, values in values_of(schema.read_text()):
        facts = parts.get(name, "").partition("\n.It Values:\n")[2].partition("\n.It ")[0]
        said = set(re.findall(r"-?[0-9a-z]+", facts.replace("\\-", "-") + headings.get(name, "")))
        # What a boolean also takes is said once, and modes begin with 0.
        missing = {value for value in values - {"true", "false", "on", "off"} if value not in said}
        for value in sorted(value for value in missing if "0" + value not in said):
            yield f"{page}: '{name}' takes {value}, the manual does not say so"


def shape_complaints(page: Path):
    for name, part in PART.findall(page.read_text()):
        what, _, facts = part.partition("\n.Pp\n.Bl -tag -width")
        if re.search(r"^\.(It|Bl|Pp)", what, re.MULTILINE):
            yield f"{page}: '{name}' does not begin with one paragraph before 'Values:'"
        if re.findall(r"^\.It (.*)", facts.partition("\n.El\n")[0], re.MULTILINE) != FACTS:
            yield f"{page}: '{name}' needs these items: {' '.join(FACTS)}"
        if f"\n.It Example:\n{name} = " not in facts:
            yield f"{page}: the example of '{name}' is not one of '{name}'"


def main() -> int:
    schema, page, *others = map(Path, sys.argv[1:])
    known = set(ENTRY.findall(schema.read_text()))
    described = set(ITEM.findall(page.read_text()))
    complaints = [f"{page}: option '{name}' is not described" for name in known - described]
    complaints += [f"{page}: there is no option '{name}'" for name in described - known]

    complaints += shape_complaints(page)
    complaints += value_complaints(schema, page)
    complaints += index_complaints(page)

    for other in [page, *others]:
        named = {name for names in NAMED.findall(other.read_text()) for name in names.split(" , ")}
        for name in named - known - SECTIONS:
            complaints.append(f"{other}: there is no option '{name}'")
    if not known:
        complaints.append(f"{schema}: no options found")
    for complaint in sorted(complaints):
        print(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
