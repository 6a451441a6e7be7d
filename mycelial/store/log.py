"""The event log: appending to it, and reading it back exactly as it was.

Paths and processes are stored once and referred to by number, for they repeat in nearly every event.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mycelial.record.encoding import encoder
from mycelial.record.events import Event, Neighbour, Op, Process
from mycelial.store.cache import LETTERS, Seen, halve
from mycelial.store.connection import Database
from mycelial.store.many import insert_many
from mycelial.store.names import from_column, to_column

CACHED = 50_000
"""Paths, and processes, whose numbers are remembered; beyond that they are looked up again."""

LATEST = 4096
"""Processes that are remembered as a whole."""

_PATH = "SELECT id FROM log_path WHERE path = ?"
_PROCESS = "SELECT id FROM log_process WHERE digest = ?"
_TOGETHER = 1000  # events read in one go
_LONG = 256  # characters
_encode = encoder(", ", ": ")


@dataclass(frozen=True, slots=True)
class Retention:
    """How much is kept: events of so many days before the newest, and so many; 0 means all.

    `size` is how many bytes the database may have: while it has more, the oldest events go.
    """

    days: float = 0.0
    events: int = 0
    size: int = 0


class LogWriter:
    """Appends events, inside the caller's transaction; they reach the tables at :meth:`flush`."""

    def __init__(self, database: Database) -> None:
        self._connection = database.conn
        self._paths: dict[str, int] = {}
        self._letters = 0  # of paths that came to be remembered since some were dropped
        self._processes: dict[bytes, int] = {}  # by digest
        self._latest: dict[int, tuple[Process, int]] = {}  # by pid
        self._rows: list[tuple[object, ...]] = []
        removed = self._connection.execute("SELECT value FROM meta WHERE key = 'last_event'").fetchone()
        self._next = max(self._highest("event"), int(removed[0]) if removed else 0) + 1
        self._next_path = self._highest("log_path") + 1
        self._next_process = self._highest("log_process") + 1
        self._ever_paths = Seen() if self._next_path == 1 else None  # paths, if all are known
        self._new_paths: list[tuple[object, ...]] = []
        self._new_processes: list[tuple[object, ...]] = []
        self._ever_processes = Seen() if self._next_process == 1 else None  # digests, in the same way

    @property
    def last(self) -> int:
        """The number of the latest event."""
        return self._next - 1

    def append(self, event: Event) -> int:
        """Add `event` to the log and return the number of its process."""
        (number,) = self.extend([event])
        return number

    def extend(self, events: Iterable[Event]) -> list[int]:
        """Add events to the log and return the number of the process of each."""
        latest, paths, add, numbers = self._latest, self._paths, self._rows.append, []
        for t, op, path, process, to in events:
            known = latest.get(process.pid)
            number = known[1] if known is not None and known[0] is process else self.process(process)
            target = None if to is None else self.path(to)
            add((self._next, t, op._value_, paths.get(path) or self.path(path), target, number))
            self._next += 1
            numbers.append(number)
        return numbers

    def flush(self) -> None:
        """Write what was appended."""
        for table, rows in (
            ("log_path", self._new_paths),
            ("log_process", self._new_processes),
            ("event", self._rows),
        ):
            insert_many(self._connection, f"INSERT INTO {table}", rows)
            rows.clear()
        if len(self._paths) > CACHED or self._letters > LETTERS:
            halve(self._paths)
            self._letters = 0
        if len(self._processes) > CACHED:
            self._processes.clear()

    def prune(self, retention: Retention, most: int) -> int:
        """Drop up to `most` of the oldest events that need not be kept; return how many were dropped.

        What was derived from them stays until the next rebuild.
        """
        execute = self._connection.execute
        newest = execute("SELECT id, t FROM event ORDER BY id DESC LIMIT 1").fetchone()
        if newest is None:
            return 0
        bound = newest[0] - retention.events if retention.events else 0
        oldest = newest[1] - retention.days * 86400.0 if retention.days else -math.inf
        return execute(
            "DELETE FROM event WHERE id IN (SELECT id FROM"
            " (SELECT id, t FROM event ORDER BY id LIMIT ?) WHERE id <= ? OR t < ?)",
            (most, bound, oldest),
        ).rowcount

    def forget_numbers(self) -> None:
        """Look names and processes up again from now on: some may have been dropped."""
        self._paths.clear()
        self._processes.clear()
        self._latest.clear()

    def process(self, process: Process) -> int:
        """Return the number of `process`, storing it if it is new."""
        latest = self._latest.get(process.pid)
        if latest is not None and latest[0] is process:  # spares hashing all that is known of it
            return latest[1]
        number = self._number_of(process)
        if len(self._latest) >= LATEST:
            self._latest.clear()
        self._latest[process.pid] = process, number
        return number

    def _number_of(self, process: Process) -> int:
        row = _process_row(process)
        digest: bytes = row[0]
        number = self._processes.get(digest)
        if number is None:
            known = self._ever_processes
            if known is not None and known.add(digest):
                found = None
            else:
                found = self._connection.execute(_PROCESS, (digest,)).fetchone()
            if found:
                number = int(found[0])
            else:
                number = self._next_process
                self._next_process += 1
                self._new_processes.append((number, *row))
            self._processes[digest] = number
        return number

    def path(self, path: str) -> int:
        """Return the number of `path`, storing it if it is new."""
        number = self._paths.get(path)
        if number is None:
            column = to_column(path)
            known = self._ever_paths
            if known is not None and known.add(path):
                found = None
            else:
                found = self._connection.execute(_PATH, (column,)).fetchone()
            if found:
                number = int(found[0])
            else:
                number = self._next_path
                self._next_path += 1
                self._new_paths.append((number, column))
            self._paths[path] = number
            self._letters += len(path)
        return number

    def _highest(self, table: str) -> int:
        return int(self._connection.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()[0])


