#!/usr/bin/env python3
"""Compares what superd finds in random sets of addresses with what Python's ipaddress finds.

usage: compare-addresses.py TOOL [PAIRS]. TOOL is the program find-addresses.
"""

import ipaddress
import random
import subprocess
import sys

ADDRESSES_OF_A_SET = 250
MAPPED = 0xFFFF << 32


def address(bits, number):
    return str((ipaddress.IPv4Address if bits == 32 else ipaddress.IPv6Address)(number))


def near(bits, spread):
    """Few different numbers, so that ranges touch, overlap and contain each other."""
    base = random.choice((0, 10 << (bits - 8), (1 << bits) - (1 << spread)))
    return min(base + random.getrandbits(spread), (1 << bits) - 1)


def random_range(bits):
    """The text and the first and last number."""
    first = near(bits, 12)
    kind = random.randrange(3)
    if kind == 0:
        return address(bits, first), first, first
    if kind == 1:
        last = min(first + random.getrandbits(random.randrange(12)), (1 << bits) - 1)
        return f"{address(bits, first)}-{address(bits, last)}", first, last
    length = random.choice((0, 8, bits - 12, bits - 8, bits - 5, bits - 1, bits))
    network = ipaddress.IPv4Network if bits == 32 else ipaddress.IPv6Network
    net = network((first, length), strict=False)
    return str(net), int(net[0]), int(net[-1])


def mapped(text):
    """The same range of IPv4, written as one of IPv6."""
    if "/" in text:
        net, length = text.split("/")
        return f"::ffff:{net}/{int(length) + 96}"
    return "-".join("::ffff:" + part for part in text.split("-"))


def make_set():
    texts, ranges = [], []
    for _ in range(random.randrange(1, 12)):
        bits = random.choice((32, 128))
        text, first, last = random_range(bits)
        ranges.append((bits, first, last))
        texts.append(mapped(text) if bits == 32 and random.random() < 0.2 else text)
    return texts, ranges


def expected(ranges, bits, number):
    best = None
    for place, (family, first, last) in enumerate(ranges):
        if family != bits or not first <= number <= last:
            continue
        if best is None or last - first < ranges[best][2] - ranges[best][1]:
            best = place
    return "-" if best is None else str(best)


def questions(ranges):
    for _ in range(ADDRESSES_OF_A_SET):
        bits = random.choice((32, 128))
        number = near(bits, 12)
        if random.random() < 0.5:
            same = [edge for family, *edges in ranges if family == bits for edge in edges]
            number = random.choice(same or [number]) + random.choice((-1, 0, 1))
            number = min(max(number, 0), (1 << bits) - 1)
        if bits == 128 and number >> 32 == 0xFFFF:
            continue
        text = address(bits, number)
        if bits == 32 and random.random() < 0.2:
            text = "::ffff:" + text
        yield text, expected(ranges, bits, number)


def main():
    tool, pairs = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 50_000
    seed = random.randrange(1 << 32)
    random.seed(seed)
    asked, wanted = [], []
    while len(wanted) < pairs:
        texts, ranges = make_set()
        asked.append("set " + " ".join(texts))
        for text, answer in questions(ranges):
            asked.append(text)
            wanted.append((texts, text, answer))
    found = subprocess.run([tool], input="\n".join(asked) + "\n", capture_output=True, text=True, check=True)
    answers = found.stdout.split()
    assert len(answers) == len(wanted)
    for answer, (texts, text, want) in zip(answers, wanted):
        assert answer == want, f"seed {seed}: {text} in {texts}: {answer}, not {want}"
    print(f"{len(wanted)} answers are the same")


if __name__ == "__main__":
    main()
