#!/usr/bin/env python3
"""Counts what `meson test` has left in a build folder.

Usage: sum-results.py BUILD

Prints a line for each test that failed, one with the reason for each that was skipped, and at last
three numbers: passed, failed, skipped. Cases of a TAP test count one each; so do those of a test
NAME that left junit/NAME.xml, as pytest does.
"""

import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path


def outcome(case: ElementTree.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "passed" if case.find("skipped") is None else "skipped"


def reason(case: ElementTree.Element) -> str:
    said = case.find("skipped").get("message") or case.findtext("system-out") or "no reason given"
    return said.strip().splitlines()[-1]


def is_whole_test(case: ElementTree.Element) -> bool:
    """Meson names a test `project:suite / test`, and the cases of a TAP test as they name themselves."""
    return " / " in case.get("name")


def short(element: ElementTree.Element) -> str:
    return element.get("name").split(" / ")[-1]


def cases_of_suite(suite: ElementTree.Element, build: Path):
    """Yields (name, case), with the cases of another runner in place of the test that ran it."""
    for case in suite.iterfind("testcase"):
        name = short(case)
        details = build / "junit" / f"{name}.xml"
        if not details.exists():
            yield name if is_whole_test(case) else f"{short(suite)}: {name}", case
            continue
        inner = list(ElementTree.parse(details).iter("testcase"))
        yield from ((f"{name}: {i.get('classname')}.{i.get('name')}", i) for i in inner)
        # The runner itself can fail beside its cases, and so be told of by none.
        if outcome(case) == "failed" and all(outcome(i) != "failed" for i in inner):
            yield name, case


def main() -> int:
    build = Path(sys.argv[1])
    results = ElementTree.parse(build / "meson-logs" / "testlog.junit.xml")
    counts = Counter()

    for suite in results.iter("testsuite"):
        for name, case in cases_of_suite(suite, build):
            result = outcome(case)
            counts[result] += 1
            if result == "failed":
                print(f"failed: {name}")
            elif result == "skipped":
                print(f"skipped: {name}: {reason(case)}")

    print(counts["passed"], counts["failed"], counts["skipped"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
