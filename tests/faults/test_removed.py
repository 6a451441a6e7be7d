"""The database's files go, or others come, while engine and views use them: both go on with the new ones."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.foreground import Foreground, in_foreground
from tests.mount.actor import run_apart
from tests.mount.mounted import Mounted, wait_until

SAID = "was removed or replaced while it was in use"

Spoiling = Callable[[Path], object]


def all_of_it(database: Path) -> None:
    for path in database.parent.glob(f"{database.name}*"):
        path.unlink()


def the_database_alone(database: Path) -> None:
    database.unlink()


def its_directory(database: Path) -> None:
    shutil.rmtree(database.parent)


def its_journal(database: Path) -> None:
    for suffix in ("-wal", "-shm"):
        Path(f"{database}{suffix}").unlink()


def the_journals_index(database: Path) -> None:
    Path(f"{database}-shm").unlink()


def all_that_is_in_it(database: Path) -> None:
    os.truncate(database, 0)


def another_ones_place(database: Path) -> None:
    """Put an older state in its place, as who takes up a backup does; the journal stays behind."""
    older = database.with_name("older")
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("VACUUM INTO ?", (str(older),))
    with contextlib.closing(sqlite3.connect(older)) as connection:
        connection.execute("DELETE FROM event")
        connection.commit()
    older.rename(database)


def its_content(database: Path) -> None:
    """Copy another database over it, as `cp` does: the file stays, and there is more in it than before."""
    other = database.with_name("other")
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("VACUUM INTO ?", (str(other),))
    with contextlib.closing(sqlite3.connect(other)) as connection:
        connection.execute("DELETE FROM event")
        connection.execute("INSERT INTO meta VALUES ('padding', ?)", ("x" * database.stat().st_size,))
        connection.commit()
    number = database.stat().st_ino
    shutil.copyfile(other, database)
    other.unlink()
    assert database.stat().st_ino == number


def recent(mountpoint: Path) -> set[str]:
    return {name.partition("-")[2] for name in os.listdir(mountpoint / ".mycelial" / "recent")}


def shows(daemon: Foreground, name: str) -> None:
    """The virtual tree has that name, sooner or later."""
    mountpoint = daemon.mount.mountpoint
    wait_until(lambda: name in run_apart(recent, mountpoint, timeout=60), what=f"{name} in a view")


def held_of(directory: Path, daemon: Foreground) -> list[str]:
    """What the mount's process has open of a directory that does not bear its name any more."""
    place = Path("/proc", str(daemon.process.pid), "fd")
    targets = []
    for number in os.listdir(place):
        with contextlib.suppress(OSError):
            targets.append(os.readlink(place / number))
    return [
        target for target in targets if target.startswith(str(directory)) and target.endswith("(deleted)")
    ]


@pytest.mark.parametrize("kept", [False, True], ids=["gone", "kept"])
def test_who_removes_or_replaces_a_database_in_use_gets_a_new_one_that_the_views_show(
    kept: bool, workspace: Path
) -> None:
    """`kept`: the events of before are still there afterwards, as only the journal went."""
    loses = (all_of_it, the_database_alone, its_directory, all_that_is_in_it, another_ones_place, its_content)
    directory = workspace / "place"
    directory.mkdir()
    with in_foreground(Mounted(directory)) as daemon:
        database = daemon.mount.database
        spoilings: tuple[Spoiling, ...] = (its_journal, the_journals_index) if kept else loses
        for spoil in spoilings:
            before, after = f"before {spoil.__name__}", f"after {spoil.__name__}"
            daemon.use(before)
            daemon.wait_for_record(before)
            shows(daemon, before)
            spoil(database)
            daemon.use(after)
            daemon.wait_for_record(after)
            wait_until(lambda: not held_of(database.parent, daemon), what="room on the disk, unasked")
            shows(daemon, after)
            assert daemon.is_recorded(before) == kept, spoil
            wait_until(lambda: daemon.said(SAID), what=f"{spoil} said")
        assert daemon.said(SAID) == len(spoilings)
        assert daemon.engine()["dropped"] == 0
        assert daemon.said("Traceback") == 0
        assert not daemon.said("disk I/O error")
    assert sorted(os.listdir(database.parent)) == [database.name, f"{database.name}-lock"]
    with contextlib.closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        padding = connection.execute("SELECT 1 FROM meta WHERE key = 'padding'").fetchone()
        assert (padding is None) == kept, "what was copied there is lost"
