"""Louvain's method, its first level on arrays.

The graph of all that was done at one time has some hundred thousand relations, and networkx holds each as
dictionaries, three times over.  It is only the first level that is so large, where nodes move to the group
of a neighbour one by one.  Here that happens on arrays, in the order in which networkx does it; networkx is
given the graph of the groups that come out.  (Blondel, Guillaume, Lambiotte, Lefebvre: "Fast unfolding of
communities in large networks", 2008.)
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import networkx as nx

SEED = 1
"""Nodes are visited in an order drawn at random; the same one each time gives the same result."""

NOTHING = 1e-12
"""Share of a node's degree that is no gain, but rounding: else nodes might move to and fro for ever."""


@dataclass(frozen=True, slots=True)
class Bonds:
    """A graph of nodes 0 to `size` - 1: its relations, each once (`first` <= `second`), in order."""

    size: int
    first: array[int]
    second: array[int]
    weights: array[float]


def louvain(bonds: Bonds, resolution: float) -> list[list[int]]:
    """Return the groups of nodes, each in order."""
    order = random.Random(SEED)
    group_of = _moved(bonds, resolution, order)
    number = {group: place for place, group in enumerate(sorted(set(group_of)))}
    group_of = [number[group] for group in group_of]
    found = nx.community.louvain_communities(
        _between(bonds, group_of, len(number)), weight="weight", resolution=resolution, seed=order
    )
    whole_of = {group: place for place, groups in enumerate(found) for group in groups}
    groups: list[list[int]] = [[] for _ in found]
    for node, group in enumerate(group_of):
        groups[whole_of[group]].append(node)
    return groups


def _moved(bonds: Bonds, resolution: float, order: random.Random) -> list[int]:
    """Return the group of each node when no node gains by moving to that of a neighbour."""
    starts, others, weights, degrees = _adjacency(bonds)
    m = sum(degrees) / 2.0
    groups = list(range(bonds.size))
    totals = degrees.tolist()
    nodes = list(range(bonds.size))
    order.shuffle(nodes)
    has_moved = m > 0.0
    while has_moved:
        has_moved = False
        for node in nodes:
            start, end = starts[node], starts[node + 1]
            own = best = groups[node]
            degree = degrees[node]
            shares = {own: 0.0}
            for other, weight in zip(others[start:end], weights[start:end], strict=True):
                group = groups[other]
                shares[group] = shares.get(group, 0.0) + weight
            totals[own] -= degree
            cost = resolution * degree / (2.0 * m)
            left = shares[own] - cost * totals[own]
            most = NOTHING * degree
            for group, weight in shares.items():
                gain = weight - cost * totals[group] - left
                if gain > most:
                    most, best = gain, group
            totals[best] += degree
            if best != own:
                groups[node] = best
                has_moved = True
    return groups


def _adjacency(bonds: Bonds) -> tuple[Sequence[int], array[int], array[float], array[float]]:
    """Return where the neighbours of each node begin, the neighbours with their weights, and the degrees.

    What lies within a node counts twice in its degree and is none of its neighbours.
    """
    counts = [0] * bonds.size
    degrees = array("d", bytes(8 * bonds.size))
    for a, b, weight in zip(bonds.first, bonds.second, bonds.weights, strict=True):
        degrees[a] += weight
        degrees[b] += weight
        if a != b:
            counts[a] += 1
            counts[b] += 1
    starts = [0, *accumulate(counts)]
    free = starts[:]
    others = array("i", bytes(4 * starts[-1]))
    weights = array("d", bytes(8 * starts[-1]))
    for a, b, weight in zip(bonds.first, bonds.second, bonds.weights, strict=True):
        if a != b:
            for one, other in ((a, b), (b, a)):
                place = free[one]
                others[place], weights[place] = other, weight
                free[one] = place + 1
    return starts, others, weights, degrees


def _between(bonds: Bonds, group_of: Sequence[int], groups: int) -> nx.Graph:
    """Return the graph of the groups."""
    pairs: dict[tuple[int, int], float] = {}
    for a, b, weight in zip(bonds.first, bonds.second, bonds.weights, strict=True):
        one, other = group_of[a], group_of[b]
        pair = (one, other) if one <= other else (other, one)
        pairs[pair] = pairs.get(pair, 0.0) + weight
    graph = nx.Graph()
    graph.add_nodes_from(range(groups))
    graph.add_weighted_edges_from((a, b, weight) for (a, b), weight in sorted(pairs.items()))
    return graph
