"""What a user says reaches the database that is read, whatever became of the one before."""

from __future__ import annotations

import errno
import math
import os
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from shutil import copyfile

import pytest

from mycelial.graph.admission import Admission
from mycelial.graph.ingest import SOON, Ingest, State
from mycelial.graph.rebuild import replay
from mycelial.record.exclude import ExclusionRules
from mycelial.store.answers import Answers
from mycelial.store.clusters import Named, Structure
from mycelial.store.errors import StoreError
from mycelial.store.log import Retention
from mycelial.store.writer import Writer
from tests.unit.worked import ALICE, Story


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path)


@pytest.fixture
def ingest(story: Story) -> Iterator[Ingest]:
    """One that has stored an event and waits for the next."""
    ingest = Ingest(story.database, Admission(ExclusionRules()), Retention(), time.monotonic)
    ingest.work()
    take(ingest, story, "before")
    ingest.adopt(Structure((), ()))  # commits
    assert not ingest.waiting
    yield ingest
    ingest.close()


def take(ingest: Ingest, story: Story, path: str) -> None:
    story.program("vim").close(path)
    for event in story.events:
        ingest.take(event)
    story.events.clear()


def paths(story: Story) -> list[str]:
    with Answers.open(story.database, None) as answers:
        return [event.path for event in answers.events()]


def remove(database: Path) -> None:
    database.unlink()


def put_another(database: Path) -> None:
    other = database.parent / "another.db"
    replay(other, [])
    os.replace(other, database)


def cut(database: Path) -> None:
    os.truncate(database, 0)


def copy_over(database: Path) -> None:
    """As `cp` does: another content, and more of it, in the same file."""
    other = database.parent / "another.db"
    replay(other, [])
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("INSERT INTO meta VALUES ('padding', ?)", ("x" * database.stat().st_size,))
        connection.commit()
    copyfile(other, database)


LOSSES = pytest.mark.parametrize("lose", [remove, put_another, cut, copy_over])


@LOSSES
def test_a_pause_holds_in_the_database_that_is_there(
    ingest: Ingest, story: Story, lose: Callable[[Path], None]
) -> None:
    lose(story.database)
    assert ingest.change(lambda writer: writer.pause_until(math.inf, ALICE))
    assert ingest.replaced == 1
    take(ingest, story, "private")
    ingest.close()
    assert ingest.paused_users == {ALICE: math.inf}
    assert paths(story) == []


@LOSSES
def test_a_pause_outlives_its_database(ingest: Ingest, story: Story, lose: Callable[[Path], None]) -> None:
    assert ingest.change(lambda writer: writer.pause_until(story.now + 1000.0))
    lose(story.database)
    ingest.close()  # finds it out
    ingest.work()
    take(ingest, story, "private")
    ingest.close()
    assert paths(story) == []
    story.wait(2000.0)
    ingest.work()
    take(ingest, story, "public")
    ingest.close()
    assert paths(story) == ["public"]


