"""A journal that a killed writer left is read into its own database, and into no other."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from shutil import copyfile

import pytest

from mycelial.store.backup import back_up
from mycelial.store.leftover import has_foreign_journal
from mycelial.store.writer import Writer


def write(writer: Writer, *names: str) -> None:
    for name in names:
        writer.begin()
        writer.database.conn.execute(
            "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (name, "x" * 9000)
        )
        writer.commit()


def names(database: Path) -> set[str]:
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return {key for (key,) in connection.execute("SELECT key FROM meta WHERE length(value) = 9000")}


def killed(database: Path, place: Path, *names: str) -> Path:
    """Return what is left of a writer that was killed after these commits."""
    place.mkdir()
    with Writer(database) as writer:
        write(writer, *names)
        for suffix in ("", "-wal"):
            copyfile(f"{database}{suffix}", place / f"left.db{suffix}")
    return place / "left.db"


def by_the_command(database: Path, copy: Path) -> None:
    back_up(database, copy, lambda done, total: None)


def as_a_file(database: Path, copy: Path) -> None:
    copyfile(database, copy)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "a.db"
    with Writer(path) as writer:
        write(writer, "first")
    return path


@pytest.mark.parametrize("copied", [by_the_command, as_a_file])
def test_a_copy_over_what_a_killed_writer_left_stays_as_it_is(
    database: Path, tmp_path: Path, copied: Callable[[Path, Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    copied(database, tmp_path / "kept.db")
    left = killed(database, tmp_path / "left", "second", "third", "fourth")
    copyfile(tmp_path / "kept.db", left)
    Writer(left).close()
    assert names(left) == {"first"}
    assert "left by another database" in caplog.text


def test_a_reader_that_was_there_before_keeps_nobody_from_writing(database: Path, tmp_path: Path) -> None:
    copyfile(database, tmp_path / "kept.db")
    left = killed(database, tmp_path / "left", "second", "third", "fourth")
    code = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT * FROM meta').fetchall();"
        " print(flush=True); input(); c.close()"
    )
    reader = subprocess.Popen(
        [sys.executable, "-c", code, str(left)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with reader:
        assert reader.stdout is not None
        reader.stdout.readline()
        with open(left, "r+b") as file:
            file.write((tmp_path / "kept.db").read_bytes())
            file.truncate()
        with Writer(left) as writer:
            write(writer, "new")
        reader.communicate(b"\n")
    assert names(left) == {"first", "new"}


@pytest.mark.parametrize("commits", [("second",), ("second", "third"), ("second", "third", "fourth")])
def test_what_a_killed_writer_left_is_read(
    database: Path, tmp_path: Path, commits: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    left = killed(database, tmp_path / "left", *commits)
    assert os.path.getsize(f"{left}-wal")
    again = killed(left, tmp_path / "again", "more", "and more")
    Writer(again).close()
    assert names(again) == {"first", *commits, "more", "and more"}
    assert not caplog.text


def test_a_new_databases_journal_is_its_own(tmp_path: Path) -> None:
    left = killed(tmp_path / "new.db", tmp_path / "left", "first", "second")
    assert not has_foreign_journal(left)
    Writer(left).close()
    assert names(left) == {"first", "second"}


def test_whatever_lies_there_is_not_waited_for(database: Path, tmp_path: Path) -> None:
    os.mkfifo(f"{database}-wal")
    assert not has_foreign_journal(database)
    (tmp_path / "b.db-wal").write_bytes(b"\x37\x7f\x06\x82" + bytes(40 << 20))  # pages of no bytes
    (tmp_path / "b.db").write_bytes(b"SQLite format 3\0" + bytes(100))
    assert not has_foreign_journal(tmp_path / "b.db")
    assert not has_foreign_journal(tmp_path / "none.db")
