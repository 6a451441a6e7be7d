"""What the commands behind -c are made of, as :mod:`mycelial.graph.shelltext` reads them."""

from __future__ import annotations

from dataclasses import dataclass, field

BEGINS = {"then", "do", "else", "elif", "!", "time", "{", "if", "while", "until"}
DECLARES = {"export", "local", "declare", "readonly", "typeset"}


@dataclass(eq=False, slots=True)
class Substitution:
    """What stands in $( ): its commands."""

    commands: list[Simple]


@dataclass(slots=True)
class Word:
    """Its text, in which None stands for what is not known before it runs, and what it is made of."""

    pieces: list[str | None] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    captured: list[Substitution] = field(default_factory=list)

    @property
    def text(self) -> str | None:
        return None if None in self.pieces else "".join(piece or "" for piece in self.pieces)

    def matches(self, word: str) -> bool:
        """Whether it may have become this word, or all but its first directories."""
        first, *others = "".join("\0" if piece is None else piece for piece in self.pieces).split("\0")
        word, first = f"/{word}", f"/{first.removeprefix('./')}" if first else ""
        if not others:
            return word.endswith(first)
        at, end = 0, len(word) - len(others[-1])
        for literal in (first, *others[:-1]):
            begin = word.find(literal, at, end)
            if begin < 0:
                return False
            at = begin + len(literal)
        return word.endswith(others[-1])


@dataclass(slots=True)
class Setting:
    """An assignment; `adds`: to what the variable holds."""

    name: str
    word: Word
    adds: bool


@dataclass(eq=False, slots=True)
class Simple:
    """A simple command: its words, what it sets, the files of its output, and the pipelines that it is in.

    `within` has, the innermost last, (number of a pipeline, place in it). `path` numbers the branches, of
    if, case, a loop, && and the like, on which it depends whether it runs; negative numbers are subshells.
    """

    words: list[Word] = field(default_factory=list)
    sets: list[Setting] = field(default_factory=list)
    outputs: list[Word] = field(default_factory=list)
    inputs: list[Word] = field(default_factory=list)
    within: tuple[tuple[int, int], ...] = ()
    path: tuple[int, ...] = ()
    repeats: bool = False

    @property
    def programs(self) -> set[str]:
        """What it may be a call of: by others, as in `env sort`, or of a word that is known."""
        texts = (word.text for word in self.words)
        return {text.rpartition("/")[2] for text in texts if text and text not in BEGINS}

    @property
    def program(self) -> str:
        texts = (word.text for word in self.words)
        return next((text.rpartition("/")[2] for text in texts if text not in BEGINS and text), "")
