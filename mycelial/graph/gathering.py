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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import nlargest
from itertools import accumulate, combinations, islice

from mycelial.graph.communities import SHARED, Community, Reach, add_reach, by_group
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

WIDE = 64
"""Groups touched by one strand, beyond which it is not told of each two of them that they were used together:
that is worked out for those that are compared."""

ROUNDS = 20
"""How often, at most, groups are put together: thousands in one directory are not one piece of work."""


def gather(
    found: Sequence[Community], strands: Iterable[Strand], paths: Mapping[int, str], *, is_told: bool = True
) -> list[Community]:
    """Return the pieces of work with those put together that too little tells apart, the largest first.

    Where changes do not tell (`is_told`) what was for one purpose, a few files of a group are used beside
    everything: how often two groups were used together is counted without those that carry most of it.
    """
    pieces = _pieces(found, strands, paths, is_told=is_told)
    for _ in range(ROUNDS):
        if not _put_together(pieces):
            break
    ordered = sorted(pieces.values(), key=lambda piece: (-len(piece.files), min(piece.files)))
    return [Community(piece.files) for piece in ordered]


class _Piece:
    """A group: where its files lie, how often one was used beside another one of it (`beside`), and how often
    it was used together with each other group: in strands of a few groups (`common`, by group), and in those
    of many (`wide`, by strand, its part in what any two were)."""

    def __init__(self, files: Mapping[int, float], directories: Iterable[str]) -> None:
        self.files = dict(files)
        self.beside = 0.0
        self.common: dict[int, float] = {}
        self.wide: dict[int, float] = {}
        self.directories = Counter(directories)
        self.place = ""
        self._below: Counter[str] = Counter()
        self._spread()

    def take_in(self, other: _Piece) -> None:
        """Take up the files of another group."""
        self.files |= other.files
        self.directories += other.directories
        self._spread()

    def within(self, place: str) -> float:
        """Return the share of its files that lie below a directory."""
        return self._below[place] / len(self.files)

    def with_it(self, number: int, other: _Piece) -> float:
        """Return how often it was used together with another group, which has this number."""
        few, many = sorted((self.wide, other.wide), key=len)
        wide = math.fsum(part * many[strand] for strand, part in few.items() if strand in many)
        return self.common.get(number, 0.0) + wide

    def _spread(self) -> None:
        """Find the deepest directory that it spreads over; none if all lie in one, or under the root."""
        self._below = Counter()
        for directory, number in self.directories.items():
            for above in _and_above(directory):
                self._below[above] += number
        covering = [d for d, number in self._below.items() if number >= COVERED * len(self.files)]
        self.place = max(covering, key=len, default="") if len(self.directories) > 1 else ""


def _pieces(
    found: Sequence[Community], strands: Iterable[Strand], paths: Mapping[int, str], *, is_told: bool
) -> dict[int, _Piece]:
    """Return the groups by number, with what was done on each and on each two of them."""
    pieces = {
        number: _Piece(group.files, (paths[file].rpartition("/")[0] for file in group.files))
        for number, group in enumerate(found)
    }
    group_of = {file: number for number, group in enumerate(found) for file in group.files}
    reach: dict[tuple[int, int], Reach] = {}
    latest = 0.0  # what is done today counts 1
    for turn, strand in enumerate(strands):
        latest = max(latest, strand.weight)
        touched = by_group(strand, group_of)
        most = {group: max(files.values()) for group, files in touched.items()}
        for group, files in touched.items():
            pieces[group].beside += strand.weight * most[group] * (len(files) - 1)
        if len(most) > WIDE:
            for group, weight in most.items():
                pieces[group].wide[turn] = math.sqrt(strand.weight) * weight
        elif not is_told:
            add_reach(strand.weight, touched, {}, reach)
        else:
            for a, b in combinations(sorted(most), 2):
                common = strand.weight * most[a] * most[b]
                for one, other in ((a, b), (b, a)):
                    pieces[one].common[other] = pieces[one].common.get(other, 0.0) + common
    for (a, b), known in reach.items():
        pieces[a].common[b] = pieces[b].common[a] = known.broad
    for piece in pieces.values() if latest else ():
        piece.beside /= latest
        piece.common = {other: common / latest for other, common in piece.common.items()}
        piece.wide = {turn: part / math.sqrt(latest) for turn, part in piece.wide.items()}
    return pieces


