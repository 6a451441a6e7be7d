"""What is said of a database that cannot be used names the reason, and what to do."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

import pytest

from mycelial.store.trouble import trouble_with


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
