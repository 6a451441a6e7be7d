"""Habits: what a program takes up nearly every time that it runs, whatever its user works on.

A browser writes its journals while a letter is written, a desktop notes every file that is opened.  Such a
file is used together with everything, and that says nothing; but it is only known by watching the program.
For each program it is counted in how many episodes it took part, and in how many of these it took up each of
the files that it takes up most: frequent items in bounded space (Misra, Gries: "Finding repeated elements",
1982).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mycelial.graph.changes import Changes

COUNTED = 32
"""Files of a program that are counted."""

UNSURE = 3
"""Episodes that a habit has to make up for: once is none."""

LEAST, FULL = 0.3, 0.7
"""Share of a program's episodes from which on a file is taken up somewhat by habit, and altogether."""

LEAST_HIDDEN, FULL_HIDDEN = 0.2, 0.5
"""The same for a file that is hidden: nobody chose it."""

VISIBLE = 0.5
"""How much of a habit counts where the file is not hidden: its user may well want it with everything."""

PROGRAMS = 256
"""Programs that are remembered; those that ran longest ago go first."""

LONGEST = 1000
"""Episodes of a program after which all its counts are halved: habits change."""

Key = tuple[int, str]


@dataclass(slots=True)
class _Program:
    turn: int = 0  # when it was observed last, by count
    episodes: int = 0
    files: dict[int, int] = field(default_factory=dict)


class Habits:
    """What each user's programs take up, over all closed episodes."""

    def __init__(self) -> None:
        self._programs: dict[Key, _Program] = {}
        self._dirty = Changes[Key]()
        self._turn = 0

    def observe(
        self, uid: int, used: Mapping[str, Collection[int]], hidden: Collection[int] = ()
    ) -> dict[int, float]:
        """Add an episode, given the files that each program took up in it, in order.

        Returns how much (0 to 1) each file was taken up by nothing but habit, going by the episodes before;
        those that were not at all are left out.
        """
        habitual: dict[int, float] = {}
        for program, files in used.items():
            self._turn += 1
            known = self._programs.pop((uid, program), None) or _Program()
            known.turn = self._turn
            self._programs[uid, program] = known
            self._dirty.add((uid, program))
            for file in files:
                share = known.files.get(file, 0) / (known.episodes + UNSURE)
                least, full = (LEAST_HIDDEN, FULL_HIDDEN) if file in hidden else (LEAST, FULL)
                degree = min(1.0, max(0.0, (share - least) / (full - least)))
                habitual[file] = min(degree, habitual.get(file, 1.0))
            self._count(known, files)
        while len(self._programs) > PROGRAMS:
            oldest = next(iter(self._programs))
            del self._programs[oldest]
            self._dirty.forget(oldest)
        return {file: degree for file, degree in habitual.items() if degree > 0.0}

    def dump(self) -> Iterator[tuple[str, Any]]:
        """Yield (key, state) of what changed since the last call."""
        for key in sorted(self._dirty):
            known = self._programs.get(key)
            state = None
            if known is not None:
                state = [known.turn, known.episodes, list(known.files), list(known.files.values())]
            yield json.dumps(key), state
        self._dirty.settle(self._programs)

    def load(self, states: Iterator[tuple[str, Any]]) -> None:
        """Take up what :meth:`dump` gave."""
        found = []
        for name, (turn, episodes, files, counts) in states:
            uid, program = json.loads(name)
            found.append(((uid, program), _Program(turn, episodes, dict(zip(files, counts, strict=True)))))
        self._programs.update(sorted(found, key=lambda item: item[1].turn))
        self._dirty.load(self._programs)
        self._turn = max((known.turn for known in self._programs.values()), default=0)

    @staticmethod
    def _count(known: _Program, files: Collection[int]) -> None:
        known.episodes += 1
        counts = known.files
        fresh = 0
        for file in files:
            if file in counts:
                counts[file] += 1
            elif len(counts) < COUNTED:
                counts[file] = 1
            else:
                fresh += 1
        if fresh:  # each of these would cost each of the others one
            known.files = {file: count - 1 for file, count in counts.items() if count > 1}
        if known.episodes >= LONGEST:
            known.episodes //= 2
            known.files = {file: count // 2 for file, count in known.files.items() if count > 1}


def is_hidden(path: str) -> bool:
    """Whether the file, or a directory above it, is one of those that `ls` does not show."""
    return path.startswith(".") or "/." in path
