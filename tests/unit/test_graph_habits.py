"""What a program takes up whatever its user works on says nothing about what belongs together."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from mycelial.graph.habits import COUNTED, Habits
from tests.unit.worked import Story

BOB = 1001
JOURNAL = ".browser/journal"


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path)


def work(story: Story, *letter: str, days: int = 12, journal: str = JOURNAL) -> None:
    """Days with a letter, and days with something else; a browser is open on all of them."""
    for day in range(days):
        story.program("soffice.bin").close(*(letter if day % 3 == 0 else (f"other {day}", f"another {day}")))
        story.program("firefox").close(journal)
        story.pause()


def related(story: Story, path: str) -> list[str]:
    with story.answers() as answers:
        return [found.path for found in answers.related(path)]


def test_a_journal_that_is_always_written_comes_after_what_was_chosen(story: Story) -> None:
    work(story, "letter", "costs", days=30)
    assert related(story, "letter")[0] == "costs"
    with story.answers() as answers:
        scores = {found.path: found.score for found in answers.related("letter")}
    assert scores[JOURNAL] < 0.2 * scores["costs"]


def test_what_is_always_written_is_neither_what_was_used_last_nor_what_comes_next(story: Story) -> None:
    work(story, "letter", days=30)
    story.program("soffice.bin").close("letter")
    story.program("firefox").close(JOURNAL)
    with story.answers() as answers:
        assert [found.path for found in answers.recent(3)] == ["letter", "another 29", "other 29"]
        assert JOURNAL not in {found.path for found in answers.next("letter")}


def test_a_configuration_is_used_when_it_is_written_and_not_when_it_is_read_again(story: Story) -> None:
    for day in range(20):
        story.program("vim").open(".vimrc").close(".viminfo", f"note {day}")
        story.wait(4 * 3600)
    story.program("vim").open(".vimrc").close(".vimrc", ".viminfo")
    with story.answers() as answers:
        assert [found.path for found in answers.recent(2)] == [".vimrc", "note 19"]


def test_nothing_is_kept_of_what_is_owed_to_habit_alone(story: Story) -> None:
    for day in range(30):
        story.program("soffice.bin").close(f"letter {day}", ".recent")
        story.pause()
    story.answers().close()
    connection = sqlite3.connect(story.database)
    try:
        assert connection.execute("SELECT count(*) FROM together").fetchone()[0] > 0
        assert connection.execute("SELECT count(*) FROM together WHERE weight <= 0.0").fetchone() == (0,)
    finally:
        connection.close()


def test_a_visible_file_that_is_used_with_everything_stays_among_the_first(story: Story) -> None:
    work(story, "letter", "costs", days=30, journal="diary.odt")
    assert related(story, "letter")[:2] == ["costs", "diary.odt"]


def test_the_only_file_of_a_program_that_runs_now_and_then_keeps_its_relations(story: Story) -> None:
    for day in range(40):
        if day % 4 == 0:
            story.program("gnucash").close(".accounts")
            story.program("soffice.bin").close("tax return")
        else:
            story.program("soffice.bin").close(f"letter {day}", f"list {day}")
        story.pause()
    assert related(story, "tax return")[0] == ".accounts"


def test_what_version_control_takes_up_as_well_is_no_habit(story: Story) -> None:
    for day in range(30):
        story.program("latexmk").close(".latexmkrc").close(f"chapter {day % 3}")
        story.program("git").open(".latexmkrc", f"chapter {day % 3}")
        story.pause()
    with story.answers() as answers:
        best = answers.related("chapter 1")[0]
        assert (best.path, best.score > 0.5) == (".latexmkrc", True)


def test_what_lies_between_by_habit_does_not_interrupt_what_comes_next(story: Story) -> None:
    for _ in range(20):
        story.program("vim").close("first")
        story.program("firefox").close(JOURNAL)
        story.program("vim").close("second")
        story.pause()
    for _ in range(10):
        story.program("firefox").close(JOURNAL, f"page {story.pid}")
        story.pause()
    with story.answers() as answers:
        assert answers.next("first")[0].path == "second"


def test_a_thumbnailer_says_nothing_about_a_small_folder(story: Story) -> None:
    story.program("eog").open("a.jpg")
    story.program("tumblerd").open("a.jpg", "b.jpg", "c.jpg")
    assert story.together("a.jpg") == []


def test_habits_are_counted_for_each_user_apart(story: Story) -> None:
    habits = Habits()
    for _ in range(20):
        habits.observe(1000, {"firefox": [1]})
    assert habits.observe(1000, {"firefox": [1]})[1] == 1.0
    assert habits.observe(BOB, {"firefox": [1]}) == {}


def test_one_program_that_chooses_a_file_is_enough() -> None:
    habits = Habits()
    for number in range(20):
        habits.observe(1000, {"firefox": [1], "vim": [100 + number]})
    assert habits.observe(1000, {"firefox": [1], "vim": [1]}) == {}


def test_what_is_counted_is_bounded_and_goes_on_after_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mycelial.graph.habits.PROGRAMS", 8)
    habits, state = Habits(), {}
    for number in range(30):
        habits.observe(1000, {"find": range(10 + number * COUNTED, 10 + 2 * number * COUNTED)})
        habits.observe(1000, {f"program {number}": [1], "firefox": [2]})
        state.update(habits.dump())
    kept = {key: value for key, value in state.items() if value is not None}
    assert len(kept) == 8
    assert max(len(files) for _, _, files, _ in kept.values()) <= COUNTED
    again = Habits()
    again.load(iter(sorted(kept.items())))
    for other in (habits, again):
        assert other.observe(1000, {"firefox": [2]}) == {2: 1.0}
    assert list(again.dump()) == list(habits.dump())


def test_what_is_always_written_takes_nothing_from_the_relations_of_others(tmp_path: Path) -> None:
    scores = []
    for journal in ("", JOURNAL):
        place = tmp_path / ("loud" if journal else "quiet")
        place.mkdir()
        story = Story(place)
        for day in range(100):
            story.program("soffice.bin").close("letter", "costs" if day % 2 else "scan")
            if journal:
                story.program("firefox").close(*(f"{journal} {number}" for number in range(4)))
            story.pause()
        with story.answers() as answers:
            scores.append({found.path: found.score for found in answers.related("costs")})
    assert scores[1]["scan"] == pytest.approx(scores[0]["scan"], rel=0.15)
    assert max(scores[1], key=lambda path: scores[1][path]) == "letter"


def test_what_an_editor_notes_down_with_each_file_comes_after_what_was_chosen(story: Story) -> None:
    for day in range(80):
        if day % 4 == 0:
            names = ("diary", "recipe") if day % 16 == 0 else (f"note {day}", f"list {day}")
            story.program("vim").close(*names, ".viminfo")
        else:
            story.program("soffice.bin").close(f"letter {day}", f"table {day}")
        story.pause()
    with story.answers() as answers:
        scores = {found.path: found.score for found in answers.related("diary")}
    assert scores[".viminfo"] < 0.35 * scores["recipe"]


def test_a_hidden_file_is_a_habit_sooner_than_one_that_its_user_may_have_chosen() -> None:
    habits = Habits()
    for number in range(40):
        habits.observe(1000, {"gedit": [1, 2, 3] if number % 2 else [3]}, {2})
    found = habits.observe(1000, {"gedit": [1, 2]}, {2})
    assert found[2] > 0.8 > 0.5 > found[1] > 0.0
