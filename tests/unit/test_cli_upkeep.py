"""check, prune and backup, and what rebuild mends of what check finds."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from mycelial.graph.rebuild import replay
from mycelial.record.events import Event, Op, Process
from mycelial.store.answers import Answers
from mycelial.store.schema import VERSION
from mycelial.store.writer import Writer
from tests.unit.recorded import database, work
from tests.unit.tables import derived
from tests.unit.terminal import Terminal


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return database(tmp_path)


def change(db: Path, *statements: str) -> None:
    connection = sqlite3.connect(db)
    for statement in statements:
        assert connection.execute(statement).rowcount != 0
    connection.commit()
    connection.close()


def test_a_sound_database_has_nothing_wrong(terminal: Terminal, db: Path) -> None:
    assert terminal.out("check", "--db", str(db)) == ""
    assert terminal.json("check", "--json", "--db", str(db)) == []


@pytest.mark.parametrize(
    ("statement", "line"),
    [
        ("DELETE FROM file WHERE name = 'main.h'", "refers to something in file"),
        ("UPDATE file SET parent = id WHERE name = 'src'", "lies below itself"),
        ("UPDATE file SET name = 'a/b' WHERE name = 'main.h'", "a name that no file can have"),
        ("UPDATE together SET weight = -weight", "no weight"),
        ("INSERT INTO next VALUES (1, 1000, 1, 1.0, 1, 1.76e9, 'x')", "a file with itself"),
        ("DELETE FROM together WHERE a = (SELECT max(a) FROM together)", "not the other way round"),
        ("UPDATE usage SET episodes = 0", "use that never was"),
        ("UPDATE source SET count = 0", "made from it never"),
        ("UPDATE work SET value = '{'", "no JSON"),
        ("DROP INDEX source_source", "source: indexes missing: source_source"),
        ("DROP TABLE sweep", "sweep: missing"),
        ("UPDATE episode SET open = 1", "still going on"),
        ("UPDATE next SET count = count + 1", "do not follow from the log"),
        ("UPDATE file SET gone = 1 WHERE name = 'main.h'", "do not follow from the log"),
        ("DELETE FROM source", "that do are missing"),
    ],
)
def test_what_is_wrong_is_told_and_a_rebuild_mends_it(
    terminal: Terminal, db: Path, statement: str, line: str
) -> None:
    sound = derived(db)
    change(db, statement)
    code, out, err = terminal.run("check", "--db", str(db))
    assert (code, err) == (1, "")
    assert line in out
    assert all(told.isprintable() for told in out.splitlines())
    terminal.out("rebuild", "--db", str(db))
    assert terminal.out("check", "--db", str(db)) == ""
    assert derived(db) == sound


@pytest.mark.parametrize(
    ("statement", "line"),
    [
        ("UPDATE event SET op = 'stat' WHERE id = 3", "event: row 3: a kind of event that is not known"),
        ("UPDATE event SET op = 'rename' WHERE id = 3", "event: row 3: no new name"),
        ("UPDATE event SET t = -1 WHERE id = 3", "event: row 3: a time that cannot be"),
        ("UPDATE log_path SET path = '../x' WHERE id = 2", "log_path: row 2: no path below the mount's root"),
        ("UPDATE log_process SET args = 'x' WHERE id = 2", "log_process: row 2: args is no JSON array"),
        ("DELETE FROM log_path WHERE id = 2", "refers to something in log_path"),
        ("ALTER TABLE log_process DROP COLUMN same_input", "log_process: columns missing: same_input"),
    ],
)
def test_what_is_wrong_with_the_log_itself_is_told(
    terminal: Terminal, db: Path, statement: str, line: str
) -> None:
    change(db, statement)
    code, out, err = terminal.run("check", "--db", str(db))
    assert (code, err) == (1, "")
    assert line in out


def test_what_an_older_version_derived_is_not_wrong(terminal: Terminal, db: Path) -> None:
    with contextlib.closing(sqlite3.connect(db)) as connection:
        assert connection.execute("SELECT sum(made) FROM touch").fetchone()[0] > 0
        connection.execute("ALTER TABLE touch DROP COLUMN made")
        connection.execute("ALTER TABLE log_process DROP COLUMN same_input")
        connection.execute(f"PRAGMA user_version={VERSION - 1}")
    Writer(db).close()
    assert terminal.out("check", "--db", str(db)) == ""
    terminal.out("rebuild", "--db", str(db))
    assert terminal.out("check", "--db", str(db)) == ""
    change(db, "DELETE FROM source")
    assert "that do are missing" in terminal.run("check", "--db", str(db))[1]


def test_a_quick_check_derives_nothing(terminal: Terminal, db: Path) -> None:
    change(db, "UPDATE next SET count = count + 1")
    assert terminal.out("check", "--quick", "--db", str(db)) == ""


def test_a_damaged_file_is_told_of(terminal: Terminal, db: Path) -> None:
    with db.open("r+b") as file:
        file.seek(3 * 4096)
        file.write(os.urandom(20 * 4096))
    code, out, err = terminal.run("check", "--db", str(db))
    assert code == 1
    assert out.startswith("file: ") or err.count("\n") == 1
    (db.parent / "text.db").write_text("nothing of the kind" * 1000)
    assert "text.db" in terminal.error("check", "--db", str(db.parent / "text.db"))
    assert "there is no database here" in terminal.error("check", "--db", str(db.parent / "none.db"))


def test_pruning_keeps_what_it_is_told_to_and_the_relations(terminal: Terminal, db: Path) -> None:
    events, before = len(list(work())), terminal.out("related", "--db", str(db), "src/main.c")
    report = terminal.json("prune", "--json", "--db", str(db), "--events", "10")
    assert report["events"] == events - 10
    assert report["processes"] > 0
    assert report["after"] <= report["before"]
    assert terminal.out("events", "--db", str(db)).count("\n") == 10
    assert terminal.out("check", "--db", str(db)) == ""
    assert [
        line.split()[-1] for line in terminal.out("related", "--db", str(db), "src/main.c").splitlines()
    ] == [line.split()[-1] for line in before.splitlines()]
    assert "dropped 0 events" in terminal.out("prune", "--db", str(db))
    terminal.out("rebuild", "--db", str(db))
    assert terminal.out("check", "--db", str(db)) == ""


def test_pruning_by_age_counts_from_the_newest_event(terminal: Terminal, db: Path) -> None:
    terminal.out("prune", "--db", str(db), "--days", "1.5")
    days = {
        int(json.loads(line)["t"] // 86_400)
        for line in terminal.out("events", "--json", "--db", str(db)).splitlines()
    }
    assert len(days) == 2


@pytest.mark.parametrize(
    "bound", ["--events=100000000000000000000", "--megabytes=inf", "--days=nan", "--days=-1"]
)
def test_a_bound_is_a_number_that_can_be_kept(terminal: Terminal, db: Path, bound: str) -> None:
    code, out, err = terminal.run("prune", "--db", str(db), bound)
    assert (code, out) == (2, "")
    assert "is no number between 0 and" in err


def test_nothing_is_pruned_where_nothing_is(terminal: Terminal, tmp_path: Path) -> None:
    assert "there is no database here" in terminal.error("prune", "--db", str(tmp_path / "none.db"))
    assert list(tmp_path.iterdir()) == []


def test_a_backup_is_the_database_and_nobody_elses_business(
    terminal: Terminal, db: Path, tmp_path: Path
) -> None:
    os.umask(os.umask(0))
    target = tmp_path / "copies"
    target.mkdir()
    for name, copy in ((target, target / db.name), (target / "other.db", target / "other.db")):
        assert terminal.out("backup", "--db", str(db), str(name)) == ""
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
        assert derived(copy) == derived(db)
        assert terminal.out("events", "--json", "--db", str(copy)) == terminal.out(
            "events", "--json", "--db", str(db)
        )
    assert sorted(path.name for path in target.iterdir()) == ["other.db", db.name]


def test_an_older_backup_is_replaced_and_anything_else_is_not(
    terminal: Terminal, db: Path, tmp_path: Path
) -> None:
    copy, stranger = tmp_path / "copy.db", tmp_path / "thesis.tex"
    terminal.out("backup", "--db", str(db), str(copy))
    replay(db, [Event(1.9e9, Op.OPEN, "new", Process(1, 0, "x", 1000))])
    terminal.out("backup", "--db", str(db), str(copy))
    with Answers.open(copy, None) as answers:
        assert answers.known("new")
    stranger.write_text("my work")
    assert "something else" in terminal.error("backup", "--db", str(db), str(stranger))
    assert stranger.read_text() == "my work"
    assert "the database itself" in terminal.error("backup", "--db", str(db), str(db))
    shutil.copyfile(db, tmp_path / "link.db")
    assert "No such file" in terminal.error("backup", "--db", str(db), str(tmp_path / "none" / "copy.db"))


def test_a_backup_is_of_one_moment_while_events_come(terminal: Terminal, tmp_path: Path) -> None:
    db, ended = tmp_path / "live.db", threading.Event()
    process = Process(1, 0, "x", 1000)

    def record() -> None:
        number = 0
        while not ended.is_set():
            replay(
                db, [Event(1.7e9 + number * 400 + n, Op.WRITE, f"{number}/{n}", process) for n in range(20)]
            )
            number += 1

    replay(db, [])
    recorder = threading.Thread(target=record)
    recorder.start()
    try:
        for number in range(4):
            copy = tmp_path / f"copy{number}.db"
            terminal.out("backup", "--db", str(db), str(copy))
            assert terminal.out("check", "--db", str(copy)) == ""
            with Answers.open(copy, None) as answers:
                assert answers.size() % 20 == 0
    finally:
        ended.set()
        recorder.join()
