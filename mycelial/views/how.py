"""how/: in each file's place a text that says how the file was made."""

from __future__ import annotations

from mycelial.record.display import printable, recipe_lines
from mycelial.record.events import text_of
from mycelial.store.answers import Recipe
from mycelial.views.mirror import Mirror
from mycelial.views.node import Caller, Kind, Node, Source, Text
from mycelial.views.questions import Questions
from mycelial.views.wording import text_bytes


class HowView(Mirror):
    """Shows recipes."""

    file_kind = Kind.TEXT

    def __init__(self, source: Source, questions: Questions) -> None:
        super().__init__(source)
        self._questions = questions

    def file(self, path: bytes, caller: Caller) -> Node:
        """Return the recipe of `path` as a text."""
        name = text_of(path)
        answer = self._questions.ask(caller, lambda answers: answers.how(name))
        if answer.problem:
            return Text(text_bytes([f"The recipe cannot be read now: {printable(answer.problem)}"]))
        if answer.value is None:
            return Text(text_bytes(["Nobody was seen making this file."]))
        return Text(recipe_text(answer.value))


def recipe_text(recipe: Recipe) -> bytes:
    """Return a recipe as a text for people."""
    return text_bytes(recipe_lines(recipe.args, recipe.cwd, recipe.program, recipe.time, recipe.sources))
