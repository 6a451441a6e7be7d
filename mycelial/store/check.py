"""Everything that must be true of a database, looked at, and said in one line where it is not.

What is checked here needs one look at each row.  Whether the relations are those that follow from the log is
another question (:mod:`mycelial.graph.comparing`).
"""

from __future__ import annotations

import contextlib
import json
import math
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from mycelial.record.events import Op, is_clean_path
from mycelial.store.answers import Answers
from mycelial.store.connection import Database
from mycelial.store.database import explained, open_reader
from mycelial.store.evidence import CROWDED, NEIGHBOURS
from mycelial.store.files import ROOT
from mycelial.store.names import from_column
from mycelial.store.schema import create

MOST = 20
"""Problems of one kind that are told; the rest is counted."""

ASKED = 200
"""Files whose answers are looked at, those used most."""

_LATEST = 253_402_300_800.0  # seconds; the year 10000


def problems(db: Path) -> Iterator[str]:
    """Yield what is wrong with the database, one line each; nothing if all is well.

    Raises
    ------
    StoreError
        There is no database, or none that can be opened.
    """
    database = open_reader(db)
    with explained(db), contextlib.closing(database.conn) as connection:
        connection.execute("BEGIN")
        damaged = [text for (text,) in connection.execute(f"PRAGMA integrity_check({MOST})") if text != "ok"]
        yield from (f"file: {line}" for text in damaged for line in text.splitlines())
        if damaged:
            return  # nothing else could be believed
        missing = list(_missing(database))
        yield from missing
        if missing:
            return
        for look in (_references, _log, _files, _pairs, _episodes, _provenance, _work):
            yield from _few(look(database))
        uids = [uid for (uid,) in connection.execute("SELECT DISTINCT uid FROM usage ORDER BY uid")]
    for uid in uids:
        yield from _few(_answers(db, uid))


