#!/usr/bin/env python3
"""Folders of src/ are layers, and calls go down: a file names its own folder and those below it.

Refused are
- an include, or a name with external linkage, of a layer or of a sub-folder above;
- a circle of modules that name, or include, one another, within a folder and its sub-folders;
- a header that declares what another source defines;
- a file of more than 450 lines;
- <confuse.h> outside src/config; a header that does not begin with #pragma once, or does not
  compile alone.

Who names whom is read from the objects of the build, so a function that is only handed over by
its name counts too. A module is a source with its header: x.c, x.h, and x-none.c, which stands in
for x.c where a library is missing.

usage: check-layers.py [--graph] SOURCE_ROOT BUILD_ROOT [COMPILER...]

--graph prints for developers who uses whom in each folder.
"""

import collections
import concurrent.futures
import functools
import os
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
    "command": ["base", "net", "config"],
    "ctl": ["base", "net", "config", "channel"],
    "libsuperd-pass": [],
}
LIBRARY = "libsuperd-pass"  # for programs; no part of the daemon
# From the bottom. The files of the folder itself are above all its sub-folders.
SUBFOLDERS = {
    "front": ["core", "session", "datagram", "pass", "program"],
    "keeper": ["listen", "exec", "service", "fronts", "child", "pool"],
}
# What holds the owners of a folder together. The files beside it may include its header.
ROOTS = ["front/front", "keeper/keeper"]
# What is refused already, but not yet mended: by folder, which rules. This only ever shrinks.
KNOWN = {}

