"""Laws of the derivation: whoever feeds the events, in whatever portions, gets the same relations."""

from __future__ import annotations

from dataclasses import replace as changed
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mycelial.graph import bursts
from mycelial.graph.processes import Processes
from mycelial.graph.rebuild import rebuild, replay
from mycelial.record.events import Event, Op, Process
from mycelial.record.exclude import ExclusionRules
from mycelial.record.jsonl import event_from_json, event_to_json
from mycelial.store.answers import Answers, Related
from tests.property.strategies_of_work import PATHS, logs
from tests.unit.tables import derived

EVERYTHING = ExclusionRules(())
DAY = 86_400.0


def answers_of(db: Path, uid: int | None = None) -> dict[tuple[str, str], list[Related]]:
    """Return every ranking of every path."""
    with Answers.open(db, uid) as answers:
        rankings = (answers.related, answers.together, answers.next, answers.sources, answers.products)
        return {(ranking.__name__, path): ranking(path) for ranking in rankings for path in PATHS}


def feed(db: Path, events: list[Event]) -> None:
    replay(db, events, rules=EVERYTHING)


@given(logs(), st.lists(st.integers(0, 60), max_size=4))
@settings(max_examples=60)
def test_rebuild_replay_and_any_number_of_restarts_give_the_same(log: list[Event], cuts: list[int]) -> None:
    with TemporaryDirectory() as directory:
        live, copy = Path(directory) / "live.db", Path(directory) / "copy.db"
        bounds = [0, *sorted(cuts), len(log)]
        for start, end in pairwise(bounds):
            feed(live, log[start:end])
        printed = [event_to_json(event) for event in Answers.open(live, None).events()]
        assert printed == [event_to_json(event) for event in log]
        feed(copy, [event_from_json(line) for line in printed])
        expected = derived(live)
        assert derived(copy) == expected
        rebuild(live)
        assert derived(live) == expected


@given(logs(), st.sampled_from([-400 * DAY, -0.5, 30 * DAY, 3000 * DAY]))
@settings(max_examples=40)
def test_shifting_all_times_changes_nothing_but_the_times(log: list[Event], shift: float) -> None:
    with TemporaryDirectory() as directory:
        one, other = Path(directory) / "one.db", Path(directory) / "other.db"
        feed(one, log)
        feed(other, [changed(event, t=event.t + shift) for event in log])
        compare(answers_of(one), answers_of(other), shift)


@given(logs(users=(1000,)), logs(users=(1001,)), st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_two_unrelated_users_get_the_same_answers_as_alone(
    mine: list[Event], others: list[Event], random: object
) -> None:
    elsewhere = [
        changed(
            event,
            path=f"other/{event.path}",
            to=None if event.to is None else f"other/{event.to}",
            process=changed(event.process, pid=event.process.pid + 100, pipe_in=(), pipe_out=()),
        )
        for event in others
    ]
    with TemporaryDirectory() as directory:
        alone, merged = Path(directory) / "alone.db", Path(directory) / "merged.db"
        feed(alone, mine)
        feed(merged, sorted(mine + elsewhere, key=lambda event: event.t))
        compare(answers_of(alone, 1000), answers_of(merged, 1000), 0.0)


@given(st.lists(st.sampled_from(PATHS), min_size=2, max_size=8, unique=True), st.data())
@settings(max_examples=40)
def test_the_order_of_independent_events_does_not_matter_for_together(
    paths: list[str], data: st.DataObject
) -> None:
    def episode(order: list[str]) -> list[Event]:
        process = Process(10, 5, "vim", 1000)
        return [Event(1e9 + number, Op.WRITE, path, process) for number, path in enumerate(order)]

    with TemporaryDirectory() as directory:
        one, other = Path(directory) / "one.db", Path(directory) / "other.db"
        feed(one, episode(paths))
        feed(other, episode(data.draw(st.permutations(paths))))
        for path in paths:
            with Answers.open(one, None) as first, Answers.open(other, None) as second:
                a, b = first.together(path), second.together(path)
            assert [(x.path, x.episodes) for x in a] == [(x.path, x.episodes) for x in b]
            assert [x.score for x in a] == pytest.approx([x.score for x in b])


@given(logs(users=(1000,)))
@settings(max_examples=40)
def test_answers_name_only_files_that_are_there_and_never_the_one_asked_for(log: list[Event]) -> None:
    with TemporaryDirectory() as directory:
        db = Path(directory) / "a.db"
        feed(db, log)
        with Answers.open(db, None) as answers:
            for (_, asked), found in answers_of(db).items():
                names = [related.path for related in found]
                assert asked not in names
                assert len(set(names)) == len(names)
                assert all(answers.known(name) for name in names)
                order = [(-related.score, related.path) for related in found]
                assert order == sorted(order)


@given(st.lists(st.tuples(st.integers(0, 40), st.sampled_from([0.0, 0.2, 0.5, 6.0])), max_size=120))
def test_a_burst_of_few_files_is_never_a_sweep(accesses: list[tuple[int, float]]) -> None:
    actor = Processes().actor(Process(10, 5, "less"), 1, 0.0)
    found, t = bursts.Bursts(), 0.0
    for file, pause in accesses:
        t += pause
        burst, _ = found.access(actor, file % (bursts.BREADTH - 1), t)
        assert not burst.is_sweep


def compare(
    one: dict[tuple[str, str], list[Related]], other: dict[tuple[str, str], list[Related]], shift: float
) -> None:
    """The same but for rounding; files of equal score may change places."""
    for question, found in one.items():
        mirrored = {related.path: related for related in other[question]}
        assert {related.path for related in found} == set(mirrored)
        for related in found:
            twin = mirrored[related.path]
            assert related.score == pytest.approx(twin.score, rel=1e-6, abs=1e-9)
            assert (related.episodes, related.programs) == (twin.episodes, twin.programs)
            if related.last:
                assert related.last + shift == pytest.approx(twin.last, abs=1e-3)
