"""recent/, stale/ and hubs/: one flat directory of links each."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mycelial.store.answers import Answers
from mycelial.views.links import Linker
from mycelial.views.node import Caller, Node, VirtualPath


class FlatView:
    """The answer to one question; `paths` asks it."""

    def __init__(self, linker: Linker, paths: Callable[[Answers], Iterable[str]]) -> None:
        self._linker = linker
        self._paths = paths

    def find(self, path: VirtualPath, caller: Caller) -> Node | None:
        """Return the directory, or one of its links."""
        links = self._linker.links(self, (), caller, self._paths)
        match path:
            case ():
                return links.directory()
            case (name,):
                return links.link(name)
        return None
