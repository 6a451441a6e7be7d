"""A copy of the whole database as it is at one moment, whoever writes to it meanwhile."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

from mycelial.store.database import explained, open_reader
from mycelial.store.errors import StoreError

_PAGES = 2048
"""Pages copied between two calls of the progress."""


def back_up(db: Path, target: Path, progress: Callable[[int, int], None]) -> Path:
    """Copy the database at `db` to `target`, a file or a directory, and return where the copy is.

    The copy has mode 0600.  It takes its name when it is whole and on the disk, so that whatever was there
    before stays until then; what is no database of ours is not replaced.  `progress` is told how many pages
    are copied, of how many.

    Raises
    ------
    StoreError
        The database cannot be read, or the copy not be written; nothing is left behind.
    """
    if target.is_dir():
        target = target / db.name
    with contextlib.closing(open_reader(db).conn) as source:
        if target.exists() and os.path.samefile(db, target):
            raise StoreError(f"{target}: this is the database itself")
        _refuse_strangers(target)
        with explained(target):
            handle, name = tempfile.mkstemp(prefix=f".{target.name[:100]}-", dir=target.absolute().parent)
            os.close(handle)
        try:
            with explained(target):
                _copy(source, Path(name), progress)
                for leftover in (f"{target}-wal", f"{target}-shm"):  # of the one that is replaced
                    Path(leftover).unlink(missing_ok=True)
                os.replace(name, target)
                _settle(target.absolute().parent)
        except BaseException:
            for suffix in ("", "-journal", "-wal", "-shm"):
                Path(name + suffix).unlink(missing_ok=True)
            raise
    return target


def _refuse_strangers(target: Path) -> None:
    if not os.path.lexists(target):
        return
    try:
        open_reader(target).conn.close()
    except StoreError:
        raise StoreError(f"{target}: something else than a database of Mycelial is there already") from None


def _copy(source: sqlite3.Connection, target: Path, progress: Callable[[int, int], None]) -> None:
    # One transaction: else SQLite begins anew whenever somebody has written in between.
    source.execute("BEGIN")
    source.execute("SELECT 1 FROM meta LIMIT 1").fetchone()
    with contextlib.closing(sqlite3.connect(target, isolation_level=None)) as copy:
        source.backup(
            copy, pages=_PAGES, progress=lambda _, remaining, total: progress(total - remaining, total)
        )
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, with nothing beside it
    _settle(target)


def _settle(path: Path) -> None:
    """See that a file, or the names in a directory, are on the disk."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
