"""Answers: what is returned, in which order, for whom, and how soon."""

from __future__ import annotations

import threading
from heapq import nlargest
from pathlib import Path

import pytest

from mycelial.graph.rebuild import replay
from mycelial.record.jsonl import event_from_json, event_to_json
from mycelial.store.answers import Answers
from mycelial.store.errors import StoreError
from mycelial.store.neighbours import Neighbours
from mycelial.store.weighing import Touch
from mycelial.store.writer import Writer
from tests.unit.worked import NOON, Story

BOB = 1001


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """Alice edits main.c with main.h on four days and compiles it; Bob reads the notes."""
    story = Story(tmp_path)
    for _ in range(4):
        story.program("vim").open("main.c", "main.h").close("main.c", "main.h").open("README")
        story.program("cc", args=("cc", "-c", "main.c")).open("main.c", "main.h").make("main.o")
        story.program("less", uid=BOB).open("notes/a", "notes/b")
        story.pause()
    return story


def test_what_a_file_was_made_from_comes_before_what_it_was_used_with(story: Story) -> None:
    with story.answers() as answers:
        assert [found.path for found in answers.related("main.o")][:2] == ["main.c", "main.h"]
        best = answers.related("main.c")[0]
    assert best.path == "main.o"
    assert not best.weak
    assert best.episodes == 4
    assert best.programs == ("cc", "vim")


def test_of_very_many_the_strongest_are_ranked_and_what_is_used_just_now(tmp_path: Path) -> None:
    def together(most: int | None) -> list[tuple[int, float]]:
        found = Neighbours(database, 1000)
        found.refresh()
        bonds = found.together(1, most)
        best = nlargest(10, bonds, key=lambda other: (bonds[other].weight, -other))
        return [(other, bonds[other].weight) for other in best]

    with Writer(tmp_path / "a.db") as writer:
        writer.begin()
        writer.set_landmark(NOON)
        for number in range(1, 60):
            assert writer.files.use(f"f{number}") == number
        evidence = writer.evidence
        pairs = {(1, other): other % 7 / 7 + 0.1 for other in range(2, 60)}
        evidence.add_together(1000, pairs, NOON, 1)
        evidence.episode(2, 1000, NOON, NOON, "open")
        for file in (1, 8):
            evidence.touch(2, file, 1, Touch("vim", NOON, NOON, 0, 1))
        writer.commit()
        database = writer.database
        assert together(11) == together(None)
        assert together(None)[0][0] == 8


def test_what_is_made_from_everything_says_little_about_each(story: Story) -> None:
    for number in range(12):
        story.program("vim").close(f"text {number}", f"table {number}")
        story.pause()
    for number in range(12):
        story.program("index").open(f"text {number}").close("found words")
        story.pause()
    story.program("lpr").open("text 3").close("print of 3")
    with story.answers() as answers:
        assert {source.path for source in answers.sources("found words")} == {f"text {n}" for n in range(12)}
        best = [found.path for found in answers.related("text 3")]
    assert best.index("print of 3") < best.index("table 3") < best.index("found words")


def test_without_version_control_what_is_regular_comes_before_what_was_once(story: Story) -> None:
    for number in range(5):
        story.program("soffice.bin").close("letter", "table").open("scan")
        story.pause()
        story.program("soffice.bin").close("table", f"other {number}")
        story.pause()
    story.program("soffice.bin").open("scan").close("form")
    story.pause()
    with story.answers() as answers:
        best = [found.path for found in answers.related("scan")]
    assert best.index("letter") < best.index("table") < best.index("form")


def test_files_that_are_only_read_are_found_together_in_the_din_of_a_desktop(tmp_path: Path) -> None:
    story = Story(tmp_path)
    for _ in range(8):
        story.program("evince").open("scan 1", "scan 2")
        story.program("soffice.bin").close("letter")
        story.program("browser").close(*(f".profile/{number}" for number in range(20)))
        story.pause()
        story.program("soffice.bin").close("something else")
        story.program("browser").close(*(f".profile/{number}" for number in range(20)))
        story.pause()
    with story.answers() as answers:
        assert {found.path for found in answers.related("scan 1")[:2]} == {"scan 2", "letter"}
        assert next(found.episodes for found in answers.related("scan 1") if found.path == "scan 2") > 3


def test_what_programs_keep_for_themselves_beside_a_file_is_never_named(story: Story) -> None:
    program = story.program("jupyter-lab")
    program.make("n/.ipynb_checkpoints/study-checkpoint.ipynb", "n/.study.py.kate-swp", "n/.fuse_hidden0007")
    program.make("n/study.ipynb", "n/data.csv")
    with story.answers() as answers:
        assert [found.path for found in answers.related("n/study.ipynb")] == ["n/data.csv"]
        assert [found.path for found in answers.together("n/study.ipynb")] == ["n/data.csv"]


def test_every_ranking_is_in_order_and_within_its_limit(story: Story) -> None:
    with story.answers() as answers:
        for ranking in (answers.related, answers.together, answers.next, answers.sources, answers.products):
            found = ranking("main.c")
            assert found == sorted(found, key=lambda related: (-related.score, related.path))
            assert ranking("main.c", limit=1) == found[:1]


