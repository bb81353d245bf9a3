#!/usr/bin/env python3
"""check-english.py finds what it should, and nothing in tables, tags, headings and code."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CHECK = Path(__file__).with_name("check-english.py")
SKIPPED = 77
LONG = "word " * 30 + "end."
SHORT = "word " * 29 + "end. "
MANUAL = """\
.Dd November 21, 2026
.Dt PAGE 7
.Os
.Sh NAME
.Nm page
.Nd a mistake
.Sh DESCRIPTION
{text}
.Bd -literal
{code}
.Ed
.Bl -column "one" "two"
.It {code} Ta {code}
.El
.Bl -tag -width Ds
.It {code}
{item}
.El
"""
MARKDOWN = """\
# {code}

{text}

```
{code}
```

| {code} |

1. {item}
2. Second.
"""


def is_refused(place, name, template, **parts):
    page = place / name
    page.write_text(template.format(**{"code": LONG, "text": "Text.", "item": "Item."} | parts))
    done = subprocess.run([CHECK, page], capture_output=True, text=True, check=False)
    return done.returncode == 1 and name in done.stdout


def check(place, name, template):
    """What is wrong, as lines."""
    bad = [LONG, "A mistake.", "There are\nso many.", "These are read, all of which are long."]
    for text in ["Text.", SHORT * 3]:
        if is_refused(place, name, template, text=text):
            yield f"{name}: refused: {text}"
    for text in bad:
        for part in ("text", "item"):
            if not is_refused(place, name, template, **{part: text}):
                yield f"{name}: not refused: {text}"


def main():
    if not shutil.which("mandoc"):
        print("mandoc is not installed")
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="superd-") as directory:
        place = Path(directory)
        complaints = [*check(place, "page.7", MANUAL), *check(place, "page.md", MARKDOWN)]
    print("\n".join(complaints))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
