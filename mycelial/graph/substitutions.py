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
from itertools import takewhile

from mycelial.graph.shellparts import BEGINS, DECLARES, Simple, Substitution, Word
from mycelial.graph.shelltext import Reader

LONGEST = 8192
COMMANDS = 400
"""Characters of a text, and commands in it, that are looked through."""

SETTINGS = 64
"""Assignments to a variable, any of which may have been the last, that are looked at."""

ANY_WORDS = ("\0",)
"""Stands for what follows the name of a program on a command line that is not known."""

ALIKE = 16
"""Commands, of several that a program may be, that are followed."""

_TESTS = {"[", "[[", "test", "((", ":", "true", "false", "case"}
_POSITIONS = "0123456789@*"
_EXPANDED = re.compile(r"\$\{?(\w+)")


@dataclass(frozen=True, slots=True)
class Use:
    """A substitution that goes somewhere; `all`: whatever it said there, not only what it said last."""

    commands: tuple[Simple, ...]
    all: bool


Uses = dict[int, Use]
"""By substitution."""


class _Held:
    """What each variable holds, as a command at `path` finds it that comes after all that were set."""

    def __init__(self, positions: Uses) -> None:
        self.path: tuple[int, ...] = ()
        self._positions = positions
        self._sets: dict[str, list[tuple[tuple[int, ...], Uses]]] = {}

    def __getitem__(self, name: str) -> Uses:
        if name in _POSITIONS:
            return self._positions
        found: Uses = {}
        for path, uses in reversed(self._sets.get(name, [])[-SETTINGS:]):
            both = zip(path, self.path, strict=False)
            common = sum(1 for _ in takewhile(lambda steps: steps[0] == steps[1], both))
            if all(step > 0 for step in path[common:]):  # in no subshell that has ended
                found = uses | found
            if common == len(path):  # it ran, if this one does
                break
        return found

    def __setitem__(self, name: str, uses: Uses) -> None:
        self._sets.setdefault(name, []).append((self.path, uses))


class Text:
    """Commands for a shell, and where what they capture goes."""

    def __init__(self, text: str) -> None:
        reader = Reader(text, 0)
        self._commands = reader.read()
        if len(self._commands) > COMMANDS:
            raise ValueError("too much to look through for each file that is written")
        self._functions = reader.functions
        self._uses: dict[int, Uses] = {}  # by command
        positions: Uses = {}
        for _ in range(2):
            self._follow(positions)

    def used_by(self, args: tuple[str, ...], path: str) -> list[Use] | None:
        """Return what is in the words of a program so called, or of what writes to it; None if not known.

        Of several that are called so, it is the one whose output goes to `path`, if any is told that.
        """
        likely = self._called(args)
        return self._of([one for one in likely if _writes_to(one, path)] or likely)

    def written_to(self, path: str) -> list[Use] | None:
        """Return what is in what the shell itself writes to a file; None if not known."""
        return self._of([one for one in self._commands if _writes_to(one, path)])

    def is_before(self, other: tuple[str, ...], args: tuple[str, ...]) -> bool:
        """Whether one program may write into the input of another, as they are called; also if not known."""
        found = self._called(args)
        return not found or any(
            says(one, other) for command in found[:ALIKE] for one in self._before(command)
        )

    def _called(self, args: tuple[str, ...]) -> list[Simple]:
        """Return the commands that a program so called is most likely."""
        ranked = [(score, command) for command in self._commands if (score := _likeness(command, args))]
        best = max((score for score, _ in ranked), default=0)
        return [command for score, command in ranked if score == best]

    def _of(self, commands: list[Simple]) -> list[Use] | None:
        found: Uses = {}
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

    def _follow(self, positions: Uses) -> None:
        """Go through the commands with what each variable holds; those by position get more by that."""
        held, exported = _Held(positions), set[str]()
        for command in self._commands:
            program, held.path = command.program, command.path
            for one in command.sets:
                taken = self._in(one.word, held)
                if one.adds:
                    both = held[one.name] | taken
                    taken = {key: Use(use.commands, all=True) for key, use in both.items()}
                held[one.name] = taken
                if program == "export":
                    exported.add(one.name)
            words, inputs = self._all_in(command.words, held), self._all_in(command.inputs, held)
            texts = [word.text for word in command.words]
            if program in ("for", "select") and len(texts) > 1 and texts[1]:
                held[texts[1]] = words
            elif program in ("read", "mapfile", "readarray"):
                for text in filter(None, texts[1:]):
                    held[text] = inputs
            elif program == "export":
                exported.update(text for text in texts[1:] if text)
            elif program == "set" or program in self._functions:
                positions |= words
            own = {} if program in _TESTS else words | inputs
            if command.words and program not in DECLARES:
                for one in command.sets:
                    own = own | self._in(one.word, held)
                for name in exported.intersection(_EXPANDED.findall(" ".join(filter(None, texts)))):
                    own = own | held[name]
            self._uses[id(command)] = own

    def _all_in(self, words: Iterable[Word], held: _Held) -> Uses:
        found: Uses = {}
        for word in words:
            found |= self._in(word, held)
        return found

    def _in(self, word: Word, held: _Held) -> Uses:
        found: Uses = {}
        for name in word.names:
            found |= held[name]
        for one in word.captured:
            found |= self._within(one, held)
        return found

    def _within(self, one: Substitution, held: _Held) -> Uses:
        """Return a substitution, and those that its commands make use of."""
        found: Uses = {}
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
    if (
        names[0] == program
        and len(args) > len(command.words)
        and all(word.text is not None for word in words)
    ):
        return 0  # it has more words than that, and nothing there becomes several
    score, rest = 1, list(args[1:])
    for word in words[names.index(program) + 1 :] if words[0].text else words:
        if word.text is None:
            continue
        if word.text not in rest:
            return 0
        rest = rest[rest.index(word.text) + 1 :]
        score += 1 + len(word.text)
    return score


def _writes_to(command: Simple, path: str) -> bool:
    return any(names(word, path) for word in command.outputs)


def names(word: Word, path: str) -> bool:
    """Whether a word of a text may be the name of a file."""
    return word.text != "" and word.matches(path)
