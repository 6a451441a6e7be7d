"""how/: in each file's place a text that says how the file was made."""

from __future__ import annotations

from collections.abc import Callable

from mycelial.record.display import printable, recipe_lines
from mycelial.record.events import bytes_of, text_of
from mycelial.record.location import seen_from
from mycelial.store.answers import Answers
from mycelial.store.explain import Recipe
from mycelial.views.mirror import Mirror
from mycelial.views.node import Caller, Kind, Node, Source, SourceKind, Text
from mycelial.views.questions import Answer, Questions
from mycelial.views.wording import text_bytes

SHOWN = 100
"""Recipes of sources that a text has, the nearest."""


class Recipes:
    """Recipes as texts for people.

    Parameters
    ----------
    source : Source
        The real files: only those that the caller may reach are named as sources.
    questions : Questions
    mountpoint : callable
        Where the mount's root is, as an absolute path; "" if this is not known.
    """

    def __init__(self, source: Source, questions: Questions, mountpoint: Callable[[], str]) -> None:
        self._source = source
        self._questions = questions
        self._mountpoint = mountpoint

    def text(self, path: bytes, caller: Caller) -> Answer[bytes]:
        """Return how the file `path` was made; the value is None if nobody was seen making it."""
        name = text_of(path)
        answer = self._questions.ask(caller, lambda answers: _recipes(answers, name))
        (recipes, newer), root = answer.value or ([], None), self._mountpoint()
        if not recipes:
            return Answer(None, answer.problem)
        lines: list[str] = []
        if newer is not None and self._is_reached(newer, caller):
            lines.append(f"stale:    older than {printable(newer)}")
        for number, recipe in enumerate(recipes):
            if number and not self._is_reached(recipe.path, caller):
                continue
            cwd = seen_from(root, recipe.cwd) if root else recipe.cwd
            sources = tuple(source for source in recipe.sources if self._is_reached(source, caller))
            lines += ["", printable(recipe.path)] if number else []
            lines += recipe_lines(recipe.command, cwd, recipe.program, recipe.time, sources)
        return Answer(text_bytes(lines))

    def _is_reached(self, path: str, caller: Caller) -> bool:
        return self._source.kind(bytes_of(path), caller) is SourceKind.FILE


def _recipes(answers: Answers, name: str) -> tuple[list[Recipe], str | None]:
    recipe = answers.how(name)
    if recipe is None:
        return [], None
    return [recipe, *answers.how_sources(name, SHOWN)], answers.newer_source(name)


class HowView(Mirror):
    """Shows recipes."""

    file_kind = Kind.TEXT

    def __init__(self, source: Source, recipes: Recipes) -> None:
        super().__init__(source)
        self._recipes = recipes

    def file(self, path: bytes, caller: Caller) -> Node:
        """Return the recipe of `path` as a text."""
        recipe = self._recipes.text(path, caller)
        if recipe.problem:
            return Text(text_bytes([f"The recipe cannot be read now: {printable(recipe.problem)}"]))
        return Text(recipe.value or text_bytes(["Nobody was seen making this file."]))
