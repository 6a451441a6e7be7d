"""Why two files that nothing joins directly belong to each other, and how likely one is the next."""

from __future__ import annotations

from pathlib import Path

import pytest

from mycelial.store.answers import Answers, Reason
from mycelial.views.node import Text
from mycelial.views.tree import Tree
from tests.unit.recorded import BO, MemorySource
from tests.unit.worked import Story


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """A plot made from a table that was cleaned from raw data; a text written with the raw data at hand."""
    story = Story(tmp_path)
    story.program("python3").open("table.csv").make("plot.svg")
    story.pause()
    story.program("awk").open("raw.txt").make("table.csv")
    story.pause()
    for _ in range(2):
        story.program("vim").close("raw.txt", "method.tex")
        story.pause()
    story.program("vim").close("far.txt", "away.txt")
    story.pause()
    return story


def why(story: Story, a: str, b: str) -> list[Reason]:
    with story.answers() as answers:
        return answers.why(a, b)


def test_a_chain_leads_step_by_step_from_one_to_the_other(story: Story) -> None:
    steps = why(story, "plot.svg", "method.tex")
    assert [step.kind for step in steps] == ["chain"] * 3
    assert [step.text for step in steps] == [
        "plot.svg was made from table.csv",
        "table.csv was made from raw.txt",
        "raw.txt and method.tex were used together in 2 episodes",
    ]
    assert [step.through for step in steps] == [("table.csv",), ("table.csv", "raw.txt"), ("raw.txt",)]
    assert [step.count for step in steps] == [1, 1, 2]


def test_the_way_back_is_the_same_way(story: Story) -> None:
    there, back = why(story, "plot.svg", "method.tex"), why(story, "method.tex", "plot.svg")
    assert [step.through for step in there] == [tuple(reversed(step.through)) for step in reversed(back)]


def test_what_is_joined_directly_needs_no_chain(story: Story) -> None:
    kinds = {reason.kind for reason in why(story, "plot.svg", "table.csv")}
    assert {"source", "together"} <= kinds
    assert "chain" not in kinds


def test_what_nothing_joins_has_no_chain(story: Story) -> None:
    assert why(story, "plot.svg", "far.txt") == []
    assert why(story, "plot.svg", "nothing") == []


def test_a_chain_does_not_lead_through_a_file_that_is_gone_or_hidden(story: Story) -> None:
    story.program("rm").unlink("raw.txt")
    assert "raw.txt" not in {path for step in why(story, "plot.svg", "method.tex") for path in step.through}


def test_of_two_ways_the_stronger_is_told(story: Story) -> None:
    for number in range(30):
        story.program("vim").close("diary.txt", f"note-{number}.txt")
        story.pause()
    story.program("vim").close("diary.txt", "plot.svg")
    story.pause()
    story.program("vim").close("diary.txt", "method.tex")
    story.pause()
    assert "diary.txt" not in {path for step in why(story, "plot.svg", "method.tex") for path in step.through}


def test_a_view_tells_no_step_through_a_file_that_its_caller_may_not_reach(story: Story) -> None:
    story.answers().close()
    files = ("plot.svg", "table.csv", "raw.txt", "method.tex", "far.txt", "away.txt")
    source = MemorySource(files)
    tree = Tree(open_answers=lambda uid: Answers.open(story.database, uid), source=source, status=dict)

    def text() -> str:
        found = [tree.find((b"why", b"plot.svg", name), BO) for name in entries]
        return "".join(node.content.decode() for node in found if isinstance(node, Text))

    node = tree.find((b"why", b"plot.svg"), BO)
    assert node is not None
    entries = [name for name, _kind in node.children()]  # type: ignore[union-attr]
    assert "raw.txt" in text()
    source.hidden = {b"raw.txt"}
    assert "were used together" not in text()


def test_next_tells_a_probability_that_leaves_room_for_something_else(tmp_path: Path) -> None:
    story = Story(tmp_path)
    for successor in ("b", "b", "b", "c"):
        story.program("vim").open("a", successor)
        story.pause()
    with story.answers() as answers:
        first, second = answers.next("a")
    assert (first.path, second.path) == ("b", "c")
    assert first.score == pytest.approx(3 / 8, rel=1e-3)
    assert second.score == pytest.approx(1 / 8, rel=1e-3)
