"""Virtual extended attributes on real files: the shortest way to an answer for a program.

They can be read but are never listed, so no copying tool carries them along.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from mycelial.record.events import bytes_of, text_of
from mycelial.views.fixed import json_bytes
from mycelial.views.how import Recipes
from mycelial.views.node import Caller, Source, SourceKind
from mycelial.views.questions import Questions
from mycelial.views.ranked import RankedView

PREFIX = b"user.mycelial."
"""All names that are answered here begin with this; others are the source's own."""

_LARGEST_VALUE = 65536  # bytes: XATTR_SIZE_MAX


class Attributes:
    """Answers ``user.mycelial.NAME``; each of `rankings` gives one NAME."""

    def __init__(
        self,
        source: Source,
        questions: Questions,
        recipes: Recipes,
        status: Callable[[int], Mapping[str, object]],
        rankings: dict[bytes, RankedView],
    ) -> None:
        self._source = source
        self._questions = questions
        self._recipes = recipes
        self._status = status
        self._rankings = rankings

    def get(self, name: bytes, path: bytes, caller: Caller) -> bytes | None:
        """Return the value of the attribute `name` of `path`; None if it has none (ENODATA).

        Rankings are paths relative to the mount root, one a line, best first. Names with a newline
        in them are left out.
        """
        if not name.startswith(PREFIX):
            return None
        word = name.removeprefix(PREFIX)
        if word == b"status":
            # Every command asks for this first, so it holds nothing that has to be counted.
            return json_bytes(self._status(caller.uid))[:_LARGEST_VALUE]
        if self._source.kind(path, caller) is not SourceKind.FILE:
            return None
        if word == b"how":
            recipe = self._recipes.text(path, caller).value
            return None if recipe is None else recipe[:_LARGEST_VALUE]
        if word == b"cluster":
            file = text_of(path)
            label = self._questions.ask(caller, lambda answers: answers.cluster(file)).value
            return None if label is None else bytes_of(label) + b"\n"
        ranking = self._rankings.get(word)
        if ranking is None:
            return None
        return _lines(bytes_of(entry.path) for entry in ranking.links(path, caller).entries()) or None


def _lines(paths: Iterable[bytes]) -> bytes:
    value = b""
    for path in paths:
        if b"\n" not in path and len(value) + len(path) < _LARGEST_VALUE:
            value += path + b"\n"
    return value
