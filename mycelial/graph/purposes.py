"""What was used for one purpose, and how far that can be told.

Whoever commits says what belonged together.  Where nobody does, all that was done in one place (a terminal,
a program) in one episode may have been for one purpose, or for several in turn: two projects are open in one
editor, two letters are written on one desktop.  What was used within some moments, in one *spell*, was
for the same one more often than not.

Which of it holds shows in the whole: where a place serves one purpose, its changes, or its spells, are
of the same group of files again and again; where it serves several they go from one to the other as chance
has it.  How far they agree beyond chance is the assortativity of a network by classes (Newman: "Mixing
patterns in networks", 2003).
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum

from mycelial.store.past import Strand

PLACE = 0.5
"""What all changes of one place and episode share among themselves, if places serve one purpose each."""

READ = 0.6
"""What a file counts that was only read, where changes tell hardly anything: who writes a letter opens what
came in, and that is no less of it."""

LEAST = 0.01
"""Share of what was done in a strand that counts as for one purpose in any case, as somebody who works on
one file for long joins it to others in no spell."""

FEW = 50
"""Changes, or spells, of which it is as good to know nothing as to know how far they agree: groups found from
a few are only what happened to be used together."""

TOLD = 0.5
"""How much changes must tell of, beside one that they do not: in an editor that runs all day, what is edited
is no part of the commits made in a terminal."""

FAINT = 1e-3
"""What weighs less is left out."""


class _Kind(IntEnum):
    SURE = 0  # what was done in one spell, or for one change, and nothing else
    CHANGE = 1
    CHANGES = 2  # a strand with several changes
    SPELL = 3
    SPELLS = 4  # a strand of which version control took up nothing, in several spells


class Purposes:
    """What was used for one purpose, as far as that is known, in little room, to be gone through often."""

    def __init__(self, strands: Iterable[Strand]) -> None:
        self._weights = array("d")
        self._kinds = array("b")
        self._strands = array("q")
        self._ends = array("q")
        self._files = array("i")
        self._parts = array("f")
        self.changes = 0.0
        """How far the changes of one place and episode are known to be for one purpose, from 0 to 1."""
        self.spells = 0.0
        """The same of spells."""
        amounts = {True: 0.0, False: 0.0}
        for number, strand in enumerate(strands):
            # Who commits each file by itself says nothing of what belongs together.
            told = any(len(change) > 1 for change in strand.changes)
            parts = strand.changes if told else strand.spells
            amounts[told] += strand.weight * sum(
                math.fsum(files.values()) for files in (parts if told else (strand.files,))
            )
            if len(parts) < 2:
                self._add(_Kind.SURE, number, strand, parts[0] if told else strand.files)
                continue
            for part in parts:
                self._add(_Kind.CHANGE if told else _Kind.SPELL, number, strand, part)
            self._add(_Kind.CHANGES if told else _Kind.SPELLS, number, strand, strand.files)
        self.is_told = amounts[True] >= TOLD * amounts[False]
        """Whether changes tell of a good part of what was done for what purpose it was."""
        if not self.is_told:
            self._parts = array("f", (max(part, READ) for part in self._parts))

    def __iter__(self) -> Iterator[Strand]:
        return (go for _, go in self.numbered(range(len(self._ends))))

    def __len__(self) -> int:
        return len(self._ends)

    def numbered(self, among: Iterable[int]) -> Iterator[tuple[int, Strand]]:
        """Yield those that say anything, with their numbers, which go up to the length."""
        for number, weight in self._said(among):
            start, end = self._ends[number - 1] if number else 0, self._ends[number]
            files = zip(self._files[start:end], self._parts[start:end], strict=True)
            yield number, Strand(weight, dict(files))

    def weight(self) -> float:
        """Return how much there is in all."""
        return math.fsum(weight for _, weight in self._said(range(len(self._ends))))

    def _said(self, among: Iterable[int]) -> Iterator[tuple[int, float]]:
        """Yield the numbers of those that say anything, and what they weigh."""
        trust = max(LEAST, self.spells)
        shares = {
            _Kind.SURE: 1.0,
            _Kind.CHANGE: 1.0,
            _Kind.CHANGES: PLACE * self.changes * self.changes,
            _Kind.SPELL: 1.0 - trust,
            _Kind.SPELLS: trust,
        }
        parts = [shares[kind] for kind in _Kind]
        for number in among:
            part = parts[self._kinds[number]]
            if part > FAINT and self._ends[number] - (self._ends[number - 1] if number else 0) > 1:
                yield number, part * self._weights[number]

    def learn(self, group_of: Mapping[int, int]) -> bool:
        """Find out how far places serve one purpose each, if `group_of` says, by and large, for which each
        file is; whether that says more than changes and spells alone."""
        of_strands: dict[_Kind, dict[int, Counter[int]]] = {_Kind.CHANGE: {}, _Kind.SPELL: {}}
        for place, start, end in self._places():
            counts = of_strands.get(_Kind(self._kinds[place]))
            if counts is None:
                continue
            company: dict[int, float] = {}
            for file, weight in zip(self._files[start:end], self._parts[start:end], strict=True):
                if (group := group_of.get(file)) is not None:
                    company[group] = company.get(group, 0.0) + weight
            if company:
                main = min(company, key=lambda group: (-company[group], group))
                counts.setdefault(self._strands[place], Counter())[main] += 1
        self.changes = _agreement(of_strands[_Kind.CHANGE].values(), 0.0)
        self.spells = _agreement(of_strands[_Kind.SPELL].values(), 1.0)
        return self.changes > 0.0 or (self.spells > 0.0 and _Kind.SPELLS in self._kinds)

    def _add(self, kind: _Kind, number: int, strand: Strand, files: Mapping[int, float]) -> None:
        self._weights.append(strand.weight)
        self._kinds.append(kind)
        self._strands.append(number)
        self._files.extend(files)
        self._parts.extend(files.values())
        self._ends.append(len(self._files))

    def _places(self) -> Iterator[tuple[int, int, int]]:
        """Each one's number, and where its files begin and end."""
        start = 0
        for place, end in enumerate(self._ends):
            yield place, start, end
            start = end


def _agreement(several: Iterable[Counter[int]], unknown: float) -> float:
    """Return how far two of the same are of one group, from 0 (as chance has it) to 1; near to `unknown` if
    there are only few, and that if there are no two, or all are of one group."""
    alike, count = 0.0, 0
    groups: Counter[int] = Counter()
    for counts in several:
        size = counts.total()
        if size > 1:
            alike += sum(number * (number - 1) for number in counts.values()) / (size - 1)
            count += size
            groups.update(counts)
    chance = sum(number * number for number in groups.values()) / count**2 if count else 1.0
    if chance >= 1.0:
        return unknown
    found = max(0.0, (alike / count - chance) / (1.0 - chance))
    return (count * found + FEW * unknown) / (count + FEW)
