"""What was opened for one question answers the next one, of the same user and from the same file only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mycelial.graph.rebuild import replay
from mycelial.record.events import Event, Op, Process
from mycelial.store.errors import StoreError
from mycelial.views.database import AnswersFrom
from tests.unit.recorded import BO, EVE, database


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return database(tmp_path)


@pytest.fixture
def answers_from(path: Path) -> Iterator[AnswersFrom]:
    opened = AnswersFrom(str(path))
    yield opened
    opened.close()


def test_the_next_question_of_a_user_finds_the_database_open(answers_from: AnswersFrom) -> None:
    with answers_from(BO.uid) as first:
        pass
    with answers_from(BO.uid) as second:
        assert second is first


def test_two_questions_at_once_have_a_database_each(answers_from: AnswersFrom) -> None:
    with answers_from(BO.uid) as first, answers_from(BO.uid) as second:
        assert second is not first


def test_nobody_is_lent_what_was_opened_for_another_user(answers_from: AnswersFrom) -> None:
    with answers_from(BO.uid) as answers:
        assert answers.related("src/main.c")
    with answers_from(EVE.uid) as answers:
        assert not answers.related("src/main.c")
        assert answers.related("notes/one.txt")


def test_many_users_leave_few_databases_open(answers_from: AnswersFrom) -> None:
    for uid in range(5000, 5020):
        with answers_from(uid) as answers:
            assert not answers.related("src/main.c")
    with answers_from(5000) as first_again, answers_from(5019) as last:
        assert first_again is not last


def test_what_is_still_lent_at_the_end_is_closed_when_it_comes_back(answers_from: AnswersFrom) -> None:
    with answers_from(BO.uid) as answers:
        answers_from.close()
        assert answers.known("src/main.c")
    with pytest.raises(StoreError, match="closed"):
        answers.known("src/main.c")


def test_what_was_recorded_meanwhile_is_in_the_next_answer(answers_from: AnswersFrom, path: Path) -> None:
    with answers_from(BO.uid) as answers:
        assert not answers.known("src/new.c")
    vim = Process(pid=9, ppid=1, comm="vim", uid=BO.uid)
    replay(path, [Event(1_770_000_000.0, Op.OPEN, "src/new.c", vim)])
    with answers_from(BO.uid) as answers:
        assert answers.known("src/new.c")


def test_another_file_in_its_place_is_opened_anew(answers_from: AnswersFrom, path: Path) -> None:
    with answers_from(BO.uid) as before:
        assert before.known("src/main.c")
    other = path.with_name("other.db")
    vim = Process(pid=9, ppid=1, comm="vim", uid=BO.uid)
    replay(other, [Event(1_770_000_000.0, Op.OPEN, "elsewhere", vim)])
    for left in path.parent.glob("recorded.db-*"):
        left.unlink()
    other.rename(path)
    with answers_from(BO.uid) as answers:
        assert not answers.known("src/main.c")
        assert answers.known("elsewhere")


def test_a_database_that_is_not_there_is_said_each_time(tmp_path: Path) -> None:
    answers_from = AnswersFrom(str(tmp_path / "none.db"))
    for _ in range(2):
        with pytest.raises(StoreError, match="no database"), answers_from(BO.uid):
            pass
