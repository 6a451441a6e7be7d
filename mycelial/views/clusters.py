"""clusters/: each piece of work is a directory of links to its files, the most used first."""

from __future__ import annotations

from mycelial.record.events import bytes_of, text_of
from mycelial.views.entries import ASKED
from mycelial.views.links import Linker, Links
from mycelial.views.node import Caller, Directory, Kind, Node, VirtualPath

MOST = 100
"""Pieces of work that are listed, the largest."""


class ClustersView:
    """Two levels: the names of the pieces of work, and their files."""

    def __init__(self, linker: Linker) -> None:
        self._linker = linker

    def find(self, path: VirtualPath, caller: Caller) -> Node | None:
        """Return the directory of all, of one, or one of its links."""
        match path:
            case ():
                return Directory(lambda: [(name, Kind.DIRECTORY) for name in self._names(caller)])
            case (label,):
                links = self._links(label, caller)
                return links.directory() if links.entries() else None
            case (label, name):
                return self._links(label, caller).link(name)
        return None

    def _links(self, name: bytes, caller: Caller) -> Links:
        label = text_of(name)
        return self._linker.links(self, (name,), caller, lambda answers: answers.members(label, ASKED))

    def _names(self, caller: Caller) -> list[bytes]:
        """Return the names of those with a file that the caller may reach."""
        found = self._linker.questions.ask(caller, lambda answers: answers.clusters(MOST, ASKED)).value or []
        return [
            bytes_of(cluster.label)
            for cluster in found
            if self._linker.leads_anywhere(cluster.members, caller)
        ]
