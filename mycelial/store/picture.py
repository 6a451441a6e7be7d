"""What a picture shows: a bounded number of files, and the relations among just these."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from mycelial.store.clusters import ClusterTable
from mycelial.store.neighbours import Neighbours
from mycelial.store.tree import FileTree

PIECES = 12
"""Pieces of work that an overview shows, the largest."""

FAINT = 0.02
"""Strength below which a relation is not drawn."""

EACH = 6
"""Relations of a file that are drawn, the strongest, unless they are the other file's strongest, too."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A file in a picture: the label of its piece of work ("" for none), and its present weight."""

    path: str
    cluster: str
    weight: float


@dataclass(frozen=True, slots=True)
class Line:
    """A relation between the files `a` and `b`, places in the picture's list of files.

    `kind` is together (strength up to 1) or source (b was made from a).
    """

    a: int
    b: int
    kind: str
    strength: float
    count: int


@dataclass(frozen=True, slots=True)
class Picture:
    """Files and the relations among them."""

    files: tuple[Shown, ...]
    lines: tuple[Line, ...]


def overview(clusters: ClusterTable, limit: int) -> list[int]:
    """Return the files that stand for the whole: of each large piece of work the most used."""
    pieces = [number for number, _, _ in clusters.labels(PIECES)]
    members = [clusters.numbers(number, limit) for number in pieces]
    found: list[int] = []
    for place in range(limit):
        found += [files[place] for files in members if place < len(files)]
    return list(dict.fromkeys(found))[:limit]


def picture(neighbours: Neighbours, tree: FileTree, clusters: ClusterTable, files: Iterable[int]) -> Picture:
    """Return the picture of `files`, without those that are not to be shown."""
    paths = tree.paths(files)
    order = list(paths)
    place = {file: number for number, file in enumerate(order)}
    usage = neighbours.usage(order) if order else {}
    shown = tuple(Shown(paths[file], clusters.of_file(file) or "", usage[file].weight) for file in order)
    together: dict[tuple[int, int], Line] = {}
    made: list[Line] = []
    for file in order:
        lines = []
        for other, bond in neighbours.together(file).items():
            if other in place and other != file:
                both = math.sqrt(usage[file].weight * usage[other].weight)
                strength = min(1.0, bond.weight / both) if both > 0.0 else 0.0
                a, b = sorted((place[file], place[other]))
                lines.append(Line(a, b, "together", strength, bond.count))
        lines.sort(key=lambda line: (-line.strength, line.a, line.b))
        together.update({(line.a, line.b): line for line in lines[:EACH] if line.strength >= FAINT})
        for source, bond in sorted(neighbours.sources(file).items()):
            if source in place and source != file:
                made.append(Line(place[source], place[file], "source", 1.0, bond.count))
    return Picture(shown, (*(together[pair] for pair in sorted(together)), *made))
