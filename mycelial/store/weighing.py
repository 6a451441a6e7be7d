"""How much one episode says about two files: the formula, in one place for writer and reader alike.

A file counts once in an episode: a file that was written weighs 1, one that was only read far less, for
people read much that they do not need.  The episode spreads its weight: with n files each pair gets
weight(a) * weight(b) / (n - 1), so that a day that touched everything says little about any two.  Files
that one program took up at the same moment share a little more among themselves, and those that version
control took up at the same moment, being one change, share a good deal more.

Old evidence fades: two years halve it.  Nothing is ever rewritten for that.  Instead newer evidence is
written larger, by forward decay from a fixed landmark (Cormode, Shkapenyuk, Srivastava, Xu: "Forward
Decay: A Practical Time Decay Model for Streaming Systems", ICDE 2009), and only ratios are ever used.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import nsmallest

HALF_LIFE = 2 * 365.25 * 86400.0
"""Seconds in which evidence loses half of its weight."""

FARTHEST = 500.0
"""Half-lives from the landmark beyond which weights do not grow or fade any more."""

WRITE_WEIGHT = 1.0
READ_WEIGHT = 0.1

MOMENT = 1.0
"""Seconds within which a burst took up all its files, if they were taken up at the same moment."""

MOMENT_WEIGHT = 0.3
CHANGE_WEIGHT = 0.5
"""What the files of a moment share among themselves, and those of a change, times the larger weight."""

READ_ONLY = 10
"""Up to so many members, also pairs that were both only read are kept; beyond they weigh next to nothing."""

LARGEST = 100
"""Members of an episode whose pairs are kept, the heaviest; a day that built everything has thousands."""


def growth(t: float, landmark: float) -> float:
    """Return by how much evidence of time `t` outweighs evidence of the landmark's time.

    A log whose clock was centuries off must not overflow: beyond a thousand years nothing grows.
    """
    halvings = (t - landmark) / HALF_LIFE
    return math.exp2(min(max(halvings, -FARTHEST), FARTHEST))


def member_weight(writes: int) -> float:
    """Return a file's weight in an episode that wrote it so often."""
    return WRITE_WEIGHT if writes else READ_WEIGHT


@dataclass(slots=True)
class Touch:
    """How one program's burst used one file within an episode: a row of table `touch`.

    Times are in seconds since the epoch; `versions` says that the program was version control, `tree` is the
    pid at the top of its process tree.
    """

    program: str
    first: float
    last: float
    reads: int = 0
    writes: int = 0
    versions: bool = False
    tree: int = 0


class EpisodeEvidence:
    """What an episode says, given its touches by (file, burst).

    Attributes
    ----------
    weights : dict of float
        The weight of each member, by its file.
    """

    def __init__(self, touches: Mapping[tuple[int, int], Touch]) -> None:
        writes: dict[int, int] = {}
        bursts: dict[int, list[int]] = {}
        for (file, burst), touch in sorted(touches.items()):
            writes[file] = writes.get(file, 0) + touch.writes
            bursts.setdefault(burst, []).append(file)
        self.weights = {file: member_weight(count) for file, count in writes.items()}
        self._size = len(self.weights)
        self._kept = self.weights
        if self._size > LARGEST:
            kept = nsmallest(LARGEST, self.weights, key=lambda file: (-self.weights[file], file))
            self._kept = {file: self.weights[file] for file in kept}
        self._moments: dict[int, list[tuple[list[int], float]]] = {}
        for burst, files in bursts.items():
            share = _moment_share([touches[file, burst] for file in files])
            for file in files if share else ():
                self._moments.setdefault(file, []).append((files, share))

    def partners(self, file: int) -> Iterable[tuple[int, float]]:
        """Return (other file, weight of the pair) for one of the members; each other file once.

        However often two files were taken up at the same moment, it counts once in an episode.
        """
        shared: dict[int, float] = {}
        for files, share in self._moments.get(file, ()):
            for other in files:
                shared[other] = max(share, shared.get(other, 0.0))
        shared.pop(file, None)
        found = dict(self._by_episode(file))
        own = self.weights[file]
        for other, share in shared.items():
            found[other] = found.get(other, 0.0) + share * max(own, self.weights[other])
        return found.items()

    def _by_episode(self, file: int) -> Iterator[tuple[int, float]]:
        own = self._kept.get(file)
        if own is None:
            return
        share = own / max(1, self._size - 1)
        for other, weight in self._kept.items():
            if other != file and (self._size <= READ_ONLY or own + weight > 2 * READ_WEIGHT):
                yield other, share * weight


def _moment_share(touches: list[Touch]) -> float:
    """Return what each pair of a burst's files shares for having been taken up at the same moment."""
    span = max(touch.last for touch in touches) - min(touch.first for touch in touches)
    if len(touches) < 2 or span > MOMENT:
        return 0.0
    whole = CHANGE_WEIGHT if all(touch.versions for touch in touches) else MOMENT_WEIGHT
    return whole / (len(touches) - 1)
