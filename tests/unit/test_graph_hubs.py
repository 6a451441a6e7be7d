"""Hubs: what other work draws upon wins; what touches everything, or is touched by everything, does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.worked import Story


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """Eight documents made with one style, of which two also use one table; and a lock that all take."""
    story = Story(tmp_path)
    for number in range(8):
        tex = story.program("tex").close("run.state").open("style.sty", f"{number}.tex")
        if number < 3:
            tex.open("table.csv")
        tex.make(f"{number}.pdf").close("run.state")
        story.pause()
    return story


def hubs(story: Story, uid: int | None = None) -> list[str]:
    with story.answers(uid) as answers:
        return [hub.path for hub in answers.hubs()]


def test_the_more_draw_upon_a_file_the_more_it_is_a_hub(story: Story) -> None:
    assert hubs(story) == ["style.sty", "table.csv"]


def test_a_hub_says_how_many_draw_upon_it(story: Story) -> None:
    with story.answers() as answers:
        first, second = answers.hubs()
    assert (first.others, second.others) >= (8, 3)
    assert first.score > second.score > 0.0


@pytest.mark.parametrize("lock", ["run.lock", ".lock", "state-lock", "daemon.pid"])
def test_a_lock_is_no_hub_even_if_it_is_read(story: Story, lock: str) -> None:
    for number in range(12):
        story.program("tex").open(lock).make(f"{number}.log")
        story.pause()
    assert hubs(story) == ["style.sty", "table.csv"]


def test_what_everything_writes_is_no_hub(story: Story) -> None:
    for number in range(12):
        story.program("sh").open("journal.txt").close("journal.txt").make(f"{number}.out")
        story.pause()
    assert "journal.txt" not in hubs(story)


def test_a_sweep_makes_no_hub_and_unmakes_none(story: Story) -> None:
    for _ in range(20):
        grep = story.program("grep")
        grep.open(*(f"other/{number}.txt" for number in range(40)), "table.csv", "0.tex", "1.tex")
        story.pause()
    assert hubs(story) == ["style.sty", "table.csv"]


def test_what_a_build_makes_on_the_way_is_no_hub_for_all_that_is_written_beside_it(story: Story) -> None:
    for number in range(12):
        story.program("vim").close(f"{number}.c")
        story.program("cc").open(f"{number}.c", "all.h").make(f"{number}.o")
        story.program("ld").open(*(f"{other}.o" for other in range(number + 1))).make("program")
        story.pause()
    found = hubs(story)
    assert "all.h" in found
    assert not [path for path in found if path.endswith(".o")]


def test_a_hub_that_is_gone_is_not_told(story: Story) -> None:
    story.program("rm").unlink("style.sty")
    assert hubs(story) == ["table.csv"]


def test_nobody_sees_the_hubs_of_another(story: Story) -> None:
    assert hubs(story, 2000) == []


def test_what_was_looked_at_once_while_much_was_written_is_no_hub(story: Story) -> None:
    shell = story.program("bash", chain=((40, "sshd"),))
    shell.run("less").open("notice.txt")
    for number in range(20):
        shell.run("vim").close(f"pages/{number}.md")
        story.wait(2.0)
    story.pause()
    assert hubs(story) == ["style.sty", "table.csv"]
