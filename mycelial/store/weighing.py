"""How much one episode says about two files: the formula, in one place for writer and reader alike.

A file counts once in an episode: a file that was written weighs 1, one that was only read far less, for
people read much that they do not need.  The episode spreads its weight: with n files each pair gets
weight(a) * weight(b) / (n - 1), so that a day that touched everything says little about any two.

Old evidence fades: two years halve it.  Nothing is ever rewritten for that.  Instead newer evidence is
written larger, by forward decay from a fixed landmark (Cormode, Shkapenyuk, Srivastava, Xu: "Forward
Decay: A Practical Time Decay Model for Streaming Systems", ICDE 2009), and only ratios are ever used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from heapq import nsmallest

HALF_LIFE = 2 * 365.25 * 86400.0
"""Seconds in which evidence loses half of its weight."""

WRITE_WEIGHT = 1.0
READ_WEIGHT = 0.05

READ_ONLY = 10
"""Up to so many members, also pairs that were both only read are kept; beyond they weigh next to nothing."""

LARGEST = 100
"""Members of an episode whose pairs are kept, the heaviest; a day that built everything has thousands."""


def growth(t: float, landmark: float) -> float:
    """Return by how much evidence of time `t` outweighs evidence of the landmark's time."""
    return float(2.0 ** ((t - landmark) / HALF_LIFE))


def member_weight(writes: int) -> float:
    """Return a file's weight in an episode that wrote it so often."""
    return WRITE_WEIGHT if writes else READ_WEIGHT


class EpisodePairs:
    """The pairs that an episode speaks for, given the weights of its members by their file."""

    def __init__(self, weights: Mapping[int, float]) -> None:
        self._size = len(weights)
        self._kept = weights
        if self._size > LARGEST:
            kept = nsmallest(LARGEST, weights, key=lambda file: (-weights[file], file))
            self._kept = {file: weights[file] for file in kept}

    def __contains__(self, file: int) -> bool:
        return file in self._kept

    def members(self) -> Iterable[int]:
        """Return the files that any pair is kept of."""
        return self._kept

    def partners(self, file: int) -> Iterator[tuple[int, float]]:
        """Yield (other file, weight of the pair) for one of the members."""
        own = self._kept[file]
        share = own / max(1, self._size - 1)
        for other, weight in self._kept.items():
            if other != file and (self._size <= READ_ONLY or own + weight > 2 * READ_WEIGHT):
                yield other, share * weight
