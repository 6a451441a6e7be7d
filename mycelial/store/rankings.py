"""The five rankings of what belongs to a file, each from evidence of its own, and what supports a place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from mycelial.store.connection import Database
from mycelial.store.mutes import muted_with
from mycelial.store.neighbours import Bond, Neighbours
from mycelial.store.ranking import Ranked, Ranking, chosen_weights, in_order
from mycelial.store.tree import FileTree

STRONG = 3
"""Episodes from which on a relation is no longer weak."""

SOMETHING_ELSE = 2.0
"""For each file that came next, times that something never seen there is taken to have: where many different
ones did, another one will.  In prediction by partial matching it is one (Moffat: "Implementing the PPM data
compression scheme", 1990, method C); two fits what came of some 28,000 predictions."""


class Relation(StrEnum):
    """The rankings that may be asked for."""

    RELATED = "related"
    TOGETHER = "together"
    NEXT = "next"
    SOURCES = "sources"
    PRODUCTS = "products"


@dataclass(frozen=True, slots=True)
class Related:
    """A file that belongs to the one asked for, and what supports that.

    Attributes
    ----------
    path : str
        Relative to the mount root.
    score : float
        Comparable within one answer only; higher is better.
    episodes : int
        In how many episodes both were used (for sources and products: how often the one was made from
        the other).
    last : float
        Seconds since the epoch; 0.0 if there is no evidence but the name.
    programs : tuple of str
        What used them, sorted.
    weak : bool
        Fewer than three episodes speak for it.
    """

    path: str
    score: float
    episodes: int
    last: float
    programs: tuple[str, ...]
    weak: bool


class Rankings:
    """Ranks for one reader."""

    def __init__(self, database: Database, uid: int | None, tree: FileTree, neighbours: Neighbours) -> None:
        self._database = database
        self._uid = uid
        self._tree = tree
        self._neighbours = neighbours
        self._blended = Ranking(tree, neighbours)

    def ranked(self, relation: Relation, path: str) -> list[Ranked]:
        """Return all of a ranking, best first; nothing for a file that is not known."""
        return self._of(relation, self._tree.number_or_nowhere(path), path)

    def told(self, relation: Relation, path: str, limit: int) -> list[Related]:
        """Return the first places of a ranking with what supports them."""
        file = self._tree.number_or_nowhere(path)
        return [self._related(file, item) for item in self._of(relation, file, path)[:limit]]

    def _of(self, relation: Relation, file: int, path: str) -> list[Ranked]:
        match relation:
            case Relation.RELATED:
                return self._not_muted(file, path)
            case Relation.TOGETHER:
                usage = self._neighbours.usage([file])[file].weight
                bonds = self._neighbours.together(file)
                return self._by_weight(file, bonds, usage, chosen_weights(self._neighbours, file, bonds))
            case Relation.NEXT:
                bonds = self._neighbours.following(file)
                for other in self._neighbours.habitual(bonds):
                    del bonds[other]
                whole = sum(bond.weight for bond in bonds.values())
                times = sum(bond.count for bond in bonds.values()) or 1
                return self._by_weight(file, bonds, whole * (1.0 + SOMETHING_ELSE * len(bonds) / times))
            case Relation.SOURCES:
                return self._by_weight(file, self._neighbours.sources(file), 1.0)
            case Relation.PRODUCTS:
                return self._by_weight(file, self._neighbours.products(file), 1.0)

    def _not_muted(self, file: int, path: str) -> list[Ranked]:
        if not self._tree.is_own(file) or self._tree.path(file) is None:
            return []
        muted = muted_with(self._database, self._uid, file)
        return [item for item in self._blended.related(file, path) if item.file not in muted]

    def _by_weight(
        self,
        file: int,
        bonds: Mapping[int, Bond],
        whole: float,
        weights: Mapping[int, float] | None = None,
    ) -> list[Ranked]:
        """Rank by `weights` (None: those of the bonds), told as shares of `whole`."""
        if weights is None:
            weights = {other: bond.weight for other, bond in bonds.items()}
        whole = max([whole, *weights.values()]) or 1.0
        paths = self._tree.paths(other for other in bonds if other != file)
        return in_order(
            Ranked(other, path, weights[other] / whole, partial(bonds.__getitem__, other))
            for other, path in paths.items()
        )

    def _related(self, file: int, item: Ranked) -> Related:
        bond = item.support()
        programs: tuple[str, ...] = (bond.program,) if bond.program else ()
        if bond.episode:
            used = self._neighbours.programs(bond.episode, (file, item.file))
            programs = tuple(sorted({*programs, *used}))
        weak = bond.count < STRONG and not bond.made
        return Related(item.path, item.score, bond.count, bond.last, programs, weak)
