"""What may be asked: the types of the answers, and the one class that gives them.

Views and commands know nothing else of the store.  Answers never name a file that is gone, a transient,
or the file that was asked for, and their order is deterministic: by score, then by path.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import sqlite_utils

from mycelial.record.events import Event
from mycelial.store.database import explained, open_reader
from mycelial.store.log import read_events


@dataclass(frozen=True, slots=True)
class Related:
    """A file that belongs to the one asked for, and what supports that.

    Attributes
    ----------
    path : str
        Relative to the mount root.
    score : float
        Comparable within one answer only; higher is better.
    episodes : int
        In how many episodes both were used (for sources and products: how often the one was made from
        the other).
    last : float
        Seconds since the epoch; 0.0 if there is no evidence but the name.
    programs : tuple of str
        What used them, sorted.
    weak : bool
        Fewer than three episodes speak for it.
    """

    path: str
    score: float
    episodes: int
    last: float
    programs: tuple[str, ...]
    weak: bool


@dataclass(frozen=True, slots=True)
class Reason:
    """One kind of evidence for a pair of files.

    `kind` is together, next, source (a was made from b), product (b was made from a) or name;
    `count` is the number of times, `last` seconds since the epoch.
    """

    kind: str
    text: str
    count: int
    last: float
    programs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a file was made: `command` is quoted for a shell, `cwd` is relative to the mount root where it
    lies inside and absolute otherwise, `time` is in seconds since the epoch."""

    path: str
    command: str
    args: tuple[str, ...]
    cwd: str
    program: str
    time: float
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recent:
    """The latest access to a file: `t` in seconds since the epoch, `op` as in the event log."""

    path: str
    t: float
    op: str
    comm: str


class Answers:
    """A read-only look at one database, on behalf of one user or (uid None) of all.

    One instance serves one thread at a time; opening is cheap.
    """

    def __init__(self, database: sqlite_utils.Database, path: Path, uid: int | None) -> None:
        self._database = database
        self._path = path
        self._uid = uid

    @classmethod
    def open(cls, db: Path, uid: int | None) -> Self:
        """Open the database at `db` for questions of `uid`.

        Raises
        ------
        StoreError
            There is no usable database.
        """
        return cls(open_reader(db), db, uid)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database; no question may follow."""
        self._database.conn.close()

    def known(self, path: str) -> bool:
        """Whether the file was ever seen and is not gone."""
        raise NotImplementedError

    def related(self, path: str, limit: int = 20) -> list[Related]:
        """The blended ranking that most people look at."""
        raise NotImplementedError

    def together(self, path: str, limit: int = 20) -> list[Related]:
        """Files used in the same episodes; the score is P(other given this)."""
        raise NotImplementedError

    def next(self, path: str, limit: int = 20) -> list[Related]:
        """Files taken up soon after this one; the score is the share of the times."""
        raise NotImplementedError

    def sources(self, path: str, limit: int = 20) -> list[Related]:
        """Files that this one was made from, directly."""
        raise NotImplementedError

    def products(self, path: str, limit: int = 20) -> list[Related]:
        """Files that were made from this one, directly."""
        raise NotImplementedError

    def why(self, a: str, b: str) -> list[Reason]:
        """All evidence that joins two files, strongest kind first."""
        raise NotImplementedError

    def how(self, path: str) -> Recipe | None:
        """How the file was made; None if nobody was seen making it."""
        raise NotImplementedError

    def recent(self, limit: int = 20) -> list[Recent]:
        """Files by their latest access, the latest first."""
        raise NotImplementedError

    def status(self) -> dict[str, object]:
        """Counts for `status`: events, files, relations, sweeps with program and count, first and last time."""
        raise NotImplementedError

    def uids(self) -> list[int]:
        """Users whose accesses are in the log, sorted."""
        with explained(self._path):
            rows = self._database.conn.execute("SELECT DISTINCT uid FROM log_process ORDER BY uid")
            return [uid for (uid,) in rows]

    def events(self, after_id: int = 0) -> Iterator[Event]:
        """The log in order of arrival (all users')."""
        with explained(self._path):
            for _, _, event in read_events(self._database, after_id):
                yield event
