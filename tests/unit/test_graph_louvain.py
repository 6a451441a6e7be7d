"""Louvain's method with its first level on arrays: the groups that networkx finds."""

from __future__ import annotations

import random
from array import array

import networkx as nx
import pytest

from mycelial.graph.louvain import SEED, Bonds, louvain


def _bonds(size: int, pairs: dict[tuple[int, int], float]) -> Bonds:
    ordered = sorted(pairs)
    first, second = array("i", (a for a, _ in ordered)), array("i", (b for _, b in ordered))
    return Bonds(size, first, second, array("d", (pairs[pair] for pair in ordered)))


def _company(choice: random.Random, size: int, groups: int) -> dict[tuple[int, int], float]:
    """Nodes that keep company within their own group mostly, and with themselves."""
    pairs = {}
    for a in range(size):
        for b in range(a, size):
            if choice.random() < (0.5 if a % groups == b % groups else 0.08):
                pairs[a, b] = choice.uniform(0.1, 1.0)
    return pairs


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("resolution", [0.5, 1.0])
def test_the_groups_are_those_that_networkx_finds(seed: int, resolution: float) -> None:
    size = 90
    pairs = _company(random.Random(seed), size, 5)
    graph = nx.Graph()
    graph.add_nodes_from(range(size))
    graph.add_weighted_edges_from((a, b, weight) for (a, b), weight in sorted(pairs.items()))
    expected = nx.community.louvain_communities(graph, resolution=resolution, seed=SEED)
    assert sorted(louvain(_bonds(size, pairs), resolution)) == sorted(map(sorted, expected))


def test_nodes_without_bonds_are_groups_of_their_own() -> None:
    assert louvain(_bonds(3, {}), 1.0) == [[0], [1], [2]]
    assert sorted(louvain(_bonds(3, {(0, 2): 1.0}), 1.0)) == [[0, 2], [1]]
