"""Removing events from the log for good, with all that only they needed: names, processes, command lines.

A file is forgotten under the names that it had before, too: renames are followed back in time, and a former
name counts only for the time in which it meant this file.  A process that is still needed for other events
loses its command line and directories if they name what is forgotten.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from mycelial.store.connection import Database
from mycelial.store.names import from_column

_ALWAYS = 2**63 - 1
_COMM = 15  # bytes that the kernel keeps of a program's name
_WORDS = re.compile(r"[\s=:,;'\"()<>|&`$\[\]{}]+")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which events to forget: those to which all that is given applies.

    Attributes
    ----------
    paths : tuple of str
        Files and directories (with all below them), relative to the mount root.
    since, before : float, optional
        Seconds since the epoch.
    uid : int, optional
        Whose accesses.
    excluded : callable, optional
        Says of a path whether it is to be forgotten.
    """

    paths: tuple[str, ...] = ()
    since: float | None = None
    before: float | None = None
    uid: int | None = None
    excluded: Callable[[str], bool] | None = None

    @property
    def is_everything(self) -> bool:
        """Whether nothing is to be left."""
        return self == Selection()


def count_events(database: Database, excluded: Callable[[str], bool]) -> int:
    """Return how many events name a path that is `excluded`; reads only."""
    rows = database.conn.execute(
        "SELECT p.path, count(*) FROM event JOIN log_path AS p"
        ' ON p.id IN (event.path, event."to") GROUP BY p.id'
    )
    return sum(count for path, count in rows if excluded(from_column(path)))


def remove_events(database: Database, selection: Selection) -> int:
    """Delete the selected events and what only they needed, in the caller's transaction; return their number.

    What was derived from them is to be derived anew afterwards.
    """
    connection = database.conn
    _keep_highest(connection)
    if selection.is_everything:
        gone = connection.execute("DELETE FROM event").rowcount
        for table in ("mute", "log_path", "log_process"):
            connection.execute(f"DELETE FROM {table}")
        return gone
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS doomed (path INTEGER, after INTEGER, until INTEGER)")
    connection.execute("CREATE INDEX IF NOT EXISTS temp.doomed_path ON doomed(path)")
    connection.execute("DELETE FROM doomed")
    named = None
    if selection.paths or selection.excluded is not None:
        named = _doom(connection, selection)
    gone = _delete(connection, selection, by_name=named is not None)
    if named:
        connection.execute(
            "DELETE FROM mute WHERE (a IN (SELECT path FROM doomed) OR b IN (SELECT path FROM doomed))"
            " AND uid = coalesce(?, uid)",
            (selection.uid,),
        )
    connection.execute(
        'DELETE FROM log_path WHERE id NOT IN (SELECT path FROM event UNION SELECT "to" FROM event'
        ' WHERE "to" IS NOT NULL UNION SELECT a FROM mute UNION SELECT b FROM mute)'
    )
    connection.execute("DELETE FROM log_process WHERE id NOT IN (SELECT process FROM event)")
    if named:
        _scrub(connection, named, selection.uid)
    connection.execute("DROP TABLE temp.doomed")
    return gone


def _keep_highest(connection: sqlite3.Connection) -> None:
    """Note the highest number that an event had, so that none is used twice."""
    (highest,) = connection.execute("SELECT coalesce(max(id), 0) FROM event").fetchone()
    row = connection.execute("SELECT value FROM meta WHERE key = 'last_event'").fetchone()
    known = 0 if row is None else int(row[0])
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('last_event', ?)", (max(highest, known),))


def _doom(connection: sqlite3.Connection, selection: Selection) -> set[str]:
    """Fill table doomed; return the paths that it stands for."""
    names = _former_names(connection, selection.paths)
    excluded = selection.excluded
    found: set[str] = set(selection.paths)
    rows: list[tuple[int, int, int]] = []
    for number, column in connection.execute("SELECT id, path FROM log_path").fetchall():
        path = from_column(column)
        spans = [span for prefix in _prefixes(path) for span in names.get(prefix, ())]
        if excluded is not None and excluded(path):
            spans = [(0, _ALWAYS)]
        rows += [(number, *span) for span in spans]
        if spans:
            found.add(path)
    connection.executemany("INSERT INTO doomed VALUES (?, ?, ?)", rows)
    return found


def _former_names(connection: sqlite3.Connection, paths: Iterable[str]) -> dict[str, list[tuple[int, int]]]:
    """Return all names of the files, with the events (after, until) between which each meant one of them."""
    active = {path: (0, _ALWAYS) for path in paths}
    given = frozenset(active)
    above: dict[str, set[str]] = {}
    done: dict[str, list[tuple[int, int]]] = {}
    for path in given:
        for prefix in _prefixes(path):
            above.setdefault(prefix, set()).add(path)
    renames = connection.execute(
        "SELECT event.id, p.path, q.path FROM event JOIN log_path AS p ON p.id = event.path"
        " JOIN log_path AS q ON q.id = event.\"to\" WHERE op = 'rename' ORDER BY event.id DESC"
    )
    for number, old_column, new_column in renames if given else ():
        old, new = from_column(old_column), from_column(new_column)
        former = [old] if any(prefix in active for prefix in _prefixes(new)) else []
        former += [old + name[len(new) :] for name in above.get(new, ()) if name in active and name != new]
        if new in active and new not in given:
            done.setdefault(new, []).append((number - 1, active.pop(new)[1]))
        for name in former:
            if name not in active:
                active[name] = (0, number)
                for prefix in _prefixes(name):
                    above.setdefault(prefix, set()).add(name)
    for name, span in active.items():
        done.setdefault(name, []).append(span)
    return done


