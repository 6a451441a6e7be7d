"""What the commands say when they cannot: one line, with names in it that can do a terminal no harm."""

from __future__ import annotations

import sys

from mycelial.record.display import one_line


def complain(program: str, problem: object) -> None:
    """Print a line on standard error."""
    print(f"{program}: {one_line(str(problem))}", file=sys.stderr, flush=True)
