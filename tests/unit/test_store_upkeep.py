"""What need not be kept goes by itself, in steps that may be the last one at any moment."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest

from mycelial.graph import provenance
from mycelial.graph.pipeline import Pipeline
from mycelial.graph.rebuild import rebuild, replay
from mycelial.record.events import Event, Op, Process
from mycelial.store import purging, upkeep
from mycelial.store.answers import Answers
from mycelial.store.check import problems
from mycelial.store.database import PAGE
from mycelial.store.log import Retention
from mycelial.store.upkeep import Tally, keep_small, used_bytes
from mycelial.store.writer import Writer

DAY = 86_400.0
COUNT = 600
PROJECT = ("src/a.c", "src/b.c", "src/c.h")


def history() -> list[Event]:
    """Every day somebody works on three files, and a short-lived program on one that is never seen again."""
    log = []
    for number in range(COUNT // 4):
        t = 1.7e9 + number * DAY
        editor = Process(100, 90, "vim", 1000, start=7)
        log += [Event(t + 60 * at, Op.WRITE, path, editor) for at, path in enumerate(PROJECT)]
        log.append(Event(t + 300, Op.OPEN, f"once/{number}", Process(1000 + number, 90, "less", 1000)))
    return log


@pytest.fixture
def db(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The history in a database, whose upkeep takes steps that fit its size."""
    for name, value in (("EVENTS", 50), ("MARKED", 70), ("EPISODES", 3), ("PAGES", 2)):
        monkeypatch.setattr(upkeep, name, value)
    replay(tmp_path / "kept.db", history())
    return tmp_path / "kept.db"


def rows(db: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(db)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def assert_whole(db: Path) -> None:
    assert rows(db, "PRAGMA integrity_check") == [("ok",)]
    assert rows(db, "PRAGMA foreign_key_check") == []


def test_names_and_processes_go_with_the_last_event_that_had_them(db: Path) -> None:
    tally = Tally()
    with Writer(db) as writer:
        steps = sum(1 for _ in keep_small(writer, Retention(events=100), tally))
    assert steps > 20
    assert tally.events == COUNT - 100
    assert tally.paths == tally.processes == (COUNT - 100) // 4
    assert_whole(db)
    kept = [path for (path,) in rows(db, "SELECT path FROM log_path")]
    assert sorted(kept) == sorted([*PROJECT, *(f"once/{number}" for number in range(125, 150))])
    with Answers.open(db, None) as answers:
        assert list(answers.events()) == history()[-100:]
        assert [related.path for related in answers.related("src/a.c")][:2] == ["src/b.c", "src/c.h"]
        assert answers.related("src/a.c")[0].episodes == COUNT // 4, "relations outlive the log"


def test_stretches_of_work_from_before_the_log_go_with_it(db: Path) -> None:
    with Writer(db) as writer:
        for _ in keep_small(writer, Retention(events=200), Tally()):
            pass
    (oldest,) = rows(db, "SELECT min(t) FROM event")[0]
    assert rows(db, f"SELECT count(*) FROM episode WHERE ended < {oldest}") == [(0,)]
    assert rows(db, "SELECT count(*) FROM touch WHERE episode NOT IN (SELECT id FROM episode)") == [(0,)]
    assert rows(db, "SELECT count(*) > 40 FROM episode") == [(1,)]


def test_a_database_that_is_too_large_loses_its_oldest_events_until_it_fits(db: Path) -> None:
    with Writer(db) as writer:
        most = used_bytes(writer) - 2 * PAGE
        for _ in keep_small(writer, Retention(size=most), Tally()):
            pass
        assert used_bytes(writer) <= most
    with Answers.open(db, None) as answers:
        kept = list(answers.events())
    assert 1 < len(kept) < COUNT
    assert kept == history()[-len(kept) :]
    assert_whole(db)


def test_a_size_that_cannot_be_reached_ends_with_one_event(db: Path) -> None:
    with Writer(db) as writer:
        for _ in keep_small(writer, Retention(size=1), Tally()):
            pass
    assert rows(db, "SELECT count(*) FROM event") == [(1,)]


def test_room_that_is_free_goes_back_to_the_disk(tmp_path: Path) -> None:
    db = tmp_path / "large.db"
    process = Process(1, 0, "x", 1000)
    replay(db, [Event(1.7e9 + n * 400, Op.OPEN, f"{'long' * 40}/{n}", process) for n in range(6_000)])
    with Writer(db) as writer:
        for _ in keep_small(writer, Retention(events=300), Tally()):
            pass
        writer.database.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        assert writer.database.conn.execute("PRAGMA freelist_count").fetchone() == (0,)
    assert_whole(db)


def test_it_can_end_after_any_step_and_go_on_while_events_come(db: Path) -> None:
    """Whenever it is left, by a kill or for events, all agrees, and the next one ends what it began."""
    chance = random.Random(5)
    more = history()[-40:]
    while True:
        with Writer(db) as writer:
            ended = True
            for _ in keep_small(writer, Retention(events=100), Tally()):
                if chance.random() < 0.4:
                    ended = False
                    break
                if more and chance.random() < 0.5:
                    _append(writer, more.pop())
            if ended and more:
                _append(writer, more.pop())
        assert_whole(db)
        if ended and not more:
            break
    assert_whole(db)
    assert rows(db, "SELECT count(*) FROM event") == [(100,)]
    rebuild(db)
    assert_whole(db)


def _append(writer: Writer, event: Event) -> None:
    writer.begin()
    writer.log.append(event)
    writer.commit()


def test_nothing_is_done_where_there_is_nothing_to_do(db: Path) -> None:
    with Writer(db) as writer:
        assert list(keep_small(writer, Retention(days=10_000, events=10_000, size=10**9), Tally())) == []


def gone_and_kept(t: float = 1.7e9) -> list[Event]:
    """A year of work on a project that makes and removes something else each day."""
    log = []
    for number in range(365):
        at = t + number * DAY
        editor = Process(100, 90, "vim", 1000, start=number)
        other = Process(5000 + number, 90, "rm", 1000, start=number)
        log += [Event(at + 10 * n, Op.WRITE, path, editor) for n, path in enumerate(PROJECT)]
        log += [Event(at + 40, Op.CREATE, f"day/{number}/note", editor)]
        log += [Event(at + 3600, Op.UNLINK, f"day/{number}/note", other)]
    log.append(Event(t + 1, Op.WRITE, "early/kept", Process(1, 0, "vim", 1000)))
    return sorted(log, key=lambda event: event.t)


def test_files_that_have_long_been_gone_are_forgotten_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purging, "CHUNK", 37)
    monkeypatch.setattr(provenance, "REMEMBERED", 8)  # files that the engine is just making
    db = tmp_path / "gone.db"
    replay(db, gone_and_kept())
    before = rows(db, "SELECT count(*) FROM file WHERE gone")[0][0]
    with Answers.open(db, 1000) as answers:
        related = [found.path for found in answers.related("src/a.c")]
    tally = Tally()
    with Writer(db) as writer:
        for _ in keep_small(writer, Retention(days=60), tally):
            pass
    assert list(problems(db)) == []
    left = [name for (name,) in rows(db, "SELECT path FROM files WHERE path GLOB 'day/*/note'")]
    assert tally.files == before - len(left) > 0
    assert {f"day/{number}/note" for number in range(310, 365)} <= set(left)
    assert len(left) < 70
    with Answers.open(db, 1000) as answers:
        assert [found.path for found in answers.related("src/a.c")] == related
        assert answers.known("early/kept")
        assert not answers.known("day/3"), "a directory that is empty by now is no file"
    with Writer(db) as writer:
        for _ in keep_small(writer, Retention(days=59), tally, thorough=True):
            pass
    assert rows(db, "SELECT count(*) FROM file")[0][0] < 2 * len(left) + 20, "nor do directories stay"
    assert_whole(db)
    rebuild(db)
    assert list(problems(db)) == []


