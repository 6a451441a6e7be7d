"""Which files form one piece of work: communities in the graph of what is used in the same strands.

First low-resolution Louvain (Blondel, Guillaume, Lambiotte, Lefebvre: "Fast unfolding of communities in large
networks", 2008; resolution: Reichardt, Bornholdt: "Statistical mechanics of community detection", 2006)
finds groups of files.  It still splits a piece of work where it has parts.  So groups are put together for
as long as much of the work on one of them reaches into another: a measure that does not depend on how much
else there is, as modularity does (Fortunato, Barthélemy: "Resolution limit in community detection", 2007).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import heapify, heappop, heappush, nsmallest
from itertools import combinations

import networkx as nx

from mycelial.store.past import Strand

RESOLUTION = 0.2
"""Louvain's: the lower, the larger the groups that it finds."""

REACHING = 0.1
"""Share of a group's work that also touches another group, from which on they are one piece of work."""

SEED = 1
"""Louvain visits files in an order drawn at random; the same one each time gives the same groups."""

LARGEST = 100
"""Files of a strand that are joined in pairs, those of most weight."""

RELATIONS = 2_000_000
"""Relations that the graph may have; beyond that the weakest are left out."""

Pairs = dict[tuple[int, int], float]


@dataclass(frozen=True, slots=True)
class Community:
    """One piece of work: the weight of each file's bonds with the others in it."""

    files: Mapping[int, float]


def communities(strands: Callable[[], Iterable[Strand]]) -> list[Community]:
    """Return the pieces of work of one user, the largest first; `strands` is called twice."""
    graph = graph_of(pairs_of(strands()))
    if not graph:
        return []
    found = nx.community.louvain_communities(graph, weight="weight", resolution=RESOLUTION, seed=SEED)
    # Sets of numbers have an order of their own that must not decide anything.
    groups = sorted(sorted(group) for group in found)
    merged = [sorted(group) for group in _merged(groups, strands())]
    merged.sort(key=lambda files: (-len(files), files))
    return [Community(_bonds(graph, files)) for files in merged]


def pairs_of(strands: Iterable[Strand]) -> Pairs:
    """Return the weight of each pair (smaller number first) over all strands, at most RELATIONS of them."""
    pairs: Pairs = {}
    for strand in strands:
        weights = strand.files
        kept = nsmallest(LARGEST, weights, key=lambda file: (-weights[file], file))
        share = strand.weight / (len(weights) - 1)
        for pair in combinations(sorted(kept), 2):
            pairs[pair] = pairs.get(pair, 0.0) + share * weights[pair[0]] * weights[pair[1]]
        if len(pairs) > 2 * RELATIONS:
            pairs = _strongest(pairs)
    return _strongest(pairs) if len(pairs) > RELATIONS else pairs


def graph_of(pairs: Mapping[tuple[int, int], float]) -> nx.Graph:
    """Return the undirected graph of the pairs, nodes and edges in order of number."""
    graph = nx.Graph()
    graph.add_nodes_from(sorted({file for pair in pairs for file in pair}))
    graph.add_weighted_edges_from((a, b, pairs[a, b]) for a, b in sorted(pairs))
    return graph


def _strongest(pairs: Pairs) -> Pairs:
    order = sorted(pairs, key=lambda pair: (-pairs[pair], pair))
    return {pair: pairs[pair] for pair in order[:RELATIONS]}


def _bonds(graph: nx.Graph, files: list[int]) -> dict[int, float]:
    within = set(files)
    return {
        file: sum(edge["weight"] for other, edge in graph.adj[file].items() if other in within)
        for file in files
    }


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
