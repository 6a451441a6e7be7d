"""Putting together groups that are used as one piece of work is, where no change tells what was for what.

In a home a list lies open beside everything, something else is looked at in between, two letters are written
in one sitting: all groups touch each other.  Two parts of one piece of work differ from that in three ways.
The typical file of either is used beside those of the other nearly as much as beside its own: the median, not
the sum, as what lies beside everything is a few files only.  Both are used together more often than chance
has it.  And neither is much by itself: a group whose files find most of their company within it (a community
in the sense of Radicchi, Castellano, Cecconi, Loreto, Parisi: "Defining and identifying communities in
networks", 2004) needs no other.

What is known of two groups is found once; of those put together it is the mean over the pairs of their files
(average linkage), so that one which has grown is no nearer to all others than its parts were.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from mycelial.graph.communities import Community
from mycelial.graph.purposes import Purposes

ENOUGH = 0.07
"""How near two groups must be to be put together where half of their files' company is their own."""

CLOSED = 3
"""Power with which it counts how much of their company is others': who keeps to himself is hardly joined."""

SLIGHT = 0.01
"""What is added to how much typical files are used beside others, as there may be no typical one."""

WIDE = 64
"""Groups touched in one go, beyond which it says nothing of each two of them."""


def join(found: Sequence[Community], past: Purposes) -> list[Community]:
    """Return the pieces of work that groups are of, the largest first; each file must be where it belongs."""
    company = _Company(found, past)
    groups = {number: _Group(number, group, company) for number, group in enumerate(found)}
    for (a, b), nearness in company.nearness(groups).items():
        pairs = nearness * len(groups[a].files) * len(groups[b].files)
        groups[a].near[b] = groups[b].near[a] = pairs
    waiting = [entry for number in groups for entry in _entries(number, groups) if entry[1] == number]
    heapq.heapify(waiting)
    while waiting:
        _, a, b, *versions = heapq.heappop(waiting)
        if a in groups and b in groups and versions == [groups[a].version, groups[b].version]:
            _take_in(groups, a, b)
            for entry in _entries(a, groups):
                heapq.heappush(waiting, entry)
    ordered = sorted((group.files for group in groups.values()), key=lambda files: (-len(files), min(files)))
    return [Community(files) for files in ordered]


class _Company:
    """How much each file was used beside those of each group, and each two groups in one go."""

    def __init__(self, found: Sequence[Community], past: Purposes) -> None:
        self.group_of = {file: number for number, group in enumerate(found) for file in group.files}
        self.of_file: dict[int, dict[int, float]] = {file: {} for file in self.group_of}
        self.uses = dict.fromkeys(self.group_of, 0.0)
        self._work: dict[int, float] = {}
        self._common: dict[tuple[int, int], float] = {}
        self._whole = 0.0
        for go in past:
            self._add(go.weight, [file for file in go.files if file in self.group_of])

    def _add(self, weight: float, files: Sequence[int]) -> None:
        self._whole += weight
        counts: dict[int, int] = {}
        for file in files:
            counts[self.group_of[file]] = counts.get(self.group_of[file], 0) + 1
        for group in counts:
            self._work[group] = self._work.get(group, 0.0) + weight
        if len(counts) > WIDE:
            return
        for pair in combinations(sorted(counts), 2):
            self._common[pair] = self._common.get(pair, 0.0) + weight
        share = weight / max(1, len(files) - 1)
        for file in files:
            self.uses[file] += weight
            beside, own = self.of_file[file], self.group_of[file]
            for group, count in counts.items():
                if others := count - (group == own):
                    beside[group] = beside.get(group, 0.0) + share * others

    def nearness(self, groups: Mapping[int, _Group]) -> dict[tuple[int, int], float]:
        """Return how near any two groups are that were used in one go: 1 if as one, drawn from at random."""
        return {
            (a, b): (math.sqrt(self._typical(groups, a, b) * self._typical(groups, b, a)) + SLIGHT)
            * (common * self._whole / (self._work[a] * self._work[b]))
            for (a, b), common in self._common.items()
        }

    def _typical(self, groups: Mapping[int, _Group], a: int, b: int) -> float:
        """Return how much the typical file of `a` is used beside one of `b`: ½ if as much as beside its
        own."""
        own, other = max(1, len(groups[a].files) - 1), len(groups[b].files)
        found = []
        for file in groups[a].files:
            beside = self.of_file[file]
            there, here = beside.get(b, 0.0) / other, beside.get(a, 0.0) / own
            if there or here:
                found.append((there / (there + here), self.uses[file]))
        return _median(found, 0.0)


class _Group:
    """Files, and how near all pairs of one of them and one of another group's are, added up."""

    def __init__(self, number: int, group: Community, company: _Company) -> None:
        self.files = dict(group.files)
        self.near: dict[int, float] = {}
        self.version = 0
        self._uses = company.uses
        self._whole = {file: math.fsum(company.of_file[file].values()) for file in self.files}
        self._inside = {file: company.of_file[file].get(number, 0.0) for file in self.files}
        self._beside = {file: company.of_file[file] for file in self.files}
        self._numbers = [number]
        self.own = self._typical_share()

    def take_in(self, other: _Group) -> None:
        """Take up the files of another group."""
        for group, numbers in ((self, other._numbers), (other, self._numbers)):
            for file in group.files:
                beside = group._beside[file]
                group._inside[file] += math.fsum(beside.get(number, 0.0) for number in numbers)
        self.files |= other.files
        self._whole |= other._whole
        self._inside |= other._inside
        self._beside |= other._beside
        self._numbers += other._numbers
        self.version += 1
        self.own = self._typical_share()

    def _typical_share(self) -> float:
        """Return how much of its company the typical file finds within the group."""
        shares = (
            (self._inside[file] / all_of_it, file) for file, all_of_it in self._whole.items() if all_of_it
        )
        return _median([(share, self._uses[file]) for share, file in shares], 1.0)


def _entries(number: int, groups: Mapping[int, _Group]) -> Iterable[tuple[float, int, int, int, int]]:
    """Yield what a group may be joined with, the nearest as the least, with the versions of both."""
    for other, pairs in groups[number].near.items():
        a, b = min(number, other), max(number, other)
        one, two = groups[a], groups[b]
        open_to_others = 2.0 * (1.0 - min(one.own, two.own))
        near = pairs / (len(one.files) * len(two.files)) * open_to_others**CLOSED
        if near >= ENOUGH:
            yield -near, a, b, one.version, two.version


def _take_in(groups: dict[int, _Group], a: int, b: int) -> None:
    """Make two groups one, under the number of the first."""
    gone = groups.pop(b)
    kept = groups[a]
    kept.take_in(gone)
    for other, pairs in gone.near.items():
        if other != a:
            kept.near[other] = groups[other].near[a] = kept.near.get(other, 0.0) + pairs
            del groups[other].near[b]
    kept.near.pop(b, None)


def _median(weighted: list[tuple[float, float]], nothing: float) -> float:
    """Return the weighted median of values, each with its weight."""
    half, so_far = math.fsum(weight for _, weight in weighted) / 2.0, 0.0
    for value, weight in sorted(weighted):
        so_far += weight
        if so_far >= half:
            return value
    return nothing
