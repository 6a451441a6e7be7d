"""Reading the file table: from a path to the file it stands for, and back.

Only files that may be shown have a path here: not those that are gone, nor transients, nor what editors
keep beside a file while it is open.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from mycelial.store.connection import Database
from mycelial.store.files import ROOT
from mycelial.store.names import from_column, to_column

SCRATCH = re.compile(
    r"""\.[^/]*\.sw[a-p]x?$     # vi: swap files
      | 4913$                   # vi: tries whether it may write here
      | .*~$                    # backups
      | \#.*\#$ | \.\#          # emacs: unsaved text, locks
      | \.~lock\..*\#$ | ~\$    # office programs: locks
      | \.goutputstream-        # glib: half-written files
      | .*-checkpoint\.ipynb$   # jupyter: the notebook as it was saved last
      | \..*\.kate-swp$         # kate: unsaved text
      | \.fuse_hidden | \.nfs[0-9a-f]{16}  # what was removed while it was open
    """,
    re.VERBOSE,
)
"""Names that programs give to files which nobody is meant to see."""

NOWHERE = -1
"""The number that no file has."""

DIRECTORIES = 64
"""Directories whose files are remembered."""

DEEPEST = 5000
"""Directories in one another; no path that the kernel knows has as many."""


_OWN = (
    " AND (EXISTS (SELECT 1 FROM usage WHERE file = f.id AND uid = ?3) OR EXISTS (SELECT 1 FROM touch"
    " JOIN episode ON episode.id = touch.episode WHERE touch.file = f.id AND episode.uid = ?3))"
)


class FileTree:
    """Looks up files for one reader; what was looked up is remembered until the database changes."""

    def __init__(self, database: Database, uid: int | None = None) -> None:
        self._execute = database.conn.execute
        self._uid = uid
        self._shown: dict[int, str | None] = {}
        self._directories: dict[int, str | None] = {ROOT: ""}
        self._members: dict[tuple[int, int], list[int]] = {}  # files of a directory, at most so many

    def forget(self) -> None:
        """Drop what was remembered: the database has changed."""
        self._shown.clear()
        self._members.clear()
        self._directories = {ROOT: ""}

    def number(self, path: str) -> int | None:
        """Return the file that `path` stands for, be it a file or a directory; None if none is there.

        The database is asked as often for a file that nobody ever used: what others used is not to be told
        from the time.
        """
        number = ROOT
        for name in path.split("/"):
            row = self._execute(
                "SELECT id FROM file WHERE parent = ? AND name = ? AND NOT gone", (number, to_column(name))
            ).fetchone()
            number = NOWHERE if row is None else int(row[0])
        return None if number == NOWHERE else number

    def number_or_nowhere(self, path: str) -> int:
        """Return the number of a file, or one of which nothing is known: it is asked for like any other."""
        number = self.number(path)
        return NOWHERE if number is None else number

    def path(self, number: int) -> str | None:
        """Return where the file is; None if it is not to be shown, or is a directory."""
        return self.paths((number,)).get(number)

    def paths(self, numbers: Iterable[int]) -> dict[int, str]:
        """Return where these files are, in their order, without those that are not to be shown."""
        wanted = list(numbers)
        self._look_up([number for number in wanted if number not in self._shown])
        return {number: path for number in wanted if (path := self._shown[number]) is not None}

    def is_own(self, number: int) -> bool:
        """Whether this user worked with the file; a program of his that walked over everything did not."""
        if self._uid is None:
            return True
        row = self._execute(f"SELECT 1 FROM file AS f WHERE id = ?1 AND ?2{_OWN}", (number, 1, self._uid))
        return row.fetchone() is not None

    def siblings(self, number: int, most: int) -> list[int]:
        """Return the other files of its directory; none if there are more than `most`.

        Only those that this user worked with: the database may know the others from somebody else's accesses,
        and he gets the same answers as if there were nobody else.
        """
        found = self._execute("SELECT parent FROM file WHERE id = ?", (number,)).fetchone()
        if found is None or found[0] is None:
            return []
        key = found[0], most + 2  # itself among them, and one that is too many
        members = self._members.get(key)
        if members is None:
            if len(self._members) >= DIRECTORIES:
                self._members.clear()
            members = self._members[key] = self._files_in(*key)
        siblings = [member for member in members if member != number]
        return [] if len(siblings) > most else siblings

    def _files_in(self, directory: int, most: int) -> list[int]:
        """Return files of a directory that this user worked with, at most so many."""
        own = "" if self._uid is None else _OWN
        rows = self._execute(
            "SELECT id FROM file AS f WHERE parent = ?1 AND NOT gone AND NOT transient"
            f" AND NOT EXISTS (SELECT 1 FROM file WHERE parent = f.id){own} LIMIT ?2",
            (directory, most, self._uid) if own else (directory, most),
        )
        return [member for (member,) in rows]

    def _look_up(self, numbers: list[int]) -> None:
        """Take up the paths of these files, all in one question: a question costs more than a file in it."""
        if not numbers:
            return
        self._shown.update(dict.fromkeys(numbers))
        for number, parent, column in self._execute(
            "SELECT id, parent, name FROM file WHERE id IN (SELECT value FROM json_each(?))"
            " AND parent IS NOT NULL AND NOT gone AND NOT transient"
            " AND NOT EXISTS (SELECT 1 FROM file AS f WHERE f.parent = file.id)",
            (json.dumps(numbers),),
        ).fetchall():
            name = from_column(column)
            above = self._directory(parent)
            if above is not None and not SCRATCH.match(name):
                self._shown[number] = above + name

    def _directory(self, number: int) -> str | None:
        """Return the path of a directory with a slash behind it, empty for the root; None if it is gone."""
        above: int | None = number
        names: list[tuple[int, str]] = []
        while above is not None and above not in self._directories and len(names) < DEEPEST:
            parent, name, gone = self._execute(
                "SELECT parent, name, gone FROM file WHERE id = ?", (above,)
            ).fetchone()
            names.append((above, from_column(name)))
            above = None if gone else parent
        path = None if above is None else self._directories.get(above)
        for below, name in reversed(names):
            path = self._directories[below] = None if path is None else f"{path}{name}/"
        return path
