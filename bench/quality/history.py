"""Histories of real projects: who changed which files at what time, and nothing else of them.

A history is read from a git repository, or from the files beside this module, which hold the same facts as
JSON: a line is [time, author, written, renamed, removed].
"""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

STORED = Path(__file__).parent / "histories"
"""The histories that come with the benchmark; its README says where they are from."""

RENAMES = "-M100%"
"""Only a file that kept its content is taken for renamed: so git need not read any."""


@dataclass(frozen=True, slots=True)
class Commit:
    """One change: `t` in seconds since the epoch, `author` a number; paths as they are afterwards."""

    t: float
    author: int
    written: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...] = ()
    removed: tuple[str, ...] = ()


def stored() -> list[str]:
    """Return the names of the histories that come with the benchmark, sorted."""
    return sorted(path.name.partition(".")[0] for path in STORED.glob("*.jsonl.gz"))


def load(name: str) -> list[Commit]:
    """Return one of the stored histories."""
    with gzip.open(STORED / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [
            Commit(t, author, tuple(written), tuple((old, new) for old, new in renamed), tuple(removed))
            for t, author, written, renamed, removed in map(json.loads, lines)
        ]


def store(commits: Iterable[Commit], path: Path) -> None:
    """Write a history as :func:`load` reads it; the same history gives the same bytes."""
    lines = (
        json.dumps([c.t, c.author, c.written, c.renamed, c.removed], separators=(",", ":")) for c in commits
    )
    path.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode(), 9, mtime=0))


def from_git(repository: Path, newest: int = 1500) -> list[Commit]:
    """Return the newest commits of a repository, oldest first, without merges.

    Raises
    ------
    subprocess.CalledProcessError
        git could not read it.
    """
    command = ["git", "-C", str(repository), "log", f"-{newest}", "--no-merges", RENAMES, "--name-status"]
    found = subprocess.run([*command, "-z", "--format=%x01%ct %ae"], check=True, stdout=subprocess.PIPE)
    tokens = iter(found.stdout.decode("utf-8", "surrogateescape").split("\0"))
    authors: dict[str, int] = {}
    commits = list(_parsed(tokens, authors))
    return sorted(reversed(commits), key=lambda commit: commit.t)


def at_once(histories: Iterable[Sequence[Commit]]) -> list[list[Commit]]:
    """Return the histories as if one author had worked on all of them until the same moment."""
    present = [history for history in histories if history]
    end = max(history[-1].t for history in present)
    return [
        [replace(commit, t=commit.t + end - history[-1].t, author=0) for commit in history]
        for history in present
    ]


def files(history: Iterable[Commit]) -> set[str]:
    """Return what is there in the end."""
    there: set[str] = set()
    for commit in history:
        there -= {old for old, _ in commit.renamed}
        there |= {new for _, new in commit.renamed} | set(commit.written)
        there -= set(commit.removed)
    return there


def _parsed(tokens: Iterator[str], authors: dict[str, int]) -> Iterator[Commit]:
    """Read git's list: a header for each commit, then its changes, each a status and one or two paths."""
    header = ""
    written: list[str] = []
    renamed: list[tuple[str, str]] = []
    removed: list[str] = []

    def commit() -> Iterator[Commit]:
        if header and (written or renamed or removed):
            t, _, author = header.partition(" ")
            number = authors.setdefault(author, len(authors))
            yield Commit(float(t), number, tuple(written), tuple(renamed), tuple(removed))

    for token in tokens:
        word = token.lstrip("\n")
        if word.startswith("\x01"):
            yield from commit()
            header, written, renamed, removed = word[1:], [], [], []
        elif word.startswith("R"):
            old, new = next(tokens), next(tokens)
            renamed.append((old, new))
        elif word.startswith("C"):
            next(tokens)
            written.append(next(tokens))
        elif word == "D":
            removed.append(next(tokens))
        elif word:
            written.append(next(tokens))
    yield from commit()
