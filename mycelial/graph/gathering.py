"""Putting together what lies in one place, for as long as too little was done there to tell it apart.

On the second day of a novel each chapter was open once or twice, with one or two others: what these were is
chance, and groups found from that are nothing that their owner knows.  Chapters lie in one folder,
and until the work says otherwise that is the best guess.

It says otherwise if much was done on each of two groups and hardly ever on both.  If all were one piece of
work, drawn from at random, files of the one would be used beside some of the other E times; they are c times.
Where c / E is near to 0 there are two, if E is large enough to tell: lying in one place counts as one or two
such times beside the real ones (additive smoothing).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from heapq import nlargest
from itertools import accumulate, combinations

from mycelial.graph.communities import SHARED, Community
from mycelial.store.past import Strand

TOGETHER = 0.07
"""Share of what chance would have of one piece of work, from which on two groups are one: that lie in one
place, or of which one is of few files and the other of many."""

APART = 0.2
"""The same for two of a size that lie in different places."""

PLACE = 1.5
"""How many that were used together it counts to lie in one directory."""

SPANNED = 0.5
"""How much it counts, beside that, to lie below the directory that another group spreads over."""

COVERED = 2 / 3
"""Share of a group's files that must lie below a directory for that to be its place."""

MET = 16
"""Groups, those with most files there, that any other is compared with in a directory."""

ROUNDS = 20
"""How often, at most, groups are put together: thousands in one directory are not one piece of work."""


def gather(
    found: Sequence[Community], strands: Iterable[Strand], paths: Mapping[int, str]
) -> list[Community]:
    """Return the pieces of work with those put together that too little tells apart, the largest first."""
    pieces = _pieces(found, strands, paths)
    for _ in range(ROUNDS):
        if not _put_together(pieces):
            break
    ordered = sorted(pieces.values(), key=lambda piece: (-len(piece.files), min(piece.files)))
    return [Community(piece.files) for piece in ordered]


class _Piece:
    """A group: where its files lie, how often one was used beside another one of it (`beside`), and how often
    it was used together with each other group (`common`)."""

    def __init__(self, files: Mapping[int, float], directories: Iterable[str]) -> None:
        self.files = dict(files)
        self.beside = 0.0
        self.common: dict[int, float] = {}
        self.directories = Counter(directories)
        self.place = self._place()

    def take_in(self, other: _Piece) -> None:
        """Take up the files of another group."""
        self.files |= other.files
        self.directories += other.directories
        self.place = self._place()

    def within(self, place: str) -> float:
        """Return the share of its files that lie below a directory."""
        inside = (n for d, n in self.directories.items() if d == place or d.startswith(f"{place}/"))
        return sum(inside) / len(self.files)

    def _place(self) -> str:
        """Return the deepest directory that it spreads over; none if all lie in one, or under the root."""
        if len(self.directories) < 2:
            return ""
        below: Counter[str] = Counter()
        for directory, number in self.directories.items():
            for above in _and_above(directory):
                below[above] += number
        covering = [d for d, number in below.items() if number >= COVERED * len(self.files)]
        return max(covering, key=len, default="")


def _pieces(
    found: Sequence[Community], strands: Iterable[Strand], paths: Mapping[int, str]
) -> dict[int, _Piece]:
    """Return the groups by number, with what was done on each and on each two of them."""
    pieces = {
        number: _Piece(group.files, (paths[file].rpartition("/")[0] for file in group.files))
        for number, group in enumerate(found)
    }
    group_of = {file: number for number, group in enumerate(found) for file in group.files}
    latest = 0.0  # what is done today counts 1
    for strand in strands:
        latest = max(latest, strand.weight)
        counts: Counter[int] = Counter()
        most: dict[int, float] = {}
        for file, weight in strand.files.items():
            if (group := group_of.get(file)) is not None:
                counts[group] += 1
                most[group] = max(weight, most.get(group, 0.0))
        for group, number in counts.items():
            pieces[group].beside += strand.weight * most[group] * (number - 1)
        for a, b in combinations(sorted(most), 2):
            common = strand.weight * most[a] * most[b]
            for one, other in ((a, b), (b, a)):
                pieces[one].common[other] = pieces[one].common.get(other, 0.0) + common
    for piece in pieces.values():
        piece.beside /= latest
        piece.common = {other: common / latest for other, common in piece.common.items()}
    return pieces


def _put_together(pieces: dict[int, _Piece]) -> bool:
    """Put those groups together that are to each other what they are the closest to; whether any was."""
    alike: dict[tuple[int, int], float] = {}
    for a, b in _met(pieces):
        likely = _likely(pieces[a], pieces[b], pieces[a].common.get(b, 0.0))
        if likely >= 1.0:
            alike[a, b] = likely
    nearest: dict[int, int] = {}
    for a, b in sorted(alike, key=lambda pair: (-alike[pair], pair)):
        nearest.setdefault(a, b)
        nearest.setdefault(b, a)
    joined = [(a, b) for a, b in sorted(nearest.items()) if a < b and nearest[b] == a]
    for a, b in joined:
        _join(pieces, a, b)
    return bool(joined)


def _met(pieces: Mapping[int, _Piece]) -> set[tuple[int, int]]:
    """Return the pairs of groups that lie in one directory, or the one below what the other spreads over, and
    those of a few files with what they were used with: of these nobody asked yet how far they reach."""
    places = {piece.place for piece in pieces.values() if piece.place}
    there: dict[str, dict[int, int]] = {}
    for number, piece in pieces.items():
        for directory, files in piece.directories.items():
            there.setdefault(directory, {})[number] = files
            for place in places.intersection(_and_above(directory)):
                there.setdefault(place, {})[number] = len(piece.files)
    small = {number for number, piece in pieces.items() if len(piece.files) <= SHARED}
    met = {(min(a, b), max(a, b)) for a in small for b in pieces[a].common}
    for present in there.values():
        most = nlargest(MET, present, key=lambda number: (present[number], -number))
        met |= {(min(a, b), max(a, b)) for a in most for b in present if a != b}
    return met


def _likely(a: _Piece, b: _Piece, common: float) -> float:
    """Return how far two groups are used as one piece of work would be: 1 is enough."""
    sizes = len(a.files), len(b.files)
    expected = (a.beside * sizes[1] + b.beside * sizes[0]) / (sum(sizes) - 1)
    if common + PLACE < TOGETHER * (expected + PLACE):
        return 0.0  # wherever they lie
    inside = (a.directories & b.directories).total() / min(sizes)
    spanned = max(one.within(other.place) if other.place else 0.0 for one, other in ((a, b), (b, a)))
    place = max(inside, SPANNED * spanned)
    alike = min(sizes) / max(sizes)
    least = TOGETHER + (APART - TOGETHER) * (1.0 - place) * math.sqrt(alike)
    return (common + PLACE * place) / (expected + PLACE) / least


def _join(pieces: dict[int, _Piece], a: int, b: int) -> None:
    """Make two groups one; who was used together with one of them was so beside others of the new one."""
    kept, gone = pieces[a], pieces.pop(b)
    kept.take_in(gone)
    kept.beside += gone.beside + kept.common.pop(b, 0.0)
    gone.common.pop(a, None)
    for other, common in gone.common.items():
        kept.common[other] = kept.common.get(other, 0.0) + common
        theirs = pieces[other].common
        theirs[a] = theirs.get(a, 0.0) + theirs.pop(b)


def _and_above(directory: str) -> list[str]:
    """Return the directory and those that it is in, without the root."""
    return list(accumulate(directory.split("/"), lambda above, name: f"{above}/{name}")) if directory else []
