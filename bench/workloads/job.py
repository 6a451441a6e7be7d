"""The one shape all workloads have: prepare without the clock, then run under it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.fixtures import Sizes


class Unavailable(Exception):
    """This workload cannot be run on this machine; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one run of a workload works.

    `root` is the subject's view of the files, `source` the native path to the same files. `owner` is the
    subject's name, `scratch` a path, relative to both, that nobody has used before and that is removed after.
    """

    root: Path
    source: Path
    owner: str
    scratch: str
    sizes: Sizes

    def small_files(self) -> list[str]:
        """Paths of the fixed 4 KiB files, as this subject sees them."""
        calls = range(self.sizes.calls)
        return [f"{self.root}/small/d{index % 10}/f{index}" for index in calls]

    def scratch_directory(self) -> Path:
        """An empty directory of this run's own, made and already known through the subject."""
        path = self.root / self.scratch
        path.mkdir(parents=True, exist_ok=True)
        return path

    def unseen_files(self, content: bytes) -> list[str]:
        """Files under names that the subject's kernel side has never looked up.

        They are made natively, behind the mount's back, in a new directory which alone is looked up first:
        the first call on each name is then one LOOKUP that no cache can answer, whatever timeouts the subject
        has. That is an uncached stat without root (dropping the kernel's caches needs root, and disturbs
        everybody else on the machine), and without timeouts of 0, which no mount uses and which make the
        kernel ask for each *directory* on the path too.
        """
        native = self.source / self.scratch
        native.mkdir(parents=True, exist_ok=True)
        for index in range(self.sizes.calls):
            (native / f"f{index}").write_bytes(content)
        os.stat(self.root / self.scratch)
        return [f"{self.root}/{self.scratch}/f{index}" for index in range(self.sizes.calls)]


@dataclass(frozen=True, slots=True)
class Job:
    """What the clock sees: `run`, which does `count` units of work.

    A program with a better clock may tell the seconds itself, as a float.
    """

    run: Callable[[], object]
    count: int


@dataclass(frozen=True, slots=True)
class Workload:
    """`name` is for the command line and JSON, `title` for people, `unit` what one count of the work is."""

    name: str
    title: str
    unit: str
    prepare: Callable[[Place], Job]


def each(paths: list[str], act: Callable[[str], object]) -> Job:
    """The job of calling `act` once with every path."""

    def run() -> None:
        for path in paths:
            act(path)

    return Job(run, len(paths))


def numbered(directory: Path, count: int) -> Iterator[str]:
    """Paths of `count` names in `directory`."""
    return (f"{directory}/n{index}" for index in range(count))
