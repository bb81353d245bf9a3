#!/usr/bin/env python3
"""Counts what `meson test --logbase LOG` has left in a build folder.

Usage: sum-results.py BUILD LOG

Prints a line for each test that failed, one with the reason for each that was skipped, and at last
three numbers: passed, failed, skipped. Cases of a TAP test count one each; so do those of a test
NAME that left junit/NAME.xml, as pytest does.
"""

import json
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

OUTCOMES = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped"}


def last_line(text: str | None) -> str:
    lines = (text or "").strip().splitlines()
    return lines[-1] if lines else "no reason given"


def read_case(case: ElementTree.Element) -> tuple[str, str, str]:
    """Name, outcome, and why, of a case in JUnit's format."""
    skipped = case.find("skipped")
    if case.find("failure") is not None or case.find("error") is not None:
        return case.get("name"), "failed", ""
    if skipped is not None:
        reason = skipped.get("message") or case.findtext("system-out")
        return case.get("name"), "skipped", last_line(reason)
    return case.get("name"), "passed", ""


def cases_of(test: dict, build: Path, tap_suites: dict) -> list[tuple[str, str, str]]:
    name = test["name"].split(" / ")[-1]
    report = build / "junit" / f"{name}.xml"
    outcome = OUTCOMES.get(test["result"], "failed")
    suite = ElementTree.parse(report) if report.exists() else tap_suites.get(test["name"])
    cases = [read_case(case) for case in suite.iter("testcase")] if suite is not None else []

    # One that was killed or broke down between its cases has failed, though none of them has.
    if not cases or (outcome == "failed" and all(case[1] != "failed" for case in cases)):
        said = test.get("stdout") or test.get("stderr")
        cases.append((test["result"].lower(), outcome, last_line(said)))
    return [(f"{name}: {case}", outcome, why) for case, outcome, why in cases]


def main() -> int:
    build = Path(sys.argv[1])
    log = build / "meson-logs" / sys.argv[2]
    junit = ElementTree.parse(f"{log}.junit.xml")
    # Meson puts "PROJECT." before the name of a test that has cases.
    tap_suites = {suite.get("name").partition(".")[2]: suite for suite in junit.iter("testsuite")}
    counts = Counter()

    for line in Path(f"{log}.json").read_text().splitlines():
        for name, outcome, why in cases_of(json.loads(line), build, tap_suites):
            counts[outcome] += 1
            if outcome != "passed":
                print(f"{outcome}: {name}{': ' if why else ''}{why}")

    print(counts["passed"], counts["failed"], counts["skipped"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
