"""How much one episode says about two files: the formula, in one place for writer and reader alike.

A file counts once in an episode: a file that was written weighs 1, one that was only read far less, for
people read much that they do not need; and so does what a program made from other files, for who builds a
program writes what he has not thought of.  The episode spreads its weight: with n files each pair gets
weight(a) * weight(b) / (n - 1), so that a day that touched everything says little about any two; where
something was written and version control took up nothing, n is the sum of all weights, at least 2.  Files
that one program took up at the same moment share a little more among themselves.

What version control took up in one go is one change, by its user's own word.  Its files share among
themselves what the episode would otherwise give them, however much else went on then; and of two files of
different changes the episode says next to nothing.  (Zimmermann, Weißgerber, Diehl, Zeller: "Mining Version
Histories to Guide Software Changes", ICSE 2004, take changes for the unit of evidence altogether.)

Old evidence fades: two years halve it.  Nothing is ever rewritten for that.  Instead newer evidence is
written larger, by forward decay from a fixed landmark (Cormode, Shkapenyuk, Srivastava, Xu: "Forward
Decay: A Practical Time Decay Model for Streaming Systems", ICDE 2009), and only ratios are ever used.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from heapq import nsmallest

HALF_LIFE = 2 * 365.25 * 86400.0
"""Seconds in which evidence loses half of its weight."""

FARTHEST = 500.0
"""Half-lives from the landmark beyond which weights do not grow or fade any more."""

WRITE_WEIGHT = 1.0
READ_WEIGHT = 0.1

READ_ALONE = 0.2
"""What reading weighs beside writing that no version control took up: nobody tells what belonged together."""

MOMENT = 1.0
"""Seconds within which a burst took up all its files, if they were taken up at the same moment."""

MOMENT_WEIGHT = 0.4
"""What the files of a moment share among themselves, times the larger weight."""

CHANGE_WEIGHT = 1.0
"""What the files of a change share among themselves, instead of what the episode would give them."""

APART_WEIGHT = 0.1
"""What is left of the episode's part for two files that version control took up in different changes."""

READ_ONLY = 10
"""Up to so many members, also pairs that were both only read are kept; beyond they weigh next to nothing."""

READ_ONLY_ALONE = 20
"""The same where no version control took up anything: there it counts how often they were read together."""

LARGEST = 100
"""Members of an episode whose pairs are kept, the heaviest; a day that built everything has thousands."""


def growth(t: float, landmark: float) -> float:
    """Return by how much evidence of time `t` outweighs evidence of the landmark's time.

    A log whose clock was centuries off must not overflow: beyond a thousand years nothing grows.
    """
    halvings = (t - landmark) / HALF_LIFE
    return math.exp2(min(max(halvings, -FARTHEST), FARTHEST))


def habit(habitual: float, episodes: int) -> float:
    """Return the share of a file's episodes in which nothing but a program's habit took it up."""
    return min(1.0, habitual / episodes) if episodes else 0.0


def member_weight(writes: int, read: float = READ_WEIGHT) -> float:
    """Return a file's weight in an episode that wrote it so often, given that of one which was only read."""
    return WRITE_WEIGHT if writes else read


@dataclass(slots=True)
class Touch:
    """How one program's burst used one file within an episode: a row of table `touch`.

    Times are in seconds since the epoch; `versions` says that the program was version control, `tree` is the
    pid at the top of its process tree.  `made` of the `writes` made it from other files.
    """

    program: str
    first: float
    last: float
    reads: int = 0
    writes: int = 0
    versions: bool = False
    tree: int = 0
    made: int = 0


