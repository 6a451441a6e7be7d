"""What may be asked: the types of the answers, and the one class that gives them.

Views and commands know nothing else of the store.  Answers never name a file that is gone, a transient,
or the file that was asked for, and their order is deterministic: by score, then by path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from mycelial.record.events import Event
from mycelial.store.clusters import Cluster, ClusterTable
from mycelial.store.connection import Database
from mycelial.store.database import explained, open_reader
from mycelial.store.explain import Reason, Recipe, indirect_reasons, reasons, recipe
from mycelial.store.forgetting import count_events
from mycelial.store.log import read_events
from mycelial.store.neighbours import Neighbours
from mycelial.store.picture import Picture, overview, picture
from mycelial.store.rankings import STRONG, Rankings, Related, Relation
from mycelial.store.recent import Recent, recent
from mycelial.store.recipes import Chain, Recipes
from mycelial.store.search import Found, Search
from mycelial.store.selection import Selection, follow, select
from mycelial.store.sessions import Session, SessionTable
from mycelial.store.stale import Stale, find_stale, newer_source
from mycelial.store.summary import summary
from mycelial.store.tree import FileTree

__all__ = [
    "STRONG",
    "Answers",
    "Cluster",
    "Found",
    "Hub",
    "Reason",
    "Recent",
    "Recipe",
    "Related",
    "Relation",
    "Selection",
    "Session",
]


@dataclass(frozen=True, slots=True)
class Hub:
    """A file that so many `others` draw upon; `score` is its centrality, as a multiple of the mean."""

    path: str
    score: float
    others: int


class Answers:
    """A read-only look at one database, on behalf of one user or (uid None) of all.

    One instance serves one thread at a time; opening is cheap.
    """

    def __init__(self, database: Database, path: Path, uid: int | None) -> None:
        self._database = database
        self._db = path
        self._uid = uid
        self._tree = FileTree(database, uid)
        self._neighbours = Neighbours(database, uid)
        self._rankings = Rankings(database, uid, self._tree, self._neighbours)
        self._clusters = ClusterTable(database, uid, self._tree)
        self._sessions = SessionTable(database, uid, self._tree, self._clusters)
        self._search = Search(database, uid, self._tree, self._neighbours)
        self._version = -1

    @classmethod
    def open(cls, db: Path, uid: int | None) -> Self:
        """Open the database at `db` for questions of `uid`.

        Raises
        ------
        StoreError
            There is no usable database; every question may raise it, too.
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

    def rehearse(self) -> None:
        """Ask what is asked most, of a file used lately: the next who asks finds all of it begun with.

        Compiling the statements and reading the pages that all questions share takes longer than a question.
        """
        with self._snapshot():
            lately = self._database.conn.execute(
                "SELECT file FROM touch WHERE episode = (SELECT id FROM episode WHERE uid = ?"
                " ORDER BY started DESC LIMIT 1) LIMIT 1",
                (self._uid,),
            ).fetchone()
            path = None if lately is None else self._tree.path(lately[0])
            if path is not None:
                self._rankings.ranked(Relation.RELATED, path)

    def known(self, path: str) -> bool:
        """Whether the file was ever seen and is not gone."""
        with self._snapshot():
            return self._tree.number(path) is not None

    def related(self, path: str, limit: int = 20) -> list[Related]:
        """The blended ranking that most people look at."""
        return self._told(Relation.RELATED, path, limit)

    def together(self, path: str, limit: int = 20) -> list[Related]:
        """Files used in the same episodes; the score is P(other given this)."""
        return self._told(Relation.TOGETHER, path, limit)

    def next(self, path: str, limit: int = 20) -> list[Related]:
        """Files taken up soon after this one; the score is the probability that it is the next."""
        return self._told(Relation.NEXT, path, limit)

    def sources(self, path: str, limit: int = 20) -> list[Related]:
        """Files that this one was made from, directly."""
        return self._told(Relation.SOURCES, path, limit)

    def products(self, path: str, limit: int = 20) -> list[Related]:
        """Files that were made from this one, directly."""
        return self._told(Relation.PRODUCTS, path, limit)

    def paths(self, relation: Relation, path: str, limit: int = 20) -> list[str]:
        """One of these rankings by its paths alone, which is found faster."""
        with self._snapshot():
            return [item.path for item in self._rankings.ranked(relation, path)[:limit]]

    def why(self, a: str, b: str) -> list[Reason]:
        """All evidence that joins two files, strongest kind first; else the chain between them."""
        with self._snapshot():
            one, other = self._tree.number(a), self._tree.number(b)
            if one is None or other is None or one == other:
                return []
            found = reasons(self._neighbours, (one, a), (other, b))
            if any(reason.kind != "name" for reason in found):
                return found
            return indirect_reasons(self._neighbours, self._tree, (one, a), (other, b)) + found

    def how(self, path: str) -> Recipe | None:
        """How the file was made; None if nobody was seen making it."""
        with self._snapshot():
            return self._recipe(self._tree.number_or_nowhere(path), path)

    def how_sources(self, path: str, limit: int = 1000) -> list[Recipe]:
        """How the sources were made, and theirs, the nearest first, without those that nobody made."""
        with self._snapshot():
            file = self._tree.number_or_nowhere(path)
            found: list[Recipe] = []
            seen = {file}
            waiting = [file]
            for product in waiting:
                for source in sorted(self._neighbours.sources(product)):
                    name = None if source in seen else self._tree.path(source)
                    seen.add(source)
                    made = None if name is None else self._recipe(source, name)
                    if made is not None:
                        found.append(made)
                        waiting.append(source)
                if len(found) >= limit:
                    break
            return found[:limit]

    def chain(self, path: str) -> Chain:
        """All that has to be run to make the file again."""
        with self._snapshot():
            file = self._tree.number(path)
            if file is None:
                return Chain(path, problem="nobody was seen making it")
            return Recipes(self._database, self._uid).chain(file, path)

    def stale(self) -> list[Stale]:
        """Products that are older than what they were made from, what changed last first."""
        with self._snapshot():
            return find_stale(self._database, self._uid, self._tree.path)

    def newer_source(self, path: str) -> str | None:
        """The source that has changed since the file was made from it; None if there is none."""
        with self._snapshot():
            newer = newer_source(self._database, self._uid, self._tree.number_or_nowhere(path))
            return None if newer is None else self._tree.path(newer)

    def recent(self, limit: int = 20) -> list[Recent]:
        """Files by their latest access, the latest first."""
        with self._snapshot():
            return recent(self._database, self._tree, self._neighbours, self._uid, limit)

    def clusters(self, limit: int, members: int) -> list[Cluster]:
        """Pieces of work, the largest first, each with so many of its files."""
        with self._snapshot():
            named = self._clusters.labels(limit)
            found = [
                Cluster(n, label, uid, tuple(self._clusters.members(n, members))) for n, uid, label in named
            ]
            return [cluster for cluster in found if cluster.members]

    def members(self, label: str, limit: int = 20) -> list[str] | None:
        """The files of the piece of work called so, the most used first; None if there is none."""
        with self._snapshot():
            number = self._clusters.number(label)
            return None if number is None else self._clusters.members(number, limit)

    def cluster(self, path: str) -> str | None:
        """The name of the piece of work that the file belongs to."""
        with self._snapshot():
            return self._clusters.of_file(self._tree.number_or_nowhere(path))

    def hubs(self, limit: int = 20) -> list[Hub]:
        """The files that most other work draws upon."""
        with self._snapshot():
            return [Hub(*found) for found in self._clusters.hubs(limit)]

    def days(self, limit: int) -> list[str]:
        """The latest days with sessions, as YYYY-MM-DD, the latest first."""
        with self._snapshot():
            return self._sessions.days(limit)

    def sessions(self, limit: int = 20) -> list[Session]:
        """The latest stretches of work, the latest first."""
        with self._snapshot():
            return self._sessions.latest(limit)

    def sessions_of(self, day: str) -> list[Session]:
        """The stretches of work that began on a day (YYYY-MM-DD), the earliest first."""
        with self._snapshot():
            return self._sessions.of_day(day)

    def search(self, query: str, limit: int = 20) -> list[Found]:
        """Files with the words of the query in their names, and files that belong to those, best first."""
        with self._snapshot():
            return self._search.find(query, limit)

    def picture(self, path: str | None, limit: int) -> Picture:
        """The file and what belongs to it, or (None) an overview, with the relations among them."""
        with self._snapshot():
            if path is None:
                files = overview(self._clusters, limit)
            else:
                file = self._tree.number(path)
                if file is None or self._tree.path(file) is None:
                    return Picture((), ())
                ranked = self._rankings.ranked(Relation.RELATED, path)
                files = [file, *(item.file for item in ranked[: limit - 1])]
            return picture(self._neighbours, self._tree, self._clusters, files)

    def status(self) -> dict[str, object]:
        """Counts for `status`: events with first and last time, files, relations, sweeps by program."""
        with self._snapshot():
            return summary(self._database, self._uid)

    def size(self) -> int:
        """Return the number of events in the log."""
        with self._snapshot():
            return int(self._database.conn.execute("SELECT count(*) FROM event").fetchone()[0])

    def most_used(self, limit: int) -> list[str]:
        """Return the files that were part of most episodes."""
        whose = "" if self._uid is None else f" AND uid = {int(self._uid)}"
        with self._snapshot():
            rows = self._database.conn.execute(
                f"SELECT file FROM usage WHERE file > 0{whose} ORDER BY episodes DESC, file LIMIT ?", (limit,)
            )
            return list(self._tree.paths(file for (file,) in rows).values())

    def uids(self) -> list[int]:
        """Users whose accesses are in the log, sorted."""
        with self._snapshot():
            rows = self._database.conn.execute("SELECT DISTINCT uid FROM log_process ORDER BY uid")
            return [uid for (uid,) in rows]

    def count_events(self, excluded: Callable[[str], bool]) -> int:
        """How many events (all users') name a path that is `excluded`."""
        with self._snapshot():
            return count_events(self._database, excluded)

    def events(self, after_id: int = 0) -> Iterator[Event]:
        """The log in order of arrival (all users')."""
        with explained(self._db):
            for _, _, event in read_events(self._database, after_id):
                yield event

    def selected(self, selection: Selection, last: int | None = None) -> Iterator[Event]:
        """Yield the events that are selected, in order of arrival; of these the `last` ones."""
        with explained(self._db):
            yield from select(self._database, selection, last)

    def followed(self, selection: Selection, last: int | None = None) -> Iterator[Event | None]:
        """Yield the same, and go on with what comes; None where there is nothing yet: wait a moment then."""
        with explained(self._db):
            yield from follow(self._database, selection, last)

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        """One question sees one state of the database, and nothing remembered from an older one."""
        connection = self._database.conn
        with explained(self._db):
            connection.execute("BEGIN")
            try:
                (version,) = connection.execute("PRAGMA data_version").fetchone()
                if version != self._version:
                    self._tree.forget()
                    self._neighbours.refresh()
                    self._version = version
                yield
            finally:
                connection.execute("ROLLBACK")

    def _recipe(self, file: int, path: str) -> Recipe | None:
        sources = (self._tree.path(source) for source in self._neighbours.sources(file))
        return recipe(self._database, self._uid, file, path, tuple(sorted(s for s in sources if s)))

    def _told(self, relation: Relation, path: str, limit: int) -> list[Related]:
        with self._snapshot():
            return self._rankings.told(relation, path, limit)
