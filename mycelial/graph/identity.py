"""Which file an event is about: identity follows the name that the user knows.

Programs save in roundabout ways.  A new file renamed over X is a write of X; X moved aside and made
again by the same process is still X; a file that its maker removes was never anything.  This module
turns names into files and says in plain facts what happened to them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from mycelial.graph.actors import Actor
from mycelial.graph.programs import Kind
from mycelial.record.events import Event, Op
from mycelial.store.files import FileRow, FileTable

ASIDE = 10.0
"""Seconds within which a file that was moved aside is made again by a program that keeps backups."""

REMEMBERED = 64
"""Files moved aside that are remembered, and names that have lost their files."""

LATE = 10.0
"""Seconds for which somebody may be told to have read under a name that had lost its file by then."""


class Act(Enum):
    """What happened to a file."""

    WRITE = "write"
    CREATE = "create"
    EXEC = "exec"
    LINK = "link"  # `file` is a further name of `other`
    SETTLE = "settle"  # made under another name, `file` has the one that it is to keep
    REPLACE = "replace"  # `file` has the content of `other` now, which is gone
    REMOVE = "remove"
    DISCARD = "discard"  # removed within the work that made it


class Fact(NamedTuple):
    """One thing that happened to a file, by number.

    `existed` says whether it was there before; `anew` that it once was, and that somebody else removed it:
    what was made from it then was not made from what it is now.
    """

    act: Act
    file: int
    other: int = 0
    existed: bool = True
    anew: bool = False


@dataclass(frozen=True, slots=True)
class _Aside:
    """A file that a process moved from one name to another at time `t`."""

    file: int
    actor: int
    name: str
    aside: str
    t: float
    backup: int | None  # the older backup that lost its name to it


class Identity:
    """Keeps the file table true to what events say about names.

    Parameters
    ----------
    files : FileTable
    working_since : function of a uid and a time
        When that user's work that goes on at that time began; what was made since is *fresh*.
    """

    def __init__(self, files: FileTable, working_since: Callable[[int, float], float]) -> None:
        self._files = files
        self._working_since = working_since
        self._aside: dict[str, _Aside] = {}
        self._left: dict[str, float] = {}  # when a name lost its file, the latest at the end
        self._changed = False

    def read(self, path: str, t: float, actor: Actor) -> int | None:
        """Return the file that was read; None if its name has none any more."""
        if path in self._left and self._comes_late(path, t):
            return None
        row = self._files.used(path)
        if row.transient and row.maker != actor.number:
            self._files.settle([row.number])  # removed and made again, and somebody else works with it
        return row.number

    def facts(self, event: Event, actor: Actor) -> list[Fact]:
        """Return what `event`, which is no reading, means; the file table is changed accordingly."""
        match event.op:
            case Op.WRITE:
                return [Fact(Act.WRITE, self._files.use(event.path))]
            case Op.EXEC:
                return [Fact(Act.EXEC, self._files.use(event.path))]
            case Op.CREATE:
                return self._create(event.path, event.t, actor)
            case Op.UNLINK:
                return self._unlink(event, actor)
            case Op.RENAME if event.to is not None:
                return self._rename(event.path, event.to, event.t, actor)
            case Op.LINK if event.to is not None:
                *back, created = self._create(event.to, event.t, actor)
                return [*back, created._replace(act=Act.LINK, other=self._files.use(event.path))]
        return []

    def dump(self) -> Iterator[tuple[str, list[list[Any]]]]:
        """Yield (key, state) if it changed since the last call."""
        if self._changed:
            yield "", [[a.file, a.actor, a.name, a.aside, a.t, a.backup] for a in self._aside.values()]
            yield "left", [[name, t] for name, t in self._left.items()]
        self._changed = False

    def load(self, states: Iterator[tuple[str, Any]]) -> None:
        """Take up what :meth:`dump` gave."""
        for key, rows in states:
            if key:
                self._left = dict(rows)
                continue
            for row in rows:
                aside = _Aside(*row)
                self._aside[aside.name] = aside

    def _create(self, path: str, t: float, actor: Actor) -> list[Fact]:
        """What it means that there is a new file of this name: that it has been made is the last fact."""
        back = self._bring_back(path, t, actor)
        row = self._files.find(path)
        number = self._files.use(path)
        existed = row is not None and not row.gone
        if row is None or row.transient:
            self._files.bear(number, t, actor.number)
        return [*back, Fact(Act.CREATE, number, existed=existed, anew=_is_anew(row, actor))]

    def _unlink(self, event: Event, actor: Actor) -> list[Fact]:
        row = self._files.find(event.path)
        if row is None or row.gone:
            return []
        fresh = self._is_fresh(row, actor, event.t)
        self._lose(event.path, event.t)
        self._files.remove(row.number, event.path, actor.number)
        if row.maker == actor.number:
            self._files.mark_transient(row.number)
        return [Fact(Act.DISCARD if fresh else Act.REMOVE, row.number)]

    def _rename(self, path: str, to: str, t: float, actor: Actor) -> list[Fact]:
        if path == to or to.startswith(f"{path}/"):
            return []  # nothing happened, or cannot have
        row = self._files.find(path)
        if row is None or row.gone:
            # Made where nobody looked; all that is known is that there is new content under the new name.
            facts = self._create(to, t, actor)
            return [*facts, Fact(Act.WRITE, facts[-1].file)]
        self._lose(path, t)
        is_fresh = self._is_fresh(row, actor, t) and not self._files.is_directory(row.number)
        if is_fresh and not _is_for_backup(path, to, actor):
            return self._replace(row, path, to, t, actor)
        target = self._files.find(to)
        backup = target.number if target is not None and target.number != row.number else None
        self._files.move(row.number, path, to)
        self._set_aside(_Aside(row.number, actor.number, path, to, t, backup))
        return [Fact(Act.SETTLE, row.number)] if is_fresh and actor.kind is not Kind.EDITOR else []

    def _replace(self, row: FileRow, path: str, to: str, t: float, actor: Actor) -> list[Fact]:
        """A fresh file takes a name: the file that the user knows by that name has its content now."""
        back = self._bring_back(to, t, actor)
        target = self._files.find(to)
        if target is None or target.number == row.number:
            self._files.move(row.number, path, to)
            return [*back, Fact(Act.SETTLE, row.number)]
        kept = self._files.use(to)
        if target.transient:
            self._files.bear(kept, t, actor.number)
            self._files.settle([kept])
        self._files.remove(row.number, path, actor.number)
        self._files.mark_transient(row.number)
        anew = _is_anew(target, actor)
        return [*back, Fact(Act.REPLACE, kept, row.number, existed=not target.gone, anew=anew)]

    def _bring_back(self, path: str, t: float, actor: Actor) -> list[Fact]:
        """If the file of this name was just moved aside by the same process, it is this file again."""
        aside = self._aside.get(path)
        if aside is None or aside.actor != actor.number or t - aside.t > ASIDE:
            return []
        del self._aside[path]
        self._changed = True
        moved = self._files.find(aside.aside)
        if moved is None or moved.number != aside.file or moved.gone:
            return []
        self._files.move(aside.file, aside.aside, path)
        if aside.backup is not None:
            self._files.restore(aside.backup, aside.aside)
        else:
            self._files.bear(self._files.use(aside.aside), t, actor.number)
        return [] if actor.kind is Kind.EDITOR else [Fact(Act.SETTLE, aside.file)]

    def _set_aside(self, aside: _Aside) -> None:
        self._aside.pop(aside.name, None)
        self._aside[aside.name] = aside
        while len(self._aside) > REMEMBERED:
            del self._aside[next(iter(self._aside))]
        self._changed = True

    def _lose(self, path: str, t: float) -> None:
        self._left.pop(path, None)
        self._left[path] = t
        while len(self._left) > REMEMBERED:
            del self._left[next(iter(self._left))]
        self._changed = True

    def _comes_late(self, path: str, t: float) -> bool:
        """Whether nothing has had the name again since it lost its file a moment ago: an indexer that goes by
        what it was told finds nothing there."""
        if t - self._left[path] > LATE:
            return False
        row = self._files.find(path)
        return row is None or row.gone

    def _is_fresh(self, row: FileRow, actor: Actor, t: float) -> bool:
        if row.born is None:
            return False
        return row.maker == actor.number or row.born >= self._working_since(actor.uid, t)


def _is_for_backup(path: str, to: str, actor: Actor) -> bool:
    """Whether it looks as if a program kept what it writes anew, as x~ or x.bak."""
    name, kept = path.rpartition("/")[2], to.rpartition("/")[2]
    return actor.kind is not Kind.COPIER and kept.startswith(name) and kept != name


def _is_anew(row: FileRow | None, actor: Actor) -> bool:
    return row is not None and row.gone and row.remover != actor.number
