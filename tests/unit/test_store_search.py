"""Searching by words in names, and along relations."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mycelial.graph.rebuild import rebuild
from mycelial.store.answers import Found
from mycelial.store.wordindex import LONGEST, MOST, words_of
from mycelial.store.writer import Writer
from tests.unit.worked import Story


@pytest.fixture
def story(tmp_path: Path) -> Story:
    story = Story(tmp_path)
    for _ in range(3):
        story.program("vim").close("plans/budget.ods", "mail/offer-42.pdf")
        story.pause()
    story.program("vim").close("budget/notes.txt")
    story.pause()
    story.program("vim").close("src/BudgetTable.java", "other/far.txt")
    story.pause()
    return story


def search(story: Story, query: str, uid: int | None = None) -> list[Found]:
    with story.answers(uid) as answers:
        return answers.search(query)


def paths(story: Story, query: str) -> list[str]:
    return [found.path for found in search(story, query)]


def test_a_files_own_name_counts_more_than_its_directory(story: Story) -> None:
    found = paths(story, "budget")
    assert found[:2] == ["plans/budget.ods", "src/BudgetTable.java"]
    assert found.index("plans/budget.ods") < found.index("budget/notes.txt")


def test_what_belongs_to_a_hit_is_found_through_it(story: Story) -> None:
    (offer,) = (found for found in search(story, "budget ods") if found.path == "mail/offer-42.pdf")
    assert offer.via == "plans/budget.ods"
    assert offer.words == ()
    assert paths(story, "offer 42")[0] == "mail/offer-42.pdf"


@pytest.mark.parametrize("query", ["BUDGET", "budg", "budget.ods", "the budget", "plans/budget"])
def test_case_endings_and_further_words_do_not_hide_a_file(story: Story, query: str) -> None:
    assert "plans/budget.ods" in paths(story, query)


@pytest.mark.parametrize("query", ["", "unheard", "...", "\0", "%", "'; DROP VIEW word", "*", "\udcff"])
def test_what_nothing_is_called_finds_nothing(story: Story, query: str) -> None:
    assert search(story, query) == []


def test_a_renamed_file_is_found_by_its_present_name_only(story: Story) -> None:
    story.answers().close()
    story.program("mv").rename("plans/budget.ods", "plans/costs.ods")
    assert paths(story, "costs")[0] == "plans/costs.ods"
    assert "plans/costs.ods" not in [found.path for found in search(story, "budget") if not found.via]


def test_what_lies_in_a_renamed_directory_is_found(story: Story) -> None:
    story.answers().close()
    story.program("mv").rename("plans", "schemes")
    assert "schemes/budget.ods" in paths(story, "schemes")
    assert search(story, "plans") == []


def test_a_file_that_is_gone_is_not_found(story: Story) -> None:
    story.program("rm").unlink("plans/budget.ods")
    assert "plans/budget.ods" not in paths(story, "budget")


def test_nobody_finds_files_that_only_another_has_used(story: Story) -> None:
    story.program("vim", uid=2000).close("budget/secret.txt")
    assert [found.path for found in search(story, "budget", 2000)] == ["budget/secret.txt"]
    assert "budget/secret.txt" not in [found.path for found in search(story, "budget", 1000)]


def test_rebuild_and_an_older_database_have_the_same_index(story: Story) -> None:
    def index() -> list[tuple[str, int]]:
        connection = sqlite3.connect(story.database)
        return connection.execute("SELECT word, file FROM word ORDER BY word, file").fetchall()

    story.answers().close()
    expected = index()
    assert expected
    rebuild(story.database)
    assert index() == expected
    with Writer(story.database) as writer:
        writer.begin()
        writer.database.conn.execute("DELETE FROM word")
        writer.commit()
    with Writer(story.database) as writer:
        writer.commit()
    assert index() == expected


@given(st.text(max_size=200))
def test_words_are_few_short_and_in_lower_case(name: str) -> None:
    words = words_of(name)
    assert len(words) <= MOST
    for word in words:
        assert 0 < len(word) <= LONGEST
        word.encode()


def test_what_programs_take_up_whatever_is_done_is_not_found_through_a_hit(tmp_path: Path) -> None:
    story, journal = Story(tmp_path), ".mozilla/cookies.db"
    for number in range(30):
        story.program("firefox").close(journal)
        task = ("garden", "choir", "taxes")[number % 3]
        story.program("soffice.bin").close(f"{task}.odt", f"Scans/{ord(task[0])}.pdf")
        story.pause()
    assert paths(story, "choir")[:2] == ["choir.odt", f"Scans/{ord('c')}.pdf"]
    found = {hit.path: hit.score for hit in search(story, "choir")}
    assert found.get(journal, 0.0) < 0.5 * found[f"Scans/{ord('c')}.pdf"]
    with story.answers() as answers:
        assert next(iter(answers.together("choir.odt"))).path == f"Scans/{ord('c')}.pdf"


def test_what_a_program_makes_from_whatever_is_saved_is_not_found_through_a_hit(tmp_path: Path) -> None:
    story, journal = Story(tmp_path), ".local/journal.db"
    for number in range(30):
        story.program("soffice.bin").close(f"{number % 3}.odt", f"costs{number % 3}.ods")
        story.program("synchronise").open(f"{number % 3}.odt").close(journal)
        story.pause()
    assert journal in story.products("1.odt")
    found = {hit.path: hit.score for hit in search(story, "1")}
    assert found.get(journal, 0.0) < 0.1 * found["costs1.ods"]
