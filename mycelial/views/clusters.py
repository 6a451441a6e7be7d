"""clusters/: each piece of work is a directory of links to its files, the most used first."""

from __future__ import annotations

from mycelial.record.events import bytes_of, text_of
from mycelial.views.entries import ASKED, Entry, link_target, numbered
from mycelial.views.listing import Listings
from mycelial.views.node import Caller, Directory, Kind, Link, Node, Source, SourceKind, VirtualPath
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
        if not path:
            return Directory(lambda: [(name, Kind.DIRECTORY) for name in self._names(caller)])
        if len(path) > 2:
            return None
        key, make = (self, path[0], caller), (lambda: self._make(path[0], caller))
        if len(path) == 2:
            entry = self._listings.entry(key, path[1], make)
            target = None if entry is None else link_target(entry.path, _DEPTH)
            return None if target is None else Link(target)
        if not self._listings.entries(key, make):
            return None
        return Directory(lambda: [(entry.name, Kind.LINK) for entry in self._listings.entries(key, make)])

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
