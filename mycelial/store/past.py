"""Looking at the past as a whole: which files there are, and the strands that they were used in.

An episode is all that a user did between two pauses, be it for one purpose or for several at once.  Its
*strands* are kept apart by where it was done: this terminal, that one, a program of the desktop.  Where
version control took up what was done, a strand is told apart further: by its changes.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Self, TypeAlias

from mycelial.store.clusters import Named, read_named
from mycelial.store.connection import Database
from mycelial.store.database import explained, open_reader
from mycelial.store.files import ROOT
from mycelial.store.names import from_column
from mycelial.store.tree import DEEPEST, SCRATCH
from mycelial.store.weighing import WRITE_WEIGHT, growth, member_weight

LOOKED_BACK = 3_000_000
"""Touches that are looked at, the latest; a year's heavy use has about as many."""

SPELL = 60.0
"""Seconds in which what is used in one place is taken to be for one purpose where no commit tells."""

SEPARATE = 25
"""Commits of one file each, one right after the other, that may be of one change; more are a rebase."""

_Row: TypeAlias = tuple[int | None, str | bytes, int]  # parent, name, gone
_Touch: TypeAlias = tuple[int, int, float, int, int]  # file, burst, first, writes, versions


@dataclass(frozen=True, slots=True)
class Strand:
    """What one user's processes of one tree used in one episode.

    Attributes
    ----------
    weight : float
        How much of it is left today, grown from the landmark.
    files : dict of float
        The weight of each file: that of a written one, or of one that was only read.
    changes : tuple of dict
        For each change that version control took up in it, in order of time, the weight of its files and of
        what else was used since the change before; what came after the last one is the last of them.
    spells : tuple of dict
        The same for each minute or so, if no change is of several files.
    """

    weight: float
    files: dict[int, float]
    changes: tuple[dict[int, float], ...] = ()
    spells: tuple[dict[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Making:
    """A product and one of its sources, read for it last at `t`; `weight` is grown from the landmark."""

    product: int
    source: int
    t: float
    weight: float


class Past:
    """The database as it is; to read it all takes seconds where there is much."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._execute = database.conn.execute
        self._numbers: set[int] | None = None

    @classmethod
    @contextmanager
    def open(cls, db: Path) -> Iterator[Self]:
        """Look at the database at `db`, read-only, while a writer may go on.

        Each question sees the state of its own moment, so that the journal need not be kept for long; files
        that came after the first one are left out of all.

        Raises
        ------
        StoreError
            There is no usable database.
        """
        database = open_reader(db)
        try:
            with explained(db):
                yield cls(database)
        finally:
            database.conn.close()

    def users(self) -> list[int]:
        """Return the users who have episodes, sorted."""
        return [uid for (uid,) in self._execute("SELECT DISTINCT uid FROM episode ORDER BY uid")]

    def named(self) -> list[Named]:
        """Return all pieces of work as they were found the last time."""
        return read_named(self._database)

    def paths(self) -> dict[int, str]:
        """Return the path of every file that may be shown, as :class:`mycelial.store.tree.FileTree` does.

        They take much room, so they are read anew each time; some may have come and gone meanwhile.
        """
        return dict(self._shown())

    def _visible(self) -> set[int]:
        """Return the files that might be shown when this was asked first."""
        if self._numbers is None:
            self._numbers = {number for number, _ in self._shown()}
        return self._numbers

    def _shown(self) -> Iterator[tuple[int, str]]:
        """Yield number and path of every file that may be shown."""
        rows = self._execute("SELECT id, parent, name, gone FROM file WHERE id IN (SELECT parent FROM file)")
        inner: dict[int, _Row] = {number: (parent, name, gone) for number, parent, name, gone in rows}
        directories: dict[int, str | None] = {ROOT: ""}
        for number, parent, column in self._execute(
            "SELECT id, parent, name FROM file WHERE parent IS NOT NULL AND NOT gone AND NOT transient"
            " ORDER BY id"
        ):
            if number not in inner:
                above = _directory(parent, inner, directories)
                name = from_column(column)
                if above is not None and not SCRATCH.match(name):
                    yield number, above + name

    def strands(self, uid: int) -> Iterator[Strand]:
        """Yield the user's strands in order of time: those with two files or more that may be shown.

        What programs took up by habit, most of the times, is left out: it is part of all that is done.
        """
        for strands in self._episodes(uid, "ASC"):
            yield from strands

    def latest_strands(self, uid: int) -> Iterator[Strand]:
        """Yield the same, the latest first."""
        for strands in self._episodes(uid, "DESC"):
            yield from reversed(strands)

    def _episodes(self, uid: int, order: str) -> Iterator[list[Strand]]:
        """Yield the strands of each episode."""
        shown, habitual = self._visible(), self._habitual(uid)
        landmark = self._execute("SELECT value FROM meta WHERE key = 'landmark'").fetchone()
        oldest = self._execute(
            "SELECT episode FROM touch ORDER BY episode DESC LIMIT 1 OFFSET ?", (LOOKED_BACK,)
        ).fetchone()
        rows = self._execute(
            "SELECT episode.id, ended, tree, file, burst, first, writes, versions FROM episode"
            " CROSS JOIN touch ON touch.episode = episode.id"
            f" WHERE uid = ? AND episode.id > ? ORDER BY episode.id {order}",
            (uid, 0 if oldest is None else oldest[0]),
        )
        for _, touches in groupby(rows, key=itemgetter(0)):
            trees: dict[int, list[_Touch]] = {}
            for touch in touches:
                ended, tree, file = touch[1:4]
                if file in shown and file not in habitual:
                    trees.setdefault(tree, []).append(touch[3:])
            strands = []
            for _, used in sorted(trees.items()):
                writes: dict[int, int] = {}
                for file, _, _, count, _ in used:
                    writes[file] = writes.get(file, 0) + count
                if len(writes) > 1:
                    files = {file: member_weight(count) for file, count in writes.items()}
                    changes = _changes(used)
                    spells = () if any(len(change) > 1 for change in changes) else _spells(used)
                    strands.append(Strand(growth(ended, landmark[0]), files, changes, spells))
            yield strands

    def used(self, uid: int) -> set[int]:
        """Return the user's files that may be shown, without what programs took up by habit."""
        rows = self._execute("SELECT file FROM usage WHERE uid = ?", (uid,))
        shown = self._visible()
        return {file for (file,) in rows if file in shown} - self._habitual(uid)

    def _habitual(self, uid: int) -> set[int]:
        rows = self._execute("SELECT file FROM usage WHERE uid = ? AND habitual > episodes / 2.0", (uid,))
        return {file for (file,) in rows}

    def makings(self, uid: int) -> Iterator[Making]:
        """Yield what the user's products were made from, as far as both may be shown."""
        shown = self._visible()
        landmark = self._execute("SELECT value FROM meta WHERE key = 'landmark'").fetchone()
        for product, source, t, count in self._execute(
            "SELECT product, source, t, count FROM source WHERE uid = ?", (uid,)
        ):
            if product in shown and source in shown:
                yield Making(product, source, t, count * growth(t, landmark[0]))


def _changes(touches: Iterable[_Touch]) -> tuple[dict[int, float], ...]:
    """Return the changes of a strand: whoever commits says that what he did since the last time is done.

    Files that are each committed alone, one right after the other, are of one change, but not if there are so
    many of them that a program did it: then each is what it was committed as.
    """
    taken: dict[int, dict[int, float]] = {}
    at: dict[int, float] = {}
    others = []
    for file, burst, first, writes, versions in touches:
        if versions:
            taken.setdefault(burst, {})[file] = WRITE_WEIGHT
            at[burst] = max(first, at.get(burst, first))
        else:
            others.append((file, first, writes))
    if not taken:
        return ()
    kept: dict[int, float] = {}
    times: list[float] = []
    changes: list[dict[int, float]] = []
    for run in _runs(sorted(taken, key=lambda burst: (at[burst], burst)), at, taken):
        for burst in run:
            kept.update(dict.fromkeys(taken[burst], at[burst]))
        for bursts in [run] if len(run) <= SEPARATE else [[burst] for burst in run]:
            changes.append({file: WRITE_WEIGHT for burst in bursts for file in taken[burst]})
            times.append(at[bursts[-1]])
    changes.append({})
    for file, first, writes in others:
        if first > kept.get(file, -math.inf):
            change = changes[bisect_left(times, first)]
            change[file] = max(member_weight(writes), change.get(file, 0.0))
    return tuple(change for change in changes if change)


def _runs(
    bursts: Iterable[int], at: Mapping[int, float], taken: Mapping[int, Collection[int]]
) -> list[list[int]]:
    """Return the bursts, given in order of time, those of one file each joined that come right after each
    other."""
    runs: list[list[int]] = []
    for burst in bursts:
        before = runs[-1][-1] if runs else burst
        if runs and len(taken[before]) == len(taken[burst]) == 1 and at[burst] - at[before] < SPELL:
            runs[-1].append(burst)
        else:
            runs.append([burst])
    return runs


def _spells(touches: Iterable[_Touch]) -> tuple[dict[int, float], ...]:
    """Return what was used in a strand in one spell after the other."""
    spells: list[dict[int, int]] = []
    until = -math.inf
    for first, file, writes in sorted((first, file, writes) for file, _, first, writes, _ in touches):
        if first >= until:
            spells.append({})
            until = first + SPELL
        spells[-1][file] = spells[-1].get(file, 0) + writes
    return tuple({file: member_weight(writes) for file, writes in spell.items()} for spell in spells)


def _directory(number: int, rows: dict[int, _Row], known: dict[int, str | None]) -> str | None:
    waiting: list[int] = []
    above: int | None = number
    while above is not None and above not in known and len(waiting) < DEEPEST:
        waiting.append(above)
        parent, _, gone = rows.get(above, (None, "", 1))  # a damaged database may lack it
        above = None if gone else parent
    path = None if above is None else known.get(above)
    for below in reversed(waiting):
        path = known[below] = None if path is None else f"{path}{from_column(rows[below][1])}/"
    return path
