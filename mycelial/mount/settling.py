"""What has just happened is known to whoever asks then: it is stored before a question is put to the store.

Events are handed over and stored some at a time, up to a second after they happened.  Whoever runs a command
and asks how its result was made does not wait so long by himself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from mycelial import core

PATIENCE = 2.0
"""Seconds that a question waits at most."""

REST = 4
"""Times as long as it took last nobody has it done again, so that questions leave the engine to its work."""

LONGEST_REST = 0.25
"""Seconds of rest at most: the engine stores what waits as often by itself."""

GIVEN_UP = 5.0
"""Seconds for which no question waits for an engine that did not answer."""


class Settling:
    """Has events stored when somebody asks.

    Parameters
    ----------
    settle : function
        Has the engine store what there is; whether it did.
    """

    def __init__(self, settle: Callable[[], Awaitable[bool]]) -> None:
        self._settle = settle
        self._lock = trio.Lock()
        self._settled = 0  # records that were stored by then
        self._earliest = 0.0

    async def __call__(self) -> None:
        """Return when all that happened before is stored, or when that takes too long."""
        if core.recorded() == self._settled:
            return
        with trio.move_on_after(PATIENCE):
            async with self._lock:
                if core.recorded() != self._settled and not self._is_given_up():
                    await trio.sleep_until(self._earliest)
                    await self._have_stored()

    def _is_given_up(self) -> bool:
        return self._earliest > trio.current_time() + PATIENCE

    async def _have_stored(self) -> None:
        recorded, began = core.recorded(), trio.current_time()
        self._earliest = began + GIVEN_UP  # unless it answers
        if await self._settle():
            self._settled = recorded
        took = trio.current_time() - began
        self._earliest = began + took + min(REST * took, LONGEST_REST)