def first_damage(db: Path, seconds: float) -> str:
    """Return what is wrong with the file itself, as far as that is seen within so many seconds.

    Raises
    ------
    StoreError
        There is no database, or none that can be opened.
    """
    database = open_reader(db)
    until = time.monotonic() + seconds
    with explained(db), contextlib.closing(database.conn) as connection:
        connection.set_progress_handler(lambda: time.monotonic() > until, 10_000)
        try:
            (text,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                return ""
            raise
    return "" if text == "ok" else " ".join(str(text).split())


def _few(found: Iterator[str]) -> Iterator[str]:
    count = 0
    for count, problem in enumerate(found, 1):
        if count <= MOST:
            yield problem
    if count > MOST:
        yield f"… and {count - MOST} more like these"


def _missing(database: Database) -> Iterator[str]:
    """Compare tables, columns, references, indexes, triggers and views with those of a new database."""
    pristine = Database(sqlite3.connect(":memory:", isolation_level=None))
    create(pristine)
    there = _shape(database)
    for name, parts in _shape(pristine).items():
        if name not in there:
            yield f"{name}: missing"
            continue
        for kind, wanted in parts.items():
            if absent := sorted(wanted - there[name].get(kind, set())):
                yield f"{name}: {kind} missing: {', '.join(absent)}"


def _shape(database: Database) -> dict[str, dict[str, set[str]]]:
    """Return the parts of each table and view, by what they are."""
    found: dict[str, dict[str, set[str]]] = {
        view.name: {"columns": {column.name for column in view.columns}} for view in database.tables.views
    }
    for table in database.tables.tables:
        found[table.name] = {
            "columns": {column.name for column in table.columns},
            "references": {f"{key.column} to {key.other_table}" for key in table.foreign_keys},
            "indexes": {index.name for index in table.indexes},
            "triggers": {trigger.name for trigger in table.triggers},
        }
    return found


def _references(database: Database) -> Iterator[str]:
    for table, row, parent, _ in database.conn.execute("PRAGMA foreign_key_check"):
        where = "" if row is None else f" row {row}"
        yield f"{table}:{where} refers to something in {parent} that is not there"


def _log(database: Database) -> Iterator[str]:
    ops = ", ".join(f"'{op.value}'" for op in Op)
    with_target = ", ".join(f"'{op.value}'" for op in Op if op.has_target)
    rules = {
        f"op NOT IN ({ops})": "a kind of event that is not known",
        f'op IN ({with_target}) AND "to" IS NULL': "no new name",
        f'op IN ({ops}) AND op NOT IN ({with_target}) AND "to" IS NOT NULL': "a new name that means nothing",
        f"typeof(t) != 'real' OR NOT t BETWEEN 0 AND {_LATEST}": "a time that cannot be",
        "id < 1": "a number that cannot be",
    }
    yield from _rows(database, "event", rules)
    for number, path in database.conn.execute("SELECT id, path FROM log_path"):
        if not is_clean_path(from_column(path)):
            yield f"log_path: row {number}: no path below the mount's root"
    lists = ("args", "chain", "pipe_in", "pipe_out")
    for number, *values in database.conn.execute(f"SELECT id, {', '.join(lists)} FROM log_process"):
        for column, text in zip(lists, values, strict=True):
            if text is not None and not _is_list(text):
                yield f"log_process: row {number}: {column} is no JSON array"


def _is_list(text: str) -> bool:
    try:
        return isinstance(json.loads(text), list)
    except ValueError:
        return False


def _files(database: Database) -> Iterator[str]:
    parents: dict[int, int | None] = {}
    for number, parent, column, gone in database.conn.execute("SELECT id, parent, name, gone FROM file"):
        parents[number] = parent
        name = from_column(column)
        if (number == ROOT) is not (name == ""):
            yield f"file: row {number}: {'the root has a name' if name else 'no name'}"
        elif number != ROOT and ("/" in name or "\0" in name or name in (".", "..")):
            yield f"file: row {number}: a name that no file can have"
        elif number != ROOT and parent is None and not gone:
            yield f"file: row {number}: has no name any more, but is not gone"
    if ROOT not in parents:
        yield "file: the root is missing"
    rooted: set[int] = {ROOT}
    for number in parents:
        way: list[int] = []
        above: int | None = number
        while above is not None and above not in rooted and above not in way and len(way) <= len(parents):
            way.append(above)
            above = parents.get(above)
        if above is not None and above not in rooted:
            yield f"file: row {number}: lies below itself"
        rooted.update(way)


def _pairs(database: Database) -> Iterator[str]:
    for table, count in (("together", "episodes"), ("next", "count")):
        rules = {
            "a = b": "a file with itself",
            f"typeof(weight) != 'real' OR NOT weight > 0 OR weight > {math.ldexp(1, 1023)}": "no weight",
            f"{count} < 1": "evidence that never was",
            f"NOT last BETWEEN 0 AND {_LATEST}": "a time that cannot be",
        }
        yield from _rows(database, table, rules, "a || ' ' || b")
        for a, uid, found in database.conn.execute(
            f"SELECT a, uid, count(*) AS n FROM {table} GROUP BY a, uid HAVING n > {CROWDED}"
        ):
            yield f"{table}: file {a}, user {uid}: {found} neighbours, more than {CROWDED}"
    # Where files that were gone went, those that they had crowded out do not come back.
    whole = "NOT EXISTS (SELECT 1 FROM meta WHERE key = 'pruned')"
    few = f"(SELECT count(*) FROM together AS o WHERE o.a = t.b AND o.uid = t.uid) < {NEIGHBOURS}"
    for a, b in database.conn.execute(
        "SELECT t.a, t.b FROM together AS t LEFT JOIN together AS o"
        f" ON o.a = t.b AND o.uid = t.uid AND o.b = t.a WHERE {whole} AND o.a IS NULL AND {few}"
    ):
        yield f"together: {a} {b}: not the other way round, though there is room"
    yield from _rows(
        database,
        "usage",
        {
            "typeof(weight) != 'real' OR NOT weight >= 0": "no weight",
            "episodes < 1": "use that never was",
        },
        "file",
    )


def _episodes(database: Database) -> Iterator[str]:
    yield from _rows(database, "episode", {"ended < started": "ends before it begins"})
    for uid, count in database.conn.execute(
        "SELECT uid, count(*) AS n FROM episode WHERE open GROUP BY uid HAVING n > 1"
    ):
        yield f"episode: user {uid} has {count} that are still going on"
    yield from _rows(
        database,
        "touch",
        {
            "last < first": "ends before it begins",
            "reads < 0 OR made < 0 OR writes < made": "less than nothing",
        },
        "episode || ' ' || file",
    )


def _provenance(database: Database) -> Iterator[str]:
    rules = {"product = source": "made from itself", "count < 1": "made from it never"}
    yield from _rows(database, "source", rules, "product || ' ' || source")
    yield from _rows(database, "recipe", {"generation < 1": "made never"}, "product")


def _work(database: Database) -> Iterator[str]:
    yield from _rows(database, "work", {"NOT json_valid(value)": "no JSON"}, "kind || ' ' || key")


def _answers(db: Path, uid: int) -> Iterator[str]:
    """Ask as a view would: nothing that is gone or a transient may be told, nor the file itself."""
    with Answers.open(db, uid) as answers:
        questions: tuple[Callable[[str, int], list[object]], ...] = (
            answers.related,  # type: ignore[assignment]
            answers.sources,
            answers.products,
        )
        for path in answers.most_used(ASKED):
            for question in questions:
                told = [related.path for related in question(path, 20)]  # type: ignore[attr-defined]
                if path in told or len(set(told)) != len(told):
                    yield f"answers: {path}: told of itself, or of something twice"
                for other in told:
                    if not answers.known(other):
                        yield f"answers: {path}: told of {other}, which is gone"


def _rows(database: Database, table: str, rules: dict[str, str], key: str = "id") -> Iterator[str]:
    """Yield what is wrong with rows of `table`: conditions that must not hold, and what they mean."""
    meaning = " ".join(f"WHEN {condition} THEN {place}" for place, condition in enumerate(rules))
    texts = list(rules.values())
    for row, place in database.conn.execute(
        f"SELECT {key}, CASE {meaning} END AS place FROM {table} WHERE place IS NOT NULL"
    ):
        yield f"{table}: row {row}: {texts[place]}"
