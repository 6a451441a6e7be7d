"""Which pairs of a closed episode become evidence: of many, those that say most.

An episode of a hundred files has five thousand pairs, nearly all of them faint; they would be most of the
database and never be seen.  Each file keeps its strongest partners, the nearest in time where they are
equally strong, and a pair is kept if either of the two keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping
from heapq import nsmallest

from mycelial.store.weighing import EpisodeEvidence, Touch

PARTNERS = 24
"""Partners that a file keeps of one episode: somewhat more than anybody is ever shown."""


def pairs_of(said: EpisodeEvidence, touches: Mapping[tuple[int, int], Touch]) -> dict[tuple[int, int], float]:
    """Return the weight of each pair (smaller number, larger number) that is kept, in order."""
    first: dict[int, float] = {}
    for (file, _), touch in touches.items():
        first[file] = min(touch.first, first.get(file, touch.first))
    order = sorted(first, key=lambda file: (first[file], file))
    place = {file: position for position, file in enumerate(order)}
    pairs: dict[tuple[int, int], float] = {}

    def closeness(item: tuple[int, float]) -> tuple[float, int, int]:
        return -item[1], abs(place[item[0]] - here), item[0]

    for file in said.weights:
        partners = list(said.partners(file))
        if len(partners) > PARTNERS:
            here = place[file]
            partners = nsmallest(PARTNERS, partners, key=closeness)
        for other, weight in partners:
            pairs[(file, other) if file < other else (other, file)] = weight
    return dict(sorted(pairs.items()))
