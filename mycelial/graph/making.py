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

    `process` is the writer as it was seen then. `closed_before`: somebody else had closed it after writing
    before. `since` says when the writer itself had closed the same content before (0.0: never): what it had
    read by then is known. `most` is how many sources are kept at most. `path_of` gives a file's path,
    `name_of` its last part, and `number_at` the file at a path below the mount's root. `root` is where that
    is; empty if it does not show.
    """

    product: int
    writer: Actor
    process: Process
    creator: Actor
    begun: float | None
    existed: bool
    closed_before: bool
    t: float
    since: float
    most: int
    path_of: Callable[[int], str]
    name_of: Callable[[int], str]
    root: str
    number_at: Callable[[str], int | None]
