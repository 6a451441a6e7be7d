"""The evaluation of the answers: its marks, its converter, and the plain methods that it compares with."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from bench.quality import baselines
from bench.quality.bounds import LEAST, MOST, shortfalls
from bench.quality.history import Commit, at_once, from_git, load, store, stored
from bench.quality.home import Din, home
from bench.quality.questions import Question, adjusted_rand_index, judge, questions, split
from bench.quality.ranking import LEFT_OUT, at_home, ours, trial
from bench.quality.work import Noise, events
from mycelial.record.events import Event, Op, Process

DAY = 86_400.0


def commit(day: int, *written: str, author: int = 0) -> Commit:
    return Commit(1e9 + day * DAY, author, written)


def git(directory: Path, *words: str) -> None:
    identity = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@b", "GIT_CONFIG_GLOBAL": "/dev/null"}
    committer = {"GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@b"}
    subprocess.run(["git", *words], cwd=directory, check=True, env=os.environ | identity | committer)


def test_a_history_is_read_from_git_with_its_renames_and_odd_names(tmp_path: Path) -> None:
    odd = "a b\nc.txt"
    git(tmp_path, "init", "-q")
    for name in ("one", odd):
        (tmp_path / name).write_text(f"{name}\n" * 5)
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    git(tmp_path, "mv", "one", "two")
    git(tmp_path, "commit", "-qm", "rename")
    git(tmp_path, "rm", "-q", odd)
    git(tmp_path, "commit", "-qm", "remove")
    first, moved, gone = from_git(tmp_path)
    assert set(first.written) == {"one", odd}
    assert moved.renamed == (("one", "two"),)
    assert gone.removed == (odd,)


def test_a_stored_history_is_read_as_it_was_written(tmp_path: Path) -> None:
    for name in stored():
        store(load(name), tmp_path / "copy.jsonl.gz")
        assert (tmp_path / "copy.jsonl.gz").read_bytes()
        assert load(name) == sorted(load(name), key=lambda commit: commit.t)
    assert len(stored()) >= 4


def test_the_same_seed_gives_the_same_work_and_another_one_other_work() -> None:
    known, _ = split(load("jq")[:100])
    assert events(known, 1) == events(known, 1)
    assert events(known, 1) != events(known, 2)


@pytest.mark.parametrize("kind", Noise)
def test_noise_adds_to_the_work_and_changes_nothing_of_it(kind: Noise) -> None:
    known, _ = split(load("jq")[:200])

    def facts(noise: frozenset[Noise]) -> set[tuple[float, str, str]]:
        return {(event.t, event.op, event.path) for event in events(known, 1, noise)}

    assert facts(frozenset()) < facts(frozenset({kind}))


def test_what_is_asked_is_named_as_it_was_when_the_log_ended() -> None:
    later = [
        Commit(2e9, 0, ("new", "b"), renamed=(("a", "new"),)),
        Commit(2e9 + 1, 0, ("new", "unknown")),
        Commit(2e9 + 2, 0, ("new",), removed=("b",)),
    ]
    assert questions([commit(0, "a", "b")], later) == [
        Question("a", frozenset({"b"}), 0),
        Question("b", frozenset({"a"}), 0),
    ]


def test_marks_are_those_of_the_textbook() -> None:
    asked = [Question("q", frozenset({"x", "y"}), 0)]
    marks = judge(asked, lambda _: ["x", "n", "q", "y"])
    assert (marks.map10, marks.mrr, marks.hit3) == (pytest.approx((1 + 2 / 3) / 2), 1.0, 1.0)
    assert judge(asked, lambda _: ["n", "n2", "n3", "x"]).hit3 == 0.0
    assert judge(asked, lambda _: []).map10 == 0.0


def test_a_change_counts_once_however_many_files_it_has() -> None:
    small = [Question("a", frozenset({"b"}), 0)]
    large = [Question(str(n), frozenset({"x"}), 1) for n in range(8)]
    assert judge(small + large, lambda path: ["b"] if path == "a" else []).map10 == 0.5


def test_the_rand_index_is_one_for_the_same_groups_and_about_nothing_for_one_group() -> None:
    truth = {str(n): n % 2 for n in range(10)}
    assert adjusted_rand_index(truth, {name: f"g{group}" for name, group in truth.items()}) == 1.0
    assert adjusted_rand_index(truth, dict.fromkeys(truth, 1)) == pytest.approx(0.0)
    assert adjusted_rand_index(truth, {}) == pytest.approx(0.0)


def test_each_plain_method_finds_what_was_used_together() -> None:
    process = Process(10, 5, "vim", 1000)
    log = baselines.Log(
        [
            Event(1e9 + 1000 * day + second, op, path, process)
            for day in range(3)
            for second, (op, path) in enumerate(
                [(Op.READ, "d/a"), (Op.WRITE, "d/b"), (Op.WRITE, f"other{day}")]
            )
        ]
        + [Event(2e9 + second, Op.WRITE, f"other{second}", process) for second in range(3)],
        {"d/a", "d/b", "other0", "other1", "other2"},
    )
    for name, method in baselines.METHODS.items():
        assert "d/b" in baselines.answering(method, log)("d/a")[:2], name


def test_two_histories_at_once_end_at_the_same_moment_by_the_same_hand() -> None:
    one, other = at_once([[commit(0, "a", author=3)], [commit(50, "b", author=1), commit(90, "c")]])
    assert one[-1].t == other[-1].t
    assert {found.author for found in one + other} == {0}


def test_figures_out_of_their_bounds_are_told() -> None:
    assert shortfalls({name: bound for name, bound in (LEAST | MOST).items()}) == []
    assert len(shortfalls(dict.fromkeys(LEAST, -1.0) | dict.fromkeys(MOST, 1.0))) == len(LEAST | MOST)


def test_leaving_something_out_changes_the_ranking_and_is_undone(tmp_path: Path) -> None:
    case = trial("jq", load("jq")[-50:])
    before = ours(case, tmp_path)
    with LEFT_OUT["changes of version control"]():
        assert ours(case, tmp_path) != before
    assert ours(case, tmp_path) == before


def test_a_home_has_the_same_work_whatever_makes_noise_beside_it() -> None:
    def facts(din: frozenset[Din]) -> set[tuple[float, str, str]]:
        return {(event.t, event.op, event.path) for event in home(1, din)[0]}

    quiet = facts(frozenset())
    for kind in Din:
        assert quiet < facts(frozenset({kind}))
    log, asked = home(1)
    assert [event.t for event in log] == sorted(event.t for event in log)
    assert all(question.file not in question.relevant for question in asked)
    assert len({question.change for question in asked}) > 8


def test_noise_of_a_desktop_does_not_get_among_what_belongs_together_at_home(tmp_path: Path) -> None:
    own, plain = at_home(tmp_path, [1], frozenset({Din.BROWSER, Din.DESKTOP}))
    assert own.hit3 > 0.9
    assert own.map10 > plain.map10 + 0.3
