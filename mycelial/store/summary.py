"""What `status` tells about the database: how much there is, and what was left out and why."""

from __future__ import annotations

import sqlite_utils

from mycelial.store.names import from_column


def summary(database: sqlite_utils.Database, uid: int | None) -> dict[str, object]:
    """Return counts over the whole database; sweeps are those of `uid` (None: everybody's)."""
    execute = database.conn.execute
    first, last = execute(
        "SELECT (SELECT t FROM event ORDER BY id LIMIT 1), (SELECT t FROM event ORDER BY id DESC LIMIT 1)"
    ).fetchone()
    whose = "" if uid is None else f" WHERE uid = {int(uid)}"
    sweeps = execute(
        "SELECT program, count(*), sum(files), max(ended) FROM sweep"
        f"{whose} GROUP BY program ORDER BY sum(files) DESC, program"
    ).fetchall()
    return {
        "events": _count(database, "event"),
        "first": first,
        "last": last,
        "files": execute("SELECT count(*) FROM file WHERE NOT gone AND id > 0").fetchone()[0],
        "episodes": _count(database, "episode"),
        "together": _count(database, "together") // 2,
        "next": _count(database, "next"),
        "sources": _count(database, "source"),
        "sweeps": [
            {"program": from_column(program), "count": count, "accesses": files, "last": ended}
            for program, count, files, ended in sweeps
        ],
    }


def _count(database: sqlite_utils.Database, table: str) -> int:
    return int(database.conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
