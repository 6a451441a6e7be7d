"""Searching: files whose names have the words, and those that belong to them but are called otherwise.

The idea is that of Connections (Soules, Ganger: "Connections: using context to enhance file search", SOSP
2005): what a search by words finds is weighted by how well it fits, and passes a part of its weight on along
the relations, so that the notes turn up that were open while the report was written.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from heapq import nsmallest
from itertools import count, islice

from mycelial.store.connection import Database
from mycelial.store.neighbours import Neighbours
from mycelial.store.ranking import worth_of_making
from mycelial.store.tree import NOWHERE, FileTree
from mycelial.store.wordindex import words_of

IN_DIRECTORY = 0.4
"""What a word is worth in the name of a directory above the file, by the measure of the file's own name."""

BEGINNING = 0.7
"""What a word is worth that only begins as the one looked for."""

SHORTEST = 3
"""Letters of a word that may be the beginning of another."""

PASSED_ON = 0.5
"""Part of a file's weight that its relations share."""

HITS = 1000
"""Files with a word in their names that are looked at, and files below a directory with one."""

ROUNDED = 64
"""Files of which others' are a part are looked at in multiples of this: so one more takes no more time."""

EXPANDED = 30
"""Best hits whose relations are followed."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file that fits: `words` are those of the search that its path has, `via` is the file that it was
    found through, if it belongs to that more than it fits by itself ("" otherwise)."""

    path: str
    score: float
    words: tuple[str, ...]
    via: str


class Search:
    """Finds files for one reader."""

    def __init__(self, database: Database, uid: int | None, tree: FileTree, neighbours: Neighbours) -> None:
        self._execute = database.conn.execute
        self._everybody = uid is None
        self._tree = tree
        self._neighbours = neighbours

    def find(self, query: str, limit: int) -> list[Found]:
        """Return what fits, best first; only files that the reader has used."""
        wanted = sorted(words_of(query))
        candidates = {word: self._candidates(word) for word in wanted}
        used = self._used({file for files in candidates.values() for file in files})
        rarity = {word: _rarity(len(used & files)) for word, files in candidates.items()}
        paths = self._tree.paths(used)
        fits = {file: self._fit(path, rarity) for file, path in paths.items()}
        whole = math.fsum(rarity.values()) or 1.0
        scores = {file: math.fsum(fit.values()) / whole for file, fit in fits.items()}
        best = nsmallest(EXPANDED, scores, key=lambda file: (-scores[file], paths[file]))
        via = self._expand(best, scores)
        paths |= self._tree.paths(file for file in scores if file not in paths)
        order = nsmallest(limit, paths, key=lambda file: (-scores[file], paths[file]))
        return [
            Found(
                paths[file],
                scores[file],
                tuple(word for word in wanted if fits.get(file, {}).get(word)),
                paths[via[file]] if file in via else "",
            )
            for file in order
        ]

    def _candidates(self, word: str) -> set[int]:
        """Return the files with the word in their names or above them, a bounded number.

        Files that only others used are among them, and cost no further question.
        """
        rows = self._execute(
            "SELECT file FROM word WHERE word = ? ORDER BY file DESC LIMIT ?", (word, HITS)
        ).fetchall()
        if len(word) >= SHORTEST:
            rows += self._execute(
                "SELECT file FROM word WHERE word > ? AND word < ? LIMIT ?",
                (word, word + chr(0x10FFFF), HITS - len(rows)),
            ).fetchall()
        hits = self._rounded({file for (file,) in rows})
        # The text stays the same: to prepare another one takes a tenth of a millisecond, which told of hits.
        below = self._execute(
            "WITH RECURSIVE below(id) AS (SELECT id FROM file"
            " WHERE parent IN (SELECT value FROM json_each(?)) AND NOT gone UNION"
            " SELECT file.id FROM below JOIN file ON file.parent = below.id AND NOT file.gone)"
            " SELECT id FROM below LIMIT ?",
            (json.dumps([*hits]), HITS),
        )
        return self._rounded(hits | {file for (file,) in below})

    def _rounded(self, files: set[int]) -> set[int]:
        """Add numbers that no file has, unless the reader may know of all."""
        if self._everybody:
            return files
        wanted = max(-(-len(files) // ROUNDED), 1) * ROUNDED
        return files | set(islice(count(NOWHERE - len(files), -1), wanted - len(files)))

    def _used(self, files: set[int]) -> set[int]:
        """Return those that the reader has used."""
        if self._everybody:
            return files
        usage = self._neighbours.usage(files)
        return {file for file in files if usage[file].count}

    def _fit(self, path: str, rarity: dict[str, float]) -> dict[str, float]:
        directory, _, name = path.rpartition("/")
        own, above = words_of(name), words_of(directory)
        fits = {}
        for word, rare in rarity.items():
            worth = max(_worth(word, own), IN_DIRECTORY * _worth(word, above))
            if worth:
                fits[word] = worth * rare
        return fits

    def _expand(self, hits: list[int], scores: dict[int, float]) -> dict[int, int]:
        """Pass weight on from the hits to what belongs to them; return which hit brought a file."""
        given: dict[int, float] = {}
        most: dict[int, tuple[float, int]] = {}
        for hit in hits:
            for other, share in self._shares(hit).items():
                weight = PASSED_ON * scores[hit] * share
                given[other] = given.get(other, 0.0) + weight
                if weight > most.get(other, (0.0, 0))[0]:
                    most[other] = weight, hit
        via = {other: hit for other, (weight, hit) in most.items() if weight > scores.get(other, 0.0)}
        for other, weight in given.items():
            scores[other] = scores.get(other, 0.0) + weight
        return via

    def _shares(self, file: int) -> dict[int, float]:
        """Return how much of what a file stands for, each file that belongs to it stands for too: up to 1."""
        together = self._neighbours.together(file)
        as_source = worth_of_making(self._neighbours.sources(file), self._neighbours.numbers_of_products)
        as_product = worth_of_making(self._neighbours.products(file), self._neighbours.numbers_of_sources)
        usage = self._neighbours.usage([file, *together, *as_source, *as_product])
        whole = max(usage[file].weight, *(bond.weight for bond in together.values()), 1e-300)
        shares = {other: bond.weight / whole for other, bond in together.items()}
        for made in (as_source, as_product):
            for other, worth in made.items():
                shares[other] = max(shares.get(other, 0.0), worth)
        # What programs take up whatever is done would be found through every hit.
        shares = {other: share * (1.0 - usage[other].by_habit) for other, share in shares.items()}
        shares.pop(file, None)
        return shares


def _rarity(count: int) -> float:
    """Return what a word is worth that so many of the reader's files have, in their names or above them."""
    return math.log(2.0 + HITS / (1.0 + count))


def _worth(word: str, words: frozenset[str]) -> float:
    if word in words:
        return 1.0
    begins = len(word) >= SHORTEST and any(other.startswith(word) for other in words)
    return BEGINNING if begins else 0.0
