"""The blended ranking: one score for each file that may belong to the one asked for.

Evidence is kept apart by kind in storage and only put together here, when somebody asks, so that the
weights below can change without touching a database.  The heart is P(B given A), estimated from episodes
and drawn towards a prior while evidence is thin; what was used lately counts somewhat more.  The prior
knows how much B is used at all, how near it lies, how alike it is called, and what a short random walk
over the evidence finds (a personalized PageRank cut off after two steps; Page, Brin, Motwani, Winograd:
"The PageRank Citation Ranking", 1999).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from mycelial.store.weighing import READ_WEIGHT

YEAR = 365.25 * 86400.0
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[^\W\d_]+|\d+")


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each kind of evidence counts."""

    shrinkage: float = 2.0  # episodes that the prior is worth
    bond: float = 0.5
    popularity: float = 1.0
    nearness: float = 0.8
    names: float = 0.25
    walk: float = 2.0
    again: float = 0.0
    next: float = 0.03
    provenance: float = 1.0
    used_lately: float = 0.8  # share that a use just now adds to the score …
    used_half_life: float = 0.5 * YEAR  # … and the seconds after which half of that is left


DEFAULT = Weights()

ALONE = replace(DEFAULT, nearness=0.4, walk=4.0, again=10.0)
"""The same where nobody tells what belonged together, as version control does: there two files that were
used together once may have been so by chance, but hardly those that are so again and again."""

UNSURE = 2.0
"""Episodes that are taken to have been without the one of the two files when it is told how regularly they
are used together."""


def weights_for(kept: int, share: float) -> Weights:
    """Return the weights for a file that version control took up in so many episodes.

    `share` is that of the user's episodes in which it took up anything: a new file of somebody who uses it
    is going to be under it, too.
    """
    alone = (1.0 - share) ** 2 / (1.0 + kept)

    def between(told: float, untold: float) -> float:
        return told + alone * (untold - told)

    return replace(
        DEFAULT,
        nearness=between(DEFAULT.nearness, ALONE.nearness),
        walk=between(DEFAULT.walk, ALONE.walk),
        again=between(DEFAULT.again, ALONE.again),
    )


def regularity(both: int, own: int, other: int) -> float:
    """Return how regularly two files are used together, given the episodes with both and with each.

    It is the cosine of the two sets of episodes, where once together counts half, as it may be chance.
    """
    return max(0.0, both - 0.5) / math.sqrt((own + UNSURE) * (other + UNSURE))


class Candidate(NamedTuple):
    """All that the score is made of, for one file B; shares are between 0 and 1.

    Attributes
    ----------
    bond : float
        Present weight of the episodes with both.
    popularity : float
        B's share of all use.
    nearness : float
        1 / sqrt(1 + files there) in the same directory, else 0.
    names : float
        Share of the words of both names that they have in common, rare words counting more.
    walk : float
        Chance of being at B after two steps from A.
    next : float
        Share of the times that B was taken up after A.
    provenance : float
        1 for a sole source or product, less where there are many, 0 for none.
    used_ago : float
        Seconds since B was used; infinite for never.
    again : float
        How regularly A and B are used together.
    """

    bond: float
    popularity: float
    nearness: float
    names: float
    walk: float
    next: float
    provenance: float
    used_ago: float
    again: float = 0.0


def score(candidate: Candidate, usage: float, episodes: int, weights: Weights = DEFAULT) -> float:
    """Return how much B belongs to A: see :func:`scoring`."""
    return scoring(usage, episodes, weights)(candidate)


def scoring(usage: float, episodes: int, weights: Weights) -> Callable[[Candidate], float]:
    """Return what tells how much B belongs to A, `usage` being A's present weight from so many episodes.

    Where A was mostly only read, its episodes weigh little, and so must the prior: it is scaled by the
    root of A's mean weight.
    """
    w, exp2 = weights, math.exp2
    mean = min(1.0, max(READ_WEIGHT, usage / episodes)) if episodes else 1.0
    shrinkage = w.shrinkage * math.sqrt(mean)
    whole = usage + shrinkage
    of_bond, of_popularity, of_nearness, of_names, of_walk = w.bond, w.popularity, w.nearness, w.names, w.walk
    of_again, of_next, of_provenance = w.again, w.next, w.provenance
    lately, half_life = w.used_lately, w.used_half_life

    def scored(candidate: Candidate) -> float:
        bond, popularity, nearness, names, walk, next_, provenance, used_ago, again = candidate
        prior = of_popularity * popularity + of_nearness * nearness + of_names * names + of_walk * walk
        likelihood = (of_bond * bond + shrinkage * prior) / whole
        odds = of_again * again
        likelihood *= (1.0 + odds) / (1.0 + odds * min(1.0, likelihood))  # the odds are so much better
        likelihood *= 1.0 + lately * exp2(-used_ago / half_life)
        return likelihood + of_next * next_ + of_provenance * provenance

    return scored


def crowding(count: int) -> float:
    """Return what one of so many sources, products or neighbours is worth."""
    return 1.0 / (1.0 + math.log(count)) if count > 0 else 0.0


@lru_cache(maxsize=65536)
def words(path: str) -> frozenset[str]:
    """Return the words of a file's name without its extensions, in lower case."""
    name = path.rpartition("/")[2].lstrip(".")
    stem = name.partition(".")[0]
    found = _WORD.findall(_HUMP.sub(" ", stem))
    return frozenset(word.lower() for word in found if len(word) > 1)


def likeness(path: str, others: Iterable[str]) -> dict[str, float]:
    """Return, for each of `others`, how alike its name is to that of `path`.

    Words count by their rarity among the names at hand (inverse document frequency; Spärck Jones: "A
    statistical interpretation of term specificity", 1972).
    """
    own = words(path)
    named = {other: words(other) for other in others}
    frequency = Counter(word for found in named.values() for word in found)
    frequency.update(own)
    rarity = {word: math.log(1.0 + (len(named) + 1) / count) for word, count in frequency.items()}
    return {other: _share(own, found, rarity) for other, found in named.items()}


def _share(a: frozenset[str], b: frozenset[str], rarity: Mapping[str, float]) -> float:
    common = a & b
    if not common:
        return 0.0
    return math.fsum(rarity[word] for word in common) / math.fsum(rarity[word] for word in a | b)


def walk(steps: Mapping[int, Mapping[int, float]], start: int) -> dict[int, float]:
    """Return where a random walk of two steps from `start` ends.

    `steps` holds the weights of the edges out of `start`, and out of those neighbours that are to be
    walked through.
    """
    ends: dict[int, float] = {}
    first = steps[start]
    total = math.fsum(first.values())
    for middle, weight in first.items():
        onward = steps.get(middle)
        if not onward or total <= 0.0:
            continue
        share = weight / total / math.fsum(onward.values())
        for end, further in onward.items():
            ends[end] = ends.get(end, 0.0) + share * further
    ends.pop(start, None)
    return ends
