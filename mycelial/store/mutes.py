"""What users said: "these two are not related".  Kept with the log by name, applied by file.

A name means whatever it meant when it was said, so each mute remembers how far the log was by then: a
rebuild applies it at the same place, and later renames change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from mycelial.store.connection import Database
from mycelial.store.files import FileTable
from mycelial.store.names import from_column


@dataclass(frozen=True, slots=True)
class Mute:
    """`a` and `b` are paths relative to the mount root; `after` is the number of the last event before."""

    uid: int
    a: str
    b: str
    after: int


class MuteTable:
    """Reads and changes tables `mute` and `muted` inside the writer's transaction."""

    def __init__(self, database: Database, files: FileTable) -> None:
        self._connection = database.conn
        self._files = files

    def add(self, uid: int, a: int, b: int, after: int) -> None:
        """Keep that two paths, by their numbers in the log, are not related for this user."""
        self._connection.execute("INSERT OR REPLACE INTO mute VALUES (?, ?, ?, ?)", (uid, a, b, after))

    def apply(self, mute: Mute) -> bool:
        """Note the files that the paths stand for now; whether they are known."""
        a, b = self._files.find(mute.a), self._files.find(mute.b)
        if a is None or b is None:
            return False
        self._connection.executemany(
            "INSERT OR IGNORE INTO muted VALUES (?, ?, ?)",
            [(mute.uid, a.number, b.number), (mute.uid, b.number, a.number)],
        )
        return True

    def read(self) -> list[Mute]:
        """Return all, in the order in which they were said."""
        rows = self._connection.execute(
            "SELECT uid, p.path, q.path, after FROM mute JOIN log_path AS p ON p.id = a"
            " JOIN log_path AS q ON q.id = b ORDER BY after, uid, p.path, q.path"
        )
        return [Mute(uid, from_column(a), from_column(b), after) for uid, a, b, after in rows.fetchall()]

    def clear(self, uid: int | None) -> int:
        """Take back all that `uid`, or with None anybody, said; return how often that was."""
        whose = "" if uid is None else f" WHERE uid = {int(uid)}"
        self._connection.execute(f"DELETE FROM muted{whose}")
        return self._connection.execute(f"DELETE FROM mute{whose}").rowcount


def muted_with(database: Database, uid: int | None, file: int) -> set[int]:
    """Return the files that this user does not want to see with `file`; nobody in particular wants all."""
    if uid is None:
        return set()
    rows = database.conn.execute("SELECT b FROM muted WHERE uid = ? AND a = ?", (uid, file))
    return {other for (other,) in rows}
