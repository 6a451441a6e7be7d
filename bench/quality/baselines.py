"""The methods that ours is held against, each as plain as its definition.

They are given the log without any noise and without the names that programs only pass through, which is more
than they could have; "count, with noise" is what the first of them makes of a log as it is.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from bench.quality.questions import Answer
from mycelial.record.events import Event, Op

GAP = 300.0
"""Seconds without an access that end an episode."""

WINDOW = 30.0
"""Seconds for which a file that was read is taken for an input of what is written (Connections)."""

RETURN = 0.15
"""The chance that a random walk begins anew (PageRank)."""

STEPS = 10
"""Steps after which a random walk hardly changes any more."""

Scores = Mapping[str, float]
Method = Callable[["Log", str], Scores]


class Log:
    """A log as the baselines see it: accesses in order, and baskets of what was used without a long pause.

    `files` are those that may be answered; a renamed file is known by its latest name.
    """

    def __init__(self, events: Sequence[Event], files: Iterable[str]) -> None:
        self.files = frozenset(files)
        latest: dict[str, str] = {}
        for event in reversed(events):
            if event.op is Op.RENAME and event.to is not None:
                latest[event.path] = latest.get(event.to, event.to)
        self.accesses = [
            (event.t, event.process.uid, path, event.op is not Op.READ and event.op is not Op.OPEN)
            for event in events
            if (path := self._known(event, latest)) is not None
        ]
        self.baskets = [basket for basket in self._baskets() if len(basket) > 1]
        self.counts = Counter(path for basket in self.baskets for path in basket)
        self._together: dict[str, Counter[str]] = {}
        self._of: dict[str, list[set[str]]] = defaultdict(list)
        for basket in self.baskets:
            for path in basket:
                self._of[path].append(basket)
        self.after: dict[str, str] = {}
        for (_, one, a, _), (_, other, b, _) in pairwise(self.accesses):
            if a != b and one == other:
                self.after[a] = b
        self.connections = self._connections()

    def together(self, path: str) -> Counter[str]:
        """Return in how many baskets each other file was with this one."""
        if path not in self._together:
            found = Counter(other for basket in self._of[path] for other in basket if other != path)
            self._together[path] = found
        return self._together[path]

    def _known(self, event: Event, latest: Mapping[str, str]) -> str | None:
        path = event.to if event.to is not None else event.path
        path = path if path in self.files else latest.get(path, path)
        return path if path in self.files else None

    def _baskets(self) -> Iterator[set[str]]:
        open_baskets: dict[int, tuple[float, set[str]]] = {}
        for t, uid, path, _ in self.accesses:
            last, basket = open_baskets.get(uid, (-math.inf, set()))
            if t - last > GAP:
                yield basket
                basket = set()
            basket.add(path)
            open_baskets[uid] = t, basket
        yield from (basket for _, basket in open_baskets.values())

    def _connections(self) -> dict[str, Counter[str]]:
        """Links from what was read within the window to what was written, followed in both directions."""
        links: dict[str, Counter[str]] = defaultdict(Counter)
        lately: dict[int, dict[str, float]] = defaultdict(dict)
        for t, uid, path, is_write in self.accesses:
            window = lately[uid]
            for other in [other for other, read in window.items() if t - read > WINDOW]:
                del window[other]
            if is_write:
                for other in window:
                    if other != path:
                        links[other][path] += 1
                        links[path][other] += 1
            else:
                window[path] = t
        return links


def answering(method: Method, log: Log) -> Answer:
    """Return a method as something that can be asked; equal scores are told by path."""

    def answer(path: str) -> Sequence[str]:
        scores = method(log, path)
        return sorted((p for p, score in scores.items() if score > 0), key=lambda p: (-scores[p], p))

    return answer


def count(log: Log, path: str) -> Scores:
    return log.together(path)


def jaccard(log: Log, path: str) -> Scores:
    own = log.counts[path]
    return {b: n / (own + log.counts[b] - n) for b, n in log.together(path).items()}


def cosine(log: Log, path: str) -> Scores:
    own = log.counts[path]
    return {b: n / math.sqrt(own * log.counts[b]) for b, n in log.together(path).items()}


def lift(log: Log, path: str) -> Scores:
    own = log.counts[path]
    return {b: n * len(log.baskets) / (own * log.counts[b]) for b, n in log.together(path).items()}


def pmi(log: Log, path: str) -> Scores:
    """Pointwise mutual information, weighted by how often it was seen (Church, Hanks, 1990)."""
    return {b: log.together(path)[b] * math.log(x) for b, x in lift(log, path).items()}


def last_successor(log: Log, path: str) -> Scores:
    """What came after it the last time, what came after that, and so on (Amer, Long, 2002)."""
    chain: dict[str, float] = {}
    following = log.after.get(path)
    while following is not None and following not in chain and following != path and len(chain) < 20:
        chain[following] = 1.0 / (1 + len(chain))
        following = log.after.get(following)
    return chain


def connections(log: Log, path: str) -> Scores:
    """The relation graph of Connections, spread over two steps (Soules, Ganger, SOSP 2005)."""
    first = log.connections.get(path, Counter())
    scores: dict[str, float] = defaultdict(float, first)
    whole = sum(first.values())
    for middle, weight in first.items():
        onward = log.connections[middle]
        total = sum(onward.values())
        for other, further in onward.items():
            scores[other] += 0.5 * weight / whole * further / total
    scores.pop(path, None)
    return scores


def popularity(log: Log, path: str) -> Scores:
    return {other: float(n) for other, n in log.counts.items() if other != path}


def same_directory(log: Log, path: str) -> Scores:
    """The files beside it, the most used first."""
    folder = path.rpartition("/")[0]
    return {b: 1.0 + log.counts[b] for b in log.files if b != path and b.rpartition("/")[0] == folder}


def pagerank(log: Log, path: str) -> Scores:
    """A random walk over the counts that returns to the file (Page, Brin, Motwani, Winograd, 1999)."""
    here: dict[str, float] = {path: 1.0}
    for _ in range(STEPS):
        there: dict[str, float] = defaultdict(float)
        there[path] = RETURN
        for a, share in here.items():
            onward = log.together(a)
            total = sum(onward.values())
            for b, n in onward.items():
                there[b] += (1 - RETURN) * share * n / total
        here = there
    return {b: share for b, share in here.items() if b != path}


METHODS: dict[str, Method] = {
    "count": count,
    "Jaccard": jaccard,
    "cosine": cosine,
    "lift": lift,
    "PMI": pmi,
    "last successor": last_successor,
    "Connections, 30 s": connections,
    "popularity": popularity,
    "same directory": same_directory,
    "PageRank": pagerank,
}
