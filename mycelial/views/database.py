"""Where the virtual tree's answers come from: one database file, opened for one user at a time.

Opening costs more than most questions, as SQLite reads the schema each time. So what was opened is kept
and lent again, to the same user only, as long as the file is the same one.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mycelial.store.answers import Answers

_KEPT = 2
"""Databases that stay open between questions; each has some megabytes of cache."""


class AnswersFrom:
    """The answers of each uid from one database; what a `Tree` needs as `open_answers`."""

    def __init__(self, database: str) -> None:
        self._path = Path(database)
        self._lock = threading.Lock()
        self._kept: list[tuple[int, tuple[int, int] | None, Answers]] = []
        self._most = _KEPT

    @contextmanager
    def __call__(self, uid: int) -> Iterator[Answers]:
        """Lend the answers of `uid`, to one thread at a time; raises StoreError."""
        identity = self._identity()
        answers = self._take(uid, identity) or Answers.open(self._path, uid)
        try:
            yield answers
        except BaseException:
            answers.close()
            raise
        self._keep(uid, identity, answers)

    def close(self) -> None:
        """Close what is not lent, and what is lent when it comes back."""
        with self._lock:
            kept, self._kept, self._most = self._kept, [], 0
        for _, _, answers in kept:
            answers.close()

    def _identity(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _take(self, uid: int, identity: tuple[int, int] | None) -> Answers | None:
        with self._lock:
            for index, (owner, opened, answers) in enumerate(self._kept):
                if owner == uid and opened == identity is not None:
                    del self._kept[index]
                    return answers
        return None

    def _keep(self, uid: int, identity: tuple[int, int] | None, answers: Answers) -> None:
        with self._lock:
            self._kept.append((uid, identity, answers))
            surplus = self._kept.pop(0)[2] if len(self._kept) > self._most else None
        if surplus is not None:
            surplus.close()
