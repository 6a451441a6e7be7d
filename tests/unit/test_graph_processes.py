"""What is remembered of processes is the same after a restart."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mycelial.graph import actors
from mycelial.graph.actors import Actor
from mycelial.graph.processes import Processes
from mycelial.record.events import Process
from tests.unit.tables import derived
from tests.unit.worked import Story


@pytest.fixture
def processes() -> Processes:
    return Processes()


def restarted(processes: Processes) -> Processes:
    again = Processes()
    again.load(iter([(key, state) for key, state in processes.dump() if state is not None]))
    return again


def test_what_another_renamed_has_its_name_after_a_restart_too(tmp_path: Path) -> None:
    databases = []
    for is_restarted in (False, True):
        story = Story(tmp_path / str(is_restarted))
        driver = story.program("gcc").make("out")
        driver.run("as").open("a").make("temporary")
        if is_restarted:
            story.answers().close()
        driver.rename("temporary", "out")
        story.answers().close()
        databases.append(derived(story.database))
    assert databases[0] == databases[1]


def test_what_a_newer_version_says_besides_is_left_out(processes: Processes) -> None:
    known = processes.actor(Process(7, 1, "cat"), 1, 1.0)
    state = {**actors.state_of(known), "of a later time": True}
    assert actors.state_of(actors.actor_from(state)) == actors.state_of(known)


def test_who_wrote_to_a_place_is_told_in_order_of_appearance_always(processes: Processes) -> None:
    first = processes.actor(Process(10, 5, "sh"), 1, 1.0)
    processes.actor(Process(11, 5, "sort", fds=((1, "/tmp/x"),)), 2, 2.0)
    processes.actor(Process(10, 5, "sh", fds=((1, "/tmp/x"),)), 3, 3.0)
    told = [actor.number for actor in processes.writers_to("/tmp/x")]
    assert told == [first.number, first.number + 1]
    assert [actor.number for actor in restarted(processes).writers_to("/tmp/x")] == told


def steps_of(work: Callable[[], object]) -> int:
    """Return how many steps in Python some work takes."""
    steps = 0

    def count(frame: FrameType, what: str, argument: object) -> Any:
        nonlocal steps
        frame.f_trace_opcodes = True
        steps += what == "opcode"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        work()
    finally:
        sys.settrace(before)
    return steps


def start(processes: Processes, pid: int) -> Actor:
    """Let a program start another, which is one unit with it."""
    process = Process(pid, 7, "cat", chain=((7, "driver"), (1, "init")), start=pid)
    return processes.actor(process, pid, float(pid))


def test_in_a_large_unit_it_takes_no_longer_than_in_a_small_one(processes: Processes) -> None:
    processes.actor(Process(7, 1, "driver", chain=((1, "init"),), start=7), 7, 7.0)
    few = steps_of(lambda: start(processes, 100))
    childless = steps_of(lambda: processes.child_before(start(processes, 101), 0.0, 101.0))
    for pid in range(102, 1900):
        start(processes, pid)
    assert steps_of(lambda: start(processes, 1900)) < 1.5 * few
    assert steps_of(lambda: processes.child_before(start(processes, 1901), 0.0, 1901.0)) < 1.5 * childless


def below(processes: Processes, pid: int) -> list[int]:
    return [actor.pid for actor in processes.writing_below(pid, 0.0, set())]


def test_who_says_something_into_a_pipe_is_found_below_what_its_parents_are_now(processes: Processes) -> None:
    def see(parent: int, record: int, *pipes: str) -> None:
        process = Process(10, parent, "cat", chain=((parent, "sh"), (3, "sh")), pipe_out=pipes, start=1)
        processes.actor(process, record, float(record))

    see(5, 1)
    assert [below(processes, pid) for pid in (3, 5)] == [[], []]
    see(5, 2, "77")
    assert [below(processes, pid) for pid in (3, 5)] == [[10], [10]]
    see(6, 3, "77")
    for one in (processes, restarted(processes)):
        assert [below(one, pid) for pid in (3, 6, 10)] == [[10], [10], []]
    processes.actor(Process(10, 1, "cat", start=2), 4, 1e9)  # its id is used again, long after
    assert [below(processes, pid) for pid in (3, 5, 6)] == [[], [], []]


READERS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 12), st.booleans()), max_size=60)


@given(acts=READERS)
@settings(max_examples=60, deadline=None)
def test_what_was_read_is_stored_in_parts_and_known_in_its_order_after_each_restart(
    acts: list[tuple[int, int, bool]],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(actors, "BLOCK", 3)
        patch.setattr("mycelial.graph.processes.READS_EACH", 8)
        known, again, stored = Processes(), Processes(), dict[str, Any]()
        for t, (which, file, restarts) in enumerate(acts):
            for one in (known, again):
                reader = one.actor(Process(10 + which, 5, "cat", start=1), 1, float(t))
                one.read(reader, file, float(t), conducted=False)
            stored.update(again.dump())
            if restarts:
                again = Processes()
                again.load((key, state) for key, state in stored.items() if state is not None)
        for number in (1, 2):
            one, two = known.by_number(number), again.by_number(number)
            assert (one and list(one.reads.items())) == (two and list(two.reads.items()))
        assert dict(known.dump()).items() <= stored.items()


def test_of_thousands_of_reads_only_the_latest_are_written_again(processes: Processes) -> None:
    reader = processes.actor(Process(10, 5, "cat"), 1, 1.0)
    for file in range(1000):
        processes.read(reader, file, 1.0, conducted=False)
    assert sum(len(rows) for key, rows in processes.dump() if " reads" in key) == 1000
    processes.read(reader, 1000, 2.0, conducted=False)
    assert sum(len(rows) for key, rows in processes.dump() if " reads" in key) < 300


@pytest.mark.parametrize("file", [0, 500, 999, 1000], ids=["first", "middle", "last", "new"])
def test_reads_that_an_older_version_stored_together_stay_known_when_some_are_written(
    processes: Processes, file: int
) -> None:
    process = Process(10, 5, "cat", start=1)
    for number in range(1000):
        processes.read(processes.actor(process, 1, 1.0), number, 1.0, conducted=False)
    stored, rows = dict[str, Any](), list[Any]()
    for key, state in processes.dump():
        if " reads" in key:
            rows += [row[:5] for row in state]
        else:
            stored[key] = state
    stored["1 reads"] = rows
    again = Processes()
    again.load(iter(stored.items()))
    again.read(again.actor(process, 1, 2.0), file, 2.0, conducted=False)
    stored.update(again.dump())
    later = Processes()
    later.load((key, state) for key, state in stored.items() if state is not None)
    one, two = again.by_number(1), later.by_number(1)
    assert one is not None
    assert two is not None
    assert list(one.reads.items()) == list(two.reads.items())


def test_reads_that_an_older_version_stored_are_known(processes: Processes) -> None:
    processes.read(processes.actor(Process(10, 5, "cat"), 1, 1.0), 7, 1.0, conducted=False)
    older = {key: [row[:5] for row in state] if " reads" in key else state for key, state in processes.dump()}
    again = Processes()
    again.load(iter(older.items()))
    reader = again.by_number(1)
    assert reader is not None
    assert list(reader.reads) == [7]
