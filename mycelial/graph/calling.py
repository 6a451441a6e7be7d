"""How a program was called, and from where, as far as that differs from what is seen of it.

Some programs are begun by a script of theirs that prepares the ground, and some go to another directory
before they open anything.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import pairwise

from mycelial.graph.programs import script_text, without_box
from mycelial.record.events import Process

LONGEST_LINE = 2000
"""Bytes of an ancestor's command line; of a longer one the end may be missing."""

MOST = 200
"""Words of a command line, and files, that are compared."""

LEVELS = 16
"""Directories above such a file, and in its path, that are looked at."""

PLACES = 4
"""Directories where a program may have been called that are tried."""

_BETWEEN = re.compile(r"[\s;|&<>()'\"]+")
_FRONTS = {"/R/bin/exec/R": "R"}
"""By the end of its path, as what a program is called that does not run without its script."""

_MOVES = re.compile(r"(?:^|[;&|(\s])(?:cd|pushd|popd)\b")
_GOES = re.compile(
    r"\s*(?:set\s+[-+]\w+[^\S\n]*[;\n]\s*)?cd\s+(?:--\s+)?(?P<place>[\w.][\w./+-]*)\s*(?:&&|[;\n])"
)
"""A shell that goes to another directory first of all."""

_TO = ("-C", "-D", "--directory")
_JOINED_TO = re.compile(r"-[CD](?=.)|--directory=")

_MOVING = frozenset({"rsync", "make", "gmake", "bmake", "ninja", "cpio", "bsdtar"})
"""Programs that go to a directory that they are given."""


def as_called(args: tuple[str, ...]) -> tuple[str, ...]:
    """Return a command line as it does the same again."""
    front = next((name for end, name in _FRONTS.items() if args and args[0].endswith(end)), None)
    return args if front is None else (front, *args[1:])


def called_in(args: tuple[str, ...], cwd: str) -> str:
    """Return the directory in which a program was called that is in `cwd` now."""
    if not args or args[0].rpartition("/")[2] not in _MOVING:
        return cwd
    for word in _directories(args):
        given = os.path.normpath(word or ".")
        if not given.startswith((".", "/")) and cwd.endswith(f"/{given}"):
            return cwd[: -len(given) - 1]
    return cwd


def _directories(args: tuple[str, ...]) -> Iterator[str]:
    """Yield the words that may be the directory that such a program was given."""
    if args[0].endswith("rsync"):
        for word in args[1:]:
            yield from (word, os.path.dirname(word))  # to where the file is, of one
        return
    for before, word in pairwise(args):
        if before in _TO:
            yield word
        elif (joined := _JOINED_TO.match(word)) is not None:
            yield word[joined.end() :]


def began_in(args: tuple[str, ...], cwd: str, paths: list[str]) -> str:
    """Return where a program was called that may have gone to a directory of its command line at once.

    Its words then name more of the files at `paths`, or directories that they lie in, from where it was.
    """
    words = [os.path.normpath(word) for word in args[1:] if word and not word.startswith(("-", "/"))]
    places = list(dict.fromkeys(cwd[: -len(word) - 1] for word in words if cwd.endswith(f"/{word}")))
    if not places:
        return cwd
    known = {path.rsplit("/", up)[0] for path in paths[:MOST] for up in range(LEVELS)}
    return max((cwd, *places[:PLACES]), key=lambda place: _named_from(place, words[:MOST], known))


def _named_from(place: str, words: list[str], known: set[str]) -> int:
    """Count the words that name one of these paths, of which the beginning may be missing."""
    named = (os.path.normpath(os.path.join(place, word)).split("/") for word in words)
    return sum(any(f"/{'/'.join(parts[-up:])}" in known for up in range(1, LEVELS)) for parts in named)


def begun_in(line: tuple[str, ...], cwd: str) -> str:
    """Return the directory in which a shell was called that was in `cwd` when it was seen first.

    It may have gone there at once, as it is told on its command line.
    """
    went = _GOES.match(script_text(line)) if has_commands(line) else None
    place = os.path.normpath(went["place"]) if went is not None else ""
    return cwd[: -len(place) - 1] if place and cwd.endswith(f"/{place}") else cwd


def root_of(process: Process, paths: list[str]) -> str:
    """Return where the mount's root was, by how the process calls files whose place in it is known."""
    called = [target for _, target in process.fds if target.startswith("/")]
    lasts = {path.rpartition("/")[2] for path in paths}
    for line in ((process.args or ()), *process.chain_args):
        text = "\n".join(line)
        said = [last for last in lasts if last in text]
        for arg in line:
            if not arg.endswith(".") and not (said and any([last in arg for last in said])):
                continue  # it cannot mean any of them: mostly
            for word in (arg, *_BETWEEN.split(arg)) if " " in arg else (arg,):  # commands for a shell
                if word.endswith(".") or any([last in word for last in said]):
                    called += _names_in(word, process.cwd)
    votes: dict[str, int] = {}
    for path in paths if called else ():
        below = f"/{path}"
        for name in called:
            if name.endswith(below):
                root = name[: -len(path) - 1]
                votes[root] = votes.get(root, 0) + 1 + path.count("/")
    return max(votes, key=lambda root: (votes[root], -len(root), root)) if votes else ""


def _names_in(arg: str, cwd: str | None) -> list[str]:
    """Return the absolute paths that an argument may mean."""
    words = [arg, arg.partition("=")[2]]
    if arg.startswith("-"):
        words.append(arg[2:])
    named = [word for word in words if word and "\0" not in word]
    return [os.path.normpath(os.path.join(cwd or "", word)) for word in named if cwd or word.startswith("/")]


def has_commands(line: tuple[str, ...]) -> bool:
    """Whether a shell is told what to do on its command line, and not by a file."""
    words = without_box(line)[1:3]
    return any(word.startswith("-") and not word.startswith("--") and "c" in word for word in words)


def has_lasting_script(line: tuple[str, ...]) -> bool:
    """Whether a shell is told what to do, and by nothing that is gone: bash <(commands)."""
    text = script_text(line)
    return bool(text) and (
        has_commands(line) or not os.path.normpath(text[2:]).startswith(("/dev/", "/proc/"))
    )


def can_be_called(line: tuple[str, ...]) -> bool:
    """Whether a shell that never was seen itself does the same again, called where its child was."""
    text = script_text(line)
    whole = sum(len(os.fsencode(word)) + 1 for word in line) < LONGEST_LINE
    return whole and "-c" in without_box(line)[1:3] and bool(text) and not _MOVES.search(text)
