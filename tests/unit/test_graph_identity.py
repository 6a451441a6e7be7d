"""Identity follows the name that the user knows, however a program saves."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.worked import Story


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """Two files that were written together once."""
    story = Story(tmp_path)
    story.program("vim").make("notes/x.txt", "notes/y.txt")
    story.pause()
    return story


def test_saving_by_rename_keeps_history_and_is_a_write(story: Story) -> None:
    story.program("vim").open("notes/x.txt").make("notes/.x.tmp").rename("notes/.x.tmp", "notes/x.txt")
    story.program("vim").close("notes/y.txt")
    story.pause()
    story.program("cat").open("elsewhere")
    assert story.episodes("notes/x.txt") == {"notes/y.txt": 2}


def test_saving_by_rename_from_a_script_keeps_history(story: Story) -> None:
    shell = story.program("sh")
    shell.run("sort").make("notes/x.part")
    shell.run("mv").rename("notes/x.part", "notes/x.txt")
    assert story.together("notes/y.txt") == ["notes/x.txt"]


def test_a_file_moved_aside_and_made_again_by_the_same_process_is_itself(story: Story) -> None:
    story.program("vim").rename("notes/x.txt", "notes/x.txt~").make("notes/x.txt").unlink("notes/x.txt~")
    assert story.together("notes/y.txt") == ["notes/x.txt"]


@pytest.mark.parametrize("by", ["its maker", "another process"])
def test_what_was_made_a_moment_ago_and_is_moved_aside_for_a_backup_is_itself(
    tmp_path: Path, by: str
) -> None:
    story = Story(tmp_path)
    vim = story.program("vim").make("notes/x.txt", "notes/y.txt")
    story.program("sort").open("notes/x.txt").make("out")
    editor = vim if by == "its maker" else story.program("vim")
    editor.rename("notes/x.txt", "notes/x.txt~").make("notes/x.txt").unlink("notes/x.txt~")
    story.pause()
    assert "notes/x.txt" in story.together("notes/y.txt")
    assert story.sources("out") == ["notes/x.txt"]


def test_what_is_finished_under_a_longer_name_and_begun_again_is_another_file(story: Story) -> None:
    story.program("download").make("part").rename("part", "part.1").make("part").rename("part", "part.2")
    story.program("sort").open("part.1").make("out")
    assert story.sources("out") == ["part.1"]


def test_an_older_backup_stays_the_backup(story: Story) -> None:
    for _ in range(2):
        story.program("emacs").rename("notes/x.txt", "notes/x.old").make("notes/x.txt")
        story.pause()
    story.program("less").open("notes/x.old", "notes/z.txt")
    assert "notes/x.txt" in story.together("notes/y.txt")
    assert story.together("notes/z.txt")[0] == "notes/x.old"


def test_a_file_moved_aside_by_another_process_takes_its_history_along(story: Story) -> None:
    story.program("mv").rename("notes/x.txt", "notes/old.txt")
    story.pause()
    story.program("vim").make("notes/x.txt")
    assert story.together("notes/y.txt") == ["notes/old.txt"]


def test_moving_an_established_file_moves_its_history(story: Story) -> None:
    story.program("mv").rename("notes/x.txt", "archive/x.txt")
    assert story.together("notes/y.txt") == ["archive/x.txt"]


def test_moving_over_an_established_file_replaces_it(story: Story) -> None:
    story.program("vim").make("notes/target.txt", "notes/z.txt")
    story.pause()
    story.program("mv").rename("notes/x.txt", "notes/target.txt")
    assert story.together("notes/y.txt") == ["notes/target.txt"]
    assert story.together("notes/z.txt") == []


def test_renaming_a_directory_moves_all_that_lies_below(story: Story) -> None:
    story.program("mv").rename("notes", "papers")
    assert story.together("papers/y.txt") == ["papers/x.txt"]
    assert story.together("notes/y.txt") == []


def test_a_directory_can_be_renamed_over_the_place_of_a_former_one(story: Story) -> None:
    story.program("mv").rename("notes", "papers")
    story.program("vim").make("notes/x.txt")
    story.pause()
    story.program("mv").rename("papers", "old").rename("notes", "papers")
    assert story.together("old/y.txt") == ["old/x.txt"]


def test_a_file_that_is_removed_and_made_again_is_the_same(story: Story) -> None:
    story.program("rm").unlink("notes/x.txt")
    assert story.together("notes/y.txt") == []
    story.program("vim").make("notes/x.txt")
    assert story.together("notes/y.txt") == ["notes/x.txt"]


def test_transients_are_in_no_answer(story: Story) -> None:
    vim = story.program("vim").open("notes/x.txt").make("notes/.x.txt.swp", "notes/4913").unlink("notes/4913")
    assert story.together("notes/x.txt") == ["notes/y.txt"]
    vim.close("notes/x.txt").unlink("notes/.x.txt.swp")
    story.pause()
    story.program("cat").open("notes/y.txt")
    assert story.together("notes/x.txt") == ["notes/y.txt"]
    with story.answers() as answers:
        assert [found.path for found in answers.recent()] == ["notes/y.txt", "notes/x.txt"]


def test_a_transient_that_comes_back_stays_hidden_until_it_outlives_its_work(story: Story) -> None:
    program = (
        story.program("program").make("notes/lock").unlink("notes/lock").make("notes/lock", "notes/x.txt")
    )
    assert "notes/lock" not in story.together("notes/x.txt")
    story.pause()
    program.close("notes/x.txt")
    assert "notes/lock" in story.together("notes/x.txt")


def test_names_that_are_not_utf8_come_back_byte_for_byte(story: Story) -> None:
    odd = "notes/\udcff\n\u2028 x"
    story.program("vim").make(odd, "notes/x.txt")
    assert odd in story.together("notes/x.txt")
    story.program("mv").rename(odd, odd + "2")
    assert odd + "2" in story.together("notes/x.txt")


def test_a_directory_cannot_be_moved_into_itself(story: Story) -> None:
    story.program("mv").rename("notes", "notes/inner/notes")
    assert story.together("notes/y.txt") == ["notes/x.txt"]


def test_paths_may_be_as_deep_as_the_kernel_allows(story: Story) -> None:
    deep = "d/" * 2040
    story.program("vim").make(deep + "x", deep + "y")
    assert story.together(deep + "x") == [deep + "y"]
    story.program("mv").rename("d", "e")
    assert story.together("e/" + deep[2:] + "x") == ["e/" + deep[2:] + "y"]


def test_a_further_name_has_the_same_sources(story: Story) -> None:
    story.program("cut").open("notes/x.txt").make("notes/cut.txt")
    story.program("ln").link("notes/cut.txt", "notes/link.txt")
    assert story.sources("notes/link.txt") == ["notes/x.txt"]


def test_renaming_what_was_never_seen_makes_a_file_known(story: Story) -> None:
    story.program("mv").rename("elsewhere", "notes/new.txt")
    with story.answers() as answers:
        assert answers.known("notes/new.txt")
        assert not answers.known("elsewhere")


def test_who_comes_late_to_a_name_that_has_lost_its_file_finds_nothing(story: Story) -> None:
    editor = story.program("soffice.bin").make("lu1.tmp").rename("lu1.tmp", "letter")
    editor.make("lu2.tmp").rename("lu2.tmp", "letter").close("costs")
    indexer = story.program("indexer")
    story.wait(2)
    indexer.open("lu1.tmp", "lu2.tmp", "letter")
    assert story.together("letter") == ["costs"]
    story.program("vim").make("lu1.tmp")
    indexer.open("lu1.tmp")
    assert set(story.together("letter")) == {"costs", "lu1.tmp"}


def test_what_its_maker_removed_and_made_again_is_there(story: Story) -> None:
    story.program("cmake").open("a.in").make("a.h").unlink("a.h").make("a.h")
    story.program("cc").open("a.h").make("a.o")
    assert (story.sources("a.h"), story.sources("a.o")) == (["a.in"], ["a.h"])
