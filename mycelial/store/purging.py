"""Dropping what is known of files that are gone, once nothing in the log or in what is kept of it needs them.

A removed file's row waits under its name, for made again it is the same file.  That cannot go on for ever:
who builds every day leaves thousands of names behind.  A row goes when its file has been gone for longer than
stretches of work are kept, nothing that is there was made from it, and the engine is not just doing
something with it.  With it goes what was known of it, which is of no use to anybody: what it was used
together with.

Everything is done in steps that leave a database in which all agrees.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from mycelial.store.files import ROOT
from mycelial.store.writer import Writer

CHUNK = 2000
"""Rows of files that are looked at in one step."""

_GONE = (
    "(gone OR parent IS NULL) AND NOT EXISTS (SELECT 1 FROM file AS f WHERE f.parent = file.id)"
    " AND NOT EXISTS (SELECT 1 FROM touch WHERE touch.file = file.id)"
    " AND NOT EXISTS (SELECT 1 FROM source WHERE source.source = file.id)"
    " AND NOT EXISTS (SELECT 1 FROM muted WHERE muted.a = file.id)"
)
"""What is true of the row of a file that nothing needs any more, the engine's working state apart."""


def drop_gone(writer: Writer) -> Iterator[int]:
    """Drop the rows of files that are gone and not needed; yield after each step how many it dropped.

    Two walks: first all that speaks of them beside other files goes, then they themselves.
    """
    execute = writer.database.conn.execute
    execute("CREATE TEMP TABLE IF NOT EXISTS gone_file (id INTEGER PRIMARY KEY)")
    execute("DELETE FROM temp.gone_file")
    (highest,) = execute("SELECT max(id) FROM file").fetchone()
    for first in range(ROOT, highest, CHUNK):
        busy = _in_work(writer)
        rows = execute(
            f"SELECT id FROM file WHERE id > ? AND id <= ? AND {_GONE}", (first, first + CHUNK)
        ).fetchall()
        doomed = [(number,) for (number,) in rows if number not in busy]
        writer.database.conn.executemany("INSERT INTO temp.gone_file VALUES (?)", doomed)
        yield 0
    if execute("SELECT 1 FROM temp.gone_file LIMIT 1").fetchone() is not None:
        for first in range(ROOT, highest, CHUNK):
            writer.begin()
            for table in ("together", "next"):
                execute(
                    f"DELETE FROM {table} WHERE a > ? AND a <= ? AND (a IN (SELECT id FROM temp.gone_file)"
                    " OR b IN (SELECT id FROM temp.gone_file))",
                    (first, first + CHUNK),
                )
            writer.commit()
            yield 0
        for first in range(ROOT, highest, CHUNK):
            writer.begin()
            dropped = _drop(writer, first, first + CHUNK)
            writer.commit()
            yield dropped
    execute("DROP TABLE temp.gone_file")


def _drop(writer: Writer, after: int, until: int) -> int:
    """Drop those of the chosen files that are still gone and unused; inside a transaction."""
    execute = writer.database.conn.execute
    busy = _in_work(writer)
    rows = execute(
        f"SELECT id, parent FROM file WHERE id > ? AND id <= ? AND id IN (SELECT id FROM temp.gone_file)"
        f" AND {_GONE} AND NOT EXISTS (SELECT 1 FROM together WHERE together.a = file.id)"
        " AND NOT EXISTS (SELECT 1 FROM next WHERE next.a = file.id)",
        (after, until),
    ).fetchall()
    doomed = [(number, parent) for number, parent in rows if number not in busy]
    for number, _ in doomed:
        for table in ("usage", "member", "hub"):
            execute(f"DELETE FROM {table} WHERE file = ?", (number,))
        execute("DELETE FROM source WHERE product = ?", (number,))
        execute("DELETE FROM recipe WHERE product = ?", (number,))
    if doomed:
        writer.files.drop(number for number, _ in doomed)
    # A directory of which nothing is known any more must not be taken for a file.
    parents = sorted({parent for _, parent in doomed if parent})
    for parent in parents:
        execute(
            "UPDATE file SET gone = 1 WHERE id = ?1"
            " AND NOT EXISTS (SELECT 1 FROM file AS f WHERE f.parent = ?1)"
            " AND NOT EXISTS (SELECT 1 FROM usage WHERE file = ?1)"
            " AND NOT EXISTS (SELECT 1 FROM touch WHERE file = ?1)",
            (parent,),
        )
    return len(doomed)


def _in_work(writer: Writer) -> set[int]:
    """Return the files that the engine's working state holds, be they gone or not."""
    found: set[int] = set()
    rows = writer.database.conn.execute("SELECT kind, key, value FROM work WHERE key != ''").fetchall()
    rows += writer.database.conn.execute("SELECT kind, key, value FROM work WHERE kind = 'aside'").fetchall()
    for kind, key, value in rows:
        state = json.loads(value)
        match kind:
            case "aside":
                found.update(file for row in state for file in (row[0], row[-1]) if file is not None)
            case "burst":
                found.update(state[5])
            case "generation":
                found.add(int(key))
            case "habit":
                found.update(state[2])
            case "process" if " reads" in key:
                found.update(read[0] for read in state)
            case "process":
                found.update(file for file, _ in state["finished"])
    return found
