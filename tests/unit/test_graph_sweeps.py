"""A program that walks over everything says nothing about what belongs together."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.worked import ALICE, Story


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path)


def walk(story: Story, files: int, pause: float) -> None:
    grep = story.program("grep")
    for number in range(files):
        grep.open(f"tree/{number}")
        story.wait(pause)


def test_a_sweep_leaves_no_trace_in_together_and_next(story: Story) -> None:
    story.program("vim").close("tree/1", "tree/2")
    walk(story, 100, 0.0)
    assert story.together("tree/1") == ["tree/2"]
    with story.answers() as answers:
        assert [found.path for found in answers.next("tree/1")] == ["tree/2"]


def test_reading_many_files_slowly_is_no_sweep(story: Story) -> None:
    walk(story, 30, 1.0)
    with story.answers() as answers:
        assert answers.status()["sweeps"] == []


def test_one_process_for_each_file_is_a_sweep_as_well(story: Story) -> None:
    find = story.program("find")
    for number in range(40):
        find.run("md5sum").open(f"tree/{number}")
    story.program("vim").close("tree/1", "b")
    assert story.together("tree/1") == ["b"]


def test_status_remembers_who_swept_and_how_much(story: Story) -> None:
    walk(story, 100, 0.0)
    with story.answers() as answers:
        status = answers.status()
    assert status["sweeps"] == [{"program": "grep", "count": 1, "accesses": 100, "last": story.now}]


def test_what_a_sweep_read_is_still_the_source_of_what_it_wrote(story: Story) -> None:
    tar = story.program("tar").create("all.tar")
    tar.open(*(f"tree/{number}" for number in range(50))).close("all.tar")
    assert len(story.sources("all.tar")) == 50


def test_what_a_sweep_walked_over_is_nobodys_own_whether_or_not_others_use_the_mount(story: Story) -> None:
    story.program("grep").open(*(f"d/f{number}" for number in range(30)))
    story.wait(10)
    story.program("vim").close("d/f1", "d/f2")
    with story.answers(ALICE) as answers:
        alone = [answers.related("d/f1"), answers.related("d/f7")]
    story.program("vim", uid=1001).close("elsewhere")
    with story.answers(ALICE) as answers:
        assert [answers.related("d/f1"), answers.related("d/f7")] == alone
    assert [[found.path for found in ranked] for ranked in alone] == [["d/f2"], []]
