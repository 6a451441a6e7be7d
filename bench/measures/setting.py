"""The one shape all measures have, and what they share: sizes, a mount of their own, a crowd of clients."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.processes import send
from bench.results import Result
from bench.running import Running, running
from bench.subjects import SUBJECTS, Paths
from bench.synthetic.world import FILES, Project


@dataclass(frozen=True, slots=True)
class Extent:
    """How large things get. Bounds are only held against what is measured at full size."""

    files: tuple[int, ...]  # known to a mount
    processes: tuple[int, ...]  # short programs, one after the other
    database: tuple[int, ...]  # files in a database
    clusters: tuple[int, ...]  # files among which clusters are looked for
    events: tuple[int, ...]  # in a log that is replayed
    calls: int  # whose latency is taken
    rounds: int  # of them
    idle: float  # seconds without any request
    soak: float  # seconds of steady load
    full: bool


SHORT = Extent(
    files=(100, 400),
    processes=(2, 6),
    database=(400, 1000),
    clusters=(400,),
    events=(500, 1500),
    calls=50,
    rounds=1,
    idle=0.5,
    soak=0.5,
    full=False,
)
FULL = Extent(
    files=(1_000, 10_000, 100_000),
    processes=(10, 100, 1_000),
    database=(1_000, 10_000, 100_000, 1_000_000),
    clusters=(1_000, 10_000, 100_000),
    events=(10_000, 100_000, 1_000_000),
    calls=2_000,
    rounds=5,
    idle=20.0,
    soak=120.0,
    full=True,
)


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a measure works and what it fills; `directory` is its own."""

    directory: Path
    extent: Extent
    result: Result
    progress: Callable[[str], None]

    def bound(self, value: float) -> float | None:
        """A bound that holds at full size."""
        return value if self.extent.full else None

    def source(self) -> Path:
        path = self.directory / "source"
        path.mkdir(exist_ok=True)
        return path

    @contextmanager
    def mount(self, name: str, database: Path | None = None) -> Iterator[Running]:
        """The subject `name` over `source()`, alone; `database` is the one to use."""
        subject = next(subject for subject in SUBJECTS if subject.name == name)
        mountpoint = self.directory / f"mount-{name}"
        paths = Paths(self.source(), mountpoint, database or self.directory / f"{name}.db")
        with running(subject, paths, self.directory / f"{name}.log") as present:
            yield present
        if subject.command is not None:
            mountpoint.rmdir()


@dataclass(frozen=True, slots=True)
class Measure:
    """`name` is for the command line."""

    name: str
    take: Callable[[Setting], None]


def make_projects(source: Path, count: int) -> list[str]:
    """Makes the first projects of the made-up world real, as empty files; their paths."""
    made = []
    for number in range(count):
        for index in range(FILES):
            path = Project(number).path(index)
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            (source / path).touch()
            made.append(path)
    return made


@contextmanager
def crowd(count: int, act: Callable[[int], object]) -> Iterator[None]:
    """`count` processes that call `act` (with their number) again and again while the context lasts."""
    children = [_endlessly(act, number) for number in range(count)]
    try:
        yield
    finally:
        for child in children:
            send(child, signal.SIGKILL)
            os.waitpid(child, 0)


def _endlessly(act: Callable[[int], object], number: int) -> int:
    child = os.fork()
    if child:
        return child
    try:
        while True:
            act(number)
    except BaseException as error:
        print(f"bench: a client failed: {error}", file=sys.stderr)
    finally:
        os._exit(1)
