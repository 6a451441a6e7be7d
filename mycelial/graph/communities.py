"""Which files form one piece of work: communities in the graph of what is used in the same strands.

First files are put together that were used most closely in one and the same strand: that leaves a graph whose
size is that of the work, not of the tree.  In it low-resolution Louvain (Blondel, Guillaume, Lambiotte,
Lefebvre: "Fast unfolding of communities in large networks", 2008; resolution: Reichardt, Bornholdt:
"Statistical mechanics of community detection", 2006) finds groups.  It still splits a piece of work where
it has parts.  So groups are put together for as long as much of the work on one of them reaches into
another: a measure that does not depend on how much else there is, as modularity does (Fortunato,
Barthélemy: "Resolution limit in community detection", 2007).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import heapify, heappop, heappush, nlargest
from itertools import combinations
from typing import TypeAlias

import networkx as nx

from mycelial.store.past import Strand

RESOLUTION = 0.1
"""Louvain's: the lower, the larger the groups that it finds."""

REACHING = 0.07
"""Share of a group's work that also touches another group, from which on they are one piece of work."""

SEED = 1
"""Louvain visits groups in an order drawn at random; the same one each time gives the same result."""

DEGREE = 16
"""Others that each is joined with in one strand; where there are more, they stand for all."""

RELATIONS = 400_000
"""Relations that the graph may have; beyond that the weakest are left out."""

Pairs: TypeAlias = dict[tuple[int, int], float]


@dataclass(frozen=True, slots=True)
class Community:
    """One piece of work: the weight of each file's bonds with others."""

    files: Mapping[int, float]


def communities(strands: Callable[[], Iterable[Strand]]) -> list[Community]:
    """Return the pieces of work of one user, the largest first; `strands` is called three times."""
    cores, weights = _cores(strands())
    if not cores:
        return []
    graph = _graph(_pairs(strands(), cores))
    found = nx.community.louvain_communities(graph, weight="weight", resolution=RESOLUTION, seed=SEED)
    # Sets of numbers have an order of their own that must not decide anything.
    place = {core: number for number, group in enumerate(sorted(map(sorted, found))) for core in group}
    del graph
    groups: list[list[int]] = [[] for _ in found]
    for file, core in sorted(cores.items()):
        groups[place[core]].append(file)
    merged = [sorted(group) for group in _merged(groups, strands())]
    merged.sort(key=lambda files: (-len(files), files))
    return [Community({file: weights[file] for file in files}) for files in merged]


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


def _pairs(strands: Iterable[Strand], cores: Mapping[int, int]) -> Pairs:
    """Return the weight of the bonds between cores (smaller number first), and within them."""
    pairs: Pairs = {}
    for number, strand in enumerate(strands):
        share = strand.weight / (len(strand.files) - 1)
        weights: dict[int, float] = {}
        for file, weight in strand.files.items():
            if (core := cores.get(file)) is not None:  # else it came a moment ago
                weights[core] = weights.get(core, 0.0) + weight
        for core, weight in weights.items():
            pairs[core, core] = pairs.get((core, core), 0.0) + share * weight * weight / 2.0
        for a, b, stands_for in _joined(list(weights), number):
            bond = share * stands_for * weights[a] * weights[b]
            pair = (a, b) if a < b else (b, a)
            pairs[pair] = pairs.get(pair, 0.0) + bond
        if len(pairs) > 2 * RELATIONS:
            pairs = _strongest(pairs)
    return _strongest(pairs) if len(pairs) > RELATIONS else pairs


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


def _graph(pairs: Pairs) -> nx.Graph:
    graph = nx.Graph()
    graph.add_nodes_from(sorted({core for pair in pairs for core in pair}))
    graph.add_weighted_edges_from((a, b, pairs[a, b]) for a, b in sorted(pairs))
    return graph


def _strongest(pairs: Pairs) -> Pairs:
    """Return the strongest pairs; what lies within a core is kept in any case."""
    least = nlargest(RELATIONS, pairs.values())[-1]
    return {pair: weight for pair, weight in pairs.items() if weight >= least or pair[0] == pair[1]}


def _merged(groups: list[list[int]], strands: Iterable[Strand]) -> Iterator[list[int]]:
    """Put groups together, the most entangled first, until none reaches far into another."""
    work = [0.0] * len(groups)  # strands on each group
    common: list[dict[int, float]] = [{} for _ in groups]  # and on two of them
    for group, other, weight in _reaching(groups, strands):
        if group == other:
            work[group] += weight
        else:
            common[group][other] = common[group].get(other, 0.0) + weight
            common[other][group] = common[other].get(group, 0.0) + weight

    def entangled(a: int, b: int) -> float:
        return common[a][b] / min(work[a], work[b])

    heap = [(-entangled(a, b), a, b) for a in range(len(groups)) for b in common[a] if a < b]
    heapify(heap)
    while heap:
        share, a, b = heappop(heap)
        if -share < REACHING:
            break
        if b not in common[a] or entangled(a, b) != -share:
            continue  # one of them has changed since
        groups[a] += groups[b]
        groups[b] = []
        work[a] = max(work[a] + work[b] - common[a][b], work[a], work[b])
        for other, weight in common[b].items():
            del common[other][b]
            if other != a:
                common[a][other] = common[other][a] = common[a].get(other, 0.0) + weight
        common[b] = {}
        for other in common[a]:
            low, high = min(a, other), max(a, other)
            heappush(heap, (-entangled(low, high), low, high))
    yield from (group for group in groups if group)


def _reaching(groups: list[list[int]], strands: Iterable[Strand]) -> Iterator[tuple[int, int, float]]:
    """Yield how much each strand worked on each group (twice the same number) and on each two of them.

    A strand works on a group as much as on the file of it that it did most with.
    """
    group_of = {file: number for number, group in enumerate(groups) for file in group}
    for strand in strands:
        touched: dict[int, float] = {}
        for file, weight in strand.files.items():
            group = group_of.get(file)
            if group is not None:
                touched[group] = max(weight, touched.get(group, 0.0))
        for group, weight in sorted(touched.items()):
            yield group, group, strand.weight * weight
        for a, b in combinations(sorted(touched), 2):
            yield a, b, strand.weight * touched[a] * touched[b]
