"""Giving each file, at last, to the piece of work in whose company it is used, or in whose midst it lies.

Groups are found from the strongest bonds, and one strong bond may be chance: two files of different projects
that were once used in the same minute, beside nothing else.  When the groups are known, it is asked of each
file how much of what it was used beside is of each, over all that was ever done with it, each time counting
the same.  What speaks for several says little; then the directory decides, if nearly all in it is of one.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from heapq import nlargest
from itertools import pairwise

from mycelial.graph.adoption import BESIDE, SHARE, directories
from mycelial.graph.communities import Community
from mycelial.store.past import Strand

PLACE = 2.0
"""How many times of being used in a group's company it counts to lie in its midst."""

ROUNDS = 3
"""How often, at most, it is asked again after some files moved."""

CONSIDERED = 16
"""Groups that are asked about in one go, those of which most was used, beside the file's own."""

AT_ONCE = 65_536
"""Files, about, that are asked about in one go through all that was done, which bounds the memory."""

_Votes = dict[int, dict[int, float]]


def settle(found: Sequence[Community], goes: Iterable[Strand], paths: Mapping[int, str]) -> list[Community]:
    """Return the pieces of work with each file in the one that most speaks for, the largest first; `goes` is
    gone through several times."""
    group_of = {file: number for number, group in enumerate(found) for file in group.files}
    # Files that came one after the other, as those are mostly used together.
    parts = list(pairwise([*sorted(group_of)[::AT_ONCE], max(group_of, default=0) + 1]))
    for _ in range(ROUNDS):
        places = _Places(group_of, paths)
        moved: dict[int, int] = {}
        for first, end in parts:
            votes, once = _of_company(goes, group_of, first, end)
            places.add_to(votes, once)
            moved |= _moved(votes, group_of)
        if not moved:
            break
        group_of |= moved
    groups: dict[int, dict[int, float]] = {}
    for file, number in group_of.items():
        groups.setdefault(number, {})[file] = 0.0
    for group in found:
        for file, weight in group.files.items():
            groups[group_of[file]][file] = weight
    ordered = sorted(groups.values(), key=lambda files: (-len(files), min(files)))
    return [Community(files) for files in ordered]


def _moved(votes: _Votes, group_of: Mapping[int, int]) -> dict[int, int]:
    """Return the files for which more speaks for another group, and that."""
    best = {
        file: max(said, key=lambda group: (said[group], group == group_of[file], -group))
        for file, said in votes.items()
    }
    return {file: group for file, group in best.items() if group != group_of[file]}


def _of_company(
    goes: Iterable[Strand], group_of: Mapping[int, int], first: int, end: int
) -> tuple[_Votes, dict[int, float]]:
    """Return for each file from `first` to before `end` how often it was used in the company of each group,
    and how much it counts that it is used today: by the root of its mean weight, as one that is mostly read
    weighs little each time."""
    votes: _Votes = {}
    used: dict[int, tuple[float, float]] = {}
    latest = 0.0
    for go in goes:
        latest = max(latest, go.weight)
        asked = [file for file in go.files if first <= file < end and file in group_of]
        if not asked:
            continue
        company: dict[int, float] = {}
        for file, weight in go.files.items():
            if (group := group_of.get(file)) is not None:
                company[group] = company.get(group, 0.0) + weight
        if len(company) == 1 == len(go.files):
            continue
        whole = sum(company.values())
        most: Collection[int] = company
        if len(company) > CONSIDERED:
            most = nlargest(CONSIDERED, company, key=lambda group: (company[group], -group))
        for file in asked:
            own, weight = group_of[file], go.files[file]
            uses, weights = used.get(file, (0.0, 0.0))
            used[file] = uses + go.weight, weights + go.weight * weight
            for group in most if own in most else (*most, own):
                beside = company[group] - (weight if group == own else 0.0)
                if beside > 0.0:
                    said = votes.setdefault(file, {})
                    share = beside / (whole - weight)
                    said[group] = said.get(group, 0.0) + go.weight * weight * share
    return votes, {file: latest * math.sqrt(weights / uses) for file, (uses, weights) in used.items()}


class _Places:
    """In which directories how much is of which group."""

    def __init__(self, group_of: Mapping[int, int], paths: Mapping[int, str]) -> None:
        self._group_of, self._paths = group_of, paths
        self._inside: dict[str, Counter[int]] = {}
        for file, group in group_of.items():
            for directory in directories(paths[file]):
                self._inside.setdefault(directory, Counter())[group] += 1
        self._number = {directory: counts.total() for directory, counts in self._inside.items()}
        self._most = {
            directory: nlargest(2, counts, key=counts.__getitem__)
            for directory, counts in self._inside.items()
        }

    def add_to(self, votes: _Votes, once: Mapping[int, float]) -> None:
        """Add what the nearest directory with some others says, if these are nearly all of one group, given
        what each file's use counts once."""
        for file, said in votes.items():
            own = self._group_of[file]
            for directory in directories(self._paths[file]):
                others = self._number[directory] - 1
                if others >= BESIDE:
                    for group in self._most[directory]:  # it is one of these, if any, without the file itself
                        share = (self._inside[directory][group] - (group == own)) / others
                        if share >= SHARE:
                            said[group] = said.get(group, 0.0) + PLACE * share * once[file]
                    break
