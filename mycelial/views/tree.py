"""The virtual tree as a whole: which views there are, and how a path finds its node."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TypeVar

from mycelial.record.events import text_of
from mycelial.store.answers import Answers, Relation
from mycelial.views.attributes import Attributes
from mycelial.views.clusters import ClustersView
from mycelial.views.entries import ASKED
from mycelial.views.fixed import ReadmeView, StatusView
from mycelial.views.flat import FlatView
from mycelial.views.how import HowView, Recipes
from mycelial.views.links import Linker
from mycelial.views.listing import Listings
from mycelial.views.node import Caller, Children, Directory, Kind, Node, Source, View, VirtualPath
from mycelial.views.questions import Questions
from mycelial.views.ranked import RankedView
from mycelial.views.search import SearchView
from mycelial.views.sessions import SessionsView
from mycelial.views.why import WhyView

T = TypeVar("T")

_MUTING = Relation.RELATED.encode()
"""The view whose links can be removed."""

_ATTRIBUTES = (Relation.RELATED, Relation.SOURCES, Relation.PRODUCTS)
"""The rankings that are attributes, too."""


def _recent(answers: Answers) -> list[str]:
    return [recent.path for recent in answers.recent(ASKED)]


def _stale(answers: Answers) -> list[str]:
    return [stale.path for stale in answers.stale()]


def _hubs(answers: Answers) -> list[str]:
    return [hub.path for hub in answers.hubs(ASKED)]


class Tree:
    """Everything below the view directory. May be used from several threads at once.

    Parameters
    ----------
    open_answers : callable
        Gives the answers of a uid, as a context manager; may raise StoreError.
    source : Source
        The real files, with the caller's rights.
    status : callable
        What the mount says of itself to a uid, ready for JSON.
    view_dir : bytes
        The name of the view directory in the mount's root.
    clock : callable
        Seconds that only go forward.
    """

    def __init__(
        self,
        *,
        open_answers: Callable[[int], AbstractContextManager[Answers]],
        source: Source,
        status: Callable[[int], Mapping[str, object]],
        view_dir: bytes = b".mycelial",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._questions = questions = Questions(open_answers)
        linker = Linker(source, questions, Listings(clock))
        rankings = {relation.encode(): RankedView(linker, relation) for relation in Relation}
        self._related = rankings[_MUTING]
        recipes = Recipes(source, questions, lambda: str(status(0).get("mountpoint", "")))
        self._views: dict[bytes, tuple[Kind, View]] = {
            b"README": (Kind.TEXT, ReadmeView(view_dir)),
            **{name: (Kind.DIRECTORY, view) for name, view in rankings.items()},
            b"why": (Kind.DIRECTORY, WhyView(source, questions, rankings[b"related"])),
            b"how": (Kind.DIRECTORY, HowView(source, recipes)),
            b"clusters": (Kind.DIRECTORY, ClustersView(linker)),
            b"sessions": (Kind.DIRECTORY, SessionsView(linker)),
            b"search": (Kind.DIRECTORY, SearchView(linker)),
            b"recent": (Kind.DIRECTORY, FlatView(linker, _recent)),
            b"stale": (Kind.DIRECTORY, FlatView(linker, _stale)),
            b"hubs": (Kind.DIRECTORY, FlatView(linker, _hubs)),
            b"status.json": (Kind.TEXT, StatusView(questions, status)),
        }
        attributes = [relation.encode() for relation in _ATTRIBUTES]
        self._attributes = Attributes(
            source, questions, recipes, status, {name: rankings[name] for name in attributes}
        )

    def at_once(self, question: Callable[[], T]) -> T:
        """Return what `question`, which asks this tree, gives; raises StoreNeeded if it is not at hand."""
        with self._questions.unasked():
            return question()

    def prepare(self, caller: Caller) -> None:
        """Open the store for the caller, whose first question then takes less."""
        self._questions.ask(caller, lambda answers: None)

    def rehearse(self, caller: Caller) -> None:
        """Answer, before anybody looks, a question such as the caller's first: that takes less then."""
        self._questions.ask(caller, lambda answers: answers.rehearse())

    def find(self, path: VirtualPath, caller: Caller) -> Node | None:
        """Return the node at `path`, names from the view directory downwards; () is that directory itself."""
        if not path:
            return Directory(self._top)
        if any(name in (b"", b".", b"..") or b"/" in name or b"\0" in name for name in path):
            return None
        found = self._views.get(path[0])
        return None if found is None else found[1].find(path[1:], caller)

    def unrelated(self, path: VirtualPath, caller: Caller) -> tuple[str, str] | None:
        """Return the two files that the link at `path` joins, if it is one that can be removed.

        Only links in related/ can, see :meth:`hide`.
        """
        if len(path) < 3 or path[0] != _MUTING or self.find(path, caller) is None:
            return None
        file = b"/".join(path[1:-1])
        entry = self._related.links(file, caller).entry(path[-1])
        return None if entry is None else (text_of(file), entry.path)

    def hide(self, path: VirtualPath, caller: Caller) -> None:
        """Show the link at `path` no more; that it is not to come back is for the store to remember."""
        links = self._related.links(b"/".join(path[1:-1]), caller)
        if (entry := links.entry(path[-1])) is not None:
            links.drop(entry.path)

    def xattr(self, name: bytes, path: bytes, caller: Caller) -> bytes | None:
        """Return a virtual attribute of `path`, relative to the mount root, or None (ENODATA)."""
        return self._attributes.get(name, path, caller)

    def _top(self) -> Children:
        return [(name, kind) for name, (kind, _view) in self._views.items()]
