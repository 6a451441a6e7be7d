"""Hubs: the files that most other work draws upon, such as a header, a table, a configuration.

Every file that was written votes for what was read for it without being written: what it was made from, and
what else the same strand looked at.  A file shares one vote among all that it draws upon, and its votes are
worth more the more others draw upon it: Katz's centrality over shares, which is PageRank without its jumps
(Katz: "A new status index derived from sociometric analysis", 1953; Brin, Page: "The anatomy of a large-scale
hypertextual web search engine", 1998).  So what touches everything wins nothing: a sweep writes nothing and
is left out, and locks, journals and logs are written by all and read for nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from heapq import nsmallest

import networkx as nx

from mycelial.store.past import Making, Strand
from mycelial.store.weighing import WRITE_WEIGHT

DAMPING = 0.85
"""How much of its worth a file passes on to what it draws upon."""

PRECISION = 1e-4
"""Mean change of a file's worth from one round to the next at which the rounds end."""

FEWEST = 3
"""Files that must draw upon one for it to be a hub."""

MOST = 20
"""Hubs that are told of."""

LARGEST = 50
"""Files that were read, and that were written, which are counted in one strand."""

RELATIONS = 2_000_000
"""Votes that are counted; beyond that the weakest are left out."""

_LOCK = re.compile(r"(?:.*[._-])?(?:lock|lck|pid|lockfile)", re.IGNORECASE)

Votes = dict[tuple[int, int], float]


@dataclass(frozen=True, slots=True)
class Central:
    """A hub: `worth` is a multiple of the mean, `others` how many files draw upon it."""

    file: int
    worth: float
    others: int


def find_hubs(
    strands: Iterable[Strand], makings: Iterable[Making], paths: Mapping[int, str]
) -> list[Central]:
    """Return the hubs among one user's files, the first one first."""
    graph = _graph(_votes(strands, makings))
    if not graph:
        return []
    worth = nx.katz_centrality(
        graph, alpha=DAMPING, beta=1.0, tol=PRECISION, normalized=False, weight="weight"
    )
    mean = sum(worth.values()) / len(worth)
    found = [
        Central(file, worth[file] / mean, others)
        for file, others in graph.in_degree()
        if others >= FEWEST and not _LOCK.fullmatch(paths[file].rpartition("/")[2])
    ]
    return nsmallest(MOST, found, key=lambda hub: (-hub.worth, hub.file))


def _votes(strands: Iterable[Strand], makings: Iterable[Making]) -> Votes:
    """Return how much each file that was written (first) draws upon each that was read (second)."""
    votes: Votes = {}
    seen: Counter[int] = Counter()
    only_read: Counter[int] = Counter()
    for strand in strands:
        seen.update(strand.files)
        only_read.update(file for file, weight in strand.files.items() if weight < WRITE_WEIGHT)
        written = [file for file, weight in strand.files.items() if weight >= WRITE_WEIGHT][:LARGEST]
        read = [file for file, weight in strand.files.items() if weight < WRITE_WEIGHT][:LARGEST]
        share = strand.weight / (len(strand.files) - 1)
        for voter in written:
            for file in read:
                votes[voter, file] = votes.get((voter, file), 0.0) + share
        if len(votes) > 2 * RELATIONS:
            votes = _strongest(votes)
    for making in makings:
        pair, source = (making.product, making.source), making.source
        calm = (
            only_read[source] / seen[source] if seen[source] else 1.0
        )  # a journal is written whenever it is read
        if calm > 0.0:
            votes[pair] = votes.get(pair, 0.0) + calm * making.weight
    return _strongest(votes) if len(votes) > RELATIONS else votes


def _strongest(votes: Votes) -> Votes:
    return {pair: votes[pair] for pair in nsmallest(RELATIONS, votes, key=lambda pair: (-votes[pair], pair))}


def _graph(votes: Votes) -> nx.DiGraph:
    whole: dict[int, float] = {}
    for voter, _ in votes:
        whole[voter] = 0.0
    for (voter, _), weight in sorted(votes.items()):
        whole[voter] += weight
    graph = nx.DiGraph()
    graph.add_nodes_from(sorted({file for pair in votes for file in pair}))
    graph.add_weighted_edges_from(
        (voter, file, weight / whole[voter]) for (voter, file), weight in sorted(votes.items())
    )
    return graph
