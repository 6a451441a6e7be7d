"""Files of a database that was removed, in part, while others read it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mycelial.store.writer import Writer

READER = """
import sqlite3, sys
connection = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
for _ in range(2):
    print(*connection.execute("SELECT count(*) FROM meta WHERE key LIKE 'kept%'").fetchone(), flush=True)
    sys.stdin.read()
"""


def keep(writer: Writer, first: int) -> None:
    writer.begin()
    rows = [(f"kept {number}", "x" * 3000) for number in range(first, first + 20)]
    writer.database.conn.executemany("INSERT INTO meta VALUES (?, ?)", rows)
    writer.commit()


@pytest.mark.parametrize("removed", [("-shm",), ("-wal", "-shm")], ids=["index", "both"])
def test_who_reads_on_keeps_nobody_from_opening_it_anew(removed: tuple[str, ...], tmp_path: Path) -> None:
    database = tmp_path / "database"
    writer = Writer(database)
    keep(writer, 0)
    keep(writer, 20)
    for suffix in removed:
        os.unlink(f"{database}{suffix}")
    with subprocess.Popen(
        [sys.executable, "-c", READER, str(database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        seen = int(reader.stdout.readline())  # without the journal: what is in the file only
        assert not writer.is_in_place()
        assert writer.leave(), "it is the same database"
        with Writer(database) as writer:
            keep(writer, 40)
            count = writer.database.conn.execute("SELECT count(*) FROM meta WHERE key LIKE 'kept%'")
            assert count.fetchone() == (60,)
        reader.stdin.close()
        assert seen <= int(reader.stdout.readline()) <= 60, "the reader goes on, with what it saw or more"
    assert reader.returncode == 0
