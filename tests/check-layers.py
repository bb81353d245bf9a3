#!/usr/bin/env python3
"""Folders of src/ are layers: a file includes its own layer and those below, never those above.

Also: only src/config includes <confuse.h>, and every header begins with #pragma once and
compiles alone.

usage: check-layers.py SOURCE_ROOT COMPILER...
"""

import pathlib
import re
import subprocess
import sys

BELOW = {
    "base": [],
    "net": ["base"],
    "config": ["base", "net"],
    "channel": ["base", "net", "config"],
    "front": ["base", "net", "config", "channel"],
    "keeper": ["base", "net", "config", "channel"],
    "ctl": ["base", "net", "config", "channel"],
    "libsuperd-pass": [],
}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.MULTILINE)


def includes(text):
    for match in INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start(2)) + 1, match[1], match[2]


def check_includes(path, layer):
    for line, quote, name in includes(path.read_text()):
        if name == "confuse.h" and layer != "config":
            yield f"{path}:{line}: only src/config includes <confuse.h>"
        if quote == "<":
            continue
        other, slash, _ = name.partition("/")
        if not slash:
            if name != "build-config.h":
                yield f"{path}:{line}: '{name}' does not say its layer"
        elif other not in BELOW:
            yield f"{path}:{line}: '{other}' is no layer"
        elif other != layer and other not in BELOW[layer]:
            yield f"{path}:{line}: src/{layer} includes '{name}'"


def check_header(path, root, compiler):
    if not path.read_text().startswith("#pragma once\n"):
        yield f"{path}:1: a header begins with #pragma once"

    command = [*compiler, "-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Werror", "-fsyntax-only"]
    command += ["-I", str(root / "src"), "-include", str(path), "-x", "c", "/dev/null"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        yield f"{path}: does not compile alone\n{done.stderr}"


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    compiler = sys.argv[2:] or ["cc"]
    mistakes = []

    for path in sorted((root / "src").glob("*/*.[ch]")):
        layer = path.parent.name
        if layer not in BELOW:
            mistakes.append(f"{path}: '{layer}' is no layer")
            continue
        mistakes += check_includes(path, layer)
        if path.suffix == ".h":
            mistakes += check_header(path, root, compiler)

    print("\n".join(mistakes), end="\n" if mistakes else "")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
