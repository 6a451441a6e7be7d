"""Files by identity: which row a path stands for now, and what happens to it when names change.

A file is a row (parent, name), so renaming a directory changes one row however much lies below it, and
everything known about a file hangs on its number, not on its path.  A removed file's row waits under its
name: made again, it is the same file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from mycelial.store.cache import LETTERS, Seen, halve
from mycelial.store.connection import Database
from mycelial.store.many import insert_many
from mycelial.store.names import from_column, to_column
from mycelial.store.wordindex import WordIndex

ROOT = 0
"""Number of the mount root's row."""

CACHED = 100_000
"""Paths whose numbers are remembered; the half that came first goes first, of all that is remembered."""

ROWS = 20_000
"""Rows that are remembered, names in directories, and numbers whose paths are."""


class FileRow(NamedTuple):
    """What table `file` says: see the comments there."""

    number: int
    parent: int | None
    name: str
    gone: bool
    transient: bool
    born: float | None
    maker: int | None
    remover: int | None


_COLUMNS = "id, parent, name, gone, transient, born, maker, remover"


class FileTable:
    """Reads and changes table `file` inside the writer's transaction.

    What happens to a file without changing its name is gathered until :meth:`flush`: much of it is undone
    or done again within moments.  So are new rows, as writing many at once takes a fraction of the time.
    """

    def __init__(self, database: Database) -> None:
        self._connection = database.conn
        self._execute = database.conn.execute
        self._words = WordIndex(database)
        self._words.fill()
        self._numbers: dict[str, int] = {}  # of files that are there
        self._paths: dict[int, str] = {}
        self._letters = 0  # of paths that came to be remembered since some were dropped
        self._rows: dict[int, FileRow] = {}
        self._children: dict[tuple[int, str], int | None] = {}  # None: nothing ever had that name there
        self._dirty: dict[int, None] = {}  # rows that differ from the table's
        self._changed: dict[int, float] = {}
        # Rows that the table does not have yet: parent, name. Nothing that it has lies below one of them.
        self._new: dict[int, tuple[int | None, str]] = {}
        self._new_in: Counter[int | None] = Counter()  # how many of them lie in each directory
        self._next = int(self._execute("SELECT max(id) FROM file").fetchone()[0]) + 1
        self._ever = Seen() if self._next == ROOT + 1 else None  # names in directories, if all are known

    def flush(self) -> None:
        """Write what was gathered."""
        self._insert()
        many = self._connection.executemany
        rows = self._rows
        if self._dirty:
            many(
                "UPDATE file SET gone = ?, transient = ?, born = ?, maker = ?, remover = ? WHERE id = ?",
                [(*rows[number][3:], number) for number in self._dirty],
            )
            self._dirty.clear()
        if self._changed:
            many("UPDATE file SET changed = ? WHERE id = ?", [(t, n) for n, t in self._changed.items()])
            self._changed.clear()
        self._words.flush()

    def find(self, path: str) -> FileRow | None:
        """Return the row that has `path` now, be it gone or not; None if there never was one."""
        number = self._numbers.get(path)
        if number is not None:
            return self.row(number)
        above, _, name = path.rpartition("/")
        known = self._numbers.get(above) if above else ROOT
        return self._descend(path) if known is None else self._child(known, name)

    def use(self, path: str) -> int:
        """Return the number of the file at `path`, which is there now: made known or brought back."""
        number = self._numbers.get(path)
        if number is None:
            if len(self._numbers) >= CACHED or self._letters > LETTERS:
                halve(self._numbers)
                halve(self._paths)
                self._letters = 0
            missing = []
            while path and number is None:
                parent, _, name = path.rpartition("/")
                missing.append((path, name))
                path = parent
                number = self._numbers.get(path)
            number = ROOT if number is None else number
            for below, name in reversed(missing):
                number = self._numbers[below] = self._entry(number, name)
                self._letters += len(below)
        return number

    def used(self, path: str) -> FileRow:
        """Return the row of the file at `path`, which is there now as :meth:`use` says."""
        number = self._numbers.get(path)
        known = None if number is None else self._rows.get(number)
        return self.row(self.use(path)) if known is None else known

    def row(self, number: int) -> FileRow:
        """Return one file's row."""
        known = self._rows.get(number)
        if known is None:
            found = self._execute(f"SELECT {_COLUMNS} FROM file WHERE id = ?", (number,)).fetchone()
            known = self._keep(_row(found))
        return known

    def path(self, number: int) -> str:
        """Return where the file is or was last; empty if its name was taken over by another."""
        if number == ROOT:
            return ""
        known = self._paths.get(number)
        if known is None:
            if len(self._paths) >= ROWS:
                halve(self._paths)
            row = self.row(number)
            above = None if row.parent is None else self.path(row.parent)
            known = "" if above is None else f"{above}/{row.name}" if above else row.name
            self._paths[number] = known
            self._letters += len(known)
        return known

    def bear(self, number: int, t: float, maker: int) -> None:
        """Note that the file was made at `t` by process `maker`."""
        self._set(self.row(number)._replace(born=t, maker=maker))

    def change(self, number: int, t: float) -> None:
        """Note that the file's content changed at `t`."""
        self._changed[number] = t

    def remove(self, number: int, path: str, remover: int) -> None:
        """Mark the file at `path` gone, removed by process `remover`."""
        self._numbers.pop(path, None)
        self._set(self.row(number)._replace(gone=True, remover=remover))

    def mark_transient(self, number: int) -> None:
        """Note that the file did not outlive the work that made it."""
        self._set(self.row(number)._replace(transient=True))

    def settle(self, numbers: list[int]) -> None:
        """Note that these files outlived an episode: if they are still there, they are no transients."""
        for number in numbers:
            row = self.row(number)
            if row.transient and not row.gone:
                self._set(row._replace(transient=False))

    def move(self, number: int, path: str, to: str) -> None:
        """Give file or directory `number`, now at `path`, the name `to`; a row that waits there loses it."""
        parent, _, name = to.rpartition("/")
        above = self.use(parent) if parent else ROOT
        waiting = self._child(above, name)
        if waiting is not None and waiting.number != number:
            self._put(waiting.number, None, name)
            self._set(waiting._replace(parent=None, gone=True))
            self._forget(waiting.number, to)
        self._place(number, above, name)
        self._words.rename(number, path.rpartition("/")[2], name)
        self._numbers.pop(to, None)
        self._forget(number, path)

    def restore(self, number: int, path: str) -> None:
        """Give a displaced file its name back; nothing has it now."""
        parent, _, name = path.rpartition("/")
        self._place(number, self.use(parent) if parent else ROOT, name)
        self._forget(number, path)

    def drop(self, numbers: Iterable[int]) -> None:
        """Remove the rows of files that are gone and that nothing refers to."""
        self._insert()
        for number in numbers:
            self._words.rename(number, self.row(number).name, "")
            self._execute("DELETE FROM file WHERE id = ?", (number,))
        self._numbers.clear()
        self._paths.clear()
        self._children.clear()

    def is_directory(self, number: int) -> bool:
        """Whether anything is known to lie, or to have lain, below it."""
        if self._new_in[number] or number in self._new:
            return self._new_in[number] > 0
        return self._execute("SELECT 1 FROM file WHERE parent = ? LIMIT 1", (number,)).fetchone() is not None

    def _entry(self, parent: int, name: str) -> int:
        row = self._child(parent, name)
        if row is None:
            number = self._next
            self._next += 1
            self._new[number] = parent, name
            self._new_in[parent] += 1
            self._children[parent, name] = number
            if self._ever is not None:
                self._ever.add((parent, name))
            self._words.add(number, name)
            self._keep(FileRow(number, parent, name, False, False, None, None, None))
            return number
        if row.gone:
            self._set(row._replace(gone=False))
        return row.number

    def _descend(self, path: str) -> FileRow | None:
        number, row = ROOT, None
        for name in path.split("/"):
            row = self._child(number, name)
            if row is None:
                return None
            number = row.number
        return row

    def _child(self, parent: int, name: str) -> FileRow | None:
        key = parent, name
        if key in self._children:
            number = self._children[key]
            return None if number is None else self.row(number)
        if len(self._children) >= ROWS:
            halve(self._children)
        if self._ever is not None and key not in self._ever:
            self._children[key] = None
            return None
        self._insert()
        found = self._execute(
            f"SELECT {_COLUMNS} FROM file WHERE parent = ? AND name = ?", (parent, to_column(name))
        ).fetchone()
        if found is None:
            self._children[key] = None
            return None
        self._children[key] = found[0]
        return self._rows.get(found[0]) or self._keep(_row(found))

    def _put(self, number: int, parent: int | None, name: str) -> None:
        """Write what the row's name is, and in which directory, now or when the row itself is written."""
        if number in self._new:
            self._new_in[self._new[number][0]] -= 1
            self._new_in[parent] += 1
            self._new[number] = parent, name
            return
        if parent in self._new:
            self._insert()
        self._execute("UPDATE file SET parent = ?, name = ? WHERE id = ?", (parent, to_column(name), number))

    def _insert(self) -> None:
        if self._new:
            rows = [(number, parent, to_column(name)) for number, (parent, name) in self._new.items()]
            insert_many(self._connection, "INSERT INTO file (id, parent, name)", rows)
            self._new.clear()
            self._new_in.clear()

    def _place(self, number: int, parent: int, name: str) -> None:
        before = self.row(number)
        if before.parent is not None and self._children.get((before.parent, before.name)) == number:
            self._children[before.parent, before.name] = None
        self._children[parent, name] = number
        if self._ever is not None:
            self._ever.add((parent, name))
        self._put(number, parent, name)
        self._set(self.row(number)._replace(parent=parent, name=name, gone=False))

    def _keep(self, row: FileRow) -> FileRow:
        if len(self._rows) >= ROWS:
            self.flush()
            halve(self._rows)
        self._rows[row.number] = row
        return row

    def _set(self, row: FileRow) -> None:
        self._rows[row.number] = row
        self._dirty[row.number] = None

    def _forget(self, number: int, path: str) -> None:
        """Look up anew which file has `path`, and where `number` is, with all that lies below."""
        if self.is_directory(number):
            self._numbers.clear()
            self._paths.clear()
        else:
            self._numbers.pop(path, None)
            self._paths.pop(number, None)


def _row(found: tuple[Any, ...]) -> FileRow:
    number, parent, name, gone, transient, born, maker, remover = found
    return FileRow(number, parent, from_column(name), bool(gone), bool(transient), born, maker, remover)
