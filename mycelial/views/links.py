"""One directory of numbered links: what most views show, each the files that one question gives."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass

from mycelial.record.events import bytes_of
from mycelial.store.answers import Answers
from mycelial.views.entries import Entry, link_target, numbered
from mycelial.views.listing import Listings
from mycelial.views.node import Caller, Children, Directory, Link, Source, SourceKind, VirtualPath
from mycelial.views.questions import Questions


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

    def entry(self, name: bytes) -> Entry | None:
        """Return the entry called `name`, if it is or was just now listed."""
        return self.listings.entry(self.key, name, self.make)

    def drop(self, path: str) -> None:
        """Leave out the link to `path`."""
        self.listings.drop(self.key, path)

    def link(self, name: bytes) -> Link | None:
        """Return the link called `name`, if it is or was just now listed."""
        entry = self.entry(name)
        return None if entry is None else self._link(entry)

    def _children(self) -> Children:
        links = ((entry.name, self._link(entry)) for entry in self.entries())
        return [(name, link) for name, link in links if link is not None]

    def _link(self, entry: Entry) -> Link | None:
        target = link_target(entry.path, self.depth)
        return None if target is None else Link(target)


@dataclass(frozen=True, slots=True)
class Linker:
    """Makes links of answers, for all views alike."""

    source: Source
    questions: Questions
    listings: Listings

    def links(
        self,
        view: object,
        path: VirtualPath,
        caller: Caller,
        question: Callable[[Answers], Iterable[str] | None],
        without: str = "",
    ) -> Links:
        """Return links to the files that `question` gives; they stand at `path` below the top of `view`."""

        def make() -> tuple[Entry, ...]:
            paths = self.questions.ask(caller, lambda answers: list(question(answers) or ())).value
            return numbered(paths or (), self.source, caller, without)

        depth = 2 + len(path)  # the view directory and the view itself
        return Links(self.listings, (view, path, caller), depth, make)

    def leads_anywhere(self, paths: Iterable[str], caller: Caller) -> bool:
        """Whether the caller may reach one of these files."""
        return any(self.source.kind(bytes_of(path), caller) is SourceKind.FILE for path in paths)
