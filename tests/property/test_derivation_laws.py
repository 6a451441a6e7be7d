"""Laws of the derivation: whoever feeds the events, in whatever portions, gets the same relations."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

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


def answers_of(
    db: Path, uid: int | None = None, paths: Iterable[str] = PATHS
) -> dict[tuple[str, str], list[Related]]:
    """Return every ranking of every path."""
    with Answers.open(db, uid) as answers:
        rankings = (answers.related, answers.together, answers.next, answers.sources, answers.products)
        return {(ranking.__name__, path): ranking(path) for ranking in rankings for path in paths}


def groups(db: Path, uid: int | None) -> list[list[str]]:
    """Return the pieces of work, without their numbers and the order of their files."""
    with Answers.open(db, uid) as answers:
        return sorted(sorted(cluster.members) for cluster in answers.clusters(100, 100))


def sessions(db: Path, uid: int) -> list[tuple[float, float, frozenset[str]]]:
    """Return when a user worked, and on what."""
    with Answers.open(db, uid) as answers:
        return [(s.started, s.ended, frozenset(s.members)) for s in answers.sessions(100)]


def found(told: list[Related]) -> dict[str, Any]:
    """Return what is told of each file but for the time, up to rounding."""
    return {one.path: (one.episodes, pytest.approx(one.score, rel=1e-6)) for one in told}


def work() -> st.SearchStrategy[list[tuple[Op, str, int]]]:
    """What one terminal does: in some processes it reads and writes a few files."""
    ops = st.sampled_from((Op.OPEN, Op.READ, Op.WRITE, Op.CREATE))
    return st.lists(st.tuples(ops, st.sampled_from(PATHS[:5]), st.integers(1, 3)), min_size=1, max_size=12)


def event_of(step: tuple[Op, str, int], place: str, shell: int) -> Event:
    """Return a step of :func:`work` as done below `place`, from a shell; its time is not set yet."""
    op, path, number = step
    process = Process(shell + number, shell, ("vim", "cc1", "python3")[number - 1], 1000)
    chain = ((shell, "bash"), (40, "sshd"))
    return Event(0.0, op, f"{place}/{path}", process._replace(chain=chain, start=shell + number))


def feed(db: Path, events: list[Event]) -> None:
    replay(db, events, rules=EVERYTHING)


@given(logs(), st.lists(st.integers(0, 60), max_size=4))
@settings(max_examples=30)
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
@settings(max_examples=25)
def test_shifting_all_times_changes_nothing_but_the_times(log: list[Event], shift: float) -> None:
    with TemporaryDirectory() as directory:
        one, other = Path(directory) / "one.db", Path(directory) / "other.db"
        feed(one, log)
        feed(other, [event._replace(t=event.t + shift) for event in log])
        compare(answers_of(one), answers_of(other), shift)


@given(logs(users=(1000,)), logs(users=(1001,)))
@settings(max_examples=25)
def test_two_unrelated_users_get_the_same_answers_as_alone(mine: list[Event], others: list[Event]) -> None:
    elsewhere = [
        event._replace(
            path=f"other/{event.path}",
            to=None if event.to is None else f"other/{event.to}",
            process=event.process._replace(pid=event.process.pid + 100, pipe_in=(), pipe_out=()),
        )
        for event in others
    ]
    with TemporaryDirectory() as directory:
        merged = Path(directory) / "merged.db"
        feed(merged, sorted(mine + elsewhere, key=lambda event: event.t))
        for uid, own in ((1000, mine), (1001, elsewhere)):
            alone = Path(directory) / f"{uid}.db"
            feed(alone, own)
            paths = [path if uid == 1000 else f"other/{path}" for path in PATHS]
            compare(answers_of(alone, uid, paths), answers_of(merged, uid, paths), 0.0)
            assert groups(alone, uid) == groups(merged, uid)
            assert sessions(alone, uid) == sessions(merged, uid)


@given(st.lists(st.tuples(work(), work(), st.randoms(use_true_random=False)), min_size=1, max_size=4))
@settings(max_examples=25)
def test_the_order_of_independent_events_does_not_matter(days: list[tuple[Any, Any, Random]]) -> None:
    """What two terminals do with files of their own, in whatever order it arrives within an episode.

    What comes `next` is a matter of order, and so, a little, is `related`.
    """
    one_after_the_other, mixed = [], []
    for day, (here, there, random) in enumerate(days):
        first = [event_of(step, "here", 50) for step in here]
        second = [event_of(step, "there", 60) for step in there]
        straight = first + second
        ways = [0] * len(first) + [1] * len(second)
        random.shuffle(ways)
        waiting = [iter(first), iter(second)]
        shuffled = [next(waiting[way]) for way in ways]
        for log, order in ((one_after_the_other, straight), (mixed, shuffled)):
            log += [event._replace(t=1e9 + day * DAY + n / 100) for n, event in enumerate(order)]
    with TemporaryDirectory() as directory:
        one, other = Path(directory) / "one.db", Path(directory) / "other.db"
        feed(one, one_after_the_other)
        feed(other, mixed)
        assert groups(one, None) == groups(other, None)
        with Answers.open(one, None) as a, Answers.open(other, None) as b:
            for path in (f"{place}/{path}" for place in ("here", "there") for path in PATHS[:5]):
                assert found(a.sources(path)) == found(b.sources(path))
                assert found(a.products(path)) == found(b.products(path))
                assert found(a.together(path)) == found(b.together(path))


@given(logs(users=(1000,)))
@settings(max_examples=25)
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
