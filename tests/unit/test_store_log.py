"""The event log keeps as much as it is told to, the newest."""

from __future__ import annotations

from pathlib import Path

import pytest

from mycelial.store.answers import Answers
from mycelial.store.log import Retention
from mycelial.store.writer import Writer
from tests.unit.worked import Story

DAY = 86400.0


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """One event on each of ten days."""
    story = Story(tmp_path)
    for day in range(10):
        story.program("vim").close(f"day{day}")
        story.wait(DAY)
    story.answers().close()
    return story.database


@pytest.mark.parametrize(
    ("retention", "kept"),
    [
        (Retention(), 10),
        (Retention(events=4), 4),
        (Retention(days=2.5), 3),
        (Retention(days=2.5, events=2), 2),
        (Retention(days=1000, events=1000), 10),
    ],
)
def test_whichever_bound_is_reached_first_counts(db: Path, retention: Retention, kept: int) -> None:
    with Writer(db) as writer:
        writer.begin()
        assert writer.log.prune(retention, 1000) == 10 - kept
        assert writer.log.prune(retention, 1000) == 0
        writer.commit()
    with Answers.open(db, None) as answers:
        assert [event.path for event in answers.events()] == [f"day{day}" for day in range(10 - kept, 10)]


def test_a_large_log_is_pruned_a_little_at_a_time(db: Path) -> None:
    with Writer(db) as writer:
        writer.begin()
        assert writer.log.prune(Retention(events=1), 5) == 5
        assert writer.log.prune(Retention(events=1), 5) == 4


def test_an_empty_log_has_nothing_to_drop(tmp_path: Path) -> None:
    with Writer(tmp_path / "empty.db") as writer:
        writer.begin()
        assert writer.log.prune(Retention(days=1, events=1), 1000) == 0
