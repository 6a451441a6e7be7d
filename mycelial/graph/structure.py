"""Looking at the whole: the pieces of work and the hubs of every user, from one state of the database.

This takes seconds where a year's work is in the database, so a live engine has it done by a process of its
own (:mod:`mycelial.graph.background`); it reads and changes nothing.  The same state gives the same groups;
their numbers and names go on from those that were given before.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Mapping, Sequence
from itertools import count
from typing import TypeAlias

from mycelial.graph.adoption import adopt
from mycelial.graph.belonging import settle
from mycelial.graph.communities import Community, communities
from mycelial.graph.gathering import gather
from mycelial.graph.hubs import find_hubs
from mycelial.graph.mixing import join
from mycelial.graph.naming import Names, keep_names
from mycelial.graph.purposes import Purposes
from mycelial.store.clusters import Hub, Named, Structure
from mycelial.store.past import Past

FAINTEST = -1000
"""Rank of what weighs nothing."""

ByPath: TypeAlias = list[tuple[Named, tuple[str, ...]]]


def find_structure(past: Past, before: Sequence[Named] | None = None) -> Structure:
    """Return what the database holds now; names go on from `before` (None: from what its tables say)."""
    named = past.named() if before is None else before
    numbers = count(max((old.id for old in named), default=0) + 1)
    clusters: list[Named] = []
    hubs: list[Hub] = []
    for uid in past.users():
        # First what takes most memory, while there is nothing else yet; the paths when the rest is gone.
        central = find_hubs(past.latest_strands(uid), past.makings(uid), past.paths)
        gc.collect()  # networkx's graphs refer to themselves
        done = Purposes(past.strands(uid))
        joined = communities(done)
        gc.collect()
        paths = past.paths()
        there = (_of_those(community, paths) for community in joined)
        joined = [community for community in there if community.files]
        found = _pieces(joined, done, past.used(uid).intersection(paths), paths)
        hubs += [Hub(uid, place, c.file, c.worth, c.others) for place, c in enumerate(central, 1)]
        clusters += _named(uid, found, [old for old in named if old.uid == uid], paths, numbers)
        del paths, joined, found, done
    return Structure(tuple(clusters), tuple(hubs))


def _pieces(
    joined: Sequence[Community], done: Purposes, used: set[int], paths: Mapping[int, str]
) -> list[Community]:
    """Return the pieces of work with what was joined to none by its use: first what lies in the midst of one,
    which else would be put together with what lies beside it, then what lies beside the larger ones; and each
    file is asked at last whether it is where it belongs, and where changes tell hardly anything before groups
    are put together by what reaches from one into another, too."""
    found = adopt(joined, used.difference(*(group.files for group in joined)), paths)
    if not done.is_told:
        found = join(settle(found, done, paths), done)
    found = gather(found, done, paths, is_told=done.is_told)
    found = adopt(found, used.difference(*(group.files for group in found)), paths)
    found = settle(found, done, paths)
    return [group for group in found if len(group.files) > 1]


def by_path(past: Past) -> ByPath:
    """Return the pieces of work as they stand with the paths of their files: what outlasts a rebuild."""
    paths = past.paths()
    return [(named, tuple(paths[file] for file in named.ranks if file in paths)) for named in past.named()]


def by_number(past: Past, known: ByPath) -> list[Named]:
    """Return what :func:`by_path` gave with the numbers that the files have now."""
    numbers = {path: number for number, path in past.paths().items()}
    return [
        Named(old.id, old.uid, old.label, old.named, {numbers[path]: 0 for path in paths if path in numbers})
        for old, paths in known
    ]


def _named(
    uid: int,
    found: Sequence[Community],
    before: Sequence[Named],
    paths: Mapping[int, str],
    numbers: count[int],
) -> list[Named]:
    groups = [community.files for community in found]
    kept = keep_names(groups, before)
    own = {file: paths[file] for files in groups for file in files}
    names = Names(own, (label for _, label, _ in kept.values() if label is not None))
    clusters = []
    for number, files in enumerate(groups):
        identity, label, size = kept.get(number, (0, None, 0))
        if label is None:
            label, size = names.name(files), len(files)
        ranks = {file: _rank(weight) for file, weight in files.items()}
        clusters.append(Named(identity or next(numbers), uid, label, size, ranks))
    return clusters


def _of_those(community: Community, paths: Mapping[int, str]) -> Community:
    """Return the community without files that have gone while it was looked for."""
    return Community({file: weight for file, weight in community.files.items() if file in paths})


def _rank(weight: float) -> int:
    """Return the half doublings of a weight: a measure that does not change with every access."""
    return round(2.0 * math.log2(weight)) if weight > 0.0 else FAINTEST
