"""What `status` tells about the database: how much there is, and what was left out and why.

Where several users share a database, each is told of his own work alone: even a count says what others do.
"""

from __future__ import annotations

import sqlite3

from mycelial.store.connection import Database
from mycelial.store.names import from_column


def summary(database: Database, uid: int | None) -> dict[str, object]:
    """Return counts of what there is of `uid` (None: of everybody)."""
    connection = database.conn
    if uid is not None and not is_alone(connection, uid):
        return {**_own(connection, uid), "sweeps": _sweeps(connection, uid)}
    execute = connection.execute
    first, last = execute(
        "SELECT (SELECT t FROM event ORDER BY id LIMIT 1), (SELECT t FROM event ORDER BY id DESC LIMIT 1)"
    ).fetchone()
    return {
        "events": _count(connection, "event"),
        "first": first,
        "last": last,
        "files": _count(connection, "file WHERE NOT gone AND id > 0"),
        "episodes": _count(connection, "episode"),
        "together": _count(connection, "together") // 2,
        "next": _count(connection, "next"),
        "sources": _count(connection, "source"),
        "sweeps": _sweeps(connection, uid),
    }


def is_alone(connection: sqlite3.Connection, uid: int) -> bool:
    """Whether nobody but `uid` is in the log."""
    others = "SELECT EXISTS (SELECT 1 FROM log_process WHERE uid < ?1) OR EXISTS"
    row = connection.execute(f"{others} (SELECT 1 FROM log_process WHERE uid > ?1)", (uid,)).fetchone()
    return not row[0]


def _own(connection: sqlite3.Connection, uid: int) -> dict[str, object]:
    events, first, last = connection.execute(
        "SELECT count(*), min(t), max(t) FROM event"
        " WHERE process IN (SELECT id FROM log_process WHERE uid = ?)",
        (uid,),
    ).fetchone()
    (files,) = connection.execute(
        "SELECT count(*) FROM (SELECT file FROM usage WHERE uid = ?1 UNION SELECT file FROM touch"
        " JOIN episode ON episode.id = touch.episode WHERE open AND uid = ?1)"
        " JOIN file ON file.id = file AND NOT gone AND file.id > 0",
        (uid,),
    ).fetchone()
    whose = f"WHERE uid = {int(uid)}"
    return {
        "events": events,
        "first": first,
        "last": last,
        "files": files,
        "episodes": _count(connection, f"episode {whose}"),
        "together": _count(connection, f"together {whose}") // 2,
        "next": _count(connection, f"next {whose}"),
        "sources": _count(connection, f"source {whose}"),
    }


def _sweeps(connection: sqlite3.Connection, uid: int | None) -> list[dict[str, object]]:
    whose = "" if uid is None else f" WHERE uid = {int(uid)}"
    rows = connection.execute(
        "SELECT program, count(*), sum(files), max(ended) FROM sweep"
        f"{whose} GROUP BY program ORDER BY sum(files) DESC, program"
    )
    return [
        {"program": from_column(program), "count": count, "accesses": files, "last": ended}
        for program, count, files, ended in rows
    ]


def _count(connection: sqlite3.Connection, rows: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {rows}").fetchone()[0])
