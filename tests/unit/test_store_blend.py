"""The blended ranking: what counts, and how much."""

from __future__ import annotations

import math

import pytest

from mycelial.store.blend import (
    ALONE,
    DEFAULT,
    Candidate,
    crowding,
    likeness,
    regularity,
    score,
    walk,
    weights_for,
    words,
)
from mycelial.store.weighing import READ_WEIGHT

NOTHING = Candidate(
    bond=0.0,
    popularity=0.0,
    nearness=0.0,
    names=0.0,
    walk=0.0,
    next=0.0,
    provenance=0.0,
    used_ago=math.inf,
)


def test_without_any_evidence_the_score_is_nothing() -> None:
    assert score(NOTHING, usage=10.0, episodes=10) == 0.0


@pytest.mark.parametrize("kind", ["bond", "popularity", "nearness", "names", "walk", "next", "provenance"])
def test_every_kind_of_evidence_raises_the_score(kind: str) -> None:
    assert score(NOTHING._replace(**{kind: 0.5}), usage=1.0, episodes=1) > 0.0


def test_provenance_weighs_most_then_together_then_next() -> None:
    made, used, followed = (
        score(NOTHING._replace(**{kind: 1.0}), usage=1.0, episodes=1)
        for kind in ("provenance", "bond", "next")
    )
    assert made > used > followed


def test_the_more_evidence_the_less_the_prior_counts() -> None:
    near = NOTHING._replace(nearness=1.0)
    assert score(near, usage=100.0, episodes=100) < score(near, usage=1.0, episodes=1)


def test_recent_use_counts_for_more() -> None:
    used = NOTHING._replace(bond=1.0)
    assert score(used._replace(used_ago=0.0), 1.0, 1) > score(used._replace(used_ago=1e9), 1.0, 1)


def test_files_that_are_only_read_are_ranked_by_evidence_too() -> None:
    read_together = NOTHING._replace(bond=20 * READ_WEIGHT**2)
    strangers = NOTHING._replace(nearness=0.1)
    assert score(read_together, 20 * READ_WEIGHT, 20) > score(strangers, 20 * READ_WEIGHT, 20)


def test_what_is_used_together_again_and_again_counts_where_no_version_control_tells() -> None:
    often = NOTHING._replace(bond=1.0, again=0.4)
    seldom = often._replace(again=0.1)
    assert score(often, 8.0, 8, ALONE) > score(seldom, 8.0, 8, ALONE)
    assert score(often, 8.0, 8, DEFAULT) == score(seldom, 8.0, 8, DEFAULT)


def test_however_regular_it_is_no_more_than_certain() -> None:
    for bond in (0.1, 1.0, 10.0):
        found = score(NOTHING._replace(bond=bond, again=1.0), 10.0, 10, ALONE)
        assert score(NOTHING._replace(bond=bond), 10.0, 10, ALONE) < found < 1.0


def test_regularity_is_of_both_files_and_once_counts_half() -> None:
    assert regularity(0, 5, 5) == 0.0
    assert regularity(2, 5, 5) == pytest.approx(3 * regularity(1, 5, 5))
    assert regularity(4, 5, 5) > regularity(4, 5, 50)
    assert regularity(4, 5, 50) == regularity(4, 50, 5)
    assert 0.9 < regularity(1000, 1000, 1000) <= 1.0


def test_the_weights_go_over_from_the_one_set_to_the_other_with_version_control() -> None:
    assert weights_for(0, 0.0) == ALONE
    assert weights_for(0, 1.0) == DEFAULT
    again = [
        weights_for(kept, share).again for kept, share in ((0, 0.0), (0, 0.3), (1, 0.3), (9, 0.3), (9, 0.9))
    ]
    assert again == sorted(again, reverse=True)
    assert len(set(again)) == len(again)
    assert weights_for(2, 0.5).popularity == DEFAULT.popularity


def test_words_of_a_name_are_found_in_all_spellings() -> None:
    assert words("src/test_HTTPServerPool2.tar.gz") == {"test", "http", "server", "pool"}
    assert words("dir/.bash_profile") == {"bash", "profile"}
    assert words("straße-ÄPFEL.txt") == {"straße", "äpfel"}


def test_rare_words_make_names_more_alike_than_common_ones() -> None:
    alike = likeness("test_parser.c", ["test_lexer.c", "test_tree.c", "test_x.c", "parser.c", "other.c"])
    assert alike["parser.c"] > alike["test_lexer.c"] > alike["other.c"] == 0.0


def test_a_walk_of_two_steps_finds_what_is_joined_through_others() -> None:
    steps = {1: {2: 3.0, 3: 1.0}, 2: {1: 1.0, 4: 1.0}, 3: {4: 5.0}}
    assert walk(steps, 1) == pytest.approx({4: 0.75 * 0.5 + 0.25})


def test_one_of_many_sources_is_worth_less_than_the_only_one() -> None:
    assert crowding(0) == 0.0
    assert crowding(1) == 1.0
    assert crowding(2) > crowding(50) > 0.0
