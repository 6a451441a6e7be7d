"""Comparing what two databases with the same log hold besides it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from mycelial.store.database import explained, open_reader

TABLES = ("file", "usage", "episode", "touch", "together", "next", "source", "recipe", "sweep", "work")
"""What follows from the log alone; clusters and hubs are found anew at times of their own."""


def is_comparable(db: Path) -> bool:
    """Whether all that was derived follows from the log: it has lost no events since, and what was
    derived before the tables were brought up to date is gone."""
    with explained(db), contextlib.closing(open_reader(db).conn) as connection:
        lost = connection.execute("SELECT 1 FROM meta WHERE key IN ('pruned', 'migrated')").fetchone()
        return lost is None


def log_size(db: Path) -> int:
    """Return the number of events."""
    with explained(db), contextlib.closing(open_reader(db).conn) as connection:
        return int(connection.execute("SELECT count(*) FROM event").fetchone()[0])


def derived_differences(db: Path, right: Path) -> Iterator[str]:
    """Yield a line for each table of `db` that is not as in `right`."""
    with explained(db), contextlib.closing(open_reader(db).conn) as connection:
        uri = f"file:{quote(os.fsencode(right.absolute()))}?mode=ro"
        connection.execute("ATTACH ? AS other", (uri,))
        for table in TABLES:
            counts = [
                connection.execute(
                    f"SELECT count(*) FROM (SELECT * FROM {one}.{table} EXCEPT SELECT * FROM {two}.{table})"
                ).fetchone()[0]
                for one, two in (("main", "other"), ("other", "main"))
            ]
            if any(counts):
                yield (
                    f"{table}: {counts[0]} rows do not follow from the log, {counts[1]} that do are missing"
                    " (mycelial rebuild mends it)"
                )
