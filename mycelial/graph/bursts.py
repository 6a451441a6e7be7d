"""Sweeps: programs that walk over everything say nothing about what belongs together.

They are found by their breadth, not by name.  A *burst* is a run of accesses by one program under one
parent (so `find -exec` and a shell's loop count as one) without a pause; it is a sweep once it
took up many files quickly.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mycelial.graph.actors import Actor
from mycelial.graph.changes import Changes

PAUSE = 5.0
"""Seconds without an access that end a burst."""

BREADTH = 25
"""Distinct files that make a burst a sweep …"""

PACE = 3.0
"""… if they were taken up at so many a second."""

REMEMBERED = 1024
"""Bursts that are remembered; the longest quiet go first."""

Key = tuple[int, int, str]


@dataclass(slots=True)
class Burst:
    """A run of accesses; `arrivals` are the times at which its latest distinct files were taken up."""

    number: int
    started: float
    last: float
    swept: int = 0  # accesses since it was found to be a sweep
    files: set[int] = field(default_factory=set)
    arrivals: list[float] = field(default_factory=list)

    @property
    def is_sweep(self) -> bool:
        """Whether it walked over too much to mean anything."""
        return self.swept > 0


class Bursts:
    """The bursts of the recent past, by user, parent and program."""

    def __init__(self) -> None:
        self._bursts: dict[Key, Burst] = {}
        self._next = 1
        self._dirty = Changes[Key]()

    def access(self, actor: Actor, file: int, t: float) -> tuple[Burst, bool]:
        """Add an access; return its burst and whether this access has made it a sweep."""
        key = (actor.uid, actor.ppid, actor.comm)
        burst = self._bursts.pop(key, None)
        if burst is None or t - burst.last >= PAUSE:
            burst = Burst(self._next, t, t)
            self._next += 1
        self._bursts[key] = burst
        self._dirty.add(key)
        if len(self._bursts) > REMEMBERED:
            oldest = next(iter(self._bursts))
            del self._bursts[oldest]
            self._dirty.forget(oldest)
        if t > burst.last:
            burst.last = t
        if burst.swept:
            burst.swept += 1
            return burst, False
        if file in burst.files:
            return burst, False
        burst.files.add(file)
        burst.arrivals.append(t)
        if len(burst.arrivals) < BREADTH:
            return burst, False
        if t - burst.arrivals[-BREADTH] <= BREADTH / PACE:
            burst.swept = len(burst.files)
            burst.files.clear()
            burst.arrivals.clear()
            return burst, True
        del burst.arrivals[0]
        return burst, False

    def dump(self) -> Iterator[tuple[str, Any]]:
        """Yield (key, state) of what changed since the last call; None for what was forgotten."""
        for key in sorted(self._dirty):
            burst = self._bursts.get(key)
            state = None
            if burst is not None:
                files, times = sorted(burst.files), burst.arrivals
                state = [key, burst.number, burst.started, burst.last, burst.swept, files, times]
            yield json.dumps(key), state
        if self._dirty:
            yield "", self._next
        self._dirty.settle(self._bursts)

    def load(self, states: Iterator[tuple[str, Any]]) -> None:
        """Take up what :meth:`dump` gave."""
        found: list[tuple[Key, Burst]] = []
        for name, state in states:
            if not name:
                self._next = state
                continue
            (uid, parent, program), number, started, last, swept, files, times = state
            found.append(((uid, parent, program), Burst(number, started, last, swept, set(files), times)))
        self._bursts.update(sorted(found, key=lambda item: item[1].last))
        self._dirty.load(self._bursts)
