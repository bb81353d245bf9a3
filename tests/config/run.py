#!/usr/bin/env python3
"""Runs `superd --check` on every configuration of good/ and bad/.

What stands in good/ must load without a warning and print its .expected; what stands in
warn/ must load with exactly the warnings of its .expected, and what stands in bad/ must be
refused with exactly the messages of its .expected. Each word of src/config/foreign-words.c
has a file in bad/. Files named root-* are for
superd as root, user-* for superd as an ordinary user; started by root, the latter
run as nobody. Speaks TAP. With --write, the .expected files of warn/ and bad/ are written
anew.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

KINDS = ("good", "warn", "bad")
HERE = Path(__file__).resolve().parent
WORD = re.compile(r'^\t\{ "(\w+)",', re.MULTILINE)
OPTION = re.compile(r'\[OPTION_\w+\] = \{\s*"([a-z0-9_]+)"')
BOM = b"\xef\xbb\xbf"
ORDINARY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]


def command_for(superd, case):
    """The command line, or a sentence that says why there is none."""
    command = [superd, "--check", "--config", str(case)]
    if case.name.startswith("root-") and os.geteuid() != 0:
        return "needs root"
    if not case.name.startswith("user-") or os.geteuid() != 0:
        return command
    return ORDINARY + command if shutil.which("setpriv") else "needs setpriv"


def run(command, place):
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LD_LIBRARY_PATH"):
        if name in os.environ:
            environment[name] = os.environ[name]
    return subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True)


def relative(text, place):
    """superd names files by their absolute paths."""
    return text.replace(f"{place}/", "")


def has_front_user(case):
    """Root's superd needs one, and the machine may not have the user superd. Keeps the lines."""
    text = case.read_bytes()
    start = len(BOM) if text.startswith(BOM) else 0
    if text and b"front_user" not in text and not case.name.startswith("user-"):
        case.write_bytes(text[:start] + b"front_user = 65533 " + text[start:])


def stage(superd, place):
    """Copies all that is needed to where every user can read it, as a checkout may not be."""
    for kind in KINDS:
        shutil.copytree(HERE / kind, place / kind)
        for case in (place / kind).glob("*.conf") if os.geteuid() == 0 else ():
            has_front_user(case)
    place.chmod(0o755)
    return shutil.copy(superd, place)


def check(case, result, place):
    """What is wrong, as lines; none if all is well."""
    good = case.parent.name == "good"
    expected = (HERE / case.with_suffix(".expected")).read_text()
    status = 78 if case.parent.name == "bad" else 0
    found = relative(result.stdout if good else result.stderr, place)
    problems = []
    if result.returncode != status:
        problems.append(f"exit status {result.returncode}, not {status}")
    if found != expected:
        problems += ["expected:", *expected.splitlines(), "found:", *found.splitlines()]
    if good and (problems or result.stderr):
        problems += ["standard error:"]
        problems += result.stderr.splitlines()
    return problems


def check_words():
    """Every foreign word has its file, so that somebody has read what is said to it."""
    source = HERE.parents[1] / "src/config"
    foreign = (source / "foreign-words.c").read_text()
    options, sections = (
        set(WORD.findall(part)) for part in foreign.split("struct foreign_word sections")
    )
    known = set(OPTION.findall((source / "schema.c").read_text()))
    wanted = {f"word-{word}" for word in options} | {f"word-section-{word}" for word in sections}
    present = {case.stem for case in (HERE / "bad").glob("word-*.conf")}
    problems = [f"'{word}' is an option by now" for word in sorted(options & known)]
    problems += [f"bad/{name}.conf: there is no such file" for name in sorted(wanted - present)]
    problems += [f"bad/{name}.conf: there is no such word" for name in sorted(present - wanted)]
    return problems or ([] if options and sections and known else ["no words found"])


def main():
    with tempfile.TemporaryDirectory(prefix="superd-") as directory:
        return run_all(Path(directory).resolve())


def run_all(place):
    write = "--write" in sys.argv
    superd = stage(os.path.abspath(sys.argv[-1]), place)
    cases = [
        case.relative_to(HERE)
        for kind in KINDS
        for case in sorted((HERE / kind).glob("*.conf"))
    ]
    problems = check_words()
    failed = bool(problems)
    print(f"1..{len(cases) + 1}")
    print("not ok" if problems else "ok", "1 - foreign words")
    for line in problems:
        print("#", line)
    for number, case in enumerate(cases, 2):
        name = f"{number} - {case}"
        command = command_for(superd, case)
        if isinstance(command, str):
            print(f"ok {name} # SKIP {command}")
            continue
        result = run(command, place)
        if write and case.parent.name != "good":
            (HERE / case.with_suffix(".expected")).write_text(relative(result.stderr, place))
        problems = check(case, result, place)
        failed += bool(problems)
        print("not ok" if problems else "ok", name)
        for line in problems:
            print("#", line)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
