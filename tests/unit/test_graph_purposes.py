"""What was used for one purpose: changes tell it, and without them the place does, if it serves one."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from mycelial.graph.communities import communities
from mycelial.graph.purposes import Purposes
from mycelial.store.past import Past, Strand
from tests.unit.worked import ALICE, Story

ONE = tuple(f"src/one{number}.c" for number in range(8))
TWO = tuple(f"src/two{number}.c" for number in range(8))


def strands(story: Story) -> list[Strand]:
    with story.answers(None), Past.open(story.database) as past:
        return list(past.strands(ALICE))


def pieces_of_work(story: Story) -> set[frozenset[str]]:
    with story.answers(None) as answers:
        return {frozenset(cluster.members) for cluster in answers.clusters(10, 100)}


def test_the_latest_strands_are_the_same_the_other_way_round(tmp_path: Path) -> None:
    story = Story(tmp_path)
    for number in range(3):
        for shell in (40, 50):
            story.program("bash", chain=((shell, "sshd"),)).run("vim").close(
                *ONE[number:], *TWO[shell // 10 :]
            )
        story.wait(4000.0)
    forward = strands(story)
    with Past.open(story.database) as past:
        assert list(past.latest_strands(ALICE)) == forward[::-1]
    assert len(forward) == 6


def test_a_change_holds_what_was_used_since_the_one_before(tmp_path: Path) -> None:
    story = Story(tmp_path)
    shell = story.program("bash", chain=((40, "sshd"),))
    for written, read in ((("a.c", "a.h"), "notes"), (("b.c",), "manual")):
        shell.run("less").open(read)
        shell.run("vim").close(*written)
        story.wait(20.0)
        shell.run("git").open(*written)
        story.wait(20.0)
    shell.run("vim").close("c.c")
    (strand,) = strands(story)
    with Past.open(story.database) as past:
        paths = past.paths()
    told = [{paths[file]: weight for file, weight in change.items()} for change in strand.changes]
    assert told == [
        {"a.c": 1.0, "a.h": 1.0, "notes": 0.1},
        {"b.c": 1.0, "manual": 0.1},
        {"c.c": 1.0},
    ]
    assert set(strand.files) == set(paths)


def in_turn_in_one_editor(directory: Path, *, committed: str) -> Story:
    """Two projects, one now and the other then, for some minutes each."""
    story, draw = Story(directory), random.Random(1)
    editor = story.program("code", chain=((40, "gnome-shell"),))
    for _ in range(12):
        for project in draw.choices((ONE, TWO), k=6):
            files = draw.sample(project, 3)
            editor.open(*files).close(*files)
            story.wait(60.0)
            for together in {"at once": [files], "each file": [[file] for file in files]}.get(committed, []):
                editor.run("git").open(*together)
                story.wait(1.0)
            story.wait(60.0)
        story.pause()
    return story


def test_projects_taken_up_in_turn_in_one_editor_are_told_apart_by_their_changes(tmp_path: Path) -> None:
    story = in_turn_in_one_editor(tmp_path, committed="at once")
    assert pieces_of_work(story) == {frozenset(ONE), frozenset(TWO)}


@pytest.mark.parametrize("committed", ["nothing", "each file"])
def test_projects_taken_up_in_turn_in_one_editor_without_telling_changes_are_told_apart(
    tmp_path: Path, committed: str
) -> None:
    story = in_turn_in_one_editor(tmp_path, committed=committed)
    assert pieces_of_work(story) == {frozenset(ONE), frozenset(TWO)}


def test_files_that_are_each_worked_on_for_long_are_still_joined_by_their_place(tmp_path: Path) -> None:
    story = Story(tmp_path)
    for _ in range(4):
        for project in (ONE, TWO):
            shell = story.program("bash", chain=((40, "sshd"),))
            for file in project:
                shell.run("vim").open(file).close(file)
                story.wait(200.0)
            story.pause()
    assert pieces_of_work(story) == {frozenset(ONE), frozenset(TWO)}


def test_a_strand_without_a_change_is_told_apart_by_spells(tmp_path: Path) -> None:
    story = Story(tmp_path)
    shell = story.program("bash", chain=((40, "sshd"),))
    shell.run("vim").close("a.c", "a.h")
    story.wait(100.0)
    shell.run("vim").close("b.c").open("a.h")
    (strand,) = strands(story)
    with Past.open(story.database) as past:
        paths = past.paths()
    told = [{paths[file]: weight for file, weight in spell.items()} for spell in strand.spells]
    assert told == [{"a.c": 1.0, "a.h": 1.0}, {"b.c": 1.0, "a.h": 0.1}]


def weights(*files: int) -> dict[int, float]:
    return dict.fromkeys(files, 1.0)


def in_spells(*spells: tuple[int, ...]) -> Strand:
    return Strand(1.0, weights(1, 2, 3, 4), (), tuple(weights(*spell) for spell in spells))


def in_changes(*changes: tuple[int, ...]) -> Strand:
    return Strand(1.0, weights(1, 2, 3, 4), tuple(weights(*change) for change in changes))


GROUPS = {1: 0, 2: 0, 3: 1, 4: 1}


def learnt(*strands: Strand) -> Purposes:
    purposes = Purposes(strands)
    purposes.learn(GROUPS)
    return purposes


def test_a_place_that_serves_one_purpose_is_trusted() -> None:
    purposes = learnt(in_spells((1, 2), (1, 2)), in_spells((3, 4), (3, 4)))
    assert purposes.spells == 1.0
    assert [set(part.files) for part in purposes] == [{1, 2, 3, 4}] * 2


def test_a_place_that_serves_several_is_not() -> None:
    purposes = learnt(*[in_spells((1, 2), (3, 4))] * 200)
    assert purposes.spells < 0.2
    spells = [part for part in purposes if part.weight > 0.5]
    assert [set(part.files) for part in spells] == [{1, 2}, {3, 4}] * 200


def test_a_place_is_trusted_until_much_was_done_there() -> None:
    """What agrees as little as two spells do may do so by chance."""
    assert learnt(in_spells((1, 2), (3, 4))).spells > 0.9


def test_places_are_trusted_as_far_as_their_changes_agree() -> None:
    one, other = in_changes((1, 2), (1, 2)), in_changes((3, 4), (3, 4))
    assert learnt(*[one, other] * 200).changes > 0.9
    assert learnt(*[in_changes((1, 2), (3, 4))] * 200).changes == 0.0
    assert learnt(one, other).changes < 0.1


def test_all_that_was_done_in_one_place_joins_only_what_places_are_trusted_with() -> None:
    purposes = Purposes([in_changes((1, 2), (3, 4))])
    assert [set(part.files) for part in purposes] == [{1, 2}, {3, 4}]
    purposes.changes = 1.0
    assert [set(part.files) for part in purposes] == [{1, 2}, {3, 4}, {1, 2, 3, 4}]


def test_who_commits_each_file_by_itself_says_nothing_of_what_belongs_together(tmp_path: Path) -> None:
    notes = tuple(f"notes/{number}.md" for number in range(8))
    story, draw = Story(tmp_path), random.Random(1)
    for _ in range(12):
        shell = story.program("bash", chain=((40, "sshd"),))
        for note in draw.sample(notes, 4):
            shell.run("vim").close(note)
            story.wait(20.0)
            shell.run("git").open(note)
            story.wait(20.0)
        story.pause()
    with story.answers(None) as answers:
        (found,) = answers.clusters(10, 100)
    assert set(found.members) == set(notes)


def test_files_that_are_committed_one_right_after_the_other_are_one_change(tmp_path: Path) -> None:
    story = Story(tmp_path)
    shell = story.program("bash", chain=((40, "sshd"),))
    for files in (("a.c", "a.h"), ("b.c", "b.h")):
        shell.run("vim").close(*files)
        for file in files:
            story.wait(20.0)
            shell.run("git").open(file)
        story.wait(100.0)
    (strand,) = strands(story)
    with Past.open(story.database) as past:
        paths = past.paths()
    assert [{paths[file] for file in change} for change in strand.changes] == [{"a.c", "a.h"}, {"b.c", "b.h"}]


def test_hundreds_of_commits_by_a_program_are_not_one_change(tmp_path: Path) -> None:
    story = Story(tmp_path)
    shell = story.program("bash", chain=((40, "sshd"),))
    for number in range(60):
        shell.run("git").open(f"{number}.c")
        story.wait(12.0)
    (strand,) = strands(story)
    assert [len(change) for change in strand.changes] == [1] * 60


def test_what_was_changed_again_after_its_commit_is_of_the_next_change(tmp_path: Path) -> None:
    story = Story(tmp_path)
    shell = story.program("bash", chain=((40, "sshd"),))
    shell.run("vim").close("a.c")
    story.wait(20.0)
    shell.run("git").open("a.c")
    story.wait(20.0)
    shell.run("vim").close("a.c", "b.c")
    (strand,) = strands(story)
    assert [len(change) for change in strand.changes] == [1, 2]


def test_nothing_is_known_of_nothing() -> None:
    assert list(Purposes([])) == []
    assert communities(Purposes([])) == []
