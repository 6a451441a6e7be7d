"""Forgetting in plain logs: what goes, what stays, and that the rest is as if that had never been."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mycelial.graph.forget import forget, forget_mutes
from mycelial.graph.rebuild import rebuild, replay
from mycelial.record.settings import add_exclusion, load_settings
from mycelial.store.answers import Answers
from mycelial.store.errors import StoreError
from mycelial.store.forgetting import Selection
from mycelial.store.writer import Writer
from tests.unit.worked import ALICE, Story

NAMES = ("a", "b", "c", "d/e", "d/f")
DEEDS = st.tuples(
    st.sampled_from(["open", "make", "rename", "link", "unlink"]),
    st.sampled_from(NAMES),
    st.sampled_from(NAMES),
)


def told(db: Path) -> list[tuple[object, ...]]:
    """Everything that can be asked of the files, to compare."""
    with Answers.open(db, None) as answers:
        return [
            (name, answers.related(name), answers.together(name), answers.sources(name), answers.next(name))
            for name in (*NAMES, "x")
        ]


@settings(max_examples=12)
@given(st.lists(DEEDS, max_size=12), st.lists(st.sampled_from((*NAMES, "d")), min_size=1, max_size=2))
def test_what_is_left_is_what_the_rest_of_the_log_says(
    tmp_path_factory: pytest.TempPathFactory, deeds: list[tuple[str, str, str]], paths: list[str]
) -> None:
    directory = tmp_path_factory.mktemp("forget")
    story = Story(directory)
    for number, (deed, path, to) in enumerate(deeds):
        program = story.program(f"p{number % 2}")
        program.open("x")
        if deed in ("rename", "link"):
            if path != to:
                getattr(program, deed)(path, to)
        else:
            getattr(program, deed)(path)
    story.answers().close()
    forget(story.database, Selection(tuple(paths)))
    with Answers.open(story.database, None) as answers:
        left = list(answers.events())
    for event in left:
        for name in (event.path, event.to or ""):
            assert not any(name == path or name.startswith(f"{path}/") for path in paths)
    replay(directory / "again.db", left)
    assert told(story.database) == told(directory / "again.db")


def test_command_lines_lose_the_forgotten_names_and_no_others(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.program("sh", args=("sh", "-c", "cat dir/odd name.txt|wc>n"), cwd="/m/dir").open(
        "dir/odd name.txt"
    ).make("n")
    story.program("cat", args=("cat", "n", "undiary.txt")).open("n").make("o")
    story.program("cat", args=("cat", "--from=./diary.txt")).open("diary.txt").make("p")
    story.answers().close()
    forget(story.database, Selection(("diary.txt", "dir/odd name.txt")))
    with Answers.open(story.database, None) as answers:
        assert {event.process.args for event in answers.events()} == {None, ("cat", "n", "undiary.txt")}
        assert answers.how("o") is not None


def test_a_program_that_is_forgotten_is_not_named_by_its_children(tmp_path: Path) -> None:
    story = Story(tmp_path)
    script = story.program("myscript-with-a", exe="/m/myscript-with-a-long-name").open(
        "myscript-with-a-long-name"
    )
    script.run("cat").make("out")
    story.answers().close()
    forget(story.database, Selection(("myscript-with-a-long-name",)))
    assert b"myscript" not in story.database.read_bytes()


def test_a_reader_in_the_way_is_told_and_the_next_time_it_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mycelial.store.writer.READERS_END_WITHIN", 0.1)
    story = Story(tmp_path)
    story.program("vim").make("a")
    story.answers().close()
    reader = sqlite3.connect(story.database, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM event").fetchall()
    with pytest.raises(StoreError, match="another program is reading"):
        forget(story.database, Selection(("a",)))
    reader.close()
    assert forget(story.database, Selection()) == 0


def test_mutes_are_per_user_follow_renames_and_survive_a_rebuild(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.program("vim").make("a", "b")
    story.answers().close()
    with Writer(story.database) as writer:
        writer.begin()
        assert writer.mute(ALICE, "a", "b")
        writer.commit()
    later = Story(tmp_path, now=story.now)
    later.program("mv").rename("b", "c")
    replay(story.database, later.events)
    for again in (False, True):
        if again:
            rebuild(story.database)
        with Answers.open(story.database, ALICE) as answers:
            assert answers.related("a") == answers.related("c") == []
        with Answers.open(story.database, None) as answers:
            assert [found.path for found in answers.related("a")] == ["c"]
    assert forget_mutes(story.database, ALICE + 1) == 0
    assert forget_mutes(story.database, ALICE) == 1
    with Answers.open(story.database, ALICE) as answers:
        assert [found.path for found in answers.related("a")] == ["c"]


def test_forgetting_a_file_forgets_what_was_said_of_it(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.program("vim").make("a", "k0mpromat")
    story.answers().close()
    with Writer(story.database) as writer:
        writer.begin()
        writer.mute(ALICE, "a", "k0mpromat")
        writer.commit()
    forget(story.database, Selection(("k0mpromat",)))
    assert b"k0mpromat" not in story.database.read_bytes()


# ---- the settings


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", 'exclude = ["new"]\n'),
        ("# mine\n[retention]\ndays = 3\n", 'exclude = ["new"]\n# mine\n[retention]\ndays = 3\n'),
        ('exclude = ["a", "b"]  # both\n', 'exclude = ["a", "b", "new"]  # both\n'),
        ('exclude = [\n  "#a", # why\n]\n', 'exclude = [\n  "#a", # why\n"new"]\n'),
        ('exclude = [\n  "a"# why\n]\n', 'exclude = [\n  "a"# why\n, "new"]\n'),
        ("exclude = []\n", 'exclude = ["new"]\n'),
        ("exclude = [\n    'a]',\n]\n", "exclude = [\n    'a]', \"new\"]\n"),
        ('default_excludes = true\nexclude=["a",]', 'default_excludes = true\nexclude=["a", "new"]'),
    ],
)
def test_a_pattern_is_added_and_the_rest_stays(tmp_path: Path, before: str, after: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(before)
    file.chmod(0o640)
    assert add_exclusion(file, "new")
    assert file.read_text() == after
    assert file.stat().st_mode & 0o777 == 0o640
    assert not add_exclusion(file, "new")
    assert file.read_text() == after


@pytest.mark.parametrize("text", ['"exclude" = ["a"]\n', 'x = 1\nexclude = ["a"]\n'])
def test_a_file_that_is_not_understood_stays_as_it_is(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"config\.toml: "):
        add_exclusion(file, "new")
    assert file.read_text() == text


def test_odd_patterns_are_written_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    for pattern in ('a "b"', "c\\ d", "é", "e'f", "[0-9]"):
        add_exclusion(file, pattern)
    assert load_settings(file).exclude == ('a "b"', "c\\ d", "é", "e'f", "[0-9]")


def test_nothing_takes_the_place_of_what_is_no_ordinary_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ValueError, match="not an ordinary file"):
        add_exclusion(pipe, "new")
    assert pipe.is_fifo()


@pytest.mark.parametrize("pattern", ["", " ", "# note"])
def test_a_pattern_that_fits_no_file_is_refused(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(ValueError, match="fit no file"):
        add_exclusion(tmp_path / "config.toml", pattern)


def test_a_linked_configuration_file_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.toml").touch()
    (tmp_path / "config.toml").symlink_to("real.toml")
    add_exclusion(tmp_path / "config.toml", "new")
    assert (tmp_path / "config.toml").is_symlink()
    assert load_settings(tmp_path / "real.toml").exclude == ("new",)
