"""Katz's centrality on arrays says what networkx says."""

from __future__ import annotations

import random
from array import array

import networkx as nx

from mycelial.graph.centrality import katz, votes_of


def test_every_worth_is_that_of_networkx_to_the_last_bit() -> None:
    chance = random.Random(1)
    nodes = array("q", range(-20, 40))
    voted = {(voter, chosen): chance.random() for voter in nodes for chosen in chance.sample(nodes, 5)}
    whole = {voter: sum(part for (other, _), part in voted.items() if other == voter) for voter in nodes}
    shares = {vote: part / whole[vote[0]] for vote, part in voted.items()}
    graph = nx.DiGraph()
    graph.add_nodes_from(nodes)
    graph.add_weighted_edges_from((voter, chosen, share) for (voter, chosen), share in shares.items())
    own = {node: float(node >= 0) for node in nodes}
    expected = nx.katz_centrality(graph, 0.9, own, tol=1e-6, normalized=False, weight="weight")
    assert katz(votes_of(shares, nodes), list(own.values()), 0.9, 1e-6) == list(expected.values())


def test_it_is_known_who_votes_for_whom() -> None:
    votes = votes_of({(7, 5): 1.0, (-1, 7): 0.5, (-1, 5): 0.5}, array("q", [-1, 5, 7]))
    assert votes.by_chosen() == {1: [0, 2], 2: [0]}