def test_unknown_files_have_no_answers(story: Story) -> None:
    with story.answers() as answers:
        assert not answers.known("nothing")
        for ranking in (answers.related, answers.together, answers.next, answers.sources, answers.products):
            assert ranking("nothing") == []
            assert ranking("notes") == []
        assert answers.why("nothing", "main.c") == []
        assert answers.how("nothing") is None


def test_a_user_sees_only_what_follows_from_their_own_work(story: Story) -> None:
    with story.answers(BOB) as answers:
        assert answers.together("main.c") == []
        assert answers.sources("main.o") == []
        assert answers.products("main.c") == []
        assert answers.how("main.o") is None
        assert [found.path for found in answers.together("notes/a")] == ["notes/b"]
        assert {found.path for found in answers.recent()} == {"notes/a", "notes/b"}
        assert answers.uids() == [1000, BOB]


def test_files_of_a_directory_nobody_used_are_related_by_name_at_most(story: Story) -> None:
    story.program("tar").make(*(f"new/{name}" for name in ("alpha_one.c", "alpha_one.h", "beta.c")))
    with story.answers() as answers:
        found = answers.related("new/alpha_one.c")
    assert found[0].path == "new/alpha_one.h"


def test_why_tells_all_kinds_of_evidence(story: Story) -> None:
    with story.answers() as answers:
        kinds = {reason.kind: reason for reason in answers.why("main.o", "main.c")}
        assert {"source", "together", "name"} <= set(kinds)
        assert kinds["source"].text == "main.o was made from main.c"
        assert (kinds["source"].count, kinds["source"].programs) == (4, ("cc",))
        assert kinds["together"].text == "used together in 4 episodes"
        assert answers.why("main.c", "main.o")[0].kind == "product"
        assert answers.why("main.c", "main.c") == []


def test_recent_files_come_latest_first_under_their_present_names(story: Story) -> None:
    story.program("mv").rename("main.o", "build/main.o")
    with story.answers() as answers:
        recent = answers.recent(limit=3)
    assert [found.path for found in recent] == ["build/main.o", "notes/b", "notes/a"]
    assert (recent[0].op, recent[0].comm, recent[0].t) == ("rename", "mv", story.now)


def test_an_open_instance_sees_what_was_committed_since(story: Story) -> None:
    with story.answers() as answers:
        assert "new" not in [found.path for found in answers.together("main.c")]
        story.program("vim").close("main.c", "new")
        story.answers().close()
        assert "new" in [found.path for found in answers.together("main.c")]


def test_an_open_instance_sees_what_has_come_into_a_directory_since(story: Story) -> None:
    story.program("tar").make("new/alpha_one.c", "new/alpha_one.h")
    with story.answers() as answers:
        assert [found.path for found in answers.related("new/alpha_one.c")][:1] == ["new/alpha_one.h"]
        story.program("tar").make("new/alpha_one.txt")
        story.answers().close()
        later = [found.path for found in answers.related("new/alpha_one.c")]
    assert {"new/alpha_one.h", "new/alpha_one.txt"} <= set(later)


@pytest.mark.parametrize("uid", [BOB, 4711, None])
def test_a_rehearsal_changes_no_answer(story: Story, uid: int | None) -> None:
    with story.answers(uid) as answers, Answers.open(story.database, uid) as rehearsed:
        rehearsed.rehearse()
        assert rehearsed.related("notes/a") == answers.related("notes/a")


def test_an_instance_can_be_made_here_and_used_in_a_worker_thread(story: Story) -> None:
    answers, found = story.answers(), []
    thread = threading.Thread(target=lambda: found.extend(answers.related("main.c")))
    thread.start()
    thread.join()
    assert found
    answers.close()


def test_the_log_comes_back_exactly_as_it_went_in(story: Story, tmp_path: Path) -> None:
    program = story.program(
        "odd \udcff",
        sid=1,
        pgid=2,
        cgroup="/user.slice",
        exe="/usr/bin/odd\udcfe",
        args=("a b", "\udcff", "é"),
        cwd="/home/\udcfd",
        pipe_in=("pipe:[1]",),
        pipe_out=("pipe:[2]", "pipe:[3]"),
    )
    program.open("caf\udce9").rename("caf\udce9", "café").link("café", "x").becomes("other").open("x")
    events = list(story.events)
    with story.answers() as answers:
        assert list(answers.events()) == events
        assert list(answers.events(after_id=len(events) - 1)) == events[-1:]
        lines = [event_to_json(event) for event in answers.events()]
    replay(tmp_path / "again.db", map(event_from_json, lines))
    with Answers.open(tmp_path / "again.db", None) as answers:
        assert list(answers.events()) == events


def test_status_counts(story: Story) -> None:
    total = len(story.events)
    with story.answers() as answers:
        status = answers.status()
    assert status["events"] == total
    assert status["first"] == NOON + 0.01
    assert status["files"] == 7


def test_a_damaged_database_is_one_clear_error(story: Story) -> None:
    story.answers().close()
    with story.database.open("r+b") as file:
        size = file.seek(0, 2)
        file.seek(4096)
        file.write(b"x" * (size - 4096))
    with pytest.raises(StoreError, match=r"story\.db"):
        Answers.open(story.database, None).related("main.c")
