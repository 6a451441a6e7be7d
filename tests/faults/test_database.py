"""The database locked, full, damaged, newer, out of reach: the mount works on and records again by itself."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.faults.foreground import Foreground, in_foreground
from tests.mount.actor import run_apart
from tests.mount.mounted import Mounted, run, wait_until
from tests.mount.recorded import mycelial

Spoiling = Callable[[Path], AbstractContextManager[None]]


@pytest.fixture
def place(workspace: Path) -> Mounted:
    directory = workspace / "place"
    directory.mkdir()
    return Mounted(directory)


@contextlib.contextmanager
def locked(database: Path) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def move(database: Path, to: Path) -> None:
    """Move a database as SQLite asks to: with what belongs to it."""
    to.mkdir(exist_ok=True)
    for path in database.parent.glob(f"{database.name}*"):
        if not path.name.endswith("-lock"):
            path.rename(to / path.name)


@contextlib.contextmanager
def replaced_by(database: Path, content: bytes) -> Iterator[None]:
    """Another file in its place, as after a restore that went wrong."""
    aside = database.parent / "aside"
    move(database, aside)
    database.write_bytes(content)
    yield
    assert database.read_bytes() == content, "the engine wrote into what is not its own"
    move(aside / database.name, database.parent)


def a_database(directory: Path, statement: str) -> bytes:
    path = directory / "made.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()
    content = path.read_bytes()
    path.unlink()
    return content


def garbage(database: Path) -> AbstractContextManager[None]:
    return replaced_by(database, b"this is no database" * 4000)


def newer(database: Path) -> AbstractContextManager[None]:
    return replaced_by(database, a_database(database.parent, "PRAGMA user_version=999"))


def of_another_program(database: Path) -> AbstractContextManager[None]:
    return replaced_by(database, a_database(database.parent, "CREATE TABLE bookmarks (url)"))


@contextlib.contextmanager
def a_directory(database: Path) -> Iterator[None]:
    aside = database.parent / "aside"
    move(database, aside)
    database.mkdir()
    yield
    database.rmdir()
    move(aside / database.name, database.parent)


@contextlib.contextmanager
def full(database: Path) -> Iterator[None]:
    """Its filesystem has no room left, not for one byte."""
    filler = database.parent / "filler"
    with open(filler, "wb", buffering=0) as file:
        for size in (1 << 16, 4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * size)
    yield
    filler.unlink()


def degraded(daemon: Foreground, words: str) -> None:
    """Work until the state says what is wrong; everything works meanwhile."""
    count = 0

    def told() -> bool:
        nonlocal count
        count += 1
        daemon.use(f"during {count}")
        engine = daemon.engine()
        return engine["state"] == "degraded" and words in str(engine["reason"])

    try:
        wait_until(told)
    except AssertionError:
        raise AssertionError(f"{words!r} is not in the state: {daemon.engine()}") from None


def goes_on(daemon: Foreground, spoiling: Spoiling, words: str) -> None:
    """The whole story: well, spoiled, said once, mended, well again."""
    daemon.use("before")
    daemon.wait_for_record("before")
    with spoiling(daemon.mount.database):
        degraded(daemon, words)
        asked = mycelial("status", daemon.mount.mountpoint)
        assert words in asked.stdout, asked.stdout
        finding = mycelial("doctor").stdout.partition(f"{daemon.mount.mountpoint}: interrupted: ")[2]
        assert words in finding.splitlines()[0]
        daemon.use("at last")
    daemon.wait_for_record("at last")
    daemon.use("after")
    daemon.wait_for_record("after")
    assert daemon.said("recording is interrupted") == 1, daemon.log.read_text()
    assert daemon.said("recording goes on") == 1
    assert daemon.said(words) == 1
    assert daemon.said("Traceback") == 0


@pytest.mark.parametrize(
    ("spoiling", "words"),
    [
        (locked, "locked by another program"),
        (garbage, "not a database"),
        pytest.param(newer, "made by a newer Mycelial", marks=pytest.mark.slow),
        pytest.param(of_another_program, "a database of some other program", marks=pytest.mark.slow),
        pytest.param(a_directory, "is no regular file", marks=pytest.mark.slow),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_recording_is_interrupted_and_goes_on(spoiling: Spoiling, words: str, place: Mounted) -> None:
    with in_foreground(place) as daemon:
        goes_on(daemon, spoiling, words)


@pytest.fixture
def small_disk(place: Mounted) -> Iterator[Path]:
    """A filesystem of 16 MiB for the database: full where less than one is free, as closing may leave."""
    directory = place.database.parent
    directory.mkdir()
    assert run(["mount", "-t", "tmpfs", "-o", "size=16m,mode=700", "small", directory]).returncode == 0
    yield directory
    run(["umount", "-l", directory])


@pytest.mark.as_root
def test_a_full_disk_interrupts_recording_until_there_is_room(place: Mounted, small_disk: Path) -> None:
    with in_foreground(place) as daemon:
        goes_on(daemon, full, "the disk is full")


@pytest.mark.as_root
def test_a_disk_that_is_full_from_the_start(place: Mounted, small_disk: Path) -> None:
    with full(place.database), in_foreground(place) as daemon:
        degraded(daemon, "the disk is full")
        (small_disk / "filler").unlink()
        daemon.use("after")
        daemon.wait_for_record("after")
        (small_disk / "filler").touch()


@pytest.mark.as_root
def test_a_read_only_disk_interrupts_recording_until_it_is_writable(place: Mounted, small_disk: Path) -> None:
    assert run(["mount", "-o", "remount,ro", small_disk]).returncode == 0
    with in_foreground(place) as daemon:
        degraded(daemon, "read-only filesystem")
        assert run(["mount", "-o", "remount,rw", small_disk]).returncode == 0
        daemon.use("after")
        daemon.wait_for_record("after")
        assert daemon.said("recording is interrupted") == 1


@pytest.mark.as_user
def test_a_directory_without_the_right_to_write(place: Mounted) -> None:
    place.database.parent.mkdir()
    place.database.parent.chmod(0o500)
    with in_foreground(place) as daemon:
        degraded(daemon, "Permission denied")
        place.database.parent.chmod(0o700)
        daemon.use("after")
        daemon.wait_for_record("after")


def test_a_database_damaged_in_its_middle_is_reported_and_replaced_when_moved_away(place: Mounted) -> None:
    with in_foreground(place) as daemon:
        for number in range(30):
            daemon.use(f"file {number}")
        daemon.wait_for_record("file 29")
        with contextlib.closing(sqlite3.connect(place.database)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with open(place.database, "r+b") as file:
            size = file.seek(0, os.SEEK_END)
            for offset in range(4096, size, 4096):
                file.seek(offset)
                file.write(os.urandom(4096))
        os.kill(int(str(daemon.engine()["pid"])), signal.SIGKILL)
        degraded(daemon, "damaged")
        finding = mycelial("doctor", "--db", place.database).stdout
        assert "damaged" in finding
        assert "move it away" in finding
        move(place.database, place.directory / "damaged")
        daemon.use("after")
        daemon.wait_for_record("after")


def broken_text(content: bytes) -> bytes:
    return content.replace(b'"comm"', b'"com\xff"')


def broken_json(content: bytes) -> bytes:
    return content.replace(b'"number":', b'"number";')


def broken_pages(content: bytes) -> bytes:
    dice = random.Random(1)
    pages = [content[at : at + 4096] for at in range(0, len(content), 4096)]
    for number in range(20, len(pages)):
        pages[number] = dice.randbytes(4096) if number % 2 else pages[number]
    return b"".join(pages)


def everything_below(directory: str, files: tuple[str, ...]) -> set[str]:
    """The errors that looking at all of a tree, and at the attributes of files, gives."""
    found: set[str] = set()

    def note(problem: OSError) -> None:
        found.add(errno.errorcode[problem.errno or 0])

    for parent, _, names in os.walk(directory, onerror=note):
        for name in names:
            path = os.path.join(parent, name)
            try:
                os.readlink(path) if os.path.islink(path) else Path(path).read_bytes()
            except OSError as problem:
                note(problem)
    for path in files:
        for name in ("related", "sources", "products", "cluster", "how", "status"):
            try:
                os.getxattr(path, f"user.mycelial.{name}")
            except OSError as problem:
                note(problem)
    return found


@pytest.mark.parametrize("spoil", [broken_text, broken_json, broken_pages], ids=lambda spoil: spoil.__name__)
def test_a_damaged_database_makes_views_poorer_and_nothing_fail(
    spoil: Callable[[bytes], bytes], place: Mounted
) -> None:
    with in_foreground(place) as daemon:
        for number in range(8):
            daemon.use(f"file {number}")
        run(["/bin/sh", "-c", "cat file* > made; cat made > again"], cwd=place.mountpoint)
        daemon.wait_for_record("again")
    content = place.database.read_bytes()
    place.database.write_bytes(spoil(content))
    assert place.database.read_bytes() != content
    with in_foreground(place) as daemon:
        degraded(daemon, place.database.name)
        files = tuple(str(place.mountpoint / name) for name in ("made", "again", "file 1"))
        met = run_apart(everything_below, str(place.mountpoint / ".mycelial"), files, timeout=60)
        assert met <= {"ENODATA"}
        daemon.use("after")
        said = daemon.log.read_text(errors="replace")
    assert said.count("recording is interrupted") == 1
    assert '"pid"' not in said, "what is recorded is not for the system's log"


def test_an_engine_that_hangs_is_said_once_and_recording_goes_on(place: Mounted) -> None:
    with in_foreground(place) as daemon:
        daemon.use("before")
        daemon.wait_for_record("before")
        pid = int(str(daemon.engine()["pid"]))
        os.kill(pid, signal.SIGSTOP)
        try:
            daemon.use("meanwhile")
            wait_until(lambda: daemon.engine()["state"] == "hung", what="it is said that the engine hangs")
            assert "has not read anything" in mycelial("status", place.mountpoint).stdout
            assert f"-> kill -CONT {pid}\n" in mycelial("doctor").stdout
            daemon.use("later")
            wait_until(lambda: daemon.said("recording is interrupted"))
        finally:
            os.kill(pid, signal.SIGCONT)
        daemon.wait_for_record("later")
        wait_until(lambda: daemon.said("recording goes on"))
        assert daemon.said("recording is interrupted") == 1


def test_the_state_directory_can_go_and_come_back(place: Mounted) -> None:
    with in_foreground(place) as daemon:
        daemon.use("before")
        daemon.wait_for_record("before")
        run_apart(place.database.parent.rename, place.directory / "gone")
        daemon.use("after")
        daemon.wait_for_record("after")
