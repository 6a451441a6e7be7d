"""Looking at the whole beside the engine: it happens, it never blocks, and it ends with the engine."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mycelial.graph import background
from mycelial.graph.admission import Admission
from mycelial.graph.background import Background
from mycelial.graph.ingest import Ingest
from mycelial.record.exclude import ExclusionRules
from mycelial.store.answers import Answers
from mycelial.store.log import Retention
from tests.unit.worked import Story

PATIENCE = 60.0


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def story(tmp_path: Path) -> Story:
    story = Story(tmp_path)
    story.program("vim").make("a", "b", "c")
    return story


@pytest.fixture
def ingest(story: Story) -> Ingest:
    return Ingest(story.database, Admission(ExclusionRules()), Retention(), time.monotonic)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def beside(story: Story, ingest: Ingest, clock: Clock) -> Background:
    return Background(story.database, ingest, clock)


def store(ingest: Ingest, story: Story) -> None:
    """Take the story's events and commit them."""
    ingest.work()
    for event in story.events:
        ingest.take(event)
    until = time.monotonic() + PATIENCE
    while ingest.waiting and time.monotonic() < until:
        ingest.work()
    story.events.clear()


def work(beside: Background, wanted: Callable[[], bool]) -> None:
    """Let it work until all is as wanted."""
    until = time.monotonic() + PATIENCE
    while not wanted() and time.monotonic() < until:
        beside.work()
        time.sleep(0.01)
    assert wanted()


def labels(story: Story) -> list[str]:
    with Answers.open(story.database, None) as answers:
        return [" ".join(cluster.members) for cluster in answers.clusters(10, 10)]


def test_what_is_new_is_looked_at_once_it_has_settled(
    beside: Background, ingest: Ingest, story: Story, clock: Clock
) -> None:
    store(ingest, story)
    beside.work()
    assert beside.filenos() == []
    assert beside.pause() == background.SETTLED
    clock.now = background.SETTLED
    beside.work()
    assert len(beside.filenos()) == 1
    assert beside.pause() is None
    work(beside, lambda: labels(story) == ["a b c"])
    assert beside.filenos() == []
    assert beside.pause() is None  # nothing new
    story.program("vim").close("d", "a")
    store(ingest, story)
    assert beside.pause() == background.PAUSE
    ingest.close()


def test_a_long_look_is_followed_by_a_longer_rest(
    beside: Background, ingest: Ingest, story: Story, clock: Clock
) -> None:
    store(ingest, story)
    clock.now = background.SETTLED
    beside.work()
    clock.now += 60.0
    work(beside, lambda: beside.filenos() == [])
    story.program("vim").close("d", "a")
    store(ingest, story)
    assert beside.pause() == 60.0 * background.SHARE
    ingest.close()


def test_nothing_is_looked_at_while_somebody_else_writes(
    beside: Background, ingest: Ingest, story: Story, clock: Clock
) -> None:
    store(ingest, story)
    clock.now = background.SETTLED
    lock = ingest.lend()
    assert beside.pause() is None
    beside.work()
    assert beside.filenos() == []
    assert lock is not None
    ingest.take_back()
    ingest.close()


def test_what_was_found_before_somebody_else_wrote_is_not_believed(
    beside: Background, ingest: Ingest, story: Story, clock: Clock
) -> None:
    store(ingest, story)
    clock.now = background.SETTLED
    beside.work()
    ingest.lend()
    ingest.take_back()
    work(beside, lambda: beside.filenos() == [])
    assert labels(story) == []
    ingest.close()


def test_the_process_ends_with_the_engine(
    beside: Background, ingest: Ingest, story: Story, clock: Clock
) -> None:
    store(ingest, story)
    clock.now = background.SETTLED
    beside.work()
    beside.finish()
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    ingest.close()


def test_the_engines_end_does_not_wait_for_a_process_that_gets_no_processor(
    beside: Background, ingest: Ingest, story: Story, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []
    look = background._look
    monkeypatch.setattr(background, "_look", lambda *args: started.append(look(*args)) or started[-1])
    monkeypatch.setattr(subprocess.Popen, "kill", lambda child: child.send_signal(signal.SIGSTOP))
    store(ingest, story)
    clock.now = background.SETTLED
    beside.work()
    beside.finish(0.01)
    assert beside.filenos() == []
    assert started[0].poll() is None
    os.kill(started[0].pid, signal.SIGKILL)
    started[0].wait()
    ingest.close()


def test_a_process_that_fails_changes_nothing_and_is_started_again(
    beside: Background,
    ingest: Ingest,
    story: Story,
    clock: Clock,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    store(ingest, story)
    hidden = tmp_path / "hidden"
    story.database.rename(hidden)
    clock.now = background.SETTLED
    beside.work()
    work(beside, lambda: beside.filenos() == [])
    assert "there is no database here" in capfd.readouterr().err
    hidden.rename(story.database)
    story.program("vim").close("d", "a")
    store(ingest, story)
    clock.now += background.PAUSE
    beside.work()
    work(beside, lambda: labels(story) == ["a b c d"])
    ingest.close()