class EpisodeEvidence:
    """What an episode says, given its touches by (file, burst), and how much (0 to 1) files were taken up by
    a program's habit only.

    Attributes
    ----------
    weights : dict of float
        The weight of each member, by its file.
    """

    def __init__(
        self, touches: Mapping[tuple[int, int], Touch], habitual: Mapping[int, float] | None = None
    ) -> None:
        writes: dict[int, int] = {}
        bursts: dict[int, dict[int, Touch]] = {}
        for (file, burst), touch in sorted(touches.items()):
            writes[file] = writes.get(file, 0) + touch.writes - touch.made
            bursts.setdefault(burst, {})[file] = touch
        self._versioned = {file for (file, _), touch in touches.items() if touch.versions}
        alone = any(writes.values()) and not self._versioned
        self._read = READ_ALONE if alone else READ_WEIGHT
        self.weights = {file: member_weight(count, self._read) for file, count in writes.items()}
        # What was taken up by habit leaves the others as close to one another as if it were not there; and so
        # does what was only read, by as much as it weighs less, where no commit tells what belonged together.
        chosen = {file: 1.0 - (habitual or {}).get(file, 0.0) for file in self.weights}
        others = math.fsum(chosen.values()) - 1.0
        self._keeps_read = others < (READ_ONLY_ALONE if alone else READ_ONLY)
        if alone:
            others = math.fsum(weight * chosen[file] for file, weight in self.weights.items()) - 1.0
        self._others = max(1.0, others)
        self._kept = self.weights
        if len(self.weights) > LARGEST:
            kept = nsmallest(LARGEST, self.weights, key=lambda file: (-self.weights[file], file))
            self._kept = {file: self.weights[file] for file in kept}
        self._shared: dict[
            float, dict[int, float]
        ] = {}  # by the weight of the one file, that with each other
        self._moments: dict[int, list[list[int]]] = {}
        self._changes: dict[int, list[list[int]]] = {}
        for used in bursts.values():
            if all(touch.versions for touch in used.values()):
                members = self._changes
            elif _is_moment(used):
                members = self._moments
                used = {file: touch for file, touch in used.items() if not touch.made}
            else:
                continue
            files = list(used)
            for file in files:
                members.setdefault(file, []).append(files)

    def is_kept(self, file: int) -> bool:
        """Whether version control took the file up."""
        return file in self._versioned

    @property
    def has_changes(self) -> bool:
        """Whether version control took up anything."""
        return bool(self._versioned)

    def partners(self, file: int) -> dict[int, float]:
        """Return the weight of the pair with each other file, for one of the members.

        However often two files were taken up at the same moment, or changed together, it counts once in an
        episode.
        """
        groups = self._changes.get(file)
        if groups is None:
            found = self._by_episode(file)
        else:
            found = {other: CHANGE_WEIGHT * share for other, share in _shares(file, groups).items()}
            for other, weight in self._by_episode(file).items():
                apart = APART_WEIGHT if other in self._changes else 1.0
                found.setdefault(other, weight * apart)
        moments = self._moments.get(file)
        if moments is not None:
            weights = self.weights
            own = weights[file]
            for other, share in _shares(file, moments).items():
                weight = weights[other]
                larger = own if own > weight else weight
                found[other] = found.get(other, 0.0) + MOMENT_WEIGHT * larger * share
        return found

    def _by_episode(self, file: int) -> dict[int, float]:
        """Return what the episode gives to the pairs with `file`: it depends on the weights alone."""
        own = self._kept.get(file)
        if own is None:
            return {}
        shared = self._shared.get(own)
        if shared is None:
            share = own / self._others
            shared = self._shared[own] = {
                other: share * weight
                for other, weight in self._kept.items()
                if self._keeps_read or own + weight > 2 * self._read
            }
        found = shared.copy()
        found.pop(file, None)
        return found


def _shares(file: int, groups: Iterable[list[int]]) -> dict[int, float]:
    """Return what `file` shares with the others of its groups, the largest share counting."""
    shares: dict[int, float] = {}
    for files in groups:
        if len(files) > 1:
            share = 1.0 / (len(files) - 1)
            for other in files:
                if share > shares.get(other, 0.0):
                    shares[other] = share
    shares.pop(file, None)
    return shares


def _is_moment(used: Mapping[int, Touch]) -> bool:
    """Whether a burst took up all its files, several, at the same moment."""
    span = max(touch.last for touch in used.values()) - min(touch.first for touch in used.values())
    return len(used) > 1 and span <= MOMENT