def _put_together(pieces: dict[int, _Piece]) -> bool:
    """Put those groups together that are to each other what they are the closest to; whether any was."""
    nearest: dict[int, tuple[float, tuple[int, int]]] = {}
    for a, b in _met(pieces):
        likely = _likely(pieces[a], pieces[b], pieces[a].with_it(b, pieces[b]))
        if likely >= 1.0:
            found = (-likely, (min(a, b), max(a, b)))
            for one in found[1]:
                nearest[one] = min(found, nearest.get(one, found))
    joined = [pair for one, (_, pair) in sorted(nearest.items()) if one == pair[0]]
    joined = [(a, b) for a, b in joined if nearest[b][1] == (a, b)]
    for a, b in joined:
        _join(pieces, a, b)
    return bool(joined)


def _met(pieces: Mapping[int, _Piece]) -> Iterator[tuple[int, int]]:
    """Yield the pairs of groups that lie in one directory, or the one below what the other spreads over, and
    those of a few files with what they were used with: of these nobody asked yet how far they reach.

    However many there are, each is compared with some: of all in a directory with those of most files
    there, of all that it was used with with those that it most was, and of what strands touched beside many
    others with those that nearly the same strands did.
    """
    places = {piece.place for piece in pieces.values() if piece.place}
    there: dict[str, dict[int, int]] = {}
    for number, piece in pieces.items():
        for directory, files in piece.directories.items():
            there.setdefault(directory, {})[number] = files
            for place in places.intersection(_and_above(directory)):
                there.setdefault(place, {})[number] = len(piece.files)
    of_piece: dict[int, list[str]] = {}
    for directory, present in there.items():
        for number in present:
            of_piece.setdefault(number, []).append(directory)
    most = {
        directory: nlargest(MET, present, key=lambda number: (present[number], -number))
        for directory, present in there.items()
    }
    wide = sorted((tuple(islice(piece.wide, MET)), number) for number, piece in pieces.items() if piece.wide)
    order = [number for _, number in wide]
    turns = {number: turn for turn, number in enumerate(order)}
    for number, piece in pieces.items():
        met = {other for directory in of_piece[number] for other in most[directory]}
        if len(piece.files) <= SHARED:
            met.update(nlargest(WIDE, piece.common, key=lambda other: (piece.common[other], -other)))
            if piece.wide:
                turn = turns[number]
                met.update(order[max(0, turn - MET // 2) : turn + MET // 2 + 1])
        met.discard(number)
        yield from ((number, other) for other in met)


def _likely(a: _Piece, b: _Piece, common: float) -> float:
    """Return how far two groups are used as one piece of work would be: 1 is enough."""
    sizes = len(a.files), len(b.files)
    expected = (a.beside * sizes[1] + b.beside * sizes[0]) / (sum(sizes) - 1)
    if common + PLACE < TOGETHER * (expected + PLACE):
        return 0.0  # wherever they lie
    few, many = sorted((a.directories, b.directories), key=len)
    inside = sum(min(number, many[directory]) for directory, number in few.items()) / min(sizes)
    spanned = max(one.within(other.place) if other.place else 0.0 for one, other in ((a, b), (b, a)))
    place = max(inside, SPANNED * spanned)
    alike = min(sizes) / max(sizes)
    least = TOGETHER + (APART - TOGETHER) * (1.0 - place) * math.sqrt(alike)
    return (common + PLACE * place) / (expected + PLACE) / least


def _join(pieces: dict[int, _Piece], a: int, b: int) -> None:
    """Make two groups one; who was used together with one of them was so beside others of the new one."""
    kept, gone = pieces[a], pieces.pop(b)
    kept.beside += gone.beside + kept.with_it(b, gone)
    kept.take_in(gone)
    kept.common.pop(b, None)
    gone.common.pop(a, None)
    for strand, part in gone.wide.items():
        kept.wide[strand] = kept.wide.get(strand, 0.0) + part
    for other, common in gone.common.items():
        kept.common[other] = kept.common.get(other, 0.0) + common
        theirs = pieces[other].common
        theirs[a] = theirs.get(a, 0.0) + theirs.pop(b)


def _and_above(directory: str) -> list[str]:
    """Return the directory and those that it is in, without the root."""
    return list(accumulate(directory.split("/"), lambda above, name: f"{above}/{name}")) if directory else []
