"""Programs that make more than one thing: which of their reads belong to which product.

What a process read may be in everything that it writes later: a script reads one table and makes three
pictures of it.  But a file manager copies one file after another, a converter works off a directory, and
who leaves a notebook open comes back to it with something else.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice, pairwise, takewhile

from mycelial.graph.actors import Read
from mycelial.graph.making import Making, Reads
from mycelial.graph.pairing import AT_ONCE, PAIRED, is_paired, unpaired
from mycelial.graph.processes import FINISHED_EACH
from mycelial.graph.programs import Kind

PAUSE = 60.0
"""Seconds between finishing one thing and taking up the next: then it is something else."""

ROUNDS = 2
"""Rounds of reading and writing before this one that make a program which goes on like that."""

COMPARED = 8
"""Rounds that are compared with this one, the latest."""


def own_reads(making: Making) -> Reads:
    """Yield the writer's own reads, the latest first, without those that belong to its other products."""
    writer = making.writer
    if len(writer.finished) == (making.product in writer.finished):
        return _reads_after(making, 0.0)
    if writer.kind is Kind.COPIER:
        return _reads_after(making, next(_rounds(making), 0.0))
    reads: Reads
    if bounds := _steady_rounds(making):
        reads = chain(
            _reads_after(making, bounds[0]), _named_alike(making, bounds[0]), _common_reads(making, bounds)
        )
    else:
        reads = _reads_after(making, _taken_up_anew(making))
    first = list(islice(reads, PAIRED + 1))
    return iter(unpaired(making, first)) if len(first) <= PAIRED else chain(first, reads)


def _reads_after(making: Making, bound: float) -> Reads:
    """What the writer read after `bound`, the latest first."""
    for file, read in reversed(making.writer.reads.items()):
        if read.last <= bound:
            return
        if _is_own(making, file, read):
            yield file, read


def _is_own(making: Making, file: int, read: Read) -> bool:
    return not read.conducted and file != making.product and read.first <= making.t


def _rounds(making: Making) -> Iterator[float]:
    """Yield the times at which another product was finished and something was read next, latest first.

    What was begun before is made from what is read until it is finished, whatever is finished meanwhile:
    LaTeX writes several files at the same time and reads each again at the end.
    Where more was finished than is remembered, the oldest that is known stands for all before.
    """
    begun = making.begun if making.begun is not None and making.writer.kind is not Kind.COPIER else making.t
    reads = (read.last for _, read in _reads_after(making, 0.0))
    latest, t = next(reads, 0.0), 0.0
    for product, t in reversed(making.writer.finished.items()):
        if product != making.product and t <= begun and latest > t:
            while latest > t:
                latest = next(reads, 0.0)
            yield t
    if len(making.writer.finished) >= FINISHED_EACH:
        yield t


def _taken_up_anew(making: Making) -> float:
    """Return when the writer had finished something else before it took up what this is made from.

    0.0 if it is all one piece of work.
    """
    if making.t - making.writer.first <= PAUSE:
        return 0.0
    latest = 0.0
    for count, t in enumerate(_rounds(making), 1):
        latest = latest or t
        if count >= ROUNDS:
            return latest
        next_read = min((read.last for _, read in _reads_after(making, t)), default=t)
        if next_read - t > PAUSE:
            return t
    return 0.0


def round_before(making: Making) -> tuple[float, float, set[int]] | None:
    """Return when the round before this one began and ended, if only now it shows that there are rounds.

    What was finished in it was taken to be made from all that was read before; the files that are given, too,
    are those that it was not made from.
    """
    if making.writer.kind not in (Kind.TOOL, Kind.INTERPRETER):
        return None
    bounds = _steady_rounds(making)
    if len(bounds) != ROUNDS:
        return None
    common = {file for file, _ in _common_reads(making, bounds)}
    earlier = {file for file, read in _reads_after(making, 0.0) if read.last <= bounds[1]}
    return bounds[1], bounds[0], earlier - common


def _named_alike(making: Making, end: float) -> Reads:
    """What was read shortly before, and by its name is the product's: threads look like rounds at times."""
    name = making.name_of(making.product)
    before = (item for item in _reads_after(making, 0.0) if item[1].last <= end)
    return (item for item in islice(before, AT_ONCE) if is_paired(name, [making.name_of(item[0])]))


def _common_reads(making: Making, bounds: list[float]) -> Reads:
    """What was read in the first round of all beyond what is read in each: a script, and what it begins with.

    The latest first.
    """
    taken = sum(1 for _ in _reads_after(making, bounds[0]))
    first = takewhile(lambda item: item[1].last <= making.writer.first_finish, making.writer.reads.items())
    begun_with = [item for item in first if _is_own(making, *item)]
    return reversed(begun_with[:-taken] if taken else begun_with)


def _steady_rounds(making: Making) -> list[float]:
    """Return the ends of the rounds before this one, latest first, if each was like the others; else nothing.

    A file manager copies one file after the other: each time it reads as many and then writes as many.  In
    the first round it may read more; what is written beyond that is made from everything.
    """
    bounds = list(islice(_rounds(making), COMPARED))
    if len(bounds) < ROUNDS:
        return []
    reads = [read.last for _, read in _reads_after(making, bounds[-1])]
    finished = takewhile(lambda item: item[1] > bounds[-1], reversed(making.writer.finished.items()))
    ends = [t for product, t in finished if product != making.product]
    # A round's products are finished after its reads: the last of them at its end.
    shapes = [
        (_between(reads, begun, end), _between(ends, begun, end))
        for end, begun in pairwise((making.t, *bounds))
    ]
    (taken, given), *before = shapes
    if any(shape != before[0] for shape in before) or taken != before[0][0]:
        return []
    first_reads = sum(1 for _ in islice(_reads_after(making, 0.0), len(reads) + taken)) - len(reads)
    return bounds if first_reads == taken and given < before[0][1] else []


def _between(times: list[float], begun: float, end: float) -> int:
    """Count the times after `begun`, up to `end`."""
    return sum(begun < t <= end for t in times)
