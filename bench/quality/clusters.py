"""Whether pieces of work are told apart: projects in one tree, worked on at the same time by one user, and
tasks of a home."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import merge
from itertools import combinations
from pathlib import Path

from bench.quality.history import Commit, at_once, files
from bench.quality.home import home, tasks
from bench.quality.questions import MOST, adjusted_rand_index
from bench.quality.work import events
from mycelial.graph.rebuild import replay
from mycelial.record.events import Event
from mycelial.store.answers import Answers

COMMITS = 400
"""Newest commits of each project."""

PIDS = 1_000_000
"""Processes that a project may have."""

WINDOW = PIDS - 1
"""The process that all others hang on where everything is done in one window."""

EVERYTHING = 10**9


def mixes(names: list[str]) -> list[tuple[str, ...]]:
    """Return which projects are worked on at the same time: each with each, and all."""
    return [*combinations(names, 2), *([tuple(names)] if len(names) > 2 else [])]


def ours(projects: Sequence[Sequence[Commit]], directory: Path, seed: int = 0) -> float:
    """Return the adjusted Rand index of our clusters against the projects that the files are of.

    Their directories are laid over each other; files of a name that more than one has are not judged.
    """
    return adjusted_rand_index(_truth(projects), _found(directory, _log(projects, seed)))


def in_one_window(projects: Sequence[Sequence[Commit]], directory: Path, seed: int = 0) -> float:
    """Return the same where no process tells the projects apart: each hangs on the same one."""
    log = (
        event._replace(process=event.process._replace(ppid=WINDOW)) if event.process.ppid > 1 else event
        for event in _log(projects, seed)
    )
    return adjusted_rand_index(_truth(projects), _found(directory, log))


def at_home(directory: Path, seed: int = 0) -> float:
    """Return the same for the tasks of a home."""
    of_task: dict[str, set[int]] = {}
    for number, task in enumerate(tasks(seed)):
        for file in task.files:
            of_task.setdefault(file, set()).add(number)
    truth = {file: min(numbers) for file, numbers in of_task.items() if len(numbers) == 1}
    return adjusted_rand_index(truth, _found(directory, home(seed)[0]))


def first_directory(projects: Sequence[Sequence[Commit]]) -> float:
    """Return the same for the plainest guess: one cluster for each directory at the top."""
    truth = _truth(projects)
    return adjusted_rand_index(truth, {path: path.rpartition("/")[0].partition("/")[0] for path in truth})


def _log(projects: Sequence[Sequence[Commit]], seed: int) -> Iterable[Event]:
    histories = at_once([project[-COMMITS:] for project in projects])
    logs = (
        events(history, seed + number, first_pid=PIDS * (number + 1))
        for number, history in enumerate(histories)
    )
    return merge(*logs, key=lambda event: event.t)


def _found(directory: Path, log: Iterable[Event]) -> dict[str, int]:
    database = directory / "mixed.db"
    replay(database, log)
    with Answers.open(database, None) as answers:
        found = {
            path: cluster.id
            for cluster in answers.clusters(EVERYTHING, EVERYTHING)
            for path in cluster.members
        }
    for file in directory.glob("mixed.db*"):
        file.unlink()
    return found


def _truth(projects: Sequence[Sequence[Commit]]) -> dict[str, int]:
    """Return the project of each file that is there in the end and was part of an ordinary change."""
    histories = [project[-COMMITS:] for project in projects]
    there = [files(history) for history in histories]
    changed = {
        path
        for history in histories
        for commit in history
        if len(commit.written) <= MOST
        for path in commit.written
    }
    owners: dict[str, list[int]] = {}
    for number, present in enumerate(there):
        for path in changed.intersection(present):
            owners.setdefault(path, []).append(number)
    return {path: numbers[0] for path, numbers in owners.items() if len(numbers) == 1}
