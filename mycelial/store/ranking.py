"""Gathering all that the blended score of a file's candidates is made of."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from heapq import nlargest
from typing import NamedTuple

from mycelial.store.blend import Candidate, crowding, likeness, regularity, scoring, walk, weights_for
from mycelial.store.files import ROOT
from mycelial.store.neighbours import MANY, Bond, Neighbours
from mycelial.store.tree import FileTree

WALKED = 20
"""Nearest neighbours whose own neighbours are looked at."""

FAINT = 0.01
"""Bonds below this share of the strongest (at most of one episode of two files) are not walked along."""

CONSIDERED = 200
"""Candidates that are scored; beyond that those with the least evidence are left out."""

SCARCE = 20
"""With fewer candidates than this, files of the same directory are candidates for their names alone."""

DIRECTORY = 500
"""Files in a directory beyond which being in it says nothing."""


class Ranked(NamedTuple):
    """A file with its place in a ranking: its number and path, its score, and (worked out when called) what
    supports it."""

    file: int
    path: str
    score: float
    support: Callable[[], Bond]


def in_order(ranked: Iterable[Ranked]) -> list[Ranked]:
    """Return the same, best first."""
    return sorted(ranked, key=lambda item: (-item.score, item.path))


class Ranking:
    """Ranks what is related to a file, for one reader."""

    def __init__(self, tree: FileTree, neighbours: Neighbours) -> None:
        self._tree = tree
        self._neighbours = neighbours

    def related(self, file: int, path: str) -> list[Ranked]:
        """Return what is related, best first."""
        evidence = self._neighbours
        bonds = evidence.together(file, CONSIDERED + 1)
        if len(bonds) > CONSIDERED:  # by all users' work; one user's are fewer
            strongest = nlargest(CONSIDERED, bonds, key=lambda other: (bonds[other].weight, -other))
            bonds = {other: bonds[other] for other in strongest}
        usage = evidence.usage([ROOT, file, *bonds])
        own, whole = usage[file], usage[ROOT]
        by_habit = {other: usage[other].by_habit for other in bonds if usage[other].habitual > 0.0}
        chosen = {
            other: choice(bond, own, usage[other], whole) if other in by_habit else 1.0
            for other, bond in bonds.items()
        }
        first = {other: bond.weight * chosen[other] for other, bond in bonds.items()}
        middles = nlargest(WALKED, first, key=lambda other: (first[other], -other))
        least = FAINT * min(1.0, max(first.values(), default=0.0))
        walked = walk({**_onward(evidence.steps(middles, least), by_habit), file: first}, file)
        following = evidence.following(file)
        followed = math.fsum(bond.weight for bond in following.values())
        sources, products = evidence.sources(file), evidence.products(file)
        as_source = worth_of_making(sources, evidence.numbers_of_products)
        as_product = worth_of_making(products, evidence.numbers_of_sources)
        siblings = self._tree.siblings(file, DIRECTORY)
        near = 1.0 / math.sqrt(1.0 + len(siblings) + 1.0)

        candidates = dict.fromkeys([*bonds, *walked, *following, *as_source, *as_product])
        if len(candidates) < SCARCE:
            candidates.update(dict.fromkeys(siblings))
        if len(candidates) > CONSIDERED:
            best = nlargest(CONSIDERED, candidates, key=lambda o: (_hint(o, bonds, walked), -o))
            candidates = dict.fromkeys([*best, *as_source, *as_product])
        named = self._tree.paths(other for other in candidates if other != file)
        alike = likeness(path, named.values())
        usage |= evidence.usage([other for other in named if other not in usage])
        total, now = whole.weight, evidence.now
        weights = weights_for(own.kept, whole.kept / whole.count if whole.count else 0.0)
        beside = set(siblings)
        scored = scoring(own.weight, own.count, weights)
        support = _Supports(bonds, following, sources, products).of
        ranked = []
        for other, name in named.items():
            used = usage[other]
            part = chosen[other] if other in chosen else choice(None, own, used, whole)
            bond, follower = bonds.get(other), following.get(other)
            made = max(as_source.get(other, 0.0), as_product.get(other, 0.0))
            candidate = Candidate(
                first.get(other, 0.0),
                used.weight * part / total if total > 0.0 else 0.0,
                near if other in beside else 0.0,
                alike[name],
                walked.get(other, 0.0) * part,
                part * follower.weight / followed if follower is not None and followed > 0.0 else 0.0,
                (1.0 - used.by_habit) * made if made else 0.0,
                now - used.last if used.count else math.inf,
                part * regularity(bond.count, own.count, used.count) if bond is not None else 0.0,
            )
            ranked.append(Ranked(other, name, scored(candidate), partial(support, other)))
        return in_order(ranked)


def worth_of_making(
    made: dict[int, Bond], count: Callable[[Iterable[int]], dict[int, int]]
) -> dict[int, float]:
    """Return what each source, or product, is worth: less where there are many, either way."""
    latest = nlargest(CONSIDERED, made, key=lambda other: (made[other].last, -other))
    others = count(latest) if 0 < len(made) < MANY else {}
    return {other: crowding(max(len(made), others.get(other, 0))) for other in latest}


def choice(bond: Bond | None, own: Bond, usage: Bond, whole: Bond) -> float:
    """Return how much of what joins two files is owed to somebody's choice, and not to a program's habit.

    What a program takes up whatever goes on is expected beside anything: as often as in one of three episodes
    at any time.
    """
    by_habit = usage.by_habit
    if by_habit <= 0.0:
        return 1.0
    if bond is None or not bond.count:
        return 1.0 - by_habit
    given = min(1.0, bond.count / own.count) if own.count else 1.0
    share = min(1.0, usage.count / whole.count) if whole.count else 1.0
    expected = 1.0 - (1.0 - share) ** 3
    return 1.0 - by_habit * min(1.0, expected / given)


def chosen_weights(neighbours: Neighbours, file: int, bonds: Mapping[int, Bond]) -> dict[int, float]:
    """Return the weights of a file's bonds without what is owed to programs' habits."""
    usage = neighbours.usage([ROOT, file, *bonds])
    own, whole = usage[file], usage[ROOT]
    return {other: bond.weight * choice(bond, own, usage[other], whole) for other, bond in bonds.items()}


def _onward(steps: dict[int, dict[int, float]], by_habit: dict[int, float]) -> dict[int, dict[int, float]]:
    """Return the steps without what leads to files that a habit takes up: they are beside everything."""
    onward: dict[int, dict[int, float]] = {}
    for middle, ends in steps.items():
        parts = ends
        if not by_habit.keys().isdisjoint(ends):  # seldom
            parts = {other: weight * (1.0 - by_habit.get(other, 0.0)) for other, weight in ends.items()}
        onward[middle] = {other: weight for other, weight in parts.items() if weight > 0.0}
    return onward


def _hint(other: int, bonds: dict[int, Bond], walked: dict[int, float]) -> float:
    return walked.get(other, 0.0) + (bonds[other].weight if other in bonds else 0.0)


class _Supports(NamedTuple):
    """All bonds of a file, by the other one."""

    together: dict[int, Bond]
    following: dict[int, Bond]
    sources: dict[int, Bond]
    products: dict[int, Bond]

    def of(self, other: int) -> Bond:
        """Return what to tell about a pair: its episodes, else its making, else its succession."""
        following = self.following.get(other)
        made = self.sources.get(other) or self.products.get(other)
        told = self.together.get(other) or made or following or Bond()
        last = max(bond.last for bond in (told, made, following) if bond is not None)
        program = made.program if made is not None else ""
        return Bond(told.weight, told.count, last, told.episode, program, made=made is not None)
