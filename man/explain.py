#!/usr/bin/env python3
"""Writes what superd.conf(5) says about each option as a C header, for superd --explain.

Usage: explain.py SUPERD_CONF_PAGE HEADER

The part of an option begins with `.It Ic NAME` and ends before the next item of the same list. An
item of the index has ` Ta`. Of mdoc only the macros that the page uses are known; another one is an
error.
"""

import re
import sys
import textwrap

ITEM = re.compile(r"^\.It Ic ([a-z0-9_]+)\b(?!.* Ta\b)")
# What is said of every option alike: "Values:", "Default:" and so on.
FACT = re.compile(r"^\.It ([A-Z][A-Za-z ]+:)$")
FACT_WIDTH = 13
WIDTH = 76
# What stands around the arguments of a macro.
AROUND = {"Ql": "''", "Dq": '""', "Qq": '""', "Pq": "()", "Brq": "{}", "Op": "[]"}
PLAIN = {"Ic", "Cm", "Ar", "Em", "Pa", "Ev", "Dv", "Li", "Fa"}
OPENING, CLOSING = set("([{"), set(".,:;)]}?!")


class Unknown(Exception):
    pass


def words(line):
    return [a or b for a, b in re.findall(r'"([^"]*)"|(\S+)', line)]


def plain(text):
    return text.replace("\\(em", "--").replace("\\-", "-").replace("\\e", "\\").replace("\\&", "")


def last_word(words):
    """Where the marks of punctuation at the end begin."""
    last = len(words)
    while last and words[last - 1] in CLOSING:
        last -= 1
    return last


def inline(arguments, macro=None):
    """The text of a macro line. A macro ends at the next one, or at a mark of punctuation."""
    out, glue = "", True

    def put(text):
        nonlocal out, glue
        out += text if glue or not out else " " + text
        glue = False

    arguments = [macro, *arguments] if macro else arguments
    i = 0
    while i < len(arguments):
        word = arguments[i]
        i += 1
        rest = arguments[i:]
        if word == "Ns":
            glue = True
        elif word == "No":
            continue
        elif word in ("Qo", "Qc"):
            glue |= word == "Qc"
            put('"')
            glue |= word == "Qo"
        elif word == "Nm":
            named = rest and rest[0] not in CLOSING
            put(rest[0] if named else "superd.conf")
            i += bool(named)
        elif word == "Sx":
            put(f'"{" ".join(rest[:last_word(rest)])}" in superd.conf(5)')
            i += last_word(rest)
        elif word == "Xr":
            put(f"{rest[0]}({rest[1]})")
            i += 2
        elif word == "Fl":
            put("-" + plain(rest[0]))
            i += 1
        elif word in AROUND:
            ends = AROUND[word]
            last = last_word(rest)
            put(ends[0] + inline(rest[:last]) + ends[1])
            i += last
        elif word in PLAIN:
            continue
        elif word in CLOSING:
            glue = True
            put(word)
        elif word in OPENING:
            put(word)
            glue = True
        elif re.fullmatch(r"[A-Z][a-z]", word):
            raise Unknown(word)
        else:
            put(plain(word))
    return out


def named(arguments):
    """What stands in bold in the manual, as 'one', 'another'."""
    out, run = "", []
    for word in [*arguments, ""]:
        if word and word not in CLOSING:
            run.append(word)
            continue
        out += (" " if out else "") + f"'{inline(run)}'" if run else ""
        out, run = out + word, []
    return out


class Page:
    """Collects paragraphs, and the lines of examples, of one option."""

    def __init__(self):
        self.blocks, self.text, self.literal = [], "", False
        self.label, self.hanging = "", 0

    def flush(self):
        text = self.label + self.text
        if text:
            lines = textwrap.wrap(
                text,
                WIDTH,
                subsequent_indent=" " * self.hanging,
                break_on_hyphens=False,
                break_long_words=False,
            )
            self.blocks += lines
        self.text, self.label, self.hanging = "", "", 0

    def add(self, text):
        self.text += (" " if self.text else "") + text

    def item(self, line, arguments):
        fact = FACT.match(line)
        if fact:
            self.label, self.hanging = fact[1].ljust(FACT_WIDTH), FACT_WIDTH
        else:
            self.label, self.hanging = "- " + (inline(arguments) + ": " if arguments else ""), 2

    def line(self, line):
        macro, *arguments = words(line[1:]) if line.startswith(".") else (None,)
        if macro == "Ed":
            self.literal = False
        elif self.literal:
            self.blocks.append("    " + plain(line))
        elif macro is None:
            self.add(plain(line))
        elif macro in ("Pp", "Bl", "El", "Bd", "It"):
            self.flush()
            self.literal = macro == "Bd"
            if macro in ("Pp", "Bd"):
                self.blocks.append("")
            if macro == "It":
                self.item(line, arguments)
        elif macro in ("Ic", "Cm"):
            self.add(named(arguments))
        else:
            self.add(inline(arguments, macro))

    def result(self):
        self.flush()
        return "\n".join(self.blocks).strip("\n")


def sections(lines):
    """Yields name, heading and lines of each option."""
    name, depth, found = None, 0, []
    for line in lines:
        item = ITEM.match(line)
        if name and depth == 0 and (line.startswith(".It") or line.startswith(".El")):
            yield name, found
            name = None
        if item and name is None:
            name, found, depth = item[1], [line], 0
        elif name:
            depth += line.startswith(".Bl") - line.startswith(".El")
            found.append(line)


def explain(lines):
    page = Page()
    for line in lines[1:]:
        page.line(line)
    heading = inline(words(lines[0])[1:])
    return f"{heading}\n\n{textwrap.indent(page.result(), '    ')}\n"


def quoted(text):
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return "\n".join(f'\t  "{line}\\n"' for line in escaped.splitlines())


def main():
    page, header = sys.argv[1:]
    with open(page) as file:
        lines = file.read().splitlines()
    with open(header, "w") as out:
        out.write("/* Made from superd.conf.5 by explain.py. */\n\n#pragma once\n\n")
        out.write("static const struct {\n\tconst char *name;\n\tconst char *text;\n")
        out.write("} explanations[] = {\n")
        for name, part in sections(lines):
            out.write(f'\t{{ "{name}",\n{quoted(explain(part))} }},\n')
        out.write("};\n")


if __name__ == "__main__":
    main()
