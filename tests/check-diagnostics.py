#!/usr/bin/env python3
"""Every line that superd can log is in DIAGNOSTICS of superd(8), and every line there can be logged.

Usage: check-diagnostics.py SOURCE_FOLDER SUPERD_PAGE

A line is the format of a call in CALLS. An entry of the page is `.It Sy "LINE"`, with capitals where
the format has conversions. An entry may end in "..." after any word. Lines for debugging have none.
What prevents the start of a program is there in the words of STEPS.
"""

import re
import sys
from pathlib import Path

# Which argument the format is.
CALLS = {
    "log_event": 3,
    "log_service": 3,
    "log_error": 1,
    "log_warning": 1,
    "log_info": 0,
}
# Reasons that are a whole line of their own: the argument, and the line around it.
REASONS = {"log_lost": (3, "lost%s: {}"), "drop": (3, "lost%s: {}")}
# Formats without a word, and the entries for what they write.
WORDLESS = {
    "%s%s%s": ["accepted CLIENT, pid PID", "started, pid PID"],
    "%s:%d: %s%s": ["FILE:LINE: MESSAGE", "FILE:LINE: warning: MESSAGE"],
    "%s: %s%s": ["FILE:LINE: MESSAGE"],
    "%s: %s": ["ENDPOINT: listening"],
}
# Entries whose line is made in another way.
ELSEWHERE = {"N lines of log were dropped"}

STEPS = "keeper/exec/spawn.c"

STEP = re.compile(r'\[SPAWN_(?!NONE)\w+\] = "(.*)"')
CALL = re.compile(r"\b(%s)\(" % "|".join([*CALLS, *REASONS]))
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|\w+|\s+|.', re.DOTALL)
CONVERSION = re.compile(r"%%|%[-+ #0]*[\d.*]*(?:hh|h|ll|l|z|j|t)?[a-zA-Z]")
ENTRY = re.compile(r'^\.It Sy "(.*)"$', re.MULTILINE)
SERVICE = "service '%s': "


def arguments(text, start):
    """The arguments of the call whose opening parenthesis ends at `start`, as lists of tokens."""
    found, depth = [[]], 1
    for token in TOKEN.finditer(text, start):
        word = token[0]
        depth += (word in "([{") - (word in ")]}")
        if depth == 0:
            return found
        if word == "," and depth == 1:
            found.append([])
        elif not word.isspace():
            found[-1].append(word)
    return []


def texts(tokens):
    """The strings that an argument may be: one, or those of a conditional expression."""
    current, inside = "", False
    for token in [*tokens, ":"]:
        if token[0] == '"':
            current += token[1:-1].replace('\\"', '"').replace("\\\\", "\\")
            inside = True
        elif token.startswith("PRI"):
            current += "d"
        elif token in "?:" and inside:
            yield current
            current, inside = "", False


def lines(folder):
    """Yields where each line is logged, and its format without the name of the service."""
    for path in sorted(folder.rglob("*.c")):
        text = path.read_text()
        if path.name == "log.c":
            continue
        for call in CALL.finditer(text):
            index, around = REASONS.get(call[1], (CALLS.get(call[1]), "{}"))
            found = arguments(text, call.end())
            for line in texts(found[index]) if len(found) > index else ():
                line = around.format(line)
                line = line[len(SERVICE) :] if line.startswith(SERVICE) else line
                number = text.count("\n", 0, call.start()) + 1
                yield f"{path}:{number}", line.strip()


def pattern(line):
    """Matches what the format writes, with the reason that the system gave."""
    parts = CONVERSION.split(line)
    return re.compile(".*?".join(map(re.escape, parts)) + "(: .*)?", re.DOTALL)


def matches(entry, line):
    if not entry.endswith("..."):
        return bool(pattern(line).fullmatch(entry))
    ends = [word.end() for word in re.finditer(r"\S+", line)]
    return any(pattern(line[:end]).fullmatch(entry[:-3].strip()) for end in ends)


def main() -> int:
    folder, page = map(Path, sys.argv[1:])
    text = page.read_text()
    _, _, section = text.partition("\n.Sh DIAGNOSTICS\n")
    section = section.partition("\n.Sh ")[0]
    entries = ENTRY.findall(section)
    logged = list(lines(folder))
    complaints = [] if len(logged) > 50 else [f"{folder}: too few lines are logged to be true"]
    used = set(ELSEWHERE)

    for place, line in logged:
        if re.search("[a-z]{2}", CONVERSION.sub("", line)):
            fitting = [entry for entry in entries if matches(entry, line)]
        else:
            fitting = WORDLESS.get(line, [])
            fitting = fitting if set(fitting) <= set(entries) else []
        used.update(fitting)
        if not fitting:
            complaints.append(f'{place}: DIAGNOSTICS of {page} has no entry for "{line}"')
    for step in STEP.findall((folder / STEPS).read_text()):
        if f".It Ql {step}\n" not in section:
            complaints.append(f'{STEPS}: DIAGNOSTICS of {page} does not explain "{step}"')
    complaints += [f'{page}: nothing logs "{entry}"' for entry in entries if entry not in used]
    print("\n".join(complaints), end="\n" if complaints else "")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
