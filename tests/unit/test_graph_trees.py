"""Which process tree a process belongs to."""

from __future__ import annotations

import pytest

from mycelial.graph.trees import tree_of
from mycelial.record.events import Process


@pytest.mark.parametrize(
    ("chain", "top"),
    [
        (((90, "bash"), (80, "gnome-terminal-"), (1, "systemd")), 90),
        (((95, "gcc"), (94, "make"), (90, "bash"), (80, "tmux: server"), (1, "systemd")), 90),
        (((90, "code"), (70, "gnome-shell"), (60, "systemd")), 90),
        (((80, "soffice.bin"), (70, "gnome-shell"), (60, "systemd")), 70),
        (((60, "systemd"), (1, "systemd")), 60),
        (((1, "systemd"),), 100),
        (((1, "init"),), 100),
    ],
)
def test_a_tree_ends_below_what_only_holds_others(chain: tuple[tuple[int, str], ...], top: int) -> None:
    assert tree_of(Process(100, chain[0][0], "x", chain=chain)) == top


def test_without_ancestors_the_parent_is_the_top_unless_it_is_init() -> None:
    assert tree_of(Process(100, 90, "vim")) == 90
    assert tree_of(Process(100, 1, "tracker")) == tree_of(Process(100, 0, "tracker")) == 100


def test_a_session_is_a_tree_whatever_its_terminal_is_called() -> None:
    chain = ((94, "make"), (90, "bash"), (80, "my-terminal"), (70, "my-desktop"))
    assert tree_of(Process(100, 94, "cc", chain=chain, sid=90)) == 90
    assert tree_of(Process(90, 80, "bash", chain=chain[2:], sid=90)) == 90


def test_a_terminal_inside_an_editor_belongs_to_the_editor() -> None:
    chain = ((94, "make"), (90, "bash"), (80, "code"), (70, "gnome-shell"))
    assert tree_of(Process(100, 94, "cc", chain=chain, sid=90)) == 80


def test_shells_that_one_interpreter_runs_are_trees_of_their_own() -> None:
    chain = ((90, "bash"), (80, "python3"), (70, "bash"))
    assert tree_of(Process(100, 90, "cat", chain=chain, sid=70)) == 90
    assert tree_of(Process(80, 70, "python3", chain=chain[2:], sid=70)) == 70
