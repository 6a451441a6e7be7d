"""Where the virtual tree's answers come from: one database file, opened for one user at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mycelial.store.answers import Answers


def answers_from(database: str) -> Callable[[int], Answers]:
    """Return what a `Tree` needs as `open_answers`: the evidence of one uid in `database`."""
    path = Path(database)
    return lambda uid: Answers.open(path, uid)
