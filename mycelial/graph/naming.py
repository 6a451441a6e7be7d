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

LOUDEST = 2.0
"""Multiple of the others' mean weight that a file speaks with at most: a list that lies open beside
everything does not name what it lies beside."""

WORDS = 3
"""Words in a name without a directory."""

SHORTEST = 3
"""Letters of a word that tells something."""

ALL = 0.95
"""Share of the files (by weight) that must lie below a directory in a directory for it to give the name."""

OUTGROWN = 4
"""How many times more files than when it was named make a group that deserves another name."""

_SAYING_LITTLE, _SAYING_NOTHING = (
    frozenset(names.split())
    for names in (
        """
        app bin build code config data doc docs examples files github include lib scripts site source src
        static test tests tools utils workflows
        """,
        """
        and are changelog changes con das der des die for from index init las license los main makefile new
        not old readme the und with
        """,
    )
)


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
        most = max(weights.values(), default=0.0)
        others = (math.fsum(weights.values()) - most) / max(1, len(files) - 1)
        loudest = LOUDEST * others or most
        voices = {file: min(weight, loudest) for file, weight in weights.items()}
        whole = math.fsum(voices[file] for file in files) or 1.0
        directory, is_own = self._directory(files, voices, whole)
        telling = self._telling(files, voices, whole, directory)
        if not directory and not telling:
            return self._free([self._heaviest(files, weights)])
        fewest = WORDS if not directory else 0 if is_own or not telling else 1
        start = [directory] if directory else []
        return self._free([" ".join([*start, *telling[:count]]) for count in range(fewest, WORDS + 1)])

    def _heaviest(self, files: Sequence[int], weights: Mapping[int, float]) -> str:
        """Return the name of the directory at the top with most of them, of the file that weighs most if
        they are few or lie in none.
        """
        tops: dict[str, float] = {}
        for file in files:
            top, slash, _ = self._paths[file].partition("/")
            top = top if slash else ""
            tops[top] = tops.get(top, 0.0) + weights[file]
        top = min(tops, key=lambda top: (-tops[top], top), default="")
        if top and len(files) > WORDS:
            return top
        heaviest = min(files, key=lambda file: (-weights[file], file))
        return self._paths[heaviest].rpartition("/")[2]

    def _directory(
        self, files: Sequence[int], weights: Mapping[int, float], whole: float
    ) -> tuple[str, bool]:
        """Return the name of the highest directory that is theirs, else of the deepest that most lie in, and
        whether that says enough, being theirs.  One that says little stands behind that of the directory
        above it.
        """
        below: dict[str, float] = {}
        number: Counter[str] = Counter()
        for file in files:
            for directory in _directories(self._paths[file]):
                below[directory] = below.get(directory, 0.0) + weights[file]
                number[directory] += 1
        covering = [directory for directory, weight in below.items() if weight >= COVERED * whole]
        covering.sort(key=lambda directory: (directory.count("/"), directory))
        own = [directory for directory in covering if number[directory] >= COVERED * self._below[directory]]
        if not covering:
            return "", False
        chosen = own[0] if own else covering[-1]
        for directory in own[1:]:
            inside = directory.startswith(f"{chosen}/") and below[directory] >= ALL * below[chosen]
            if inside and not directory.rpartition("/")[2].isdigit():
                chosen = directory
        *above, name = chosen.split("/")
        if name.lower() not in _SAYING_LITTLE:
            return name, bool(own)
        return " ".join([*above[-1:], name]), bool(own and above)

    def _telling(
        self, files: Sequence[int], weights: Mapping[int, float], whole: float, directory: str
    ) -> list[str]:
        """Words by how much they tell, as in :func:`mycelial.store.blend.likeness`."""
        share: dict[str, float] = {}
        for file in files:
            for word in _words(self._paths[file]):
                share[word] = share.get(word, 0.0) + weights[file] / whole
        least = max(FREQUENT, 1.5 * min(weights.values()) / whole)
        said = {word for name in directory.split() for word in (*words(name), name.lower())}
        worth = {
            word: part * math.log((len(self._paths) + 1) / self._everywhere[word])
            for word, part in share.items()
            if part >= least and word not in said and _tells(word)
        }
        best = sorted(worth, key=lambda word: (word in _SAYING_LITTLE, -worth[word], word))
        told: dict[str, None] = {}
        for word in best:
            if worth[word] > 0.0 and not {word, f"{word}s", word.removesuffix("s")} & told.keys():
                told[word] = None
        return list(told)

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
    *above, name = path.split("/")
    seen = [directory for directory in above if not directory.startswith(".")]
    return frozenset(word for part in (name, *seen) for word in words(part))


def _tells(word: str) -> bool:
    return len(word) >= SHORTEST and not word.isdigit() and word not in _SAYING_NOTHING
