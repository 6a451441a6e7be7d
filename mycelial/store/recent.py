"""What was used last: by the touches of episodes, as what a sweep walked over was not used.

Nor was what programs take up by habit, whatever their user does, unless it was written and seldom is.
Renames are no touches; they come from the end of the log.
"""

from __future__ import annotations

from dataclasses import dataclass

from mycelial.store.connection import Database
from mycelial.store.names import from_column
from mycelial.store.neighbours import Neighbours
from mycelial.store.tree import FileTree

LOOKED_BACK = 5000
"""Events among which renames are looked for."""

EPISODES = 1000
"""Closed episodes among which the files are looked for; there are some in nearly each."""


@dataclass(frozen=True, slots=True)
class Recent:
    """The latest access to a file: `t` in seconds since the epoch, `op` as in the event log."""

    path: str
    t: float
    op: str
    comm: str


def recent(
    database: Database, tree: FileTree, neighbours: Neighbours, uid: int | None, limit: int
) -> list[Recent]:
    """Return the files by their latest access, the latest first."""
    found: dict[str, Recent] = {}
    renamed = _renamed(database, tree, neighbours, uid)
    for access in (*_touched(database, tree, neighbours, uid, limit), *renamed):
        known = found.get(access.path)
        if known is None or known.t < access.t:
            found[access.path] = access
    return sorted(found.values(), key=lambda access: (-access.t, access.path))[:limit]


def _touched(
    database: Database, tree: FileTree, neighbours: Neighbours, uid: int | None, limit: int
) -> list[Recent]:
    whose = "" if uid is None else f"WHERE uid = {int(uid)}"
    found: list[Recent] = []
    paths: set[str] = set()
    rows = database.conn.execute(f"SELECT id, open FROM episode {whose} ORDER BY id DESC")
    for count, (episode, is_open) in enumerate(rows):
        if (len(paths) >= limit or count >= EPISODES) and not is_open:
            break  # whoever works now was looked at, and all that is older is of before
        touches = database.conn.execute(
            "SELECT file, last, writes, program FROM touch WHERE episode = ?", (episode,)
        ).fetchall()
        habitual = neighbours.habitual({file for file, *_ in touches})
        for file, last, writes, program in touches:
            if file in habitual and not (writes and neighbours.is_seldom_written(file)):
                continue
            if (path := tree.path(file)) is not None:
                paths.add(path)
                found.append(Recent(path, last, "write" if writes else "open", from_column(program)))
    return found


def _renamed(database: Database, tree: FileTree, neighbours: Neighbours, uid: int | None) -> list[Recent]:
    whose = "" if uid is None else f" AND p.uid = {int(uid)}"
    rows = database.conn.execute(
        "SELECT r.path, t, op, comm FROM event JOIN log_process AS p ON p.id = process"
        " JOIN log_path AS r ON r.id = event.\"to\" WHERE op = 'rename'"
        f" AND event.id > (SELECT max(id) FROM event) - ?{whose} ORDER BY event.id DESC",
        (LOOKED_BACK,),
    )
    found = [Recent(from_column(path), t, op, from_column(comm)) for path, t, op, comm in rows]
    numbers = {access.path: tree.number(access.path) for access in found}
    shown = {n for path, n in numbers.items() if n is not None and tree.path(n) == path}
    shown -= neighbours.habitual(shown)
    return [access for access in found if numbers[access.path] in shown]
