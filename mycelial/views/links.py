"""One directory of numbered links: what most views show, however they came by the files."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from mycelial.views.entries import Entry, link_target
from mycelial.views.listing import Listings
from mycelial.views.node import Children, Directory, Link


@dataclass(frozen=True, slots=True)
class Links:
    """Links to the files of one answer.

    Attributes
    ----------
    listings : Listings
        Keeps the answer still while somebody looks at it, by its `key`.
    depth : int
        How many directories below the mount root the links lie.
    make : callable
        Finds the entries.
    """

    listings: Listings
    key: Hashable
    depth: int
    make: Callable[[], tuple[Entry, ...]]

    def entries(self) -> tuple[Entry, ...]:
        """Return what is listed."""
        return self.listings.entries(self.key, self.make)

    def directory(self) -> Directory:
        """Return the directory."""
        return Directory(self._children)

    def link(self, name: bytes) -> Link | None:
        """Return the link called `name`, if it is or was just now listed."""
        entry = self.listings.entry(self.key, name, self.make)
        return None if entry is None else self._link(entry)

    def _children(self) -> Children:
        links = ((entry.name, self._link(entry)) for entry in self.entries())
        return [(name, link) for name, link in links if link is not None]

    def _link(self, entry: Entry) -> Link | None:
        target = link_target(entry.path, self.depth)
        return None if target is None else Link(target)
