"""Working sessions: one user's stretches of work, each ended by half an hour of quiet.

They are put together from episodes when somebody asks, a day or the latest few at a time, so nothing has to
be kept for them.  A session is called by the pieces of work that it was about.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import itemgetter

from mycelial.record.display import safe_name
from mycelial.store.clusters import ClusterTable
from mycelial.store.connection import Database
from mycelial.store.tree import FileTree
from mycelial.store.weighing import habit, member_weight

QUIET = 1800.0
"""Seconds without work that end a session."""

ABOUT = 0.25
"""Share of a session's work on a piece of work, from which on the session is also called by it."""

HABITUAL = 0.5
"""Share of a file's episodes in which nothing but habit took it up, beyond which no session is about it."""

CONSIDERED = 500
"""Files of a session that are looked at, those of most weight."""

UNKNOWN = "work"
"""What a session is called that was about nothing in particular."""


@dataclass(frozen=True, slots=True)
class Session:
    """One stretch of work: times in seconds since the epoch, `members` the files most worked with first."""

    started: float
    ended: float
    label: str
    uid: int
    members: tuple[str, ...]

    @property
    def day(self) -> str:
        """The day that it began on, in the machine's time zone."""
        return day_of(self.started)

    @property
    def name(self) -> str:
        """What it is called within its day."""
        return f"{datetime.fromtimestamp(self.started):%H.%M} {self.label}"


@dataclass(slots=True)
class _Stretch:
    uid: int
    started: float
    ended: float
    episodes: list[int]


def day_of(t: float) -> str:
    """Return the date at time `t` in the machine's time zone."""
    return datetime.fromtimestamp(t).date().isoformat()


class SessionTable:
    """Finds the sessions of one user, or (uid None) of each."""

    def __init__(self, database: Database, uid: int | None, tree: FileTree, clusters: ClusterTable) -> None:
        self._execute = database.conn.execute
        self._uid = uid
        self._tree = tree
        self._clusters = clusters

    def of_day(self, day: str) -> list[Session]:
        """Return the sessions that began on a day, the earliest first; nothing if it is no date."""
        found = [self._described(stretch) for stretch in self._on(day)]
        return sorted((s for s in found if s is not None), key=lambda session: (session.started, session.uid))

    def days(self, limit: int) -> list[str]:
        """Return the latest days with sessions, the latest first."""
        found: set[str] = set()
        for uid in self._users():
            before, own = float("inf"), 0
            while own < limit:
                row = self._execute(
                    "SELECT started FROM episode WHERE uid = ? AND started < ? ORDER BY started DESC LIMIT 1",
                    (uid, before),
                ).fetchone()
                if row is None:
                    break
                day = day_of(row[0])
                before = _bounds(day)[0]
                if day in found or any(True for _ in self._on(day)):
                    found.add(day)
                    own += 1
        return sorted(found, reverse=True)[:limit]

    def latest(self, limit: int) -> list[Session]:
        """Return the latest sessions, the latest first."""
        found: list[Session] = []
        for day in self.days(limit):
            found += reversed(self.of_day(day))
            if len(found) >= limit:
                break
        return found[:limit]

    def _users(self) -> list[int]:
        if self._uid is not None:
            return [self._uid]
        return [uid for (uid,) in self._execute("SELECT DISTINCT uid FROM episode ORDER BY uid")]

    def _on(self, day: str) -> Iterator[_Stretch]:
        try:
            start, end = _bounds(day)
        except (ValueError, OverflowError):
            return
        for uid in self._users():
            earlier = self._execute(
                "SELECT ended FROM episode WHERE uid = ? AND started < ? ORDER BY started DESC LIMIT 1",
                (uid, start),
            ).fetchone()
            ended = None if earlier is None else earlier[0]
            stretch: _Stretch | None = None
            for number, started, until in self._execute(
                "SELECT id, started, ended FROM episode WHERE uid = ? AND started >= ? ORDER BY started, id",
                (uid, start),
            ):
                goes_on = ended is not None and started - ended < QUIET
                ended = until
                if goes_on:
                    if stretch is not None:
                        stretch.episodes.append(number)
                        stretch.ended = until
                    elif started >= end:
                        break
                    continue
                if stretch is not None:
                    yield stretch
                    stretch = None
                if started >= end:
                    break
                stretch = _Stretch(uid, started, until, [number])
            if stretch is not None:
                yield stretch

    def _described(self, stretch: _Stretch) -> Session | None:
        weights: dict[int, float] = {}
        for episode in stretch.episodes:
            rows = self._execute(
                "SELECT file, writes - made FROM touch WHERE episode = ? ORDER BY file, burst", (episode,)
            )
            for file, touches in groupby(rows, key=itemgetter(0)):
                weight = member_weight(sum(writes for _, writes in touches))
                weights[file] = weights.get(file, 0.0) + weight
        for file, share in self._habits(stretch.uid, weights):
            if share > HABITUAL and len(weights) > 1:
                del weights[file]
            else:
                weights[file] *= 1.0 - share
        order = sorted(weights, key=lambda file: (-weights[file], file))[:CONSIDERED]
        paths = self._tree.paths(order)
        if not paths:
            return None
        label = self._label({file: weights[file] for file in paths}, stretch.uid, next(iter(paths.values())))
        return Session(stretch.started, stretch.ended, label, stretch.uid, tuple(paths.values()))

    def _habits(self, uid: int, files: Iterable[int]) -> list[tuple[int, float]]:
        """Return those of the files that programs take up by habit, and how often, the most first.

        Nobody chose these.
        """
        rows = self._execute(
            "SELECT file, habitual, episodes FROM usage"
            " WHERE uid = ? AND habitual > 0 AND file IN (SELECT value FROM json_each(?))",
            (uid, json.dumps(list(files))),
        )
        habits = [(file, habit(habitual, episodes)) for file, habitual, episodes in rows]
        return sorted(habits, key=lambda item: (-item[1], item[0]))

    def _label(self, weights: dict[int, float], uid: int, heaviest: str) -> str:
        """Name the pieces of work that a good part of it was about; else the directory of the main file."""
        whole = sum(weights.values())
        about: dict[str, float] = {}
        for file, weight in weights.items():
            cluster = self._clusters.of_file(file, uid)
            if cluster is not None:
                about[cluster] = about.get(cluster, 0.0) + weight
        order = sorted(about, key=lambda label: (-about[label], label))
        named = [label for label in order if about[label] >= ABOUT * whole > 0][:2]
        if named:
            return safe_name(", ".join(named))
        directory, _, name = heaviest.rpartition("/")
        return safe_name(directory.rpartition("/")[2] or name or UNKNOWN)


def _bounds(day: str) -> tuple[float, float]:
    """Return when a day begins and ends, in seconds since the epoch."""
    first = date.fromisoformat(day)
    if first.isoformat() != day:
        raise ValueError(f"{day}: not written as a date is written here")
    midnights = (datetime(d.year, d.month, d.day) for d in (first, first + timedelta(days=1)))
    start, end = (midnight.timestamp() for midnight in midnights)
    return start, end
