"""What the later part of a history asks of the earlier: to one file of a change, the others of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.quality.history import Commit

KNOWN = 0.8
"""The share of the commits that is the log; the questions come from the others."""

MOST = 26
"""Files of a change beyond which it is none but a sweep by hand."""

DEPTH = 10
"""Answers that are judged."""

Answer = Callable[[str], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Question:
    """`file` is asked for; `relevant` are the others of the same change, `change` is its number."""

    file: str
    relevant: frozenset[str]
    change: int


@dataclass(frozen=True, slots=True)
class Marks:
    """How good answers are: means over changes of the means over a change's questions."""

    map10: float
    mrr: float
    hit3: float


def split(commits: Sequence[Commit]) -> tuple[Sequence[Commit], Sequence[Commit]]:
    """Return the commits that are known and those that ask."""
    bound = int(KNOWN * len(commits))
    return commits[:bound], commits[bound:]


def questions(known: Iterable[Commit], later: Iterable[Commit]) -> list[Question]:
    """Return what `later` asks; files are named as they were at the end of `known`."""
    there: dict[str, str] = {}  # present name -> name at the split
    for commit in known:
        for old, new in commit.renamed:
            there.pop(old, None)
            there[new] = new
        there.update((path, path) for path in commit.written)
        for path in commit.removed:
            there.pop(path, None)
    found = []
    for number, commit in enumerate(later):
        for old, new in commit.renamed:
            if old in there:
                there[new] = there.pop(old)
        changed = {there[path] for path in commit.written if path in there}
        if 2 <= len(changed) <= MOST:
            found += [Question(file, frozenset(changed - {file}), number) for file in sorted(changed)]
        for path in commit.removed:
            there.pop(path, None)
    return found


def judge(asked: Iterable[Question], answer: Answer) -> Marks:
    """Ask all and return how good the answers are."""
    changes: dict[int, list[tuple[float, float, float]]] = defaultdict(list)
    known: dict[str, Sequence[str]] = {}
    for question in asked:
        if question.file not in known:
            known[question.file] = answer(question.file)
        ranked = [path for path in known[question.file] if path != question.file][:DEPTH]
        changes[question.change].append(_marks(ranked, question.relevant))
    count = max(1, len(changes))
    means = [[sum(column) / len(rows) for column in zip(*rows, strict=True)] for rows in changes.values()]
    return Marks(*(sum(mean[index] for mean in means) / count for index in range(3)))


def macro(marks: Iterable[Marks]) -> Marks:
    """Return the mean over histories, however many questions each asks."""
    rows = list(marks)
    return Marks(
        sum(row.map10 for row in rows) / len(rows),
        sum(row.mrr for row in rows) / len(rows),
        sum(row.hit3 for row in rows) / len(rows),
    )


def adjusted_rand_index(truth: Mapping[str, object], found: Mapping[str, object]) -> float:
    """Return how alike two partitions of the same files are: 1 for equal, 0 for no better than chance.

    What `found` does not name stands alone.  Hubert, Arabie: "Comparing partitions", Journal of
    Classification, 1985.
    """
    files = sorted(truth)
    pairs = {file: (truth[file], found.get(file, ("alone", file))) for file in files}

    def joined(labels: Iterable[object]) -> float:
        counts: dict[object, int] = defaultdict(int)
        for label in labels:
            counts[label] += 1
        return sum(count * (count - 1) / 2 for count in counts.values())

    both, one = joined(pairs.values()), joined(a for a, _ in pairs.values())
    other = joined(b for _, b in pairs.values())
    every = len(files) * (len(files) - 1) / 2
    chance = one * other / every if every else 0.0
    most = (one + other) / 2
    return (both - chance) / (most - chance) if most != chance else 1.0


def _marks(ranked: Sequence[str], relevant: frozenset[str]) -> tuple[float, float, float]:
    hits = [path in relevant for path in ranked]
    ranks = [rank for rank, hit in enumerate(hits, 1) if hit]
    precision = sum(number / rank for number, rank in enumerate(ranks, 1))
    return precision / min(len(relevant), DEPTH), 1 / ranks[0] if ranks else 0.0, float(any(hits[:3]))
