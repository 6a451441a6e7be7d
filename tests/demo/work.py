"""The work that is done in the mount, by ordinary programs that know nothing of it."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass

OBJECTS = "build"
LIBRARY = "build/core.so"
REPORT = "words.txt"
EDITED = "README.md"


@dataclass(frozen=True, slots=True)
class Step:
    """One piece of work: what it is, in words, and the command line that does it."""

    title: str
    command: str


BUILD = Step(
    "gcc builds the C core: one object for each C file, then the library.",
    f"make -j2 -f tests/demo/core.mk PYTHON={shlex.quote(sys.executable)}",
)
WRITE_REPORT = Step(
    "A shell pipeline makes a report of the most used long words.",
    f"cat *.md | grep -oE '[A-Za-z]{{6,}}' | sort | uniq -c | sort -rn > {REPORT}",
)
SAVE = Step(
    "A file is edited. As most editors do, sed -i writes a new file and renames it over the old one.",
    f"sed -i '$a One more line.' {EDITED}",
)
NOISE = Step(
    "And some noise: a search through everything.",
    "grep -r 'FUSE_ROOT_ID' . | wc -l",
)
