"""Files by identity: which row a path stands for now, and what happens to it when names change.

A file is a row (parent, name), so renaming a directory changes one row however much lies below it, and
everything known about a file hangs on its number, not on its path.  A removed file's row waits under its
name: made again, it is the same file.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlite_utils

from mycelial.store.names import from_column, to_column
from mycelial.store.wordindex import WordIndex

ROOT = 0
"""Number of the mount root's row."""

CACHED = 100_000
"""Paths whose numbers are remembered."""


@dataclass(frozen=True, slots=True)
class FileRow:
    """What table `file` says: see the comments there."""

    number: int
    parent: int | None
    name: str
    gone: bool
    transient: bool
    born: float | None
    maker: int | None
    remover: int | None


class FileTable:
    """Reads and changes table `file` inside the writer's transaction."""

    def __init__(self, database: sqlite_utils.Database) -> None:
        self._execute = database.conn.execute
        self._words = WordIndex(database)
        self._words.fill()
        self._numbers: dict[str, int] = {}
        self._paths: dict[int, str] = {}
        self._next = int(self._execute("SELECT max(id) FROM file").fetchone()[0]) + 1

    def find(self, path: str) -> FileRow | None:
        """Return the row that has `path` now, be it gone or not; None if there never was one."""
        number = self._numbers.get(path)
        if number is None:
            above, _, name = path.rpartition("/")
            known = self._numbers.get(above) if above else ROOT
            number = self._descend(ROOT, path) if known is None else self._child(known, name)
        return None if number is None else self.row(number)

    def use(self, path: str) -> int:
        """Return the number of the file at `path`, which is there now: made known or brought back."""
        number = self._numbers.get(path)
        if number is None:
            if len(self._numbers) >= CACHED:
                self._numbers.clear()
            missing = []
            while path and number is None:
                parent, _, name = path.rpartition("/")
                missing.append((path, name))
                path = parent
                number = self._numbers.get(path)
            number = ROOT if number is None else number
            for below, name in reversed(missing):
                number = self._numbers[below] = self._entry(number, name)
        return number

    def row(self, number: int) -> FileRow:
        """Return one file's row."""
        parent, name, gone, transient, born, maker, remover = self._execute(
            "SELECT parent, name, gone, transient, born, maker, remover FROM file WHERE id = ?", (number,)
        ).fetchone()
        return FileRow(number, parent, from_column(name), bool(gone), bool(transient), born, maker, remover)

    def path(self, number: int) -> str:
        """Return where the file is or was last; empty if its name was taken over by another."""
        if number == ROOT:
            return ""
        known = self._paths.get(number)
        if known is None:
            if len(self._paths) >= CACHED:
                self._paths.clear()
            row = self.row(number)
            above = None if row.parent is None else self.path(row.parent)
            known = "" if above is None else f"{above}/{row.name}" if above else row.name
            self._paths[number] = known
        return known

    def bear(self, number: int, t: float, maker: int) -> None:
        """Note that the file was made at `t` by process `maker`."""
        self._execute("UPDATE file SET born = ?, maker = ? WHERE id = ?", (t, maker, number))

    def change(self, number: int, t: float) -> None:
        """Note that the file's content changed at `t`."""
        self._execute("UPDATE file SET changed = ? WHERE id = ?", (t, number))

    def remove(self, number: int, path: str, remover: int) -> None:
        """Mark the file at `path` gone, removed by process `remover`."""
        self._numbers.pop(path, None)
        self._execute("UPDATE file SET gone = 1, remover = ? WHERE id = ?", (remover, number))

    def mark_transient(self, number: int) -> None:
        """Note that the file did not outlive the work that made it."""
        self._execute("UPDATE file SET transient = 1 WHERE id = ?", (number,))

    def settle(self, numbers: list[int]) -> None:
        """Note that these files outlived an episode: if they are still there, they are no transients."""
        marks = ",".join("?" * len(numbers))
        self._execute(
            f"UPDATE file SET transient = 0 WHERE transient AND NOT gone AND id IN ({marks})", numbers
        )

    def move(self, number: int, path: str, to: str) -> None:
        """Give file or directory `number`, now at `path`, the name `to`; a row that waits there loses it."""
        self._paths.clear()
        parent, _, name = to.rpartition("/")
        above = self.use(parent) if parent else ROOT
        waiting = self._child(above, name)
        if waiting is not None and waiting != number:
            self._execute("UPDATE file SET parent = NULL, gone = 1 WHERE id = ?", (waiting,))
        self._execute(
            "UPDATE file SET parent = ?, name = ?, gone = 0 WHERE id = ?", (above, to_column(name), number)
        )
        self._words.rename(number, path.rpartition("/")[2], name)
        self._forget_below(path)
        self._forget_below(to)

    def restore(self, number: int, path: str) -> None:
        """Give a displaced file its name back; nothing has it now."""
        self._paths.clear()
        parent, _, name = path.rpartition("/")
        self._execute(
            "UPDATE file SET parent = ?, name = ?, gone = 0 WHERE id = ?",
            (self.use(parent) if parent else ROOT, to_column(name), number),
        )

    def is_directory(self, number: int) -> bool:
        """Whether anything is known to lie, or to have lain, below it."""
        return self._execute("SELECT 1 FROM file WHERE parent = ? LIMIT 1", (number,)).fetchone() is not None

    def _entry(self, parent: int, name: str) -> int:
        column = to_column(name)
        found = self._execute(
            "SELECT id, gone FROM file WHERE parent = ? AND name = ?", (parent, column)
        ).fetchone()
        if found is None:
            number = self._next
            self._next += 1
            self._execute("INSERT INTO file (id, parent, name) VALUES (?, ?, ?)", (number, parent, column))
            self._words.add(number, name)
            return number
        if found[1]:
            self._execute("UPDATE file SET gone = 0 WHERE id = ?", (found[0],))
        return int(found[0])

    def _descend(self, number: int, path: str) -> int | None:
        found: int | None = number
        for name in path.split("/"):
            if found is not None:
                found = self._child(found, name)
        return found

    def _child(self, parent: int, name: str) -> int | None:
        found = self._execute(
            "SELECT id FROM file WHERE parent = ? AND name = ?", (parent, to_column(name))
        ).fetchone()
        return None if found is None else int(found[0])

    def _forget_below(self, path: str) -> None:
        number = self._numbers.pop(path, None)
        if number is None or self.is_directory(number):
            self._numbers.clear()
