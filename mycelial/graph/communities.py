"""Which files form one piece of work: communities in the graph of what is used for one purpose.

First files are put together that were used most closely in one go: that leaves a graph whose
size is that of the work, not of the tree.  In it Louvain (Blondel, Guillaume, Lambiotte, Lefebvre: "Fast
unfolding of communities in large networks", 2008) finds groups that hold together well, but splits a piece of
work where it has parts: it maximizes modularity, which depends on how much else there is (Fortunato,
Barthélemy: "Resolution limit in community detection", 2007).  So groups are put together for as long as much
of the work on one of them reaches into another.

Where several projects lie in one tree some files are everybody's: the README, what runs the tests.  Through
these alone the work on one project reaches into the other, and it is always the same few.  Where it is parts
of one piece of work, many files do.  So the reach is measured without those files that carry most of it.
And what has grown large is reached by chance: without looking at that, one piece of work after the other
would be drawn into it.

What was used for one purpose is told by changes, and where there are none by spells of some moments; how far
all that was done in one place was (:mod:`mycelial.graph.purposes`) is found out by looking twice: first as
if that said nothing.  Where changes tell hardly anything, groups hold strays that chance brought to them, and
reach into each other through these: there groups are put together only when each file is where it belongs
(:mod:`mycelial.graph.mixing`).
"""

from __future__ import annotations

import gc
import math
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from itertools import combinations
from typing import TypeAlias

from mycelial.graph.louvain import Bonds, louvain
from mycelial.graph.purposes import Purposes
from mycelial.store.past import Strand

RESOLUTION = 1.0
"""Louvain's: the lower, the larger the groups that it finds."""

SUBSTANTIAL = 0.05
"""Share of all work that makes a group more than a remainder."""

REACHING = (0.02, 0.04)
"""Share of a group's work that also touches another group, from which on they are one piece of work: of a
remainder's, of a substantial group's."""

CHANCE = 0.27
"""Multiple of what would be so by chance by which a substantial group must reach into another."""

SHARED = 3
"""Files that may be everybody's, for any two groups."""

GUESTS = 32
"""Files that are told apart where two groups meet, those that carried most."""

ROUNDS = 5
"""How often, at most, groups are put together again after single files went to where they keep company."""

ALONE = 3000, 50_000
"""Files, and bonds between them, up to which each is joined with the others by itself where changes do not
tell: one strong bond may be chance.  Louvain's method takes long where there are more."""

DEGREE = 16
"""Others that each is joined with in one strand; where there are more, they stand for all."""

RELATIONS = 400_000
"""Relations that the graph may have; beyond that the weakest are left out."""

Pairs: TypeAlias = dict[int, float]
"""The bond of cores a and b, a <= b, by a * size + b: a number takes a third of the room of a pair."""


@dataclass(frozen=True, slots=True)
class Community:
    """One piece of work: the weight of each file's bonds with others."""

    files: Mapping[int, float]


def communities(past: Purposes) -> list[Community]:
    """Return the pieces of work of one user, the largest first, or, where changes tell hardly anything, what
    is still to be put together (:mod:`mycelial.graph.mixing`); `past` learns how far places are trusted."""
    group_of, weights = _groups(past)
    if past.learn(group_of):
        group_of, weights = _groups(past)
    if not past.is_told:
        _settle(group_of, past)
    return _communities(group_of, weights)


def _groups(past: Purposes) -> tuple[dict[int, int], dict[int, float]]:
    """Return the number of the group that each file is of, and the weight of its bonds."""
    cores, weights = _cores(past)
    if (alone := _alone(past, cores)) is not None:
        return _parts(*alone), weights
    group_of = _parts(cores, _pairs(past, cores), _size(past, cores))
    if past.is_told:
        _put_together(group_of, past)
    return group_of, weights


def _alone(past: Purposes, cores: Mapping[int, int]) -> tuple[dict[int, int], Pairs, int] | None:
    """Return the graph in which each file is a core of its own, as :func:`_parts` takes it, if it is small
    and nothing better is known; None otherwise."""
    if past.is_told or len(cores) > ALONE[0]:
        return None
    alone = {file: number for number, file in enumerate(sorted(cores))}
    pairs = _pairs(past, alone)
    return (alone, pairs, _size(past, alone)) if len(pairs) <= ALONE[1] else None


def _communities(group_of: Mapping[int, int], weights: Mapping[int, float]) -> list[Community]:
    groups: dict[int, list[int]] = {}
    for file, group in sorted(group_of.items()):
        groups.setdefault(group, []).append(file)
    ordered = sorted(groups.values(), key=lambda files: (-len(files), files))
    return [Community({file: weights[file] for file in files}) for files in ordered]


