"""One close after writing, as the question of what was written then is put."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mycelial.graph.actors import Actor, Read
from mycelial.record.events import Process

Reads = Iterator[tuple[int, Read]]


@dataclass(frozen=True, slots=True)
class Making:
    """A close after writing: who wrote, who had created or emptied the file and when (None: nobody).

    `process` is the writer as it was seen then, `most` how many sources are kept at most. `name_of` gives the
    last part of a file's path.
    """

    product: int
    writer: Actor
    process: Process
    creator: Actor
    begun: float | None
    existed: bool
    t: float
    most: int
    name_of: Callable[[int], str]

    def stem(self, file: int) -> str:
        """Return the name that a file shares with what it is converted to."""
        return self.name_of(file).lstrip(".").partition(".")[0]

    def suffix(self, file: int) -> str:
        """Return what tells a file from what it is converted to."""
        return self.name_of(file).lstrip(".").partition(".")[2]
