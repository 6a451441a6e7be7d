"""At last each file is in the piece of work that most speaks for: its company, and the place it lies in."""

from __future__ import annotations

import random

import pytest

from mycelial.graph import belonging
from mycelial.graph.belonging import settle
from mycelial.graph.communities import Community
from mycelial.store.past import Strand

THESIS, PROGRAM, FIGURE = range(5), range(5, 10), 10
PATHS = {
    **{file: f"thesis/{file}.tex" for file in THESIS},
    **{file: f"program/{file}.py" for file in PROGRAM},
    FIGURE: "thesis/figure.png",
}
GROUPS = [Community(dict.fromkeys(files, 1.0)) for files in (THESIS, [*PROGRAM, FIGURE])]


def beside(files: range, times: int) -> list[Strand]:
    return [Strand(1.0, dict.fromkeys([*files[:3], FIGURE], 1.0))] * times


def found(goes: list[Strand]) -> list[set[int]]:
    return [set(group.files) for group in settle(GROUPS, goes, PATHS)]


def test_where_company_says_little_a_file_goes_where_it_lies() -> None:
    assert found([*beside(THESIS, 1), *beside(PROGRAM, 2)]) == [{*THESIS, FIGURE}, {*PROGRAM}]


def test_where_company_says_much_a_file_goes_with_it_wherever_it_lies() -> None:
    assert found([*beside(THESIS, 1), *beside(PROGRAM, 9)]) == [{*PROGRAM, FIGURE}, {*THESIS}]


@pytest.mark.parametrize(("times", "lies_with"), [(3, THESIS), (9, PROGRAM)])
def test_what_is_only_read_goes_with_its_company_as_well_if_it_is_read_there_often(
    times: int, lies_with: range
) -> None:
    read = [Strand(1.0, {**dict.fromkeys(PROGRAM, 1.0), FIGURE: 0.1})] * times
    assert {*lies_with, FIGURE} in found(read)


def test_one_strong_bond_does_not_outweigh_what_is_done_again_and_again() -> None:
    alone_with_one = Strand(1.0, {PROGRAM[0]: 1.0, FIGURE: 1.0})
    assert found([alone_with_one, *beside(THESIS, 2)]) == [{*THESIS, FIGURE}, {*PROGRAM}]


def test_what_was_never_used_with_others_stays_where_it_is() -> None:
    assert settle(GROUPS, [], PATHS) == [GROUPS[1], GROUPS[0]]


@pytest.mark.parametrize("at_once", [1, 3, 8])
def test_it_does_not_matter_how_many_files_are_asked_about_in_one_go(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(at_once)
    moved = 0
    for _ in range(30):
        goes = [
            Strand(chance.random(), {file: chance.random() for file in chance.sample(sorted(PATHS), 5)})
            for _ in range(12)
        ]
        monkeypatch.setattr(belonging, "AT_ONCE", 1000)
        whole = found(goes)
        monkeypatch.setattr(belonging, "AT_ONCE", at_once)
        assert found(goes) == whole
        moved += whole != [set(group.files) for group in GROUPS]
    assert moved