def read_events(
    database: Database, after: int = 0, where: str = "", values: tuple[object, ...] = ()
) -> Iterator[tuple[int, int, Event]]:
    """Yield (number, number of its process, event) in order of arrival, from the one after `after`.

    `where` is a further condition with its `values`, beginning with AND; the paths are p and q in it.
    Nothing stays open while whoever reads takes time: SQLite could not tidy up meanwhile.
    """
    processes: dict[int, Process] = {}
    query = (
        "SELECT event.id, t, op, p.path, q.path, process FROM event"
        " JOIN log_path AS p ON p.id = event.path"
        ' LEFT JOIN log_path AS q ON q.id = event."to"'
        f" WHERE event.id > ? {where} ORDER BY event.id LIMIT {_TOGETHER}"
    )
    rows = database.conn.execute(query, (after, *values)).fetchall()
    while rows:
        for number, t, op, path, to, process in rows:
            known = processes.get(process)
            if known is None:
                if len(processes) > CACHED:
                    processes.clear()
                known = processes[process] = read_process(database, process)
            target = None if to is None else from_column(to)
            yield number, process, Event(t, Op(op), from_column(path), known, target)
        rows = database.conn.execute(query, (number, *values)).fetchall()


def read_process(database: Database, number: int) -> Process:
    """Return the process with this number in the log."""
    row = database.conn.execute(
        "SELECT pid, ppid, comm, uid, start, sid, pgid, exe, cwd, cgroup, args, chain, pipe_in, pipe_out,"
        " chain_args, fds, neighbours, same_input FROM log_process WHERE id = ?",
        (number,),
    ).fetchone()
    pid, ppid, comm, uid, start, sid, pgid, exe, cwd, cgroup, args, chain, pipe_in, pipe_out, *rest = row
    chain_args, fds, neighbours, same_input = rest
    return Process(
        pid=pid,
        ppid=ppid,
        comm=from_column(comm),
        uid=uid,
        chain=tuple((int(p), str(c)) for p, c in _loads(chain)),
        pipe_in=tuple(_loads(pipe_in)),
        pipe_out=tuple(_loads(pipe_out)),
        sid=sid,
        pgid=pgid,
        start=start,
        cgroup=None if cgroup is None else from_column(cgroup),
        exe=None if exe is None else from_column(exe),
        args=None if args is None else tuple(json.loads(args)),
        cwd=None if cwd is None else from_column(cwd),
        chain_args=tuple(tuple(line) for line in _loads(chain_args)),
        fds=tuple((int(fd), str(target)) for fd, target in _loads(fds)),
        neighbours=tuple(Neighbour(pid, tuple(s), tuple(a)) for pid, s, a in _loads(neighbours)),
        same_input=same_input,
    )


def _process_row(process: Process) -> tuple[Any, ...]:
    lines, others = _dumps(process.chain_args), _dumps(_neighbours(process))
    columns = (
        process.pid,
        process.ppid,
        to_column(process.comm),
        process.uid,
        process.start,
        process.sid,
        process.pgid,
        _optional(process.exe),
        _optional(process.cwd),
        _optional(process.cgroup),
        None if process.args is None else _encode(process.args),
        _dumps(process.chain),
        _dumps(process.pipe_in),
        _dumps(process.pipe_out),
    )
    streams = _dumps(process.fds)
    said = repr((columns, _summary(lines), streams, _summary(others), process.same_input))
    # What began at the same time stands together: a page of the digests' index holds the latest processes.
    began = (process.pid if process.start is None else process.start) & 0xFFFFFFFF
    return (began.to_bytes(4, "big") + _digest(said), *columns, lines, streams, others, process.same_input)


def _neighbours(process: Process) -> tuple[Any, ...]:
    return tuple((other.pid, other.streams, other.args) for other in process.neighbours)


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("ascii", "backslashreplace"), digest_size=12).digest()


@lru_cache(maxsize=256)
def _summary(text: str | None) -> str | bytes | None:
    """Return what stands for a text in a digest; many processes come with the same long command lines."""
    return text if text is None or len(text) <= _LONG else _digest(text)


def _optional(text: str | None) -> str | bytes | None:
    return None if text is None else to_column(text)


@lru_cache(maxsize=256)
def _dumps(values: tuple[Any, ...]) -> str | None:
    return _encode(values) if values else None


def _loads(text: str | None) -> list[Any]:
    return json.loads(text) if text else []
