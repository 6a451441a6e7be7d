"""Hubs: the files that most other work draws upon, such as a header, a table, a configuration.

Every file that was written votes for what was read for it without being written: what it was made from, and
what else the same strand looked at, unless that is an intermediate product.  A file shares one vote among all
that it draws upon, and its votes are worth more the more others draw upon it: Katz's centrality over shares,
which is PageRank without its jumps
(Katz: "A new status index derived from sociometric analysis", 1953; Brin, Page: "The anatomy of a large-scale
hypertextual web search engine", 1998).  So what touches everything wins nothing: a sweep writes nothing and
is left out, and locks, journals and logs are written by all and read for nothing.
"""

from __future__ import annotations

import math
import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from heapq import nlargest, nsmallest

import networkx as nx

from mycelial.graph.backends import fastest
from mycelial.store.past import Making, Strand
from mycelial.store.weighing import WRITE_WEIGHT

DAMPING = 0.85
"""How much of its worth a file passes on to what it draws upon."""

PRECISION = 1e-3
"""Mean change of a file's worth from one round to the next at which the rounds end."""

HALF = math.sqrt(DAMPING)
"""The same for each of the two steps from file to file that lead over a strand."""

FEWEST = 3
"""Files that must draw upon one for it to be a hub, and times at which one of them did."""

MOST = 20
"""Hubs that are told of."""

LOOKED_AT = 100_000
"""Accesses by strands, and makings, that are looked at, the latest."""

_LOCK = re.compile(r"(?:.*[._-])?(?:lock|lck|pid|lockfile)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Central:
    """A hub: `worth` is a multiple of the mean, `others` how many files draw upon it."""

    file: int
    worth: float
    others: int


def find_hubs(
    latest: Iterable[Strand], makings: Iterable[Making], read_paths: Callable[[], Mapping[int, str]]
) -> list[Central]:
    """Return the hubs among one user's files, the first one first.

    The `latest` strands come first, and no more are taken than are looked at; the paths are read last.
    """
    graph = _votes(_some(latest), makings)
    files = [node for node in graph if node >= 0]
    if not files:
        return []
    worth = fastest(
        nx.katz_centrality,
        graph,
        alpha=HALF,
        beta={node: 1.0 if node >= 0 else 0.0 for node in graph},
        tol=PRECISION,
        normalized=False,
        weight="weight",
    )
    mean = math.fsum(worth[file] for file in files) / len(files)
    paths = read_paths()
    found = [
        Central(file, worth[file] / mean, others)
        for file in files
        if graph.in_degree(file) >= FEWEST
        and file in paths
        and not _LOCK.fullmatch(paths[file].rpartition("/")[2])
        and (others := _others(graph, file)) >= FEWEST
    ]
    return nsmallest(MOST, found, key=lambda hub: (-hub.worth, hub.file))


def _some(latest: Iterable[Strand]) -> list[Strand]:
    """Return so many of the latest strands, in order of time."""
    kept: list[Strand] = []
    size = 0
    for strand in latest:
        size += len(strand.files)
        if size > LOOKED_AT:
            break
        kept.append(Strand(strand.weight, strand.files))  # its changes and spells take more room than it
    return kept[::-1]


def _votes(strands: Iterable[Strand], makings: Iterable[Making]) -> nx.DiGraph:
    """Return who votes for whom, by shares: from files over what joins them (numbers below 0) to files."""
    links: deque[tuple[int, int, float]] = deque()
    whole: dict[int, float] = {}
    seen: Counter[int] = Counter()
    only_read: Counter[int] = Counter()
    joint = -1
    latest = nlargest(LOOKED_AT, makings, key=lambda making: (making.t, making.product, making.source))
    # Who reads an intermediate product makes something of it, and that is known better.
    between = {making.product for making in latest} & {making.source for making in latest}

    def vote(voters: list[int], chosen: list[int], weight: float) -> None:
        nonlocal joint
        for voter in voters:
            links.append((voter, joint, weight))
            whole[voter] = whole.get(voter, 0.0) + weight
        links.extend((joint, file, 1.0) for file in chosen)
        whole[joint] = float(len(chosen))
        joint -= 1

    for strand in strands:
        seen.update(strand.files)
        written = [file for file, weight in strand.files.items() if weight >= WRITE_WEIGHT]
        read = [file for file, weight in strand.files.items() if weight < WRITE_WEIGHT]
        only_read.update(read)
        read = [file for file in read if file not in between]
        if written and read:
            vote(written, read, strand.weight * len(read) / (len(strand.files) - 1))
    for making in latest:
        source = making.source
        calm = (
            only_read[source] / seen[source] if seen[source] else 1.0
        )  # a journal is written whenever it is read
        if calm > 0.0:
            links.append((making.product, source, calm * making.weight * HALF))
            whole[making.product] = whole.get(making.product, 0.0) + calm * making.weight
    graph = nx.DiGraph()
    graph.add_nodes_from(sorted({node for a, b, _ in links for node in (a, b)}))
    taken = (links.popleft() for _ in range(len(links)))  # each goes from here when it is there
    graph.add_weighted_edges_from((a, b, weight / whole[a]) for a, b, weight in taken)
    return graph


def _others(graph: nx.DiGraph, file: int) -> int:
    """Return how many files draw upon this one."""
    voters = (graph.pred[before] if before < 0 else (before,) for before in graph.pred[file])
    return len({voter for several in voters for voter in several} - {file})
