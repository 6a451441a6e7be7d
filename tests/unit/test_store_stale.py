"""What is stale: older than a source, directly or through other products."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mycelial.cli.main import run
from mycelial.store.answers import Answers
from tests.unit.worked import ALICE, Story


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """A program that was built from two objects; nothing is stale."""
    story = Story(tmp_path)
    story.program("vim").make("a.c", "b.c", "common.h")
    for name in "ab":
        gcc = story.program("gcc")
        gcc.run("cc1").open(f"{name}.c", "common.h")
        gcc.run("as").make(f"{name}.o")
    story.program("gcc").run("ld").open("a.o", "b.o").make("bin/program")
    story.pause()
    return story


def stale(story: Story, uid: int | None = None) -> dict[str, tuple[str, str]]:
    with story.answers(uid) as answers:
        return {one.path: (one.source, one.via) for one in answers.stale()}


def test_what_was_just_built_is_not_stale(story: Story) -> None:
    assert stale(story) == {}


def test_a_product_is_stale_when_a_source_changed_and_so_is_what_was_made_from_it(story: Story) -> None:
    story.program("vim").open("a.c").close("a.c")
    assert stale(story) == {"a.o": ("a.c", ""), "bin/program": ("a.c", "a.o")}


def test_saving_by_rename_changes_a_source_too(story: Story) -> None:
    story.program("vim").open("b.c").make("b.c~new").rename("b.c~new", "b.c")
    assert set(stale(story)) == {"b.o", "bin/program"}


def test_reading_a_source_changes_nothing(story: Story) -> None:
    story.program("less").open("a.c", "common.h")
    assert stale(story) == {}


def test_making_it_again_ends_it(story: Story) -> None:
    story.program("vim").open("a.c").close("a.c")
    gcc = story.program("gcc")
    gcc.run("cc1").open("a.c", "common.h")
    gcc.run("as").make("a.o")
    assert stale(story) == {"bin/program": ("a.o", "")}
    story.program("gcc").run("ld").open("a.o", "b.o").make("bin/program")
    assert stale(story) == {}


def test_what_one_run_wrote_is_not_older_than_itself(story: Story) -> None:
    latex = story.program("pdflatex").open("a.tex").make("a.aux").open("a.aux")
    latex.create("a.pdf").close("a.pdf").close("a.aux")
    assert stale(story) == {}


def test_what_is_gone_is_not_named(story: Story) -> None:
    story.program("vim").open("a.c").close("a.c")
    story.program("rm").unlink("a.o")
    assert "a.o" not in stale(story)


@pytest.fixture
def paper(story: Story) -> Story:
    """LaTeX and BibTeX, until nothing changed."""
    story.program("pdflatex").open("p.tex").make("p.aux", "p.pdf")
    story.program("bibtex").open("p.aux", "p.bib").make("p.bbl", "p.blg")
    story.program("pdflatex").open("p.tex", "p.aux", "p.bbl").make("p.aux", "p.pdf")
    story.pause()
    return story


def test_what_was_made_in_rounds_is_not_stale(paper: Story) -> None:
    assert stale(paper) == {}


def test_what_was_made_in_rounds_is_stale_when_something_else_changed(paper: Story) -> None:
    paper.program("vim").open("p.bib").close("p.bib")
    assert stale(paper)["p.bbl"] == ("p.bib", "")
    assert set(stale(paper)) == {"p.bbl", "p.blg", "p.aux", "p.pdf"}


def test_a_round_that_was_not_gone_through_is_stale(paper: Story) -> None:
    paper.program("vim").open("p.tex").close("p.tex")
    paper.program("pdflatex").open("p.tex", "p.aux", "p.bbl").make("p.aux", "p.pdf")
    assert stale(paper)["p.bbl"] == ("p.tex", "p.aux")


def test_what_was_made_through_a_file_that_is_gone_is_stale(story: Story) -> None:
    story.program("cpp").open("x.c", "x.h").make("x.d")
    story.program("fixdep").open("x.d").make("x.cmd")
    story.program("cat").open("x.cmd").make("tmp")
    story.program("cat").open("tmp").make("all.cmds")
    story.program("rm").unlink("x.d", "tmp")
    assert stale(story) == {}
    story.program("vim").open("x.h").close("x.h")
    assert stale(story) == {"x.cmd": ("x.h", ""), "all.cmds": ("x.h", "x.cmd")}


def test_what_was_made_again_without_a_file_that_is_gone_is_not_stale(story: Story) -> None:
    story.program("cpp").open("x.c").make("x.d")
    story.program("fixdep").open("x.d").make("x.cmd")
    story.program("rm").unlink("x.d")
    story.program("vim").open("x.c").close("x.c")
    story.program("cpp").open("x.c").make("x.d")
    story.program("fixdep").open("x.d").make("x.cmd")
    story.program("rm").unlink("x.d")
    assert stale(story) == {}


def steps(answers: Answers, question: Callable[[], object]) -> int:
    """How many thousands of its virtual machine's steps SQLite takes for a question."""
    count = 0

    def note() -> int:
        nonlocal count
        count += 1
        return count > 10_000  # then the question fails

    answers._database.conn.set_progress_handler(note, 1000)
    question()
    answers._database.conn.set_progress_handler(None, 0)
    return count


