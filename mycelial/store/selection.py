"""Which part of the event log somebody wants to see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mycelial.record.events import Event, Op, bytes_of
from mycelial.store.connection import Database
from mycelial.store.log import read_events
from mycelial.store.names import to_column


@dataclass(frozen=True, slots=True)
class Selection:
    """What an event must be like; what is empty or None says nothing.

    Attributes
    ----------
    uid : int, optional
    ops : tuple of Op
    programs : tuple of str
        The kernel's names of them.
    paths : tuple of str
        Files, or directories with all that is below; the old or the new name may be meant.
    since, until : float, optional
        Seconds since the epoch; the latter is not within.
    """

    uid: int | None = None
    ops: tuple[Op, ...] = ()
    programs: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    since: float | None = None
    until: float | None = None

    def condition(self) -> tuple[str, tuple[object, ...]]:
        """Return the condition for :func:`read_events` and its values."""
        terms: list[str] = []
        values: list[object] = []

        def require(term: str, *bound: object) -> None:
            terms.append(f" AND {term}")
            values.extend(bound)

        of_process = "process IN (SELECT id FROM log_process WHERE {})"
        if self.uid is not None:
            require(of_process.format("uid = ?"), self.uid)
        if self.programs:
            names = map(to_column, self.programs)
            require(of_process.format(f"comm IN ({_marks(self.programs)})"), *names)
        if self.ops:
            require(f"op IN ({_marks(self.ops)})", *(op.value for op in self.ops))
        if self.since is not None:
            require("t >= ?", self.since)
        if self.until is not None:
            require("t < ?", self.until)
        if self.paths:
            fits = "CAST(path AS BLOB) = ? OR substr(CAST(path AS BLOB), 1, ?) = ?"
            paths = f"SELECT id FROM log_path WHERE {' OR '.join([fits] * len(self.paths))}"
            raw = [bytes_of(path) for path in self.paths]
            bound = [value for path in raw for value in (path, len(path) + 1, path + b"/")]
            require(f'(event.path IN ({paths}) OR event."to" IN ({paths}))', *bound, *bound)
        return "".join(terms), tuple(values)


def select(database: Database, selection: Selection, last: int | None) -> Iterator[Event]:
    """Yield the selected events in order of arrival; of these the `last` ones."""
    newest = _newest(database)
    yield from _between(database, selection, _before_last(database, selection, last, newest), newest)


def follow(database: Database, selection: Selection, last: int | None) -> Iterator[Event | None]:
    """Yield the same, and go on with what comes; None where there is nothing yet: wait a moment then."""
    newest = _newest(database)
    after = _before_last(database, selection, last, newest)
    while True:
        yield from _between(database, selection, after, newest)
        after, newest = newest, _newest(database)
        if newest <= after:
            yield None


def _between(database: Database, selection: Selection, after: int, newest: int) -> Iterator[Event]:
    condition, values = selection.condition()
    for _, _, event in read_events(database, after, f"AND event.id <= ?{condition}", (newest, *values)):
        yield event


def _before_last(database: Database, selection: Selection, last: int | None, newest: int) -> int:
    """Return the number after which there are just `last` selected events; 0 if there are not so many."""
    if last is None:
        return 0
    if last == 0:
        return newest
    condition, values = selection.condition()
    row = database.conn.execute(
        f"SELECT id FROM event WHERE id <= ?{condition} ORDER BY id DESC LIMIT 1 OFFSET ?",
        (newest, *values, last - 1),
    ).fetchone()
    return 0 if row is None else int(row[0]) - 1


def _newest(database: Database) -> int:
    return int(database.conn.execute("SELECT coalesce(max(id), 0) FROM event").fetchone()[0])


def _marks(values: tuple[object, ...]) -> str:
    return ", ".join("?" * len(values))
