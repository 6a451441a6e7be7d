"""clusters/: each piece of work is a directory of links to its files, the most used first."""

from __future__ import annotations

from mycelial.record.events import bytes_of, text_of
from mycelial.views.entries import ASKED, Entry, numbered
from mycelial.views.links import Links
from mycelial.views.listing import Listings
from mycelial.views.node import Caller, Directory, Kind, Node, Source, SourceKind, VirtualPath
from mycelial.views.questions import Questions

MOST = 100
"""Pieces of work that are listed, the largest."""

_DEPTH = 3  # the view directory, clusters/ and the piece of work


class ClustersView:
    """Two levels: the names of the pieces of work, and their files."""

    def __init__(self, source: Source, questions: Questions, listings: Listings) -> None:
        self._source = source
        self._questions = questions
        self._listings = listings

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

    def _links(self, label: bytes, caller: Caller) -> Links:
        return Links(self._listings, (self, label, caller), _DEPTH, lambda: self._make(label, caller))

    def _names(self, caller: Caller) -> list[bytes]:
        """Return the names of those with a file that the caller may reach."""
        found = self._questions.ask(caller, lambda answers: answers.clusters(MOST, ASKED)).value or []
        return [
            bytes_of(cluster.label)
            for cluster in found
            if any(self._source.kind(bytes_of(path), caller) is SourceKind.FILE for path in cluster.members)
        ]

    def _make(self, name: bytes, caller: Caller) -> tuple[Entry, ...]:
        label = text_of(name)
        members = self._questions.ask(caller, lambda answers: answers.members(label, ASKED))
        return numbered(members.value or (), self._source, caller)
