"""Whether pieces of work are told apart: two projects in one tree, worked on at the same time by one user."""

from __future__ import annotations

from heapq import merge
from itertools import combinations
from pathlib import Path

from bench.quality.history import Commit, at_once, files
from bench.quality.questions import MOST, adjusted_rand_index
from bench.quality.work import events
from mycelial.graph.rebuild import replay
from mycelial.store.answers import Answers

COMMITS = 400
"""Newest commits of each project."""

PIDS = 1_000_000
"""Processes that a project may have."""

EVERYTHING = 10**9


def pairs(names: list[str]) -> list[tuple[str, str]]:
    """Return which projects are worked on at the same time: each with each."""
    return list(combinations(names, 2))


def ours(one: list[Commit], other: list[Commit], directory: Path, seed: int = 0) -> float:
    """Return the adjusted Rand index of our clusters against the projects that the files are of.

    Their directories are laid over each other; files of a name that both have are not judged.
    """
    histories = at_once([one[-COMMITS:], other[-COMMITS:]])
    logs = (
        events(history, seed + number, first_pid=PIDS * (number + 1))
        for number, history in enumerate(histories)
    )
    database = directory / "mixed.db"
    replay(database, merge(*logs, key=lambda event: event.t))
    with Answers.open(database, None) as answers:
        found = {
            path: cluster.id
            for cluster in answers.clusters(EVERYTHING, EVERYTHING)
            for path in cluster.members
        }
    for file in directory.glob("mixed.db*"):
        file.unlink()
    return adjusted_rand_index(_truth(one, other), found)


def first_directory(one: list[Commit], other: list[Commit]) -> float:
    """Return the same for the plainest guess: one cluster for each directory at the top."""
    truth = _truth(one, other)
    return adjusted_rand_index(truth, {path: path.rpartition("/")[0].partition("/")[0] for path in truth})


def _truth(one: list[Commit], other: list[Commit]) -> dict[str, int]:
    """Return the project of each file that is there in the end and was part of an ordinary change."""
    histories = one[-COMMITS:], other[-COMMITS:]
    first, second = files(histories[0]), files(histories[1])
    changes = (commit.written for history in histories for commit in history if len(commit.written) <= MOST)
    changed = {path for written in changes for path in written}
    return {path: int(path in second) for path in (first ^ second) & changed}
