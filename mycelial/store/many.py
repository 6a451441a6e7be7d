"""Writing many rows: a hundred in one statement, as beginning one takes SQLite as long as a row."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain

TOGETHER = 100
"""Rows in one statement."""


def insert_many(
    connection: sqlite3.Connection, into: str, rows: Sequence[tuple[object, ...]], otherwise: str = ""
) -> None:
    """Insert `rows` in their order.

    `into` is the statement up to the word VALUES, `otherwise` what follows the values: what to do instead
    where a row is there already.
    """
    whole = len(rows) // TOGETHER * TOGETHER
    if whole:
        statement = _statement(into, len(rows[0]), TOGETHER, otherwise)
        for first in range(0, whole, TOGETHER):
            values = tuple(chain.from_iterable(rows[first : first + TOGETHER]))
            connection.execute(statement, values)
    if whole < len(rows):
        connection.executemany(_statement(into, len(rows[0]), 1, otherwise), rows[whole:])


@lru_cache(maxsize=64)
def _statement(into: str, columns: int, rows: int, otherwise: str) -> str:
    marks = f"({', '.join('?' * columns)})"
    return f"{into} VALUES {', '.join([marks] * rows)} {otherwise}"
