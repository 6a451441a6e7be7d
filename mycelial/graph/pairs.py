"""Which pairs of a closed episode become evidence: of many, those that say most.

An episode of a hundred files has five thousand pairs, nearly all of them faint; they would be most of the
database and never be seen.  Each file keeps its strongest partners, the nearest in time where they are
equally strong, and a pair is kept if either of the two keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping

from mycelial.store.weighing import EpisodeEvidence, Touch

SPARSE = 4
"""Files of an episode to one partner up to which the nearest are looked for around a file, not sorted."""

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
            partners = _strongest(partners, order, place, place[file])
        for other, weight in partners.items():
            pairs[(file, other) if file < other else (other, file)] = weight
    return pairs


def _strongest(
    partners: dict[int, float], order: list[int], place: dict[int, int], here: int
) -> dict[int, float]:
    """Return those that are kept of too many partners of the file that was taken up at place `here`."""
    least = sorted(partners.values(), reverse=True)[PARTNERS - 1]
    kept = {other: weight for other, weight in partners.items() if weight > least}
    most = PARTNERS - len(kept)
    if len(order) > SPARSE * len(partners):
        equal = [other for other, weight in partners.items() if weight == least]
        equal.sort(key=lambda other: (abs(place[other] - here), other))
    else:
        equal = _nearest(partners, least, order, here, most)
    kept.update(dict.fromkeys(equal[:most], least))
    return kept


def _nearest(partners: dict[int, float], weight: float, order: list[int], here: int, most: int) -> list[int]:
    """Return the partners of this weight, the nearest first; at least `most`, of which there are so many."""
    found: list[int] = []
    get, last = partners.get, len(order) - 1
    for distance in range(1, last + 1):
        before, after = here - distance, here + distance
        earlier = before >= 0 and get(order[before]) == weight
        if after <= last and get(order[after]) == weight:
            if earlier and order[before] < order[after]:
                found += order[before], order[after]
            elif earlier:
                found += order[after], order[before]
            else:
                found.append(order[after])
        elif earlier:
            found.append(order[before])
        if len(found) >= most:
            break
    return found
