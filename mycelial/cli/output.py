"""How answers are printed: aligned columns for people, JSON for programs."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Sequence

from mycelial.record.display import printable

_PROGRAMS_SHOWN = 3


def print_json(value: object) -> None:
    """Print `value` as indented ASCII."""
    print(json.dumps(value, indent=2))


def print_json_line(value: object) -> None:
    """Print `value` on one line, and see that it arrives: a program may wait for it."""
    print(json.dumps(value), flush=True)


def print_table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print `rows` under `heading`, each column as wide as it must be; what does not print is escaped.

    The last column is not padded, so it is the place for names of any width.
    """
    shown = [tuple(printable(cell) for cell in row) for row in (heading, *rows)]
    widths = [max(map(_columns, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        cells = [
            cell + " " * (width - _columns(cell)) for cell, width in zip(row[:-1], widths[:-1], strict=True)
        ]
        print("  ".join([*cells, row[-1]]))


def _columns(text: str) -> int:
    """Return how many columns of a terminal `text` takes: two for wide letters (CJK), none for accents."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def programs_in_short(programs: Sequence[str]) -> str:
    """Return the first few names, and a sign that there are more."""
    more = ", …" if len(programs) > _PROGRAMS_SHOWN else ""
    return ", ".join(programs[:_PROGRAMS_SHOWN]) + more
