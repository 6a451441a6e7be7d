"""Pieces of work in the database: reading them with their files, and taking up what was found anew.

Only rows that changed are written: from one day to the next most files stay where they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mycelial.store.connection import Database
from mycelial.store.names import from_column, to_column
from mycelial.store.tree import FileTree


@dataclass(frozen=True, slots=True)
class Cluster:
    """One piece of work: its label is its user's only one, its members are paths, the most used first."""

    id: int
    label: str
    uid: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """One piece of work as it was found: `named` is how many files it had when it got its label, `ranks` are
    its files by number."""

    id: int
    uid: int
    label: str
    named: int
    ranks: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Hub:
    """A file that much other work draws upon: rows of table `hub`."""

    uid: int
    place: int
    file: int
    score: float
    others: int


@dataclass(frozen=True, slots=True)
class Structure:
    """All that is found by looking at the whole."""

    clusters: tuple[Named, ...]
    hubs: tuple[Hub, ...]


_FOREMOST = (
    " AND NOT EXISTS (SELECT 1 FROM member AS other WHERE other.file = member.file"
    " AND (other.rank > member.rank OR other.rank = member.rank AND other.uid < member.uid))"
)


class ClusterTable:
    """Reads pieces of work for one reader; `uid` None means everybody's."""

    def __init__(self, database: Database, uid: int | None, tree: FileTree) -> None:
        self._execute = database.conn.execute
        self._whose = "" if uid is None else f" AND uid = {int(uid)}"
        # Who looks at everybody's sees a file in the piece of work of the one who used it most.
        self._foremost = "" if uid is not None else _FOREMOST
        self._tree = tree

    def labels(self, limit: int) -> list[tuple[int, int, str]]:
        """Return (id, uid, label), the largest piece of work first.

        Who looks at everybody's sees none of which others used all files, or all but one, more than its user.
        """
        two = f"SELECT 1 FROM member WHERE cluster = cluster.id{self._foremost} LIMIT 2"
        seen = f" AND (SELECT count(*) FROM ({two})) > 1" if self._foremost else ""
        rows = self._execute(
            f"SELECT id, uid, label FROM cluster WHERE 1{self._whose}{seen} ORDER BY files DESC, id LIMIT ?",
            (limit,),
        )
        return [(number, uid, from_column(label)) for number, uid, label in rows]

    def number(self, label: str) -> int | None:
        """Return the piece of work that is called so."""
        row = self._execute(
            f"SELECT id FROM cluster WHERE label = ?{self._whose} ORDER BY uid", (to_column(label),)
        ).fetchone()
        return None if row is None else int(row[0])

    def numbers(self, number: int, limit: int) -> list[int]:
        """Return the files of a piece of work, the most used first."""
        rows = self._execute(
            f"SELECT file FROM member WHERE cluster = ?{self._foremost} ORDER BY rank DESC, file LIMIT ?",
            (number, limit),
        )
        return [file for (file,) in rows]

    def members(self, number: int, limit: int) -> list[str]:
        """Return the paths of its files, the most used first."""
        return list(self._tree.paths(self.numbers(number, limit)).values())

    def of_file(self, file: int, uid: int | None = None) -> str | None:
        """Return the label of the piece of work of `uid` (None: of any user) that the file belongs to."""
        whose = self._whose.replace("uid", "member.uid") if uid is None else f" AND member.uid = {int(uid)}"
        row = self._execute(
            "SELECT label FROM member JOIN cluster ON cluster.id = member.cluster"
            f" WHERE file = ?{whose} ORDER BY member.uid",
            (file,),
        ).fetchone()
        return None if row is None else from_column(row[0])

    def hubs(self, limit: int) -> list[tuple[str, float, int]]:
        """Return (path, score, others), the first hub first."""
        rows = self._execute(
            "SELECT file, max(score) AS best, max(others) FROM hub"
            f" WHERE 1{self._whose} GROUP BY file ORDER BY best DESC, file LIMIT ?",
            (limit,),
        )
        found = {file: (score, others) for file, score, others in rows}
        return [(path, *found[file]) for file, path in self._tree.paths(found).items()]


def read_named(database: Database) -> list[Named]:
    """Return all pieces of work as they stand."""
    members: dict[int, dict[int, int]] = {}
    for cluster, file, rank in database.conn.execute("SELECT cluster, file, rank FROM member"):
        members.setdefault(cluster, {})[file] = rank
    rows = database.conn.execute("SELECT id, uid, label, named FROM cluster ORDER BY id")
    return [
        Named(number, uid, from_column(label), named, members.get(number, {}))
        for number, uid, label, named in rows
    ]


def take_up(database: Database, structure: Structure) -> None:
    """Make the tables say what was found; inside the caller's transaction.

    It may have been found in a state of some seconds ago: files that are unknown by now are left out.
    """
    old = {
        (file, uid): (cluster, rank)
        for file, uid, cluster, rank in database.conn.execute("SELECT file, uid, cluster, rank FROM member")
    }
    new = {
        (file, cluster.uid): (cluster.id, rank)
        for cluster in structure.clusters
        for file, rank in cluster.ranks.items()
    }
    many = database.conn.executemany
    many("DELETE FROM member WHERE file = ? AND uid = ?", [key for key in old if key not in new])
    database.conn.execute("DELETE FROM cluster")
    many(
        "INSERT INTO cluster VALUES (?, ?, ?, ?, ?)",
        [(c.id, c.uid, to_column(c.label), len(c.ranks), c.named) for c in structure.clusters],
    )
    many(
        "INSERT OR REPLACE INTO member SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM file WHERE id = ?1)",
        [(*key, *value) for key, value in sorted(new.items()) if old.get(key) != value],
    )
    database.conn.execute("DELETE FROM hub")
    many(
        "INSERT INTO hub SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM file WHERE id = ?3)",
        _hub_rows(structure.hubs),
    )


def _hub_rows(hubs: Iterable[Hub]) -> list[tuple[int, int, int, float, int]]:
    return [(hub.uid, hub.place, hub.file, hub.score, hub.others) for hub in hubs]
