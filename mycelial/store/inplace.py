"""Whether the files that are open are those that others find by their names, with what was put into them.

SQLite goes on with what it opened once, whatever becomes of the names: what is written into a database that
was removed, or into a journal that was, is read by nobody.  And a journal left beside another database, or
beside one that was copied over this one, is taken for that one's
(https://www.sqlite.org/howtocorrupt.html, 2 and 4).

Whatever is committed gets a mark, a number that grows from a random one, in the file's header.  What others
may rightly do to the file is to move the journal's pages into it, which brings its mark up to one that was
committed since.  Any other mark is that of another content.  A journal that a killed engine left holds the
last mark of that one, which is read at first: until one of ours was seen, it counts, too.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Self, TypeAlias

from mycelial.store.errors import StoreError
from mycelial.store.leftover import before_first_mark, mark_of

Identity: TypeAlias = tuple[tuple[int, int] | None, ...]
"""Device and inode of a database, its write-ahead log and that one's index; None where there is none."""

QUIET = 0.5
"""Seconds without a change after which whoever writes into a database is taken to be done."""

PATIENCE = 3.0
"""Seconds to wait for that."""

_JOURNALS = ("-wal", "-shm")
_POLL = 0.05


def identity(path: Path) -> Identity:
    """Return which files stand under the names of the database at `path`."""
    return tuple(_number(f"{path}{suffix}") for suffix in ("", *_JOURNALS))


def wait_until_quiet(path: Path) -> None:
    """Wait until nobody seems to write into the file at `path` any more, as `cp` does with another's content.

    Raises
    ------
    StoreError
        It goes on for longer than :data:`PATIENCE`.
    """
    until = time.monotonic() + PATIENCE
    seen, since = _stamp(path), time.monotonic()
    while (now := time.monotonic()) - since < QUIET:
        if now >= until:
            raise StoreError(f"{path}: another program is writing into it", mend="wait until it is done")
        time.sleep(_POLL)
        if (stamp := _stamp(path)) != seen:
            seen, since = stamp, time.monotonic()


@dataclass(frozen=True, slots=True)
class _Header:
    """What the first bytes of a database say (https://www.sqlite.org/fileformat.html#the_database_header)."""

    raw: bytes
    size: int

    @classmethod
    def of(cls, file: FileIO) -> Self:
        return cls(os.pread(file.fileno(), 100, 0), os.fstat(file.fileno()).st_size)

    @property
    def counter(self) -> int:
        """What others count up who change the first page; this connection itself does so once."""
        return int.from_bytes(self.raw[24:28])

    @property
    def mark(self) -> int:
        return mark_of(self.raw)

    @property
    def has_log(self) -> bool:
        """Whether it is one with a write-ahead log; any other was written by somebody else."""
        return self.raw[18:20] == b"\2\2"


class OpenFiles:
    """The files of a connection that was used already, so that all of them are there.

    Parameters
    ----------
    path : Path
    connection : sqlite3.Connection
        The only one of this process, which alone writes.

    Raises
    ------
    OSError
        They are gone already.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection
        # To close it would end the locks of this process on the file (POSIX), so it stays open beside those.
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115
        self._first = self._mark = before_first_mark()
        self._left = int(connection.execute("PRAGMA application_id").fetchone()[0])
        self._identity = identity(path)
        self._seen = _Header.of(self._file)

    def are_in_place(self) -> bool:
        """Whether others find the same ones, and nobody cut the database or put something else into it."""
        return identity(self._path) == self._identity and self._are_ours()

    def mark(self) -> None:
        """Before a transaction is committed: let the file tell that it was."""
        self._mark += 1
        self._connection.execute(f"PRAGMA application_id={self._mark}")

    def note(self) -> None:
        """After a transaction was committed: see how far the file has come."""
        self._are_ours()

    def leave(self) -> bool:
        """Before closing: make the names free for another database, and the one that is left whole.

        Returns
        -------
        bool
            Whether the name stands for it still, and it is whole.
        """
        is_there = identity(self._path)[0] == self._identity[0]
        is_whole = False
        if is_there and not self._are_ours():
            self._drop_journal()  # closing would write what is in it into what stands there now
        else:
            with contextlib.suppress(sqlite3.Error):
                is_blocked = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
                is_whole = is_there and not is_blocked
        self._free_names()
        return is_whole

    def close(self) -> None:
        """Look no more; after the connection was closed."""
        self._file.close()

    def _are_ours(self) -> bool:
        """Whether the file holds what this connection, or a checkpoint of its journal, brought there."""
        found, seen = _Header.of(self._file), self._seen
        if found.raw == seen.raw:
            if found.size < seen.size:
                return False
        elif not (found.has_log and self._follows(found, seen)):
            return False
        self._seen = found
        return True

    def _follows(self, found: _Header, seen: _Header) -> bool:
        """Whether a checkpoint may have led from the one to the other."""
        since = (found.counter - seen.counter) % (1 << 32)
        if since >= 1 << 31:
            return False
        if found.mark == seen.mark:
            return since > 0
        was_ours = self._first <= seen.mark <= self._mark
        if (seen.mark if was_ours else self._first) <= found.mark <= self._mark:
            return True
        return not was_ours and found.mark == self._left

    def _free_names(self) -> None:
        """Take away the journal and its index; others' stay.

        Where the index alone was removed, whoever read since has another one, of this journal: who opens next
        would take it for that of a new, empty one, and fail until the last reader is gone.
        """
        journal, index = (f"{self._path}{suffix}" for suffix in _JOURNALS)
        is_our_journal, is_our_index = (
            number is not None and _number(name) == number
            for name, number in zip((journal, index), self._identity[1:], strict=True)
        )
        with contextlib.suppress(OSError):
            if is_our_journal or is_our_index:
                os.unlink(index)
        with contextlib.suppress(OSError):
            if is_our_journal:
                os.unlink(journal)

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


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
