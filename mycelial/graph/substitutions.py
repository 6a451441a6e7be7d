"""Where what a shell captures of others goes, by the text of its commands.

What $( ) says may be in the words of a command, in a variable that is used later or never, in what the shell
writes itself, or it only decides what to do.  Behind -c all that can be read; where the text does not show
it, nothing is answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from mycelial.graph.shelltext import BEGINS, DECLARES, Reader, Simple, Substitution, Word

LONGEST = 8192
COMMANDS = 400
"""Characters of a text, and commands in it, that are looked through."""

ANY_WORDS = ("\0",)
"""Stands for what follows the name of a program on a command line that is not known."""

ALIKE = 16
"""Commands, of several that a program may be, that are followed."""

_TESTS = {"[", "[[", "test", "((", ":", "true", "false", "case"}
_POSITIONS = "@"
_EXPANDED = re.compile(r"\$\{?(\w+)")


@dataclass(frozen=True, slots=True)
class Use:
    """A substitution that goes somewhere; `all`: whatever it said there, not only what it said last."""

    commands: tuple[Simple, ...]
    all: bool


class Text:
    """Commands for a shell, and where what they capture goes."""

    def __init__(self, text: str) -> None:
        reader = Reader(text, 0)
        self._commands = reader.read()
        if len(self._commands) > COMMANDS:
            raise ValueError("too much to look through for each file that is written")
        self._functions = reader.functions
        self._uses: dict[int, dict[int, Use]] = {}  # by command: by substitution
        held = self._follow({})
        self._follow({_POSITIONS: held.get(_POSITIONS, {})})

    def used_by(self, args: tuple[str, ...]) -> list[Use] | None:
        """Return what is in the words of a program so called, or of what writes to it; None if not known."""
        ranked = [(score, command) for command in self._commands if (score := _likeness(command, args))]
        best = max((score for score, _ in ranked), default=0)
        return self._of([command for score, command in ranked if score == best])

    def written_to(self, path: str) -> list[Use] | None:
        """Return what is in what the shell itself writes to a file; None if not known."""
        return self._of([one for one in self._commands if any(names(word, path) for word in one.outputs)])

    def is_before(self, other: tuple[str, ...], args: tuple[str, ...]) -> bool:
        """Whether one program may write into the input of another, as they are called; also if not known."""
        found = [command for command in self._commands if _likeness(command, args)]
        return not found or any(
            says(one, other) for command in found[:ALIKE] for one in self._before(command)
        )

    def _of(self, commands: list[Simple]) -> list[Use] | None:
        found: dict[int, Use] = {}
        for command in commands[:ALIKE]:
            for one in (command, *self._before(command)):
                for key, use in self._uses.get(id(one), {}).items():
                    found[key] = Use(use.commands, all=use.all or command.repeats)
        return list(found.values()) if commands else None

    def _before(self, command: Simple) -> Iterator[Simple]:
        """Yield what stands before a command in a pipeline that it is in."""
        for level, (number, place) in enumerate(command.within):
            for other in self._commands:
                if other.within[level : level + 1] and (number, place) > other.within[level] >= (number, 0):
                    yield other

    def _follow(self, held: dict[str, dict[int, Use]]) -> dict[str, dict[int, Use]]:
        """Go through the commands with what each variable holds; return what they hold at last."""
        exported: set[str] = set()
        for command in self._commands:
            program = command.program
            for one in command.sets:
                taken = self._in(one.word, held)
                if one.adds:
                    both = held.get(one.name, {}) | taken
                    taken = {key: Use(use.commands, all=True) for key, use in both.items()}
                held[one.name] = taken
                if program == "export":
                    exported.add(one.name)
            words, inputs = self._all_in(command.words, held), self._all_in(command.inputs, held)
            texts = [word.text for word in command.words]
            if program in ("for", "select") and len(texts) > 1 and texts[1]:
                held[texts[1]] = words
            elif program in ("read", "mapfile", "readarray"):
                held.update((text, inputs) for text in texts[1:] if text)
            elif program == "export":
                exported.update(text for text in texts[1:] if text)
            elif program == "set" or program in self._functions:
                held[_POSITIONS] = held.get(_POSITIONS, {}) | words
            own = {} if program in _TESTS else words | inputs
            if command.words and program not in DECLARES:
                for one in command.sets:
                    own = own | self._in(one.word, held)
                for name in exported.intersection(_EXPANDED.findall(" ".join(filter(None, texts)))):
                    own = own | held.get(name, {})
            self._uses[id(command)] = own
        return held

    def _all_in(self, words: Iterable[Word], held: dict[str, dict[int, Use]]) -> dict[int, Use]:
        found: dict[int, Use] = {}
        for word in words:
            found |= self._in(word, held)
        return found

    def _in(self, word: Word, held: dict[str, dict[int, Use]]) -> dict[int, Use]:
        found: dict[int, Use] = {}
        for name in word.names:
            found |= held.get(_POSITIONS if name in "0123456789@*" else name, {})
        for one in word.captured:
            found |= self._within(one, held)
        return found

    def _within(self, one: Substitution, held: dict[str, dict[int, Use]]) -> dict[int, Use]:
        """Return a substitution, and those that its commands make use of."""
        found: dict[int, Use] = {}
        commands = list(one.commands)
        for command in one.commands:
            commands += self._functions.get(command.program, ())
            found |= self._all_in([*command.words, *command.inputs], held)
        return found | {id(one): Use(tuple(commands), all=False)}


@lru_cache(maxsize=64)
def text_of(text: str) -> Text | None:
    """Return what commands do with what they capture; None if they cannot be read, or capture nothing."""
    if len(text) > LONGEST or ("$(" not in text and "`" not in text):
        return None
    try:
        return Text(text)
    except (ValueError, IndexError, RecursionError):
        return None


def says(command: Simple, args: tuple[str, ...]) -> bool:
    """Whether a program so called may be this command."""
    return _likeness(command, args) > 0


def _likeness(command: Simple, args: tuple[str, ...]) -> int:
    """Return how much of a command's words is in a command line, 0 if it is not that command."""
    words = [word for word in command.words if word.text not in BEGINS]
    names = [word.text.rpartition("/")[2] for word in words if word.text]
    program = args[0].rpartition("/")[2] if args else ""
    if not words or program not in names:
        return 0
    if args[1:] == ANY_WORDS:
        return 1
    score, rest = 1, list(args[1:])
    for word in words[names.index(program) + 1 :] if words[0].text else words:
        if word.text is None:
            continue
        if word.text not in rest:
            return 0
        rest = rest[rest.index(word.text) + 1 :]
        score += 1 + len(word.text)
    return score


def names(word: Word, path: str) -> bool:
    """Whether a word of a text may be the name of a file."""
    return word.text != "" and word.matches(path)