def test_a_file_that_comes_back_after_it_was_forgotten_is_a_file_like_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provenance, "REMEMBERED", 8)
    db = tmp_path / "gone.db"
    replay(db, gone_and_kept())
    editor = Process(100, 90, "vim", 1000, start=7)
    with Writer(db) as writer:
        pipeline = Pipeline(writer)
        for _ in keep_small(writer, Retention(days=60), Tally()):
            pass
        writer.begin()
        for number, path in enumerate(("day/3/note", "day/3/other", "src/d.c")):
            pipeline.feed([Event(1.7e9 + 400 * DAY + number, Op.WRITE, path, editor)])
        pipeline.flush()
        writer.commit()
        assert pipeline.failures == 0
    with Answers.open(db, 1000) as answers:
        assert {found.path for found in answers.together("day/3/note")} == {"day/3/other", "src/d.c"}
    assert list(problems(db)) == []


def test_a_source_that_is_gone_stays_while_what_was_made_from_it_is_there(tmp_path: Path) -> None:
    db = tmp_path / "made.db"
    log = gone_and_kept()
    for number, (op, path) in enumerate(
        [
            (Op.READ, "made/origin"),
            (Op.CREATE, "made/between"),
            (Op.WRITE, "made/between"),
        ]
    ):
        log.append(Event(1.7e9 + 100 + number, op, path, Process(700, 90, "first", 1000, start=1)))
    for number, (op, path) in enumerate(
        [(Op.READ, "made/between"), (Op.CREATE, "made/end"), (Op.WRITE, "made/end")]
    ):
        log.append(Event(1.7e9 + 110 + number, op, path, Process(701, 90, "second", 1000, start=2)))
    log.append(Event(1.7e9 + 5 * DAY, Op.UNLINK, "made/between", Process(702, 90, "rm", 1000, start=3)))
    replay(db, sorted(log, key=lambda event: event.t))
    with Writer(db) as writer:
        for _ in keep_small(writer, Retention(days=60), Tally()):
            pass
    with Answers.open(db, 1000) as answers:
        assert [found.path for found in answers.sources("made/end")] == ["made/origin"]
    assert list(problems(db)) == []
