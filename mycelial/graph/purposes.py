"""What was used for one purpose, and how far that can be told.

Whoever commits says what belonged together.  Where nobody does, all that was done in one place (a terminal,
a program) in one episode is taken to be for one purpose.  That may be wrong: two projects are open in one
editor, two letters are written on one desktop.  It shows in the whole: a place that serves one purpose
is used for the same one again and again, one that serves several goes from one to the other as chance has it.
How far they agree beyond chance is the assortativity of a network by classes (Newman: "Mixing patterns in
networks", 2003).
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

from mycelial.store.past import Strand

PLACE = 0.5
"""What all changes of one place and episode share among themselves, if places serve one purpose each."""

FAINT = 1e-3
"""What weighs less is left out."""


class _Kind(IntEnum):
    ALONE = 0  # a strand of which version control took up nothing
    CHANGE = 1
    ALL = 2  # a strand with several changes


@dataclass(frozen=True, slots=True)
class Doubt:
    """How far what was used together may have been for different purposes, from 0 to 1: `alone` where no
    version control tells, `whole` in all; `places` says how far places where it tells serve one each."""

    alone: float
    whole: float
    places: float


UNKNOWN = Doubt(1.0, 1.0, 0.0)


class Purposes:
    """What was used for one purpose, as far as that is known, in little room, to be gone through often."""

    def __init__(self, strands: Iterable[Strand]) -> None:
        self._weights = array("d")
        self._kinds = array("b")
        self._strands = array("q")
        self._trees = array("q")
        self._ends = array("q")
        self._files = array("q")
        self._parts = array("d")
        self.places = 0.0
        for number, strand in enumerate(strands):
            # Who commits each file by itself says nothing of what belongs together.
            changes = strand.changes if any(len(change) > 1 for change in strand.changes) else ()
            for change in changes:
                self._add(_Kind.CHANGE, number, strand, change)
            if len(changes) != 1:
                self._add(_Kind.ALL if changes else _Kind.ALONE, number, strand, strand.files)

    def __iter__(self) -> Iterator[Strand]:
        whole = PLACE * self.places * self.places
        for place, files in self._all():
            weight = self._weights[place] * (whole if self._kinds[place] == _Kind.ALL else 1.0)
            if len(files) > 1 and weight > FAINT * self._weights[place]:
                yield Strand(weight, files)

    def doubt(self, group_of: Mapping[int, int]) -> Doubt:
        """Return what is to be doubted if `group_of` says, by and large, which purpose each file is for."""
        changes: dict[int, Counter[int]] = {}  # of a strand: how many were of each group
        trees: dict[int, Counter[int]] = {}
        work: dict[int, float] = {}  # of a tree
        whole = 0.0
        for place, files in self._all():
            kind = self._kinds[place]
            if kind == _Kind.ALL:
                continue
            most = max(files.values()) ** 2  # so what was only read counts for next to nothing
            whole += most
            company: dict[int, float] = {}
            for file, weight in files.items():
                if (group := group_of.get(file)) is not None:
                    company[group] = company.get(group, 0.0) + weight
            if not company:
                continue
            main = min(company, key=lambda group: (-company[group], group))
            if kind == _Kind.CHANGE:
                changes.setdefault(self._strands[place], Counter())[main] += 1
            else:
                tree = self._trees[place]
                trees.setdefault(tree, Counter())[main] += 1
                work[tree] = work.get(tree, 0.0) + most
        if not whole:
            return UNKNOWN
        beside = sum(count for counts in changes.values() if (count := counts.total()) > 1)
        again = sum(work[tree] for tree, counts in trees.items() if counts.total() > 1)
        places = _agreement(changes.values(), 0.0)
        alone = min(1.0, again * (1.0 - _agreement(trees.values(), 1.0)) / whole)
        return Doubt(alone, min(1.0, alone + beside * (1.0 - places) / whole), places)

    def _add(self, kind: _Kind, number: int, strand: Strand, files: Mapping[int, float]) -> None:
        self._weights.append(strand.weight)
        self._kinds.append(kind)
        self._strands.append(number)
        self._trees.append(strand.tree)
        self._files.extend(files)
        self._parts.extend(files.values())
        self._ends.append(len(self._files))

    def _all(self) -> Iterator[tuple[int, dict[int, float]]]:
        start = 0
        for place, end in enumerate(self._ends):
            yield place, dict(zip(self._files[start:end], self._parts[start:end], strict=True))
            start = end


def _agreement(several: Iterable[Counter[int]], unknown: float) -> float:
    """Return how far two of the same are of one group, from 0 (as chance has it) to 1; `unknown` if there are
    no two, or all are of one group."""
    alike, count = 0.0, 0
    groups: Counter[int] = Counter()
    for counts in several:
        size = counts.total()
        if size > 1:
            alike += sum(number * (number - 1) for number in counts.values()) / (size - 1)
            count += size
            groups.update(counts)
    chance = sum(number * number for number in groups.values()) / count**2 if count else 1.0
    return max(0.0, (alike / count - chance) / (1.0 - chance)) if chance < 1.0 else unknown
