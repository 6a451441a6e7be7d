"""Where the files of a picture are put: what belongs together lies together.

Forces as in Fruchterman, Reingold: "Graph drawing by force-directed placement" (1991), with a pull to the
middle that keeps parts together which nothing joins.  Nothing is drawn at random: the same picture always
looks the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

Point: TypeAlias = tuple[float, float]

ROUNDS = 150
"""Times that every file is moved."""

PULL = 0.05
"""Strength of the pull to the middle."""


def positions(count: int, edges: Sequence[tuple[int, int, float]], groups: Sequence[int]) -> list[Point]:
    """Return a place in the square from (0, 0) to (1, 1) for each of `count` nodes.

    `edges` are (node, node, strength up to 1); nodes of one group begin side by side.
    """
    if count == 0:
        return []
    order = sorted(range(count), key=lambda node: (groups[node], node))
    x, y = [0.0] * count, [0.0] * count
    for place, node in enumerate(order):
        angle = 2.0 * math.pi * place / count
        radius = 0.5 + 0.1 * (place % 3)
        x[node], y[node] = radius * math.cos(angle), radius * math.sin(angle)
    ideal = 1.0 / math.sqrt(count)
    for turn in range(ROUNDS):
        _move(x, y, edges, ideal, 0.2 * (1.0 - turn / ROUNDS) ** 2 + 1e-3)
    return _fitted(x, y)


def _move(
    x: list[float], y: list[float], edges: Sequence[tuple[int, int, float]], ideal: float, most: float
) -> None:
    count = len(x)
    dx, dy = [-PULL * a for a in x], [-PULL * b for b in y]
    for a in range(count):
        for b in range(a):
            h, v = x[a] - x[b], y[a] - y[b]
            push = ideal * ideal / (h * h + v * v + 1e-6)
            dx[a] += h * push
            dy[a] += v * push
            dx[b] -= h * push
            dy[b] -= v * push
    for a, b, strength in edges:
        h, v = x[a] - x[b], y[a] - y[b]
        pull = (0.2 + strength) * math.hypot(h, v) / ideal
        dx[a] -= h * pull
        dy[a] -= v * pull
        dx[b] += h * pull
        dy[b] += v * pull
    for node in range(count):
        length = math.hypot(dx[node], dy[node]) or 1.0
        step = min(length, most) / length
        x[node] += dx[node] * step
        y[node] += dy[node] * step


def _fitted(x: list[float], y: list[float]) -> list[Point]:
    left, top = min(x), min(y)
    size = max(max(x) - left, max(y) - top) or 1.0
    return [((a - left) / size, (b - top) / size) for a, b in zip(x, y, strict=True)]
