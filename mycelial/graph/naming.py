"""What a group of files is called, in words that its owner recognises, and how it keeps its name.

A name is made of what the files have in common: the directory that most of them lie in, and the words that
are frequent in their names and rare elsewhere.  Once given it stays, for as long as most of the files that
it was given to stay together.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from mycelial.record.display import safe_name
from mycelial.store.blend import words
from mycelial.store.clusters import Named

COVERED = 0.6
"""Share of the files (by weight) that must lie below a directory that gives the name."""

FREQUENT = 0.15
"""Share of the files (by weight) that must have a word in their names that becomes part of the name."""

WORDS = 3
"""Words in a name without a directory."""

OUTGROWN = 4
"""How many times more files than when it was named make a group that deserves another name."""


class Names:
    """Makes up names for the groups of one user.

    Parameters
    ----------
    paths : mapping
        The path of every file that the user works with, by number: what is frequent among all says little.
    taken : iterable of str
        Names that are in use.
    """

    def __init__(self, paths: Mapping[int, str], taken: Iterable[str]) -> None:
        self._paths = paths
        self._taken = set(taken)
        self._everywhere = Counter(word for path in paths.values() for word in _words(path))
        self._below = Counter(above for path in paths.values() for above in _directories(path))

    def name(self, weights: Mapping[int, float]) -> str:
        """Return a name that is not in use yet, for files of these weights (by number)."""
        files = sorted(weights)
        whole = math.fsum(weights[file] for file in files) or 1.0
        directory = self._directory(files, weights, whole)
        telling = self._telling(files, weights, whole, directory)
        names = [directory] if directory else []
        names += [
            " ".join([*names, *telling[:count]]) for count in range(1 if directory else WORDS, WORDS + 1)
        ]
        if not telling and not directory:
            heaviest = min(files, key=lambda file: (-weights[file], file))
            names = [self._paths[heaviest].rpartition("/")[2]]
        return self._free(names)

    def _directory(self, files: Sequence[int], weights: Mapping[int, float], whole: float) -> str:
        """Return the name of the highest directory that is theirs, else of the deepest that most lie in."""
        below: dict[str, float] = {}
        number: Counter[str] = Counter()
        for file in files:
            for directory in _directories(self._paths[file]):
                below[directory] = below.get(directory, 0.0) + weights[file]
                number[directory] += 1
        covering = [directory for directory, weight in below.items() if weight >= COVERED * whole]
        covering.sort(key=lambda directory: (directory.count("/"), directory))
        own = [directory for directory in covering if number[directory] >= COVERED * self._below[directory]]
        chosen = own[:1] or covering[-1:]
        return chosen[0].rpartition("/")[2] if chosen else ""

    def _telling(
        self, files: Sequence[int], weights: Mapping[int, float], whole: float, directory: str
    ) -> list[str]:
        """Words by how much they tell, as in :func:`mycelial.store.blend.likeness`."""
        share: dict[str, float] = {}
        for file in files:
            for word in _words(self._paths[file]):
                share[word] = share.get(word, 0.0) + weights[file] / whole
        least = max(FREQUENT, 1.5 * min(weights.values()) / whole)
        said = words(directory) | {directory.lower()}
        worth = {
            word: part * math.log((len(self._paths) + 1) / self._everywhere[word])
            for word, part in share.items()
            if part >= least and word not in said and not word.isdigit()
        }
        return [word for word in sorted(worth, key=lambda word: (-worth[word], word)) if worth[word] > 0.0]

    def _free(self, names: list[str]) -> str:
        shown = [safe_name(name) for name in names]
        for name in shown:
            if name not in self._taken:
                self._taken.add(name)
                return name
        number = 2
        while f"{shown[-1]} {number}" in self._taken:
            number += 1
        self._taken.add(f"{shown[-1]} {number}")
        return f"{shown[-1]} {number}"


def keep_names(
    groups: Sequence[Mapping[int, float]], before: Sequence[Named]
) -> dict[int, tuple[int, str | None, int]]:
    """Return, for groups that go on from one of `before`, its (id, label, files when it got that).

    A group goes on from an earlier one if most of what is left of that is in it; the label is None where the
    group has outgrown it.
    """
    group_of = {file: number for number, files in enumerate(groups) for file in files}
    claims = []
    for old in before:
        left = Counter(group_of[file] for file in old.ranks if file in group_of)
        for number, common in left.most_common(1):
            if 2 * common > len(old.ranks):
                claims.append((-common, old.id, number, old))
    kept: dict[int, tuple[int, str | None, int]] = {}
    for _, identity, number, old in sorted(claims, key=lambda claim: claim[:3]):
        if number not in kept:
            outgrown = len(groups[number]) > OUTGROWN * old.named
            kept[number] = (identity, None if outgrown else old.label, old.named)
    return kept


def _directories(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]


def _words(path: str) -> frozenset[str]:
    directory = path.rpartition("/")[0]
    return frozenset(word for part in (path, *directory.split("/")) for word in words(part))
