"""Opening the database: who may write, who only reads, and with which durability.

There is one writer (the engine, or a command that replays or rebuilds) and any number of readers.
Write-ahead logging lets them work at the same time; with ``synchronous=NORMAL`` a power cut may lose
the last transactions but never corrupts the file (https://www.sqlite.org/wal.html).
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from mycelial.store.connection import Database
from mycelial.store.errors import OlderError, StoreError
from mycelial.store.leftover import drop_journal, has_foreign_journal
from mycelial.store.schema import VERSION, create, migrate
from mycelial.store.trouble import trouble_with

log = logging.getLogger(__name__)

BUSY_TIMEOUT = 2.0
"""Seconds to wait for another process's lock before giving up."""

CACHE = 16 << 20
"""Bytes of pages that the writer keeps; the kernel keeps the others, and gives them in a moment."""

PAGE = 16 << 10
"""Bytes of a page of a new database.

What is asked of one file lies on fifteen such pages, and on twenty-five of SQLite's usual size: each is a
wait where the disk is not in memory.
"""

JOURNAL = 16 << 20
"""Bytes to which the write-ahead log is cut when it was longer for once."""

MOVED = JOURNAL // 4
"""Bytes of the log from which on its pages are moved into the database."""


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into a :class:`StoreError` that names the file."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise trouble_with(path, error) from error


def open_writer(path: Path) -> Database:
    """Open (and create or migrate) the database for writing.

    The file is made with mode 0600.

    Raises
    ------
    StoreError
        The file is no database, is from a newer version, is locked, or cannot be created.
    """
    if path.exists():
        _check_kind(path)
    with explained(path):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        if has_foreign_journal(path):
            log.warning("%s: the journal beside it was left by another database, and is not used", path)
            drop_journal(path)
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None)
        try:
            version = _version(connection)
            if version > VERSION:
                raise StoreError(_newer(path, version))
            if version == 0 and connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
                raise StoreError(f"{path}: this is a database of some other program")
            connection.execute("PRAGMA trusted_schema=OFF")
            if version == 0:  # neither can be had later
                connection.execute(f"PRAGMA page_size={PAGE}")
                connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute(f"PRAGMA journal_size_limit={JOURNAL}")
            (page,) = connection.execute("PRAGMA page_size").fetchone()
            connection.execute(f"PRAGMA wal_autocheckpoint={MOVED // page}")
            connection.execute(f"PRAGMA cache_size=-{CACHE >> 10}")
            connection.execute("PRAGMA temp_store=MEMORY")
            database = Database(connection)
            if version == 0:
                create(database)
            else:
                migrate(database, version)
        except BaseException:
            connection.close()
            raise
    return database


def open_reader(path: Path) -> Database:
    """Open the database read-only; it is never created.

    Raises
    ------
    StoreError
        There is no such file, it is no database of ours, or it is from another version.
    """
    if not path.exists():
        raise StoreError(f"{path}: there is no database here")
    _check_kind(path)
    with explained(path):
        uri = f"file:{quote(os.fsencode(path.absolute()))}?mode=ro"
        connection = sqlite3.connect(
            uri, uri=True, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
        )
        try:
            version = _version(connection)
            if version > VERSION:
                raise StoreError(_newer(path, version))
            if version < VERSION:
                raise _older(path, version)
            connection.execute("PRAGMA trusted_schema=OFF")  # it may come from anywhere
            connection.execute("PRAGMA query_only=ON")
            connection.execute("PRAGMA cache_size=-8192")
        except BaseException:
            connection.close()
            raise
        return Database(connection)


def _check_kind(path: Path) -> None:
    """Refuse what cannot be a database, and may never answer when it is opened."""
    if path.is_dir():
        raise StoreError(f"{path}: this is a directory, not a database")
    if not path.is_file():
        raise StoreError(f"{path}: this is not an ordinary file, so not a database")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _newer(path: Path, version: int) -> str:
    return f"{path}: made by a newer Mycelial (format {version}, this one knows {VERSION}); upgrade Mycelial"


def _older(path: Path, version: int) -> StoreError:
    if version == 0:
        return StoreError(f"{path}: this is no database of Mycelial, or not one yet")
    return OlderError(
        f"{path}: made by an older Mycelial (format {version}); the next mount brings it up to date"
    )
