"""What was taken up right after what in an episode: one answer for writer and reader alike.

An indexer takes up each file a moment after it was saved.  That is its own order and nobody's choice; what
it takes up is left out here, as what a sweep walks over is left out of everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

from mycelial.store.weighing import Touch

SOON = 10.0
"""Seconds after another program's writing within which reading a file follows that."""

SEVERAL = 2
"""Files that a program must have read soon after they were written, and nothing else, to be an indexer."""


def successions(
    touches: Mapping[tuple[int, int], Touch], chosen: Callable[[int], bool] = lambda _: True
) -> Iterator[tuple[int, int, Touch]]:
    """Yield (file, next file, touch of that), in order of time, for the touches by (file, burst).

    Files that are not `chosen` are passed over.
    """
    followers = _followers(touches)
    order = sorted(
        (touch.first, *key)
        for key, touch in touches.items()
        if touch.program not in followers and chosen(key[0])
    )
    for (_, before, _), (_, file, burst) in pairwise(order):
        if before != file:
            yield before, file, touches[file, burst]


def _followers(touches: Mapping[tuple[int, int], Touch]) -> set[str]:
    """Return the programs that did nothing but read what others had just written."""
    read: dict[str, set[int]] = {}
    for (file, _), touch in touches.items():
        read.setdefault(touch.program, set()).add(file)
    writers: dict[int, list[Touch]] = {}
    for (file, _), touch in touches.items():
        if touch.writes:
            read.pop(touch.program, None)
            writers.setdefault(file, []).append(touch)
    read = {program: files for program, files in read.items() if len(files) >= SEVERAL}
    for (file, _), touch in touches.items():
        if touch.program in read and not any(
            writer.first <= touch.first <= writer.last + SOON for writer in writers.get(file, ())
        ):
            del read[touch.program]
    return set(read)
