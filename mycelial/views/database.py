"""Where the virtual tree's answers come from: one database file, opened for one user at a time.

Opening costs more than most questions, as SQLite reads the schema each time. So what was opened is kept
and lent again, to the same user only, as long as the files are the same ones.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mycelial.store.answers import Answers
from mycelial.store.inplace import Identity, identity

_KEPT = 2
"""Databases that stay open between questions; each has some megabytes of cache."""


class AnswersFrom:
    """The answers of each uid from one database; what a `Tree` needs as `open_answers`."""

    def __init__(self, database: str) -> None:
        self._path = Path(database)
        self._lock = threading.Lock()
        self._kept: list[tuple[int, Identity, Answers]] = []
        self._most = _KEPT

    @contextmanager
    def __call__(self, uid: int) -> Iterator[Answers]:
        """Lend the answers of `uid`, to one thread at a time; raises StoreError."""
        self.let_go()
        opened, answers = self._take(uid) or self._open(uid)
        try:
            yield answers
        except BaseException:
            answers.close()
            raise
        self._keep(uid, opened, answers)

    def let_go(self) -> None:
        """Close what was removed or replaced, unless it is lent: it would answer wrongly, and takes room."""
        if self._kept:
            self._close_but(identity(self._path))

    def close(self) -> None:
        """Close what is not lent, and what is lent when it comes back."""
        self._most = 0
        self._close_but(None)

    def _close_but(self, current: Identity | None) -> None:
        with self._lock:
            gone = [answers for _, opened, answers in self._kept if opened != current]
            self._kept = [kept for kept in self._kept if kept[1] == current]
        for answers in gone:
            answers.close()

    def _open(self, uid: int) -> tuple[Identity, Answers]:
        before = identity(self._path)
        answers = Answers.open(self._path, uid)  # may make the journal
        after = identity(self._path)
        return (after if after[0] == before[0] else before), answers

    def _take(self, uid: int) -> tuple[Identity, Answers] | None:
        with self._lock:
            for index, (owner, opened, answers) in enumerate(self._kept):
                if owner == uid:
                    del self._kept[index]
                    return opened, answers
        return None

    def _keep(self, uid: int, opened: Identity, answers: Answers) -> None:
        with self._lock:
            self._kept.append((uid, opened, answers))
            surplus = self._kept.pop(0)[2] if len(self._kept) > self._most else None
        if surplus is not None:
            surplus.close()
