"""Who is looked for among thousands of processes is found at once, and none is left out."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mycelial.graph.actors import Actor
from mycelial.graph.pipeline import Pipeline
from mycelial.graph.processes import Processes
from mycelial.record.events import Event, Process
from mycelial.store.writer import Writer
from tests.unit.worked import Story

SCRIPTS = 200
COMPARED = 10


def scripts(story: Story) -> Iterator[list[Event]]:
    """Yield what happens while a program writes the input of one script after another, and runs each."""
    terminal = story.program("bash").open("notes").make("plan")
    driver = terminal.run("python3", args=("python3", "drive.py"))
    for number in range(SCRIPTS):
        story.events.clear()
        place, pipes = f"{number}", [f"pipe:[{number}{index}]" for index in range(2)]
        driver.make(f"{place}/a")
        driver.run("date", pipe_out=(pipes[0],), fds=((1, pipes[0]),)).make(f"{place}/date")
        shell = driver.run("sh", args=("sh", "run.sh")).open(f"{place}/run.sh")
        shell.run("cat", pipe_out=(pipes[1],), fds=((1, pipes[1]),)).open(f"{place}/a")
        shell.run("sort", pipe_in=(pipes[1],), fds=((0, pipes[1]), (1, f"/m/{place}/c"))).make(f"{place}/c")
        shell.run("sh", pipe_in=(pipes[1],), fds=((0, pipes[1]),)).make(f"{place}/d")
        yield list(story.events)


def steps_of(pipeline: Pipeline, scripts: Iterator[list[Event]]) -> int:
    """Return how many lines of Python are gone through for these."""
    steps = 0

    def count(frame: FrameType, what: str, argument: Any) -> Any:
        nonlocal steps
        steps += what == "line"
        return count

    for events in scripts:
        before = sys.gettrace()
        sys.settrace(count)
        try:
            for event in events:
                pipeline.feed([event])
        finally:
            sys.settrace(before)
    return steps


def test_one_more_script_is_as_much_work_as_the_first_ones_were(tmp_path: Path) -> None:
    story = Story(tmp_path)
    with Writer(story.database) as writer:
        pipeline = Pipeline(writer)
        writer.begin()
        its = scripts(story)
        pipeline.feed([event for events in islice(its, COMPARED) for event in events])
        early = steps_of(pipeline, islice(its, COMPARED))
        pipeline.feed([event for events in islice(its, SCRIPTS - 3 * COMPARED) for event in events])
        late = steps_of(pipeline, its)
        assert pipeline.failures == 0
    assert late < 1.3 * early, (early, late)


ENDS = st.lists(
    st.tuples(st.integers(10, 16), st.integers(0, 6), st.booleans(), st.booleans(), st.integers(0, 5)),
    max_size=40,
)


@settings(deadline=None)
@given(ENDS)
def test_who_finished_something_last_is_found_however_long_ago_it_was(ends: list[tuple[int, ...]]) -> None:
    processes = Processes()
    known: dict[int, Actor] = {}
    for t, (pid, above, is_orphan, is_renamed, product) in enumerate(ends, 1):
        chain = tuple((pid, "sh") for pid in range(above, 7))
        parent = 1 if is_orphan else above
        actor = processes.actor(Process(pid, parent, "cat", chain=chain, start=1), t, float(t))
        known[actor.number] = actor
        if is_renamed and actor.finished:
            other = known[min(known)]
            latest = next(reversed(other.finished), None)
            if latest is not None:
                processes.finish(other, product + 10, other.finished.pop(latest))
        processes.finish(actor, product, float(t))
    again = Processes()
    again.load(iter([(key, state) for key, state in processes.dump() if state is not None]))
    for pid in range(17):
        for t in range(len(ends) + 2):
            its = [actor for actor in known.values() if actor.pid == pid or actor.is_below(pid)]
            last = max((end for one in its for end in one.finished.values() if end < t), default=0.0)
            assert processes.finishing.last_before(pid, float(t)) == last
            assert again.finishing.last_before(pid, float(t)) == last
