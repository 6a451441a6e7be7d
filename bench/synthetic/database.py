"""A database as a large one looks after years, written through the store's own writer, in a minute or two.

Deriving ten million relations from events would take the better part of an hour; what is asked of it
(look-ups, opening, memory, checking) cannot tell the difference.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.synthetic.work import BEGIN
from bench.synthetic.world import FILES, Project
from mycelial.record.events import Event, Op, Process
from mycelial.store.provenance import Source
from mycelial.store.weighing import Touch
from mycelial.store.writer import Writer

UID = 1000
_EPISODES, _WHOLE, _MEMBERS = 20, 5, 20  # of a project; those of half of it that touch all its files; files
HUB = "work/common.h"
"""The one file that is related to many: to one of each project."""


def fill(
    path: Path, files: int, relations: int, uid: int = UID, progress: Callable[[int], None] = lambda _: None
) -> None:
    """Makes the database at `path` with `files` files and about `relations` rows of relations of user `uid`.

    Four in five of these rows are of `together` (each pair has two), the others of `next` and `source`; every
    file has an event in the log and was touched in an episode. `progress` is told the number of files done.
    """
    choice = random.Random(1)
    projects = max(1, files // FILES)
    wanted = relations / projects
    process = Process(pid=4711, ppid=1, comm="python3", uid=uid, args=("python3", "work.py"), cwd="/home")
    with Writer(path) as writer:
        writer.begin()
        writer.set_landmark(BEGIN)
        hub = writer.files.use(HUB)
        t = BEGIN
        for number in range(projects):
            paths = [Project(number).path(index) for index in range(FILES)]
            numbers = [writer.files.use(path) for path in paths]
            for name in paths:
                t += 30.0
                record = writer.log.append(Event(t, Op.OPEN, name, process))
            episode = 1 + number * _EPISODES
            _work(writer, choice, [hub, *numbers], uid, t, episode)
            _relate(writer, choice, numbers, wanted, uid, t, episode)
            evidence = writer.evidence
            evidence.add_together(uid, {(hub, numbers[0]): 0.1}, t, episode)
            for product, source in zip(numbers[150:170], numbers[100:120], strict=True):
                writer.provenance.set_sources(product, uid, {source: Source(source, t, "python3")})
                writer.provenance.set_recipe(product, uid, t, record, record, ())
            for file in (hub, *numbers):
                evidence.add_usage(file, uid, 3.0, t)
                evidence.add_usage(0, uid, 3.0, t)
            if number % 50 == 49:
                writer.commit()
                writer.begin()
                progress((number + 1) * FILES)
        writer.commit()


def _work(
    writer: Writer, choice: random.Random, numbers: list[int], uid: int, t: float, episode: int
) -> None:
    """The project's episodes: two pieces of work, one half of the files each, done in turns."""
    order = numbers[:]
    choice.shuffle(order)
    halves = order[::2], order[1::2]
    for turn in range(_EPISODES):
        begun, ended = t - 600.0 * (_EPISODES - turn), t - 600.0 * (_EPISODES - turn) + 300.0
        writer.evidence.episode(episode + turn, uid, begun, ended, "closed")
        files = choice.sample(halves[turn % 2], _MEMBERS)
        if turn < 2 * _WHOLE:  # the first episodes leave no file out
            half, part = halves[turn % 2], turn // 2
            files = half[part * len(half) // _WHOLE : (part + 1) * len(half) // _WHOLE]
        for file in files:
            writes = choice.randrange(2)
            writer.evidence.touch(episode + turn, file, turn, Touch("vim", begun, ended, 1 - writes, writes))


def _relate(
    writer: Writer, choice: random.Random, numbers: list[int], wanted: float, uid: int, t: float, episode: int
) -> None:
    """Gives one project's files `wanted` rows, in groups such as people work on."""
    rows = 0
    for a, b in _pairs(choice, numbers):
        if rows >= wanted:
            return
        writer.evidence.add_together(uid, {(a, b): choice.uniform(0.05, 1.0)}, t, episode)
        rows += 2
        if choice.random() < 0.5:
            writer.evidence.add_next(uid, 1.0, [(a, b, t, "vim")])
            rows += 1


def _pairs(choice: random.Random, numbers: list[int]) -> Iterator[tuple[int, int]]:
    """Each pair once: neighbours on a circle first, then further apart, so that groups overlap."""
    order = numbers[:]
    choice.shuffle(order)
    size = len(order)
    for distance in range(1, size // 2):
        for index in range(size):
            yield order[index], order[(index + distance) % size]
