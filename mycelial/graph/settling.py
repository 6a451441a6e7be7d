"""Giving each file, at last, to the piece of work in whose company it is used, or in whose midst it lies.

Groups are found from the strongest bonds, and one strong bond may be chance: two files of different projects
that were once used in the same minute, beside nothing else.  When the groups are known, it is asked of each
file how much of what it was used beside is of each, over all that was ever done with it, each time counting
the same.  What speaks for several says little; then the directory decides, if nearly all in it is of one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from heapq import nlargest

from mycelial.graph.adoption import BESIDE, SHARE, directories
from mycelial.graph.communities import Community
from mycelial.store.past import Strand

PLACE = 2.0
"""How many times of being used in a group's company it counts to lie in its midst."""

ROUNDS = 3
"""How often, at most, it is asked again after some files moved."""

CONSIDERED = 16
"""Groups that are asked about in one go, those of which most was used, beside the file's own."""

_Votes = dict[int, dict[int, float]]


def settle(found: Sequence[Community], goes: Iterable[Strand], paths: Mapping[int, str]) -> list[Community]:
    """Return the pieces of work with each file in the one that most speaks for, the largest first; `goes` is
    gone through several times."""
    group_of = {file: number for number, group in enumerate(found) for file in group.files}
    for _ in range(ROUNDS):
        votes = _of_company(goes, group_of)
        _add_places(votes, group_of, paths)
        moved = {
            file: best
            for file, said in votes.items()
            if (best := max(said, key=lambda group: (said[group], group == group_of[file], -group)))
            != group_of[file]
        }
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


def _of_company(goes: Iterable[Strand], group_of: Mapping[int, int]) -> _Votes:
    """Return for each file how often it was used in the company of each group: what is done today with one
    that is written counts 1."""
    votes: _Votes = {}
    latest = 0.0
    for go in goes:
        latest = max(latest, go.weight)
        company: dict[int, float] = {}
        for file, weight in go.files.items():
            if (group := group_of.get(file)) is not None:
                company[group] = company.get(group, 0.0) + weight
        whole = sum(company.values())
        most = nlargest(CONSIDERED, company, key=lambda group: (company[group], -group))
        for file, weight in go.files.items():
            own = group_of.get(file)
            if own is None or len(company) == 1 == len(go.files):
                continue
            said = votes.setdefault(file, {})
            for group in {*most, own}:
                beside = company[group] - (weight if group == own else 0.0)
                if beside > 0.0:
                    part = go.weight * weight * beside / (whole - weight)
                    said[group] = said.get(group, 0.0) + part
    return {
        file: {group: part / latest for group, part in said.items()} for file, said in votes.items() if said
    }


def _add_places(votes: _Votes, group_of: Mapping[int, int], paths: Mapping[int, str]) -> None:
    """Add what the nearest directory says in which there are some others, if these are nearly all of one."""
    inside: dict[str, Counter[int]] = {}
    for file, group in group_of.items():
        for directory in directories(paths[file]):
            inside.setdefault(directory, Counter())[group] += 1
    number = {directory: counts.total() for directory, counts in inside.items()}
    most = {directory: nlargest(2, counts, key=counts.__getitem__) for directory, counts in inside.items()}
    for file, said in votes.items():
        own = group_of[file]
        for directory in directories(paths[file]):
            others = number[directory] - 1
            if others >= BESIDE:
                for group in most[directory]:  # it is one of these, if any, without the file itself
                    share = (inside[directory][group] - (group == own)) / others
                    if share >= SHARE:
                        said[group] = said.get(group, 0.0) + PLACE * share
                break