def _parts(cores: Mapping[int, int], pairs: Pairs, size: int) -> dict[int, int]:
    """Return the number of the group that each file is of, given the bonds of cores, all below `size`."""
    if not cores:
        return {}
    numbers = sorted(set(cores.values()))
    found = louvain(_bonds(pairs, size, numbers), RESOLUTION)
    gc.collect()  # networkx's graphs refer to themselves
    # The order in which they were found must not decide anything.
    place = {numbers[core]: number for number, group in enumerate(sorted(found)) for core in group}
    return {file: place[core] for file, core in sorted(cores.items())}


def _put_together(group_of: dict[int, int], past: Purposes) -> None:
    """Put groups together that are one piece of work, and give files to where they keep company, in turns."""
    for _ in range(ROUNDS):
        before = len(set(group_of.values()))
        _join(group_of, past)
        _settle(group_of, past)
        if len(set(group_of.values())) == before:
            break


def _cores(strands: Iterable[Strand]) -> tuple[dict[int, int], dict[int, float]]:
    """Return for each file the strand (by number) that joins it most closely, and the weight of its bonds."""
    closest: dict[int, float] = {}
    cores: dict[int, int] = {}
    weights: dict[int, float] = {}
    for number, strand in enumerate(strands):
        whole = math.fsum(strand.files.values())
        share = strand.weight / (len(strand.files) - 1)
        for file, weight in strand.files.items():
            weights[file] = weights.get(file, 0.0) + share * weight * (whole - weight)
            if share * weight >= closest.get(file, 0.0):
                closest[file] = share * weight
                cores[file] = number
    return cores, weights


def _size(past: Purposes, cores: Mapping[int, int]) -> int:
    """Return what the numbers of cores are below."""
    return max(len(past), len(cores))


def _pairs(past: Purposes, cores: Mapping[int, int]) -> Pairs:
    """Return the weight of the bonds between cores, and within them."""
    pairs: Pairs = {}
    size = _size(past, cores)
    for number, strand in enumerate(past):
        share = strand.weight / (len(strand.files) - 1)
        weights: dict[int, float] = {}
        for file, weight in strand.files.items():
            if (core := cores.get(file)) is not None:  # else it came a moment ago
                weights[core] = weights.get(core, 0.0) + weight
        for core, weight in weights.items():
            pair = core * size + core
            pairs[pair] = pairs.get(pair, 0.0) + share * weight * weight / 2.0
        for a, b, stands_for in _joined(list(weights), number):
            bond = share * stands_for * weights[a] * weights[b]
            pair = a * size + b if a < b else b * size + a
            pairs[pair] = pairs.get(pair, 0.0) + bond
        if len(pairs) > 2 * RELATIONS:
            pairs = _strongest(pairs, size)
    return _strongest(pairs, size) if len(pairs) > RELATIONS else pairs


