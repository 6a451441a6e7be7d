"""Small projects are one piece of work each: of which nobody has done enough to tell their files apart."""

from __future__ import annotations

import random
import sys
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

import pytest

from mycelial.graph import gathering
from mycelial.graph.communities import Community
from mycelial.graph.gathering import gather
from mycelial.store.past import Strand
from tests.unit.worked import Program, Story

DESKTOP = ((70, "gnome-shell"), (60, "systemd"), (1, "systemd"))
DAY = 80_000.0


def novel(number: int, size: int) -> list[str]:
    return [f"novel{number}/chapter {chapter:02}.odt" for chapter in range(size)]


def thesis(number: int, size: int) -> list[str]:
    kinds = ("main.tex", "chapters/{}.tex", "chapters/{}.tex", "figures/{}.png", "{}.bib")
    return [f"thesis{number}/{kinds[min(file, 1 + file % 4)].format(file)}" for file in range(size)]


def script(number: int, size: int) -> list[str]:
    return [f"script{number}/{name}.py" for name in range(size)]


def worked_on(
    story: Story, projects: Sequence[Sequence[str]], stretches: int, program: str, commits: str
) -> list[set[str]]:
    """Work on one project or the other in each stretch, on some of its files one after the other; return
    what was used of each."""
    draw = random.Random(f"{[len(p) for p in projects]} {stretches} {program} {commits}")
    used: list[set[str]] = [set() for _ in projects]
    for stretch in range(stretches * len(projects)):
        chosen = stretch % len(projects)
        files = draw.sample(projects[chosen], min(len(projects[chosen]), draw.randrange(2, 6)))
        used[chosen].update(files)
        shell = story.program("bash", chain=((40, "sshd"),))
        editor = None if program == "vim" else story.program(program, chain=DESKTOP)
        for file in files:
            one_file(story, editor or shell.run("vim"), file, draw.choice((15.0, 40.0, 90.0, 150.0)))
            if commits == "each file":
                (editor or shell).run("git").open(file)
                story.wait(5.0)
        if commits == "all":
            (editor or shell).run("git").open(*files)
        story.wait(DAY if draw.random() < 0.3 else 400.0)
    return used


def one_file(story: Story, editor: Program, file: str, seconds: float) -> None:
    editor.open(file)
    story.wait(seconds)
    editor.close(file)
    story.wait(2.0)


def pieces_of_work(story: Story) -> list[set[str]]:
    with story.answers(None) as answers:
        return [set(cluster.members) for cluster in answers.clusters(100, 1000)]


@pytest.mark.parametrize("wait", [25.0, 30.0, 40.0, 45.0])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_notes_that_are_taken_up_one_after_the_other_are_one_piece_of_work(
    tmp_path: Path, wait: float, seed: int
) -> None:
    notes = [f"notes/{number}.md" for number in range(8)]
    story, draw = Story(tmp_path), random.Random(seed)
    for _ in range(12):
        shell = story.program("bash", chain=((40, "sshd"),))
        for note in draw.sample(notes, 4):
            shell.run("vim").close(note)
            story.wait(wait)
        story.pause()
    assert pieces_of_work(story) == [set(notes)]


def test_much_work_tells_apart_what_lies_in_one_place() -> None:
    groups = [Community(dict.fromkeys(files, 1.0)) for files in (range(6), range(6, 12))]
    paths = {number: f"notes/{number}.md" for number in range(12)}

    def after(days: int, *more: Strand) -> list[set[int]]:
        each = [Strand(1.0, {file: 1.0 for file in list(group.files)[:3]}) for group in groups]
        return [set(group.files) for group in gather(groups, [*each * days, *more], paths)]

    both = Strand(1.0, {5: 1.0, 6: 1.0})
    assert after(2) == [set(range(12))]
    assert after(30) == [set(range(6)), set(range(6, 12))]
    assert after(30, *[both] * 10) == [set(range(12))]


