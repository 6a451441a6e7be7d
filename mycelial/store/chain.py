"""How two files hang together that nothing joins directly: the strongest chain of files between them.

Each step is as strong as the bond is for both its ends, so a chain does not lead through what is used with
everything if there is another; the chain is as strong as the product of its steps (Dijkstra: "A note on two
problems in connexion with graphs", 1959; from both ends at once: Pohl: "Bi-directional search", 1971).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from heapq import heappop, heappush

from mycelial.store.neighbours import Neighbours
from mycelial.store.tree import FileTree

MADE = 0.8
"""Strength of a step from a product to its source or back."""

FOLLOWED = 0.1
"""Strength of a step to what was only taken up next."""

STEP = 0.5
"""What each step is worth by itself: a shorter chain explains more."""

LOOKED_AT = 200
"""Files whose bonds are looked at."""

BONDS = 100
"""Bonds of one file that are followed, the strongest."""


@dataclass(slots=True)
class _Side:
    """What was reached from one end: the cost (negative logarithm of the strength), and from where."""

    waiting: list[tuple[float, int]]
    cost: dict[int, float]
    before: dict[int, int] = field(default_factory=dict)
    settled: set[int] = field(default_factory=set)

    def back(self, file: int) -> list[int]:
        """Return the files from `file` back to the end."""
        line = [file]
        while line[-1] in self.before:
            line.append(self.before[line[-1]])
        return line


def strongest_chain(neighbours: Neighbours, tree: FileTree, one: int, other: int) -> list[int]:
    """Return the files from `one` to `other`, both among them; nothing if no chain was found nearby."""
    sides = [_Side([(0.0, end)], {end: 0.0}) for end in (one, other)]
    best, meeting = math.inf, None
    for _ in range(LOOKED_AT):
        if not all(side.waiting for side in sides):
            break
        if sides[0].waiting[0][0] + sides[1].waiting[0][0] >= best:
            break
        near, far = sorted(sides, key=lambda side: side.waiting[0])
        cost, file = heappop(near.waiting)
        if file in near.settled:
            continue
        near.settled.add(file)
        for next_file, strength in _steps(neighbours, file).items():
            reached = cost - math.log(STEP * strength)
            if reached >= near.cost.get(next_file, math.inf):
                continue
            if next_file not in (one, other) and tree.path(next_file) is None:
                continue
            near.cost[next_file] = reached
            near.before[next_file] = file
            heappush(near.waiting, (reached, next_file))
            if next_file in far.cost and reached + far.cost[next_file] < best:
                best, meeting = reached + far.cost[next_file], next_file
    if meeting is None:
        return []
    return [*reversed(sides[0].back(meeting)), *sides[1].back(meeting)[1:]]


def _steps(neighbours: Neighbours, file: int) -> dict[int, float]:
    """Return the strength, up to 1, of the bonds of a file."""
    together = neighbours.together(file)
    strongest = sorted(together, key=lambda other: (-together[other].weight, other))[:BONDS]
    usage = neighbours.usage([file, *strongest])
    steps: dict[int, float] = {}
    for other in strongest:
        both = math.sqrt(usage[file].weight * usage[other].weight)
        steps[other] = min(1.0, together[other].weight / both) if both > 0.0 else 0.0
    for other in neighbours.following(file):
        steps[other] = max(FOLLOWED, steps.get(other, 0.0))
    for made in (neighbours.sources(file), neighbours.products(file)):
        for other in sorted(made)[:BONDS]:
            steps[other] = max(MADE, steps.get(other, 0.0))
    steps.pop(file, None)
    return {other: strength for other, strength in steps.items() if strength > 0.0}