def _prefixes(path: str) -> Iterator[str]:
    """Yield the path and all directories above it."""
    while path:
        yield path
        path = path.rpartition("/")[0]


def _delete(connection: sqlite3.Connection, selection: Selection, *, by_name: bool) -> int:
    conditions, values = ["1"], []
    if selection.since is not None:
        conditions.append("event.t >= ?")
        values.append(selection.since)
    if selection.before is not None:
        conditions.append("event.t < ?")
        values.append(selection.before)
    if selection.uid is not None:
        conditions.append("event.process IN (SELECT id FROM log_process WHERE uid = ?)")
        values.append(selection.uid)
    where = " AND ".join(conditions)
    if not by_name:
        return connection.execute(f"DELETE FROM event WHERE {where}", values).rowcount
    is_doomed = (
        "EXISTS (SELECT 1 FROM doomed WHERE doomed.path = event.{0}"
        " AND event.id > after AND event.id <= until)"
    )
    path, to = is_doomed.format("path"), is_doomed.format('"to"')
    # What moves across the border is split at it, as where an exclusion's border is crossed.
    moved_out = connection.execute(
        f"UPDATE event SET op = 'unlink', \"to\" = NULL"
        f" WHERE op = 'rename' AND {where} AND {to} AND NOT {path}",
        values,
    ).rowcount
    moved_in = connection.execute(
        f'UPDATE event SET op = \'write\', path = "to", "to" = NULL'
        f" WHERE op IN ('rename', 'link') AND {where} AND {path} AND NOT {to}",
        values,
    ).rowcount
    gone = connection.execute(f"DELETE FROM event WHERE {where} AND ({path} OR {to})", values).rowcount
    return gone + moved_out + moved_in


class _Mentions:
    """Recognises the forgotten names in command lines and directories."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = set(paths)
        self._names = {path.rpartition("/")[2] for path in self._paths}
        odd = [name for name in self._names if _WORDS.search(name)]
        self._odd = re.compile("|".join(map(re.escape, odd))) if odd else None
        self._comms = {name.encode("utf-8", "surrogateescape")[:_COMM] for name in self._names}

    def in_text(self, text: str | None) -> bool:
        """Whether a word, or a part of a path, of `text` is one of the names."""
        if not text:
            return False
        if self._odd is not None and self._odd.search(text):
            return True
        for word in (text, *_WORDS.split(text)):
            if not self._names.isdisjoint(word.split("/")) or not self._names.isdisjoint(word.split("\\")):
                return True
        return False

    def in_any(self, items: Iterable[object]) -> bool:
        """Whether one of the texts among `items` names any."""
        return any(isinstance(item, str) and self.in_text(item) for item in items)

    def without(self, line: list[str]) -> list[str]:
        """Return a command line, empty if it names any."""
        return [] if self.in_any(line) else line

    def in_program(self, comm: str) -> bool:
        """Whether the kernel's name of a program is one of the names, cut as the kernel does."""
        return comm.encode("utf-8", "surrogateescape") in self._comms


def _scrub(connection: sqlite3.Connection, named: set[str], uid: int | None) -> None:
    """Take the forgotten names out of the processes, or those of one user, that are still needed."""
    mentions = _Mentions(named)
    columns = ("comm", "exe", "cwd", "args", "chain", "chain_args", "fds", "neighbours")
    rows = connection.execute(
        f"SELECT id, {', '.join(columns)} FROM log_process WHERE uid = coalesce(?, uid)", (uid,)
    ).fetchall()
    for number, comm, exe, cwd, args, chain, chain_args, fds, neighbours in rows:
        kept = (
            "?" if mentions.in_program(from_column(comm)) else comm,
            None if exe is not None and mentions.in_text(from_column(exe)) else exe,
            None if cwd is not None and mentions.in_text(from_column(cwd)) else cwd,
            None if args and mentions.in_any(json.loads(args)) else args,
            _changed(chain, lambda pairs: [[p, "?" if mentions.in_program(str(c)) else c] for p, c in pairs]),
            _changed(chain_args, lambda lines: [mentions.without(line) for line in lines]),
            _changed(fds, lambda streams: [stream for stream in streams if not mentions.in_any(stream)]),
            _changed(
                neighbours, lambda rest: [[p, mentions.without(s), mentions.without(a)] for p, s, a in rest]
            ),
        )
        if kept != (comm, exe, cwd, args, chain, chain_args, fds, neighbours):
            changes = ", ".join(f"{column} = ?" for column in columns)
            # The digest is only for finding an equal one again; this one is like no other now.
            values = (*kept, os.urandom(12), number)
            connection.execute(f"UPDATE log_process SET {changes}, digest = ? WHERE id = ?", values)


def _changed(column: str | None, change: Callable[[list[Any]], list[Any]]) -> str | None:
    """Return a JSON array after a change of its items; the very text where nothing changed."""
    if not column:
        return column
    before = json.loads(column)
    after = change(before)
    return column if after == before else json.dumps(after)
