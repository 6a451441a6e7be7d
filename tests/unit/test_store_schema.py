"""The database: documented, private, versioned, and pleasant to look at."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from mycelial.graph.rebuild import replay
from mycelial.store.answers import Answers
from mycelial.store.connection import Database
from mycelial.store.database import PAGE, open_reader, open_writer
from mycelial.store.errors import StoreError
from mycelial.store.schema import DERIVED, LOG, STEPS, VERSION, create, statements
from mycelial.store.writer import Writer
from tests.unit.worked import Story

OBVIOUS = {
    "id",
    "pid",
    "ppid",
    "uid",
    "exe",
    "cgroup",
    "program",
    "last",
    "reads",
    "writes",
    "first",
    "started",
}
"""Columns whose name and table say it all, or that are explained in a table above."""


@pytest.fixture
def db(tmp_path: Path) -> Path:
    story = Story(tmp_path)
    story.program("vim").make("src/a.c", "src/sub/b.c", "caf\udce9")
    story.program("cc").open("src/a.c").make("a.o")
    story.answers().close()
    return story.database


@pytest.mark.parametrize("table", [s for s in statements(LOG + DERIVED) if "CREATE TABLE" in s])
def test_every_table_and_nearly_every_column_is_explained(table: str) -> None:
    comment, _, columns = table.partition("CREATE TABLE")
    assert comment.startswith("-- ")
    for line in columns.splitlines()[1:]:
        column = re.match(r'    "?([a-z_]+)"? ?[A-Z,]', line)
        if column and "REFERENCES" not in line:
            assert "--" in line or column[1] in OBVIOUS, line


def test_comments_can_be_read_in_the_database_itself(db: Path) -> None:
    database = Database(sqlite3.connect(db))
    assert "stays when the file is renamed" in database.tables["file"].schema


def test_views_show_full_paths_and_the_log_in_words(db: Path) -> None:
    connection = sqlite3.connect(db)
    paths = {path for (path,) in connection.execute("SELECT path FROM files WHERE NOT gone")}
    assert {"src", "src/a.c", "src/sub/b.c", "a.o"} <= paths
    made = connection.execute("SELECT product, source, program FROM source_paths").fetchall()
    assert made == [("a.o", "src/a.c", "cc")]
    assert connection.execute("SELECT count(*) FROM together_paths").fetchone() == (0,)
    first = connection.execute("SELECT op, path, comm FROM events ORDER BY id LIMIT 1").fetchone()
    assert first == ("create", "src/a.c", "vim")


def test_no_table_holds_what_integrity_check_objects_to(db: Path) -> None:
    connection = sqlite3.connect(db)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_the_database_is_its_owners_alone(tmp_path: Path) -> None:
    with Writer(tmp_path / "new" / "a.db"):
        pass
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "new" / "a.db").stat().st_mode & 0o777 == 0o600


def test_what_belongs_to_a_file_lies_on_few_large_pages(tmp_path: Path) -> None:
    with Writer(tmp_path / "a.db") as writer:
        assert writer.database.conn.execute("PRAGMA page_size").fetchone() == (PAGE,)
        assert writer.database.conn.execute("PRAGMA auto_vacuum").fetchone() == (2,)  # by and by
    before = sqlite3.connect(tmp_path / "before.db", isolation_level=None)
    before.execute("PRAGMA page_size=4096")
    create(Database(before))
    with Writer(tmp_path / "before.db") as writer:
        assert writer.database.conn.execute("PRAGMA page_size").fetchone() == (4096,)


def test_a_reader_makes_no_database_and_changes_none(tmp_path: Path, db: Path) -> None:
    with pytest.raises(StoreError, match="there is no database here"):
        open_reader(tmp_path / "missing.db")
    assert not (tmp_path / "missing.db").exists()
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        open_reader(db).conn.execute("DELETE FROM event")


@pytest.mark.parametrize("opening", [open_reader, open_writer])
def test_a_newer_database_is_refused_and_says_so(db: Path, opening: object) -> None:
    connection = sqlite3.connect(db)
    connection.execute(f"PRAGMA user_version={VERSION + 1}")
    connection.close()
    with pytest.raises(StoreError, match="newer Mycelial"):
        opening(db)  # type: ignore[operator]


@pytest.mark.parametrize("opening", [open_reader, open_writer])
def test_what_is_no_database_is_refused_in_one_line(tmp_path: Path, opening: object) -> None:
    (tmp_path / "text").write_text("Dear diary,\n" * 100)
    with pytest.raises(StoreError, match=r"text: not a database"):
        opening(tmp_path / "text")  # type: ignore[operator]


def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "other.db")
    connection.execute("CREATE TABLE recipes (name)")
    connection.close()
    with pytest.raises(StoreError, match="some other program"):
        open_writer(tmp_path / "other.db")


def test_an_older_database_is_brought_up_to_date_by_the_next_writer(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mycelial.store.schema.STEPS", (*STEPS, "ALTER TABLE meta ADD COLUMN note;\n"))
    for module in ("schema", "database"):
        monkeypatch.setattr(f"mycelial.store.{module}.VERSION", VERSION + 1)
    with pytest.raises(StoreError, match="older Mycelial"):
        open_reader(db)
    Writer(db).close()
    connection = open_reader(db).conn
    assert connection.execute("PRAGMA user_version").fetchone() == (VERSION + 1,)
    assert connection.execute("SELECT count(note) FROM meta").fetchone() == (0,)


def test_a_database_of_the_first_version_gets_the_tables_of_a_new_one(
    tmp_path: Path, repository: Path
) -> None:
    old, new = tmp_path / "old.db", tmp_path / "new.db"
    connection = sqlite3.connect(old)
    connection.executescript((repository / "tests/data/version-1.sql").read_text("utf-8"))
    connection.close()
    for path in (old, new):
        Writer(path).close()
    assert _shape(old) == _shape(new)
    story = Story(tmp_path)
    story.program("cc").open("a.c").make("a.o")
    replay(old, story.events)
    with Answers.open(old, None) as answers:
        assert [found.path for found in answers.sources("a.o")] == ["a.c"]


def test_an_older_database_learns_what_version_control_took_up(tmp_path: Path) -> None:
    story = Story(tmp_path)
    for changed in (("a.c", "b.c"), ("a.c", "c.c")):
        story.program("vim").open("notes").close(*changed)
        story.program("git").open(*changed)
        story.pause()
    story.program("vim").close("notes")
    story.pause()
    story.program("vim").close("last")
    story.answers().close()
    wanted = _kept(story.database)
    assert sorted(kept for _, kept in wanted) == [0, 1, 1, 2, 2]  # notes, b.c, c.c, a.c, all together
    connection = sqlite3.connect(story.database)
    connection.execute("ALTER TABLE usage DROP COLUMN kept")
    connection.execute("ALTER TABLE touch DROP COLUMN made")
    connection.execute("ALTER TABLE log_process DROP COLUMN same_input")
    connection.execute(f"PRAGMA user_version={VERSION - 2}")
    connection.commit()
    connection.close()
    Writer(story.database).close()
    assert _kept(story.database) == wanted


def _kept(db: Path) -> list[tuple[int, int]]:
    return sqlite3.connect(db).execute("SELECT file, kept FROM usage ORDER BY file").fetchall()


def _shape(db: Path) -> dict[str, object]:
    """Return what there is by name: the columns of tables and views, and what indexes are of."""
    connection = sqlite3.connect(db)
    names = connection.execute("SELECT name, tbl_name FROM sqlite_master ORDER BY name").fetchall()
    columns = {name: connection.execute(f"PRAGMA table_info({name})").fetchall() for name, _ in names}
    shape: dict[str, object] = {
        name: (table, sorted(row[1:] for row in columns[name])) for name, table in names
    }
    shape["version"] = connection.execute("PRAGMA user_version").fetchone()
    shape["file"] = connection.execute("SELECT id, name FROM file").fetchall()
    return shape


def test_a_derived_table_that_is_missing_is_made_by_the_next_writer(db: Path) -> None:
    before = _shape(db)
    connection = sqlite3.connect(db)
    connection.execute("DROP TABLE word")
    connection.execute("DROP INDEX episode_started")
    connection.close()
    Writer(db).close()
    assert _shape(db) == before
    with Answers.open(db, None) as answers:
        assert [found.path for found in answers.search("a")]


def test_a_step_that_fails_leaves_the_database_as_it_was(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = (*STEPS, "ALTER TABLE meta ADD COLUMN note;\nALTER TABLE nothing ADD COLUMN note;\n")
    monkeypatch.setattr("mycelial.store.schema.STEPS", steps)
    for module in ("schema", "database"):
        monkeypatch.setattr(f"mycelial.store.{module}.VERSION", VERSION + 1)
    with pytest.raises(StoreError, match="nothing"):
        Writer(db)
    connection = sqlite3.connect(db)
    assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
    assert [row[1] for row in connection.execute("PRAGMA table_info(meta)")] == ["key", "value"]


def test_there_is_one_writer_at_a_time(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mycelial.store.lock.PATIENCE", 0.1)
    with Writer(db), pytest.raises(StoreError, match="another process writes to it"):
        Writer(db)
    Writer(db).close()


def test_reading_goes_on_while_a_writer_is_in_the_middle_of_a_transaction(db: Path) -> None:
    with Writer(db) as writer, Answers.open(db, None) as answers:
        writer.begin()
        writer.database.conn.execute("DELETE FROM file")
        assert answers.known("a.o")


def test_what_was_not_committed_never_happened(db: Path) -> None:
    with Writer(db) as writer:
        writer.begin()
        writer.database.conn.execute("DELETE FROM event")
    with Answers.open(db, None) as answers:
        assert answers.status()["events"] != 0
