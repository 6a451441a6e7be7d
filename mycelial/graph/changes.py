"""What is to be stored of working state: what changed, and what is gone of what is stored."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import TypeVar

K = TypeVar("K")


class Changes(set[K]):
    """Keys of what changed since it was stored last.

    Most of what is remembered comes and goes between two commits: that leaves no trace.
    """

    def __init__(self) -> None:
        super().__init__()
        self._stored: set[K] = set()

    def load(self, keys: Iterable[K]) -> None:
        """Note that these are stored already."""
        self._stored.update(keys)

    def forget(self, key: K) -> None:
        """Note that there is no such thing any more: a change only if it is stored."""
        if key in self._stored:
            self.add(key)
        else:
            self.discard(key)

    def settle(self, there: Container[K]) -> None:
        """Note that all changes are stored now; what is not `there` was deleted."""
        self._stored.difference_update(self)
        self._stored.update(key for key in self if key in there)
        self.clear()
