"""What was taken up right after what in an episode: one answer for writer and reader alike.

An indexer takes up each file a moment after it was saved.  That is its own order and nobody's choice; what
it takes up is left out here, as what a sweep walks over is left out of everything.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate, pairwise

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
    written = {file: _Spans(writers.get(file, ())) for files in read.values() for file in files}
    for (file, _), touch in touches.items():
        if touch.program in read and not written[file].reach(touch.first):
            del read[touch.program]
    return set(read)


class _Spans:
    """When a file was written, in order."""

    def __init__(self, writers: Iterable[Touch]) -> None:
        spans = sorted((touch.first, touch.last) for touch in writers)
        self._begins = [first for first, _ in spans]
        self._ends = list(accumulate((last for _, last in spans), max))

    def reach(self, t: float) -> bool:
        """Whether any had begun by then, and had not ended long before."""
        begun = bisect_right(self._begins, t)
        return begun > 0 and t <= self._ends[begun - 1] + SOON
