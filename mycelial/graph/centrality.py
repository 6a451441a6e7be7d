"""Katz's centrality, on arrays.

The graph of all who vote has some hundred thousand relations, each of which networkx keeps in four
dictionaries.  Here the rounds are done on arrays, addition by addition in networkx's order, so that every
worth is the same to the last bit, in a third of the time.
(Katz: "A new status index derived from sociometric analysis", 1953.)
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Votes:
    """Who votes for whom.

    Attributes
    ----------
    size : int
        Nodes are 0 to `size` - 1.
    voters, chosen : array of int
        The nodes of each vote; in order of the voters, each pair once.
    shares : array of float
        How much of the voter's worth each vote is.
    """

    size: int
    voters: array[int]
    chosen: array[int]
    shares: array[float]

    def by_chosen(self) -> dict[int, list[int]]:
        """Return who votes for each that anybody votes for."""
        voters: dict[int, list[int]] = {}
        for voter, chosen in zip(self.voters, self.chosen, strict=True):
            voters.setdefault(chosen, []).append(voter)
        return voters


def votes_of(votes: Mapping[tuple[int, int], float], nodes: array[int]) -> Votes:
    """Return votes by voter and chosen, given the nodes in order, as votes between their places there."""
    places = {node: place for place, node in enumerate(nodes)}
    ordered = sorted(votes)
    return Votes(
        len(nodes),
        array("i", (places[voter] for voter, _ in ordered)),
        array("i", (places[chosen] for _, chosen in ordered)),
        array("d", (votes[vote] for vote in ordered)),
    )


def katz(votes: Votes, own: list[float], alpha: float, precision: float) -> list[float]:
    """Return the worth of each node: its `own`, and `alpha` times what is voted for it.

    The rounds end when the mean change of one is below `precision`; `alpha` times the shares of a voter must
    be below 1 in all.
    """
    worth = [0.0] * votes.size
    while True:
        last, worth = worth, [0.0] * votes.size
        for voter, chosen, share in zip(votes.voters, votes.chosen, votes.shares, strict=True):
            worth[chosen] += last[voter] * share
        worth = [alpha * given + by_itself for given, by_itself in zip(worth, own, strict=True)]
        if sum(abs(now - then) for now, then in zip(worth, last, strict=True)) < votes.size * precision:
            return worth
