"""How often the database is asked tells a reader nothing of others. Counted, as times would vary."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from mycelial.store.answers import Answers
from tests.unit.recorded import BO, EVE, database

BOS = ("src/main.c", "build/main.o")
NOBODYS = ("src/none.c", "none/main.o", "none/none")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return database(tmp_path_factory.mktemp("recorded"))


def statements(db: Path, uid: int, question: Callable[[Answers], object]) -> tuple[int, object]:
    """How many statements a question takes that is the first one, and its answer."""
    with Answers.open(db, uid) as answers:
        asked: list[str] = []
        answers._database.conn.set_trace_callback(asked.append)
        answer = question(answers)
        answers._database.conn.set_trace_callback(None)
    return len(asked), answer


QUESTIONS: dict[str, Callable[[Answers, str], object]] = {
    "related": Answers.related,
    "together": Answers.together,
    "next": Answers.next,
    "sources": Answers.sources,
    "products": Answers.products,
    "how": Answers.how,
    "how_sources": Answers.how_sources,
    "newer_source": Answers.newer_source,
    "cluster": Answers.cluster,
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_what_others_used_takes_what_nobody_used_takes(recorded: Path, name: str) -> None:
    asked = {path: statements(recorded, EVE.uid, lambda a, p=path: QUESTIONS[name](a, p)) for path in BOS}
    none = {path: statements(recorded, EVE.uid, lambda a, p=path: QUESTIONS[name](a, p)) for path in NOBODYS}
    assert len({(count, str(answer)) for count, answer in (*asked.values(), *none.values())}) == 1, (
        asked,
        none,
    )
    own, _ = statements(recorded, BO.uid, lambda answers: QUESTIONS[name](answers, BOS[0]))
    assert own >= next(iter(none.values()))[0]


@pytest.mark.parametrize("word", ["main", "mai", "src", "build odd", "c"])
def test_a_search_takes_as_much_for_words_that_only_others_have(recorded: Path, word: str) -> None:
    theirs = statements(recorded, EVE.uid, lambda answers: answers.search(word))
    absent = " ".join("zq"[: len(one)] + "y" * (len(one) - 2) for one in word.split())
    assert theirs == statements(recorded, EVE.uid, lambda answers: answers.search(absent))
    assert theirs[1] == []
    assert statements(recorded, BO.uid, lambda answers: answers.search(word))[1]


def prepared(db: Path, uid: int, questions: list[str]) -> list[int]:
    """How much of statements is prepared for each of these searches, one after the other."""
    with Answers.open(db, uid) as answers:
        steps = 0

        def note(*_: object) -> int:
            nonlocal steps
            steps += 1
            return sqlite3.SQLITE_OK

        answers._database.conn.set_authorizer(note)
        counts = []
        for question in questions:
            steps = 0
            answers.search(question)
            counts.append(steps)
    return counts


def test_a_search_prepares_nothing_anew_for_words_that_only_others_have(recorded: Path) -> None:
    """To prepare a statement takes as long as many rows do."""
    first, *others = prepared(recorded, EVE.uid, ["yyy", "main", "src", "zzz", "build odd"])
    assert first > 0
    assert others == [0] * len(others)


def looked_at(db: Path, uid: int, word: str) -> int:
    """How many files the database is asked about for a search."""
    with Answers.open(db, uid) as answers:
        asked: list[str] = []
        answers._database.conn.set_trace_callback(asked.append)
        answers.search(word)
        answers._database.conn.set_trace_callback(None)
    return sum(
        text.count(",") for statement in asked for text in re.findall(r"json_each\('([^']*)'", statement)
    )


def test_a_search_looks_at_as_many_files_for_words_that_only_others_have(recorded: Path) -> None:
    assert looked_at(recorded, EVE.uid, "main") == looked_at(recorded, EVE.uid, "yyyy") > 0
