"""Giving what was hardly ever used to the piece of work in whose directory it lies.

Files that were changed once, together with no others, or that were only ever used alone, are joined to
nothing by their use.  Where nearly all that lies beside them is of one piece of work, they are of it, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from mycelial.graph.communities import Community

SMALL = 5
"""Files that a group may have to be taken for a remainder."""

SHARE = 2 / 3
"""Share of a directory's files that must be of one piece of work, and of a group's that must lie in such."""

BESIDE = 3
"""Other files that there must be in a directory, else the one above it decides."""

ALONE = -1
"""Number of the group of a file that is in none."""


def adopt(found: Sequence[Community], alone: Iterable[int], paths: Mapping[int, str]) -> list[Community]:
    """Return the pieces of work with what lies beside them, the largest first; `alone` are files of none."""
    groups: list[dict[int, float]] = [dict(community.files) for community in found]
    lone = sorted(alone, key=lambda file: paths[file])
    within = _within(groups, lone, paths)
    parents = {number: _parent(group, number, groups, within, paths) for number, group in enumerate(groups)}
    adopted = [(file, _parent((file,), ALONE, groups, within, paths)) for file in lone]
    for number, parent in parents.items():
        if parent is not None:
            groups[parent] |= groups[number]
    for file, parent in adopted:
        if parent is not None:
            groups[parent][file] = 0.0
    kept = [group for number, group in enumerate(groups) if parents[number] is None]
    return [Community(group) for group in sorted(kept, key=lambda group: (-len(group), min(group)))]


class _Inside:
    """What lies in and below a directory: how many files of each group, how many of all, and of which group
    the most (None: of none).  Files on their own are only counted: nothing is ever joined to them.
    """

    __slots__ = ("counts", "most", "whole")

    def __init__(self, counts: Mapping[int, int], lone: int) -> None:
        self.counts = counts
        self.whole = sum(counts.values()) + lone
        self.most = min(counts, key=lambda group: (-counts[group], group), default=None)


_NONE: Mapping[int, int] = {}


def _within(
    groups: Sequence[Mapping[int, float]], lone: Iterable[int], paths: Mapping[int, str]
) -> dict[str, _Inside]:
    """Return what lies in and below each directory."""
    found: dict[str, Counter[int]] = {}
    for number, group in enumerate(groups):
        for file in group:
            for directory in directories(paths[file]):
                found.setdefault(directory, Counter())[number] += 1
    others = Counter(directory for file in lone for directory in directories(paths[file]))
    return {
        directory: _Inside(found.get(directory, _NONE), others[directory]) for directory in found | others
    }


def _parent(
    group: Collection[int],
    number: int,
    groups: Sequence[Mapping[int, float]],
    within: Mapping[str, _Inside],
    paths: Mapping[int, str],
) -> int | None:
    """Return the piece of work that a small group belongs to, if there is one."""
    if len(group) > SMALL:
        return None
    votes: Counter[int] = Counter()
    for file in group:
        for directory in directories(paths[file]):
            inside = within[directory]
            if inside.whole >= BESIDE + len(group):
                most = inside.most
                if (
                    most is not None
                    and inside.counts[most] >= SHARE * inside.whole
                    and len(groups[most]) > SMALL
                ):
                    votes[most] += 1
                break
            if len(group) > 2 and 2 * inside.counts[number] > inside.whole:  # a directory of its own
                break
    if not votes:
        return None
    chosen = min(votes, key=lambda other: (-votes[other], other))
    return chosen if votes[chosen] >= SHARE * len(group) else None


def directories(path: str) -> list[str]:
    """Return the directories that the file is in, the nearest first, without the root."""
    names = path.split("/")[:-1]
    return ["/".join(names[:depth]) for depth in range(len(names), 0, -1)]
