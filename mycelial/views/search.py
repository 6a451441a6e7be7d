"""search/: any words are a directory, whose links answer the question.

As in semantic file systems (Gifford, Jouvelot, Sheldon, O'Toole: "Semantic file systems", SOSP 1991).
"""

from __future__ import annotations

from mycelial.record.events import text_of
from mycelial.store.answers import Answers
from mycelial.views.entries import ASKED
from mycelial.views.links import Linker, Links
from mycelial.views.node import Caller, Directory, Node, VirtualPath


class SearchView:
    """An empty directory, in which everything can be opened."""

    def __init__(self, linker: Linker) -> None:
        self._linker = linker

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
        query = text_of(words)

        def found(answers: Answers) -> list[str]:
            return [hit.path for hit in answers.search(query, ASKED)]

        return self._linker.links(self, (words,), caller, found)
