"""The content of a file that is being made, and the question of what was put there at a close."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import takewhile

from mycelial.graph.actors import Actor, Read
from mycelial.graph.programs import FEEDING, Kind, works_by_itself
from mycelial.record.events import Process

Reads = Iterator[tuple[int, Read]]


@dataclass(slots=True)
class Generation:
    """The present content of a file that is being made.

    `carries` says that it contains what was there before; `closed` that it was closed after writing, by the
    actor numbered `closer` the first time; `conducted` that it was a shell, or what else runs programs, that
    created or emptied it.
    """

    begun: float
    creator: int  # number of the actor that created or emptied it
    existed: bool
    carries: bool
    closed: bool = False
    conducted: bool = False
    closer: int = 0


@dataclass(frozen=True, slots=True)
class Making:
    """A close after writing: who wrote, who had created or emptied the file and when (None: nobody).

    `process` is the writer as it was seen then. `conducted`: a shell, or what else runs programs, created or
    emptied it. `closed_before`: somebody else had closed it after writing before. `since` says when the
    writer itself had closed the same content before (0.0: never): what it had read by then is known. `most`
    is how many sources are kept at most. `path_of` gives a file's path, `name_of` its last part, and
    `number_at` the file at a path below the mount's root. `root` is where that is; empty if it does not show.
    `begun_by` gives when an actor created or emptied files since a time, the latest first.
    """

    product: int
    writer: Actor
    process: Process
    creator: Actor
    begun: float | None
    conducted: bool
    existed: bool
    closed_before: bool
    t: float
    since: float
    most: int
    path_of: Callable[[int], str]
    name_of: Callable[[int], str]
    root: str
    number_at: Callable[[str], int | None]
    begun_by: Callable[[int, float], Iterator[float]]

    @property
    def opened(self) -> float:
        """When it was opened for what was put there now, as far as is known: nobody sees what is added to."""
        return self.t if self.begun is None or self.since or self.closed_before else self.begun

    def is_at(self, file: int, target: str) -> bool:
        """Whether what a stream leads to is this file, wherever the mount's root may be."""
        return target.endswith(f"/{self.path_of(file)}")


@dataclass(frozen=True, slots=True)
class Written:
    """A close after writing, as far as it matters for commands.

    Attributes
    ----------
    path : str
        What was written, relative to the mount's root.
    writer : Actor
    process : Process
        The writer as it was seen last.
    creator : Actor or None
        Who made or emptied the file last.
    conducted : bool
        Whether that was a shell, or what else runs programs, at the time.
    anew : bool
        Whether that was just before; otherwise it was only added to.
    t, begun : float
        When it was closed, and when its present content was begun.
    unseen : bool
        Whether sources came in on a way that the commands do not show: a named pipe, a file elsewhere.
    creators : function of a path
        The pid of the shell, or the like, that made or emptied the file there lately; 0 if none did.
    path_of : function of a file
        Where it is.
    """

    path: str
    writer: Actor
    process: Process
    creator: Actor | None
    conducted: bool
    anew: bool
    t: float
    begun: float
    unseen: bool
    creators: Callable[[str], int]
    path_of: Callable[[int], str]


def begun_by(generations: dict[int, Generation], number: int, since: float) -> Iterator[float]:
    """Yield when an actor created or emptied files since then, the latest first."""
    lately = takewhile(lambda one: one.begun >= since, reversed(generations.values()))
    return (one.begun for one in lately if one.creator == number)


def is_by_hand(making: Making) -> bool:
    """Whether nobody can do again what was done: somebody wrote, or brought the file from another version."""
    kind = making.writer.kind
    if kind is Kind.EDITOR:
        return not works_by_itself(making.writer.args or ())
    return kind is Kind.VERSIONS and not making.conducted


def opener_of(writer: Actor, creator: Actor | None) -> Actor | None:
    """Return the program, no shell, that opened the output of the writer for it."""
    is_one = creator is not None and creator.pid in writer.above and creator.kind in FEEDING
    return creator if is_one else None
