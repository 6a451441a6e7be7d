"""Episodes are the unit of evidence for what belongs together and what comes next."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mycelial.graph.episodes import Episode
from mycelial.store.weighing import Touch
from tests.unit.worked import Story

BOB = 1001


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path)


def test_a_relation_shows_before_its_episode_ends(story: Story) -> None:
    story.program("vim").close("a", "b")
    assert story.episodes("a") == {"b": 1}


def test_an_episode_that_ended_counts_the_same_as_one_that_goes_on(story: Story) -> None:
    story.program("vim").close("a", "b").open("c")
    with story.answers() as answers:
        before = answers.together("a"), answers.next("a")
    story.pause()
    story.program("vim").close("far")
    with story.answers() as answers:
        after = answers.together("a"), answers.next("a")
    for one, other in zip(before[0] + before[1], after[0] + after[1], strict=True):
        assert (one.path, one.episodes, one.last, one.programs) == (
            other.path,
            other.episodes,
            other.last,
            other.programs,
        )
        assert one.score == pytest.approx(other.score)


def test_a_gap_ends_an_episode(story: Story) -> None:
    story.program("vim").close("a")
    story.wait(299)
    story.program("vim").close("b")
    story.wait(301)
    story.program("vim").close("c")
    assert story.together("b") == ["a"]


def test_an_episode_lasts_an_hour_at_most(story: Story) -> None:
    story.program("vim").close("start")
    for _ in range(20):
        story.wait(200)
        story.program("vim").close("other")
    story.program("vim").close("end")
    assert "end" not in story.together("start")


def test_an_episode_of_very_many_accesses_ends(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mycelial.graph.episodes.MOST", 3)
    story.program("vim").close("a", "b", "c", "d", "e")
    assert sorted(story.together("a")) == ["b", "c"]
    assert story.together("d") == ["e"]


def test_a_file_counts_once_in_an_episode(story: Story) -> None:
    for _ in range(5):
        story.program("vim").close("a", "b")
    assert story.episodes("a") == {"b": 1}


def test_an_episode_spreads_its_weight_over_its_files(story: Story) -> None:
    story.program("vim").close("a", "b")
    story.pause()
    story.program("vim").close("a", *(f"c{number}" for number in range(9)))
    with story.answers() as answers:
        scores = {found.path: found.score for found in answers.together("a")}
    assert scores["b"] == pytest.approx(9 * scores["c1"], rel=1e-4)


def test_what_is_written_weighs_more_than_what_is_read(story: Story) -> None:
    story.program("vim").close("a", "written").open("read")
    assert story.together("a") == ["written", "read"]


def test_what_was_read_beside_writing_weighs_less_where_a_commit_tells_what_belonged_together(
    story: Story,
) -> None:
    for commits in (False, True):
        here = f"{commits}/"
        story.program("soffice.bin").close(here + "letter")
        story.wait(3)
        story.program("evince").open(here + "scan")
        story.wait(3)
        if commits:
            story.program("git").open(here + "letter")
        story.pause()
    with story.answers() as answers:
        told, by_commit = (answers.together(f"{commits}/letter")[0].score for commits in (False, True))
    assert told == pytest.approx(2 * by_commit)


def one_after_the_other(story: Story, use: Callable[[str], object], *paths: str) -> None:
    for path in paths:
        use(path)
        story.wait(3)


def weights(story: Story, path: str) -> dict[str, float]:
    with story.answers() as answers:
        return {found.path: round(found.score, 6) for found in answers.together(path)}


def test_what_a_program_made_from_other_files_weighs_as_if_it_was_only_read(story: Story) -> None:
    one_after_the_other(story, story.program("vim").close, "a.c", "notes")
    one_after_the_other(story, story.program("less").open, "look")
    story.program("make").run("cc").open("a.c").make("a.o", "a.d")
    scores = weights(story, "a.c")
    assert scores["notes"] > 4 * scores["a.o"]
    assert scores["look"] == scores["a.o"] == scores["a.d"]


def test_what_was_made_weighs_as_much_as_anything_once_somebody_changes_it(story: Story) -> None:
    one_after_the_other(story, story.program("vim").close, "notes", "other")
    story.program("sort").open("notes").make("sorted")
    assert weights(story, "notes")["sorted"] < weights(story, "notes")["other"]
    story.program("vim").open("sorted").close("sorted")
    assert weights(story, "notes")["sorted"] == weights(story, "notes")["other"]


def test_what_is_made_again_and_again_is_noted_once_each_time() -> None:
    episode = Episode(1, 1000, 1.0, 1.0, {(7, 1): Touch("sort", 1.0, 1.0, writes=2)})
    for burst in (2, 3):
        episode.add(7, burst, Touch("sort", 1.0, 1.0, writes=1))
        episode.note_write(7, burst)
    assert episode.make(7) == [(7, 1), (7, 2), (7, 3)]
    episode.touches[7, 2].writes += 1
    episode.note_write(7, 2)
    assert episode.make(7) == [(7, 2)]
    assert episode.touches[7, 2].made == episode.touches[7, 2].writes == 2


def test_what_a_program_reads_and_writes_again_was_not_made_from_others(story: Story) -> None:
    one_after_the_other(story, story.program("vim").close, "notes", "other")
    story.program("vim").close("letter")
    story.pause()
    one_after_the_other(story, story.program("vim").close, "notes", "other")
    story.program("writer").open("template", "letter").make("letter")
    scores = weights(story, "notes")
    assert scores["template"] < scores["letter"] == scores["other"]


def test_a_clock_that_was_centuries_off_breaks_nothing(story: Story) -> None:
    story.now = 0.0
    story.program("vim").close("a", "b")
    story.now = 250_000_000_000.0
    story.program("vim").close("a", "b")
    story.pause()
    story.program("vim").close("a", "b")
    assert story.episodes("a") == {"b": 3}


def test_evidence_is_kept_apart_by_user(story: Story) -> None:
    story.program("vim").close("a", "b")
    story.program("vim", uid=BOB).close("a", "c")
    with story.answers(BOB) as answers:
        assert [found.path for found in answers.together("a")] == ["c"]
    with story.answers() as answers:
        assert {found.path for found in answers.together("a")} == {"b", "c"}


def test_fewer_than_three_episodes_are_weak(story: Story) -> None:
    for _ in range(3):
        story.program("vim").close("a", "b")
        story.pause()
    story.program("vim").close("a", "c")
    with story.answers() as answers:
        assert {found.path: found.weak for found in answers.related("a")} == {"b": False, "c": True}


def test_next_is_what_was_taken_up_after(story: Story) -> None:
    for _ in range(2):
        story.program("vim").open("a", "b", "c")
        story.pause()
    story.program("vim").open("a", "c")
    with story.answers() as answers:
        assert [(found.path, found.episodes) for found in answers.next("a")] == [("b", 2), ("c", 1)]
        assert [found.path for found in answers.next("c")] == []
        assert sum(found.score for found in answers.next("a")) == pytest.approx(3 / 7)


@pytest.mark.parametrize("is_over", [False, True])
def test_what_an_indexer_takes_up_after_it_was_saved_is_not_what_came_next(
    story: Story, is_over: bool
) -> None:
    indexer = story.program("tracker-miner-f")
    for _ in range(3):
        story.program("code").close("a", "b")
        story.wait(2)
        indexer.open("a", "b")
        story.wait(60)
        story.program("code").open("list").close("c")
        indexer.open("c")
        story.program("less").open("a")
        story.pause()
    if is_over:
        story.program("vim").open("far")
    with story.answers() as answers:
        assert {found.path: found.episodes for found in answers.next("a")} == {"b": 3}
        assert [found.path for found in answers.next("b")] == ["list"]
        assert [found.path for found in answers.next("c")] == ["a"]


def test_who_looks_at_what_he_has_just_made_goes_on_from_there(story: Story) -> None:
    story.program("tex").open("a.tex").make("a.pdf", "a.log")
    story.program("evince").open("a.pdf")
    with story.answers() as answers:
        assert [found.path for found in answers.next("a.log")] == ["a.pdf"]


def test_files_of_one_change_belong_together_more_than_those_of_one_episode(story: Story) -> None:
    story.program("vim").close("a", "b", "c")
    story.wait(10)
    story.program("git").open("a", "b")
    with story.answers() as answers:
        scores = {found.path: found.score for found in answers.together("a")}
    assert scores["b"] > scores["c"]


def test_what_was_committed_apart_belongs_together_less_than_what_was_never_committed(story: Story) -> None:
    story.program("vim").close("a", "b", "c")
    for changed in ("a", "b"):
        story.wait(20)
        story.program("git").open(changed)
    with story.answers() as answers:
        scores = {found.path: found.score for found in answers.together("a")}
    assert 0.0 < scores["b"] < 0.5 * scores["c"]


def test_staging_the_files_of_a_change_one_after_the_other_makes_one_change(story: Story) -> None:
    story.program("vim").close("a", "b", "c")
    for changed in ("a", "b"):
        story.wait(3)
        story.program("git").open(changed)
    assert story.together("a") == ["b", "c"]


def test_what_version_control_asks_what_to_do_belongs_to_a_change_only_if_it_was_changed(
    story: Story,
) -> None:
    asked = ".gitconfig", "p/.gitignore", "p/.gitattributes", "p/.mailmap", ".config/git/config"
    story.program("vim").close("p/a", "p/b")
    story.program("git").open(*asked, "p/a", "p/b")
    story.pause()
    story.program("git").open(*asked)
    story.program("vim").close("p/a", "p/.gitignore")
    story.program("git").open(*asked, "p/a", "p/.gitignore")
    with story.answers() as answers:
        related = {found.path: found.episodes for found in answers.together("p/a")}
        assert related == {"p/b": 1, "p/.gitignore": 1}
        assert answers.recent(10)[0].path == "p/.gitignore"
        assert not {found.path for found in answers.recent(10)} & {".gitconfig", "p/.mailmap"}


def test_a_list_of_what_to_ignore_is_of_the_first_change_after_it_was_written(story: Story) -> None:
    for changed in ("a", "b"):
        story.program("vim").close(*([".gitignore", "a"] if changed == "a" else ["b"]))
        story.wait(20)
        story.program("git").open(".gitignore", changed)
        story.wait(20)
    with story.answers() as answers:
        of_a = {found.path: found.score for found in answers.together("a")}
        of_b = {found.path: found.score for found in answers.together("b")}
    assert of_a[".gitignore"] > 2.0 * of_a["b"]
    assert of_b[".gitignore"] == pytest.approx(of_b["a"])


def test_a_look_at_what_changed_is_not_yet_the_change(story: Story) -> None:
    """A prompt or an editor asks git for its status again and again."""
    story.program("vim").close(".gitignore", "Makefile")
    for opened in ([".gitignore"], [".gitignore", "Makefile"]):
        story.wait(60)
        story.program("git").open(*opened)
    with story.answers() as answers:
        (found,) = answers.together(".gitignore")
    assert (found.path, found.score) == ("Makefile", pytest.approx(1.0))


def test_files_that_were_opened_at_the_same_moment_belong_together_a_little_more(story: Story) -> None:
    story.program("vim").open("c")
    story.wait(10)
    story.program("vim").open("a", "b")
    assert story.together("a") == ["b", "c"]


def test_an_episode_of_very_many_files_keeps_the_pairs_of_the_heaviest(story: Story) -> None:
    for number in range(150):
        story.program("less").open(f"read{number}")
        story.wait(1)
    story.program("vim").close("a")
    story.wait(10)
    story.program("vim").close("b")
    assert story.together("a")[0] == "b"
    assert len(story.episodes("a")) <= 20
