"""The log on the command line: out, in again, and derived anew, with the same relations each time."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mycelial.record.events import Event, Op, Process, text_of
from mycelial.record.jsonl import event_from_json, event_to_json
from tests.unit.recorded import BO, database, work
from tests.unit.terminal import Terminal

LOG = "".join(event_to_json(event) + "\n" for event in work()).encode()

HC = "src/main.hcc"


@pytest.fixture
def db(tmp_path: Path) -> str:
    return str(database(tmp_path))


def answers(terminal: Terminal, db: str) -> object:
    asked = b"src/main.c\nsrc/main.h\nbuild/main.o\nnotes/one.txt\n"
    return [terminal.out(name, "--db", db, "--batch", stdin=asked) for name in ("related", "sources", "next")]


def test_events_prints_the_log_as_it_was_recorded(terminal: Terminal, db: str) -> None:
    lines = terminal.out("events", "--db", db, "--json").splitlines()
    assert [event_from_json(line) for line in lines] == list(work())


def test_events_can_be_one_users(terminal: Terminal, db: str) -> None:
    lines = terminal.out("events", "--db", db, "--json", "--uid", str(BO.uid)).splitlines()
    assert lines
    assert {json.loads(line)["uid"] for line in lines} == {BO.uid}


def test_events_in_words_are_one_printable_line_each(terminal: Terminal, db: str) -> None:
    lines = terminal.out("events", "--db", db).splitlines()
    assert len(lines) == len(list(work()))
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize(
    ("options", "fits"),
    [
        (("--op", "create", "--op", "unlink"), lambda event: event.op is Op.CREATE),
        (("--program", "cc"), lambda event: event.process.comm == "cc"),
        (("--path", "src"), lambda event: event.path.startswith("src/")),
        (
            ("--path", "src/main.h", "--path", "notes"),
            lambda event: event.path.startswith(("src/main.h", "notes/")),
        ),
        (("--since", "1760086400"), lambda event: event.t >= 1_760_086_400),
        (("--since", "1760000010", "--until", "1760000060.15"), lambda e: 10 <= e.t - 1.76e9 < 60.15),
        (
            ("--program", "cc", "--op", "open", "--path", "src/main.h"),
            lambda e: e.path + e.process.comm == HC,
        ),
        (("--program", "nobody"), lambda event: False),
    ],
)
def test_events_can_be_those_that_fit(
    terminal: Terminal, db: str, options: tuple[str, ...], fits: Callable[[Event], bool]
) -> None:
    expected = [event for event in work() if fits(event)]
    for last in (None, 0, 1, 4, 10_000):
        limit = () if last is None else ("--last", str(last))
        lines = terminal.out("events", "--db", db, "--json", *options, *limit).splitlines()
        chosen = expected if last is None else expected[max(0, len(expected) - last) :]
        assert [event_from_json(line) for line in lines] == chosen


def test_events_find_names_that_are_no_text_and_both_names_of_a_rename(
    terminal: Terminal, tmp_path: Path
) -> None:
    odd = text_of(b"dir/\xff/a")
    process = Process(1, 1, "mv")
    log = [
        Event(1.0, Op.RENAME, "old/a", process, odd),
        Event(2.0, Op.OPEN, odd, process),
        Event(3.0, Op.OPEN, "dirt/b", process),
    ]
    db = str(tmp_path / "x.db")
    terminal.out("replay", "--db", db, "-", stdin="".join(event_to_json(e) + "\n" for e in log).encode())
    for path, count in (("dir", 2), ("old", 1), ("dir/" + text_of(b"\xff"), 2), ("dirt", 1), ("d", 0)):
        assert len(terminal.out("events", "--db", db, "--path", path).splitlines()) == count


def test_times_can_be_ago_and_a_wrong_one_is_wrong_usage(terminal: Terminal, db: str) -> None:
    assert len(terminal.out("events", "--db", db, "--since", "9000w").splitlines()) == len(list(work()))
    code, _, err = terminal.run("events", "--db", db, "--since", "never")
    assert code == 2
    assert "'never' is no date" in err
    for option in ("--last", "--uid"):
        assert terminal.run("events", "--db", db, f"{option}=100000000000000000000")[0] == 2


@pytest.mark.parametrize("name", ["log.jsonl", "log.jsonl.gz", "-"])
def test_replaying_a_printed_log_gives_the_same_relations(
    terminal: Terminal, db: str, tmp_path: Path, name: str
) -> None:
    log = terminal.out("events", "--db", db, "--json").encode()
    source = name if name == "-" else str(tmp_path / name)
    if name != "-":
        Path(source).write_bytes(gzip.compress(log) if name.endswith(".gz") else log)
    again = str(tmp_path / "again.db")
    report = json.loads(terminal.out("replay", "--json", "--db", again, source, stdin=log))
    assert report == {"database": again, "events": len(list(work()))}
    assert answers(terminal, again) == answers(terminal, db)
    assert terminal.out("events", "--db", again, "--json").encode() == log


def test_rebuilding_gives_the_same_relations(terminal: Terminal, db: str) -> None:
    before = answers(terminal, db)
    assert terminal.out("rebuild", "--db", db) == ""
    assert answers(terminal, db) == before


@pytest.mark.parametrize(
    ("options", "config", "excluded"),
    [
        ((), "", False),
        (("--exclude", "*.o"), "", True),
        ((), 'exclude = ["*.o"]', True),
        (("--exclude", "!*.o"), 'exclude = ["*.o"]', False),
    ],
)
def test_files_can_be_left_out_of_a_replay_as_of_a_mount(
    terminal: Terminal, tmp_path: Path, options: tuple[str, ...], config: str, excluded: bool
) -> None:
    (tmp_path / "config.toml").write_text(config)
    db = str(tmp_path / "x.db")
    terminal.out("replay", "--db", db, "--config", str(tmp_path / "config.toml"), *options, "-", stdin=LOG)
    assert ("build/main.o" in terminal.out("events", "--db", db)) is not excluded


def test_a_wrong_configuration_is_one_clear_line(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("exlude = []")
    replay = ("replay", "--db", str(tmp_path / "x.db"), "-", "--config")
    assert "unknown key 'exlude'" in terminal.error(*replay, str(tmp_path / "config.toml"))
    assert "no such file" in terminal.error(*replay, str(tmp_path / "none.toml"))
    assert "bad exclusion pattern" in terminal.error("replay", "--db", "x.db", "-", "--exclude", "!")


def test_empty_lines_and_an_empty_log_are_no_error(terminal: Terminal, tmp_path: Path) -> None:
    for name, log in (("a", b""), ("b", b"\n \n" + LOG + b"\n")):
        terminal.out("replay", "--db", str(tmp_path / name), "-", stdin=log)


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (LOG + b"nonsense\n", f":{LOG.count(10) + 1}: not JSON"),
        (b'{"t": 1}\n', ':1: "op" is missing'),
        (b"\xff\xfe\n", ":1: not JSON"),
        (b"\0" * 100, ":1: not JSON"),
        (b"[" * 5_000_000, ":1: line is too long"),
        (LOG.replace(b'"src/main.h"', b'"../../etc/passwd"'), "is not a path relative to the mount root"),
        (gzip.compress(LOG)[:-20], "does not unpack"),
        (gzip.compress(LOG)[:40] + b"\xff" * 40, "does not unpack"),
        (b"\x1f\x8b", "does not unpack"),
    ],
    ids=["nonsense", "keys", "utf8", "zeros", "endless", "outside", "cut", "corrupt", "empty gzip"],
)
def test_a_wrong_log_is_one_clear_line_and_leaves_no_new_database(
    terminal: Terminal, tmp_path: Path, log: bytes, reason: str
) -> None:
    (tmp_path / "log.jsonl").write_bytes(log)
    error = terminal.error("replay", "--db", str(tmp_path / "new.db"), str(tmp_path / "log.jsonl"))
    assert "log.jsonl" in error
    assert reason in error
    assert [path.name for path in tmp_path.iterdir()] == ["log.jsonl"]


def test_an_old_database_survives_a_wrong_log(terminal: Terminal, db: str, tmp_path: Path) -> None:
    before = answers(terminal, db)
    (tmp_path / "log.jsonl").write_text("nonsense")
    terminal.error("replay", "--db", db, str(tmp_path / "log.jsonl"))
    assert answers(terminal, db) == before


@pytest.mark.parametrize("name", ["none", "."])
def test_a_log_that_cannot_be_read_is_one_clear_line(terminal: Terminal, tmp_path: Path, name: str) -> None:
    assert str(tmp_path) in terminal.error("replay", "--db", str(tmp_path / "x.db"), str(tmp_path / name))
    assert list(tmp_path.iterdir()) == []
