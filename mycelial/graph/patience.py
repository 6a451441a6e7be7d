"""When to try again what failed: soon at first, and then less often."""

from __future__ import annotations

from collections.abc import Callable

RETRY = 0.5
"""Seconds from a failure to the next attempt; each one that fails too doubles them."""

LONGEST_RETRY = 2.0
"""Seconds between two attempts at most."""


class Patience:
    """Counts the failures since the last success; the first attempt is due at once."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._due = 0.0
        self._seconds = RETRY

    @property
    def remaining(self) -> float:
        """Seconds until the next attempt is due."""
        return max(0.0, self._due - self._clock())

    def fail(self) -> None:
        """Let the next attempt wait."""
        self._due = self._clock() + self._seconds
        self._seconds = min(2 * self._seconds, LONGEST_RETRY)

    def succeed(self) -> None:
        """Let the next failure be the first."""
        self._seconds = RETRY
