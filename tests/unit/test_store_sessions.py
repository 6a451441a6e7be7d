"""Working sessions: where one ends and the next begins, what they are called, and when they were."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mycelial.store.sessions import Session
from tests.unit.worked import Story

MORNING = datetime(2026, 3, 28, 9, 12, tzinfo=UTC).timestamp()
HOUR = 3600.0


@pytest.fixture
def story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield Story(tmp_path, now=MORNING)
    monkeypatch.undo()
    time.tzset()


def write(story: Story, *paths: str, uid: int = 1000) -> None:
    shell = story.program("bash", chain=((40, "sshd"),), uid=uid)
    shell.run("vim").open(*paths).close(*paths)


def sessions(story: Story, day: str, uid: int | None = None) -> list[Session]:
    with story.answers(uid) as answers:
        return answers.sessions_of(day)


def test_half_an_hour_of_quiet_ends_a_session_and_less_does_not(story: Story) -> None:
    write(story, "a", "b")
    story.wait(1700)
    write(story, "c")
    story.wait(1900)
    write(story, "d")
    assert [set(session.members) for session in sessions(story, "2026-03-28")] == [{"a", "b", "c"}, {"d"}]


def test_long_work_without_a_pause_is_one_session(story: Story) -> None:
    for _ in range(40):
        write(story, "a", "b")
        story.wait(280)
    (session,) = sessions(story, "2026-03-28")
    assert session.ended - session.started == pytest.approx(39 * 280, abs=5)


def test_a_session_is_named_by_when_it_began_and_what_it_was_about(story: Story) -> None:
    for _ in range(2):
        write(story, "thesis/intro.tex", "thesis/method.tex", "thesis/refs.bib")
        write(story, "tool/a.c", "tool/b.c")
        story.wait(2 * HOUR)
    write(story, "thesis/intro.tex")
    assert [session.name for session in sessions(story, "2026-03-28")] == [
        "09.12 thesis, tool",
        "11.12 thesis, tool",
        "13.12 thesis",
    ]


def test_a_session_past_midnight_belongs_to_the_day_it_began_on(story: Story) -> None:
    story.wait(14.7 * HOUR)
    write(story, "a", "b")
    story.wait(600)
    write(story, "a", "c")
    story.wait(3 * HOUR)
    write(story, "d", "e")
    assert [set(session.members) for session in sessions(story, "2026-03-28")] == [{"a", "b", "c"}]
    assert [set(session.members) for session in sessions(story, "2026-03-29")] == [{"d", "e"}]


def test_days_and_the_latest_sessions_come_last_things_first(story: Story) -> None:
    for _ in range(3):
        write(story, "a", "b")
        story.wait(24 * HOUR)
    with story.answers() as answers:
        assert answers.days(10) == ["2026-03-30", "2026-03-29", "2026-03-28"]
        assert answers.days(1) == ["2026-03-30"]
        assert [session.day for session in answers.sessions(2)] == ["2026-03-30", "2026-03-29"]


def test_a_day_on_which_yesterdays_session_only_ends_is_not_listed(story: Story) -> None:
    story.wait(14.7 * HOUR)
    for _ in range(4):
        write(story, "a", "b")
        story.wait(280)
    with story.answers() as answers:
        assert answers.days(10) == ["2026-03-28"]


@pytest.mark.parametrize("day", ["", "x", "2026-3-28", "20260328", "2026-02-30", "9999-12-31", "0001-01-01"])
def test_what_is_no_day_of_work_has_no_sessions(story: Story, day: str) -> None:
    write(story, "a", "b")
    assert sessions(story, day) == []


def test_what_was_most_worked_with_comes_first(story: Story) -> None:
    write(story, "main", "other")
    story.wait(400)
    write(story, "main")
    story.program("less").open("read")
    (session,) = sessions(story, "2026-03-28")
    assert session.members == ("main", "other", "read")


def test_what_was_written_by_hand_comes_before_what_was_made_from_it(story: Story) -> None:
    story.program("make").run("cc").open("src/common.h").make("build/a.o", "build/b.o", "build/c.o")
    write(story, "src/zebra.c")
    (session,) = sessions(story, "2026-03-28")
    assert session.members[0] == "src/zebra.c"


def test_nobody_sees_the_sessions_of_another(story: Story) -> None:
    write(story, "a", "b")
    write(story, "x", "y", uid=2000)
    assert [set(session.members) for session in sessions(story, "2026-03-28", 2000)] == [{"x", "y"}]
    assert len(sessions(story, "2026-03-28")) == 2
    with story.answers(3000) as answers:
        assert answers.days(5) == []


def test_a_session_is_not_about_what_programs_take_up_whatever_is_done(story: Story) -> None:
    journal, letters = ".mozilla/cookies.db", [f"letters/{number}.odt" for number in range(3)]
    for _ in range(12):
        story.program("firefox").close(journal)
        write(story, *letters)
        story.wait(2 * HOUR)
    with story.answers() as answers:
        (latest,) = answers.sessions(1)
    assert latest.label == "letters"
    assert set(latest.members) == set(letters)
