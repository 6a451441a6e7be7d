"""What is said of a database that cannot be used names the reason, and what to do."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

import pytest

from mycelial.store.trouble import free_bytes, has_room, trouble_with


def path_of(length: int, directory: Path) -> Path:
    """A path of so many bytes in a directory that is there."""
    while len(os.fsencode(directory)) < length - 220:
        directory /= "d" * 100
    directory.mkdir(parents=True, exist_ok=True)
    return directory / ("f" * (length - len(os.fsencode(directory)) - 1))


def write(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE t (c)")


def test_a_path_that_is_too_long_for_sqlite_is_called_so(tmp_path: Path) -> None:
    write(path_of(504, tmp_path))
    too_long = path_of(505, tmp_path)
    with pytest.raises(sqlite3.OperationalError) as error:
        write(too_long)
    trouble = trouble_with(too_long, error.value)
    assert "no path of more than 504 bytes" in str(trouble)
    assert "--db" in trouble.mend


def disk(free: int, available: int, *, inodes: int = 1) -> os.statvfs_result:
    """One of 1000 MiB with so many MiB free, and so many of these, and inodes, for everybody."""
    return os.statvfs_result((1 << 20, 1 << 20, 1000, free, available, 1000, inodes, inodes, 0, 255))


def failed(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("error", "available", "inodes", "is_full"),
    [
        (failed(sqlite3.SQLITE_IOERR_WRITE), 0, 1, True),
        (failed(sqlite3.SQLITE_IOERR_WRITE), 1, 1, False),
        (failed(sqlite3.SQLITE_IOERR_SHMSIZE), 0, 1, True),
        (failed(sqlite3.SQLITE_CANTOPEN), 1, 0, True),
        (failed(sqlite3.SQLITE_IOERR_READ), 0, 1, False),
        (failed(sqlite3.SQLITE_READONLY), 0, 1, False),
        (failed(sqlite3.SQLITE_FULL), 1, 1, True),
        (PermissionError(13, "Permission denied"), 0, 1, False),
        (OSError(28, "No space left on device"), 1, 1, True),
    ],
)
def test_a_disk_is_called_full_where_that_can_be_the_reason(
    error: Exception, available: int, inodes: int, is_full: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _: disk(1000, available, inodes=inodes))
    assert ("the disk is full" in str(trouble_with(Path("d/e.db"), error))) is is_full


@pytest.mark.parametrize(
    ("then", "now", "is_there"),
    [
        ((0, 0), (0, 0), False),
        ((0, 0), (1, 1), True),
        ((50, 0), (50, 0), False),
        ((50, 0), (51, 0), True),
        ((50, 0), (51, 1), True),
        ((16, 0), (15, 0), False),
    ],
    ids=["full", "room", "all but the reserve", "room for root", "room for all", "fuller"],
)
def test_a_disk_that_was_full_has_room_again_where_more_is_free_if_only_for_root(
    then: tuple[int, int], now: tuple[int, int], is_there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _: disk(*then))
    free_then = free_bytes(Path("d"))
    monkeypatch.setattr(os, "statvfs", lambda _: disk(*now))
    assert has_room(Path("d"), free_then) is is_there
