"""At last each file is in the piece of work that most speaks for: its company, and the place it lies in."""

from __future__ import annotations

from mycelial.graph.communities import Community
from mycelial.graph.settling import settle
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


def test_one_strong_bond_does_not_outweigh_what_is_done_again_and_again() -> None:
    alone_with_one = Strand(1.0, {PROGRAM[0]: 1.0, FIGURE: 1.0})
    assert found([alone_with_one, *beside(THESIS, 2)]) == [{*THESIS, FIGURE}, {*PROGRAM}]


def test_what_was_never_used_with_others_stays_where_it_is() -> None:
    assert settle(GROUPS, [], PATHS) == [GROUPS[1], GROUPS[0]]
