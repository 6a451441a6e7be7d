"""Writing many rows: a hundred in one statement, as beginning one takes SQLite as long as a row."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain

TOGETHER = 100
"""Rows in one statement."""


def insert_many(
    connection: sqlite3.Connection,
    into: str,
    rows: Sequence[tuple[object, ...]],
    otherwise: str = "",
    *,
    marks: str = "",
    common: tuple[object, ...] = (),
) -> None:
    """Insert `rows` in their order.

    `into` is the statement up to the word VALUES, `otherwise` what follows the values: what to do instead
    where a row is there already.  `marks` are the values of one row: a question mark for each of its own, a
    number (?1 …) for each of those `common` to all rows; without it a row has nothing but its own.
    """
    if not rows:
        return
    marks = marks or f"({', '.join('?' * len(rows[0]))})"
    whole = len(rows) // TOGETHER * TOGETHER
    if whole:
        statement = _statement(into, marks, TOGETHER, otherwise)
        for first in range(0, whole, TOGETHER):
            values = chain(common, chain.from_iterable(rows[first : first + TOGETHER]))
            connection.execute(statement, tuple(values))
    if whole < len(rows):
        rest = rows[whole:] if not common else [(*common, *row) for row in rows[whole:]]
        connection.executemany(_statement(into, marks, 1, otherwise), rest)


@lru_cache(maxsize=64)
def _statement(into: str, marks: str, rows: int, otherwise: str) -> str:
    return f"{into} VALUES {', '.join([marks] * rows)} {otherwise}"
