"""Keeping the database small: what need not be kept goes, a little at a time.

Everything here is done in steps, each a short transaction of its own, so that events never wait for long and
a kill at any moment leaves a database in which all agrees.  What follows from events is not touched when
they go: relations outlive the log, until a rebuild.  Only what speaks of single stretches of work that the
log knows nothing of any more goes with it, and files that were gone by then.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

from mycelial.store.log import Retention
from mycelial.store.purging import drop_gone
from mycelial.store.writer import Writer

EVENTS = 5000
"""Events dropped in one step."""

MARKED = 20_000
"""Events, or names and processes, looked at in one step."""

EPISODES = 20
"""Stretches of work dropped in one step."""

PAGES = 64
"""Free pages given back to the disk in one step."""

WASTE = 0.1
"""Share of free pages in the file from which on they are given back; below, they are used again."""

UNSWEPT = 0.05
"""Share of the events that have to go before it is looked which names and processes went with them."""

YOUNG = 30 * 86400.0
"""Seconds before the newest event within which stretches of work stay in any case."""


@dataclass(slots=True)
class Tally:
    """What was dropped so far."""

    events: int = 0
    paths: int = 0
    processes: int = 0
    episodes: int = 0
    files: int = 0


def keep_small(
    writer: Writer, retention: Retention, tally: Tally, *, thorough: bool = False
) -> Iterator[None]:
    """Drop what need not be kept, one step between any two of the iterator's values.

    No transaction may be open when it goes on, and none is open when it yields.  With `thorough` names and
    processes are looked through even if little was dropped.

    Raises
    ------
    StoreError, DatabaseError
        The database failed; nothing of this step was done.
    """
    yield from _drop_events(writer, retention, tally)
    unswept = _fact(writer, "unswept")
    if unswept > UNSWEPT * _count(writer) or (thorough and unswept):
        yield from _sweep(writer, tally)
    while retention.size and used_bytes(writer) > retention.size and (count := _count(writer)) > 1:
        yield from _drop_events(writer, Retention(events=max(1, count - max(EVENTS, count // 20))), tally)
        yield from _sweep(writer, tally)
    yield from _give_back(writer)


def used_bytes(writer: Writer) -> int:
    """Return the size of what is in the file, without its free pages."""
    pages, free, size = (_pragma(writer, name) for name in ("page_count", "freelist_count", "page_size"))
    return (pages - free) * size


def _drop_events(writer: Writer, retention: Retention, tally: Tally) -> Iterator[None]:
    dropped = EVENTS
    while dropped == EVENTS:
        writer.begin()
        dropped = writer.log.prune(retention, EVENTS)
        if dropped:
            for key in ("pruned", "unswept"):
                _add(writer, key, dropped)
        writer.commit()
        tally.events += dropped
        if dropped:
            yield


def _sweep(writer: Writer, tally: Tally) -> Iterator[None]:
    """Drop the names and processes that nothing refers to, and the stretches of work before the log."""
    yield from _drop_episodes(writer, tally)
    for dropped in drop_gone(writer):
        tally.files += dropped
        yield
    execute = writer.database.conn.execute
    bounds = {table: _highest(writer, table) for table in ("event", "log_path", "log_process")}
    for used in ("used_path", "used_process"):
        execute(f"CREATE TEMP TABLE IF NOT EXISTS {used} (id INTEGER PRIMARY KEY)")
        execute(f"DELETE FROM temp.{used}")
    first = 0
    while first < bounds["event"]:
        last = execute(
            "SELECT id FROM event WHERE id > ? ORDER BY id LIMIT 1 OFFSET ?", (first, MARKED)
        ).fetchone()
        until = bounds["event"] if last is None else min(last[0], bounds["event"])
        for used, column in (("path", "path"), ("path", '"to"'), ("process", "process")):
            execute(
                f"INSERT OR IGNORE INTO temp.used_{used} SELECT {column} FROM event"
                f" WHERE id > ? AND id <= ? AND {column} IS NOT NULL",
                (first, until),
            )
        first = until
        yield
    tally.paths += yield from _drop_unused(writer, "log_path", "used_path", bounds)
    tally.processes += yield from _drop_unused(writer, "log_process", "used_process", bounds)
    writer.begin()
    execute("DELETE FROM meta WHERE key = 'unswept'")
    writer.commit()
    for used in ("used_path", "used_process"):
        execute(f"DROP TABLE temp.{used}")


def _drop_unused(writer: Writer, table: str, used: str, bounds: dict[str, int]) -> Generator[None, None, int]:
    """Drop rows that were not marked, and that nothing has come to refer to since; return how many."""
    conditions = [f"id NOT IN (SELECT id FROM temp.{used})"]
    for other, column in _references(writer, table):
        since = f" AND id > {bounds['event']}" if other == "event" else ""
        conditions.append(f'id NOT IN (SELECT "{column}" FROM "{other}" WHERE "{column}" IS NOT NULL{since})')
    if table == "log_process":  # what a process does next refers to how it was seen last
        record = "json_extract(value, '$.record')"
        conditions.append(
            f"id NOT IN (SELECT {record} FROM work WHERE kind = 'process' AND json_type(value) = 'object'"
            f" AND {record} IS NOT NULL)"
        )
    dropped = 0
    for first in range(0, bounds[table], MARKED):
        writer.begin()
        dropped += writer.database.conn.execute(
            f"DELETE FROM {table} WHERE id > ? AND id <= ? AND {' AND '.join(conditions)}",
            (first, min(first + MARKED, bounds[table])),
        ).rowcount
        writer.log.forget_numbers()
        writer.commit()
        yield
    return dropped


def _drop_episodes(writer: Writer, tally: Tally) -> Iterator[None]:
    execute = writer.database.conn.execute
    oldest, newest = execute(
        "SELECT (SELECT t FROM event ORDER BY id LIMIT 1), (SELECT t FROM event ORDER BY id DESC LIMIT 1)"
    ).fetchone()
    if oldest is None:
        return
    horizon = min(oldest, newest - YOUNG)
    while numbers := [
        number
        for (number,) in execute(
            "SELECT id FROM episode WHERE ended < ? AND NOT open ORDER BY id LIMIT ?", (horizon, EPISODES)
        )
    ]:
        marks = ", ".join(map(str, numbers))
        writer.begin()
        execute(f"DELETE FROM touch WHERE episode IN ({marks})")
        execute(f"DELETE FROM episode WHERE id IN ({marks})")
        execute("DELETE FROM sweep WHERE ended < ?", (horizon,))
        writer.commit()
        tally.episodes += len(numbers)
        yield


def _give_back(writer: Writer) -> Iterator[None]:
    """Shorten the file, where it was made so that it can be (databases of before need a VACUUM once)."""
    if _pragma(writer, "auto_vacuum") != 2:
        return
    if _pragma(writer, "freelist_count") <= max(PAGES, WASTE * _pragma(writer, "page_count")):
        return
    while _pragma(writer, "freelist_count"):
        writer.give_back(PAGES)
        yield


def _references(writer: Writer, table: str) -> list[tuple[str, str]]:
    """Return (table, column) of all columns that refer to `table`."""
    # Without sqlite-utils: an engine that has run for long may find another version of it.
    return [
        (str(other), str(column))
        for other, column in writer.database.conn.execute(
            """SELECT m.name, k."from" FROM sqlite_master AS m, pragma_foreign_key_list(m.name) AS k
            WHERE m.type = 'table' AND k."table" = ?""",
            (table,),
        )
    ]


def _fact(writer: Writer, key: str) -> int:
    row = writer.database.conn.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return 0 if row is None else int(row[0])


def _add(writer: Writer, key: str, count: int) -> None:
    writer.database.conn.execute(
        "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value",
        (key, count),
    )


def _count(writer: Writer) -> int:
    """Return how many events the log can have at most, from the first number to the last."""
    first, last = writer.database.conn.execute(
        "SELECT (SELECT min(id) FROM event), (SELECT max(id) FROM event)"
    ).fetchone()
    return 0 if first is None else int(last - first + 1)


def _highest(writer: Writer, table: str) -> int:
    return int(writer.database.conn.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()[0])


def _pragma(writer: Writer, name: str) -> int:
    return int(writer.database.conn.execute(f"PRAGMA {name}").fetchone()[0])