def test_what_was_copied_over_the_database_is_as_it_came_and_grows(ingest: Ingest, story: Story) -> None:
    copy_over(story.database)
    take(ingest, story, "after")
    ingest.close()
    assert ingest.replaced == 1
    assert paths(story) == ["after"]
    with closing(sqlite3.connect(story.database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("SELECT 1 FROM meta WHERE key = 'padding'").fetchone()


def test_an_older_state_of_itself_is_another_one(ingest: Ingest, story: Story) -> None:
    """Even where both were written in the same session, and are of one size."""
    older = story.directory / "older.db"
    with closing(sqlite3.connect(story.database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        copyfile(story.database, older)
        take(ingest, story, "lost")
        ingest.adopt(Structure((), ()))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        take(ingest, story, "lost, too")
        ingest.adopt(Structure((), ()))
    assert ingest.replaced == 0
    copyfile(older, story.database)
    take(ingest, story, "after")
    ingest.close()
    assert ingest.replaced == 1
    assert paths(story) == ["before", "after"]


@pytest.mark.parametrize("seed", range(8))
def test_what_others_may_do_to_a_database_is_not_taken_for_another_one(
    ingest: Ingest, story: Story, seed: int
) -> None:
    dice = random.Random(seed)
    names = ["before"]
    with closing(sqlite3.connect(story.database, isolation_level=None)) as other:
        for number in range(30):
            name = str(number)
            match dice.randrange(8):
                case 0 | 1:
                    other.execute(f"PRAGMA wal_checkpoint({dice.choice(('PASSIVE', 'FULL', 'TRUNCATE'))})")
                case 2:
                    other.execute("INSERT OR REPLACE INTO meta VALUES ('theirs', ?)", (name * 3000,))
                case 3:
                    other.execute(dice.choice(("VACUUM", "PRAGMA incremental_vacuum")))
                case 4 if not other.in_transaction:
                    other.execute("BEGIN")  # a reader, whom no checkpoint may overtake
                    other.execute("SELECT * FROM meta").fetchone()
                    take(ingest, story, f"beside {name}")
                    names.append(f"beside {name}")
                    ingest.adopt(Structure((), ()))
                    other.execute("ROLLBACK")
                case 5:
                    os.utime(story.database)
                    story.database.chmod(0o600)
                case _:
                    take(ingest, story, name)
                    names.append(name)
                    ingest.adopt(Structure((), ()))
    ingest.close()
    assert ingest.replaced == 0
    assert paths(story) == names


def test_of_two_pauses_the_longer_holds(ingest: Ingest, story: Story) -> None:
    story.now += 1.0
    ingest.change(lambda writer: writer.pause_until(story.now, ALICE))
    other = Ingest(story.directory / "other.db", Admission(ExclusionRules()), Retention(), time.monotonic)
    other.work()
    other.change(lambda writer: writer.pause_until(math.inf, ALICE))
    other.close()
    os.replace(story.directory / "other.db", story.database)
    assert ingest.change(lambda writer: writer.pause_until(5.0))
    assert (ingest.paused_until, ingest.paused_users) == (5.0, {ALICE: math.inf})


def test_what_was_ended_before_does_not_come_back(ingest: Ingest, story: Story) -> None:
    ingest.change(lambda writer: writer.pause_until(math.inf))
    remove(story.database)
    assert ingest.change(lambda writer: writer.pause_until(0.0))
    take(ingest, story, "public")
    ingest.close()
    assert paths(story) == ["public"]


def test_a_damaged_database_that_is_removed_leaves_its_pauses(ingest: Ingest, story: Story) -> None:
    ingest.change(lambda writer: writer.pause_until(math.inf))

    def fail(*_: object) -> None:
        remove(story.database)
        raise sqlite3.DatabaseError("database disk image is malformed")

    assert not ingest.change(fail)
    ingest.close()
    assert ingest.paused_until == math.inf


def test_what_was_found_in_another_database_is_not_taken_up(ingest: Ingest, story: Story) -> None:
    remove(story.database)
    ingest.adopt(Structure((Named(1, ALICE, "a", 2, {1: 1, 2: 2}),), ()))
    assert ingest.replaced == 1
    ingest.close()
    with Answers.open(story.database, None) as answers:
        assert not answers.clusters(10, 10)


def copy_much_over(database: Path) -> None:
    """Another content, most of whose pages cannot be understood as those of this one's tables."""
    other = database.parent / "another.db"
    replay(other, [])
    with closing(sqlite3.connect(other)) as connection:
        rows = ((f"row {number}", "x" * 8000) for number in range(300))
        connection.executemany("INSERT INTO meta VALUES (?, ?)", rows)
        connection.commit()
        for statement in ("journal_mode=DELETE", "page_size=8192"):
            connection.execute(f"PRAGMA {statement}").fetchall()
        connection.execute("VACUUM")
    copyfile(other, database)


def has_all_of_it(database: Path) -> bool:
    with closing(sqlite3.connect(database)) as connection:
        count = connection.execute("SELECT count(*) FROM meta WHERE key GLOB 'row *'").fetchone()[0]
        return (count, connection.execute("PRAGMA integrity_check").fetchall()) == (300, [("ok",)])


def test_what_was_copied_over_a_database_is_whole_though_it_is_read_before_the_next_commit(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a large one not all pages are remembered: those of the other one are met first."""
    monkeypatch.setattr("mycelial.store.database.CACHE", 1 << 12)
    for number in range(300):
        story.program("vim").close(f"before {number}")
    replay(story.database, story.events)
    story.events.clear()
    ingest = Ingest(story.database, Admission(ExclusionRules()), Retention(), time.monotonic)
    ingest.work()
    assert ingest.change(lambda writer: writer.pause_until(story.now, ALICE))  # stays in the journal
    begin = Writer.begin

    def begin_a_moment_late(writer: Writer) -> None:
        monkeypatch.setattr(Writer, "begin", begin)
        copy_much_over(story.database)  # which was in place just before
        begin(writer)

    story.wait(1.0)
    take(ingest, story, "before 150")
    monkeypatch.setattr(Writer, "begin", begin_a_moment_late)
    ingest.adopt(Structure((), ()))  # commits, and looks where that one stands
    assert (ingest.state, ingest.is_writing, ingest.replaced) == (State.DEGRADED, False, 1)
    assert has_all_of_it(story.database)
    ingest.close()
    assert (ingest.state, ingest.replaced) == (State.OK, 1)
    assert paths(story) == ["before 150"]
    assert has_all_of_it(story.database)


@pytest.mark.parametrize("close", [Writer.close, lambda writer: writer.detach().release()])
def test_who_closes_does_not_write_into_what_was_copied_there(
    story: Story, close: Callable[[Writer], None]
) -> None:
    writer = Writer(story.database)
    writer.begin()
    writer.pause_until(2.0)
    writer.commit()
    copy_much_over(story.database)
    close(writer)
    assert has_all_of_it(story.database)


def commit(ingest: Ingest) -> None:
    while not ingest.is_due():
        time.sleep(0.01)
    ingest.work()


def adopt(ingest: Ingest) -> None:
    ingest.adopt(Structure((), ()))


def change(ingest: Ingest) -> None:
    assert not ingest.change(lambda writer: writer.pause_until(1.0, ALICE))


def lend(ingest: Ingest) -> None:
    with pytest.raises(StoreError, match="Input/output error"):
        ingest.lend()


@pytest.mark.parametrize("use", [commit, adopt, change, lend, Ingest.close])
def test_a_header_that_cannot_be_read_for_a_while_costs_no_event(
    ingest: Ingest, story: Story, use: Callable[[Ingest], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    take(ingest, story, "after")
    with monkeypatch.context() as disk:
        disk.setattr(os, "pread", fail)
        use(ingest)
        assert "Input/output error" in ingest.reason
        assert not ingest.is_writing
    if use is Ingest.close:
        assert ingest.dropped == 1  # there is nobody who could try again
        return
    assert ingest.waiting == 1
    ingest.close()
    assert (ingest.state, ingest.dropped, ingest.replaced) == (State.OK, 0, 0)
    assert paths(story) == ["before", "after"]


def test_what_an_engine_left_in_the_journal_may_be_brought_into_the_file_by_others(
    ingest: Ingest, story: Story
) -> None:
    with closing(sqlite3.connect(story.database)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        take(ingest, story, "in the journal")
        adopt(ingest)
        other.execute("SELECT * FROM meta").fetchone()
        ingest.close()  # as if it were killed: who still reads has to move the journal
        after = Ingest(story.database, Admission(ExclusionRules()), Retention(), time.monotonic)
        after.work()
        assert other.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[2] > 0
        take(after, story, "after")
        adopt(after)
    after.close()
    assert after.replaced == 0
    assert paths(story) == ["before", "in the journal", "after"]


def test_a_database_that_was_written_afresh_is_in_place(story: Story) -> None:
    with Writer(story.database) as writer:
        for _ in range(2):
            writer.compact()
            assert writer.is_in_place()


def test_who_asks_does_not_wait_for_much_to_be_stored(ingest: Ingest, story: Story) -> None:
    take(ingest, story, "little")
    assert ingest.settle()
    assert paths(story) == ["before", "little"]
    story.program("vim").close(*(f"{number}" for number in range(SOON + 1)))
    for event in story.events:
        ingest.take(event)
    assert not ingest.settle()
    assert paths(story) == ["before", "little"]
