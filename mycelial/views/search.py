"""search/: any words are a directory, whose links answer the question.

As in semantic file systems (Gifford, Jouvelot, Sheldon, O'Toole: "Semantic file systems", SOSP 1991).
"""

from __future__ import annotations

from mycelial.record.events import text_of
from mycelial.views.entries import ASKED, Entry, numbered
from mycelial.views.links import Links
from mycelial.views.listing import Listings
from mycelial.views.node import Caller, Directory, Node, Source, VirtualPath
from mycelial.views.questions import Questions

_DEPTH = 3  # the view directory, search/ and the words


class SearchView:
    """An empty directory, in which everything can be opened."""

    def __init__(self, source: Source, questions: Questions, listings: Listings) -> None:
        self._source = source
        self._questions = questions
        self._listings = listings

    def find(self, path: VirtualPath, caller: Caller) -> Node | None:
        """Return the directory of all questions, of one, or one of its links."""
        match path:
            case ():
                return Directory(list)
            case (words,):
                return self._links(words, caller).directory()
            case (words, name):
                return self._links(words, caller).link(name)
        return None

    def _links(self, words: bytes, caller: Caller) -> Links:
        return Links(self._listings, (self, words, caller), _DEPTH, lambda: self._make(words, caller))

    def _make(self, words: bytes, caller: Caller) -> tuple[Entry, ...]:
        query = text_of(words)
        found = self._questions.ask(caller, lambda answers: answers.search(query, ASKED))
        return numbered((hit.path for hit in found.value or ()), self._source, caller)
