"""recent/ and hubs/: one flat directory of links each."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mycelial.store.answers import Answers
from mycelial.views.entries import Entry, numbered
from mycelial.views.links import Links
from mycelial.views.listing import Listings
from mycelial.views.node import Caller, Node, Source, VirtualPath
from mycelial.views.questions import Questions

_DEPTH = 2  # the view directory and the view itself


class FlatView:
    """The answer to one question; `paths` asks it."""

    def __init__(
        self,
        source: Source,
        questions: Questions,
        listings: Listings,
        paths: Callable[[Answers], Iterable[str]],
    ) -> None:
        self._source = source
        self._questions = questions
        self._listings = listings
        self._paths = paths

    def find(self, path: VirtualPath, caller: Caller) -> Node | None:
        """Return the directory, or one of its links."""
        links = Links(self._listings, (self, caller), _DEPTH, lambda: self._make(caller))
        match path:
            case ():
                return links.directory()
            case (name,):
                return links.link(name)
        return None

    def _make(self, caller: Caller) -> tuple[Entry, ...]:
        paths = self._questions.ask(caller, lambda answers: list(self._paths(answers)))
        return numbered(paths.value or (), self._source, caller)
