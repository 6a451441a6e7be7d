"""Asking the store on a caller's behalf, so that no view has to think of what may go wrong there.

The database may be missing, locked, full or damaged while files are read and written as always; a view
then shows less. The reason is kept with the answer for those views that can say it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from mycelial.store.answers import Answers
from mycelial.store.errors import StoreError
from mycelial.views.node import Caller, StoreNeeded

T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What came back: `value` is None where `problem`, one line, is not empty."""

    value: T | None
    problem: str = ""


class Questions:
    """Opens the store for each question, as the user who asks.

    Parameters
    ----------
    open_answers : callable
        Gives the :class:`Answers` of a uid; each is used as a context manager, within one thread.
    """

    def __init__(self, open_answers: Callable[[int], AbstractContextManager[Answers]]) -> None:
        self._open_answers = open_answers
        self._told: set[type[Exception]] = set()
        self._here = threading.local()

    @contextmanager
    def unasked(self) -> Iterator[None]:
        """Have this thread's questions raise StoreNeeded meanwhile."""
        self._here.unasked = True
        try:
            yield
        finally:
            self._here.unasked = False

    def ask(self, caller: Caller, question: Callable[[Answers], T]) -> Answer[T]:
        """Return the answer to `question`, or what went wrong; raises nothing but StoreNeeded."""
        if getattr(self._here, "unasked", False):
            raise StoreNeeded
        try:
            with self._open_answers(caller.uid) as answers:
                return Answer(question(answers))
        except StoreError as problem:
            return Answer(None, str(problem))
        except Exception as problem:  # a view is a luxury: whatever fails here, file operations go on
            if type(problem) not in self._told:  # a damaged database fails in the same way again and again
                self._told.add(type(problem))
                _log.exception("a question to the store failed; is the database damaged?")
            return Answer(None, f"internal error, or a damaged database: {type(problem).__name__}")
