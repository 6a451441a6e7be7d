"""The questions on the command line, over a real database: what is printed, and what the exit code says."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from mycelial.cli.main import run
from mycelial.cli.mounts import Mount
from mycelial.cli.place import locate
from mycelial.record.location import database_path
from tests.unit.recorded import BO, DAYS, EVE, FILES, ODD, database
from tests.unit.terminal import Terminal

RANKINGS = ("related", "together", "next", "sources", "products")


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(database(tmp_path_factory.mktemp("recorded")))


@pytest.mark.parametrize("command", RANKINGS)
def test_json_is_a_list_of_objects_with_path_and_score(terminal: Terminal, db: str, command: str) -> None:
    found = terminal.json(command, "--db", db, "--json", "src/main.c")
    if command != "sources":
        assert found
    for related in found:
        assert set(related) == {"path", "score", "episodes", "last", "programs", "weak"}
        assert related["path"] in FILES
    assert [related["score"] for related in found] == sorted((r["score"] for r in found), reverse=True)


def test_a_table_shows_the_same_files_in_the_same_order(terminal: Terminal, db: str) -> None:
    found = terminal.json("sources", "--db", db, "--json", "build/main.o")
    heading, *rows = terminal.out("sources", "--db", db, "build/main.o").splitlines()
    assert heading.split() == ["score", "times", "last", "by", "file"]
    assert [row.split()[-1] for row in rows] == [related["path"] for related in found]


def test_names_that_do_not_print_are_escaped_in_tables_and_whole_in_json(terminal: Terminal, db: str) -> None:
    table = terminal.out("together", "--db", db, "src/main.c")
    assert all(line.isprintable() for line in table.splitlines())
    assert "odd \\xff\\n\\x1b[2Jname.h" in table
    assert ODD in [
        related["path"] for related in terminal.json("together", "--db", db, "--json", "src/main.c")
    ]


def test_limit_bounds_the_answer(terminal: Terminal, db: str) -> None:
    assert len(terminal.json("related", "--db", db, "--json", "--limit", "1", "src/main.c")) == 1


def test_batch_answers_each_line_with_a_line(terminal: Terminal, db: str) -> None:
    queries = b"build/main.o\nunheard of\n../outside\nsrc/odd \xff.h\nsrc/main.c"
    lines = terminal.out("sources", "--db", db, "--json", "--batch", stdin=queries).splitlines()
    answers = [json.loads(line) for line in lines]
    assert [answer["query"] for answer in answers] == [
        "build/main.o",
        "unheard of",
        "../outside",
        "src/odd \udcff.h",
        "src/main.c",
    ]
    assert {related["path"] for related in answers[0]["results"]} == {"src/main.c", "src/main.h"}
    assert [answer["results"] for answer in answers[1:]] == [[], [], [], []]
    assert "not below" in answers[2]["error"]


def test_a_file_without_relations_is_an_empty_answer_and_a_remark(terminal: Terminal, db: str) -> None:
    assert terminal.json("related", "--db", db, "--json", "unheard") == []
    assert terminal.run("related", "--db", db, "unheard") == (0, "", "unheard: nothing known for “related”\n")


def test_whose_accesses_count_can_be_chosen(terminal: Terminal, db: str) -> None:
    def partners(*options: str) -> list[str]:
        found = terminal.json("together", "--db", db, "--json", *options, "notes/one.txt")
        return [related["path"] for related in found]

    assert partners() == partners("--uid", "all") == partners("--uid", str(EVE.uid)) == ["notes/two.txt"]
    assert partners("--uid", str(BO.uid)) == []


def test_why_tells_the_kinds_of_evidence(terminal: Terminal, db: str) -> None:
    reasons = terminal.json("why", "--db", db, "--json", "build/main.o", "src/main.c")
    assert {"kind", "text", "count", "last", "programs", "through"} == set(reasons[0])
    assert {"source", "together"} <= {reason["kind"] for reason in reasons}
    assert "cc" in terminal.out("why", "--db", db, "build/main.o", "src/main.c")


def test_how_tells_the_recipe(terminal: Terminal, db: str) -> None:
    recipe = terminal.json("how", "--db", db, "--json", "build/main.o")
    assert recipe["args"] == ["cc", "-c", "-o", "build/main.o", "src/main.c"]
    assert recipe["sources"] == ["src/main.c", "src/main.h"]
    assert "cc -c -o build/main.o src/main.c" in terminal.out("how", "--db", db, "build/main.o")
    assert terminal.json("how", "--db", db, "--json", "src/main.c") is None


def test_recent_lists_the_latest_first(terminal: Terminal, db: str) -> None:
    found = terminal.json("recent", "--db", db, "--json", "--uid", str(BO.uid), "--limit", "2")
    assert [file["path"] for file in found] == ["build/main.o", "src/main.h"]
    assert "build/main.o" in terminal.out("recent", "--db", db)


def test_clusters_are_told_with_all_their_members(terminal: Terminal, db: str) -> None:
    found = terminal.json("clusters", "--db", db, "--json")
    assert [set(cluster) for cluster in found] == [{"id", "label", "uid", "members"}] * 2
    assert {"src/main.c", "src/main.h", "build/main.o", ODD} == set(found[0]["members"])
    table = terminal.out("clusters", "--db", db, "--uid", str(EVE.uid))
    assert table.splitlines()[0].split() == ["id", "files", "label", "most", "used"]
    assert "notes/one.txt, notes/two.txt" in table
    assert all(line.isprintable() for line in terminal.out("clusters", "--db", db).splitlines())


def test_sessions_are_told_by_day_and_by_what_they_were_about(terminal: Terminal, db: str) -> None:
    bo = ("--db", db, "--uid", str(BO.uid))
    found = terminal.json("sessions", *bo, "--json")
    assert [set(session) for session in found] == [
        {"day", "name", "label", "started", "ended", "uid", "members"}
    ] * DAYS
    assert found[0]["label"] == terminal.json("clusters", *bo, "--json")[0]["label"]
    assert terminal.json("sessions", *bo, "--json", "--day", found[1]["day"]) == [found[1]]
    table = terminal.out("sessions", *bo, "--limit", "2").splitlines()
    assert [line.split()[0] for line in table] == ["day", found[0]["day"], found[1]["day"]]
    assert terminal.run("sessions", "--db", db, "--day", "yesterday")[0] == 2


def test_hubs_are_told_with_how_many_draw_upon_them(terminal: Terminal, db: str) -> None:
    assert terminal.json("hubs", "--db", db, "--json") == []
    assert terminal.run("hubs", "--db", db) == (0, "", "no file is drawn upon by many others yet\n")


def test_search_finds_files_by_words_and_what_belongs_to_them(terminal: Terminal, db: str) -> None:
    found = terminal.json("search", "--db", db, "--json", "main", "o")
    assert [set(hit) for hit in found] == [{"path", "score", "words", "via"}] * len(found)
    assert (found[0]["path"], found[0]["words"]) == ("build/main.o", ["main", "o"])
    assert ODD in [hit["path"] for hit in found]
    table = terminal.out("search", "--db", db, "main")
    assert all(line.isprintable() for line in table.splitlines())
    assert terminal.run("search", "--db", db, "unheard") == (0, "", "nothing is called so\n")


def test_status_says_what_was_recorded(terminal: Terminal, db: str) -> None:
    status = terminal.json("status", "--db", db, "--json")
    assert status["mounted"] is False
    assert status["database"] == db
    assert status["store"]["events"] > 0
    assert "store.events" in terminal.out("status", "--db", db)


def test_status_fails_with_what_is_above_its_bound(terminal: Terminal, db: str) -> None:
    assert terminal.out("status", "--db", db, "--over", "dropped=0", "--over", "restarts=3") == ""
    problem = terminal.error("status", "--db", db, "--over", "dropped=0", "--over", "database=100")
    assert "database is " in problem
    assert "above 100" in problem
    assert "dropped" not in problem
    for wrong in ("size=1", "dropped=many", "dropped"):
        code, _, err = terminal.run("status", "--over", wrong)
        assert (code, "FIGURE=N" in err) == (2, True)


class TestWithinASource:
    """Without --db, the database of a directory above the path is found where its name says."""

    @pytest.fixture(autouse=True)
    def source(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setattr("mycelial.record.location.state_dir", lambda: tmp_path / "state")
        source = tmp_path / "source"
        for file in FILES:
            (source / file).parent.mkdir(parents=True, exist_ok=True)
            (source / file).touch()
        (tmp_path / "state").mkdir()
        database(tmp_path).rename(database_path(str(source)))
        monkeypatch.chdir(source / "src")
        return source

    @pytest.mark.parametrize("given", ["main.c", "./main.c", "../src/main.c", "../build/../src/main.c"])
    def test_paths_are_relative_to_the_working_directory(self, terminal: Terminal, given: str) -> None:
        assert [r["path"] for r in terminal.json("products", "--json", given)] == ["build/main.o"]

    def test_absolute_paths_and_links_name_the_same_file(self, terminal: Terminal, source: Path) -> None:
        (source.parent / "link").symlink_to(source / "src/main.c")
        for given in (source / "src/main.c", source.parent / "link"):
            assert [r["path"] for r in terminal.json("products", "--json", str(given))] == ["build/main.o"]

    def test_batch_works_there_too(self, terminal: Terminal) -> None:
        answer = json.loads(terminal.out("products", "--batch", stdin=b"main.c\n"))
        assert [related["path"] for related in answer["results"]] == ["build/main.o"]

    def test_a_file_that_was_never_there_is_an_error(self, terminal: Terminal) -> None:
        code, out, err = terminal.run("related", "typo.c")
        assert (code, out) == (1, "")
        assert err == "mycelial: typo.c: there is no such file, and nothing was recorded of one\n"

    def test_the_root_is_no_file(self, terminal: Terminal, source: Path) -> None:
        assert "name a file in it" in terminal.error("related", str(source))
        assert terminal.error("related", "") == "mycelial: an empty path names no file\n"

    def test_a_working_directory_that_is_gone_is_said_to_be(self, terminal: Terminal, tmp_path: Path) -> None:
        gone = tmp_path / "gone"
        gone.mkdir()
        with contextlib.chdir(gone):
            gone.rmdir()
            assert "the working directory is gone" in terminal.error("recent")

    def test_a_file_outside_is_an_error(self, terminal: Terminal) -> None:
        assert terminal.error("why", "main.c", "/etc/passwd").startswith("mycelial: /etc/passwd: not below ")

    def test_how_tells_the_directory_as_seen_from_the_root(
        self, terminal: Terminal, source: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("mycelial.cli.how.seen_from", lambda root, path: f"{path} from {root}")
        assert terminal.json("how", "--json", "../build/main.o")["cwd"] == f"/home/bo from {source}"

    def test_a_forged_attribute_is_not_believed(
        self, terminal: Terminal, source: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        forged = json.dumps({"database": "/etc/passwd", "mountpoint": str(source)}).encode()
        monkeypatch.setattr(os, "getxattr", lambda path, name: forged)
        assert terminal.json("status", "--json")["mounted"] is False
        forged = json.dumps({"database": "/etc/passwd", "mountpoint": "/"}).encode()
        assert terminal.json("status", "--json")["mounted"] is False

    def test_a_database_of_whoever_did_not_mount_is_not_believed(
        self, terminal: Terminal, source: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        database = database_path(str(source))
        told = {"database": str(database)}
        monkeypatch.setattr(os, "getxattr", lambda path, name: json.dumps(told).encode())
        owners = Mount(os.stat(source).st_dev, "/", str(source), owner=os.geteuid() or 7)
        monkeypatch.setattr(os, "geteuid", lambda: owners.owner)
        monkeypatch.setattr("mycelial.cli.place.mounts", lambda table: [owners])
        assert locate(str(source), None).database == database
        strangers = replace(owners, owner=owners.owner + 1)  # who let in whom it is said to be of
        monkeypatch.setattr("mycelial.cli.place.mounts", lambda table: [strangers])
        place = locate(str(source), None, foreign=True)
        assert place.is_foreign
        assert place.database != database

    def test_a_mount_says_itself_where_its_database_is(
        self, terminal: Terminal, source: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told = {"database": str(database_path(str(source))), "mountpoint": str(source), "session": "s1"}
        monkeypatch.setattr("mycelial.record.location.state_dir", lambda: Path("/nowhere"))
        monkeypatch.setattr(os, "getxattr", lambda path, name: json.dumps(told).encode())
        mount = Mount(os.stat(source).st_dev, "/", str(source))
        monkeypatch.setattr("mycelial.cli.place.mounts", lambda table: [mount])
        status = terminal.json("status", "--json")
        assert (status["mounted"], status["session"]) == (True, "s1")

        def refuse(*_: object) -> None:
            raise PermissionError(13, "Permission denied", told["database"])

        with monkeypatch.context() as patch:
            patch.setattr("mycelial.store.answers.Answers.open", refuse)
            assert f"see {source}/.mycelial/" in terminal.error("recent")
            assert "only the mount's owner" in terminal.json("status", "--json")["store"]["error"]
        assert [r["path"] for r in terminal.json("products", "--json", "main.c")] == ["build/main.o"]


def test_a_path_that_nothing_is_known_of_is_one_clear_line(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mycelial.record.location.state_dir", lambda: tmp_path / "state")
    error = terminal.error("related", str(tmp_path / "a\nb"))
    assert "a\\nb: not inside a mount of Mycelial" in error
    assert "--db names a database" in error


def test_a_dead_mount_is_told(terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dead(path: str) -> None:
        if path.startswith(str(tmp_path)):
            raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")

    monkeypatch.setattr("mycelial.record.location.state_dir", lambda: tmp_path / "state")
    monkeypatch.setattr(os, "statvfs", dead)
    assert f"the mount at {tmp_path} is dead" in terminal.error("related", str(tmp_path / "a/b"))


def test_a_damaged_database_is_one_clear_line(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"no database at all" * 100)
    for command in ("recent", "status", "events", "rebuild"):
        assert "x.db" in terminal.error(command, "--db", str(tmp_path / "x.db"))
    assert "x.db" in terminal.error("related", "--db", str(tmp_path / "x.db"), "a")


def test_no_message_moves_the_cursor(terminal: Terminal, tmp_path: Path) -> None:
    error = terminal.error("recent", "--db", str(tmp_path / "\x1b[1m\udcff.db"))
    assert "\\x1b[1m\\xff.db" in error


def test_a_missing_database_is_one_clear_line_and_is_not_made(terminal: Terminal, tmp_path: Path) -> None:
    for command in ("recent", "status", "events", "rebuild"):
        assert "none.db" in terminal.error(command, "--db", str(tmp_path / "none.db"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("related",),
        ("related", "--limit", "0", "x"),
        ("related", "--limit", "many", "x"),
        ("related", "--batch", "x"),
        ("related", "--uid", "bo", "x"),
        ("related", "--unheard", "x"),
        ("unheard",),
        ("un\x1b[31mheard",),
        ("why", "a"),
        ("replay", "x"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(terminal: Terminal, args: tuple[str, ...]) -> None:
    code, out, err = terminal.run(*args)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert err.startswith("mycelial: ")
    assert err.rstrip("\n").isprintable()


def test_a_traceback_is_shown_only_on_request(
    db: str, monkeypatch: pytest.MonkeyPatch, terminal: Terminal
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("bug")

    monkeypatch.setattr("mycelial.store.answers.Answers.recent", fail)
    assert "internal error, or a damaged database: KeyError" in terminal.error("recent", "--db", db)
    with pytest.raises(KeyError):
        run(["--debug", "recent", "--db", db])


def test_only_an_ordinary_file_is_a_database(terminal: Terminal, tmp_path: Path) -> None:
    assert terminal.error("recent", "--db", str(tmp_path)) == (
        f"mycelial: {tmp_path}: this is a directory, not a database\n"
    )
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert "not an ordinary file" in terminal.error(
        "recent", "--db", str(pipe)
    )  # without waiting for a writer
