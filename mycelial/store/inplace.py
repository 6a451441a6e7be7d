"""Whether the files that are open are still those that others find by their names.

SQLite goes on with what it opened once, whatever becomes of the names: what is written into a database that
was removed, or into a journal that was, is read by nobody.  And a journal left beside another database is
taken for that one's (https://www.sqlite.org/howtocorrupt.html, 2 and 4).
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import TypeAlias

Identity: TypeAlias = tuple[tuple[int, int] | None, ...]
"""Device and inode of a database, its write-ahead log and that one's index; None where there is none."""

_JOURNALS = ("-wal", "-shm")


def identity(path: Path) -> Identity:
    """Return which files stand under the names of the database at `path`."""
    return tuple(_number(f"{path}{suffix}") for suffix in ("", *_JOURNALS))


class OpenFiles:
    """The files of a connection that was used already, so that all of them are there.

    Parameters
    ----------
    path : Path
    connection : sqlite3.Connection
        The only one of this process, which alone writes.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection
        self._identity = identity(path)
        self._size = _size(path)

    def are_in_place(self) -> bool:
        """Whether others find the same ones, and nobody cut the database short."""
        return identity(self._path) == self._identity and not self._is_cut()

    def note_size(self) -> None:
        """Take the database's size for right: it was this connection that wrote last."""
        self._size = _size(self._path)

    def leave(self) -> None:
        """Before closing: make the names free for another database, and the one that is left whole."""
        same_database = identity(self._path)[0] == self._identity[0]
        if same_database and self._is_cut():
            self._drop_journal()  # closing would write what is in it into what stands there now
        else:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        for suffix, number in zip(_JOURNALS, self._identity[1:], strict=True):
            name = f"{self._path}{suffix}"
            if number is not None and _number(name) == number:
                with contextlib.suppress(OSError):
                    os.unlink(name)

    def _is_cut(self) -> bool:
        return _size(self._path) < self._size

    def _drop_journal(self) -> None:
        name = f"{self._path}{_JOURNALS[0]}"
        if _number(name) == self._identity[1] is not None:
            with contextlib.suppress(OSError):
                os.truncate(name, 0)


def _number(name: str) -> tuple[int, int] | None:
    try:
        found = os.stat(name)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