def _joined(cores: list[int], turn: int) -> Iterator[tuple[int, int, float]]:
    """Yield the pairs of a strand's cores, each with how many pairs it stands for.

    Of many, each is joined with some, and in another strand (`turn`) with others: those beside it in a circle
    whose order is as good as drawn at random.
    """
    count = len(cores)
    if count <= DEGREE + 1:
        yield from ((a, b, 1.0) for a, b in combinations(cores, 2))
        return
    cores.sort(key=lambda core: ((core + 1) * 2654435761 + turn * 40503) % 4294967291)
    for place, a in enumerate(cores):
        for step in range(1, DEGREE // 2 + 1):
            yield a, cores[(place + step) % count], (count - 1) / DEGREE


def _bonds(pairs: Pairs, size: int, cores: Sequence[int]) -> Bonds:
    """Return the graph of `cores`, by their places."""
    place = {core: number for number, core in enumerate(cores)}
    first, second, weights = array("i"), array("i"), array("d")
    for pair in sorted(pairs):
        a, b = divmod(pair, size)
        first.append(place[a])
        second.append(place[b])
        weights.append(pairs[pair])
    return Bonds(len(cores), first, second, weights)


def _strongest(pairs: Pairs, size: int) -> Pairs:
    """Return the strongest pairs; what lies within a core is kept in any case."""
    least = nlargest(RELATIONS, pairs.values())[-1]
    return {pair: w for pair, w in pairs.items() if w >= least or pair // size == pair % size}


def _company(strand: Strand, group_of: Mapping[int, int]) -> dict[int, float]:
    """Return how much of a strand is of each group."""
    company: dict[int, float] = {}
    for file, weight in strand.files.items():
        if (group := group_of.get(file)) is not None:
            company[group] = company.get(group, 0.0) + weight
    return company


@dataclass(slots=True)
class Reach:
    """What work touched two groups at once: how much in all, and how much of it each file carried of the one
    of the two that had the smaller part in it."""

    common: float = 0.0
    guests: dict[int, float] = field(default_factory=dict)

    def add(self, common: float, guests: Iterable[tuple[int, float]]) -> None:
        """Add work, with what each of its guests carried."""
        self.common += common
        for file, part in guests:
            self.guests[file] = self.guests.get(file, 0.0) + part
        if len(self.guests) > 2 * GUESTS:
            kept = nlargest(GUESTS, self.guests, key=lambda file: (self.guests[file], -file))
            self.guests = {file: self.guests[file] for file in kept}

    @property
    def broad(self) -> float:
        """What is left of it without the few files that carried most."""
        return self.common - math.fsum(nlargest(SHARED, self.guests.values()))


def _join(group_of: dict[int, int], past: Purposes) -> None:
    """Put groups together for as long as one reaches far into another.

    Each time only those are that are the most entangled with each other, of all that either could be joined
    with; what the others reach then is not known before it is measured again.
    """
    whole = past.weight()
    within: dict[int, float] = {}  # work in which nothing of another group was touched: that stays so
    others: Sequence[int] = range(len(past))
    joined: dict[int, int] | None = None
    while joined is None or joined:
        work: dict[int, float] = {}
        reach: dict[tuple[int, int], Reach] = {}
        several = array("q")
        for number, strand in past.numbered(others):
            touched = by_group(strand, group_of)
            if len(touched) > 1:
                several.append(number)
                add_reach(strand.weight, touched, work, reach)
            else:
                for group, files in touched.items():
                    within[group] = within.get(group, 0.0) + strand.weight * max(files.values())
        others = several
        for group, alone in within.items():
            work[group] = work.get(group, 0.0) + alone
        joined = _entangled(work, reach, whole)
        for file, group in group_of.items():
            group_of[file] = joined.get(group, group)
        for gone, kept in joined.items():
            within[kept] = within.get(kept, 0.0) + within.pop(gone, 0.0)


def _entangled(
    work: Mapping[int, float], reach: Mapping[tuple[int, int], Reach], whole: float
) -> dict[int, int]:
    """Return which groups become part of which, given the work on each, what touched two, and all work."""
    entangled: dict[tuple[int, int], float] = {}
    for (a, b), known in reach.items():
        less = min(work[a], work[b])
        by_chance = work[a] * work[b] / whole
        broad = known.broad
        if less < SUBSTANTIAL * whole:
            reaches = broad >= REACHING[0] * less
        else:
            reaches = broad >= REACHING[1] * less and broad >= CHANCE * by_chance
        if reaches:
            entangled[a, b] = broad / by_chance
    nearest: dict[int, int] = {}
    for a, b in sorted(entangled, key=lambda pair: (-entangled[pair], pair)):
        nearest.setdefault(a, b)
        nearest.setdefault(b, a)
    return {b: a for a, b in nearest.items() if a < b and nearest[b] == a}


def by_group(strand: Strand, group_of: Mapping[int, int]) -> dict[int, dict[int, float]]:
    """Return the files of a strand by their groups."""
    touched: dict[int, dict[int, float]] = {}
    for file, weight in strand.files.items():
        if (group := group_of.get(file)) is not None:
            touched.setdefault(group, {})[file] = weight
    return touched


def add_reach(
    strand: float,
    touched: Mapping[int, Mapping[int, float]],
    work: dict[int, float],
    reach: dict[tuple[int, int], Reach],
) -> None:
    """Add how much a strand of some weight worked on each group and on each two of them.

    It works on a group as much as on the file of it that it did most with.
    """
    most = {group: max(files.values()) for group, files in sorted(touched.items())}
    part = {group: math.fsum(files.values()) for group, files in touched.items()}
    for group, weight in most.items():
        work[group] = work.get(group, 0.0) + strand * weight
    for a, b in combinations(most, 2):
        common = strand * most[a] * most[b]
        guest = a if part[a] < part[b] else b
        known = reach.setdefault((a, b), Reach())
        known.add(common, ((file, common * w / part[guest]) for file, w in touched[guest].items()))


def _settle(group_of: dict[int, int], strands: Iterable[Strand]) -> None:
    """Give each file to the group whose company it keeps most."""
    bonds: dict[tuple[int, int], float] = {}
    for strand in strands:
        company = _company(strand, group_of)
        share = strand.weight / (len(strand.files) - 1)
        for file, weight in strand.files.items():
            own = group_of.get(file)
            for group, part in company.items():
                rest = part - weight if group == own else part
                if own is not None and rest > 0.0:
                    bonds[file, group] = bonds.get((file, group), 0.0) + share * weight * rest
    best: dict[int, tuple[float, int]] = {}
    for file, group in sorted(bonds):
        bond = bonds[file, group]
        if bond > best.get(file, (bonds.get((file, group_of[file]), 0.0), group))[0]:
            best[file] = bond, group
    for file, (_, group) in best.items():
        group_of[file] = group
