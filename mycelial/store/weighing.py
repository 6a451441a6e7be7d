"""How much one episode says about two files: the formula, in one place for writer and reader alike.

A file counts once in an episode: a file that was written weighs 1, one that was only read far less, for
people read much that they do not need.  The episode spreads its weight: with n files each pair gets
weight(a) * weight(b) / (n - 1), so that a day that touched everything says little about any two.

Old evidence fades: two years halve it.  Nothing is ever rewritten for that.  Instead newer evidence is
written larger, by forward decay from a fixed landmark (Cormode, Shkapenyuk, Srivastava, Xu: "Forward
Decay: A Practical Time Decay Model for Streaming Systems", ICDE 2009), and only ratios are ever used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

HALF_LIFE = 2 * 365.25 * 86400.0
"""Seconds in which evidence loses half of its weight."""

WRITE_WEIGHT = 1.0
READ_WEIGHT = 0.05

READ_ONLY_PAIRS = 10
"""Up to so many members, also pairs that were both only read are kept; beyond they weigh next to nothing."""


def growth(t: float, landmark: float) -> float:
    """Return by how much evidence of time `t` outweighs evidence of the landmark's time."""
    return float(2.0 ** ((t - landmark) / HALF_LIFE))


def member_weight(writes: int) -> float:
    """Return a file's weight in an episode that wrote it so often."""
    return WRITE_WEIGHT if writes else READ_WEIGHT


def pair_weight(a: float, b: float, members: int) -> float:
    """Return what an episode of `members` files with member weights `a` and `b` says about the pair."""
    return a * b / (members - 1)


def partners(file: int, weights: Mapping[int, float]) -> Iterable[tuple[int, float]]:
    """Yield (other file, pair weight) for one member of an episode, whose members' weights are given."""
    own = weights[file]
    members = len(weights)
    for other, weight in weights.items():
        if other != file and (members <= READ_ONLY_PAIRS or own + weight > 2 * READ_WEIGHT):
            yield other, pair_weight(own, weight, members)