GENERATED = ["build-config.h", "command/explanations.h"]
LINES_MAX = 450
OBJECTS = ["src/libsuperd.a.p", "src/superd.p"]
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^">]+)[">]', re.MULTILINE)
NO_CODE = re.compile(r"/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)
ATTRIBUTE = re.compile(r"__attribute__\s*\(\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)\)")
FUNCTION = re.compile(r"\b(?!(?:void|int|bool|char|long|unsigned)\b)([A-Za-z_]\w*)\s*\(")
OBJECT = re.compile(r"\(\s*\*\s*(\w+)\s*\)|(\w+)\s*(?:\[[^;]*)?$")


def blank(match):
    return re.sub(r"[^\n]", " ", match[0])


class Source:
    """One file of src/: where it belongs, what it includes, what it declares."""

    def __init__(self, root, path):
        self.path = path
        self.name = path.relative_to(root / "src")
        self.shown = str(path.relative_to(root))
        self.text = path.read_text()
        self.code = NO_CODE.sub(blank, self.text)
        self.is_header = path.suffix == ".h"
        self.module = str(self.name.with_suffix("")).removesuffix("-none")
        self.folder = self.name.parts[0] if len(self.name.parts) > 1 else ""

    def includes(self):
        for match in INCLUDE.finditer(self.text):
            yield self.text.count("\n", 0, match.start(2)) + 1, match[1], match[2]

    def line_of(self, name):
        """Where the code has that name first; nowhere if a macro or inline function names it."""
        found = re.search(rf"\b{re.escape(name)}\b", self.code)
        return self.code.count("\n", 0, found.start()) + 1 if found else None

    def at(self, line):
        return f"{self.shown}:{line}" if line else self.shown

    def statements(self):
        """Yields what stands outside of braces, statement by statement, and where it begins."""
        code = ATTRIBUTE.sub(blank, DIRECTIVE.sub(blank, self.code))
        depth, begin, text = 0, 0, ""
        for i, c in enumerate(code):
            if c == "{":
                depth += 1
            if depth == 0 and c == ";":
                yield begin, text
                begin, text = i + 1, ""
            else:
                text += c if depth == 0 or c == "\n" else " "
            if c == "}":
                depth -= 1
                if depth == 0 and FUNCTION.search(text):
                    begin, text = i + 1, ""

    def declarations(self):
        """Yields line and name of each function and object with external linkage."""
        for begin, text in self.statements():
            if re.match(r"\s*(typedef|static|[A-Z_0-9]+\s*\()", text):
                continue
            match = FUNCTION.search(text)
            if match:
                name, at = match[1], match.start(1)
            elif re.match(r"\s*extern\b", text) and (match := OBJECT.search(text.rstrip())):
                name, at = match[1] or match[2], match.start()
            else:
                continue
            yield self.code.count("\n", 0, begin + at) + 1, name


def read_symbols(build, sources):
    """Returns for each source what it needs and what it defines, as its object has it."""
    objects, missing = {}, []
    for source in sources:
        name = str(source.name).replace("/", "_") + ".o"
        found = [build / folder / name for folder in OBJECTS if (build / folder / name).exists()]
        if found:
            objects[str(found[0])] = source
        else:
            missing.append(source)

    built = {source.module for source in objects.values()}
    errors = [
        f"{source.shown}: the build has no object of it; build first, or list it in meson.build"
        for source in missing
        if source.module not in built
    ]

    needs, defines = collections.defaultdict(set), {}
    lines = []
    if objects:
        command = ["nm", "-A", "-P", "-g", *objects]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        lines = lines.splitlines()
    for line in lines:
        path, _, rest = line.partition(": ")
        name, kind, *_ = rest.split()
        if kind in "Uvw":
            needs[objects[path]].add(name)
        else:
            defines[name] = objects[path]
    return needs, defines, errors


def rank(source):
    """Which of the sub-folders of its folder the file is in."""
    order = SUBFOLDERS.get(source.folder, [])
    return order.index(source.name.parts[1]) if len(source.name.parts) > 2 else len(order)


def is_above(other, source):
    if source.folder == "":
        return False
    if other.folder != source.folder:
        return other.folder not in BELOW[source.folder]
    return rank(other) > rank(source)


def circles(edges):
    """Yields, in a stable order, the modules that reach one another (Tarjan's algorithm)."""
    index, low, stack, found = {}, {}, [], []

    def visit(at):
        index[at] = low[at] = len(index)
        stack.append(at)
        for other in sorted(edges.get(at, [])):
            if other not in index:
                visit(other)
            if other in stack:
                low[at] = min(low[at], low[other])
        if low[at] == index[at]:
            circle = stack[stack.index(at) :]
            del stack[stack.index(at) :]
            if len(circle) > 1:
                found.append(sorted(circle))

    for module in sorted(edges):
        if module not in index:
            visit(module)
    return sorted(found)


def shortest_way_round(circle, edges):
    best = None
    for start in circle:
        ways = collections.deque([[start]])
        seen = set()
        while ways:
            way = ways.popleft()
            if best and len(way) >= len(best):
                break
            following = [module for module in sorted(edges[way[-1]]) if module in circle]
            if start in following:
                best = way
                break
            ways.extend(way + [module] for module in following if module not in seen)
            seen.update(following)
    return best


def folder_of(module):
    return module.partition("/")[0]


class Tree:
    """All files, and who uses whom by including or naming."""

    def __init__(self, root, build):
        paths = sorted((root / "src").rglob("*.[ch]"))
        self.files = [Source(root, path) for path in paths]
        self.errors = []  # (folder, rule, text)
        # How modules use others, as {module: {module: where}}.
        self.includes = collections.defaultdict(dict)
        self.names = collections.defaultdict(dict)
        self.files = [source for source in self.files if self.check_place(source)]
        self.by_name = {str(source.name): source for source in self.files}
        daemon = [s for s in self.files if not s.is_header and s.folder != LIBRARY]
        self.needs, self.defines, missing = read_symbols(build, daemon)
        for text in missing:
            self.add("", "build", text)

    def add(self, folder, rule, text):
        self.errors.append((folder, rule, text))

    def check_place(self, source):
        parts = source.name.parts
        if len(parts) == 1:
            return True
        if parts[0] not in BELOW:
            self.add("", "place", f"{source.shown}: '{parts[0]}' is no layer")
            return False
        if len(parts) == 2:
            return True
        if len(parts) > 3 or parts[1] not in SUBFOLDERS.get(parts[0], []):
            folder = "/".join(parts[:-1])
            self.add("", "place", f"{source.shown}: 'src/{folder}' has no place in SUBFOLDERS")
            return False
        return True

    def check_includes(self, source):
        for line, quote, name in source.includes():
            at = source.at(line)
            if name == "confuse.h" and source.folder != "config":
                self.add("", "confuse", f"{at}: only src/config includes <confuse.h>")
            if quote == "<" or name in GENERATED:
                continue
            other = self.by_name.get(name)
            if not other:
                self.add("", "place", f"{at}: there is no 'src/{name}'")
            elif is_above(other, source):
                self.add(source.folder, "order", f"{at}: includes '{name}', which is above it")
            elif other.module != source.module and other.module not in ROOTS:
                self.includes[source.module].setdefault(other.module, f"{at} includes it")

    def check_names(self, source):
        for name in sorted(self.needs[source]):
            other = self.defines.get(name)
            if not other or other.module == source.module:
                continue
            at = source.at(source.line_of(name))
            if is_above(other, source):
                text = f"{at}: names {name} of {other.shown}, which is above it: "
                text += "take a function pointer, or let the end of the turn do it"
                self.add(source.folder, "order", text)
            else:
                self.names[source.module].setdefault(other.module, f"{at} names {name}")

    def check_declarations(self, header):
        for line, name in header.declarations():
            owner = self.defines.get(name)
            if owner and owner.module != header.module:
                text = f"{name} is defined in {owner.shown}: declare it in a header of that name"
                self.add(header.folder, "declares", f"{header.at(line)}: {text}")
            elif not owner and header.folder != LIBRARY:
                self.add(header.folder, "declares", f"{header.at(line)}: nobody defines {name}")

    def check_length(self, source):
        n = source.text.count("\n")
        if n > LINES_MAX:
            text = f"{source.shown}: {n} lines; split it by what it is for, at most {LINES_MAX}"
            self.add(source.folder, "length", text)

    def check_circles(self, rule, edges):
        for circle in circles(edges):
            way = shortest_way_round(circle, edges)
            text = f"src/{folder_of(circle[0])}: {len(circle)} modules in a circle of {rule}: "
            text += ", ".join(circle)
            for module, following in zip(way, way[1:] + way[:1]):
                text += f"\n  {module} -> {following}: {edges[module][following]}"
            self.add(folder_of(circle[0]), rule, text)

    def check(self):
        for source in self.files:
            self.check_includes(source)
            self.check_names(source)
            self.check_length(source)
            if source.is_header:
                self.check_declarations(source)
        self.check_circles("names", self.names)
        self.check_circles("includes", self.includes)

    def print_graph(self):
        """Folder by folder, users above what they use there. Includes alone stand in brackets."""
        number = {}
        for edges in self.names, self.includes:
            for i, circle in enumerate(circles(edges), 1 + max(number.values(), default=0)):
                number |= {module: i for module in circle if module not in number}
        for folder in BELOW:
            modules = {source.module: source for source in self.files if source.folder == folder}
            for module in sorted(modules, key=lambda m: (-rank(modules[m]), -self.height(m), m)):
                used = [f"{other}" for other in sorted(self.names[module])]
                used += [f"({m})" for m in sorted(self.includes[module]) if m not in used]
                used = [text.replace(f"{folder}/", "", 1) for text in used if f"{folder}/" in text]
                mark = f"  [circle {number[module]}]" if module in number else ""
                arrow = "  -> " if used else ""
                print(f"{module}{mark}{arrow}{', '.join(used)}")
            print()

    @functools.cache
    def height(self, module):
        """How many modules there are in the longest chain below it."""
        self.climbing = getattr(self, "climbing", set()) | {module}
        below = [m for m in self.names[module] | self.includes[module] if m not in self.climbing]
        height = 1 + max(map(self.height, sorted(below)), default=0)
        self.climbing -= {module}
        return height


def check_header(header, root, compiler):
    if not header.text.startswith("#pragma once\n"):
        return f"{header.at(1)}: a header begins with #pragma once"

    command = [*compiler, "-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Werror", "-fsyntax-only"]
    command += ["-I", str(root / "src"), "-include", str(header.path), "-x", "c", "/dev/null"]
    done = subprocess.run(command, capture_output=True, text=True)
    return f"{header.shown}: does not compile alone\n{done.stderr}" if done.returncode else None


def check_headers(tree, root, compiler):
    headers = [source for source in tree.files if source.is_header]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for text in pool.map(lambda header: check_header(header, root, compiler), headers):
            if text:
                tree.add("", "header", text)


def unexpected(errors):
    """What KNOWN does not have; and what it has for nothing."""
    texts, seen = [], set()
    for folder, rule, text in errors:
        seen.add((folder, rule))
        if rule not in KNOWN.get(folder, []):
            texts.append(text)
    for folder, rules in KNOWN.items():
        for rule in rules:
            if (folder, rule) not in seen:
                texts.append(f"src/{folder} keeps the rule '{rule}' now: remove it from KNOWN")
    return texts


def main(arguments):
    graph = arguments[:1] == ["--graph"]
    root, build, *compiler = arguments[1:] if graph else arguments

    root = pathlib.Path(root).resolve()
    tree = Tree(root, pathlib.Path(build))
    tree.check()
    if graph:
        tree.print_graph()
        return 0

    check_headers(tree, root, compiler or ["cc"])
    texts = unexpected(tree.errors)
    print("\n".join(texts), end="\n" if texts else "")
    return 1 if texts else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
