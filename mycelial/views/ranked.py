"""related/, together/, next/, sources/ and products/: each file is a directory of ranked links."""

from __future__ import annotations

from mycelial.record.events import text_of
from mycelial.store.answers import Relation
from mycelial.views.entries import ASKED
from mycelial.views.links import Linker, Links
from mycelial.views.mirror import Mirror
from mycelial.views.node import Caller, Kind, Node


class RankedView(Mirror):
    """One of the rankings as a tree."""

    file_kind = Kind.DIRECTORY

    def __init__(self, linker: Linker, relation: Relation) -> None:
        super().__init__(linker.source)
        self._linker = linker
        self._relation = relation

    def file(self, path: bytes, caller: Caller) -> Node:
        """Return the directory of links that stands for `path`."""
        return self.links(path, caller).directory()

    def inside(self, path: bytes, name: bytes, caller: Caller) -> Node | None:
        """Return the link `name` in the directory that stands for `path`."""
        return self.links(path, caller).link(name)

    def links(self, path: bytes, caller: Caller) -> Links:
        """Return what is listed for `path`."""
        names, file = tuple(path.split(b"/")), text_of(path)
        return self._linker.links(
            self, names, caller, lambda answers: answers.paths(self._relation, file, ASKED), without=file
        )
