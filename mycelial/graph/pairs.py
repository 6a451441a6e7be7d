"""Which pairs of a closed episode become evidence: of many, those that say most.

An episode of a hundred files has five thousand pairs, nearly all of them faint; they would be most of the
database and never be seen.  Each file keeps its strongest partners, the nearest in time where they are
equally strong, and a pair is kept if either of the two keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping

from mycelial.store.weighing import EpisodeEvidence, Touch

PARTNERS = 24
"""Partners that a file keeps of one episode: somewhat more than anybody is ever shown."""


def pairs_of(said: EpisodeEvidence, touches: Mapping[tuple[int, int], Touch]) -> dict[tuple[int, int], float]:
    """Return the weight of each pair (smaller number, larger number) that is kept."""
    first: dict[int, float] = {}
    for (file, _), touch in touches.items():
        first[file] = min(touch.first, first.get(file, touch.first))
    order = sorted(first, key=lambda file: (first[file], file))
    place = {file: position for position, file in enumerate(order)}
    pairs: dict[tuple[int, int], float] = {}
    for file in said.weights:
        partners = said.partners(file)
        if len(partners) > PARTNERS:
            partners = _strongest(partners, place, place[file])
        for other, weight in partners.items():
            pairs[(file, other) if file < other else (other, file)] = weight
    return pairs


def _strongest(partners: dict[int, float], place: dict[int, int], here: int) -> dict[int, float]:
    """Return those that are kept of too many partners of the file that was taken up at place `here`."""
    least = sorted(partners.values(), reverse=True)[PARTNERS - 1]
    kept = {other: weight for other, weight in partners.items() if weight > least}
    equal = sorted((abs(place[other] - here), other) for other, weight in partners.items() if weight == least)
    return kept | {other: least for _, other in equal[: PARTNERS - len(kept)]}
