"""related/, together/, next/, sources/ and products/: each file is a directory of ranked links."""

from __future__ import annotations

from mycelial.record.events import text_of
from mycelial.store.answers import Relation
from mycelial.views.entries import ASKED, Entry, numbered
from mycelial.views.links import Links
from mycelial.views.listing import Listings
from mycelial.views.mirror import Mirror
from mycelial.views.node import Caller, Kind, Node, Source
from mycelial.views.questions import Questions


class RankedView(Mirror):
    """One of the rankings as a tree."""

    file_kind = Kind.DIRECTORY

    def __init__(self, source: Source, questions: Questions, listings: Listings, relation: Relation) -> None:
        super().__init__(source)
        self._questions = questions
        self._listings = listings
        self._relation = relation

    def file(self, path: bytes, caller: Caller) -> Node:
        """Return the directory of links that stands for `path`."""
        return self.links(path, caller).directory()

    def inside(self, path: bytes, name: bytes, caller: Caller) -> Node | None:
        """Return the link `name` in the directory that stands for `path`."""
        return self.links(path, caller).link(name)

    def links(self, path: bytes, caller: Caller) -> Links:
        """Return what is listed for `path`."""
        # The view directory, the view, and one directory for each name of the path.
        depth = 3 + path.count(b"/")
        return Links(self._listings, (self, path, caller), depth, lambda: self._make(path, caller))

    def entry(self, path: bytes, name: bytes, caller: Caller) -> Entry | None:
        """Return the entry `name` of what is listed for `path`."""
        return self._listings.entry((self, path, caller), name, lambda: self._make(path, caller))

    def drop(self, path: bytes, other: str, caller: Caller) -> None:
        """Leave `other` out of what is listed for `path`."""
        self._listings.drop((self, path, caller), other)

    def _make(self, path: bytes, caller: Caller) -> tuple[Entry, ...]:
        file = text_of(path)
        ranked = self._questions.ask(caller, lambda answers: answers.paths(self._relation, file, ASKED))
        return numbered(ranked.value or (), self._source, caller, without=file)