@pytest.fixture
def row(story: Story) -> Story:
    """A result at the end of 300 files, each made from the one before and then removed."""
    story.program("vim").make("left0")
    for number in range(300):
        cut = story.program("cut").open(f"left{number}").make(f"left{number + 1}")
        cut.unlink(f"left{number}") if number else cut
        story.now += 60
    story.program("cp").open("left300").make("result").unlink("left300")
    return story


def test_a_row_of_files_that_are_gone_is_gone_through_once(row: Story) -> None:
    row.program("vim").open("left0").close("left0")
    with row.answers() as answers:
        assert {one.path: one.source for one in answers.stale()} == {"result": "left0"}
        assert answers.newer_source("result") == "left0"
        assert steps(answers, answers.stale) < 150


def test_what_is_looked_at_through_files_that_are_gone_is_bounded(
    row: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    row.program("vim").open("left0").close("left0")
    monkeypatch.setattr("mycelial.store.stale.THROUGH_GONE", 299)
    assert stale(row) == {}
    monkeypatch.setattr("mycelial.store.stale.THROUGH_GONE", 300)
    assert stale(row) == {"result": ("left0", "")}


def test_files_that_are_gone_and_were_made_from_each_other_end(story: Story) -> None:
    story.program("vim").make("seed")
    story.program("cp").open("seed").make("one")
    for _ in range(3):
        story.program("cp").open("one").make("two")
        story.program("cat").open("two", "seed").make("one")
    story.program("cp").open("two").make("result").unlink("one", "two")
    story.program("vim").open("seed").close("seed")
    with story.answers() as answers:
        assert {one.path: one.source for one in answers.stale()} == {"result": "seed"}
        assert steps(answers, answers.stale) < 50


def test_what_another_made_through_a_file_that_is_gone_is_not_named(story: Story) -> None:
    story.program("vim").make("start")
    story.program("cp").open("start").make("between")
    story.program("cp", uid=ALICE + 1).open("between").make("result")
    story.program("cp").open("between").make("own").unlink("between")
    story.program("vim").open("start").close("start")
    assert stale(story, ALICE + 1) == {}
    assert stale(story, ALICE) == {"own": ("start", "")}


def test_the_command_names_all_that_is_stale(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(30):
        story.program("sort").open("list").make(f"out{number}")
    story.program("vim").open("list").close("list")
    story.answers().close()
    assert run(["stale", "--json", "--db", str(story.database)]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 30
    assert run(["stale", "--json", "--limit", "7", "--db", str(story.database)]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 7


def test_others_products_are_not_named(story: Story) -> None:
    story.program("vim").open("a.c").close("a.c")
    assert stale(story, ALICE + 1) == {}
    assert set(stale(story, ALICE)) == {"a.o", "bin/program"}


def test_the_command_says_which_and_why(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    story.program("vim").open("a.c").close("a.c")
    story.answers().close()
    assert run(["stale", "--db", str(story.database)]) == 0
    _, first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("a.o is older than a.c")
    assert second.endswith("bin/program was made from a.o, which is older than a.c")
    assert run(["stale", "bin", "--json", "--db", str(story.database)]) == 0
    (below,) = json.loads(capsys.readouterr().out)
    assert (below["path"], below["source"], below["via"]) == ("bin/program", "a.c", "a.o")
    assert below["made"] < below["changed"]
