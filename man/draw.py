#!/usr/bin/env python3
"""Draws a picture, written as text, as SVG.

Usage: draw.py TEXT            prints the picture
       draw.py TEXT PICTURE    fails when PICTURE is not what TEXT makes

The text says at its top which lines it has. Light or dark is the choice of the reader's browser.
"""

import sys
from html import escape
from pathlib import Path

LINE_HEIGHT = 17
STYLE = """
  text { font: 13px sans-serif; fill: #24292f; }
  text.name { font-weight: bold; }
  .page { fill: #ffffff; }
  .group { fill: #eef2f7; stroke: #8c959f; }
  .box { fill: #ffffff; stroke: #0969da; stroke-width: 1.5; }
  .arrow { fill: none; stroke: #57606a; stroke-width: 1.5; marker-end: url(#head); }
  .dashes { stroke-dasharray: 5 4; }
  #head path { fill: #57606a; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .page { fill: #0d1117; }
    .group { fill: #161b22; stroke: #6e7681; }
    .box { fill: #0d1117; stroke: #4493f8; }
    .arrow { stroke: #9198a1; }
    #head path { fill: #9198a1; }
  }
"""


def rectangle(kind, x, y, width, height):
    return f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="6"/>'


def lines_of(x, y, anchor, lines, name=False):
    for i, line in enumerate(lines):
        kind = ' class="name"' if name and i == 0 else ""
        at = f'x="{x}" y="{y + i * LINE_HEIGHT}" text-anchor="{anchor}"'
        yield f"<text{kind} {at}>{escape(line.strip(), quote=False)}</text>"


def picture(width, height):
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
    yield f'  width="{width}" height="{height}" role="img">'
    yield f"<style>{STYLE}</style>"
    yield '<marker id="head" markerWidth="9" markerHeight="8" refX="8" refY="4" orient="auto"'
    yield '  markerUnits="userSpaceOnUse"><path d="M0,0 L9,4 L0,8 z"/></marker>'
    yield f'<rect class="page" width="{width}" height="{height}" rx="6"/>'


def group(x, y, width, height, *text):
    lines = " ".join(text).split("|")
    x, y, width, height = map(int, (x, y, width, height))
    yield rectangle("group", x, y, width, height)
    yield from lines_of(x + 20, y + 26, "start", lines, name=True)


def box(x, y, width, height, *text):
    lines = " ".join(text).split("|")
    x, y, width, height = map(int, (x, y, width, height))
    first = y + height // 2 + 5 - (len(lines) - 1) * LINE_HEIGHT // 2
    yield rectangle("box", x, y, width, height)
    yield from lines_of(x + width // 2, first, "middle", lines, name=True)


def arrow(*points):
    yield f'<path class="arrow" d="M{" L".join(points)}"/>'


def dashes(*points):
    yield f'<path class="arrow dashes" d="M{" L".join(points)}"/>'


def text(x, y, anchor, *words):
    yield from lines_of(int(x), int(y), anchor, " ".join(words).split("|"))


KINDS = {
    "picture": picture,
    "group": group,
    "box": box,
    "arrow": arrow,
    "dashes": dashes,
    "text": text,
}


def draw(source):
    for line in source.splitlines():
        if line and not line.startswith("#"):
            kind, *rest = line.split()
            yield from KINDS[kind](*rest)
    yield "</svg>"


def main() -> int:
    source, *drawn = map(Path, sys.argv[1:])
    svg = "\n".join(draw(source.read_text())) + "\n"
    if not drawn:
        sys.stdout.write(svg)
    elif drawn[0].read_text() != svg:
        print(f"{drawn[0]} is not what {source} makes; draw it again")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
