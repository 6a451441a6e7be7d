"""Everything that a database derived from its log, for comparing two of them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

TABLES = (
    "word",
    "file",
    "usage",
    "episode",
    "touch",
    "together",
    "next",
    "source",
    "recipe",
    "sweep",
    "work",
)


def derived(db: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return the rows of all derived tables, sorted."""
    connection = sqlite3.connect(db)
    try:
        return {
            table: sorted(connection.execute(f"SELECT * FROM {table}").fetchall(), key=repr)
            for table in TABLES
        }
    finally:
        connection.close()