def test_what_lies_in_different_places_is_apart_from_the_start() -> None:
    groups = [Community({1: 1.0, 2: 1.0}), Community({3: 1.0, 4: 1.0})]
    paths = {1: "letters/a", 2: "letters/b", 3: "songs/a", 4: "songs/b"}
    done = [Strand(1.0, {1: 1.0, 2: 1.0}), Strand(1.0, {3: 1.0, 4: 1.0})]
    assert gather(groups, done, paths) == groups


SIZES = ((3,), (5, 8), (8,), (12,), (16, 6, 10), (25,), (40,), (40, 20))
PROGRAMS = ("vim", "code", "soffice.bin")
COMMITS = ("nothing", "all", "each file")
CASES = [
    (
        (novel, thesis, script)[(row + column) % 3],
        sizes,
        stretches,
        PROGRAMS[(row + column) % 3],
        COMMITS[(row + 2 * column) % 3],
    )
    for row, sizes in enumerate(SIZES)
    for column, stretches in enumerate((3, 8, 20, 60))
    if stretches < 60 or len(sizes) == 1
]


@pytest.mark.parametrize(("kind", "sizes", "stretches", "program", "commits"), CASES)
def test_each_small_project_is_one_piece_of_work(
    tmp_path: Path,
    kind: Callable[[int, int], list[str]],
    sizes: tuple[int, ...],
    stretches: int,
    program: str,
    commits: str,
) -> None:
    story = Story(tmp_path)
    projects = [kind(number, size) for number, size in enumerate(sizes)]
    used = worked_on(story, projects, stretches, program, commits)
    assert sorted(pieces_of_work(story), key=min) == sorted(used, key=min)


def test_groups_of_which_nothing_is_known_stay_as_they_are() -> None:
    groups = [Community({1: 1.0, 2: 1.0}), Community({3: 1.0, 4: 1.0})]
    paths = {1: "letters/a", 2: "letters/b", 3: "songs/a", 4: "songs/b"}
    assert gather(groups, (), paths) == groups


def gather_what_was_used_at_once(number: int) -> None:
    """Gather so many groups of two files of which work touched all at once."""
    groups = [Community({2 * group: 1.0, 2 * group + 1: 1.0}) for group in range(number)]
    paths = {file: f"{file // 2}/{file}" for group in groups for file in group.files}
    gather(groups, [Strand(1.0, {2 * group: 1.0 for group in range(number)})], paths)


def calls_and_memory(number: int) -> tuple[int, int]:
    """How many functions are called to gather so many groups, and the bytes that it takes at most."""
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    tracemalloc.start()
    sys.setprofile(count)
    try:
        gather_what_was_used_at_once(number)
        return calls, tracemalloc.get_traced_memory()[1]
    finally:
        sys.setprofile(before)
        tracemalloc.stop()


def test_work_on_everything_at_once_takes_no_more_than_its_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "ROUNDS", 1)
    some, twice = calls_and_memory(150), calls_and_memory(300)
    assert twice[0] < 2.5 * some[0]
    assert twice[1] < 2.5 * some[1]


def test_what_the_same_work_touched_is_put_together_however_much_that_touched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gathering, "ROUNDS", 1)
    groups = [Community({2 * group: 1.0, 2 * group + 1: 1.0}) for group in range(400)]
    paths = {file: f"{file // 2}/{file}" for group in groups for file in group.files}
    each = [Strand(1.0, dict.fromkeys(group.files, 1.0)) for group in groups]
    draw, pair = random.Random(1), {6: 1.0, 300: 1.0}
    others = [2 * group for group in range(400) if 2 * group not in pair]
    at_once = [Strand(1.0, pair | dict.fromkeys(draw.sample(others, 80), 1.0)) for _ in range(12)]
    found = [set(group.files) for group in gather(groups, [*each * 40, *at_once], paths)]
    assert {6, 7, 300, 301} in found
