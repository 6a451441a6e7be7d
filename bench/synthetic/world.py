"""Which files a made-up machine holds: projects of a few kinds, each with its directories, by number alone.

Nothing is stored: a project's paths follow from its number, so a world of a million files costs no memory.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate

FILES = 200
"""Files in a project."""

_NAMES = """river stone amber cedar delta ember fable grove harbor iris juniper kernel lantern meadow nickel
orbit pebble quartz raven saffron timber umber velvet willow yarrow zephyr budget report survey plate"""
_WORDS = _NAMES.split()


@dataclass(frozen=True, slots=True)
class Project:
    """A piece of work: sources in C with their headers, then data, scripts and texts."""

    number: int

    @property
    def root(self) -> str:
        first, second = self.number % len(_WORDS), self.number // len(_WORDS) % len(_WORDS)
        return f"work/{_WORDS[first]}/{_WORDS[second]}-{self.number}"

    def path(self, index: int) -> str:
        """Path of one of the project's `FILES` files. The first 60 are C, the next 40 headers."""
        word = _WORDS[(self.number * 7 + index) % len(_WORDS)]
        if index < 60:
            return f"{self.root}/src/{word}_{index}.c"
        if index < 100:
            return f"{self.root}/include/{word}_{index}.h"
        if index < 150:
            return f"{self.root}/data/{word}-{index}.csv"
        if index < 170:
            return f"{self.root}/tools/{word}_{index}.py"
        return f"{self.root}/doc/{word} {index}.md"

    def object(self, index: int) -> str:
        """What the compiler makes of the C file with this index."""
        return f"{self.root}/build/{index}.o"


class World:
    """The projects that hold about `files` files, some of them worked on far more than others."""

    def __init__(self, files: int) -> None:
        self.projects = max(1, files // FILES)
        self._cumulated = list(accumulate(1.0 / (rank + 1) for rank in range(self.projects)))
        self._turn = 0

    def choose(self, choice: random.Random) -> Project:
        """A project: by Zipf's law mostly, else the one whose turn it is, so that each is visited."""
        if choice.random() < 0.3:
            self._turn += 1
            return Project(self._turn % self.projects)
        return Project(bisect_left(self._cumulated, choice.random() * self._cumulated[-1]))
